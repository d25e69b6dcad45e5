package orchestrator

import (
	"errors"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// Dead letters that differ in numbers alone are one group, and are repeated as
// one; one that is being repeated already stops no other.
func TestDeadGroups(t *testing.T) {
	w := newWorld(t)
	w.connect()
	none := 0
	dead := func(message string) fleet.ID {
		job := w.submit(func(r *SubmitRequest) { r.Retry = &fleet.RetryChange{Max: &none} })
		ref := w.start(job)
		v := w.report(fleet.Report{
			Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: fleet.ClassApplication, Type: "ValueError", Message: message, Node: "n"},
		}, ref)
		if v != fleet.VerdictApplied {
			t.Fatalf("verdict %s", v)
		}
		return job.ID
	}
	first, second, other := dead("row 17 is empty"), dead("row 4 is empty"), dead("no such file")
	groups, more, err := w.Jobs.DeadGroups(t.Context(), w.admin)
	w.must(err)
	if len(groups) != 2 || more || len(groups[0].Jobs) != 2 || groups[0].Jobs[0] != second || groups[0].Node != "n" || groups[1].Jobs[0] != other {
		t.Fatalf("%+v", groups)
	}
	if v := w.get(first); v.Alike != groups[0].Fingerprint {
		t.Errorf("the job is alike to %q, its group is %q", v.Alike, groups[0].Fingerprint)
	}
	tooMany := errors.New("too many")
	_, err = w.Jobs.RetryDeadGroup(t.Context(), w.admin, groups[0].Fingerprint, func(n int) error {
		if n != 2 {
			t.Errorf("asked for %d jobs", n)
		}
		return tooMany
	})
	if !errors.Is(err, tooMany) {
		t.Errorf("the limit of jobs is passed over: %v", err)
	}
	done, err := w.Jobs.RetryDeadGroup(t.Context(), w.admin, groups[0].Fingerprint, func(int) error { return nil })
	w.must(err)
	if len(done.Made) != 2 || len(done.Refused) != 0 || done.Left != 0 {
		t.Errorf("%+v", done)
	}
	left, _, err := w.Jobs.DeadGroups(t.Context(), w.admin)
	w.must(err)
	if len(left) != 1 {
		t.Errorf("left %+v", left)
	}
	_, err = w.Jobs.RetryDeadGroup(t.Context(), w.admin, groups[0].Fingerprint, func(int) error { return nil })
	w.is(err, fleet.CodeNotFound, "dead_letter_group_not_found")
}

// Many items are changed one by one: what is in another state, or in another
// queue, is told of and stops no other.
func TestChangeMany(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"bills", "letters"} {
		_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name})
		w.must(err)
	}
	add := func(queue string) fleet.ID {
		i, _, err := w.Queues.Add(t.Context(), w.admin, queue, Hold{}, fleet.ItemSpec{}, nil)
		w.must(err)
		return i.ID
	}
	first, second, elsewhere := add("bills"), add("bills"), add("letters")
	urgent := fleet.Priority(0)
	many := func(do ItemAction, ids ...fleet.ID) []ChangedItem {
		t.Helper()
		out, err := w.Queues.ChangeMany(t.Context(), w.admin, ManyItems{Queue: "bills", IDs: ids, Do: do, Priority: &urgent})
		w.must(err)
		return out
	}
	out := many(ItemsPriority, first, elsewhere, second)
	if out[0].Err != nil || out[2].Err != nil || !errors.Is(out[1].Err, fleet.ErrNotFound) {
		t.Errorf("%+v", out)
	}
	i, err := w.Queues.Item(t.Context(), w.admin, second)
	w.must(err)
	if i.Priority != 0 {
		t.Errorf("the priority is %d", i.Priority)
	}
	if out = many(ItemsRetry, first); fleet.AsError(out[0].Err).Code != fleet.CodeConflict {
		t.Errorf("a new item is tried again: %+v", out)
	}
	if out = many(ItemsDelete, first, first); out[0].Err != nil || out[1].Err == nil {
		t.Errorf("%+v", out)
	}
	for name, bad := range map[string]ManyItems{
		"none": {Queue: "bills", Do: ItemsDelete}, "no such action": {Queue: "bills", Do: "burn", IDs: []fleet.ID{second}},
		"no time": {Queue: "bills", Do: ItemsPostpone, IDs: []fleet.ID{second}}, "no priority": {Queue: "bills", Do: ItemsPriority, IDs: []fleet.ID{second}},
	} {
		if _, err := w.Queues.ChangeMany(t.Context(), w.admin, bad); fleet.AsError(err).Code != fleet.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
