// Package issuertest is a small OpenID issuer for tests: discovery, keys, an
// authorization that lets one person in without asking, and tokens for codes
// with PKCE. It runs in the test, on a socket of its own.
//
// It must not be used outside of tests: it lets everybody in.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer is one issuer.
type Issuer struct {
	testing.TB
	URL    string
	Client string // its one client
	Secret string
	Key    crypto.Signer // what it signs with, named "k1"
	// Claims are what it says of the person, beside what every token has.
	Claims map[string]any
	// Answer takes a request over, if it wants to; for hostile answers.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu    sync.Mutex
	codes map[string]grant
	calls map[string]int
}

type grant struct{ challenge, nonce, redirect string }

// New starts an issuer that signs with RS256.
func New(t testing.TB) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, key)
}

// NewECDSA starts one that signs with ES256.
func NewECDSA(t testing.TB) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, key)
}

func start(t testing.TB, key crypto.Signer) *Issuer {
	i := &Issuer{TB: t, Client: "fleet", Secret: "client secret", Key: key, codes: map[string]grant{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.calls[r.URL.Path]++
		i.mu.Unlock()
		if i.Answer == nil || !i.Answer(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Calls is how often a path was asked for.
func (i *Issuer) Calls(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls[path]
}

// Algorithm is what it signs with.
func (i *Issuer) Algorithm() jose.SignatureAlgorithm {
	if _, ok := i.Key.(*ecdsa.PrivateKey); ok {
		return jose.ES256
	}
	return jose.RS256
}

func (i *Issuer) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.Logf("answer: %v", err)
	}
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	i.write(w, map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256", "ES256"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: i.Key.Public(), KeyID: "k1", Use: "sig"},
		{Key: []byte("a key that everybody can read, 32 bytes"), KeyID: "symmetric"},
	}})
}

// authorize lets the person in and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != i.Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = grant{q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	i.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token gives a token for a code, once, to whoever has the verifier.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	} else if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	code := r.PostFormValue("code")
	i.mu.Lock()
	g, ok := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != i.Client || secret != i.Secret || g.redirect != r.PostFormValue("redirect_uri") ||
		g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		i.write(w, map[string]any{"error": "invalid_grant"})
		return
	}
	i.write(w, map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": i.Sign(i.Token(map[string]any{"nonce": g.nonce}))})
}

// Token is the claims of a good token, with others in place of some; nil takes
// one away.
func (i *Issuer) Token(change map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": i.Client, "sub": "person-1", "exp": now.Add(10 * time.Minute).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
	}
	for _, more := range []map[string]any{i.Claims, change} {
		for name, value := range more {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	return claims
}

// Sign signs claims with the issuer's key, with further headers.
func (i *Issuer) Sign(claims map[string]any, headers ...map[jose.HeaderKey]any) string {
	return i.SignWith(i.Algorithm(), i.Key, "k1", claims, headers...)
}

// SignWith signs claims with any key under any name.
func (i *Issuer) SignWith(alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any, headers ...map[jose.HeaderKey]any) string {
	i.Helper()
	o := &jose.SignerOptions{}
	o.WithType("JWT").WithHeader("kid", kid)
	for _, more := range headers {
		for name, value := range more {
			o.WithHeader(name, value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		i.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		i.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		i.Fatal(err)
	}
	return out
}
