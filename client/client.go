package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Options say whom to ask and as whom.
type Options struct {
	URLs      []string // of orchestrators, tried in turn; at least one
	Key       string   // empty on a development server
	HTTP      *http.Client
	UserAgent string
	// Log is told of every retry and of the address that answered; may be nil.
	Log func(format string, args ...any)
}

// Client asks an orchestrator.
type Client struct {
	o         Options
	http      *http.Client
	addresses *addresses
}

// New checks the addresses; whether anybody answers is found out by asking.
func New(o Options) (*Client, error) {
	if len(o.URLs) == 0 {
		return nil, fleet.Invalid("url", "No address of an orchestrator is given.")
	}
	list := make([]string, len(o.URLs))
	for i, text := range o.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fleet.Invalid("url", "%q is not an address such as http://127.0.0.1:8000.", text)
		}
		list[i] = strings.TrimRight(u.String(), "/")
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 60 * time.Second}
	}
	if o.UserAgent == "" {
		o.UserAgent = "fleet-go"
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	return &Client{o: o, http: o.HTTP, addresses: &addresses{list: list}}, nil
}

// URL is the address that answered last, or the first one.
func (c *Client) URL() string { return c.addresses.order()[0] }

// request is one operation before it is sent.
type request struct {
	method string
	path   string
	query  url.Values
	header http.Header
	body   []byte
	key    string // Idempotency-Key
	stream bool   // the answer is read by the caller, and may take for ever
}

// call sends a request and decodes its answer into out, which may be nil.
func (c *Client) call(ctx context.Context, r request, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		r.body = body
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // its bytes were read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return broken(c.URL(), err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fleet.Errorf(fleet.CodeInternal, "bad_answer", "%s answered %s %s with something that is not understood: %w", c.URL(), r.method, r.path, err)
	}
	return nil
}

// send tries a request on every address, and again after a pause, until it is
// answered. An answer that is an error of the request itself is final.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var last error
	for try := range tries {
		for _, address := range c.addresses.order() {
			resp, err := c.once(ctx, address, r)
			if err == nil {
				c.addresses.worked(address)
				return resp, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			last = err
			if !passing(err) {
				return nil, err
			}
			c.o.Log("%s %s on %s: %v", r.method, r.path, address, err)
		}
		if try == tries-1 {
			break
		}
		if err := sleep(ctx, pause(try, last)); err != nil {
			return nil, err
		}
	}
	return nil, last
}

func (c *Client) once(ctx context.Context, address string, r request) (*http.Response, error) {
	target := address + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fleet.Invalid("url", "The request cannot be made: %s.", err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	if c.o.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.o.Key)
	}
	if r.body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	client := c.http
	if r.stream {
		endless := *c.http
		endless.Timeout = 0
		client = &endless
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, broken(address, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close() //nolint:errcheck // its bytes were read
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return nil, problem(resp, data)
}

// broken says that nobody could be asked.
func broken(address string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // the method and the URL are said already
	}
	return fleet.Errorf(fleet.CodeUnavailable, "unreachable", "No orchestrator answers at %s: %w.", address, err).
		WithFix("Start one with 'fleet dev' or 'fleet serve', or name another with --url.")
}

// problem turns the body of an error answer back into the error it was.
func problem(resp *http.Response, data []byte) error {
	var p struct {
		Detail    string             `json:"detail"`
		Title     string             `json:"title"`
		Kind      fleet.Code         `json:"kind"`
		Code      string             `json:"code"`
		Fix       string             `json:"fix"`
		Errors    []fleet.FieldError `json:"errors"`
		RequestID string             `json:"request_id"`
	}
	_ = json.Unmarshal(data, &p) // a body of another kind leaves it empty
	e := &fleet.Error{Code: p.Kind, Reason: p.Code, Message: p.Detail, Fix: p.Fix, Fields: p.Errors, Status: resp.StatusCode}
	if e.Code == "" {
		e.Code = codeOf(resp.StatusCode)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("The server answered %s.", resp.Status)
	}
	if e.Code == fleet.CodeInternal && p.RequestID != "" {
		e.Message += " (request " + p.RequestID + ")"
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n >= 0 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return e
}

// codeOf is the kind of an answer whose body does not say.
func codeOf(status int) fleet.Code {
	switch {
	case status == http.StatusUnauthorized:
		return fleet.CodeUnauthenticated
	case status == http.StatusForbidden:
		return fleet.CodeForbidden
	case status == http.StatusNotFound:
		return fleet.CodeNotFound
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return fleet.CodeConflict
	case status == http.StatusGone:
		return fleet.CodeGone
	case status == http.StatusTooManyRequests || status == http.StatusInsufficientStorage:
		return fleet.CodeExhausted
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return fleet.CodeUnavailable
	case status < 500:
		return fleet.CodeInvalid
	}
	return fleet.CodeInternal
}
