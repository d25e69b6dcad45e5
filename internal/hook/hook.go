// Package hook decides whether a web call comes from who it says: it knows the
// ways in which the usual senders sign what they send. What we send ourselves it
// signs by the same sum.
//
// It must not answer requests, look anything up or remember anything: the body,
// the headers, the secret and the time are its arguments.
//
// Guarantees: secrets and signatures are compared in constant time. A call that
// is not proven gets the same error whatever was wrong with it, so that nobody
// learns by trying. A signed time that is too far off is refused: an old call
// cannot be sent again.
package hook

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // for senders that know nothing else, chosen by name
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
)

// Call is one call as it came.
type Call struct {
	Header func(name string) string
	Body   []byte
}

// errUnproven tells nobody what was wrong.
func errUnproven() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "webhook_unproven", "The call does not prove that it comes from who may call here.").
		WithFix("Look at the secret and at the way in which the sender signs; a signed time may be 5 minutes off.")
}

// usualHeaders are where a signature or a key stands, unless the rule names it.
var usualHeaders = map[fleet.WebhookAuth][]string{
	fleet.WebhookKey:    {"X-Api-Key", "X-Webhook-Secret", "Api-Key"},
	fleet.WebhookSHA256: {"X-Hub-Signature-256", "X-Webhook-Signature"},
	fleet.WebhookSHA384: {"X-Webhook-Signature"},
	fleet.WebhookSHA512: {"X-Webhook-Signature"},
	fleet.WebhookSHA1:   {"X-Hub-Signature", "X-Webhook-Signature"},
	fleet.WebhookStripe: {"Stripe-Signature"},
}

// Check proves a call, or fails. The secret is as the sender has it.
func Check(w *fleet.WebhookRule, secret string, c Call, now time.Time) error {
	ok := false
	if secret != "" {
		switch w.Auth {
		case fleet.WebhookKey:
			ok = equal(c.first(w), secret)
		case fleet.WebhookBearer:
			scheme, token, _ := strings.Cut(c.Header("Authorization"), " ")
			ok = strings.EqualFold(scheme, "bearer") && equal(strings.TrimSpace(token), secret)
		case fleet.WebhookSHA256:
			ok = c.signed(w, secret, sha256.New)
		case fleet.WebhookSHA384:
			ok = c.signed(w, secret, sha512.New384)
		case fleet.WebhookSHA512:
			ok = c.signed(w, secret, sha512.New)
		case fleet.WebhookSHA1:
			ok = c.signed(w, secret, sha1.New)
		case fleet.WebhookStripe:
			ok = c.stripe(w, secret, now)
		case fleet.WebhookStandard:
			ok = c.standard(secret, now)
		}
	}
	if !ok {
		return errUnproven()
	}
	return nil
}

// Delivery is the name that the sender gives to a call; empty if it gives none.
func Delivery(w *fleet.WebhookRule, c Call) (string, error) {
	names := []string{"X-GitHub-Delivery", "Idempotency-Key"}
	switch {
	case w.DeliveryHeader != "":
		names = []string{w.DeliveryHeader}
	case w.Auth == fleet.WebhookStandard:
		names = []string{HeaderID}
	}
	for _, name := range names {
		if id := c.Header(textproto.CanonicalMIMEHeaderKey(name)); id != "" {
			if len(id) > fleet.MaxDeliveryID || !utf8.ValidString(id) {
				return "", fleet.Invalid("headers."+name, "The name of a delivery is text of at most %d bytes; got %d.", fleet.MaxDeliveryID, len(id))
			}
			return id, nil
		}
	}
	return "", nil
}

// equal compares in constant time; the hashes hide the length.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// first is what the header of the rule holds, or the first of the usual ones.
func (c Call) first(w *fleet.WebhookRule) string {
	if w.Header != "" {
		return c.Header(textproto.CanonicalMIMEHeaderKey(w.Header))
	}
	for _, name := range usualHeaders[w.Auth] {
		if v := c.Header(name); v != "" {
			return v
		}
	}
	return ""
}

// signed checks a signature over the body, in hex or base64, with or without the
// name of the hash before it.
func (c Call) signed(w *fleet.WebhookRule, secret string, newHash func() hash.Hash) bool {
	text := strings.TrimSpace(c.first(w))
	if name, rest, ok := strings.Cut(text, "="); ok && strings.HasPrefix(strings.ToLower(name), "sha") {
		text = rest
	}
	given, err := hex.DecodeString(text)
	if err != nil {
		if given, err = base64.StdEncoding.DecodeString(text); err != nil {
			return false
		}
	}
	return hmac.Equal(given, sum(newHash, []byte(secret), c.Body))
}

func sum(newHash func() hash.Hash, secret []byte, parts ...[]byte) []byte {
	m := hmac.New(newHash, secret)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// near says whether a signed time, in seconds since 1970, is near enough.
func near(text string, now time.Time) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return false
	}
	off := now.Sub(time.Unix(n, 0))
	return off.Abs() <= fleet.WebhookWindow
}

// stripe checks t=TIME,v1=HEX[,v1=HEX] over TIME.BODY.
func (c Call) stripe(w *fleet.WebhookRule, secret string, now time.Time) bool {
	var at string
	var given [][]byte
	for part := range strings.SplitSeq(c.first(w), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			at = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil && len(given) < 8 {
				given = append(given, b)
			}
		}
	}
	return near(at, now) && among(given, sum(sha256.New, []byte(secret), []byte(at), []byte("."), c.Body))
}

// standard checks the headers of Standard Webhooks: v1,BASE64 over ID.TIME.BODY.
func (c Call) standard(secret string, now time.Time) bool {
	key, ok := secretKey(secret)
	if !ok {
		return false
	}
	id, at := c.Header(HeaderID), c.Header(HeaderTimestamp)
	if id == "" || !near(at, now) {
		return false
	}
	var given [][]byte
	for part := range strings.FieldsSeq(c.Header(HeaderSignature)) {
		version, text, _ := strings.Cut(part, ",")
		if b, err := base64.StdEncoding.DecodeString(text); version == "v1" && err == nil && len(given) < 8 {
			given = append(given, b)
		}
	}
	return among(given, standardSum(key, id, at, c.Body))
}

func among(given [][]byte, want []byte) (found bool) {
	for _, g := range given {
		found = hmac.Equal(g, want) || found
	}
	return found
}
