package upkeep

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// TestQueueTriggerBySignal lets items come one by one while jobs take them, and
// runs the chore when a signal says so and at no other time: there are as many
// jobs as unfinished items, up to ten, and no pause was waited for.
func TestQueueTriggerBySignal(t *testing.T) {
	f := newFleet(t)
	chore := &Triggers{Triggers: f.core.Triggers, Signals: f.store.Signals(), Logger: f.timers.Logger}
	ctx, name := t.Context(), "orders"
	v, _, err := f.core.Workflows.Put(ctx, f.admin(), "work off", []byte(document))
	f.must(err)
	q, err := f.core.Queues.Create(ctx, f.admin(), orchestrator.QueueChange{Name: &name})
	f.must(err)
	tr, err := f.core.Triggers.Create(ctx, f.admin(), orchestrator.TriggerChange{
		Name: &name, WorkflowID: &v.WorkflowID, Queue: &fleet.QueueRule{QueueID: q.ID, MinItems: 1, ItemsPerJob: 1, MaxJobs: 10},
	})
	f.must(err)
	f.must(chore.RunOnce(ctx, 1)) // its term begins; later passes look at nothing but the log
	wake, stop := f.store.Signals().Listen(store.TopicEvents)
	defer stop()
	active := func() int64 {
		t.Helper()
		got, err := f.core.Triggers.Get(ctx, f.admin(), string(tr.ID))
		f.must(err)
		return got.Active
	}
	// signalled is what follows from something that happened to the queue.
	signalled := func(what string, want int64) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for got := active(); got != want; got = active() {
			select {
			case <-wake:
				f.must(chore.RunOnce(ctx, 1))
			case <-limit:
				t.Fatalf("%s: %d jobs, want %d, and no signal comes", what, got, want)
			}
		}
		f.must(chore.RunOnce(ctx, 1))
		if got := active(); got != want {
			t.Fatalf("%s: one more pass makes %d jobs of %d", what, got, want)
		}
	}
	add := func() {
		t.Helper()
		_, _, err := f.core.Queues.Add(ctx, f.admin(), name, store.Ref{}, fleet.ItemSpec{}, nil)
		f.must(err)
	}
	newest := func() fleet.Job {
		t.Helper()
		list, _, err := f.core.Triggers.Firings(ctx, f.admin(), string(tr.ID), fleet.FiringAccepted, fleet.Page{Limit: 1})
		f.must(err)
		return f.state(list[0].JobID)
	}
	open, reports := int64(0), int64(0)
	for n := 1; n <= 13; n++ {
		add()
		open++
		signalled("an item came", min(open, 10))
		if n > 6 || n%2 == 0 {
			continue
		}
		// One of the jobs takes an item: it is unfinished, and its job is at work.
		ref := f.start(newest(), true)
		list, err := f.core.Queues.Claim(ctx, f.robot, orchestrator.ClaimRequest{Queue: name, Count: 1, Ref: ref})
		f.must(err)
		if len(list) != 1 {
			t.Fatalf("%d items were taken", len(list))
		}
		signalled("an item was taken", open)
		// It is done with it and ends: one item less, one job less.
		_, err = f.core.Queues.Complete(ctx, f.robot, orchestrator.ItemWord{Item: list[0].ID, Ref: ref})
		f.must(err)
		reports++
		f.end(ref, reports, true)
		open--
		signalled("an item and its job are done", open)
	}
	if open != 10 {
		t.Fatalf("the test leaves %d items, want 10", open)
	}
	add()
	signalled("there is more than ten may do", 10)
	f.end(f.start(newest(), true), reports+1, true) // without an item
	signalled("a job ended and left its work", 10)
}
