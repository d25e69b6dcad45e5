package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// call is what the road of a request has gathered so far.
type call struct {
	requestID string
	body      []byte
	agent     string // as the program calls itself
	known     string // what marks a browser that somebody has signed in with
	origin    auth.Origin
	who       string // for the access log
	pattern   string
	until     time.Time // how long it may be held while the store is away
	overTLS   bool      // also where a proxy ends it
}

type callKey struct{}

// callOf returns the call of a context; an empty one outside of a request.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// ServeHTTP takes a request through everything that holds for all routes.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{requestID: a.header(r, "X-Request-Id", "")}
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c)) // a copy, which may be changed
	c.overTLS = a.arrive(r)
	r = a.readCaller(r)
	c.remember(r)
	out := &recorder{ResponseWriter: w}
	began := a.o.Now()
	secure(out.Header(), c.overTLS)
	out.Header().Set("X-Request-Id", c.requestID)
	out.Header().Set("X-Correlation-Id", a.header(r, "X-Correlation-Id", c.requestID))
	defer func() {
		if fault := recover(); fault != nil {
			if fault == http.ErrAbortHandler { //nolint:errorlint // the sentinel is compared as net/http does
				panic(fault) //nolint:forbidigo // net/http asks for it
			}
			a.o.Logger.Error("handler panicked", "request_id", c.requestID, "pattern", c.pattern,
				"panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			if out.status == 0 {
				a.writeProblem(out, problemReply{problemOf(fleet.Internal(nil), c.requestID)})
			}
		}
		a.logAccess(r, out, c, began)
	}()
	if a.o.Leaving != nil && a.o.Leaving() {
		out.Header().Set("Connection", "close")
	}
	if err := a.admit(r); err != nil {
		a.writeProblem(out, a.problem(r.Context(), err))
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern == "" && strings.HasPrefix(r.URL.Path, "/ws/") && a.o.Robots != nil {
		c.pattern = "/ws/"
		a.o.Robots.ServeHTTP(w, r) // unwrapped: the gateway takes the connection over
		out.status = http.StatusSwitchingProtocols
		return
	}
	if pattern == "" && a.o.Linked != nil {
		c.pattern = "forwarded"
		a.forward(out, r)
		return
	}
	if pattern == "" {
		a.writeProblem(out, a.problem(r.Context(), unknownRoute(h, r)))
		return
	}
	c.pattern = pattern
	a.mux.ServeHTTP(out, r)
}

// header is the id that a header names, or else another one: otherwise, and a new
// one if that is empty.
func (a *API) header(r *http.Request, name, otherwise string) string {
	if otherwise == "" {
		otherwise = string(a.ids.New())
	}
	id := r.Header.Get(name)
	if len(id) == 0 || len(id) > 128 {
		return otherwise
	}
	for _, ch := range []byte(id) {
		if ch <= ' ' || ch > '~' || ch == '"' || ch == '\\' {
			return otherwise
		}
	}
	return id
}

// secure sets the headers that keep browsers from doing more than they should.
func secure(h http.Header, overTLS bool) {
	if overTLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

// admit looks at the address of a request before anything else does.
func (a *API) admit(r *http.Request) error {
	if limit := int(a.o.Limits.URL); len(r.RequestURI) > limit {
		e := fleet.Errorf(fleet.CodeInvalid, "url_too_long", "A URL may have at most %d bytes; got %d.", limit, len(r.RequestURI))
		e.Status = http.StatusRequestURITooLong
		return e
	}
	if n := 1 + strings.Count(r.URL.RawQuery, "&"); n > a.o.Limits.QueryParams {
		return fleet.Invalid("query", "A query may have at most %d parameters; got %d.", a.o.Limits.QueryParams, n)
	}
	// What is no text is the name of nothing, and no database takes it.
	if !isText(r.URL.Path) {
		return fleet.Errorf(fleet.CodeNotFound, "route_not_found", "There is nothing of that name.")
	}
	if query, err := url.QueryUnescape(r.URL.RawQuery); err == nil && !isText(query) {
		return fleet.Invalid("query", "A query must be UTF-8 without NUL.")
	}
	if size, limit := headerSize(r), int(a.o.Limits.Header); size > limit {
		e := fleet.Errorf(fleet.CodeInvalid, "headers_too_large", "The headers of a request may have at most %d bytes; got %d.", limit, size)
		e.Status = http.StatusRequestHeaderFieldsTooLarge
		return e
	}
	// Without a credential the browser's rules are all that keeps other pages
	// out: a name that was pointed at this machine, or a page from elsewhere.
	if a.o.Local && !loopback(hostname(r.Host)) {
		return fleet.Errorf(fleet.CodeForbidden, "host_not_allowed", "This orchestrator answers on loopback only, not as %q.", clip(r.Host, 80)).
			WithFix("Use http://localhost or http://127.0.0.1 with its port.")
	}
	if origin := r.Header.Get("Origin"); a.o.Local && origin != "" {
		u, err := url.Parse(origin)
		// Development lets pages of other programs on this machine call; a canvas
		// has a key of the fleet, and its own page alone acts with it.
		if err != nil || u.Host == "" || u.Host != r.Host && (a.o.Linked != nil || !loopback(u.Hostname())) {
			return fleet.Errorf(fleet.CodeForbidden, "origin_not_allowed", "Pages from %q may not call this orchestrator.", clip(origin, 80))
		}
	}
	if a.o.Local && a.o.Linked == nil {
		return nil
	}
	// A browser says where a page came from; what other pages send with the
	// browser's own sign-in is not what its user wants.
	if err := a.cross.Check(r); err != nil {
		return fleet.Errorf(fleet.CodeForbidden, "origin_not_allowed", "Pages from elsewhere may not change anything here.").
			WithFix("Call from a page of this orchestrator, or from a program.")
	}
	return nil
}

// isText says whether something is UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// headerSize counts headers as they came.
func headerSize(r *http.Request) int {
	n := 0
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// clip cuts a text to so many bytes, between characters, and marks that it did.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// unknownRoute tells a path that does not exist from a method that it lacks.
func unknownRoute(h http.Handler, r *http.Request) error {
	probe := &probe{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		e := fleet.Errorf(fleet.CodeInvalid, "method_not_allowed", "%s does not know the method %s; it knows %s.",
			clip(r.URL.Path, 200), clip(r.Method, 20), probe.header.Get("Allow"))
		e.Status = http.StatusMethodNotAllowed
		return e
	}
	return fleet.Errorf(fleet.CodeNotFound, "route_not_found", "There is no %s.", clip(r.URL.Path, 200)).
		WithFix("The routes are listed at " + Base + "/openapi.json.")
}

// probe keeps what the mux would have answered.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }

// recorder notes status and size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the size.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what was written.
func (w *recorder) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() } // an old client simply waits

// Hijack hands the connection over.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// logAccess writes one line for each request: no header, no query, no body.
func (a *API) logAccess(r *http.Request, w *recorder, c *call, began time.Time) {
	attrs := []any{
		"request_id", c.requestID, "method", r.Method, "path", clip(r.URL.Path, 200), "status", w.status, "bytes", w.bytes,
		"duration_ms", a.o.Now().Sub(began).Milliseconds(), "who", c.who, "remote", r.RemoteAddr,
	}
	if w.status >= http.StatusInternalServerError {
		a.o.Logger.Warn("request", attrs...)
		return
	}
	a.o.Logger.Debug("request", attrs...)
}
