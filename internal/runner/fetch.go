package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/outbound"
)

const (
	defaultRedirects = 10
	maxRedirects     = 20
	defaultMaxBody   = 64 << 20
	maxFetch         = 24 * time.Hour
)

// Fetch makes one HTTP request. Every connection is checked after the name was
// resolved, redirects included, so no name can lead to a refused address.
func (h *host) Fetch(ctx context.Context, r *engine.Request) (*engine.Response, error) {
	if h.policy.NetworkOff {
		return nil, engine.Fail("PermissionError", "The policy of this robot does not allow network access")
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, r.Body)
	if err != nil {
		return nil, engine.Fail("ValueError", "%s", plainError(err))
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, engine.Fail("ValueError", "URL %q must start with http:// or https://", r.URL)
	}
	for k, vs := range r.Header {
		for _, v := range vs {
			req.Header.Add(k, v)
		}
		if http.CanonicalHeaderKey(k) == "Host" && len(vs) > 0 {
			req.Host = vs[0]
		}
	}
	opts := outbound.Options{
		Timeout: r.Timeout, MaxBody: h.policy.MaxBody, SkipVerify: r.SkipVerify, Redirects: -1,
	}
	if opts.Timeout <= 0 || opts.Timeout > maxFetch {
		opts.Timeout = maxFetch
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = defaultMaxBody
	}
	if r.FollowRedirects {
		if opts.Redirects = r.MaxRedirects; opts.Redirects <= 0 {
			opts.Redirects = defaultRedirects
		}
		opts.Redirects = min(opts.Redirects, maxRedirects)
	}
	if r.Proxy != "" {
		if opts.Proxy, err = url.Parse(r.Proxy); err != nil || opts.Proxy.Host == "" {
			return nil, engine.Fail("ValueError", "Proxy %q is not a URL", r.Proxy)
		}
	}
	resp, err := h.guard.Client(opts).Do(req) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, netError(err)
	}
	return &engine.Response{
		Status: resp.StatusCode, URL: resp.Request.URL.String(), Header: resp.Header, Body: resp.Body,
	}, nil
}

// netError gives errors of the network the types that a workflow can catch,
// and drops the method and URL that net/http repeats.
func netError(err error) error {
	var ue *url.Error
	timeout := errors.As(err, &ue) && ue.Timeout()
	var fe *fleet.Error
	switch {
	case outbound.Refused(err) && errors.As(err, &fe):
		return &engine.Failure{Type: "PermissionError", Class: engine.ClassApplication, Message: fe.Message}
	case timeout || errors.Is(err, context.DeadlineExceeded):
		return &engine.Failure{Type: "TimeoutError", Class: engine.ClassTimeout, Message: "The request timed out"}
	case errors.As(err, &fe):
		return engine.Fail("ClientError", "%s", fe.Message)
	}
	return engine.Fail("ClientError", "%s", plainError(err))
}

func plainError(err error) string {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprint(ue.Err)
	}
	return err.Error()
}
