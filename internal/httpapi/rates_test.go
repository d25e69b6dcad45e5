package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/store"
)

// TestRateClasses: each class has its own bucket of the right size for each
// caller, at the limit and one beyond.
func TestRateClasses(t *testing.T) {
	now := time.Now()
	l := config.DefaultLimits()
	key := func(id string) auth.Principal {
		p := auth.Robot("default", "r", "default")
		p.RobotID, p.KeyID = "", fleet.ID(id)
		return p
	}
	robot := func(id fleet.RobotID) auth.Principal {
		p := auth.Robot("default", id, "default")
		p.KeyID = fleet.ID("key of " + string(id))
		return p
	}
	person := auth.Local()
	person.UserID = "u1"
	at := func(address string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = address
		return r
	}
	one := at("192.0.2.1:1")
	for _, c := range []struct {
		class  rateClass
		limit  int
		who    auth.Principal
		from   *http.Request
		other  auth.Principal // has a bucket of its own
		beside *http.Request
	}{
		{rateRead, 600, key("a"), one, key("b"), one},
		{rateWrite, 600, person, one, key("b"), one},
		{rateExport, 600, key("a"), one, person, one},
		{rateRobot, 20, robot("r1"), one, robot("r2"), one},
		{rateOpen, 600, auth.Principal{}, one, auth.Principal{}, at("192.0.2.2:1")},
		{rateOpen, 600, auth.Principal{}, at("[2001:db8::1]:1"), auth.Principal{}, at("[2001:db8:0:1::1]:1")},
		{rateSignIn, 10, auth.Principal{}, one, auth.Principal{}, at("192.0.2.2:1")},
		{rateSignIn, 10, key("a"), one, key("a"), at("192.0.2.2:1")},
		{rateEnrol, 10, auth.Principal{}, one, auth.Principal{}, at("192.0.2.2:1")},
		{rateFleet, 100, key("a"), one, key("b"), one},
		{rateRobots, 100, key("a"), one, key("b"), one},
		{rateOneRobot, 200, key("a"), one, key("b"), one},
		{rateJobs, 100, key("a"), one, key("b"), one},
		{rateOneJob, 200, key("a"), one, key("b"), one},
		{rateAnalytics, 100, key("a"), one, key("b"), one},
		{rateActivity, 100, key("a"), one, key("b"), one},
	} {
		r := newRates(l, func() time.Time { return now })
		for i := range c.limit + 1 {
			set, name := r.bucketOf(c.class, c.from, c.who)
			wait, ok := set.take(name, 1)
			if ok != (i < c.limit) {
				t.Errorf("%s: request %d is let in: %v", c.class, i+1, ok)
			}
			if !ok && (wait <= 0 || wait > time.Minute) {
				t.Errorf("%s: wait %s", c.class, wait)
			}
		}
		set, name := r.bucketOf(c.class, c.beside, c.other)
		if _, ok := set.take(name, 1); !ok {
			t.Errorf("%s: another caller was limited too", c.class)
		}
	}
	r := newRates(l, func() time.Time { return now })
	for i := range 700 { // one IPv6 host with a whole /64
		set, name := r.bucketOf(rateOpen, at("["+netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i), 14: byte(i >> 8)}).String()+"]:1"), auth.Principal{})
		if _, ok := set.take(name, 1); ok != (i < 600) {
			t.Fatalf("address %d of one network is let in: %v", i, ok)
		}
	}
	if set, _ := r.bucketOf(rateRead, one, auth.Local()); set != nil {
		t.Error("the developer at the machine is limited")
	}
}

// TestRateHeaders: the answer beyond a limit says when to come back and which
// limit it was; another key at the same address is served.
func TestRateHeaders(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Requests, o.Limits.Addresses = 3, 2 })
	for range 3 {
		if a := w.do("viewer", "GET", "/api/v1/jobs", ""); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	a := w.do("viewer", "GET", "/api/v1/jobs", "")
	if a.status != http.StatusTooManyRequests || a.header.Get("RateLimit-Policy") != `"default";q=3;w=60` || a.header.Get("RateLimit") != `"default";r=0;t=60` {
		t.Errorf("%d %v", a.status, a.header)
	}
	if after, _ := strconv.Atoi(a.header.Get("Retry-After")); after < 15 || after > 21 {
		t.Errorf("Retry-After %q, want about 20", a.header.Get("Retry-After"))
	}
	if p := read[Problem](w, a); p.Code != "rate_limited" || p.Error.Code != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("%+v", p)
	}
	if a := w.do("admin", "GET", "/api/v1/jobs", ""); a.status != http.StatusOK {
		t.Errorf("another key: %d", a.status)
	}
	for i, want := range []int{401, 401, 429} { // guessing is limited by address
		if a := w.do("", "GET", "/api/v1/jobs", "", "X-Api-Key", "cfu_guess"+strconv.Itoa(i)); a.status != want {
			t.Errorf("guess %d: %d", i, a.status)
		}
	}
}

// TestForwarded: behind a proxy that is named, strangers have buckets of their
// own; a header from anybody else changes nothing.
func TestForwarded(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		w := newWorld(t, func(o *Options) {
			o.Limits.Addresses = 1
			if trusted {
				o.Proxies = caller.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			}
		})
		first := w.do("", "GET", "/health", "", "X-Forwarded-For", "198.51.100.1")
		second := w.do("", "GET", "/health", "", "X-Forwarded-For", "6.6.6.6, 198.51.100.1")
		third := w.do("", "GET", "/health", "", "X-Forwarded-For", "198.51.100.2")
		want := [3]int{200, 429, 429}
		if trusted {
			want[2] = 200
		}
		if got := [3]int{first.status, second.status, third.status}; got != want {
			t.Errorf("trusted %v: %v, want %v", trusted, got, want)
		}
		if hsts := first.header.Get("Strict-Transport-Security"); (hsts != "") != trusted {
			t.Errorf("trusted %v: HSTS %q", trusted, hsts)
		}
	}
}

// TestAdmits walks the order in which things go, for each measure alone.
func TestAdmits(t *testing.T) {
	order := []worth{worthFigures, worthList, worthSubmit, worthAct, worthRobot, worthAll}
	for name, measure := range map[string]func(share float64) load{
		"requests": func(s float64) load { return load{inFlight: int(s * 1000), maxInFlight: 1000} },
		"queue": func(s float64) load {
			return load{maxInFlight: 1000, store: Pressure{Waiting: int(s * 6000), Capacity: 6000}}
		},
		"commits": func(s float64) load {
			return load{maxInFlight: 1000, store: Pressure{Commit: time.Duration(s * float64(stallTime))}}
		},
	} {
		for _, c := range []struct {
			share float64
			first int // of those who are served
		}{{0, 0}, {0.49, 0}, {0.5, 1}, {0.64, 1}, {0.65, 2}, {0.79, 2}, {0.8, 3}, {0.89, 3}, {0.9, 4}, {1, 4}, {10, 4}} {
			for i, w := range order {
				if got := admits(measure(c.share), w); got != (i >= c.first) {
					t.Errorf("%s at %.2f: class %d served: %v", name, c.share, w, got)
				}
			}
		}
	}
	if admits(load{robots: 4000, maxInFlight: 1000}, worthRobot) || !admits(load{robots: 3999, maxInFlight: 1000}, worthRobot) {
		t.Error("the bound of robots' own requests")
	}
	if !admits(load{robots: 4000, maxInFlight: 1000}, worthFigures) {
		t.Error("robots press on others")
	}
}

// TestOverload: with ten times the load that is allowed, part of the API's work
// is refused with 503, and heartbeats, reports and results of robots are all
// taken.
func TestOverload(t *testing.T) {
	var slow atomic.Bool
	w := newWorld(t, func(o *Options) {
		o.Limits.InFlight, o.Limits.Requests, o.Limits.Submits, o.Limits.RobotRequests = 10, 1_000_000, 1_000_000, 1000
		o.Pressure = func() Pressure {
			if slow.Load() {
				return Pressure{Commit: 1700 * time.Millisecond}
			}
			return Pressure{}
		}
	})
	ref := w.start(w.submit(`{"workflow_json":` + doc + `}`))
	codes := map[int]int{}
	var mu sync.Mutex
	var crowd sync.WaitGroup
	stop := make(chan struct{})
	for i := range 100 {
		path, method, body := "/api/v1/jobs?limit=500", "GET", ""
		if i%2 == 0 {
			path, method, body = "/api/v1/jobs", "POST", `{"workflow_json":`+doc+`}`
		}
		crowd.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a := w.do("developer", method, path, body)
				mu.Lock()
				codes[a.status]++
				mu.Unlock()
			}
		})
	}
	result := []byte(`{"answer":42}`)
	digest := sha256.Sum256(result)
	sum := hex.EncodeToString(digest[:])
	for i := range 20 {
		slow.Store(i >= 10)
		began := time.Now()
		if a := w.do("bot-1", "PUT", "/api/v1/robot/results/"+sum, string(result)); a.status != http.StatusNoContent {
			t.Errorf("result %d: %d %s", i, a.status, a.body)
		}
		got, err := w.core.Attempts.Beat(t.Context(), w.robot, store.Beat{SessionEpoch: w.epoch, Attempts: []store.BeatAttempt{{JobID: ref.JobID, Epoch: ref.Epoch}}})
		if err != nil || len(got.Renewed) != 1 {
			t.Errorf("heartbeat %d: %+v %v", i, got, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("round %d took %s", i, took)
		}
	}
	if a := w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a submit while commits are slow: %d %v", a.status, a.header)
	}
	if a := w.do("", "GET", "/health", ""); a.status != http.StatusOK {
		t.Errorf("health under pressure: %d", a.status)
	}
	close(stop)
	crowd.Wait()
	w.complete(ref)
	if codes[http.StatusOK] == 0 || codes[http.StatusCreated] == 0 || codes[http.StatusServiceUnavailable] == 0 || len(codes) != 3 {
		t.Errorf("answers %v", codes)
	}
	if shed := w.api.Shed(); shed["list"] == 0 || shed["submit"] == 0 || shed["robot"] != 0 {
		t.Errorf("shed %v", shed)
	}
}
