package dispatch

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

func (w *world) environment(e fleet.Environment) {
	w.Helper()
	_, err := w.core.Environments.Put(w.Context(), auth.Local(), e)
	w.must(err)
}

func in(environment string) func(*orchestrator.SubmitRequest) {
	return func(r *orchestrator.SubmitRequest) { r.Environment = environment }
}

func TestStrictEnvironment(t *testing.T) {
	w := newWorld(t)
	w.robot("any", 5, "default")
	w.takes(w.submit(in("lab")), "any")
	w.environment(fleet.Environment{Name: "lab", Strict: true})
	job := w.submit(in("lab"))
	w.waits(job, fleet.CodeNoMatch)
	_, err := w.core.Jobs.Submit(t.Context(), auth.Local(), orchestrator.SubmitRequest{Document: []byte(document), Environment: "lab", Target: "any"})
	if got := fleet.AsError(err); got == nil || got.Reason != "target_cannot_run" {
		t.Errorf("a target in another environment: %v", err)
	}
	w.robot("lab-1", 2, "lab")
	w.takes(job, "lab-1")
	// Its robots take no other work either, until the settings say so.
	w.mode("any", fleet.ModeChange{Mode: fleet.ModePaused})
	other := w.submit()
	w.waits(other, fleet.CodeNoneAvailable)
	w.environment(fleet.Environment{Name: "lab"})
	w.takes(other, "lab-1")
}

// A job that has waited long enough goes before more urgent ones, however many
// of them there are: it need not be among the first by its priority.
func TestAgeing(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Window = 4 })
	w.environment(fleet.Environment{Name: "default", AgeStepSeconds: 10})
	prio := func(p fleet.Priority) func(*orchestrator.SubmitRequest) {
		return func(r *orchestrator.SubmitRequest) { r.Priority = &p }
	}
	old := w.submit(prio(10))
	w.now = w.now.Add(65 * time.Second)
	var urgent []fleet.Job
	for range 20 {
		urgent = append(urgent, w.submit(prio(4)))
	}
	w.robot("a", 1, "default")
	w.takes(old, "a")
	e, err := w.core.Jobs.Explain(t.Context(), auth.Local(), urgent[0].ID)
	w.must(err)
	if e.Job.WaitingCode != fleet.CodeNoSlot {
		t.Errorf("behind it: %s", e.Job.WaitingCode)
	}
}
