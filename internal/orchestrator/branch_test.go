package orchestrator

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// graph submits jobs that wait for each other; the answer is their ids by ref.
func (w *world) graph(jobs ...SubmitRequest) map[string]fleet.ID {
	w.Helper()
	results, _, err := w.Jobs.SubmitMany(w.Context(), w.admin, jobs, true)
	w.must(err)
	ids := map[string]fleet.ID{}
	for i, r := range results {
		ids[jobs[i].Ref] = r.Job.ID
	}
	return ids
}

// once lets the first error of a job be its end.
func once(r SubmitRequest) SubmitRequest {
	r.Retry = &fleet.RetryChange{Max: new(int)}
	return r
}

func (w *world) states(want map[fleet.ID]fleet.State) {
	w.Helper()
	for id, state := range want {
		if j := w.get(id).Job; j.State != state {
			w.Errorf("job %s (%s) is %s, want %s", id, j.Name, j.State, state)
		}
	}
}

// result ends a job with a result.
func (w *world) result(id fleet.ID, result string) {
	w.Helper()
	v := w.report(fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(result)}, w.start(w.get(id).Job))
	if v != fleet.VerdictApplied {
		w.Fatalf("verdict %s", v)
	}
}

func TestCancelBranch(t *testing.T) {
	w := newWorld(t)
	w.connect()
	anyhow := node("anyhow", "first")
	anyhow.Rule = fleet.AllFinished // the end of first alone would release it
	early := node("early", "first", "other")
	early.Rule = fleet.AnyCompleted
	ids := w.graph(node("other"), node("first"), node("second", "first"), anyhow, node("last", "second", "anyhow"), early, node("beside", "other"))
	w.result(ids["other"], `{}`)
	w.start(w.get(ids["early"]).Job) // hangs on first and runs already
	ref := w.start(w.get(ids["first"]).Job)
	got, err := w.Jobs.CancelBranch(t.Context(), auth.Local(), ids["first"], fleet.CancelRequest{Reason: "wrong month"})
	w.must(err)
	if !got.Accepted || got.Previous != fleet.Running || got.Job.State != fleet.Cancelling || got.Dependents != 4 {
		t.Errorf("answer: %+v", got)
	}
	w.states(map[fleet.ID]fleet.State{
		ids["second"]: fleet.Cancelled, ids["anyhow"]: fleet.Cancelled, ids["last"]: fleet.Cancelled, ids["early"]: fleet.Cancelling,
		ids["beside"]: fleet.Pending, ids["other"]: fleet.Completed,
	})
	if v := w.get(ids["anyhow"]); v.Job.EndReason != "cancelled_by_user" {
		t.Errorf("it ended by %s", v.Job.EndReason)
	}
	w.complete(ref) // it came to its end before it heard of the cancel
	got, err = w.Jobs.CancelBranch(t.Context(), auth.Local(), ids["first"], fleet.CancelRequest{})
	w.must(err)
	if got.Accepted || !got.Previous.Final() {
		t.Errorf("the branch of a job that has ended: %+v", got)
	}
	// Of a branch that waits nothing is released on the way.
	anyhow.DependsOn = []Dependency{{Ref: "a"}}
	ids = w.graph(node("a"), anyhow)
	_, err = w.Jobs.CancelBranch(t.Context(), auth.Local(), ids["a"], fleet.CancelRequest{})
	w.must(err)
	if j := w.get(ids["anyhow"]).Job; j.State != fleet.Cancelled || j.Version != 2 {
		t.Errorf("%s after %d events", j.State, j.Version)
	}
	_, err = w.Jobs.CancelBranch(t.Context(), auth.Local(), "01939c3e-7b1a-7c3d-8e4f-0123456789ab", fleet.CancelRequest{})
	if !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
}

func TestRetryBranch(t *testing.T) {
	w := newWorld(t)
	w.connect()
	last := node("last", "left", "right")
	last.Variables = json.RawMessage(`{"n":1,"of":{"from_job":"left","pointer":"/sum"}}`)
	held := node("held", "last")
	held.OnUnmet = fleet.UnmetHold
	ids := w.graph(once(node("first")), node("left", "first"), node("right", "first"), last, held)
	w.fail(w.start(w.get(ids["first"]).Job), fleet.ClassApplication)
	w.states(map[fleet.ID]fleet.State{
		ids["left"]: fleet.Cancelled, ids["right"]: fleet.Cancelled, ids["last"]: fleet.Cancelled, ids["held"]: fleet.Pending,
	})
	again, made, err := w.Jobs.Retry(t.Context(), auth.Local(), ids["first"], RetryHow{Dependents: true})
	w.must(err)
	if len(made) != 3 {
		t.Fatalf("%d jobs were made anew, want 3", len(made))
	}
	byOld := map[fleet.ID]fleet.ID{}
	for _, id := range made {
		j := w.get(id).Job
		if j.State != fleet.Pending || j.WaitingOn != fleet.WaitingDependencies {
			t.Errorf("job %s is %s and waits on %s", id, j.State, j.WaitingOn)
		}
		byOld[j.RetryOf] = id
	}
	w.result(again.ID, `{}`)
	w.result(byOld[ids["left"]], `{"success":true,"variables":{"sum":7}}`)
	w.result(byOld[ids["right"]], `{}`)
	end := w.get(byOld[ids["last"]])
	if string(end.Data.Variables) != `{"n":1,"of":7}` {
		t.Errorf("the inputs of the last: %s", end.Data.Variables)
	}
	w.result(end.Job.ID, `{}`)
	if j := w.get(ids["held"]).Job; j.WaitingOn != fleet.WaitingRobot {
		t.Errorf("what was held waits on %s", j.WaitingOn)
	}
}

// TestRetryBranchTwice: two parents of one job failed. The job comes back with
// the second that is retried, on what repeats the first.
func TestRetryBranchTwice(t *testing.T) {
	w := newWorld(t)
	w.connect()
	ids := w.graph(once(node("left")), once(node("right")), node("last", "left", "right"))
	w.fail(w.start(w.get(ids["left"]).Job), fleet.ClassApplication)
	w.fail(w.start(w.get(ids["right"]).Job), fleet.ClassApplication)
	left, made, err := w.Jobs.Retry(t.Context(), auth.Local(), ids["left"], RetryHow{Dependents: true})
	w.must(err)
	if len(made) != 1 || w.get(made[0]).Job.State != fleet.Cancelled {
		t.Fatalf("made %v: right has failed still", made)
	}
	right, made, err := w.Jobs.Retry(t.Context(), auth.Local(), ids["right"], RetryHow{Dependents: true})
	w.must(err)
	if len(made) != 1 {
		t.Fatalf("made %v, want one: the first last is repeated already", made)
	}
	w.result(left.ID, `{}`)
	w.states(map[fleet.ID]fleet.State{made[0]: fleet.Pending})
	w.result(right.ID, `{}`)
	if j := w.get(made[0]).Job; j.WaitingOn != fleet.WaitingRobot {
		t.Errorf("the last waits on %s", j.WaitingOn)
	}
	// Refused whole while a retry is under way.
	_, _, err = w.Jobs.Retry(t.Context(), auth.Local(), made[0], RetryHow{Dependents: true})
	if e := fleet.AsError(err); e.Reason != "invalid_state" || !strings.Contains(e.Message, string(made[0])) {
		t.Errorf("retry of a job that waits: %v", err)
	}
}

// TestRetryWaitsForTheNewest: what repeats a parent may have been repeated too.
func TestRetryWaitsForTheNewest(t *testing.T) {
	w := newWorld(t)
	w.connect()
	ids := w.graph(once(node("first")), node("next", "first"))
	w.fail(w.start(w.get(ids["first"]).Job), fleet.ClassApplication)
	newest := ids["first"]
	for range 2 {
		job, _, err := w.Jobs.Retry(t.Context(), auth.Local(), newest, RetryHow{})
		w.must(err)
		if newest = job.ID; job.RetryOf == ids["first"] {
			w.fail(w.start(job), fleet.ClassApplication)
		}
	}
	next, _, err := w.Jobs.Retry(t.Context(), auth.Local(), ids["next"], RetryHow{})
	w.must(err)
	if v := w.get(next.ID); v.Job.State != fleet.Pending || !strings.Contains(v.Waiting, string(newest)) {
		t.Errorf("%s: %q, want it to wait for %s", v.Job.State, v.Waiting, newest)
	}
}
