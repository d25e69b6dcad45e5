package httpapi

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
)

// rateClass says which bucket a request is taken from.
type rateClass int

// The classes. Robots have a lane of their own, so that the API's load never
// keeps them from delivering.
const (
	rateNone rateClass = iota // not declared
	rateRead
	rateWrite
	rateSubmit // also counts against the tenant's submits
	rateRobot
	rateOpen
)

// String names the class in the document.
func (c rateClass) String() string {
	switch c {
	case rateRead:
		return "read"
	case rateWrite:
		return "write"
	case rateSubmit:
		return "submit"
	case rateRobot:
		return "robot"
	case rateOpen:
		return "open"
	case rateNone:
	}
	return "none"
}

// rates are the token buckets of one orchestrator.
type rates struct {
	keys, strangers, robots, submits *buckets
}

func newRates(l config.Limits, now func() time.Time) *rates {
	return &rates{
		keys:      newBuckets(float64(l.Requests)/60, l.Requests, now),
		strangers: newBuckets(float64(l.Requests)/60, l.Requests, now),
		robots:    newBuckets(float64(l.RobotFrames), l.RobotFrames, now),
		submits:   newBuckets(float64(l.Submits)/60, l.Submits, now),
	}
}

// limitRate takes one token for a request. The developer at the machine itself
// is not limited.
func (a *API) limitRate(o *operation, w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	set, name := a.rates.keys, string(p.KeyID)
	switch {
	case p.Tenant == "":
		set, name = a.rates.strangers, addressOf(r)
	case p.KeyID == "":
		return nil
	case o.rate == rateRobot:
		set, name = a.rates.robots, string(p.Tenant)+"/"+string(p.RobotID)
	}
	wait, ok := set.take(name, 1)
	set.headers(w.Header(), name)
	if !ok {
		return tooMany(wait)
	}
	return nil
}

// limitSubmits takes tokens for jobs from the tenant's quota.
func (a *API) limitSubmits(ctx context.Context, p auth.Principal, jobs int) error {
	if p.KeyID == "" {
		return nil
	}
	own, err := a.o.Orchestrator.Tenants.SubmitRate(ctx, p)
	if err != nil {
		return err
	}
	most := a.rates.submits.resize(string(p.Tenant), own)
	wait, ok := a.rates.submits.take(string(p.Tenant), min(jobs, most))
	if !ok {
		e := fleet.Errorf(fleet.CodeExhausted, "quota_exceeded", "At most %d jobs may be submitted a minute.", most)
		e.RetryAfter = wait
		return e
	}
	return nil
}

func tooMany(wait time.Duration) error {
	e := fleet.Errorf(fleet.CodeExhausted, "rate_limited", "Too many requests.")
	e.RetryAfter = wait
	return e.WithFix("Wait as long as Retry-After says.")
}

// addressOf names the bucket of a caller without a credential: the address, or
// the network that an IPv6 host usually has for itself.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}

// buckets is a set of token buckets of one size. Buckets that have filled up
// again are forgotten: they would be made anew just the same.
type buckets struct {
	perSecond float64
	burst     int
	now       func() time.Time

	mu    sync.Mutex
	byKey map[string]*rate.Limiter
	sweep int // look for full ones when the map has this many
}

const bucketSweep = 1024

func newBuckets(perSecond float64, burst int, now func() time.Time) *buckets {
	return &buckets{perSecond: perSecond, burst: max(burst, 1), now: now, byKey: map[string]*rate.Limiter{}, sweep: bucketSweep}
}

func (b *buckets) of(key string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.byKey[key]; ok {
		return l
	}
	if len(b.byKey) >= b.sweep {
		now := b.now()
		for k, l := range b.byKey {
			if l.TokensAt(now) >= float64(l.Burst()) {
				delete(b.byKey, k)
			}
		}
		b.sweep = max(bucketSweep, 2*len(b.byKey))
	}
	l := rate.NewLimiter(rate.Limit(b.perSecond), b.burst)
	b.byKey[key] = l
	return l
}

// take takes n tokens, or says when they will be there.
func (b *buckets) take(key string, n int) (wait time.Duration, ok bool) {
	l, now := b.of(key), b.now()
	if l.AllowN(now, n) {
		return 0, true
	}
	missing := float64(n) - l.TokensAt(now)
	return time.Duration(math.Ceil(missing / float64(l.Limit()) * float64(time.Second))), false
}

// resize gives one bucket room for so many a minute, or that of all others for
// 0. It returns what the bucket has room for.
func (b *buckets) resize(key string, perMinute int) int {
	perSecond, burst := b.perSecond, b.burst
	if perMinute > 0 {
		perSecond, burst = float64(perMinute)/60, perMinute
	}
	if l := b.of(key); l.Burst() != burst {
		now := b.now()
		l.SetLimitAt(now, rate.Limit(perSecond))
		l.SetBurstAt(now, burst)
	}
	return burst
}

// headers say how much is left.
func (b *buckets) headers(h http.Header, key string) {
	left := max(int(b.of(key).TokensAt(b.now())), 0)
	window := int(math.Round(float64(b.burst) / b.perSecond))
	h.Set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, b.burst, window))
	h.Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, left, int(math.Ceil(float64(b.burst-left)/b.perSecond))))
}
