package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Queue stores a queue with the defaults, changed.
func (f *Fixture) Queue(change func(q *fleet.Queue)) fleet.Queue {
	f.Helper()
	id := f.IDs.New()
	q := fleet.NewQueue("queue " + string(id))
	q.ID, q.Tenant, q.Version, q.CreatedAt, q.UpdatedAt = id, f.Tenant, 1, f.Now, f.Now
	if change != nil {
		change(&q)
	}
	f.must(q.Validate())
	f.Update(func(tx store.Tx) error { return tx.AddQueue(q) })
	return q
}

// Add adds an item and returns its id.
func (f *Fixture) Add(q *fleet.Queue, s fleet.ItemSpec) fleet.ID {
	f.Helper()
	id, err := f.add(q, s)
	f.must(err)
	return id
}

func (f *Fixture) add(q *fleet.Queue, s fleet.ItemSpec) (id fleet.ID, err error) {
	id = f.IDs.New()
	err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
		i, err := fleet.NewItem(q, s, id, f.Now)
		if err != nil {
			return err
		}
		errs, err := tx.AddItems(q, []fleet.QueueItem{i})
		return errors.Join(err, errors.Join(errs...))
	})
	return id, err
}

// Claim takes items.
func (f *Fixture) Claim(q *fleet.Queue, h fleet.ItemHolder, n int) (out []fleet.QueueItem) {
	f.Helper()
	f.Update(func(tx store.Tx) (err error) { out, err = tx.ClaimItems(q, h, n, f.Now); return err })
	return out
}

// MoveItem reads an item, decides and commits.
func (f *Fixture) MoveItem(q *fleet.Queue, id fleet.ID, decide func(i *fleet.QueueItem) (*fleet.ItemMove, error)) error {
	return f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
		i, err := tx.Item(id)
		if err != nil {
			return err
		}
		m, err := decide(&i)
		if err != nil {
			return err
		}
		return tx.MoveItem(q, m, "ada")
	})
}

func (f *Fixture) item(id fleet.ID) (i fleet.QueueItem) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { i, err = r.Item(id); return err })
	return i
}

func (f *Fixture) counts(q *fleet.Queue) (h store.QueueHead) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { h, err = r.QueueHead(q.ID); return err })
	return h
}

func ids(list []fleet.QueueItem) string {
	var b strings.Builder
	for k := range list {
		fmt.Fprintf(&b, "%s ", list[k].ID)
	}
	return b.String()
}

func prio(n int) *fleet.Priority { p := fleet.Priority(n); return &p }

var somebody = fleet.ItemHolder{Name: "somebody", ID: "user:1"}

func queueTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"order": func(f *Fixture) {
			q := f.Queue(nil)
			at := func(h int) *time.Time { t := f.Now.Add(time.Duration(h) * time.Hour); return &t }
			slow := f.Add(&q, fleet.ItemSpec{})
			first := f.Add(&q, fleet.ItemSpec{Priority: prio(0)})
			due17 := f.Add(&q, fleet.ItemSpec{Deadline: at(17)})
			due18 := f.Add(&q, fleet.ItemSpec{Priority: prio(5), Deadline: at(18)})
			later := f.Add(&q, fleet.ItemSpec{Priority: prio(0), NotBefore: at(1)})
			second := f.Add(&q, fleet.ItemSpec{})
			is(f, "postponed", f.counts(&q).Postponed, int64(1))
			got := f.Claim(&q, somebody, 2)
			got = append(got, f.Claim(&q, somebody, 100)...)
			is(f, "order", ids(got), ids([]fleet.QueueItem{{ID: due18}, {ID: due17}, {ID: first}, {ID: slow}, {ID: second}}))
			is(f, "none left", len(f.Claim(&q, somebody, 1)), 0)
			f.Later(2 * time.Hour)
			is(f, "its time has come", ids(f.Claim(&q, somebody, 1)), ids([]fleet.QueueItem{{ID: later}}))
			is(f, "counts", f.counts(&q).QueueCounts, fleet.QueueCounts{InProgress: 6})
		},
		"other orders": func(f *Fixture) {
			at := f.Now.Add(time.Hour)
			fifo := f.Queue(func(q *fleet.Queue) { q.Order = fleet.OrderFIFO })
			early := f.Queue(func(q *fleet.Queue) { q.Order = fleet.OrderEarliest })
			for _, q := range []*fleet.Queue{&fifo, &early} {
				a := f.Add(q, fleet.ItemSpec{})
				b := f.Add(q, fleet.ItemSpec{Priority: prio(0)})
				c := f.Add(q, fleet.ItemSpec{Deadline: &at})
				want := []fleet.QueueItem{{ID: a}, {ID: b}, {ID: c}}
				if q == &early {
					want = []fleet.QueueItem{{ID: c}, {ID: b}, {ID: a}}
				}
				is(f, string(q.Order), ids(f.Claim(q, somebody, 3)), ids(want))
			}
			q := f.Queue(nil)
			a := f.Add(&q, fleet.ItemSpec{})
			b := f.Add(&q, fleet.ItemSpec{Priority: prio(0)})
			q.Order = fleet.OrderFIFO
			f.Update(func(tx store.Tx) error { return errors.Join(tx.PutQueue(q), tx.Reorder(&q)) })
			is(f, "reordered", ids(f.Claim(&q, somebody, 2)), ids([]fleet.QueueItem{{ID: a}, {ID: b}}))
		},
		"retry": func(f *Fixture) {
			q := f.Queue(func(q *fleet.Queue) { q.MaxRetries, q.RetryDelaySeconds = 1, 0 })
			first := f.Add(&q, fleet.ItemSpec{Reference: "R", Data: []byte(`{"n":1}`)})
			f.Add(&q, fleet.ItemSpec{})
			fail := func(kind string) func(*fleet.QueueItem) (*fleet.ItemMove, error) {
				return func(i *fleet.QueueItem) (*fleet.ItemMove, error) {
					return i.Fail(&q, somebody, fleet.ItemFault{Type: kind, Message: "no"}, nil, f.IDs.New(), f.Now)
				}
			}
			is(f, "first", f.Claim(&q, somebody, 1)[0].ID, first)
			f.must(f.MoveItem(&q, first, fail(fleet.ApplicationItemType)))
			again := f.Claim(&q, somebody, 1)[0]
			is(f, "the retry keeps the place", again.ChainID, first)
			is(f, "and the data", string(again.Data), `{"n":1}`)
			is(f, "first is", f.item(first).Status, fleet.ItemRetried)
			f.must(f.MoveItem(&q, again.ID, fail(fleet.ApplicationItemType)))
			is(f, "used up", f.item(again.ID).Status, fleet.ItemFailed)
			is(f, "final", errors.Is(f.MoveItem(&q, again.ID, fail(fleet.ApplicationItemType)), &fleet.Error{Code: fleet.CodeConflict, Reason: "item_final"}), true)
			f.View(func(r store.Reader) error {
				chain, err := r.Chain(first)
				is(f, "chain", ids(chain), ids([]fleet.QueueItem{{ID: first}, {ID: again.ID}}))
				return err
			})
			other := f.Claim(&q, somebody, 1)[0]
			f.must(f.MoveItem(&q, other.ID, fail(fleet.BusinessItemType)))
			is(f, "business", f.item(other.ID).Status, fleet.ItemFailed)
			is(f, "counts", f.counts(&q).QueueCounts, fleet.QueueCounts{Failed: 2, Retried: 1})
		},
		"forsaken": func(f *Fixture) {
			q := f.Queue(nil)
			session := f.Robot("r1", 5)
			j := f.Running(f.Spec(), "r1", session)
			f.Add(&q, fleet.ItemSpec{})
			f.Add(&q, fleet.ItemSpec{})
			mine := f.Claim(&q, fleet.ItemHolder{JobID: j.ID, Epoch: j.Epoch, RobotID: "r1", Name: "robot r1", ClaimKey: "k"}, 1)[0]
			theirs := f.Claim(&q, somebody, 1)[0]
			ref := store.QueueRef{Tenant: f.Tenant, Queue: q.ID}
			forsaken := func() (list []fleet.ID) {
				f.System(func(r store.Reader) (err error) { list, err = r.Forsaken(ref, "", f.Now, 10); return err })
				return list
			}
			is(f, "both are held", len(forsaken()), 0)
			f.View(func(r store.Reader) error {
				list, err := r.ItemsOf(j.ID, j.Epoch, "k")
				is(f, "the same claim", ids(list), ids([]fleet.QueueItem{mine}))
				f.must(err)
				job, err := r.ItemJob(mine.ID)
				is(f, "its job", job, j.ID)
				f.must(err)
				n, err := r.HeldItems(q.ID, []fleet.ID{j.ID})
				is(f, "held by the job", n, int64(1))
				f.must(err)
				list, _, err = r.Items(store.ItemFilter{Queue: q.ID, Job: j.ID}, fleet.Page{})
				is(f, "list by job", ids(list), ids([]fleet.QueueItem{mine}))
				return err
			})
			f.Report(f.NewReport(j, fleet.ReportComplete, 1))
			is(f, "the job has ended", fmt.Sprint(forsaken()), fmt.Sprint([]fleet.ID{mine.ID}))
			retry := f.IDs.New()
			f.must(f.MoveItem(&q, mine.ID, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Abandon(&q, "gone", retry, f.Now) }))
			is(f, "in its place", ids(f.Claim(&q, somebody, 1)), ids([]fleet.QueueItem{{ID: retry}}))
			f.Later(2 * time.Hour)
			is(f, "the lease is over", len(forsaken()), 2)
			_ = theirs
		},
		"references": func(f *Fixture) {
			clash := &fleet.Error{Code: fleet.CodeConflict, Reason: "reference_exists"}
			for _, u := range []fleet.Unique{fleet.UniqueNone, fleet.UniqueForever, fleet.UniqueWhileActive, fleet.UniqueWindow} {
				q := f.Queue(func(q *fleet.Queue) {
					if q.Unique = u; u == fleet.UniqueWindow {
						q.WindowSeconds = 3600
					}
				})
				id := f.Add(&q, fleet.ItemSpec{Reference: "R"})
				_, err := f.add(&q, fleet.ItemSpec{Reference: "R"})
				is(f, string(u)+": twice", errors.Is(err, clash), u != fleet.UniqueNone)
				if err != nil {
					is(f, "names the holder", strings.Contains(err.Error(), string(id)), true)
				}
				f.Claim(&q, somebody, 1)
				f.must(f.MoveItem(&q, id, func(i *fleet.QueueItem) (*fleet.ItemMove, error) {
					return i.Complete(&q, somebody, []byte(`{"a":1}`), f.Now)
				}))
				_, err = f.add(&q, fleet.ItemSpec{Reference: "R"})
				is(f, string(u)+": after success", errors.Is(err, clash), u == fleet.UniqueForever || u == fleet.UniqueWindow)
				o := f.Other("globex")
				oq := o.Queue(func(q *fleet.Queue) { q.Unique = fleet.UniqueForever })
				o.Add(&oq, fleet.ItemSpec{Reference: "R"})
			}
			q := f.Queue(func(q *fleet.Queue) { q.Unique, q.WindowSeconds = fleet.UniqueWindow, 3600 })
			f.Add(&q, fleet.ItemSpec{Reference: "W"})
			f.Later(2 * time.Hour)
			f.Add(&q, fleet.ItemSpec{Reference: "W"})
			q.Unique, q.WindowSeconds = fleet.UniqueForever, 0
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.KeepReferences(&q, f.Now) })
			is(f, "the rows do not obey", errors.Is(err, clash), true)
			// Of a list each has its own answer.
			q = f.Queue(func(q *fleet.Queue) { q.Unique = fleet.UniqueForever })
			f.Update(func(tx store.Tx) error {
				var items []fleet.QueueItem
				for _, ref := range []string{"a", "b", "a"} {
					i, err := fleet.NewItem(&q, fleet.ItemSpec{Reference: ref}, f.IDs.New(), f.Now)
					f.must(err)
					items = append(items, i)
				}
				errs, err := tx.AddItems(&q, items)
				is(f, "answers", fmt.Sprint(errs[0] == nil, errs[1] == nil, errors.Is(errs[2], clash)), "true true true")
				return err
			})
			is(f, "counts", f.counts(&q).New, int64(2))
		},
		"lists": func(f *Fixture) {
			q := f.Queue(nil)
			var all []fleet.QueueItem
			for k := range 7 {
				all = append([]fleet.QueueItem{{ID: f.Add(&q, fleet.ItemSpec{Reference: fmt.Sprintf("inv-%d", k%3)})}}, all...)
			}
			at := f.Now.Add(time.Hour)
			soon := f.Queue(nil)
			due := f.Add(&soon, fleet.ItemSpec{Deadline: &at})
			done := f.Add(&soon, fleet.ItemSpec{Priority: prio(0), Deadline: &at})
			f.Claim(&soon, somebody, 1)
			f.Later(3 * time.Second)
			f.must(f.MoveItem(&soon, done, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Complete(&soon, somebody, nil, f.Now) }))
			f.View(func(r store.Reader) error {
				got, err := r.Queue(soon.ID)
				is(f, "queue", got.Name, soon.Name)
				f.must(err)
				oldest, err := r.OldestItem(soon.ID)
				is(f, "oldest", oldest.ID, due)
				f.must(err)
				list, err := r.DueItems(soon.ID, 10)
				is(f, "due", ids(list), ids([]fleet.QueueItem{{ID: due}}))
				f.must(err)
				times, err := r.HandlingTimes(soon.ID, 100)
				is(f, "handling", fmt.Sprint(times), "[3s]")
				return err
			})
			f.Claim(&q, somebody, 3)
			line := f.Queue(nil)
			much, little := f.Now.Add(2*time.Hour), f.Now.Add(time.Hour)
			inLine := make([]fleet.QueueItem, 8)
			inLine[7].ID = f.Add(&line, fleet.ItemSpec{Priority: prio(0)})
			f.Claim(&line, somebody, 1)
			f.must(f.MoveItem(&line, inLine[7].ID, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Complete(&line, somebody, nil, f.Now) }))
			inLine[6].ID = f.Add(&line, fleet.ItemSpec{Priority: prio(0)})
			f.Claim(&line, somebody, 1)
			inLine[5].ID = f.Add(&line, fleet.ItemSpec{NotBefore: &much})
			inLine[4].ID = f.Add(&line, fleet.ItemSpec{NotBefore: &little})
			inLine[2].ID = f.Add(&line, fleet.ItemSpec{Priority: prio(5)})
			inLine[3].ID = f.Add(&line, fleet.ItemSpec{})
			inLine[1].ID = f.Add(&line, fleet.ItemSpec{Deadline: &much})
			inLine[0].ID = f.Add(&line, fleet.ItemSpec{Deadline: &little})
			f.View(func(r store.Reader) error {
				var got, worked []fleet.QueueItem
				for next, n := "", 0; n < 5; n++ {
					list, more, err := r.Items(store.ItemFilter{Queue: q.ID}, fleet.Page{Limit: 3, Cursor: next})
					f.must(err)
					got = append(got, list...)
					if next = more; next == "" {
						break
					}
				}
				is(f, "pages", ids(got), ids(all))
				for next, n := "", 0; n < 9; n++ {
					list, more, err := r.Items(store.ItemFilter{Queue: line.ID, Line: line.Order}, fleet.Page{Limit: 2, Cursor: next})
					f.must(err)
					worked = append(worked, list...)
					if next = more; next == "" {
						break
					}
				}
				is(f, "as it is worked off", ids(worked), ids(inLine))
				for _, c := range []struct {
					states []fleet.ItemState
					want   []fleet.QueueItem
				}{{[]fleet.ItemState{fleet.ItemNew}, inLine[:6]}, {[]fleet.ItemState{fleet.ItemInProgress, fleet.ItemSuccessful}, inLine[6:]}} {
					list, more, err := r.Items(store.ItemFilter{Queue: line.ID, Line: line.Order, States: c.states}, fleet.Page{})
					is(f, "of a state", ids(list)+more, ids(c.want))
					f.must(err)
				}
				_, _, err := r.Items(store.ItemFilter{Queue: line.ID, Line: line.Order}, fleet.Page{Cursor: "abc"})
				is(f, "another list's cursor", errors.Is(err, fleet.ErrInvalid), true)
				list, _, err := r.Items(store.ItemFilter{Queue: q.ID, States: []fleet.ItemState{fleet.ItemInProgress}}, fleet.Page{})
				is(f, "by state", len(list), 3)
				f.must(err)
				list, next, err := r.Items(store.ItemFilter{Queue: q.ID, Prefix: "inv-"}, fleet.Page{Limit: 4})
				is(f, "by prefix", len(list), 4)
				f.must(err)
				list, _, err = r.Items(store.ItemFilter{Queue: q.ID, Prefix: "inv-"}, fleet.Page{Limit: 4, Cursor: next})
				is(f, "and on", len(list), 3)
				f.must(err)
				list, _, err = r.Items(store.ItemFilter{Queue: q.ID, Reference: "inv-1"}, fleet.Page{})
				is(f, "by reference", len(list), 2)
				f.must(err)
				list, err = r.ItemsAfter(q.ID, all[4].ID, 3)
				is(f, "export", ids(list), ids([]fleet.QueueItem{all[3], all[2], all[1]}))
				return err
			})
			f.Other("globex").View(func(r store.Reader) error {
				_, err := r.Item(all[0].ID)
				is(f, "another tenant", errors.Is(err, fleet.ErrNotFound), true)
				list, _, err := r.Items(store.ItemFilter{Queue: q.ID}, fleet.Page{})
				is(f, "its list", len(list), 0)
				return err
			})
		},
		"deadlines": func(f *Fixture) {
			q := f.Queue(func(q *fleet.Queue) { q.OnDeadline = fleet.DeadlineExpire })
			at := f.Now.Add(time.Hour)
			id := f.Add(&q, fleet.ItemSpec{Deadline: &at})
			overdue := func() (list []store.ItemRef) {
				f.System(func(r store.Reader) (err error) { list, err = r.OverdueItems(f.Now, 10); return err })
				return list
			}
			is(f, "not yet", len(overdue()), 0)
			f.Later(2 * time.Hour)
			is(f, "overdue", overdue()[0].ID, id)
			f.must(f.MoveItem(&q, id, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Lapse(&q, f.Now) }))
			is(f, "told once", len(overdue()), 0)
			is(f, "failed", f.item(id).ErrorType, fleet.DeadlineErrorType)
		},
		"retention": func(f *Fixture) {
			q := f.Queue(func(q *fleet.Queue) { q.Unique = fleet.UniqueForever })
			id := f.Add(&q, fleet.ItemSpec{Reference: "R"})
			open := f.Add(&q, fleet.ItemSpec{Reference: "S"})
			f.Claim(&q, somebody, 1)
			f.must(f.MoveItem(&q, id, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Complete(&q, somebody, nil, f.Now) }))
			ref := store.QueueRef{Tenant: f.Tenant, Queue: q.ID}
			prune := func(at time.Time) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) { n, err = tx.PruneItems(ref, at, 10); return err })
				return n
			}
			is(f, "too young", prune(f.Now), 0)
			is(f, "old", prune(f.Now.Add(time.Second)), 1)
			is(f, "counts", f.counts(&q).QueueCounts, fleet.QueueCounts{New: 1})
			f.Add(&q, fleet.ItemSpec{Reference: "R"})
			f.must(f.MoveItem(&q, open, func(i *fleet.QueueItem) (*fleet.ItemMove, error) { return i.Delete(&q, f.Now) }))
			f.Add(&q, fleet.ItemSpec{Reference: "S"})
			q.DeletedAt = f.Now
			f.Update(func(tx store.Tx) error { return tx.PutQueue(q) })
			f.systemUpdate(func(tx store.Tx) error { return tx.PruneQueue(ref) })
			f.System(func(r store.Reader) error {
				heads, err := r.QueueHeads()
				is(f, "gone", len(heads), 0)
				return err
			})
		},
		"queues": func(f *Fixture) {
			q := f.Queue(func(q *fleet.Queue) { q.Name = "Invoices" })
			twin := q
			twin.ID, twin.Name = f.IDs.New(), "INVOICES"
			exists := &fleet.Error{Code: fleet.CodeConflict, Reason: "queue_exists"}
			is(f, "twice", errors.Is(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.AddQueue(twin) }), exists), true)
			f.Other("globex").Queue(func(q *fleet.Queue) { q.Name = "Invoices" })
			other := f.Queue(nil)
			other.Name = "invoices"
			is(f, "renamed to it", errors.Is(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutQueue(other) }), exists), true)
			f.View(func(r store.Reader) error {
				got, err := r.QueueNamed("invoices")
				is(f, "by name", got.ID, q.ID)
				f.must(err)
				list, err := r.Queues()
				is(f, "list", len(list), 2)
				return err
			})
			f.Update(func(tx store.Tx) error {
				got, err := tx.QueueToChange(q.ID)
				f.must(err)
				got.Paused = true
				return tx.PutQueue(got)
			})
			is(f, "overtaken", errors.Is(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutQueue(q) }), fleet.ErrConflict), true)
		},
	}
}
