package hook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/hook"
)

func call(body string, headers ...string) hook.Call {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return hook.Call{Header: h.Get, Body: []byte(body)}
}

// The published examples of those who sign.
func TestPublishedExamples(t *testing.T) {
	at := time.Unix(1614265330, 0)
	for name, c := range map[string]struct {
		rule   fleet.WebhookRule
		secret string
		call   hook.Call
	}{
		"GitHub": {
			fleet.WebhookRule{Auth: fleet.WebhookSHA256},
			"It's a Secret to Everybody",
			call("Hello, World!", "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
		},
		"Standard Webhooks": {
			fleet.WebhookRule{Auth: fleet.WebhookStandard},
			"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
			call(`{"test": 2432232314}`, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
				"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
		},
	} {
		if err := hook.Check(&c.rule, c.secret, c.call, at); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.call.Body = append(c.call.Body, ' ')
		if err := hook.Check(&c.rule, c.secret, c.call, at); err == nil {
			t.Errorf("%s: a body that was changed is taken", name)
		}
	}
}

func TestWays(t *testing.T) {
	const secret = "a secret of a sender"
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.{}", now.Unix())
	stripe := fmt.Sprintf("t=%d,v1=%s,v1=%s", now.Unix(), hex.EncodeToString(make([]byte, 32)), hex.EncodeToString(mac.Sum(nil)))
	for name, c := range map[string]struct {
		rule fleet.WebhookRule
		call hook.Call
		at   time.Time
		good bool
	}{
		"key":                    {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("{}", "X-Api-Key", secret), now, true},
		"key in another usual":   {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("{}", "api-key", secret), now, true},
		"key in a named header":  {fleet.WebhookRule{Auth: fleet.WebhookKey, Header: "X-Mine"}, call("{}", "x-mine", secret), now, true},
		"key not where it is":    {fleet.WebhookRule{Auth: fleet.WebhookKey, Header: "X-Mine"}, call("{}", "X-Api-Key", secret), now, false},
		"wrong key":              {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("{}", "X-Api-Key", secret+"."), now, false},
		"no key":                 {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("{}"), now, false},
		"bearer":                 {fleet.WebhookRule{Auth: fleet.WebhookBearer}, call("{}", "Authorization", "bearer "+secret), now, true},
		"basic":                  {fleet.WebhookRule{Auth: fleet.WebhookBearer}, call("{}", "Authorization", "Basic "+secret), now, false},
		"stripe":                 {fleet.WebhookRule{Auth: fleet.WebhookStripe}, call("{}", "Stripe-Signature", stripe), now.Add(299 * time.Second), true},
		"stripe, old":            {fleet.WebhookRule{Auth: fleet.WebhookStripe}, call("{}", "Stripe-Signature", stripe), now.Add(301 * time.Second), false},
		"stripe, from tomorrow":  {fleet.WebhookRule{Auth: fleet.WebhookStripe}, call("{}", "Stripe-Signature", stripe), now.Add(-301 * time.Second), false},
		"stripe without a time":  {fleet.WebhookRule{Auth: fleet.WebhookStripe}, call("{}", "Stripe-Signature", "v1=00"), now, false},
		"signature of nothing":   {fleet.WebhookRule{Auth: fleet.WebhookSHA512}, call("{}", "X-Webhook-Signature", "sha512="), now, false},
		"signature of no form":   {fleet.WebhookRule{Auth: fleet.WebhookSHA384}, call("{}", "X-Webhook-Signature", "%%%"), now, false},
		"standard without an id": {fleet.WebhookRule{Auth: fleet.WebhookStandard}, call("{}", "webhook-timestamp", "1"), now, false},
	} {
		err := hook.Check(&c.rule, secret, c.call, c.at)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		var e *fleet.Error
		if err != nil && (!errors.As(err, &e) || e.Reason != "webhook_unproven") {
			t.Errorf("%s: %v says more than it may", name, err)
		}
		if hook.Check(&c.rule, "", c.call, c.at) == nil {
			t.Errorf("%s: taken without a secret", name)
		}
	}
}

func TestDelivery(t *testing.T) {
	long := string(make([]byte, fleet.MaxDeliveryID+1))
	for name, c := range map[string]struct {
		rule fleet.WebhookRule
		call hook.Call
		want string
		bad  bool
	}{
		"GitHub":   {fleet.WebhookRule{Auth: fleet.WebhookSHA256}, call("", "X-GitHub-Delivery", "d1"), "d1", false},
		"standard": {fleet.WebhookRule{Auth: fleet.WebhookStandard}, call("", "webhook-id", "d2"), "d2", false},
		"named":    {fleet.WebhookRule{Auth: fleet.WebhookKey, DeliveryHeader: "X-No"}, call("", "x-no", "7", "Idempotency-Key", "8"), "7", false},
		"none":     {fleet.WebhookRule{Auth: fleet.WebhookKey}, call(""), "", false},
		"no text":  {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("", "Idempotency-Key", "a\xff"), "", true},
		"too long": {fleet.WebhookRule{Auth: fleet.WebhookKey}, call("", "Idempotency-Key", long), "", true},
	} {
		got, err := hook.Delivery(&c.rule, c.call)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzCheck: whatever the headers and the body are, nothing but the secret opens.
func FuzzCheck(f *testing.F) {
	f.Add("stripe", "t=1,v1=00", "{}", "1")
	f.Add("standard_webhooks", "v1,AAAA v1a,x", "{}", "1614265330")
	f.Add("hmac_sha256", "sha256=00", "", "")
	f.Add("bearer", "Bearer x", "", "")
	f.Fuzz(func(t *testing.T, way, text, body, at string) {
		c := hook.Call{Body: []byte(body), Header: func(name string) string {
			if name == "Webhook-Timestamp" {
				return at
			}
			return text
		}}
		rule := fleet.WebhookRule{Auth: fleet.WebhookAuth(way)}
		if hook.Check(&rule, "a secret that was never sent", c, time.Unix(1614265330, 0)) == nil {
			t.Errorf("opened by %q", text)
		}
		_, _ = hook.Delivery(&rule, c)
	})
}
