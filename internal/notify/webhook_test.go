package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/outbound"
)

var then = time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)

// TestSign is the test vector that Standard Webhooks publish.
func TestSign(t *testing.T) {
	got, err := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%q, %v", got, err)
	}
	for _, secret := range []string{"", "whsec_", "whsec_?"} {
		if _, err := Sign(secret, "x", then, nil); err == nil {
			t.Errorf("%q signs", secret)
		}
	}
}

// receiver is a web server that checks by itself who calls.
func receiver(t *testing.T, secret string, answer int) (*httptest.Server, *[]string) {
	t.Helper()
	var ids []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key, _ := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
		m := hmac.New(sha256.New, key)
		_, _ = io.WriteString(m, strings.Join([]string{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), string(body)}, "."))
		if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
		}
		ids = append(ids, r.Header.Get("webhook-id"))
		if answer/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(answer)
	}))
	t.Cleanup(s.Close)
	return s, &ids
}

func TestWebhook(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, c := range []struct {
		answer int
		fault  string
	}{{200, ""}, {204, ""}, {302, "has answered 302"}, {410, "has answered 410"}, {500, "has answered 500"}} {
		s, ids := receiver(t, secret, c.answer)
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		err := New(Options{Client: client}).Webhook(t.Context(), s.URL+"/in?token=hidden", secret, "n-1", then, []byte(`{"a":1}`))
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%d: %v", c.answer, err)
		}
		if len(*ids) != 1 || (*ids)[0] != "n-1" {
			t.Errorf("%d: called with %v", c.answer, *ids)
		}
		s.Close()
		err = New(Options{Client: client}).Webhook(t.Context(), s.URL+"/in?token=hidden", secret, "n-1", then, nil)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("of a receiver that is gone: %v", err)
		}
	}
	if err := New(Options{Client: http.DefaultClient}).Webhook(t.Context(), "http://127.0.0.1:1/", secret, "n", then, nil); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("without encryption: %v", err)
	}
}

// A receiver on this machine is not called by an orchestrator that does not allow
// it, and is by one that does, as far as its certificate goes.
func TestGuard(t *testing.T) {
	s, ids := receiver(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 200)
	strict := New(Options{Client: outbound.Client(outbound.Strict(), outbound.Options{Redirects: -1})})
	err := strict.Webhook(t.Context(), s.URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "n", then, nil)
	if !outbound.Refused(err) || len(*ids) != 0 {
		t.Errorf("%v, called %v", err, *ids)
	}
	allowed := New(Options{Client: outbound.Client(outbound.Strict(netip.MustParsePrefix("127.0.0.0/8")), outbound.Options{Redirects: -1})})
	err = allowed.Webhook(t.Context(), s.URL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "n", then, nil)
	if err == nil || !strings.Contains(err.Error(), "certificate") { // an unknown authority
		t.Errorf("%v", err)
	}
	var e *fleet.Error
	if !errors.As(err, &e) || e.Code != fleet.CodeUnavailable {
		t.Errorf("code of %v", err)
	}
}
