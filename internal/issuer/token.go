package issuer

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/casarerpa/fleet/fleet"
)

// The bounds of a token, and by how much clocks may differ.
const (
	maxToken = 16 << 10
	skew     = 60 * time.Second
)

// LooksSigned says from its form alone whether a text can be a signed token.
func LooksSigned(text string) bool {
	return len(text) <= maxToken && strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}

// header is what a token says before anybody has checked it.
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Type      string          `json:"typ"`
	JKU       json.RawMessage `json:"jku"`
	X5U       json.RawMessage `json:"x5u"`
	X5C       json.RawMessage `json:"x5c"`
	JWK       json.RawMessage `json:"jwk"`
	Critical  json.RawMessage `json:"crit"`
}

// times are the claims of time. A token without an end never counts.
type times struct {
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	Issued    *float64 `json:"iat"`
	Party     string   `json:"azp"`
}

// bad is the one answer to every token that does not count.
func bad() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "credential_invalid", "The token of the issuer does not count.")
}

// Verify checks a token that a program brought.
func (i *Issuer) Verify(ctx context.Context, token string) (fleet.Identity, error) {
	return i.check(ctx, token, i.o.Audience, "", "", "JWT", "at+jwt", "application/at+jwt")
}

// check accepts a token of this issuer for an audience. nonce is compared if it
// is given; types are what the header may call the token.
func (i *Issuer) check(ctx context.Context, token, audience, nonce string, types ...string) (id fleet.Identity, err error) {
	kid, ok := i.plain(token, types)
	if !LooksSigned(token) || !ok {
		return id, bad()
	}
	// Looked for before: the library keeps no difference between a key that there
	// is not and an issuer that does not answer.
	if _, err := i.keys.key(ctx, kid); unreached(err) {
		return id, err
	}
	verifier := oidc.NewVerifier(i.o.URL, i.keys, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: []string{i.o.Algorithm}, SkipExpiryCheck: true, Now: i.o.Now, // times are checked below
	})
	got, err := verifier.Verify(ctx, token)
	if err != nil {
		return id, bad()
	}
	var at times
	var claims map[string]any
	if got.Claims(&at) != nil || got.Claims(&claims) != nil || got.Subject == "" || len(got.Subject) > 255 {
		return id, bad()
	}
	now := i.o.Now()
	switch {
	case at.Expires == nil || !now.Before(moment(*at.Expires).Add(skew)):
		return id, bad()
	case at.NotBefore != nil && now.Before(moment(*at.NotBefore).Add(-skew)):
		return id, bad()
	case at.Issued != nil && now.Before(moment(*at.Issued).Add(-skew)):
		return id, bad()
	case len(got.Audience) > 1 && at.Party != "" && at.Party != i.o.ClientID:
		return id, bad()
	case nonce != "" && subtle.ConstantTimeCompare([]byte(got.Nonce), []byte(nonce)) != 1:
		return id, bad()
	}
	id, err = i.o.Claims.identity(claims)
	id.Issuer, id.Subject, id.Expires = i.o.URL, got.Subject, moment(*at.Expires)
	if id.Name == "" {
		id.Name = got.Subject
	}
	return id, err
}

func moment(seconds float64) time.Time {
	const most = 1 << 40 // far beyond any token, far below where a duration ends
	return time.Unix(int64(min(max(seconds, 0), most)), 0)
}

// plain looks at the header before anything is believed of it: the one algorithm,
// a key by its name, and nothing that brings or names another key.
func (i *Issuer) plain(token string, types []string) (kid string, ok bool) {
	part, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(part)
	var h header
	if err != nil || json.Unmarshal(text, &h) != nil {
		return "", false
	}
	for _, no := range []json.RawMessage{h.JKU, h.X5U, h.X5C, h.JWK, h.Critical} {
		if no != nil {
			return "", false
		}
	}
	return h.KeyID, h.Algorithm == i.o.Algorithm && h.KeyID != "" && slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, h.Type) })
}
