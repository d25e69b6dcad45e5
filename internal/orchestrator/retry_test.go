package orchestrator

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

func TestRetryRules(t *testing.T) {
	w := newWorld(t)
	w.connect()
	once := fleet.DefaultRetry()
	once.Max = 0
	pending := w.submit()
	_, err := w.Jobs.Retry(t.Context(), w.admin, pending.ID)
	w.is(err, fleet.CodeConflict, "invalid_state")

	w.complete(w.start(pending))
	_, err = w.Jobs.Retry(t.Context(), w.admin, pending.ID)
	w.is(err, fleet.CodeConflict, "invalid_state")

	failed := w.submit(func(r *SubmitRequest) { r.Retry = &once })
	w.fail(w.start(failed), fleet.ClassApplication)
	if got := w.get(failed.ID).Job; got.State != fleet.Failed || !got.DeadLetter {
		t.Fatalf("the job is %s, dead letter %v", got.State, got.DeadLetter)
	}
	again, err := w.Jobs.Retry(t.Context(), w.admin, failed.ID)
	w.must(err)
	if again.ID == failed.ID || again.RetryOf != failed.ID || again.State != fleet.Pending {
		t.Errorf("the retry is %+v", again)
	}
	_, err = w.Jobs.Retry(t.Context(), w.admin, failed.ID)
	w.is(err, fleet.CodeConflict, "retry_in_progress")
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
