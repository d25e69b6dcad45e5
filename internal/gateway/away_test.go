package gateway_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// Cut off from the store, the gateway sends its robots away, lets none in and
// shows none to dispatch; afterwards all is as before.
func TestCutOff(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	w.eventually("r1 is present", func() bool { return len(w.gateway.Present()) == 1 })
	ref := r.start(w.submit().ID)
	quiet := w.robot("r2")
	quiet.open() // between handshake and hello
	w.gateway.CutOff()
	if len(w.gateway.Present()) != 0 {
		t.Error("a robot is shown to dispatch")
	}
	if m := expect[*wire.Goaway](r); m.Reason == "" {
		t.Errorf("goaway %+v", m)
	}
	r.closedWith(wire.CloseRestart)
	quiet.send(quiet.hello())
	quiet.closedWith(wire.CloseRestart)
	late := w.robot("r3")
	resp, err := late.dial(http.Header{"X-Api-Key": {late.key}}, wire.Subprotocol) //nolint:bodyclose // the WebSocket library closes it
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a robot was answered with %v, %v", resp, err)
	}
	if job := w.job(ref.JobID).Job; job.State != fleet.Running {
		t.Errorf("the job of a robot that was sent away is %s", job.State)
	}
	w.gateway.Back()
	r.connect(wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning})
	w.eventually("r1 is present again", func() bool { return len(w.gateway.Present()) == 1 })
}

// The end of a session that the store did not take is stored when it can be.
func TestSessionIsClosedLater(t *testing.T) {
	var away breakable
	w := newWorld(t, func(w *world) { w.wrap = away.over })
	r := w.connected("r1")
	away.fail.Store(true)
	r.vanish()
	w.eventually("the socket's end is seen", func() bool { return w.gateway.Connected() == 0 && away.refused.Load() > 0 })
	if !w.robotRow("r1").Connected {
		t.Fatal("the session was closed though the store was away")
	}
	away.fail.Store(false)
	w.eventually("the session is closed", func() bool { return !w.robotRow("r1").Connected })
}

// A robot whose session was closed by other orchestrators has done nothing
// wrong: it is told to connect anew, not that another took its place.
func TestSessionClosedByOthers(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	w.must(w.store.Update(t.Context(), store.System("test"), func(tx store.Tx) error {
		_, err := tx.CloseMember("", w.robotRow("r1").LastSeen)
		return err
	}))
	r.send(&wire.Heartbeat{Status: fleet.ReportedReady})
	r.closedWith(wire.CloseRestart)
}

// breakable is a store that takes no change while fail is set.
type breakable struct {
	store.Store
	fail    atomic.Bool
	refused atomic.Int32
}

func (b *breakable) over(s store.Store) store.Store { b.Store = s; return b }

func (b *breakable) Update(ctx context.Context, s store.Scope, fn func(store.Tx) error) error {
	if b.fail.Load() {
		b.refused.Add(1)
		return fleet.Errorf(fleet.CodeUnavailable, "away", "The store is away.")
	}
	return b.Store.Update(ctx, s, fn)
}

func (w *world) robotRow(id fleet.RobotID) fleet.Robot {
	w.Helper()
	r, err := w.core.Robots.Get(w.Context(), w.admin, id)
	w.must(err)
	return r
}
