package postgres

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// What a member remembers of its jobs may be overtaken by another member: no
// decision may come out of it that the database does not bear out.
func TestRememberedJobsAreOvertaken(t *testing.T) {
	f, list := members(t, Options{})
	here, there := list[0], list[1]
	session := f.Robot("r1", 50)
	move := func(id fleet.ID, decide func(fleet.Subject) (*fleet.Move, error)) {
		t.Helper()
		if err := storetest.Move(t.Context(), there, f.Scope, id, decide); err != nil {
			t.Fatal(err)
		}
	}
	var reports int64
	ends := func(j fleet.Job) fleet.VerdictKind {
		t.Helper()
		reports++
		got, err := here.Report(t.Context(), f.Scope, []fleet.Report{f.NewReport(j, fleet.ReportComplete, reports)}, f.Now)
		if err != nil {
			t.Fatal(err)
		}
		return got[0].Verdict
	}
	accepts := func(j fleet.Job) error {
		t.Helper()
		errs, err := here.Accept(t.Context(), f.Scope, []store.Acceptance{{Tenant: f.Tenant, JobID: j.ID, Epoch: j.Epoch, RobotID: "r1"}}, f.Now)
		if err != nil {
			t.Fatal(err)
		}
		return errs[0]
	}
	lapse := func(j fleet.Job) {
		f.Later(time.Minute)
		move(j.ID, func(sub fleet.Subject) (*fleet.Move, error) {
			return sub.NotTaken(j.Epoch, fleet.RejectNoAnswer, 0, f.Now)
		})
	}
	state := func(what string, id fleet.ID, want fleet.State) {
		t.Helper()
		if got := f.Job(id).State; got != want {
			t.Errorf("%s: the job is %s, want %s", what, got, want)
		}
	}

	j := f.Running(f.Spec(), "r1", session)
	move(j.ID, func(sub fleet.Subject) (*fleet.Move, error) {
		return sub.Cancel(fleet.CancelRequest{By: "ada", Grace: time.Minute}, f.Now)
	})
	if v := ends(j); v != fleet.VerdictApplied {
		t.Errorf("a result that comes after another member's cancel: %s", v)
	}
	if got := f.Job(j.ID); got.State != fleet.Completed || !got.CancelTooLate {
		t.Errorf("a result before the stop: %s, too late %v", got.State, got.CancelTooLate)
	}

	j = f.Assign(f.Submit(f.Spec()), "r1", session)
	lapse(j)
	if err := accepts(j); err == nil {
		t.Error("an offer that another member took back was accepted")
	}
	state("taken back", j.ID, fleet.Pending)

	// The next attempt is another member's, and its end comes here.
	j = f.Assign(f.Submit(f.Spec()), "r1", session)
	lapse(j)
	f.Later(time.Hour) // the refusal is over
	won, lost, err := there.Assign(t.Context(), f.Scope, []store.Assignment{f.Plan(f.Job(j.ID), "r1", session)}, f.Now)
	if err != nil || len(won) != 1 {
		t.Fatal(err, lost)
	}
	next := won[0].Job
	errs, err := there.Accept(t.Context(), f.Scope, []store.Acceptance{{Tenant: f.Tenant, JobID: next.ID, Epoch: next.Epoch, RobotID: "r1"}}, f.Now)
	if err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	if v := ends(j); v != fleet.VerdictStale {
		t.Errorf("the end of an attempt that was taken back: %s", v)
	}
	if v := ends(next); v != fleet.VerdictApplied {
		t.Errorf("the end of an attempt of which this member knows nothing: %s", v)
	}
	state("ended elsewhere", next.ID, fleet.Completed)

	// A job that comes to wait for one that runs is released by its end.
	j = f.Running(f.Spec(), "r1", session)
	spec := f.Spec()
	spec.DependsOn = []fleet.ID{j.ID}
	sub := f.Submission(spec)
	sub.Parents, sub.MaxChildren = spec.DependsOn, 10
	out, err := there.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out[0].Err)
	}
	if v := ends(j); v != fleet.VerdictApplied {
		t.Errorf("the end of a job that has got a child: %s", v)
	}
	if child := f.Job(spec.ID); child.WaitingOn != fleet.WaitingRobot {
		t.Errorf("the child waits for %s", child.WaitingOn)
	}
	if v := ends(j); v != fleet.VerdictDuplicate && v != fleet.VerdictStale {
		t.Errorf("the same end again: %s", v)
	}
	f.CheckInvariants()
}
