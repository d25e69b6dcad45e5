package rest

import (
	"bufio"
	"context"
	"crypto/subtle"
	"fmt"
	"html"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// listener is the part of a host that lets a workflow wait for a connection.
// Not every host has it: a robot listens on no port unless its policy says so.
type listener interface {
	Listen(ctx context.Context, address string) (net.Listener, error)
}

// awaitCallback waits on a local port until the browser of a person comes back
// from the authorisation page.
func awaitCallback(ctx context.Context, c *engine.Call) (engine.Result, error) {
	host, ok := c.Host().(listener)
	if !ok {
		return engine.Result{}, engine.Fail("PermissionError", "This robot does not let workflows listen on a port")
	}
	port, err := c.Int("port", 8080)
	if err != nil {
		return engine.Result{}, err
	}
	wait, err := c.Float("timeout", 120)
	if err != nil {
		return engine.Result{}, err
	}
	path := "/" + strings.TrimLeft(strings.TrimSpace(c.Text("path")), "/")
	if path == "/" {
		path = "/callback"
	}
	ctx, cancel := context.WithTimeoutCause(ctx, seconds(wait), &engine.Failure{
		Type: "TimeoutError", Class: engine.ClassTimeout, Message: fmt.Sprintf("No callback within %g seconds", wait),
	})
	defer cancel()
	l, err := host.Listen(ctx, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return engine.Result{}, engine.Fail("OSError", "Cannot listen on port %d: %s", port, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer l.Close()
	query, err := serve(ctx, l, path, c.Text("expected_state"))
	if err != nil {
		return engine.Result{}, err
	}
	for _, name := range []string{"code", "state", "access_token", "error", "error_description"} {
		c.Set(name, query.Get(name))
	}
	if code := query.Get("error"); code != "" {
		return engine.Result{}, engine.Fail("OAuthError", "%s: %s", code, query.Get("error_description"))
	}
	return engine.Continue(), nil
}

// serve answers one connection after the other until one is the callback.
// Others, such as the browser's wish for an icon, get a 404.
func serve(ctx context.Context, l net.Listener, path, state string) (url.Values, error) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return nil, fmt.Errorf("wait for the callback: %w", err)
		}
		query, done := answerOne(conn, path)
		if !done {
			continue
		}
		if state != "" && subtle.ConstantTimeCompare([]byte(state), []byte(query.Get("state"))) != 1 {
			return nil, engine.Fail("OAuthError", "The state of the callback does not match")
		}
		return query, nil
	}
}

// answerOne reads one small request. A client that says nothing for ten
// seconds is let go.
func answerOne(conn net.Conn, path string) (url.Values, bool) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, 64<<10)))
	line, err := r.ReadLine()
	if err != nil {
		return nil, false
	}
	if _, err := r.ReadMIMEHeader(); err != nil {
		return nil, false
	}
	parts := strings.Fields(line)
	if len(parts) != 3 || parts[0] != "GET" {
		reply(conn, "405 Method Not Allowed", "Only GET is understood here.")
		return nil, false
	}
	u, err := url.ParseRequestURI(parts[1])
	if err != nil || u.Path != path {
		reply(conn, "404 Not Found", "Nothing is here.")
		return nil, false
	}
	query := u.Query()
	text := "Authorisation received. You can close this window."
	if code := query.Get("error"); code != "" {
		text = "Authorisation failed: " + code
	}
	reply(conn, "200 OK", text)
	return query, true
}

func reply(conn net.Conn, status, text string) {
	page := "<!doctype html><title>Authorisation</title><p>" + html.EscapeString(text) + "</p>\n"
	// Whoever asked may be gone already; the workflow has what it needs.
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(page), page)
}
