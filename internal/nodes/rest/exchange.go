package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/charset"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxAnswer is how much of a response becomes a value. Larger ones are for the
// download node.
const maxAnswer = 32 << 20

// exchange is a request with what is needed to send it again.
type exchange struct {
	method  string
	url     string
	header  map[string][]string
	body    []byte
	stream  func() (io.ReadCloser, error) // in place of body, opened for each try
	timeout time.Duration
	retries int64
	delay   time.Duration
	follow  bool
	hops    int
	insure  bool // check certificates
	proxy   string
}

// newExchange reads the settings that all request nodes share.
func newExchange(c *engine.Call, method string, defTimeout, defDelay float64) (x *exchange, err error) {
	x = &exchange{method: method, follow: c.Flag("follow_redirects", true), insure: c.Flag("verify_ssl", true), proxy: strings.TrimSpace(c.Text("proxy"))}
	if x.url, err = address(c); err != nil {
		return nil, err
	}
	if x.header, err = headers(c, "headers"); err != nil {
		return nil, err
	}
	if x.timeout, err = timeout(c, defTimeout); err != nil {
		return nil, err
	}
	if x.retries, err = c.Int("retry_count", 0); err != nil {
		return nil, err
	}
	delay, err := c.Float("retry_delay", defDelay)
	if err != nil {
		return nil, err
	}
	x.delay = seconds(delay)
	hops, err := c.Int("max_redirects", 10)
	x.hops = int(hops)
	if hops <= 0 {
		x.follow = false
	}
	return x, err
}

// address reads the URL with its parameters. One without a scheme is https.
func address(c *engine.Call) (string, error) {
	text, err := need(c, "url")
	if err != nil {
		return "", err
	}
	if !strings.Contains(text, "://") {
		text = "https://" + strings.TrimPrefix(text, "//")
	}
	params, err := c.Object("params")
	if err != nil {
		return "", err
	}
	if _, err := url.Parse(text); err != nil {
		return "", engine.Fail("ValueError", "%q is not a URL", text)
	}
	return withQuery(text, params), nil
}

// withQuery adds parameters in their order; lists repeat their name and null
// leaves it out.
func withQuery(address string, params *value.Map) string {
	query := form(params)
	if query == "" {
		return address
	}
	address, fragment, hasFragment := strings.Cut(address, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	address += query
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

func form(params *value.Map) string {
	var pairs []string
	for name, v := range params.All() {
		items, ok := v.([]any)
		if !ok {
			items = []any{v}
		}
		for _, item := range items {
			if item != nil {
				pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value.Str(item)))
			}
		}
	}
	return strings.Join(pairs, "&")
}

func headers(c *engine.Call, name string) (map[string][]string, error) {
	m, err := c.Object(name)
	if err != nil {
		return nil, err
	}
	header := map[string][]string{}
	for k, v := range m.All() {
		if v != nil {
			header[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(k))] = []string{value.Str(v)}
		}
	}
	return header, nil
}

// setBody lays out what a node is asked to send. With reparse, a text that is
// JSON is written anew, as the original's super node does.
func (x *exchange) setBody(c *engine.Call, reparse bool) error {
	kind := strings.TrimSpace(c.Text("content_type"))
	if kind == "" {
		kind = "application/json"
	}
	v := value.Plain(c.Param("body"))
	if text, ok := v.(string); ok && reparse && strings.Contains(kind, "json") {
		if parsed, err := value.Loads(text); err == nil {
			v = parsed
		}
	}
	switch b := v.(type) {
	case nil:
		return nil
	case string:
		x.body = []byte(b)
	case []byte:
		x.body = b
	default:
		if m, ok := v.(*value.Map); ok && strings.Contains(kind, "x-www-form-urlencoded") {
			x.body = []byte(form(m))
			break
		}
		text, err := value.Dumps(v, value.Options{Indent: -1, EnsureASCII: true})
		if err != nil {
			return err
		}
		x.body = []byte(text)
		if !strings.Contains(kind, "json") {
			kind = "application/json"
		}
	}
	if len(x.body) > 0 && x.header["Content-Type"] == nil {
		x.header["Content-Type"] = []string{kind}
	}
	return nil
}

// answer is a response that was read.
type answer struct {
	status int
	header map[string][]string
	body   []byte
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// send makes the request, and again after failures of the transport and
// statuses of 500 and more, as often as asked. read takes the response while
// the connection is open; it may be called once for each try.
func (x *exchange) send(ctx context.Context, c *engine.Call, read func(*engine.Response) error) error {
	for try := int64(0); ; try++ {
		last := try >= x.retries
		err := x.once(ctx, c, func(r *engine.Response) error {
			if r.Status >= 500 && !last {
				return errAgain
			}
			return read(r)
		})
		if err == nil {
			return nil
		}
		if last || ctx.Err() != nil || !repeatable(err) {
			return x.explain(ctx, err)
		}
		c.Note(fmt.Sprintf("try %d of %d failed, trying again", try+1, x.retries+1))
		if err := engine.Pause(ctx, x.delay); err != nil {
			return err
		}
	}
}

var errAgain = errors.New("the server failed")

// transport is the type of the host's failures between here and the server.
const transport = "ClientError"

// repeatable tells failures of the transport from those that would come again:
// a refusal by the policy, a wrong URL, a full disk.
func repeatable(err error) bool {
	if told, ok := errors.AsType[*engine.Failure](err); ok {
		return told.Type == "TimeoutError" || told.Type == transport
	}
	_, local := errors.AsType[*localError](err)
	return !local
}

// localError is one of this machine, in the middle of a transfer.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

func (x *exchange) explain(ctx context.Context, err error) error {
	told, isFailure := errors.AsType[*engine.Failure](err)
	local, isLocal := errors.AsType[*localError](err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isLocal:
		return local.err
	case isFailure && told.Type != "TimeoutError" && told.Type != transport:
		return told
	case isFailure && told.Type == "TimeoutError", errors.Is(err, context.DeadlineExceeded):
		return &engine.Failure{
			Type: "TimeoutError", Class: engine.ClassTimeout,
			Message: fmt.Sprintf("Request timed out after %g seconds", x.timeout.Seconds()),
		}
	default:
		return engine.Fail(transport, "Request failed: %s", err)
	}
}

func (x *exchange) once(ctx context.Context, c *engine.Call, read func(*engine.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	r := &engine.Request{
		Method: x.method, URL: x.url, Header: x.header, Timeout: x.timeout,
		FollowRedirects: x.follow, MaxRedirects: x.hops, SkipVerify: !x.insure, Proxy: x.proxy,
	}
	switch {
	case x.stream != nil:
		body, err := x.stream()
		if err != nil {
			return &localError{err}
		}
		defer body.Close()
		r.Body = body
	case len(x.body) > 0:
		r.Body = bytes.NewReader(x.body)
	}
	response, err := c.Host().Fetch(ctx, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return read(response)
}

// fetch makes the request and reads the whole response.
func (x *exchange) fetch(ctx context.Context, c *engine.Call) (*answer, error) {
	a := &answer{}
	err := x.send(ctx, c, func(r *engine.Response) (err error) {
		a.status, a.header = r.Status, r.Header
		a.body, err = io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
		if err == nil && len(a.body) > maxAnswer {
			return engine.Fail("ValueError", "The response is larger than %d bytes; download it to a file instead", maxAnswer)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// text decodes the body: as asked, else as the server says, else as UTF-8.
// Broken characters are replaced, for a page is more useful than an error.
func (a *answer) text(asked string) (string, error) {
	if asked != "" {
		enc, err := charset.Lookup(asked)
		if err != nil {
			return "", err
		}
		return enc.Decode(a.body, charset.Replace)
	}
	said := ""
	for _, v := range a.header["Content-Type"] {
		if _, params, err := mime.ParseMediaType(v); err == nil {
			said = params["charset"]
		}
	}
	enc, err := charset.Lookup(said)
	if err != nil {
		enc, _ = charset.Lookup("utf-8")
	}
	return enc.Decode(a.body, charset.Replace)
}

// json is the body as a value, or nil when it is no JSON.
func (a *answer) json(text string) any {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	v, err := value.Loads(text)
	if err != nil {
		return nil
	}
	return v
}

// headerMap gives the response headers, sorted, with repeated ones joined.
func (a *answer) headerMap() *value.Map {
	m := value.NewMap()
	for _, k := range slices.Sorted(maps.Keys(a.header)) {
		m.Set(k, strings.Join(a.header[k], ", "))
	}
	return m
}

// report puts an answer on the outputs.
func (a *answer) report(c *engine.Call, encoding string, withHeaders bool) error {
	text, err := a.text(encoding)
	if err != nil {
		return err
	}
	c.Set("response_body", text)
	c.Set("response_json", a.json(text))
	c.Set("status_code", int64(a.status))
	if withHeaders {
		c.Set("response_headers", a.headerMap())
	}
	a.verdict(c)
	return nil
}

func (a *answer) verdict(c *engine.Call) {
	c.Set("success", a.ok())
	if a.ok() {
		c.Set("error", "")
		return
	}
	c.Set("error", fmt.Sprintf("HTTP %d", a.status))
}
