package orchestrator

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// What is done with many items at once leaves a row for each of them, and one that
// is of another queue stops none of the others.
func TestManyItemsAreAuditedEach(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"invoices", "orders"} {
		_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name})
		w.must(err)
	}
	var ids []fleet.ID
	for _, queue := range []string{"invoices", "orders", "invoices"} {
		item, _, err := w.Queues.Add(t.Context(), w.admin, queue, store.Ref{}, fleet.ItemSpec{}, nil)
		w.must(err)
		ids = append(ids, item.ID)
	}
	got, err := w.Queues.ChangeMany(t.Context(), w.admin, ManyItems{Queue: "invoices", IDs: ids, Do: ItemsPriority, Priority: new(fleet.Priority(5))})
	w.must(err)
	w.is(got[1].Err, fleet.CodeNotFound, "item_not_found")
	for _, k := range []int{0, 2} {
		item, err := w.Queues.Item(t.Context(), w.admin, ids[k])
		w.must(err)
		if got[k].Err != nil || item.Priority != 5 {
			t.Errorf("item %d: %v, priority %d", k, got[k].Err, item.Priority)
		}
	}
	if rows := w.rows(AuditFilter{Action: "item.updated"}); len(rows) != 2 {
		t.Errorf("%d rows", len(rows))
	}
}
