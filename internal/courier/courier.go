package courier

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/outbound"
)

// Options are what a courier needs.
type Options struct {
	// Allow lists networks that may be called although they are private. To a
	// literal address in one of them http will do.
	Allow []netip.Prefix
	// Version is how the program names itself.
	Version string
	Now     func() time.Time
	// Resolve looks up a name; nil: as the machine does.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Breakers keeps receivers that do not answer at all from being called all the
	// time; nil: none does.
	Breakers *breaker.Set
	// SkipVerify takes any certificate; for tests.
	SkipVerify bool
}

// Courier brings deliveries. Safe for concurrent use.
type Courier struct {
	o      Options
	policy outbound.Policy
	client *http.Client
}

// lookupLimit is how long a name may be looked up before an address is taken as
// it is: when something is sent, it is looked at again.
const lookupLimit = 3 * time.Second

// New makes a courier.
func New(o Options) *Courier {
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	policy := outbound.Strict(o.Allow...)
	return &Courier{o: o, policy: policy, client: outbound.Client(policy, outbound.Options{
		Timeout: fleet.WebhookLimit, MaxBody: -1, Redirects: -1, SkipVerify: o.SkipVerify,
		Breakers: o.Breakers, Answered: true,
	})}
}

// scheme refuses what is not encrypted, but for addresses of allowed networks.
func (c *Courier) scheme(u *url.URL) error {
	if u.Scheme == "https" {
		return nil
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && err == nil {
		for _, p := range c.o.Allow {
			if p.Contains(addr.Unmap()) {
				return nil
			}
		}
	}
	return fleet.URLForbidden("Events are sent by https alone; the owner of the server can allow http to an address of a network (--webhook-allow).")
}

// Check refuses an address that is not called.
func (c *Courier) Check(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fleet.Invalid("url", "url must be an address such as https://example.org/events.")
	}
	if err := c.scheme(u); err != nil {
		return err
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		addrs = append(addrs, addr)
	} else {
		ctx, cancel := context.WithTimeout(ctx, lookupLimit)
		defer cancel()
		addrs, _ = c.o.Resolve(ctx, u.Hostname()) // a name that is not there yet may come
	}
	for _, a := range addrs {
		if err := c.policy.Check(a); err != nil {
			return fleet.URLForbidden("Nothing is sent to %s: %s", u.Hostname(), fleet.AsError(outbound.Shown(err, u.Hostname())).Message).
				WithFix("The owner of the server can allow a network with --webhook-allow.")
		}
	}
	return nil
}

// Bring makes one call.
func (c *Courier) Bring(ctx context.Context, address string, headers map[string]string, body []byte) (try fleet.DeliveryTry) {
	u, err := url.Parse(address)
	if err != nil {
		return fault(err, "")
	}
	if err := c.scheme(u); err != nil {
		return fault(err, u.Hostname())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fault(err, u.Hostname())
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", "Casare-Fleet/"+c.o.Version)
	resp, err := c.client.Do(req)
	if err != nil {
		return fault(err, u.Hostname())
	}
	defer func() { _ = resp.Body.Close() }()
	try.Status, try.AnswerType, try.Retry = resp.StatusCode, clip(resp.Header.Get("Content-Type"), 100), clip(resp.Header.Get("Retry-After"), 100)
	try.RetryAfter = c.retryAfter(try.Retry)
	// What is said besides the status is for people: a fault while it is read changes nothing.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, fleet.MaxDeliveryAnswer))
	try.Answer = strings.ToValidUTF8(string(text), "�")
	return try
}

func clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) > limit {
		return strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// retryAfter reads seconds, or a time.
func (c *Courier) retryAfter(text string) time.Duration {
	if text == "" {
		return 0
	}
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return time.Duration(min(max(n, 0), 7*24*3600)) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(at.Sub(c.o.Now()), 0)
}

// fault says why there was no answer, without the address: it may hold a key.
func fault(err error, host string) fleet.DeliveryTry {
	shown := outbound.Shown(err, host)
	if e, ok := errors.AsType[*fleet.Error](shown); ok {
		return fleet.DeliveryTry{Fault: e.Message, Rests: e.Reason == "breaker_open"}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fleet.DeliveryTry{Fault: "There was no answer within 15 seconds."}
	}
	return fleet.DeliveryTry{Fault: shown.Error()}
}
