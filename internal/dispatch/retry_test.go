package dispatch

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// asked remembers whose refusals were looked for.
type asked struct {
	store.Reader
	jobs []fleet.ID
}

func (a *asked) ActiveRefusals(jobs []fleet.ID, now time.Time) ([]fleet.Refusal, error) {
	a.jobs = append(a.jobs, jobs...)
	return a.Reader.ActiveRefusals(jobs, now)
}

// A retry that has to be on another robot waits for one, however often the
// robot of the last attempt comes back.
func TestRetryOnAnotherRobot(t *testing.T) {
	w := newWorld(t)
	p := w.robot("a", 1, "default")
	must := fleet.RequireOther
	job := w.submit(func(r *orchestrator.SubmitRequest) {
		r.Retry = &fleet.RetryChange{Application: &fleet.RetryRuleChange{OtherRobot: &must}}
	})
	w.takes(job, "a")
	w.must(w.core.Attempts.Accept(t.Context(), p, store.Ref{JobID: job.ID, Epoch: 1}))
	_, err := w.core.Attempts.Report(t.Context(), p, []fleet.Report{{
		Kind: fleet.ReportFailed, JobID: job.ID, Epoch: 1, Error: &fleet.JobError{Class: fleet.ClassApplication, Message: "no"},
	}})
	w.must(err)
	w.now = w.now.Add(time.Hour)
	w.must(w.core.Attempts.Fire(t.Context(), store.System("test"), store.Timer{Kind: store.TimerDue, Tenant: "default", JobID: job.ID, Epoch: 1, At: w.now}))
	anew, err := w.core.Robots.Connect(t.Context(), p, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "i-second", JournalID: "j", Slots: 1,
	}, "token")
	w.must(err)
	w.present = []Present{{Tenant: "default", RobotID: "a", SessionEpoch: anew.Session.Epoch}}
	w.waits(job, fleet.CodeRejectedByAll)
	e, err := w.core.Jobs.Explain(t.Context(), auth.Local(), job.ID)
	w.must(err)
	if !strings.Contains(e.Summary, "its retry rule asks for another robot") {
		t.Errorf("the answer is %q", e.Summary)
	}
	fresh := w.submit()
	w.must(w.store.View(t.Context(), store.System("test"), func(r store.Reader) error {
		asked := &asked{Reader: r}
		_, err := snapshot.Read(asked, func() ([]placement.Candidate, error) { return w.loop.candidates(r, w.Present(), w.now) }, snapshot.Options{Now: w.now})
		if len(asked.jobs) != 1 || asked.jobs[0] != job.ID {
			t.Errorf("refusals of %v were looked for, want those of the job that a robot had alone", asked.jobs)
		}
		return err
	}))
	w.takes(fresh, "a") // which takes other work
	w.robot("b", 1, "default")
	w.takes(job, "b")
}
