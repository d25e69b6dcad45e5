package runner

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

const (
	defaultRedirects = 10
	maxRedirects     = 20
	defaultMaxBody   = 64 << 20
	dialTimeout      = 10 * time.Second
)

// Fetch makes one HTTP request. Every connection is checked after the name was
// resolved, redirects included, so no name can lead to a refused address.
func (h *host) Fetch(ctx context.Context, r *engine.Request) (*engine.Response, error) {
	n := h.policy.Network
	if n.Off {
		return nil, engine.Fail("PermissionError", "The policy of this robot does not allow network access")
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, r.Body)
	if err != nil {
		return nil, engine.Fail("ValueError", "%s", err)
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
	transport, err := h.transport(r)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport, Timeout: r.Timeout, CheckRedirect: redirectRule(r)}
	resp, err := client.Do(req)
	if err != nil {
		transport.CloseIdleConnections()
		return nil, netError(err)
	}
	limit := n.MaxBody
	if limit <= 0 {
		limit = defaultMaxBody
	}
	return &engine.Response{
		Status: resp.StatusCode, URL: resp.Request.URL.String(), Header: resp.Header,
		Body: &body{Reader: io.LimitReader(resp.Body, limit+1), limit: limit, close: func() error {
			defer transport.CloseIdleConnections()
			return resp.Body.Close()
		}},
	}, nil
}

func redirectRule(r *engine.Request) func(*http.Request, []*http.Request) error {
	limit := r.MaxRedirects
	if limit <= 0 {
		limit = defaultRedirects
	}
	limit = min(limit, maxRedirects)
	return func(_ *http.Request, via []*http.Request) error {
		if !r.FollowRedirects {
			return http.ErrUseLastResponse
		}
		if len(via) > limit {
			return engine.Fail("TooManyRedirects", "More than %d redirects", limit)
		}
		return nil
	}
}

func (h *host) transport(r *engine.Request) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: h.policy.Network.control}
	t := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialTimeout, MaxIdleConns: 4, IdleConnTimeout: 5 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	if r.SkipVerify {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the workflow's author asked for it
	}
	if r.Proxy != "" {
		u, err := url.Parse(r.Proxy)
		if err != nil || u.Host == "" {
			return nil, engine.Fail("ValueError", "Proxy %q is not a URL", r.Proxy)
		}
		t.Proxy = http.ProxyURL(u)
	}
	return t, nil
}

// control refuses addresses, looking at what the name resolved to.
func (n Network) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address %s: %w", address, err)
	}
	if a := ap.Addr().Unmap(); !n.allows(a) {
		return &engine.Failure{
			Type: "PermissionError", Class: engine.ClassApplication,
			Message: fmt.Sprintf("The policy of this robot does not allow connections to %s", a),
		}
	}
	return nil
}

func (n Network) allows(a netip.Addr) bool {
	switch {
	case a.IsLoopback():
		return !n.PublicOnly || n.AllowLoopback
	case a.IsLinkLocalUnicast(), a == netip.MustParseAddr("fd00:ec2::254"):
		return n.AllowLinkLocal
	case a.IsMulticast(), a.IsUnspecified():
		return false
	}
	return !n.PublicOnly || !a.IsPrivate() && a.IsGlobalUnicast() && !cgnat.Contains(a)
}

// cgnat is the space that carriers share; some clouds keep services there.
var cgnat = netip.MustParsePrefix("100.64.0.0/10")

// netError keeps the failure of the policy visible through what net/http wraps
// around it, and drops the method and URL that the node already knows.
func netError(err error) error {
	var f *engine.Failure
	if errors.As(err, &f) {
		return f
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		if ue.Timeout() {
			return &engine.Failure{Type: "TimeoutError", Class: engine.ClassTimeout, Message: "The request timed out"}
		}
		return ue.Err
	}
	return err
}

// body ends with an error instead of silently when a server sends too much.
type body struct {
	io.Reader
	read, limit int64
	close       func() error
}

// Read reads at most limit bytes in all.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.read += int64(n); b.read > b.limit {
		return n, engine.Fail("ValueError", "The response is larger than %d bytes", b.limit)
	}
	return n, err
}

// Close lets go of the connection.
func (b *body) Close() error { return b.close() }
