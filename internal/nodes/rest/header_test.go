package rest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/rest"
	"github.com/casarerpa/fleet/workflow/value"
)

func TestHeadersAndURLs(t *testing.T) {
	want(t, "SetHttpHeadersNode", cfg{"base_headers": cfg{"A": "1", "B": "1"}, "headers_json": `{"B": "2"}`, "header_name": "C", "header_value": "3"},
		cfg{"headers": cfg{"A": "1", "B": "2", "C": "3"}})
	want(t, "SetHttpHeadersNode", cfg{}, cfg{"headers": cfg{}})
	fails(t, "SetHttpHeadersNode", cfg{"headers_json": "{"}, "JSONDecodeError", "headers_json is not valid JSON")
	for _, tc := range []struct {
		cfg  cfg
		want string
	}{
		{cfg{"base_url": "https://a.b"}, "https://a.b"},
		{cfg{"base_url": "https://a.b/", "path": "/c/d"}, "https://a.b/c/d"},
		{cfg{"base_url": "https://a.b", "path": "c", "params": `{"q": "x y", "n": 1}`}, "https://a.b/c?q=x+y&n=1"},
		{cfg{"base_url": "https://a.b?z=1#top", "params": cfg{"q": true}}, "https://a.b?z=1&q=True#top"},
	} {
		want(t, "BuildUrlNode", tc.cfg, cfg{"url": tc.want})
	}
	fails(t, "BuildUrlNode", cfg{}, "ValueError", "base_url is required")
}

func TestAuthHeaders(t *testing.T) {
	secrets := enginetest.Secrets(map[string]string{
		"plain": "s3cret", "pair": "ann:pw", "object": `{"username": "bob", "password": "x", "token": "tok"}`,
	})
	for _, tc := range []struct {
		name string
		cfg  cfg
		want cfg
	}{
		{"bearer", cfg{"token": "t"}, cfg{"Authorization": "Bearer t"}},
		{"basic", cfg{"auth_type": "Basic", "username": "u", "password": "p"}, cfg{"Authorization": "Basic dTpw"}},
		{"key", cfg{"auth_type": "ApiKey", "token": "k"}, cfg{"X-API-Key": "k"}},
		{"key by another name", cfg{"auth_type": "ApiKey", "token": "k", "api_key_name": "X-K"}, cfg{"X-K": "k"}},
		{"others stay", cfg{"token": "t", "base_headers": cfg{"A": "1"}}, cfg{"A": "1", "Authorization": "Bearer t"}},
		{"secret first", cfg{"token": "t", "credential_name": "plain"}, cfg{"Authorization": "Bearer s3cret"}},
		{"secret pair", cfg{"auth_type": "Basic", "credential_name": "pair"}, cfg{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:pw"))}},
		{"secret object", cfg{"auth_type": "Basic", "credential_name": "object"}, cfg{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:x"))}},
		{"token of an object", cfg{"credential_name": "object"}, cfg{"Authorization": "Bearer tok"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want(t, "HttpAuthNode", tc.cfg, cfg{"headers": tc.want}, secrets)
		})
	}
	fails(t, "HttpAuthNode", cfg{}, "ValueError", "A bearer token is required")
	fails(t, "HttpAuthNode", cfg{"auth_type": "Basic"}, "ValueError", "A username is required")
	fails(t, "HttpAuthNode", cfg{"auth_type": "ApiKey"}, "ValueError", "An API key is required")
	fails(t, "HttpAuthNode", cfg{"auth_type": "Magic", "token": "t"}, "ValueError", "Unknown auth_type: Magic")
	fails(t, "HttpAuthNode", cfg{"credential_name": "none"}, "KeyError", `Secret "none" is not available here`)
}

func TestParseJSONResponse(t *testing.T) {
	data := `{"a": {"b": [{"c": 1}, {"c": null}]}, "n": 10.0}`
	for path, v := range map[string]any{
		"n": 10.0, "a.b[0].c": 1, "a.b.0.c": 1, "a.b[-2].c": 1, "$.a.b[0]": cfg{"c": 1}, "a['b'][0].c": 1, "a.b[1].c": nil,
	} {
		want(t, "ParseJsonResponseNode", cfg{"json_data": data, "path": path}, cfg{"value": v, "success": true, "error": ""})
	}
	want(t, "ParseJsonResponseNode", cfg{"json_data": []any{1, 2}, "path": "[1]"}, cfg{"value": 2})
	want(t, "ParseJsonResponseNode", cfg{"json_data": `[1]`}, cfg{"value": []any{1}})
	want(t, "ParseJsonResponseNode", cfg{"json_data": data, "path": "x.y", "default": "none"}, cfg{"value": "none", "success": true})
	for _, path := range []string{"x", "a.b[2]", "n.x", "a.b.c", "a.b[x]"} {
		out := fails(t, "ParseJsonResponseNode", cfg{"json_data": data, "path": path}, "KeyError", "Path not found: "+path)
		if out["success"] != false || out["error"] != "Path not found: "+path {
			t.Errorf("outputs %v", out)
		}
	}
	fails(t, "ParseJsonResponseNode", cfg{"json_data": "{"}, "JSONDecodeError", "Invalid JSON")
}

func TestAuthorize(t *testing.T) {
	out := want(t, "OAuth2AuthorizeNode", cfg{"auth_url": "https://id.example/auth?tenant=1", "client_id": "me", "scope": "a b", "extra_params": cfg{"prompt": "login"}}, cfg{})
	u, err := url.Parse(fmt.Sprint(out["auth_url"]))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(out["code_verifier"])))
	wanted := url.Values{
		"tenant": {"1"}, "response_type": {"code"}, "client_id": {"me"}, "redirect_uri": {"http://localhost:8080/callback"}, "scope": {"a b"},
		"state": {fmt.Sprint(out["state"])}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "prompt": {"login"},
	}
	if diff := cmp.Diff(wanted, u.Query()); diff != "" {
		t.Error(diff)
	}
	if n := len(fmt.Sprint(out["code_verifier"])); n < 43 || n > 128 {
		t.Errorf("the verifier has %d characters", n)
	}
	again := want(t, "OAuth2AuthorizeNode", cfg{"auth_url": "https://id.example/auth", "client_id": "me", "state": "mine", "pkce_enabled": false},
		cfg{"state": "mine", "code_verifier": "", "code_challenge": ""})
	if again["auth_url"] != "https://id.example/auth?response_type=code&client_id=me&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback&state=mine" {
		t.Error(again["auth_url"])
	}
	fails(t, "OAuth2AuthorizeNode", cfg{"client_id": "me"}, "ValueError", "auth_url is required")
	fails(t, "OAuth2AuthorizeNode", cfg{"auth_url": "https://x"}, "ValueError", "client_id is required")
}

func TestTokens(t *testing.T) {
	var form url.Values
	var user string
	answer, status := "", 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		user, _, _ = r.BasicAuth()
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	const typ = "OAuth2TokenExchangeNode"
	base := func(kv ...any) cfg {
		m := cfg{"token_url": s.URL, "client_id": "me", "client_secret": "sh"}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	answer = `{"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600, "scope": "a"}`
	for _, tc := range []struct {
		cfg  cfg
		want url.Values
	}{
		{base("code", "c", "code_verifier", "v"), url.Values{"grant_type": {"authorization_code"}, "code": {"c"}, "code_verifier": {"v"}, "redirect_uri": {"http://localhost:8080/callback"}}},
		{base("grant_type", "client_credentials", "scope", "a"), url.Values{"grant_type": {"client_credentials"}, "scope": {"a"}}},
		{base("grant_type", "refresh_token", "refresh_token", "r"), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r"}}},
		{base("grant_type", "password", "username", "u", "password", "p"), url.Values{"grant_type": {"password"}, "username": {"u"}, "password": {"p"}}},
	} {
		want(t, typ, tc.cfg, cfg{
			"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600, "scope": "a", "id_token": "",
			"full_response": cfg{"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600, "scope": "a"},
		})
		tc.want["client_id"], tc.want["client_secret"] = []string{"me"}, []string{"sh"}
		if diff := cmp.Diff(tc.want, form); diff != "" {
			t.Error(diff)
		}
	}
	answer = "access_token=at&scope=repo%2Cgist"
	want(t, typ, base("code", "c"), cfg{"access_token": "at", "scope": "repo,gist", "expires_in": 0})
	answer, status = `{"error": "invalid_grant", "error_description": "too old"}`, 400
	fails(t, typ, base("code", "c"), "OAuthError", "invalid_grant: too old")
	answer, status = "", 503
	fails(t, typ, base("code", "c"), "OAuthError", "HTTP 503 from token_url")
	answer, status = "{}", 200
	fails(t, typ, base("code", "c"), "OAuthError", "The answer holds no access_token")
	fails(t, typ, base(), "ValueError", "code is required for the grant authorization_code")
	fails(t, typ, base("grant_type", "magic"), "ValueError", "Unsupported grant_type: magic")
	fails(t, typ, cfg{"code": "c"}, "ValueError", "token_url is required")

	const check = "OAuth2TokenValidateNode"
	answer = `{"active": true, "client_id": "me", "username": "ann", "scope": "a", "exp": 1700000000, "token_type": "Bearer"}`
	want(t, check, cfg{"introspection_url": s.URL, "token": "t", "client_id": "me", "client_secret": "s"}, cfg{
		"active": true, "client_id": "me", "username": "ann", "scope": "a", "expires_at": 1700000000, "token_type": "Bearer",
	})
	if form.Get("token") != "t" || user != "me" {
		t.Errorf("sent %v as %q", form, user)
	}
	answer = `{"active": false}`
	want(t, check, cfg{"introspection_url": s.URL, "token": "t"}, cfg{"active": false, "username": "", "expires_at": 0, "full_response": cfg{"active": false}})
	fails(t, check, cfg{"introspection_url": s.URL}, "ValueError", "token is required")
}

// listening is a host that lets a workflow wait for a connection.
type listening struct {
	engine.Host
	ready chan string
}

func (h *listening) Listen(ctx context.Context, _ string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		h.ready <- "http://" + l.Addr().String()
	}
	return l, err
}

func TestCallbackServer(t *testing.T) {
	run := func(t *testing.T, c cfg, paths ...string) (*value.Map, error) {
		t.Helper()
		h := &listening{Host: enginetest.Host(t), ready: make(chan string, 1)}
		done := make(chan struct{})
		go func() {
			defer close(done)
			base := <-h.ready
			for _, p := range paths {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+p, nil)
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Error(err)
				}
				_ = resp.Body.Close()
			}
		}()
		cat := enginetest.Catalog(t)
		spec, _ := cat.Type("OAuth2CallbackServerNode")
		config, _ := value.FromGo(c).(*value.Map)
		out, err := engine.VisitOne(t.Context(), engine.Single{
			Node: rest.Nodes()["OAuth2CallbackServerNode"], Type: spec.Name, Spec: spec, Config: config, Host: h,
		})
		<-done
		return out.Outputs, err
	}
	out, err := run(t, cfg{"expected_state": "s"}, "/favicon.ico", "/callback?code=c&state=s")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cfg{"code": "c", "state": "s", "access_token": "", "error": "", "error_description": ""}, value.ToGo(out).(cfg)); diff != "" {
		t.Error(diff)
	}
	if _, err := run(t, cfg{"expected_state": "s"}, "/callback?code=c&state=evil"); err == nil || err.Error() != "The state of the callback does not match" {
		t.Error(err)
	}
	if _, err := run(t, cfg{"path": "done"}, "/done?error=access_denied&error_description=no"); err == nil || err.Error() != "access_denied: no" {
		t.Error(err)
	}
	if _, err := run(t, cfg{"timeout": 0.05}); err == nil || err.Error() != "No callback within 0.05 seconds" {
		t.Error(err)
	}
	fails(t, "OAuth2CallbackServerNode", cfg{}, "PermissionError", "This robot does not let workflows listen on a port")
}
