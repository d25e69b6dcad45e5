package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// When the next slot frees is told from what runs took, once enough are known.
func TestEstimateOfTheNextSlot(t *testing.T) {
	w := newWorld(t)
	w.connect()
	alive := func(d time.Duration) {
		w.now = w.now.Add(d)
		_, err := w.Attempts.Beat(t.Context(), w.robot, store.Beat{SessionEpoch: w.epoch})
		w.must(err)
	}
	for _, took := range []time.Duration{10, 50, 20, 30} { // seconds
		ref := w.start(w.submit())
		alive(took * time.Second)
		w.complete(ref)
	}
	fill := func() (waiting fleet.Job) {
		for range 10 {
			w.start(w.submit())
		}
		return w.submit()
	}
	explain := func(id fleet.ID) Explanation {
		e, err := w.Jobs.Explain(t.Context(), auth.Local(), id)
		w.must(err)
		return e
	}
	ref := w.start(w.submit())
	alive(20 * time.Second)
	w.complete(ref)
	job := fill()
	alive(5 * time.Second)
	e := explain(job.ID)
	if e.Job.WaitingCode != fleet.CodeNoSlot || e.Estimate == nil {
		t.Fatalf("%s: %s, estimate %+v", e.Job.WaitingCode, e.Summary, e.Estimate)
	}
	if e.Estimate.Seconds != 15 || !strings.Contains(e.Estimate.Basis, "the last 5 runs") || !strings.Contains(e.Estimate.Basis, "took 20s") {
		t.Errorf("estimate %+v, want 15 s by the middle of 5 runs of 10 to 50 s", *e.Estimate)
	}
	if want := "The next slot is expected about " + w.now.Add(15*time.Second).UTC().Format("15:04") + " UTC."; !strings.HasSuffix(e.Summary, want) {
		t.Errorf("%q does not end with %q", e.Summary, want)
	}
	alive(25 * time.Second)
	if e = explain(job.ID); e.Estimate == nil || e.Estimate.Seconds != 0 || !strings.HasSuffix(e.Summary, "at any moment.") {
		t.Errorf("later than expected: %+v %s", e.Estimate, e.Summary)
	}
}

// Of four runs nothing is concluded.
func TestNoEstimateOfFewRuns(t *testing.T) {
	w := newWorld(t)
	w.connect()
	for range 4 {
		ref := w.start(w.submit())
		w.complete(ref)
	}
	for range 10 {
		w.start(w.submit())
	}
	e, err := w.Jobs.Explain(t.Context(), auth.Local(), w.submit().ID)
	w.must(err)
	if e.Job.WaitingCode != fleet.CodeNoSlot || e.Estimate != nil || len(e.Blockers) != 10 {
		t.Errorf("%s, estimate %+v, %d blockers", e.Job.WaitingCode, e.Estimate, len(e.Blockers))
	}
}
