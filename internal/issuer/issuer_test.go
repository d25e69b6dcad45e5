package issuer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/issuer"
	"github.com/casarerpa/fleet/internal/issuer/issuertest"
	"github.com/casarerpa/fleet/internal/outbound"
)

const redirect = "http://fleet.test/api/v1/auth/oidc/sso/callback"

// at is a client of a test issuer, with a clock that the test moves.
type at struct {
	*issuer.Issuer
	mu  sync.Mutex
	now time.Time
}

func (a *at) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *at) later(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

func newClient(up *issuertest.Issuer, timeout time.Duration) *at {
	a := &at{now: time.Now()}
	a.Issuer = issuer.New(issuer.Options{
		Name: "sso", URL: up.URL, ClientID: up.Client, Secret: up.Secret, Algorithm: string(up.Algorithm()), Now: a.clock,
		Claims: issuer.Claims{Role: "groups", Roles: map[string]fleet.Role{"staff": fleet.RoleViewer, "ops": fleet.RoleOperator}, Default: fleet.DefaultTenant},
		Client: outbound.Client(outbound.Policy{Loopback: true}, outbound.Options{Timeout: timeout, Breakers: breaker.NewSet(breaker.Options{})}),
	})
	up.Claims = map[string]any{"groups": []string{"staff", "ops", "others"}, "preferred_username": "ada", "email": "ada@example.org"}
	return a
}

func refused(err error) bool { return errors.Is(err, fleet.ErrUnauthenticated) }

// walk goes the way of a browser as far as the issuer sends it back.
func walk(t *testing.T, a *at) (seed, state, code string) {
	t.Helper()
	where, seed, err := a.Start(t.Context(), rand.Reader, redirect)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, where, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatal(resp.Status, err)
	}
	return seed, back.Query().Get("state"), back.Query().Get("code")
}

func TestFlow(t *testing.T) {
	for name, up := range map[string]*issuertest.Issuer{"RS256": issuertest.New(t), "ES256": issuertest.NewECDSA(t)} {
		a := newClient(up, time.Minute)
		seed, state, code := walk(t, a)
		id, err := a.Finish(t.Context(), seed, state, code, redirect)
		if err != nil || id.Issuer != up.URL || id.Subject != "person-1" || id.Name != "ada" || id.Email != "ada@example.org" || id.Role != fleet.RoleOperator || id.Tenant != "default" {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
		if _, err := a.Finish(t.Context(), seed, state, code, redirect); !refused(err) {
			t.Errorf("%s: a code twice: %v", name, err)
		}
		// What belongs to another browser, or to another sign-in of this one.
		other, otherState, _ := walk(t, a)
		seed, state, code = walk(t, a)
		for why, try := range map[string][4]string{
			"another state":    {seed, otherState, code, redirect},
			"another seed":     {other, state, code, redirect},
			"no state":         {seed, "", code, redirect},
			"no seed":          {"", state, code, redirect},
			"a short seed":     {seed[:20], state, code, redirect},
			"no code":          {seed, state, "", redirect},
			"another verifier": {other, otherState, code, redirect},
		} {
			if _, err := a.Finish(t.Context(), try[0], try[1], try[2], try[3]); !refused(err) {
				t.Errorf("%s, %s: %v", name, why, err)
			}
		}
	}
}

// A token with the nonce of another sign-in is one that somebody else was given.
func TestNonce(t *testing.T) {
	up := issuertest.New(t)
	a := newClient(up, time.Minute)
	seed, state, code := walk(t, a)
	stolen := up.Sign(up.Token(map[string]any{"nonce": "of another sign-in"}))
	up.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/token" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": stolen})
		return true
	}
	if _, err := a.Finish(t.Context(), seed, state, code, redirect); !refused(err) {
		t.Error(err)
	}
}

// TestAttackedTokens: none of these is accepted, and the good ones beside them
// are.
func TestAttackedTokens(t *testing.T) {
	up := issuertest.New(t)
	a := newClient(up, time.Minute)
	own, ok := up.Key.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&own.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good, now := up.Token(nil), time.Now()
	signed := up.Sign(good)
	parts := strings.Split(signed, ".")
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	with := func(name string, value any) string { return up.Sign(up.Token(map[string]any{name: value})) }
	head := func(name jose.HeaderKey, value any) string {
		return up.Sign(good, map[jose.HeaderKey]any{name: value})
	}
	jwk := jose.JSONWebKey{Key: &foreign.PublicKey, KeyID: "k1"}
	attacked := map[string]string{
		"empty":                         "",
		"no token":                      "eyJhello.world.x",
		"a key of ours":                 "cfu_000000000000_0000000000000000000000000000000000000000000000000",
		"algorithm none":                raw(`{"alg":"none","typ":"JWT","kid":"k1"}`) + "." + parts[1] + ".",
		"algorithm none, upper case":    raw(`{"alg":"NONE","typ":"JWT","kid":"k1"}`) + "." + parts[1] + ".",
		"algorithm none with the rest":  raw(`{"alg":"none","typ":"JWT","kid":"k1"}`) + "." + parts[1] + "." + parts[2],
		"no algorithm":                  raw(`{"typ":"JWT","kid":"k1"}`) + "." + parts[1] + "." + parts[2],
		"HMAC with the public key":      up.SignWith(jose.HS256, public, "k1", good),
		"HMAC with the DER key":         up.SignWith(jose.HS256, der, "k1", good),
		"HMAC with a key of the list":   up.SignWith(jose.HS256, []byte("a key that everybody can read, 32 bytes"), "symmetric", good),
		"another algorithm of the key":  up.SignWith(jose.RS512, own, "k1", good),
		"PSS with the right key":        up.SignWith(jose.PS256, own, "k1", good),
		"another kind of key":           up.SignWith(jose.ES256, curve, "k1", good),
		"Edwards key":                   up.SignWith(jose.EdDSA, edwards, "k1", good),
		"algorithm said, not used":      raw(`{"alg":"RS256","typ":"JWT","kid":"k1"}`) + "." + strings.SplitN(up.SignWith(jose.HS256, public, "k1", good), ".", 2)[1],
		"foreign key":                   up.SignWith(jose.RS256, foreign, "k1", good),
		"foreign key under another kid": up.SignWith(jose.RS256, foreign, "k2", good),
		"no kid":                        up.SignWith(jose.RS256, own, "", good),
		"key in the token":              up.SignWith(jose.RS256, foreign, "k1", good, map[jose.HeaderKey]any{"jwk": jwk}),
		"own key in the token":          head("jwk", jose.JSONWebKey{Key: &own.PublicKey, KeyID: "k1"}),
		"key elsewhere":                 head("jku", up.URL+"/keys"),
		"certificate elsewhere":         head("x5u", up.URL+"/keys"),
		"certificate in the token":      head("x5c", []string{base64.StdEncoding.EncodeToString(der)}),
		"critical headers":              head("crit", []string{"exp"}),
		"another type":                  head("typ", "logout+jwt"),
		"another issuer":                with("iss", "https://evil.test"),
		"issuer with a slash more":      with("iss", up.URL+"/"),
		"no issuer":                     with("iss", nil),
		"wrong audience":                with("aud", "another-client"),
		"no audience":                   with("aud", nil),
		"audiences without ours":        with("aud", []string{"a", "b"}),
		"meant for another party":       up.Sign(up.Token(map[string]any{"aud": []string{up.Client, "b"}, "azp": "b"})),
		"expired":                       with("exp", now.Add(-61*time.Second).Unix()),
		"expired long ago":              with("exp", 1),
		"without an end":                with("exp", nil),
		"an end that is no number":      with("exp", "tomorrow"),
		"an end below all":              with("exp", -1e300),
		"not yet valid":                 with("nbf", now.Add(90*time.Second).Unix()),
		"signed in the future":          with("iat", now.Add(90*time.Second).Unix()),
		"nobody":                        with("sub", nil),
		"an empty subject":              with("sub", ""),
		"a subject that is a number":    with("sub", 7),
		"two tokens":                    signed + signed,
		"a part more":                   signed + ".x",
		"cut short":                     signed[:len(signed)-8],
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"another payload":               parts[0] + "." + strings.Split(with("sub", "person-2"), ".")[1] + "." + parts[2],
		"too long":                      with("x", strings.Repeat("x", 20<<10)),
		"encrypted":                     raw(`{"alg":"dir","enc":"A256GCM","kid":"k1"}`) + "..AAAA.AAAA.AAAA",
	}
	accepted := 0
	for why, token := range attacked {
		if id, err := a.Verify(t.Context(), token); err == nil || !refused(err) || id.Role != "" {
			accepted++
			t.Errorf("%s: %+v, %v", why, id, err)
		}
	}
	// Any one bit of a good token.
	bits := 0
	for i := range parts {
		body, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < 8*len(body); at += 7 {
			bits++
			body[at/8] ^= 1 << (at % 8)
			altered := append([]string{}, parts...)
			altered[i] = base64.RawURLEncoding.EncodeToString(body)
			body[at/8] ^= 1 << (at % 8)
			if id, err := a.Verify(t.Context(), strings.Join(altered, ".")); err == nil {
				accepted++
				t.Errorf("part %d, bit %d: %+v", i, at, id)
			}
		}
	}
	for why, token := range map[string]string{
		"as it is":        signed,
		"within the skew": up.Sign(up.Token(map[string]any{"exp": now.Add(-50 * time.Second).Unix(), "nbf": now.Add(50 * time.Second).Unix()})),
		"several":         up.Sign(up.Token(map[string]any{"aud": []string{"b", up.Client}, "azp": up.Client})),
		"access token":    up.Sign(good, map[jose.HeaderKey]any{"typ": "at+jwt"}),
	} {
		if _, err := a.Verify(t.Context(), token); err != nil {
			t.Errorf("a good token, %s: %v", why, err)
		}
	}
	t.Logf("%d attacked tokens and %d altered bits: %d accepted", len(attacked), bits, accepted)
	// Keys were fetched once and, for the unknown ones, not again and again.
	if n := up.Calls("/keys"); n > 1 {
		t.Errorf("keys were fetched %d times within a minute", n)
	}
}

func TestKeysChange(t *testing.T) {
	up := issuertest.New(t)
	a := newClient(up, time.Minute)
	before := up.Sign(up.Token(nil))
	if _, err := a.Verify(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	list := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &next.PublicKey, KeyID: "k2"}}}
	up.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/keys" {
			_ = json.NewEncoder(w).Encode(list)
		}
		return r.URL.Path == "/keys"
	}
	after := up.SignWith(jose.RS256, next, "k2", up.Token(nil))
	if _, err := a.Verify(t.Context(), after); !refused(err) {
		t.Errorf("within a minute of the last look: %v", err)
	}
	a.later(time.Minute)
	if _, err := a.Verify(t.Context(), after); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := a.Verify(t.Context(), before); !refused(err) {
		t.Errorf("a key that is in the list no more: %v", err)
	}
}

// TestClaims: no mapping, no role; and no tenant that nobody mapped.
func TestClaims(t *testing.T) {
	up := issuertest.New(t)
	base := issuer.Options{
		Name: "sso", URL: up.URL, ClientID: up.Client, Algorithm: "RS256",
		Client: outbound.Client(outbound.Policy{Loopback: true}, outbound.Options{}),
	}
	roles := map[string]fleet.Role{"v": fleet.RoleViewer, "a": fleet.RoleAdmin, "o": fleet.RoleOperator}
	tenants := map[string]fleet.TenantID{"acme-inc": "acme", "globex-inc": "globex"}
	for name, c := range map[string]struct {
		claims issuer.Claims
		says   map[string]any
		want   string // role and tenant, or the reason
	}{
		"the greatest":         {issuer.Claims{Role: "g", Roles: roles, Default: "default"}, map[string]any{"g": []string{"v", "a", "o"}}, "admin default"},
		"one text":             {issuer.Claims{Role: "g", Roles: roles, Default: "default"}, map[string]any{"g": "v"}, "viewer default"},
		"a path":               {issuer.Claims{Role: "realm.roles", Roles: roles, Default: "default"}, map[string]any{"realm": map[string]any{"roles": []string{"o"}}}, "operator default"},
		"a name with dots":     {issuer.Claims{Role: "https://x.test/g", Roles: roles, Default: "default"}, map[string]any{"https://x.test/g": []string{"o"}}, "operator default"},
		"no mapping at all":    {issuer.Claims{Default: "default"}, map[string]any{"g": "admin", "role": "admin"}, "no_role"},
		"no value is mapped":   {issuer.Claims{Role: "g", Roles: roles, Default: "default"}, map[string]any{"g": []string{"admin"}}, "no_role"},
		"another kind":         {issuer.Claims{Role: "g", Roles: roles, Default: "default"}, map[string]any{"g": map[string]any{"a": true}}, "no_role"},
		"numbers":              {issuer.Claims{Role: "g", Roles: roles, Default: "default"}, map[string]any{"g": []any{1, nil, true}}, "no_role"},
		"a tenant":             {issuer.Claims{Role: "g", Roles: roles, Tenant: "t", Tenants: tenants, Default: "default"}, map[string]any{"g": "v", "t": "acme-inc"}, "viewer acme"},
		"a tenant of nobody":   {issuer.Claims{Role: "g", Roles: roles, Tenant: "t", Tenants: tenants, Default: "default"}, map[string]any{"g": "v", "t": "acme"}, "no_tenant"},
		"without a tenant":     {issuer.Claims{Role: "g", Roles: roles, Tenant: "t", Tenants: tenants, Default: "default"}, map[string]any{"g": "v"}, "no_tenant"},
		"two tenants":          {issuer.Claims{Role: "g", Roles: roles, Tenant: "t", Tenants: tenants}, map[string]any{"g": "v", "t": []string{"acme-inc", "globex-inc"}}, "no_tenant"},
		"no tenant configured": {issuer.Claims{Role: "g", Roles: roles}, map[string]any{"g": "v"}, "no_tenant"},
	} {
		o := base
		o.Claims = c.claims
		id, err := issuer.New(o).Verify(t.Context(), up.Sign(up.Token(c.says)))
		got := string(id.Role) + " " + string(id.Tenant)
		if err != nil {
			got = fleet.AsError(err).Reason
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestHostileUpstream: whatever an issuer answers, it costs a bounded time, lets
// nobody in, and is left alone when it goes on.
func TestHostileUpstream(t *testing.T) {
	flood := strings.Repeat(" ", 64<<10)
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"huge": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(flood)); err != nil {
					return
				}
			}
		},
		"slow": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":`))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"a list":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) },
		"deep":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("[", 100_000))) },
		"wrong types": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":7,"keys":"x","id_token":{}}`))
		},
		"bad keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"RSA","kid":"k1","n":"AQ","e":"AQ"}]}`))
		},
		"a fault":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"not found":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"broken off":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"round and round": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"to a metadata service": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		},
	}
	for name, answer := range answers {
		for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token"} {
			up := issuertest.New(t)
			a := newClient(up, 300*time.Millisecond)
			up.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					_, _ = io.Copy(io.Discard, r.Body) // or a server would not see that its client is gone
					answer(w, r)
				}
				return r.URL.Path == path
			}
			began := time.Now()
			var id fleet.Identity
			var err error
			if path == "/.well-known/openid-configuration" {
				_, _, err = a.Start(t.Context(), rand.Reader, redirect)
			} else {
				seed, state, code := walk(t, a)
				id, err = a.Finish(t.Context(), seed, state, code, redirect)
			}
			if err == nil || id.Role != "" {
				t.Errorf("%s at %s: %+v, %v", name, path, id, err)
			}
			if e := fleet.AsError(err); e != nil && (e.Code == fleet.CodeInternal || strings.Contains(e.Message, up.URL)) {
				t.Errorf("%s at %s: %s %s", name, path, e.Code, e.Message)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s at %s took %s", name, path, took)
			}
		}
	}
}

// An issuer that is away is asked a few times and then left alone; tokens are
// not said to be bad because of it.
func TestBreaker(t *testing.T) {
	up := issuertest.New(t)
	a := newClient(up, time.Second)
	up.Answer = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	token := up.Sign(up.Token(nil))
	for range 20 {
		if _, err := a.Verify(t.Context(), token); !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("the issuer is away: %v", err)
		}
		a.later(time.Minute)
	}
	if n := up.Calls("/.well-known/openid-configuration"); n > breaker.DefaultFailures {
		t.Errorf("asked %d times", n)
	}
}

// Who goes away while the issuer is asked ends it for nobody else.
func TestDiscoveryIsShared(t *testing.T) {
	up := issuertest.New(t)
	a := newClient(up, time.Minute)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Start(gone, rand.Reader, redirect); err != nil {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := a.Verify(t.Context(), up.Sign(up.Token(nil))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, k := up.Calls("/.well-known/openid-configuration"), up.Calls("/keys"); n != 1 || k != 1 {
		t.Errorf("asked %d and %d times", n, k)
	}
}
