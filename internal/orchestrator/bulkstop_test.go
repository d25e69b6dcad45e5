package orchestrator

import (
	"sync"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// An orchestrator stops in the middle of a bulk operation and another goes on,
// at first while the one before is still at it: every robot is asked once, and
// the operation ends.
func TestBulkGoesOnWithAnotherMember(t *testing.T) {
	m, ids, db := members(t, 250) // more than one transaction begins
	b, err := m[0].StartBulk(t.Context(), auth.Local(), BulkRequest{
		Bulk:     fleet.Bulk{Kind: fleet.CommandPause, Change: fleet.ModeChange{Mode: fleet.ModePaused, Note: "night"}, Size: 120, StopPercent: 20},
		Selector: fleet.Selector{All: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	step := func(r *Robots) {
		if err := r.KeepBulks(t.Context(), store.System("test")); err != nil {
			t.Error(err)
		}
	}
	step(m[0])
	now, _, err := m[1].Bulk(t.Context(), auth.Local(), b.ID)
	if err != nil || now.State != fleet.BulkRunning || now.Done == 0 || now.Done == len(ids) {
		t.Fatalf("stopped in the middle: %+v %v", now, err)
	}
	var wg sync.WaitGroup
	for i := range 2 { // both take themselves for the one that does the chores
		wg.Go(func() { step(m[i]) })
	}
	wg.Wait()
	if err := db[0].Close(); err != nil { // the first is gone
		t.Fatal(err)
	}
	for range 8 {
		step(m[1])
	}
	now, targets, err := m[1].Bulk(t.Context(), auth.Local(), b.ID)
	if err != nil || now.State != fleet.BulkCompleted || now.Done != len(ids) || now.Failed+now.Skipped != 0 {
		t.Errorf("at the end: %+v %v", now, err)
	}
	for _, x := range targets {
		if x.State != fleet.TargetDone {
			t.Errorf("%s is %s (%s)", x.RobotID, x.State, x.Reason)
		}
	}
	for what, sql := range map[string]string{
		"asked of":        "select robot_id from commands where kind = 'pause' and state = 'done'",
		"told of":         "select subject_id from events where kind = '" + string(fleet.EventRobotMode) + "'",
		"have the change": "select id from robots where admin_mode = 'paused' and mode_note = 'night'",
	} {
		rows, err := db[1].QueryText(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		once := map[string]bool{}
		for _, row := range rows {
			once[row[0]] = true
		}
		if len(rows) != len(ids) || len(once) != len(ids) {
			t.Errorf("robots that %s: %d rows, %d robots, want %d once each", what, len(rows), len(once), len(ids))
		}
	}
	rows, err := db[1].QueryText(t.Context(), "select id from events where kind = '"+string(fleet.EventBulkEnded)+"'")
	if err != nil || len(rows) != 1 {
		t.Errorf("the end was told %d times, want once: %v", len(rows), err)
	}
}
