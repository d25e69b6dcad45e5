package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// An item that is moved is a new one of the other queue with all that was said of
// it; where it was it is gone, its reference free. What the other queue refuses
// stays where it is.
func TestMoveItems(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"bills", "letters"} {
		_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name, Unique: new(fleet.UniqueWhileActive), SLASeconds: new(60)})
		w.must(err)
	}
	add := func(queue, reference string) fleet.ID {
		due := w.Jobs.Now().Add(time.Hour)
		i, _, err := w.Queues.Add(t.Context(), w.admin, queue, Hold{}, fleet.ItemSpec{
			Reference: reference, Data: []byte(`{"n":1}`), Priority: new(fleet.Priority(3)), Deadline: &due, Labels: map[string]string{"a": "b"},
		}, nil)
		w.must(err)
		return i.ID
	}
	first, twin := add("bills", "b-1"), add("bills", "b-2")
	add("letters", "b-2")
	_, err := w.Queues.Comment(t.Context(), w.admin, first, "asked")
	w.must(err)
	held := add("bills", "b-0")
	_, err = w.Queues.Edit(t.Context(), w.admin, held, 0, fleet.ItemChange{Priority: new(fleet.Priority(0))})
	w.must(err)
	_, err = w.Queues.Claim(t.Context(), w.admin, ClaimRequest{Queue: "bills", Count: 1})
	w.must(err)
	was, err := w.Queues.Item(t.Context(), w.admin, first)
	w.must(err)

	out, err := w.Queues.ChangeMany(t.Context(), w.admin, ManyItems{Queue: "bills", IDs: []fleet.ID{first, twin, held, first}, Do: ItemsMove, To: "letters"})
	w.must(err)
	if out[0].Err != nil || out[0].Next == "" || reasonOf(out[2].Err) != "invalid_state" {
		t.Errorf("%+v", out)
	}
	for _, k := range []int{1, 2, 3} {
		if out[k].Err == nil || out[k].Next != "" {
			t.Errorf("%d: %+v", k, out[k])
		}
	}
	is, err := w.Queues.Item(t.Context(), w.admin, out[0].Next)
	w.must(err)
	if is.Status != fleet.ItemNew || is.Reference != "b-1" || string(is.Data) != `{"n":1}` || is.Priority != 3 || !is.Deadline.Equal(was.Deadline) || is.Labels["a"] != "b" {
		t.Errorf("%+v", is)
	}
	if len(is.Comments) != 2 || is.Comments[0].Text != "asked" || is.Comments[1].Text != "Moved from the queue bills." {
		t.Errorf("%+v", is.Comments)
	}
	add("bills", "b-1") // free again
	for queue, want := range map[string]fleet.QueueCounts{"bills": {New: 2, InProgress: 1, Deleted: 1}, "letters": {New: 2}} {
		v, err := w.Queues.Get(t.Context(), w.admin, queue)
		w.must(err)
		if v.Counts != want {
			t.Errorf("%s: %+v", queue, v.Counts)
		}
	}
	rows := w.rows(AuditFilter{ObjectID: string(first), Action: "item.deleted"})
	if len(rows) != 1 || rows[0].After == nil {
		t.Errorf("%+v", rows)
	}
	for _, to := range []string{"", "bills", "nowhere"} {
		if _, err := w.Queues.ChangeMany(t.Context(), w.admin, ManyItems{Queue: "bills", IDs: []fleet.ID{twin}, Do: ItemsMove, To: to}); err == nil {
			t.Errorf("to %q", to)
		}
	}
}
