package orchestrator

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// A job that waits for others names them, so that somebody can go to them.
func TestAwaited(t *testing.T) {
	w := newWorld(t)
	w.connect()
	first, second := w.submit(), w.submit()
	child := w.submit(func(r *SubmitRequest) {
		r.DependsOn, r.Rule = []Dependency{{Job: first.ID}, {Job: second.ID}}, fleet.AllFinished
	})
	e, err := w.Jobs.Explain(t.Context(), w.admin, child.ID)
	w.must(err)
	if len(e.Blockers) != 3 || e.Blockers[0].Kind != fleet.BlockerReason || e.Blockers[1].ID != first.ID || e.Blockers[2].ID != second.ID ||
		e.Blockers[1].Kind != fleet.BlockerJob {
		t.Errorf("it waits for %+v", e.Blockers)
	}
	if !strings.Contains(e.Summary, "(all must end)") {
		t.Errorf("it says %s", e.Summary)
	}
	w.complete(w.start(first))
	e, err = w.Jobs.Explain(t.Context(), w.admin, child.ID)
	w.must(err)
	if len(e.Blockers) != 2 || e.Blockers[1].ID != second.ID {
		t.Errorf("when one has ended it waits for %+v", e.Blockers)
	}
}
