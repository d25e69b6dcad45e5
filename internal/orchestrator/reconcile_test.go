package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/store"
)

// An offer whose orchestrator ended before it was sent is one that the robot
// never heard of: a job that may run nowhere else is offered again soon, and not
// after the minute that an answer withheld would cost.
func TestOfferThatWasNeverHeardComesSoon(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit(func(r *SubmitRequest) { r.Target = "r1" })
	offer := func() int {
		won, lost, err := w.store.Assign(t.Context(), w.admin.Scope(), []store.Assignment{{
			Tenant: "default", JobID: job.ID, Epoch: w.get(job.ID).Job.Epoch, RobotID: "r1", SessionEpoch: w.epoch, AcceptWithin: 10 * time.Second,
		}}, w.now)
		w.must(err)
		if len(won)+len(lost) != 1 {
			t.Fatalf("won %+v, lost %+v", won, lost)
		}
		return len(won)
	}
	if offer() != 1 {
		t.Fatal("not offered")
	}
	w.connect() // with the same instance: it only lost its connection
	if offer() != 0 {
		t.Error("an offer that ends the connection would come again at once, and for ever")
	}
	w.now = w.now.Add(6 * time.Second)
	if offer() != 1 {
		t.Error("not offered again after 6 s")
	}
	w.connect()
	w.now = w.now.Add(6 * time.Second)
	if offer() != 0 {
		t.Error("the second time is as short as the first")
	}
}
