package rest

import (
	"context"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
)

// request makes one HTTP request. Any status is an answer.
func request(ctx context.Context, c *engine.Call) (engine.Result, error) {
	method := strings.ToUpper(strings.TrimSpace(c.Text("method")))
	switch method {
	case "":
		method = "GET"
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unsupported HTTP method: %s", method)
	}
	x, err := newExchange(c, method, 30, 1)
	if err != nil {
		return engine.Result{}, err
	}
	if err := x.setBody(c, false); err != nil {
		return engine.Result{}, err
	}
	a, err := x.fetch(ctx, c)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Continue(), a.report(c, c.Text("response_encoding"), true)
}

// super does what its action says. Saved files also use the bare verbs.
func super(ctx context.Context, c *engine.Call) (engine.Result, error) {
	action := strings.TrimSpace(c.Text("action"))
	method, isRequest := strings.CutSuffix(action, " Request")
	switch strings.ToUpper(action) {
	case "":
		method, isRequest = "GET", true
	case "GET", "POST", "PUT", "PATCH", "DELETE":
		method, isRequest = strings.ToUpper(action), true
	}
	switch {
	case action == "Download File":
		return download(ctx, c, false, true)
	case action == "Upload File":
		return upload(ctx, c)
	case action == "Configure Auth":
		return configureAuth(c)
	case !isRequest:
		return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s", action)
	}
	x, err := newExchange(c, method, 30, 1)
	if err != nil {
		return engine.Result{}, err
	}
	switch method {
	case "POST", "PUT", "PATCH":
		if err := x.setBody(c, true); err != nil {
			return engine.Result{}, err
		}
	case "GET", "DELETE":
		// These actions have no body.
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s", action)
	}
	a, err := x.fetch(ctx, c)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Continue(), a.report(c, "", true)
}
