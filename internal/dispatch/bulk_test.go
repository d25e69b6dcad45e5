package dispatch

import (
	"fmt"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// hello is a connection of a robot that takes commands.
func (w *world) hello(id fleet.RobotID, instance string) (auth.Principal, fleet.Session) {
	w.Helper()
	p := auth.Robot("default", id, "default")
	got, err := w.core.Robots.Connect(w.Context(), p, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: instance, JournalID: "j", Slots: 1, ResumeToken: "token",
		Features: []string{orchestrator.FeatureCommands},
	}, "token")
	w.must(err)
	return p, got.Session
}

func (w *world) keepBulks() {
	w.Helper()
	w.must(w.core.Robots.KeepBulks(w.Context(), store.System("test")))
}

// states counts the robots of an operation by their state.
func (w *world) states(id fleet.ID) (b fleet.Bulk, n map[fleet.BulkTargetState]int, running []fleet.RobotID) {
	w.Helper()
	b, targets, err := w.core.Robots.Bulk(w.Context(), auth.Local(), id)
	w.must(err)
	n = map[fleet.BulkTargetState]int{}
	for _, t := range targets {
		if n[t.State]++; t.State == fleet.TargetRunning {
			running = append(running, t.RobotID)
		}
	}
	return b, n, running
}

func bulk(change ...func(*orchestrator.BulkRequest)) orchestrator.BulkRequest {
	in := orchestrator.BulkRequest{
		Bulk: fleet.Bulk{Kind: fleet.CommandRestart, Size: 2, StopPercent: 20}, Selector: fleet.Selector{All: true},
	}
	for _, c := range change {
		c(&in)
	}
	return in
}

func (w *world) fleetOf(n int) {
	for i := range n {
		w.hello(fleet.RobotID(fmt.Sprintf("r%d", i)), "first")
	}
}

func TestBulkRestartInWaves(t *testing.T) {
	w := newWorld(t)
	w.fleetOf(6)
	b, err := w.core.Robots.StartBulk(t.Context(), auth.Local(), bulk())
	w.must(err)
	if b.Total != 6 || b.Waves != 3 {
		t.Fatalf("%+v", b)
	}
	w.keepBulks()
	for wave := 1; wave <= 3; wave++ {
		now, n, running := w.states(b.ID)
		if now.Wave != wave || len(running) != 2 || n[fleet.TargetDone] != 2*(wave-1) {
			t.Fatalf("wave %d of %+v: %v", wave, now, n)
		}
		w.hello(running[0], "second")
		w.keepBulks()
		w.keepBulks() // nothing of the next wave begins while one is away
		if _, n, _ := w.states(b.ID); n[fleet.TargetRunning] != 1 {
			t.Fatalf("with one back: %v", n)
		}
		w.hello(running[1], "second")
		w.keepBulks()
		w.keepBulks()
	}
	if now, n, _ := w.states(b.ID); now.State != fleet.BulkCompleted || n[fleet.TargetDone] != 6 || now.Done != 6 {
		t.Errorf("at the end %+v: %v", now, n)
	}
}

func TestBulkKeepsEnoughOfAPool(t *testing.T) {
	w := newWorld(t)
	w.fleetOf(4)
	b, err := w.core.Robots.StartBulk(t.Context(), auth.Local(), bulk(func(in *orchestrator.BulkRequest) {
		in.Bulk.Size, in.Bulk.MinAvailable = 4, 3
	}))
	w.must(err)
	for done := range 4 {
		w.keepBulks()
		_, n, running := w.states(b.ID)
		if len(running) != 1 || n[fleet.TargetDone] != done {
			t.Fatalf("after %d: %v", done, n)
		}
		w.hello(running[0], "second")
	}
	w.keepBulks()
	if now, n, _ := w.states(b.ID); now.State != fleet.BulkCompleted {
		t.Errorf("%+v: %v", now, n)
	}
}

func TestBulkStopsWhenTooManyFail(t *testing.T) {
	w := newWorld(t)
	w.fleetOf(6)
	b, err := w.core.Robots.StartBulk(t.Context(), auth.Local(), bulk())
	w.must(err)
	w.keepBulks()
	_, _, running := w.states(b.ID)
	w.now = w.now.Add(fleet.CommandLife) // they never come back
	w.keepModes()
	w.keepBulks()
	now, n, _ := w.states(b.ID)
	if now.State != fleet.BulkStopped || now.Failed != 2 || now.Skipped != 4 || n[fleet.TargetSkipped] != 4 {
		t.Fatalf("%+v: %v", now, n)
	}
	again, err := w.core.Robots.RetryBulk(t.Context(), auth.Local(), b.ID)
	w.must(err)
	if again.Total != len(running) || again.RetryOf != b.ID || again.ID == b.ID {
		t.Errorf("%+v", again)
	}
}

func TestBulkCancelAndModes(t *testing.T) {
	w := newWorld(t)
	w.fleetOf(4)
	b, err := w.core.Robots.StartBulk(t.Context(), auth.Local(), bulk())
	w.must(err)
	w.keepBulks()
	_, err = w.core.Robots.CancelBulk(t.Context(), auth.Local(), b.ID)
	w.must(err)
	now, n, running := w.states(b.ID)
	if now.State != fleet.BulkRunning || n[fleet.TargetSkipped] != 2 || len(running) != 2 {
		t.Fatalf("%+v: %v", now, n)
	}
	for _, id := range running {
		w.hello(id, "second")
	}
	w.keepBulks()
	if now, _, _ := w.states(b.ID); now.State != fleet.BulkCancelled || now.Done != 2 || now.Skipped != 2 {
		t.Errorf("%+v", now)
	}
	b, err = w.core.Robots.StartBulk(t.Context(), auth.Local(), bulk(func(in *orchestrator.BulkRequest) {
		in.Bulk.Kind, in.Bulk.Change = fleet.CommandPause, fleet.ModeChange{Mode: fleet.ModePaused}
		in.Selector, in.Robots = fleet.Selector{}, []fleet.RobotID{"r1", "r3", "r1"}
	}))
	w.must(err)
	w.keepBulks()
	if now, _, _ := w.states(b.ID); now.State != fleet.BulkCompleted || now.Done != 2 {
		t.Errorf("%+v", now)
	}
	for id, want := range map[fleet.RobotID]fleet.AdminMode{"r0": fleet.ModeActive, "r1": fleet.ModePaused, "r3": fleet.ModePaused} {
		if r, err := w.core.Robots.Get(t.Context(), auth.Local(), id); err != nil || r.Mode != want {
			t.Errorf("%s is %s, %v", id, r.Mode, err)
		}
	}
}
