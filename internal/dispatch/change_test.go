package dispatch

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// A job that was made more urgent goes before those that were submitted earlier.
func TestMoreUrgentJobOvertakes(t *testing.T) {
	w := newWorld(t)
	r1 := w.robot("r1", 1, "default")
	w.takes(w.submit(), "r1")
	busy := w.offers[0]
	early, late := w.submit(), w.submit()
	w.round()
	_, err := w.core.Jobs.Prioritize(t.Context(), auth.Local(), late.ID, 0)
	w.must(err)
	w.end(r1, busy)
	w.takes(late, "r1")
	w.end(r1, w.offers[0])
	w.takes(early, "r1")
}

// A job that waits for a busy robot starts on a free one when it is moved there,
// though the workflow has robots of its own alone: the target is the choice.
func TestMovedJobStartsOnTheOtherRobot(t *testing.T) {
	w := newWorld(t)
	w.robot("r1", 1, "default")
	w.takes(w.submit(), "r1")
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.Target = "r1" })
	alone := w.submit(func(r *orchestrator.SubmitRequest) { r.Placement = fleet.Placement{OnlyUsual: true} })
	w.robot("r2", 1, "default")
	w.robot("r3", 1, "default")
	if got, _ := w.round(); len(got) != 0 {
		t.Fatalf("before: %+v", got)
	}
	moved, err := w.core.Jobs.Retarget(t.Context(), auth.Local(), job.ID, "")
	w.must(err)
	if moved.Target != "" {
		t.Errorf("%+v", moved)
	}
	w.takes(job, "r2")
	_, err = w.core.Jobs.Retarget(t.Context(), auth.Local(), alone.ID, "r3")
	w.must(err)
	w.takes(alone, "r3")
}
