package orchestrator

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// A mail server that repeats what it was sent tells nobody the password, neither
// plain nor as it travels.
func TestFaultHidesThePassword(t *testing.T) {
	const password = "hunter2-hunter2"
	sent := base64.StdEncoding.EncodeToString([]byte("\x00ada\x00" + password))
	login := base64.StdEncoding.EncodeToString([]byte(password))
	got := faultOf(errors.New("500 unrecognized: AUTH PLAIN "+sent+", AUTH LOGIN <"+login+"> with "+password), password)
	for _, secret := range []string{password, sent, login} {
		if strings.Contains(got, secret) {
			t.Errorf("it tells %q", got)
		}
	}
	if !strings.Contains(got, "unrecognized") {
		t.Errorf("it does not say what went wrong: %q", got)
	}
}
