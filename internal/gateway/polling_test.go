package gateway_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// polling is a robot that polls, past the HTTP that carries its calls.
type polling struct {
	w *world
	p auth.Principal
}

func (w *world) polling(id fleet.RobotID, slots int) *polling {
	w.Helper()
	_, err := w.core.Robots.Register(w.Context(), w.admin, fleet.Robot{ID: id, Hostname: "h", WishedSlots: slots, SlotLimit: slots})
	w.must(err)
	return &polling{w, auth.Robot("default", id, "default")}
}

func (r *polling) claim() *orchestrator.Grant {
	r.w.Helper()
	g, err := r.w.gateway.Claim(r.w.Context(), r.p, orchestrator.ClaimWish{Environment: "default", Hold: 50 * time.Millisecond})
	r.w.must(err)
	return g
}

// work claims until there is a job.
func (r *polling) work() store.Ref {
	r.w.Helper()
	var g *orchestrator.Grant
	r.w.eventually("a job is claimed", func() bool { g = r.claim(); return g != nil })
	return store.Ref{JobID: g.Job.ID, Epoch: g.Job.Epoch}
}

func (r *polling) beat(running int) {
	r.w.Helper()
	_, err := r.w.gateway.PollHeartbeat(r.w.Context(), r.p, r.p.RobotID, orchestrator.PollBeat{Running: running})
	r.w.must(err)
}

// seq is the number of the newest attempt's last renewal.
func (w *world) seq(job fleet.ID) (n int64) {
	w.Helper()
	w.must(w.store.View(w.Context(), w.admin.Scope(), func(r store.Reader) error {
		s, err := r.Subject(job)
		if err == nil {
			n = s.Attempt.RenewSeq
		}
		return err
	}))
	return n
}

// lose takes a job away as the reaper does.
func (w *world) lose(ref store.Ref) {
	w.Helper()
	w.must(w.core.Attempts.Lose(w.Context(), w.admin.Scope(), ref, w.seq(ref.JobID), "it was silent for too long"))
}

func (w *world) taken(id fleet.RobotID) int {
	w.Helper()
	r, err := w.core.Robots.Get(w.Context(), w.admin, id)
	w.must(err)
	return r.Taken
}

// TestPolling holds the rows about polling robots that need a clock or a lost
// lease.
func TestPolling(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"P9 T27 a lapsed lease is renewed if nobody else has the job": func(t *testing.T) {
			w := newWorld(t)
			r := w.polling("r1", 1)
			job := w.submit()
			ref := r.work()
			w.lose(ref)
			stop, _, err := w.gateway.PollRenew(t.Context(), r.p, job.ID, nil)
			w.must(err)
			if j := w.job(job.ID).Job; stop || j.State != fleet.Running || j.Epoch != 2 || j.LostUsed != 0 {
				t.Errorf("%s in epoch %d, lost %d", j.State, j.Epoch, j.LostUsed)
			}
			w.must(w.gateway.PollComplete(t.Context(), r.p, job.ID, []byte(`{}`)))
		},
		"P9 P23 F56 a late completion is taken": func(t *testing.T) {
			w := newWorld(t)
			r := w.polling("r1", 1)
			job := w.submit()
			ref := r.work()
			w.lose(ref)
			w.must(w.gateway.PollComplete(t.Context(), r.p, job.ID, []byte(`{}`)))
			if j := w.job(job.ID).Job; j.State != fleet.Completed || j.Epoch != 1 {
				t.Errorf("%s in epoch %d", j.State, j.Epoch)
			}
		},
		"P9 nothing of a job that another has": func(t *testing.T) {
			w := newWorld(t)
			r, other := w.polling("r1", 1), w.polling("r2", 1)
			job := w.submit()
			ref := r.work()
			w.lose(ref)
			if got := other.work(); got.JobID != job.ID || got.Epoch != 2 {
				t.Fatalf("%+v", got)
			}
			if _, _, err := w.gateway.PollRenew(t.Context(), r.p, job.ID, nil); fleet.AsError(err).Code != fleet.CodeConflict {
				t.Errorf("extend: %v", err)
			}
			if err := w.gateway.PollComplete(t.Context(), r.p, job.ID, []byte(`{}`)); fleet.AsError(err).Code != fleet.CodeConflict {
				t.Errorf("complete: %v", err)
			}
			if j := w.job(job.ID).Job; j.State != fleet.Running || j.RobotID != "r2" {
				t.Errorf("%s on %s", j.State, j.RobotID)
			}
		},
		"P15 a heartbeat of a robot that works renews": func(t *testing.T) {
			w := newWorld(t)
			r := w.polling("r1", 1)
			ref := func() store.Ref { w.submit(); return r.work() }()
			before := w.seq(ref.JobID)
			for running, want := range map[int]bool{0: false, -1: false, 1: true} {
				r.beat(running)
				if got := w.seq(ref.JobID) > before; got != want {
					t.Errorf("%d running: renewed %v", running, got)
				}
				before = w.seq(ref.JobID)
			}
		},
		"P16 a claim of a full robot": func(t *testing.T) {
			var ahead atomic.Int64
			w := newWorld(t, func(w *world) { w.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
			r := w.polling("r1", 1)
			job := w.submit()
			r.work()
			r.claim() // at once: it does not count the job yet
			ahead.Add(int64(19 * time.Second))
			r.claim()
			if s := w.job(job.ID).Job.State; s != fleet.Running {
				t.Fatalf("after 19 s it is %s", s)
			}
			done := w.gateway.PollReporting(r.p, job.ID) // its end is on the way
			ahead.Add(int64(2 * time.Second))
			r.claim()
			if s := w.job(job.ID).Job.State; s != fleet.Running {
				t.Fatalf("while its end is held it is %s", s)
			}
			done()
			if got := r.work(); got.JobID != job.ID || got.Epoch != 2 { // it never heard of the first
				t.Errorf("%+v", got)
			}
			if j := w.job(job.ID).Job; j.LostUsed != 0 {
				t.Errorf("lost %d", j.LostUsed)
			}
		},
		"P16 a job that takes its robot down at once counts from the second time on": func(t *testing.T) {
			var ahead atomic.Int64
			w := newWorld(t, func(w *world) { w.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
			r := w.polling("r1", 1)
			job := w.submit()
			r.work()
			ahead.Add(int64(21 * time.Second))
			if r.claim() == nil { // its program began anew and knows of nothing
				r.work()
			}
			if j := w.job(job.ID).Job; j.State != fleet.Running || j.Epoch != 2 || j.LostUsed != 0 {
				t.Fatalf("%s in epoch %d, lost %d", j.State, j.Epoch, j.LostUsed)
			}
			ahead.Add(int64(21 * time.Second))
			r.claim()
			if j := w.job(job.ID).Job; j.State != fleet.Pending || j.LostUsed != 1 {
				t.Errorf("%s, lost %d", j.State, j.LostUsed)
			}
		},
		"P16 P27 of a step that must not run twice nobody knows whether it ran": func(t *testing.T) {
			var ahead atomic.Int64
			w := newWorld(t, func(w *world) { w.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
			r := w.polling("r1", 1)
			job := w.submit(func(s *orchestrator.SubmitRequest) {
				s.Document = []byte(`{"nodes":{"pay":{"node_id":"pay","node_type":"SetVariableNode"}},"settings":{"fleet":{"effects":{"pay":true}}}}`)
			})
			r.work()
			ahead.Add(int64(21 * time.Second))
			r.claim() // its program began anew; it may have paid before
			if j := w.job(job.ID).Job; j.State != fleet.NeedsDecision {
				t.Errorf("%s", j.State)
			}
		},
		"P21 what a robot holds that says goodbye": func(t *testing.T) {
			var ahead atomic.Int64
			w := newWorld(t, func(w *world) { w.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
			r := w.polling("r1", 1)
			job := w.submit()
			r.work()
			r.beat(1)
			w.must(w.gateway.PollStatus(t.Context(), r.p, "r1", orchestrator.WordOffline))
			if s := w.job(job.ID).Job.State; s != fleet.Running {
				t.Errorf("at once it is %s", s)
			}
			ahead.Add(int64(w.timing.Accept))
			if j := w.reaches(job.ID, fleet.Pending); j.LostUsed != 1 {
				t.Errorf("lost %d", j.LostUsed)
			}
		},
		"P24 T25 the slot of what could not be stopped": func(t *testing.T) {
			w := newWorld(t)
			r := w.polling("r1", 1)
			job := w.submit()
			ref := r.work()
			_, err := w.core.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Force: true})
			w.must(err)
			if j := w.reaches(job.ID, fleet.Cancelled); j.CancelOutcome != fleet.StoppedUnconfirmed {
				t.Errorf("%s", j.CancelOutcome)
			}
			if n := w.taken("r1"); n != 1 {
				t.Fatalf("%d slots are taken while it is heard", n)
			}
			w.submit()
			if g := r.claim(); g != nil {
				t.Fatalf("it was given job %s", g.Job.ID)
			}
			for range 3 {
				r.beat(0)
			}
			if n := w.taken("r1"); n != 0 {
				t.Errorf("%d slots are taken after it showed that they are free", n)
			}
			if err := w.gateway.PollComplete(t.Context(), r.p, ref.JobID, []byte(`{}`)); fleet.AsError(err).Code != fleet.CodeConflict {
				t.Errorf("%v", err)
			}
		},
		"P7 P19 claims end when the orchestrator stops": func(t *testing.T) {
			w := newWorld(t)
			r := w.polling("r1", 1)
			ended := make(chan *orchestrator.Grant, 1)
			go func() {
				g, _ := w.gateway.Claim(context.WithoutCancel(t.Context()), r.p, orchestrator.ClaimWish{})
				ended <- g
			}()
			w.eventually("the claim is held", func() bool { return len(w.gateway.Present()) == 1 })
			w.gateway.Drain(t.Context(), "stop")
			if g := <-ended; g != nil {
				t.Errorf("%+v", g)
			}
			if g := r.claim(); g != nil {
				t.Errorf("%+v", g)
			}
			if !w.gateway.PolledWithin(time.Minute) {
				t.Error("nobody remembers that a robot polled")
			}
		},
		"F29 a socket of the same robot is fresh": func(t *testing.T) {
			w := newWorld(t)
			w.connected("r1")
			p := auth.Robot("default", "r1", "default")
			if _, err := w.gateway.Claim(t.Context(), p, orchestrator.ClaimWish{}); fleet.AsError(err).Reason != "robot_id_in_use" {
				t.Errorf("%v", err)
			}
		},
	} {
		t.Run(name, test)
	}
}

// A program of the original gives up for good on any answer to its handshake but
// 101. While the orchestrator stops, or cannot reach its database, it gets that,
// and is dropped after its first frame.
func TestOldSocketsWhileStopping(t *testing.T) {
	w := newWorld(t)
	key := w.key("r1")
	dial := func() (*websocket.Conn, error) {
		ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.server.URL, "http")+"/ws/robot", nil) //nolint:bodyclose // the library closes it
		return ws, err
	}
	register := func(ws *websocket.Conn) error {
		w.must(ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"register","payload":{"auth_token":"`+key+`"}}`)))
		_, _, err := ws.Read(t.Context())
		return err
	}
	ws, err := dial()
	w.must(err)
	w.must(register(ws))
	w.eventually("it is there", func() bool { return w.gateway.Connected() == 1 })
	for _, end := range []func(){w.gateway.CutOff, func() { w.gateway.Back(); w.gateway.Drain(t.Context(), "stop") }} {
		end()
		if _, _, err := ws.Read(t.Context()); err == nil {
			t.Error("it is still connected")
		}
		if ws, err = dial(); err != nil {
			t.Fatal(err)
		}
		if err := register(ws); err == nil {
			t.Error("it was let in")
		}
	}
}
