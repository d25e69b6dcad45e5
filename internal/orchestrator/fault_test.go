package orchestrator

import (
	"errors"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// Of the original (B9): a write that failed was only logged, and the caller
// was told that all was well.
func TestOriginal_B9FailedWrite(t *testing.T) {
	var faulty *storetest.Faulty
	w := newWorld(t, func(o *Options) {
		faulty = storetest.NewFaulty(o.Store)
		o.Store = faulty
	})
	before := w.count("jobs")
	faulty.Plan("Enqueue", storetest.Fault{Before: storetest.ErrFault})
	request := SubmitRequest{Document: []byte(document), IdempotencyKey: "once", RequestHash: "h"}
	if _, err := w.Jobs.Submit(t.Context(), w.admin, request); !errors.Is(err, fleet.ErrUnavailable) {
		t.Fatalf("a submit that was not written says %v", err)
	}
	if after := w.count("jobs"); after != before {
		t.Errorf("jobs went from %s to %s", before, after)
	}

	// An answer that was lost after the commit is an error too, and asking again
	// with the same key finds the one job.
	faulty.Plan("Enqueue", storetest.Fault{After: storetest.ErrFault})
	if _, err := w.Jobs.Submit(t.Context(), w.admin, request); !errors.Is(err, fleet.ErrUnavailable) {
		t.Fatalf("a lost answer says %v", err)
	}
	again, err := w.Jobs.Submit(t.Context(), w.admin, request)
	w.must(err)
	if !again.Replayed {
		t.Error("the second request made a second job")
	}

	faulty.Plan("Update", storetest.Fault{Before: storetest.ErrFault})
	if _, err := w.Jobs.Cancel(t.Context(), w.admin, again.Job.ID, fleet.CancelRequest{}); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a cancel that was not written says %v", err)
	}
	if got := w.get(again.Job.ID).Job.State; got != fleet.Pending {
		t.Errorf("the job is %s", got)
	}
}
