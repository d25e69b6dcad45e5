package httpapi

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

const password = "correct horse battery"

// person makes somebody who can sign in.
func (w *world) person(name string, role fleet.Role) fleet.User {
	w.Helper()
	u, err := w.people.Create(w.Context(), auth.Local(), fleet.User{Name: name, Role: role}, auth.NewSecret(password))
	w.must(err)
	return u
}

func loginBody(name, password string) string {
	return `{"username":` + quote(name) + `,"password":` + quote(password) + `}`
}

// signIn signs a program in and makes its token the key of that name.
func (w *world) signIn(name string) Tokens {
	w.Helper()
	a := w.do("", "POST", "/api/v1/auth/login", loginBody(name, password))
	if a.status != http.StatusOK {
		w.Fatalf("sign in: %d %s", a.status, a.body)
	}
	t := read[Tokens](w, a)
	w.keys[name] = t.AccessToken
	return t
}

// cookies signs a browser in and returns what it sends from then on.
func (w *world) cookies(name string) string {
	w.Helper()
	a := w.do("", "POST", "/api/v1/auth/session", loginBody(name, password))
	set := a.header.Values("Set-Cookie")
	if a.status != http.StatusOK || len(set) != 2 {
		w.Fatalf("sign in: %d %s %v", a.status, a.body, set)
	}
	var out []string
	for _, c := range set {
		for _, want := range []string{"__Host-fleet", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
			if !strings.Contains(c, want) || strings.Contains(c, "Domain") {
				w.Errorf("%s lacks %s, or has a domain", c, want)
			}
		}
		value, _, _ := strings.Cut(c, ";")
		out = append(out, value)
	}
	return strings.Join(out, "; ")
}

// TestOriginalSignIn: the routes of the original's programs, as these read them.
func TestOriginalSignIn(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.SignIns = 1000 })
	u := w.person("Ada", fleet.RoleOperator)
	a := w.do("", "POST", "/api/v1/auth/login", `{"username":"ada","password":"`+password+`","tenant_id":"default"}`)
	first := read[Tokens](w, a)
	if a.status != 200 || first.TokenType != "bearer" || first.ExpiresIn != 3600 || first.AccessToken == "" || first.RefreshToken == "" || len(a.header.Values("Set-Cookie")) != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.keys["ada"] = first.AccessToken
	for _, s := range []scenario{
		{name: "me", as: "ada", method: "GET", path: "/api/v1/auth/me", status: 200, has: []string{`"user_id":"` + string(u.ID) + `"`, `"roles":["operator"]`, `"tenant_id":"default"`, `"dev_mode":false`}},
		{name: "me of ours", as: "ada", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"name":"Ada"`, `"user_id":"` + string(u.ID) + `"`, `"jobs:run"`, `"local":false`}},
		{name: "a program's me", as: "viewer", method: "GET", path: "/api/v1/auth/me", status: 200, has: []string{`"user_id":"key viewer"`, `"roles":["viewer"]`}},
		{name: "rights", as: "ada", method: "GET", path: "/api/v1/users", status: 403, has: []string{"users:manage"}},
		{name: "wrong password", method: "POST", path: "/api/v1/auth/login", body: loginBody("ada", "wrong"), status: 401, has: []string{"credential_invalid", "AUTH_INVALID_CREDENTIALS"}},
		{name: "unknown name", method: "POST", path: "/api/v1/auth/login", body: loginBody("eve", "wrong"), status: 401, has: []string{"credential_invalid", "AUTH_INVALID_CREDENTIALS"}},
		{name: "another tenant", method: "POST", path: "/api/v1/auth/login", body: `{"username":"ada","password":"` + password + `","tenant_id":"globex"}`, status: 401, has: []string{"credential_invalid"}},
		{name: "no password", method: "POST", path: "/api/v1/auth/login", body: `{"username":"ada"}`, status: 422},
		{name: "a wrong refresh token", method: "POST", path: "/api/v1/auth/refresh", body: `{"refresh_token":"x"}`, status: 401, has: []string{"AUTH_TOKEN_EXPIRED"}},
	} {
		s.run(w)
	}
	a = w.do("", "POST", "/api/v1/auth/refresh", `{"refresh_token":"`+first.RefreshToken+`"}`)
	second := read[Tokens](w, a)
	if a.status != 200 || second.RefreshToken == first.RefreshToken || second.ExpiresIn != 3600 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.do("ada", "GET", "/api/v1/auth/me", ""); a.status != 401 {
		t.Errorf("the token before still counts: %d", a.status)
	}
	w.keys["ada"] = second.AccessToken
	if a := w.do("ada", "GET", "/api/v1/auth/me", ""); a.status != 200 || !strings.Contains(a.body, `"roles":["operator"]`) {
		t.Errorf("after a refresh: %d %s", a.status, a.body)
	}
	if a := w.do("ada", "POST", "/api/v1/auth/logout", ""); a.status != 200 || !strings.Contains(a.body, `"message"`) {
		t.Errorf("log out: %d %s", a.status, a.body)
	}
	if a := w.do("ada", "GET", "/api/v1/auth/me", ""); a.status != 401 {
		t.Errorf("after the log-out: %d", a.status)
	}
	if a := w.do("", "POST", "/api/v1/auth/refresh", `{"refresh_token":"`+second.RefreshToken+`"}`); a.status != 401 {
		t.Errorf("a refresh after the log-out: %d", a.status)
	}
	if log := w.logged(); strings.Contains(log, password) || strings.Contains(log, first.AccessToken) || strings.Contains(log, first.RefreshToken) {
		t.Error("the log holds a secret")
	}
}

// TestBrowserSignIn: what a cookie may and may not.
func TestBrowserSignIn(t *testing.T) {
	w := newWorld(t)
	w.person("ada", fleet.RoleAdmin)
	jar := w.cookies("ada")
	host := strings.TrimPrefix(w.url, "http://")
	body := `{"name":"bob","role":"viewer","password":"` + password + `"}`
	for _, c := range []struct {
		name    string
		method  string
		path    string
		body    string
		headers []string
		status  int
	}{
		{"reads", "GET", "/api/v1/jobs", "", nil, 200},
		{"a change from elsewhere", "POST", "/api/v1/users", body, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a change from a neighbour", "POST", "/api/v1/users", body, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a change of another origin in an old browser", "POST", "/api/v1/users", body, []string{"Origin", "https://evil.test"}, 403},
		{"a change of no origin", "POST", "/api/v1/users", body, []string{"Origin", "null"}, 403},
		{"a sign-in from elsewhere", "POST", "/api/v1/auth/session", loginBody("ada", password), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a deletion from elsewhere", "DELETE", "/api/v1/users/" + absent, "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"its own page", "POST", "/api/v1/users", body, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + host}, 201},
		{"its own page in an old browser", "POST", "/api/v1/users", body, []string{"Origin", "http://" + host}, 409},
	} {
		if a := w.do("", c.method, c.path, c.body, append([]string{"Cookie", jar}, c.headers...)...); a.status != c.status {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	// A cookie that does not count any more keeps nobody from signing in.
	if a := w.do("", "POST", "/api/v1/auth/logout", "", "Cookie", jar); a.status != 200 || !strings.Contains(strings.Join(a.header.Values("Set-Cookie"), ";"), "Max-Age=0") {
		t.Errorf("log out: %d %v", a.status, a.header)
	}
	if a := w.do("", "GET", "/api/v1/jobs", "", "Cookie", jar); a.status != 401 {
		t.Errorf("after the log-out: %d", a.status)
	}
	if a := w.do("", "GET", "/health", "", "Cookie", jar); a.status != 200 {
		t.Errorf("health: %d", a.status)
	}
	if a := w.do("", "POST", "/api/v1/auth/session", loginBody("ada", password), "Cookie", jar); a.status != 200 {
		t.Errorf("again: %d %s", a.status, a.body)
	}
}

// TestSignInRate: so many a minute from one address, whoever it is.
func TestSignInRate(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.SignIns = 3 })
	for i, want := range []int{401, 401, 401, 429} {
		a := w.do("", "POST", "/api/v1/auth/login", loginBody("nobody", "wrong"))
		if a.status != want || (want == 429) != (a.header.Get("Retry-After") != "") {
			t.Errorf("try %d: %d %s", i, a.status, a.body)
		}
	}
}

// TestTicketStream: a ticket opens one stream and nothing else, and the stream
// ends with what the person may.
func TestTicketStream(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.SignIns = 1000 })
	u := w.person("ada", fleet.RoleViewer)
	w.signIn("ada")
	ticket := func() string {
		a := w.do("ada", "POST", "/api/v1/auth/ticket", "")
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return read[StreamTicket](w, a).Ticket
	}
	if a := w.do("", "GET", "/api/v1/jobs?ticket="+ticket(), ""); a.status != 401 {
		t.Errorf("a ticket for a list: %d", a.status)
	}
	open := func(ticket string) (int, *bufio.Scanner) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/v1/events?after=now&ticket="+ticket, http.NoBody)
		w.must(err)
		req.Header.Set("Accept", "text/event-stream")
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp.StatusCode, bufio.NewScanner(resp.Body)
	}
	one := ticket()
	status, lines := open(one)
	if status != 200 {
		t.Fatal(status)
	}
	if again, _ := open(one); again != 401 {
		t.Errorf("a second time: %d", again)
	}
	if !lines.Scan() {
		t.Fatal("nothing came")
	}
	began := time.Now()
	yes := true
	_, err := w.people.Change(t.Context(), auth.Local(), u.ID, auth.UserChange{Disabled: &yes})
	w.must(err)
	for lines.Scan() { // until it ends
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stream of a person who was disabled went on for %s", took)
	}
	if log := w.logged(); strings.Contains(log, one) {
		t.Error("the log holds a ticket")
	}
}

// TestUsers: the routes of those who look after people.
func TestUsers(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", fleet.RoleAdmin)
	body := func(more string) string {
		return `{"name":"Bob","role":"viewer","password":"` + password + `"` + more + `}`
	}
	a := w.do("admin", "POST", "/api/v1/users", body(`,"email":"bob@example.org"`))
	bob := read[fleet.User](w, a)
	if a.status != 201 || a.header.Get("Location") != "/api/v1/users/"+string(bob.ID) || strings.Contains(a.body, "argon2") || strings.Contains(a.body, password) {
		t.Errorf("%d %s", a.status, a.body)
	}
	at, mine := "/api/v1/users/"+string(bob.ID), "/api/v1/users/"+string(boss.ID)
	for _, s := range []scenario{
		{name: "twice", as: "admin", method: "POST", path: "/api/v1/users", body: strings.Replace(body(""), "Bob", "BOB", 1), status: 409, has: []string{"name_taken"}},
		{name: "a short password", as: "admin", method: "POST", path: "/api/v1/users", body: strings.Replace(strings.Replace(body(""), password, "short", 1), "Bob", "Eve", 1), status: 422, has: []string{"at least 12"}, lacks: []string{"short"}},
		{name: "no such role", as: "admin", method: "POST", path: "/api/v1/users", body: strings.Replace(body(""), "viewer", "root", 1), status: 422},
		{name: "more than one has", as: "admin", method: "POST", path: "/api/v1/users", body: `{"name":"x","role":"super_admin","password":"` + password + `"}`, status: 403},
		{name: "list", as: "admin", method: "GET", path: "/api/v1/users?limit=1", status: 200, has: []string{`"name":"boss"`, `"next_cursor"`}, lacks: []string{"Bob", "argon2"}},
		{name: "get", as: "admin", method: "GET", path: at, status: 200, has: []string{`"email":"bob@example.org"`}},
		{name: "absent", as: "admin", method: "GET", path: "/api/v1/users/" + absent, status: 404},
		{name: "no id", as: "admin", method: "GET", path: "/api/v1/users/7", status: 404},
		{name: "tenant is nobody's to say", as: "admin", method: "PATCH", path: at, body: `{"tenant_id":"globex"}`, status: 422, has: []string{"unknown_field"}},
		{name: "a role", as: "admin", method: "PATCH", path: at, body: `{"role":"operator"}`, status: 200, has: []string{`"role":"operator"`}, events: []fleet.EventKind{fleet.EventUserUpdated}},
		{name: "the last admin", as: "admin", method: "PATCH", path: mine, body: `{"role":"viewer"}`, status: 409, has: []string{"last_admin"}},
		{name: "the last admin disabled", as: "admin", method: "PATCH", path: mine, body: `{"disabled":true}`, status: 409, has: []string{"last_admin"}},
		{name: "the last admin deleted", as: "admin", method: "DELETE", path: mine, status: 409, has: []string{"last_admin"}},
		{name: "password", as: "admin", method: "PUT", path: at + "/password", body: `{"password":"another good one"}`, status: 204, events: []fleet.EventKind{fleet.EventUserUpdated}},
		{name: "the old password", method: "POST", path: "/api/v1/auth/login", body: loginBody("bob", password), status: 401},
		{name: "the new password", method: "POST", path: "/api/v1/auth/login", body: loginBody("bob", "another good one"), status: 200},
		{name: "deleted", as: "admin", method: "DELETE", path: at, status: 204, events: []fleet.EventKind{fleet.EventUserDeleted}},
		{name: "deleted twice", as: "admin", method: "DELETE", path: at, status: 404},
	} {
		s.run(w)
	}
}

// TestSetup: the first administrator, once.
func TestSetup(t *testing.T) {
	w := newWorld(t)
	token, _, err := w.people.SetupToken(t.Context())
	w.must(err)
	body := `{"token":"` + token.Reveal() + `","name":"Ada","password":"` + password + `"}`
	for _, s := range []scenario{
		{name: "no token", method: "POST", path: "/api/v1/auth/setup", body: `{"token":"x","name":"Ada","password":"` + password + `"}`, status: 401, has: []string{"setup_token"}},
		{name: "made", method: "POST", path: "/api/v1/auth/setup", body: body, status: 201, has: []string{`"role":"super_admin"`}, events: []fleet.EventKind{fleet.EventUserCreated}},
		{name: "twice", method: "POST", path: "/api/v1/auth/setup", body: body, status: 401},
	} {
		s.run(w)
	}
	w.signIn("ada")
	own := read[SessionList](w, w.do("ada", "GET", "/api/v1/me/sessions", ""))
	if len(own.Sessions) != 1 || !own.Sessions[0].Current || own.Sessions[0].Address != "127.0.0.1" {
		t.Errorf("%+v", own)
	}
	if a := w.do("ada", "DELETE", "/api/v1/me/sessions/"+string(own.Sessions[0].ID), ""); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.do("ada", "GET", "/api/v1/me", ""); a.status != 401 {
		t.Errorf("after its end: %d", a.status)
	}
	w.signIn("ada")
	if a := w.do("ada", "PUT", "/api/v1/me/password", `{"current_password":"`+password+`","new_password":"`+password+`!"}`); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestBrowserWithKey: a key stands in place of name and password, and its cookie
// goes where those of people go.
func TestBrowserWithKey(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.SignIns = 8 })
	body := func(key string) string { return `{"key":` + quote(key) + `}` }
	a := w.do("", "POST", "/api/v1/auth/session", body(w.keys["operator"]))
	set := a.header.Values("Set-Cookie")
	if a.status != 200 || len(set) != 1 || !strings.Contains(a.body, `"user_id":"key operator"`) || strings.Contains(a.body+set[0], w.keys["operator"]) {
		t.Fatalf("%d %s %v", a.status, a.body, set)
	}
	for _, want := range []string{SignInCookie + "=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
		if !strings.Contains(set[0], want) {
			t.Errorf("%s lacks %s", set[0], want)
		}
	}
	jar, _, _ := strings.Cut(set[0], ";")
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		has                      string
	}{
		{"me", "GET", "/api/v1/me", "", nil, 200, `"session_id":"`},
		{"reads", "GET", "/api/v1/jobs", "", nil, 200, ""},
		{"beyond the role", "GET", "/api/v1/users", "", nil, 403, "users:manage"},
		{"what is for people", "GET", "/api/v1/me/sessions", "", nil, 403, "not_signed_in"},
		{"a change from elsewhere", "POST", "/api/v1/robots/bot-1/pause", "{}", []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"out", "POST", "/api/v1/auth/logout", "", []string{"Sec-Fetch-Site", "same-origin"}, 200, "Signed out"},
		{"after that", "GET", "/api/v1/jobs", "", nil, 401, ""},
	} {
		got := w.do("", c.method, c.path, c.body, append([]string{"Cookie", jar}, c.headers...)...)
		if got.status != c.status || !strings.Contains(got.body, c.has) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
	for _, c := range []struct {
		name, body string
		status     int
		has        string
	}{
		{"a robot's", body(w.keys["bot-1"]), 422, "robots do not sign in"},
		{"both", `{"key":"cfu_x","username":"ada","password":"x"}`, 422, "one or the other"},
		{"neither", `{}`, 422, "username and password"},
		{"a wrong one", body("cfu_x"), 401, "credential_invalid"},
		{"for a program", `{"key":"cfu_x"}`, 422, ""},
	} {
		path := "/api/v1/auth/session"
		if c.name == "for a program" {
			path = "/api/v1/auth/login"
		}
		if got := w.do("", "POST", path, c.body); got.status != c.status || !strings.Contains(got.body, c.has) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
	for i := range 3 { // the rate of sign-ins is one for both ways
		if got := w.do("", "POST", "/api/v1/auth/session", body("cfu_x")); (got.status == 429) != (i > 1) {
			t.Errorf("try %d: %d %s", i, got.status, got.body)
		}
	}
	if a := w.do("", "POST", "/api/v1/auth/logout", "", "X-Api-Key", w.keys["viewer"]); a.status != 403 {
		t.Errorf("a key that signed nobody in: %d %s", a.status, a.body)
	}
}
