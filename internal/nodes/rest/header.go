package rest

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// setHeaders joins headers from three places; later ones win.
func setHeaders(_ context.Context, c *engine.Call) (engine.Result, error) {
	joined := value.NewMap()
	for _, name := range []string{"base_headers", "headers_json"} {
		m, err := c.Object(name)
		if err != nil {
			return engine.Result{}, err
		}
		for k, v := range m.All() {
			joined.Set(k, v)
		}
	}
	if name := strings.TrimSpace(c.Text("header_name")); name != "" {
		joined.Set(name, c.Text("header_value"))
	}
	c.Set("headers", joined)
	return engine.Continue(), nil
}

// buildURL joins a base, a path and parameters.
func buildURL(_ context.Context, c *engine.Call) (engine.Result, error) {
	base, err := need(c, "base_url")
	if err != nil {
		return engine.Result{}, err
	}
	if path := strings.TrimSpace(c.Text("path")); path != "" {
		base = strings.TrimRight(base, "/") + "/" + strings.TrimLeft(path, "/")
	}
	params, err := c.Object("params")
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("url", withQuery(base, params))
	return engine.Continue(), nil
}

// authHeaders makes the headers that prove who is asking. A named secret goes
// before what stands in the workflow.
func authHeaders(ctx context.Context, c *engine.Call) (engine.Result, error) {
	p := proof{
		token: c.Text("token"), username: c.Text("username"), password: c.Text("password"),
		header: strings.TrimSpace(c.Text("api_key_name")),
	}
	if name := strings.TrimSpace(c.Text("credential_name")); name != "" {
		secret, err := c.Host().Secret(ctx, name)
		if err != nil {
			return engine.Result{}, err
		}
		p.fill(secret)
	}
	headers, err := c.Object("base_headers")
	if err != nil {
		return engine.Result{}, err
	}
	headers = headers.Clone()
	if err := p.add(headers, c.Text("auth_type")); err != nil {
		return engine.Result{}, err
	}
	c.Set("headers", headers)
	return engine.Continue(), nil
}

// configureAuth is the action of the super node.
func configureAuth(c *engine.Call) (engine.Result, error) {
	p := proof{
		token: c.Text("token"), username: c.Text("username"), password: c.Text("password"),
		header: strings.TrimSpace(c.Text("header_name")),
	}
	headers := value.NewMap()
	if err := p.add(headers, c.Text("auth_type")); err != nil {
		return engine.Result{}, err
	}
	c.Set("auth_headers", headers)
	c.Set("success", true)
	return engine.Continue(), nil
}

// proof is what a caller knows of itself.
type proof struct {
	token, username, password, header string
}

// fill takes a stored secret: an object with named parts, user:password, or
// the token alone.
func (p *proof) fill(secret string) {
	if v, err := value.Loads(secret); err == nil {
		if m, ok := v.(*value.Map); ok {
			for _, part := range []struct {
				names []string
				to    *string
			}{
				{[]string{"token", "api_key", "access_token", "value"}, &p.token},
				{[]string{"username", "user"}, &p.username},
				{[]string{"password"}, &p.password},
			} {
				for _, name := range part.names {
					if v, ok := m.Get(name); ok && v != nil {
						*part.to = value.Str(v)
						break
					}
				}
			}
			return
		}
	}
	p.token = secret
	if user, password, ok := strings.Cut(secret, ":"); ok {
		p.username, p.password = user, password
	} else {
		p.password = secret
	}
}

func (p *proof) add(headers *value.Map, kind string) error {
	switch strings.ToLower(strings.ReplaceAll(strings.TrimSpace(kind), "_", "")) {
	case "", "bearer":
		if p.token == "" {
			return engine.Fail("ValueError", "A bearer token is required")
		}
		headers.Set("Authorization", "Bearer "+p.token)
	case "basic":
		if p.username == "" {
			return engine.Fail("ValueError", "A username is required")
		}
		headers.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(p.username+":"+p.password)))
	case "apikey":
		if p.token == "" {
			return engine.Fail("ValueError", "An API key is required")
		}
		if p.header == "" {
			p.header = "X-API-Key"
		}
		headers.Set(p.header, p.token)
	default:
		return engine.Fail("ValueError", "Unknown auth_type: %s", kind)
	}
	return nil
}
