package httpapi

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/issuer"
	"github.com/casarerpa/fleet/internal/issuer/issuertest"
	"github.com/casarerpa/fleet/internal/outbound"
)

// nowhereIssuer sends browsers to where anybody may look, and takes none back.
type nowhereIssuer struct{}

func (nowhereIssuer) Name() string { return "sso" }

func (nowhereIssuer) Start(context.Context, io.Reader, string) (where, seed string, err error) {
	return "/health", "seed", nil
}

func (nowhereIssuer) Finish(context.Context, string, string, string, string) (fleet.Identity, error) {
	return fleet.Identity{}, fleet.Invalid("code", "There is none.")
}

// verifier shows an issuer to auth.
type verifier struct{ *issuer.Issuer }

func (verifier) Knows(text string) bool { return issuer.LooksSigned(text) }

// newIssuerWorld is a world whose people an issuer vouches for.
func newIssuerWorld(t *testing.T) (*world, *issuertest.Issuer) {
	up := issuertest.New(t)
	up.Claims = map[string]any{"groups": []string{"ops"}, "preferred_username": "Ada"}
	i := issuer.New(issuer.Options{
		Name: "sso", URL: up.URL, ClientID: up.Client, Secret: up.Secret, Algorithm: "RS256", Client: outbound.Client(outbound.Policy{Loopback: true}, outbound.Options{}),
		Claims: issuer.Claims{Role: "groups", Roles: map[string]fleet.Role{"ops": fleet.RoleOperator, "boss": fleet.RoleAdmin}, Default: "default"},
	})
	w := newWorld(t, func(o *Options) {
		o.Issuer, o.Limits.SignIns = i, 1000
		o.Auth = auth.NewResolver(o.Keys, o.People, auth.NewVouched(o.People, verifier{i}))
	})
	return w, up
}

// step is one step of a browser that does not follow by itself.
func (w *world) step(at, cookies string, accept ...string) (int, string, []string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, at, http.NoBody)
	w.must(err)
	req.Header.Set("Cookie", cookies)
	req.Header["Accept"] = accept
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	w.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	w.must(err)
	where := resp.Header.Get("Location")
	if resp.StatusCode >= 400 {
		where = string(body)
	}
	var set []string
	for _, c := range resp.Cookies() {
		if c.MaxAge >= 0 {
			set = append(set, c.Name+"="+c.Value)
		}
	}
	return resp.StatusCode, where, set
}

func TestIssuerSignIn(t *testing.T) {
	w, up := newIssuerWorld(t)
	through := func() (jar string) {
		status, where, seed := w.step(w.url+"/api/v1/auth/oidc/sso/start", "")
		if status != 303 || !strings.HasPrefix(where, up.URL+"/authorize?") || len(seed) != 1 {
			t.Fatal(status, where, seed)
		}
		status, back, _ := w.step(where, "")
		if status != 302 || !strings.HasPrefix(back, w.url+"/api/v1/auth/oidc/sso/callback?") {
			t.Fatal(status, back)
		}
		// Another browser cannot finish what this one began.
		if status, _, set := w.step(back, ""); status != 401 || len(set) != 0 {
			t.Errorf("another browser: %d, %v", status, set)
		}
		status, where, set := w.step(back, seed[0])
		if status != 303 || where != "/" || len(set) != 2 {
			t.Fatal(status, where, set)
		}
		if status, _, set := w.step(back, seed[0]); status != 401 || len(set) != 0 {
			t.Errorf("a code twice: %d, %v", status, set)
		}
		return strings.Join(set, "; ")
	}
	for next, want := range map[string]string{"/jobs?state=failed&x=%20#a": "", "//evil.test/": "bad", "https://evil.test": "bad", "/\\evil.test": "bad", "jobs": "bad", "/a b": "bad"} {
		status, where, seed := w.step(w.url+"/api/v1/auth/oidc/sso/start?next="+url.QueryEscape(next), "")
		if want == "bad" {
			if status != 422 {
				t.Errorf("next %q: %d", next, status)
			}
			continue
		}
		_, back, _ := w.step(where, "")
		if status, where, _ = w.step(back, seed[0]); status != 303 || where != next {
			t.Errorf("next %q: %d, %q", next, status, where)
		}
		// A cookie that somebody changed leads nowhere else.
		_, where, seed = w.step(w.url+"/api/v1/auth/oidc/sso/start", "")
		_, back, _ = w.step(where, "")
		if status, where, _ = w.step(back, seed[0]+base64.RawURLEncoding.EncodeToString([]byte("//evil.test"))); status != 303 || where != "/" {
			t.Errorf("another cookie: %d, %q", status, where)
		}
	}
	status, where, _ := w.step(w.url+"/api/v1/auth/oidc/sso/callback?error=access_denied", "", "text/html,*/*")
	if status != 303 || where != "/login?problem=credential_invalid" {
		t.Errorf("a person who was refused: %d, %q", status, where)
	}
	jar := through()
	me := read[Me](w, w.do("", "GET", "/api/v1/me", "", "Cookie", jar))
	if me.Name != "Ada" || me.Role != fleet.RoleOperator || me.UserID == "" || me.Local {
		t.Errorf("%+v", me)
	}
	// The same person again, with another role there.
	up.Claims["groups"] = []string{"boss"}
	again := read[Me](w, w.do("", "GET", "/api/v1/me", "", "Cookie", through()))
	if again.UserID != me.UserID || again.Role != fleet.RoleAdmin {
		t.Errorf("%+v", again)
	}
	// Their token from the issuer is worth the same.
	w.keys["token"] = up.Sign(up.Token(nil))
	if bearer := read[Me](w, w.do("token", "GET", "/api/v1/me", "")); bearer.UserID != me.UserID || bearer.Role != fleet.RoleAdmin {
		t.Errorf("%+v", bearer)
	}
	// What an older token says is worth that, and changes nothing about the person.
	w.keys["older"] = up.Sign(up.Token(map[string]any{"groups": []string{"ops"}}))
	if older := read[Me](w, w.do("older", "GET", "/api/v1/me", "")); older.UserID != me.UserID || older.Role != fleet.RoleOperator {
		t.Errorf("%+v", older)
	}
	if u, err := w.people.Get(t.Context(), auth.Local(), me.UserID); err != nil || u.Role != fleet.RoleAdmin {
		t.Errorf("%+v, %v", u, err)
	}
	for why, change := range map[string]map[string]any{"expired": {"exp": 1}, "another audience": {"aud": "x"}} {
		w.keys["bad"] = up.Sign(up.Token(change))
		if a := w.do("bad", "GET", "/api/v1/me", ""); a.status != 401 {
			t.Errorf("%s: %d", why, a.status)
		}
	}
	w.keys["nobody"] = up.Sign(up.Token(map[string]any{"groups": []string{"guests"}, "sub": "guest"}))
	if a := w.do("nobody", "GET", "/api/v1/me", ""); a.status != 403 || !strings.Contains(a.body, "no_role") {
		t.Errorf("no mapping: %d %s", a.status, a.body)
	}
	at := "/api/v1/users/" + string(me.UserID)
	for _, s := range []scenario{
		{name: "their role is the issuer's", as: "admin", method: "PATCH", path: at, body: `{"role":"viewer"}`, status: 409, has: []string{"vouched_for"}},
		{name: "and so is their password", as: "admin", method: "PUT", path: at + "/password", body: `{"password":"` + password + `"}`, status: 409, has: []string{"vouched_for"}},
		{name: "no password gets in", method: "POST", path: "/api/v1/auth/login", body: loginBody("ada", password), status: 401},
		{name: "no ticket for a token", as: "token", method: "POST", path: "/api/v1/auth/ticket", status: 403},
		{name: "unknown issuer", method: "GET", path: "/api/v1/auth/oidc/other/start", status: 404},
		{name: "refused there", method: "GET", path: "/api/v1/auth/oidc/sso/callback?error=access_denied&error_description=" + url.QueryEscape("<b>x</b>"), status: 401, lacks: []string{"<b>"}},
	} {
		s.run(w)
	}
	w.person("boss", fleet.RoleAdmin) // or Ada would be the last one
	yes := true
	_, err := w.people.Change(t.Context(), auth.Local(), me.UserID, auth.UserChange{Disabled: &yes})
	w.must(err)
	if a := w.do("token", "GET", "/api/v1/me", ""); a.status != 401 {
		t.Errorf("disabled here, a token: %d", a.status)
	}
	if a := w.do("", "GET", "/api/v1/me", "", "Cookie", jar); a.status != 401 {
		t.Errorf("disabled here, a browser: %d", a.status)
	}
}

// A name here gives nothing to who has it there.
func TestIssuerTakesNobodyOver(t *testing.T) {
	w, up := newIssuerWorld(t)
	local := w.person("ada", fleet.RoleAdmin)
	w.keys["token"] = up.Sign(up.Token(map[string]any{"email": local.Email}))
	me := read[Me](w, w.do("token", "GET", "/api/v1/me", ""))
	if me.UserID == local.ID || me.Role != fleet.RoleOperator || !strings.HasPrefix(me.Name, "Ada at 127.0.0.1:") {
		t.Errorf("%+v", me)
	}
	w.signIn("ada")
}
