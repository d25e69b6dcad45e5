package issuer_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/issuer"
	"github.com/casarerpa/fleet/internal/issuer/issuertest"
)

// sign is up.Sign for inside a target, where what cannot be signed is no fault.
func sign(up *issuertest.Issuer, claims map[string]any, headers map[jose.HeaderKey]any) (string, bool) {
	o := &jose.SignerOptions{}
	o.WithType("JWT").WithHeader("kid", "k1")
	for name, value := range headers {
		o.WithHeader(name, value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: up.Algorithm(), Key: up.Key}, o)
	if err != nil {
		return "", false
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", false
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", false
	}
	out, err := signed.CompactSerialize()
	return out, err == nil
}

// FuzzToken reads any text as a token, and any claims under a signature that is
// good: none panics, a text that the issuer did not sign is nobody, and of what
// it did sign only that counts which is for us and has an end that is not over.
func FuzzToken(f *testing.F) {
	up := issuertest.New(f)
	a := newClient(up, time.Minute)
	good, err := json.Marshal(up.Token(nil))
	if err != nil {
		f.Fatal(err)
	}
	signed := up.Sign(up.Token(nil))
	f.Add(signed[:len(signed)-8]+"AAAAAAAA", string(good))
	f.Add("eyJhbGciOiJub25lIn0.e30.", `{}`)
	f.Add(strings.Repeat("eyJ.", 3), `{"iss":"x","sub":"person-1","aud":["`+up.Client+`"],"exp":1e400}`)
	f.Add("eyJ..", `{"exp":null,"aud":{},"sub":7}`)
	f.Add("", `{"iss":"`+up.URL+`","sub":"person-1","aud":"`+up.Client+`","exp":99999999999,"groups":"ops","nbf":-1}`)
	f.Fuzz(func(t *testing.T, text, claims string) {
		id, err := a.Verify(t.Context(), text)
		if err == nil {
			t.Errorf("%q is %+v", text, id)
		}
		if !refused(err) && !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("%q: %v", text, err)
		}
		if issuer.LooksSigned(text) && strings.Count(text, ".") != 2 {
			t.Errorf("%q looks signed", text)
		}
		var in map[string]any
		if json.Unmarshal([]byte(claims), &in) != nil || in == nil {
			return
		}
		token, ok := sign(up, in, nil)
		if !ok {
			return
		}
		id, err = a.Verify(t.Context(), token)
		if err != nil {
			return
		}
		end, _ := in["exp"].(float64)
		aud, _ := in["aud"].([]any)
		if in["iss"] != up.URL || in["aud"] != any(up.Client) && !slices.Contains(aud, any(up.Client)) || end < float64(a.clock().Add(-time.Minute).Unix()) {
			t.Errorf("%s counts", claims)
		}
		if id.Subject == "" || id.Subject != in["sub"] || id.Issuer != up.URL || id.Role == "" {
			t.Errorf("%s is %+v", claims, id)
		}
	})
}

// FuzzTokenHeader signs good claims under any header: what names or brings
// another key, or another way of signing, never counts.
func FuzzTokenHeader(f *testing.F) {
	up := issuertest.New(f)
	a := newClient(up, time.Minute)
	for _, h := range []string{"{}", `{"typ":"JWT"}`, `{"crit":["exp"]}`, `{"jku":"http://evil.test"}`, `{"kid":"../../x"}`, `{"typ":"at+jwt","x5c":[]}`, `{"b64":false}`} {
		f.Add(h)
	}
	body := base64.RawURLEncoding.EncodeToString
	f.Fuzz(func(t *testing.T, text string) {
		var in map[string]any
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		extra := map[jose.HeaderKey]any{}
		for k, v := range in {
			if k != "alg" && k != "kid" && k != "typ" && k != "b64" {
				extra[jose.HeaderKey(k)] = v
			}
		}
		// A header that somebody wrote over a signature for another one.
		token, ok := sign(up, up.Token(nil), nil)
		if !ok {
			t.Fatal("nothing can be signed")
		}
		parts := strings.Split(token, ".")
		if _, err := a.Verify(t.Context(), body([]byte(text))+"."+parts[1]+"."+parts[2]); err == nil {
			t.Errorf("%s over another's signature counts", text)
		}
		if token, ok = sign(up, up.Token(nil), extra); !ok {
			return
		}
		_, err := a.Verify(t.Context(), token)
		for _, no := range []jose.HeaderKey{"jku", "x5u", "x5c", "jwk", "crit"} {
			if _, there := extra[no]; there && err == nil {
				t.Errorf("%s counts with %s", text, no)
			}
		}
	})
}
