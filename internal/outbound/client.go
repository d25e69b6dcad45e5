package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
)

// The limits of a call unless Options say otherwise.
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBody   = 1 << 20
	DefaultRedirects = 3
)

// Options are what one kind of call needs. Zero values mean the defaults above.
type Options struct {
	Timeout   time.Duration // of the whole call, body included
	MaxBody   int64         // bytes of an answer; negative: no limit
	Redirects int           // followed at most; negative: the redirect is the answer
	// SkipVerify accepts any certificate. Only a workflow that asks for it gets it.
	SkipVerify bool
	// Proxy is used for every call. The proxy's own address is guarded; names
	// behind it are resolved by the proxy, literal addresses are still checked.
	Proxy *url.URL
	// Breakers stand before the calls, one for each origin; nil: none. A call
	// that fails, or is answered with a fault of the server's (5xx), speaks
	// against its origin; what the policy refuses does not.
	Breakers *breaker.Set
	// Answered says that any answer speaks for the system, whatever its status: those
	// who call it are strangers to each other, and what one of them hears of its own
	// address there says nothing about that of another.
	Answered bool
}

// Guard makes HTTP clients under one policy. They share connections. Safe for
// concurrent use; Close ends idle connections.
type Guard struct {
	policy Policy

	mu         sync.Mutex // guards transports
	transports map[transportKey]*http.Transport
}

type transportKey struct {
	skipVerify bool
	proxy      string
}

// New makes a guard.
func New(policy Policy) *Guard {
	return &Guard{policy: policy, transports: map[transportKey]*http.Transport{}}
}

// Client is New(policy).Client(opts) for a program that needs one kind of call.
func Client(policy Policy, opts Options) *http.Client { return New(policy).Client(opts) }

// Client returns a client for one kind of call. It may be made anew for each
// call: connections belong to the Guard.
func (g *Guard) Client(opts Options) *http.Client {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = DefaultMaxBody
	}
	if opts.Redirects == 0 {
		opts.Redirects = DefaultRedirects
	}
	return &http.Client{
		Timeout:       opts.Timeout,
		Transport:     &limited{next: g.transport(opts), policy: g.policy, max: opts.MaxBody, breakers: opts.Breakers, answered: opts.Answered},
		CheckRedirect: redirects(opts.Redirects),
	}
}

// Close ends idle connections; calls under way go on.
func (g *Guard) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.transports {
		t.CloseIdleConnections()
	}
}

func (g *Guard) transport(opts Options) *http.Transport {
	key := transportKey{skipVerify: opts.SkipVerify}
	if opts.Proxy != nil {
		key.proxy = opts.Proxy.String()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t, ok := g.transports[key]; ok {
		return t
	}
	dialer := &net.Dialer{Timeout: DefaultTimeout, ControlContext: g.control}
	t := &http.Transport{
		// No proxy from the environment: whoever sets it would read every call.
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: opts.SkipVerify},
		TLSHandshakeTimeout:    DefaultTimeout,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	if opts.Proxy != nil {
		t.Proxy = http.ProxyURL(opts.Proxy)
	}
	g.transports[key] = t
	return t
}

// Dial makes a connection of another protocol than HTTP, under the same policy.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: DefaultTimeout, ControlContext: g.control}
	return d.DialContext(ctx, network, address)
}

// control runs after the name was resolved and before the connection is made.
func (g *Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return fleet.Errorf(fleet.CodeForbidden, "address_refused", "Only TCP leaves this program; got %s.", network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fleet.Errorf(fleet.CodeForbidden, "address_refused", "%q is not an address.", address)
	}
	return g.policy.Check(ap.Addr())
}

// redirects counts them and keeps credentials with their origin.
func redirects(limit int) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if limit < 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > limit {
			return fleet.Errorf(fleet.CodeInvalid, "too_many_redirects", "Stopped after %d redirects.", limit)
		}
		// Once the chain has left its origin it stays without credentials, also
		// when it comes back: the way was chosen by somebody else.
		for _, hop := range append(via[1:len(via):len(via)], req) {
			if origin(hop.URL) != origin(via[0].URL) {
				dropCredentials(req.Header)
				break
			}
		}
		return nil
	}
}

func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// dropCredentials removes what could let another origin act as the caller.
// Names that only look like a credential go too: a lost header is an error that
// somebody sees, a leaked one is not.
func dropCredentials(h http.Header) {
	for name := range h {
		low := strings.ToLower(name)
		for _, part := range []string{"auth", "cookie", "token", "key", "secret", "password", "signature"} {
			if strings.Contains(low, part) {
				h.Del(name)
				break
			}
		}
	}
}

// limited checks literal addresses before a proxy can hide them, and cuts
// answers off at their limit.
type limited struct {
	next     http.RoundTripper
	policy   Policy
	max      int64
	breakers *breaker.Set
	answered bool
}

func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	if addr, err := netip.ParseAddr(req.URL.Hostname()); err == nil {
		if err := l.policy.Check(addr); err != nil {
			closeBody(req)
			return nil, err
		}
	}
	resp, err := l.send(req)
	if err != nil {
		return nil, err
	}
	if l.max >= 0 && resp.Body != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = &cutoff{body: resp.Body, left: l.max, max: l.max}
	}
	return resp, nil
}

// send makes the call unless the breaker of its origin is open.
func (l *limited) send(req *http.Request) (*http.Response, error) {
	if l.breakers == nil {
		return l.next.RoundTrip(req)
	}
	done, err := l.breakers.Get(origin(req.URL)).Allow()
	if err != nil {
		closeBody(req)
		return nil, err
	}
	outcome := errors.New("the call did not return") // unless it does
	defer func() { done(outcome) }()
	resp, err := l.next.RoundTrip(req)
	switch {
	case err != nil && (Refused(err) || errors.Is(req.Context().Err(), context.Canceled)):
		outcome = breaker.GivenUp()
	case err == nil && !l.answered && resp.StatusCode >= http.StatusInternalServerError:
		outcome = fleet.Errorf(fleet.CodeUnavailable, "bad_answer", "The answer was %s.", resp.Status)
	default:
		outcome = err
	}
	return resp, err
}

// closeBody keeps the promise of a RoundTripper to close the body on errors too.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// ErrTooLarge is what errors.Is finds when an answer went over its limit.
var ErrTooLarge = &fleet.Error{Code: fleet.CodeInvalid, Reason: "answer_too_large"}

// cutoff reads at most max bytes and then fails, unlike io.LimitReader, which
// would pass half an answer as a whole one.
type cutoff struct {
	body      io.ReadCloser
	left, max int64
}

func (c *cutoff) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1] // one byte more shows that there is more
	}
	n, err := c.body.Read(p)
	if int64(n) > c.left {
		n = int(c.left)
		c.left = 0
		return n, fleet.Errorf(fleet.CodeInvalid, "answer_too_large", "The answer is larger than %d bytes.", c.max)
	}
	c.left -= int64(n)
	return n, err
}

func (c *cutoff) Close() error { return c.body.Close() }

// Refused says whether an error of a call comes from the policy.
func Refused(err error) bool {
	return errors.Is(err, &fleet.Error{Code: fleet.CodeForbidden, Reason: "address_refused"})
}
