package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// base is the path below which the API lives.
const base = "/api/v1"

// Options say where the orchestrator is and who is asking.
type Options struct {
	URLs []string // tried in order; the first that answers is kept
	Key  string   // sent as a bearer token; empty: none
	// Renew gives the token of each request in place of Key, for sign-ins whose
	// tokens are renewed. Nil: Key is sent.
	Renew      func(ctx context.Context) (string, error)
	HTTPClient *http.Client
	UserAgent  string
	Tenant     string        // to act for; only for those who work across tenants
	Tries      int           // of one request; 3 if zero
	Pause      time.Duration // before the second try; 1 s if zero, doubled each time
	// Log is told of every try that failed; may be nil.
	Log func(format string, args ...any)
}

// Client speaks to an orchestrator.
type Client struct {
	addresses *addresses
	key       func(ctx context.Context) (string, error)
	tenant    string
	agent     string
	tries     int
	pause     time.Duration
	http      *http.Client
	streams   *http.Client // without a time limit
	log       func(format string, args ...any)
}

// New checks the addresses. It connects to nothing yet.
func New(o Options) (*Client, error) {
	a, err := newAddresses(o.URLs)
	if err != nil {
		return nil, err
	}
	c := &Client{addresses: a, key: o.Renew, tenant: o.Tenant, agent: o.UserAgent, tries: o.Tries, pause: o.Pause, http: o.HTTPClient, log: o.Log}
	if c.key == nil {
		c.key = func(context.Context) (string, error) { return o.Key, nil }
	}
	if c.tries <= 0 {
		c.tries = 3
	}
	if c.pause <= 0 {
		c.pause = time.Second
	}
	if c.agent == "" {
		c.agent = "casare-fleet-go"
	}
	if c.http == nil {
		c.http = &http.Client{Timeout: time.Minute}
	}
	if c.log == nil {
		c.log = func(string, ...any) {}
	}
	streams := *c.http
	streams.Timeout = 0
	c.streams = &streams
	return c, nil
}

// request is one call before it is sent.
type request struct {
	method string
	path   string
	query  url.Values
	body   []byte
	header http.Header
	// safe says that sending it twice does no harm.
	safe bool
	// accept is the type wanted; JSON if empty.
	accept string
}

// reply is an answer whose status says that all is well.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 64 << 20

// do sends a request, again if that is safe, and reads the answer.
func (c *Client) do(ctx context.Context, r request) (*reply, error) {
	var last error
	for try := 1; ; try++ {
		resp, err := c.send(ctx, c.http, r)
		if err == nil {
			var out *reply
			if out, err = readReply(resp); err == nil {
				return out, nil
			}
		}
		last = err
		if ctx.Err() != nil || !again(err, r.safe) {
			return nil, err
		}
		if try >= c.tries {
			return nil, last
		}
		if err := wait(ctx, c.pauseAfter(try, last)); err != nil {
			return nil, last
		}
	}
}

// send sends a request once, to the first address that can be reached.
func (c *Client) send(ctx context.Context, via *http.Client, r request) (*http.Response, error) {
	var failed error
	for _, address := range c.addresses.inOrder() {
		req, err := c.build(ctx, address, r)
		if err != nil {
			return nil, err
		}
		resp, err := via.Do(req)
		if err == nil {
			c.addresses.reached(address, nil)
			return resp, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.addresses.reached(address, err)
		c.log("%s %s at %s: %v", r.method, r.path, address, plain(err))
		failed = err
		if !neverSent(err) {
			return nil, broken(address, err)
		}
	}
	return nil, unreachable(c.addresses.all, failed)
}

func (c *Client) build(ctx context.Context, address string, r request) (*http.Request, error) {
	target, query := address+r.path, r.query
	if c.tenant != "" {
		query = maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("tenant_id", c.tenant)
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "invalid_url", "The address %s cannot be used: %w", address, err)
	}
	maps.Copy(req.Header, r.header)
	if r.body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	key, err := c.key(ctx)
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return req, nil
}

// readReply reads an answer to its end; one that tells of an error becomes one.
func readReply(resp *http.Response) (*reply, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, broken(resp.Request.URL.Host, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, errorOf(resp, body)
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// call sends a request and reads the JSON of its answer into out, unless out
// is nil.
func (c *Client) call(ctx context.Context, r request, out any) (*reply, error) {
	got, err := c.do(ctx, r)
	if err != nil || out == nil {
		return got, err
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return nil, fleet.Errorf(fleet.CodeInternal, "unreadable_answer", "The answer to %s %s cannot be read: %w", r.method, r.path, err)
	}
	return got, nil
}

// get reads an object.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.call(ctx, request{method: http.MethodGet, path: path, query: query, safe: true}, out)
	return err
}

// encode writes a body without changing a character of what it carries.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		if kind, ok := errors.AsType[*json.MarshalerError](err); ok {
			return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "A part of the request is no JSON: %w", kind.Err)
		}
		return nil, fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The request cannot be written as JSON: %w", err)
	}
	return buf.Bytes(), nil
}

// newKey makes an Idempotency-Key.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

func idempotent(key string) http.Header {
	if key == "" {
		key = newKey()
	}
	return http.Header{"Idempotency-Key": {key}}
}

// at joins the parts of a path, each of them as one segment.
func at(parts ...string) string {
	var b strings.Builder
	b.WriteString(base)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// set puts a value into a query unless it is empty.
func set(q url.Values, name string, value any) {
	if text := fmt.Sprint(value); text != "" && text != "0" && text != "false" {
		q.Set(name, text)
	}
}
