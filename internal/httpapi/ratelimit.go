package httpapi

import (
	"context"
	"fmt"
	"math"
	"net/http"
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
	rateExport // as rateRead; first to go under pressure
	rateRobot
	rateOpen
	rateSignIn // by address, whatever is sent
	rateEnrol  // by address
	// The figures, each with a bucket of its own.
	rateFleet
	rateRobots
	rateOneRobot
	rateJobs
	rateOneJob
	rateAnalytics
	rateActivity
)

// String names the class in the document and in RateLimit-Policy.
func (c rateClass) String() string {
	names := [...]string{
		rateNone: "none", rateRead: "read", rateWrite: "write", rateSubmit: "submit", rateExport: "export", rateRobot: "robot", rateOpen: "open",
		rateSignIn: "sign-in", rateEnrol: "enrolment",
		rateFleet: "metrics-fleet", rateRobots: "metrics-robots", rateOneRobot: "metrics-robot", rateJobs: "metrics-jobs",
		rateOneJob: "metrics-job", rateAnalytics: "metrics-analytics", rateActivity: "metrics-activity",
	}
	if c < 0 || int(c) >= len(names) {
		return "none"
	}
	return names[c]
}

// rates are the token buckets of one orchestrator.
type rates struct {
	keys, strangers, submits *buckets
	own                      map[rateClass]*buckets // of classes with buckets of their own
}

func newRates(l config.Limits, now func() time.Time) *rates {
	minute := func(name string, n int) *buckets { return newBuckets(name, float64(n)/60, n, now) }
	r := &rates{
		keys: minute("default", l.Requests), strangers: minute("address", l.Addresses), submits: minute("submits", l.Submits),
		own: map[rateClass]*buckets{rateRobot: newBuckets(rateRobot.String(), float64(l.RobotRequests), l.RobotRequests, now)},
	}
	for class, n := range map[rateClass]int{
		rateSignIn: l.SignIns, rateEnrol: l.Enrolments, rateFleet: l.MetricsFleet, rateRobots: l.MetricsRobots, rateOneRobot: l.MetricsRobot,
		rateJobs: l.MetricsJobs, rateOneJob: l.MetricsJob, rateAnalytics: l.MetricsAnalytics, rateActivity: l.MetricsActivity,
	} {
		r.own[class] = minute(class.String(), n)
	}
	return r
}

// bucketOf finds the bucket of a request and the name of the caller in it. Nil:
// the caller is not limited.
func (r *rates) bucketOf(class rateClass, req *http.Request, p auth.Principal) (set *buckets, name string) {
	switch {
	case class == rateSignIn || class == rateEnrol:
		return r.own[class], addressBucket(req)
	case p.Tenant == "":
		return r.strangers, addressBucket(req)
	case callerName(p) == "":
		return nil, "" // the developer at the machine itself
	}
	name = callerName(p)
	own := r.own[class]
	if own == nil {
		return r.keys, name
	}
	if class == rateRobot && p.RobotID != "" {
		name = string(p.Tenant) + "/" + string(p.RobotID) // also while it changes its key
	}
	return own, name
}

// callerName names a key or a person; empty: neither.
func callerName(p auth.Principal) string {
	switch {
	case p.KeyID != "":
		return string(p.KeyID)
	case p.UserID != "":
		return "user/" + string(p.UserID)
	}
	return ""
}

// limitRate takes one token for a request.
func (a *API) limitRate(o *operation, w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	set, name := a.rates.bucketOf(o.rate, r, p)
	if set == nil {
		return nil
	}
	wait, ok := set.take(name, 1)
	set.headers(w.Header(), name)
	if !ok {
		return tooMany(wait)
	}
	return nil
}

// limitStranger takes one token for a request whose credential does not count,
// before it is answered.
func (a *API) limitStranger(w http.ResponseWriter, r *http.Request) error {
	name := addressBucket(r)
	wait, ok := a.rates.strangers.take(name, 1)
	a.rates.strangers.headers(w.Header(), name)
	if !ok {
		return tooMany(wait)
	}
	return nil
}

// limitSubmits takes tokens for jobs from the tenant's quota.
func (a *API) limitSubmits(ctx context.Context, p auth.Principal, jobs int) error {
	if p.KeyID == "" && p.UserID == "" {
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

// buckets is a set of token buckets of one size. Buckets that have filled up
// again are forgotten: they would be made anew just the same.
type buckets struct {
	policy    string
	perSecond float64
	burst     int
	now       func() time.Time

	mu    sync.Mutex
	byKey map[string]*rate.Limiter
	sweep int // look for full ones when the map has this many
}

const bucketSweep = 1024

func newBuckets(policy string, perSecond float64, burst int, now func() time.Time) *buckets {
	return &buckets{policy: policy, perSecond: perSecond, burst: max(burst, 1), now: now, byKey: map[string]*rate.Limiter{}, sweep: bucketSweep}
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
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", b.policy, b.burst, window))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", b.policy, left, int(math.Ceil(float64(b.burst-left)/b.perSecond))))
}
