package httpapi

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/store"
)

// TestHeldWhileTheStoreIsAway holds M24 and P12: a robot of the original says a
// result once, or three times within seconds, and then never again.
func TestHeldWhileTheStoreIsAway(t *testing.T) {
	var away atomic.Int64 // until then, in nanoseconds
	leave := func(d time.Duration) { away.Store(time.Now().Add(d).UnixNano()) }
	w := newWorld(t, func(o *Options) {
		limits := config.DefaultLimits()
		limits.ClaimHold = 1
		o.Limits = limits
		o.Writable = func() error {
			if time.Now().UnixNano() < away.Load() {
				return fleet.Errorf(fleet.CodeUnavailable, "store_away", "The database does not answer.")
			}
			return nil
		}
	})
	for _, s := range []struct {
		word, body string
		end        fleet.State
	}{{"complete", `{"result":{}}`, fleet.Completed}, {"extend-lease", `{}`, fleet.Running}, {"fail", `{"error_message":""}`, fleet.Pending}} {
		id := w.submit(`{"workflow_json":` + doc + `}`)
		w.start(id)
		w.leave()
		leave(400 * time.Millisecond)
		began := time.Now()
		scenario{name: s.word, as: "bot-1", method: "POST", path: "/api/v1/jobs/" + string(id) + "/" + s.word, body: s.body, status: 200}.do(w)
		if held := time.Since(began); held < 300*time.Millisecond {
			t.Errorf("%s was not held: %s", s.word, held)
		}
		v, err := w.core.Jobs.Get(t.Context(), auth.Local(), id)
		w.must(err)
		if v.Job.State != s.end {
			t.Errorf("after %s the job is %s", s.word, v.Job.State)
		}
		if s.word == "extend-lease" {
			w.do("bot-1", "POST", "/api/v1/jobs/"+string(id)+"/complete", "{}")
		}
	}
	// A claim says "nothing" when its time is over: five refusals in a row would
	// silence the robot for a minute.
	leave(time.Minute)
	if a := w.do("bot-1", "POST", "/api/v1/jobs/claim", "{}"); a.status != 200 || a.body != "null" {
		t.Errorf("claim: %d %s", a.status, a.body)
	}
	if a := w.do("bot-1", "POST", "/api/v1/robots/bot-1/heartbeat", "{}"); a.status != 503 {
		t.Errorf("a passing fault must not read as deleted: %d %s", a.status, a.body)
	}
}

// leave ends the session of bot-1, which goes on by polling.
func (w *world) leave() {
	w.Helper()
	var s fleet.Session
	w.must(w.store.View(w.Context(), auth.Local().Scope(), func(r store.Reader) (err error) { s, err = r.OpenSession("bot-1"); return err }))
	w.must(w.core.Robots.Disconnect(w.Context(), w.robot, s, "left"))
	w.epoch = 0
}

// do is run without a look at the events.
func (s scenario) do(w *world) {
	w.Helper()
	if a := w.do(s.as, s.method, s.path, s.body); a.status != s.status {
		w.Errorf("%s: status %d, want %d: %s", s.name, a.status, s.status, a.body)
	}
}

// While the process is about to stop, every answer asks its client to close the
// connection: P19.
func TestLeaving(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Leaving = func() bool { return true } })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/health", nil)
	w.must(err)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	if !resp.Close {
		t.Errorf("%v", resp.Header)
	}
}
