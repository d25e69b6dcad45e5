package orchestrator

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

func TestRetryRules(t *testing.T) {
	w := newWorld(t)
	w.connect()
	none := 0
	once := fleet.RetryChange{Max: &none}
	pending := w.submit()
	_, _, err := w.Jobs.Retry(t.Context(), w.admin, pending.ID, RetryHow{})
	w.is(err, fleet.CodeConflict, "invalid_state")

	w.complete(w.start(pending))
	_, _, err = w.Jobs.Retry(t.Context(), w.admin, pending.ID, RetryHow{})
	w.is(err, fleet.CodeConflict, "invalid_state")

	failed := w.submit(func(r *SubmitRequest) { r.Retry = &once })
	w.fail(w.start(failed), fleet.ClassApplication)
	if got := w.get(failed.ID).Job; got.State != fleet.Failed || !got.DeadLetter {
		t.Fatalf("the job is %s, dead letter %v", got.State, got.DeadLetter)
	}
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, failed.ID, RetryHow{})
	w.must(err)
	if again.ID == failed.ID || again.RetryOf != failed.ID || again.State != fleet.Pending {
		t.Errorf("the retry is %+v", again)
	}
	_, _, err = w.Jobs.Retry(t.Context(), w.admin, failed.ID, RetryHow{})
	w.is(err, fleet.CodeConflict, "retry_in_progress")
}

// A retry may ask for the robot that had the job, for another one, or for none.
func TestRetryOnARobot(t *testing.T) {
	w := newWorld(t)
	w.connect()
	none := 0
	first := w.submit(func(r *SubmitRequest) { r.Retry = &fleet.RetryChange{Max: &none} })
	w.fail(w.start(first), fleet.ClassApplication)
	had := w.get(first.ID).Job.RobotID
	for _, c := range []struct {
		robot string
		want  fleet.RobotID
	}{{"", ""}, {RetrySameRobot, had}, {string(had), had}, {RetryAnyRobot, ""}} {
		again, _, err := w.Jobs.Retry(t.Context(), w.admin, first.ID, RetryHow{Robot: c.robot})
		w.must(err)
		if again.Target != c.want || again.RetryOf != first.ID {
			t.Errorf("%q asks for %q: %+v", c.robot, again.Target, again)
		}
		w.fail(w.start(again), fleet.ClassApplication)
		first = again
		if v := w.get(again.ID); v.Alike == "" || v.Nodes == 0 {
			t.Errorf("the job that failed says %+v", v)
		}
	}
	_, _, err := w.Jobs.Retry(t.Context(), w.admin, first.ID, RetryHow{Robot: "nobody"})
	w.is(err, fleet.CodeNotFound, "robot_not_found")
	idle := w.submit(func(r *SubmitRequest) { r.Target = had })
	_, err = w.Jobs.Cancel(t.Context(), w.admin, idle.ID, fleet.CancelRequest{})
	w.must(err)
	_, _, err = w.Jobs.Retry(t.Context(), w.admin, idle.ID, RetryHow{Robot: RetrySameRobot})
	w.is(err, fleet.CodeInvalid, "invalid_field")
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, idle.ID, RetryHow{Robot: RetryAnyRobot})
	w.must(err)
	if again.Target != "" {
		t.Errorf("the retry on any robot asks for %q", again.Target)
	}
}

// A job says by what it is measured: the runs before it, and the limits that
// hold for its robot.
func TestJobAround(t *testing.T) {
	w := newWorld(t)
	w.connect()
	done := w.submit()
	w.complete(w.start(done))
	next := w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, done.Workflow.ID })
	w.start(next)
	if v := w.get(next.ID); v.Runs != 1 || v.Nodes == 0 || v.Alike != "" || !v.LeavesAt.IsZero() {
		t.Errorf("the job that runs says %d runs of %s, %d nodes, alike %q, leaves %s", v.Runs, v.Typical, v.Nodes, v.Alike, v.LeavesAt)
	}
}

func TestCancelAnswers(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit()
	first, err := w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	w.must(err)
	if !first.Accepted || first.Previous != fleet.Pending || first.Job.State != fleet.Cancelled {
		t.Errorf("the first cancel says %+v", first)
	}
	second, err := w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	w.must(err)
	if second.Accepted || second.Job.State != fleet.Cancelled {
		t.Errorf("the second cancel says %+v", second)
	}
	running := w.submit()
	ref := w.start(running)
	asked, err := w.Jobs.Cancel(t.Context(), w.admin, running.ID, fleet.CancelRequest{})
	w.must(err)
	if asked.Job.State != fleet.Cancelling {
		t.Errorf("a running job is %s", asked.Job.State)
	}
	w.complete(ref) // it was done before it heard of the stop
	if got := w.get(running.ID).Job; got.State != fleet.Completed || !got.CancelTooLate {
		t.Errorf("the job is %s, too late %v", got.State, got.CancelTooLate)
	}
}

// What a workflow says of retries holds for each of its versions, and a request
// may change it.
func TestRetriesOfTheWorkflow(t *testing.T) {
	w := newWorld(t)
	const text = `{"metadata":{"name":"again"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[],
		"settings":{"fleet":{"retry_safety":"never","retry":{"max":7,"business":{"max":2,"other_robot":"must"}}}}}`
	first := w.submit(func(r *SubmitRequest) { r.Document = []byte(text) })
	check := func(j fleet.Job, most int, safety fleet.RetrySafety) {
		t.Helper()
		j = w.get(j.ID).Job
		if rule := j.Retry.Rule(fleet.ClassBusiness); rule.Max != 2 || rule.OtherRobot != fleet.RequireOther || j.Retry.Max != most || j.RetrySafety != safety {
			t.Errorf("%+v, safety %s", j.Retry, j.RetrySafety)
		}
	}
	check(first, 7, fleet.RetryNever)
	none := 0
	check(w.submit(func(r *SubmitRequest) {
		r.Document, r.WorkflowID = nil, first.Workflow.ID
		r.Retry, r.RetrySafety = &fleet.RetryChange{Max: &none}, fleet.RetryAlways
	}), 0, fleet.RetryAlways)
	for bad, field := range map[string]string{
		`{"maxx":1}`: "settings.fleet.retry", `{"business":{"max":101}}`: "retry.business.max", `{"max":"3"}`: "settings.fleet.retry",
	} {
		_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(strings.Replace(text, `{"max":7,"business":{"max":2,"other_robot":"must"}}`, bad, 1))})
		if e := fleet.AsError(err); err == nil || len(e.Fields) == 0 || e.Fields[0].Field != field {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
