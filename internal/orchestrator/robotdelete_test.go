package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A robot that is deleted may still be at work, and hears of its end at a moment
// that nobody knows. What it has begun goes to nobody else before its lease has
// ended on its own clock too; what it was only offered can no longer begin.
func TestDeletedRobotMayStillBeAtWork(t *testing.T) {
	w := newWorld(t)
	w.connect()
	begun, offered := w.submit(), w.submit()
	ref := w.start(begun)
	won, _, err := w.store.Assign(t.Context(), w.admin.Scope(), []store.Assignment{{
		Tenant: "default", JobID: offered.ID, Epoch: offered.Epoch, RobotID: "r1", SessionEpoch: w.epoch, AcceptWithin: 10 * time.Second,
	}}, w.now)
	w.must(err)
	if len(won) != 1 {
		t.Fatal("not offered")
	}
	w.must(w.Robots.Delete(t.Context(), w.admin, "r1"))
	if got := w.get(begun.ID).Job; got.State != fleet.Running || got.Epoch != ref.Epoch {
		t.Errorf("what had begun is %s in epoch %d", got.State, got.Epoch)
	}
	if got := w.get(offered.ID).Job; got.State != fleet.Pending {
		t.Errorf("what was offered is %s", got.State)
	}
	live := w.live()
	if len(live) != 1 || live[0].Ref != ref {
		t.Fatalf("the sweep does not see it: %+v", live)
	}
	w.must(w.Attempts.Lose(t.Context(), store.System("reap"), ref, live[0].RenewSeq, "it was silent for too long"))
	if got := w.get(begun.ID).Job; got.State != fleet.Pending || got.LostUsed != 1 {
		t.Errorf("after its lease: %s, lost %d", got.State, got.LostUsed)
	}
}

// live is what the sweep looks at.
func (w *world) live() (out []store.LiveAttempt) {
	w.Helper()
	w.must(w.store.View(w.Context(), store.System("reap"), func(r store.Reader) (err error) {
		out, err = r.LiveAttempts(store.Ref{}, 10)
		return err
	}))
	return out
}

// A repeated cancel that changes nothing is nobody's deed.
func TestCancelThatChangesNothingIsNotAudited(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit()
	w.start(job)
	for range 3 {
		_, err := w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute})
		w.must(err)
		_, err = w.Jobs.CancelBranch(t.Context(), w.admin, job.ID, fleet.CancelRequest{Grace: time.Minute})
		w.must(err)
	}
	if rows := w.rows(AuditFilter{Action: "job.cancel"}); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
	_, err := w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{Force: true})
	w.must(err)
	if rows := w.rows(AuditFilter{Action: "job.cancel"}); len(rows) != 2 {
		t.Errorf("a sharper one: %d rows", len(rows))
	}
}

// The row of a bulk says what was stored, not what was asked for.
func TestBulkIsAuditedAsStored(t *testing.T) {
	w := newWorld(t)
	ask := func(key string) SubmitRequest {
		return SubmitRequest{Document: []byte(document), IdempotencyKey: key, RequestHash: key}
	}
	_, err := w.Jobs.Submit(t.Context(), w.admin, ask("a"))
	w.must(err)
	bad := ask("z")
	bad.Document = []byte(`{"metadata":{},"nodes":{},"connections":7}`)
	_, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, []SubmitRequest{ask("a"), ask("b"), bad, ask("c")}, false)
	w.must(err)
	_, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, []SubmitRequest{ask("a"), ask("d")}, false)
	w.must(err)
	rows := w.rows(AuditFilter{Action: "job.submit"})
	if len(rows) != 3 || string(rows[1].After) != `{"jobs":2}` || len(rows[2].After) != 0 {
		t.Errorf("%d rows: %+v", len(rows), rows)
	}
}
