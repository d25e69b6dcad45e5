package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/url"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

const defaultRedirect = "http://localhost:8080/callback"

// token is a random text that nobody guesses and every URL carries.
func token() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails; the program would have ended before
	return base64.RawURLEncoding.EncodeToString(raw)
}

// authorize builds the address at which a person lets the workflow in.
func authorize(_ context.Context, c *engine.Call) (engine.Result, error) {
	address, err := need(c, "auth_url")
	if err != nil {
		return engine.Result{}, err
	}
	client, err := need(c, "client_id")
	if err != nil {
		return engine.Result{}, err
	}
	extra, err := c.Object("extra_params")
	if err != nil {
		return engine.Result{}, err
	}
	or := func(name, def string) string {
		if text := strings.TrimSpace(c.Text(name)); text != "" {
			return text
		}
		return def
	}
	state := or("state", "")
	if state == "" {
		state = token()
	}
	params := value.MapOf(
		"response_type", or("response_type", "code"),
		"client_id", client,
		"redirect_uri", or("redirect_uri", defaultRedirect),
	)
	if scope := or("scope", ""); scope != "" {
		params.Set("scope", scope)
	}
	params.Set("state", state)
	verifier, challenge := "", ""
	if c.Flag("pkce_enabled", true) {
		verifier = token()
		sum := sha256.Sum256([]byte(verifier))
		challenge = base64.RawURLEncoding.EncodeToString(sum[:])
		params.Set("code_challenge", challenge)
		params.Set("code_challenge_method", "S256")
	}
	for k, v := range extra.All() {
		params.Set(k, v)
	}
	c.Set("auth_url", withQuery(address, params))
	c.Set("state", state)
	c.Set("code_verifier", verifier)
	c.Set("code_challenge", challenge)
	return engine.Continue(), nil
}

// exchangeToken gets a token by one of four grants.
func exchangeToken(ctx context.Context, c *engine.Call) (engine.Result, error) {
	grant := strings.TrimSpace(c.Text("grant_type"))
	if grant == "" {
		grant = "authorization_code"
	}
	var must, may []string
	switch grant {
	case "authorization_code":
		must, may = []string{"code"}, []string{"redirect_uri", "code_verifier"}
	case "client_credentials":
		may = []string{"scope"}
	case "refresh_token":
		must, may = []string{"refresh_token"}, []string{"scope"}
	case "password":
		must, may = []string{"username", "password"}, []string{"scope"}
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unsupported grant_type: %s", grant)
	}
	fields := value.MapOf("grant_type", grant)
	for _, name := range must {
		text := c.Text(name)
		if text == "" {
			return engine.Result{}, engine.Fail("ValueError", "%s is required for the grant %s", name, grant)
		}
		fields.Set(name, text)
	}
	for _, name := range append(may, "client_id", "client_secret") {
		if text := c.Text(name); text != "" {
			fields.Set(name, text)
		}
	}
	full, err := postForm(ctx, c, "token_url", fields, nil)
	if err != nil {
		return engine.Result{}, err
	}
	for _, name := range []string{"access_token", "refresh_token", "token_type", "scope", "id_token"} {
		c.Set(name, textOf(full, name))
	}
	c.Set("expires_in", wholeOf(full, "expires_in"))
	c.Set("full_response", full)
	if textOf(full, "access_token") == "" {
		return engine.Result{}, engine.Fail("OAuthError", "The answer holds no access_token")
	}
	return engine.Continue(), nil
}

// validateToken asks the server about a token (RFC 7662). An inactive token is
// an answer.
func validateToken(ctx context.Context, c *engine.Call) (engine.Result, error) {
	tok := c.Text("token")
	if tok == "" {
		return engine.Result{}, engine.Fail("ValueError", "token is required")
	}
	fields := value.MapOf("token", tok)
	header := map[string][]string{}
	client, secret := c.Text("client_id"), c.Text("client_secret")
	switch {
	case secret != "":
		pair := url.QueryEscape(client) + ":" + url.QueryEscape(secret)
		header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	case client != "":
		fields.Set("client_id", client)
	}
	full, err := postForm(ctx, c, "introspection_url", fields, header)
	if err != nil {
		return engine.Result{}, err
	}
	active, _ := full.Get("active")
	c.Set("active", value.ToBool(active))
	for _, name := range []string{"client_id", "username", "scope", "token_type"} {
		c.Set(name, textOf(full, name))
	}
	c.Set("expires_at", wholeOf(full, "exp"))
	c.Set("full_response", full)
	return engine.Continue(), nil
}

// postForm sends fields and returns the object in the answer. The message of a
// failure is the server's own; it never holds what was sent.
func postForm(ctx context.Context, c *engine.Call, urlName string, fields *value.Map, header map[string][]string) (*value.Map, error) {
	address, err := need(c, urlName)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	x := &exchange{
		method: "POST", url: address, body: []byte(form(fields)), timeout: seconds(30), insure: true,
		header: map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
	}
	maps.Copy(x.header, header)
	a, err := x.fetch(ctx, c)
	if err != nil {
		return nil, err
	}
	text, err := a.text("")
	if err != nil {
		return nil, err
	}
	full, isObject := a.json(text).(*value.Map)
	if !isObject {
		full = fromForm(text)
	}
	if code := textOf(full, "error"); code != "" {
		if more := textOf(full, "error_description"); more != "" {
			code += ": " + more
		}
		return nil, engine.Fail("OAuthError", "%s", code)
	}
	if !a.ok() {
		return nil, engine.Fail("OAuthError", "HTTP %d from %s", a.status, urlName)
	}
	return full, nil
}

// fromForm reads the answer of servers that ignore what was accepted.
func fromForm(text string) *value.Map {
	m := value.NewMap()
	values, err := url.ParseQuery(strings.TrimSpace(text))
	if err != nil || !strings.Contains(text, "=") {
		return m
	}
	for pair := range strings.SplitSeq(strings.TrimSpace(text), "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil {
			m.Set(name, values.Get(name))
		}
	}
	return m
}

func textOf(m *value.Map, name string) string {
	v, _ := m.Get(name)
	if v == nil {
		return ""
	}
	return value.Str(v)
}

func wholeOf(m *value.Map, name string) int64 {
	v, _ := m.Get(name)
	f, err := value.ToFloat(v)
	if err != nil {
		return 0
	}
	return int64(f)
}
