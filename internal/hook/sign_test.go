package hook_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/hook"
)

// TestSignPublishedExample signs what the standard publishes.
func TestSignPublishedExample(t *testing.T) {
	got, err := hook.Sign([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		hook.HeaderID: "msg_p5jXN8AQM9LWM0D4loKWxJek", hook.HeaderTimestamp: "1614265330",
		hook.HeaderSignature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestSignTwice lets either of two secrets prove a call, and no third one.
func TestSignTwice(t *testing.T) {
	make1 := func(b byte) string {
		s, err := hook.MakeSecret(bytes.NewReader(bytes.Repeat([]byte{b}, 64)))
		if err != nil || !hook.ValidSecret(s) {
			t.Fatalf("%q: %v", s, err)
		}
		return s
	}
	now, body := time.Unix(1800000000, 0), []byte(`{"id":"1"}`)
	older, newer, other := make1(1), make1(2), make1(3)
	headers, err := hook.Sign([]string{newer, older}, "e1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	rule := fleet.WebhookRule{Auth: fleet.WebhookStandard}
	c := hook.Call{Header: func(name string) string { return headers[name] }, Body: body}
	for secret, good := range map[string]bool{newer: true, older: true, other: false} {
		if err := hook.Check(&rule, secret, c, now); (err == nil) != good {
			t.Errorf("good %v: %v", good, err)
		}
	}
	if n := len(strings.Fields(headers[hook.HeaderSignature])); n != 2 {
		t.Errorf("%d signatures, want 2", n)
	}
}

func TestSecrets(t *testing.T) {
	for text, want := range map[string]bool{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":       true,  // 24 bytes
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":             false, // without its mark
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa":         false, // 22 bytes
		"whsec_" + strings.Repeat("AAAA", 21) + "AA==": true,  // 64 bytes
		"whsec_" + strings.Repeat("AAAA", 22):          false, // 66 bytes
		"whsec_%%%":                                    false,
		"":                                             false,
	} {
		if hook.ValidSecret(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
	if _, err := hook.MakeSecret(iotest.ErrReader(iotest.ErrTimeout)); err == nil {
		t.Error("a secret was made without chance")
	}
	if _, err := hook.Sign([]string{"whsec_%%%"}, "e", time.Now(), nil); err == nil {
		t.Error("signed with what is no secret")
	}
}
