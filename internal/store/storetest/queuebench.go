package storetest

import (
	"fmt"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Filler runs SQL that fills tables at once, beside the store. Hex is SQL for
// the number n as twelve hexadecimal digits, Series for a table of the numbers n
// from 1 to a number, When for a time, and Bytes for {"a":1} as bytes.
type Filler struct {
	Hex    string
	Bytes  string
	Series func(n int) string
	When   string
	Exec   func(b testing.TB, s store.Store, sql string)
}

// items puts n new items into an empty queue, each as AddItems would have
// written it.
func (l *Filler) items(f *Fixture, q *fleet.Queue, n int) {
	f.Helper()
	rank, due := fleet.ItemPlace(q.Order, &fleet.QueueItem{Priority: fleet.PriorityDefault})
	id := "'01900000-0000-7000-8000-' || " + l.Hex
	for _, sql := range []string{
		fmt.Sprintf(`insert into queue_items (id, tenant_id, queue_id, status, postponed, rank, due, chain_id, retry_no, lost_no, priority, reference,
			overdue, robot_name, epoch, holder, claim_key, duration_ms, error_type, error_message, exception_type, review, reviewer, labels, version,
			created_at, updated_at) select %[1]s, '%[2]s', '%[3]s', 'new', false, %[4]d, %[5]d, %[1]s, 0, 0, %[6]d, 'item-' || n, false, '', 0, '', '', 0,
			'', '', '', '', '', '', 1, %[7]s, %[7]s from %[8]s`, id, q.Tenant, q.ID, rank, due, fleet.PriorityDefault, l.When, l.Series(n)),
		fmt.Sprintf(`insert into queue_item_data (item_id, tenant_id, data, comments) select %s, '%s', %s, '' from %s`, id, q.Tenant, l.Bytes, l.Series(n)),
		fmt.Sprintf(`update queue_heads set fresh = %d where queue_id = '%s'`, n, q.ID),
		`analyze queue_items`, `analyze queue_item_data`,
	} {
		l.Exec(f.TB, f.Store, sql)
	}
}

// BenchQueue measures what a queue costs: to take its next item, beside few items
// and beside a million, which is to cost the same, and to add many.
func BenchQueue(b *testing.B, open Open, fill Filler) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("Next/items=%d", n), func(b *testing.B) { benchNext(b, New(b, open), fill, n) })
	}
	b.Run("BulkAdd/items=100000", func(b *testing.B) { benchBulk(b, open, 100_000) })
}

// benchNext takes one item in each transaction, as a robot does.
func benchNext(b *testing.B, f *Fixture, fill Filler, n int) {
	q := f.Queue(nil)
	fill.items(f, &q, n)
	h := fleet.ItemHolder{Name: "ada", ID: "user:ada"}
	for left := n; b.Loop(); left-- {
		if left == n/2 { // it is kept as full as it was
			b.StopTimer()
			f.addMany(&q, n-left, 500)
			left = n
			b.StartTimer()
		}
		var got []fleet.QueueItem
		f.Update(func(tx store.Tx) (err error) { got, err = tx.ClaimItems(&q, h, 1, f.Now); return err })
		if len(got) != 1 {
			b.Fatalf("%d items were taken", len(got))
		}
	}
}

// addMany adds n items, some of them in each transaction.
func (f *Fixture) addMany(q *fleet.Queue, n, step int) {
	f.Helper()
	for from := 0; from < n; from += step {
		items := make([]fleet.QueueItem, min(step, n-from))
		for k := range items {
			i, err := fleet.NewItem(q, fleet.ItemSpec{Reference: fmt.Sprint("more-", from+k), Data: []byte(`{"a":1}`)}, f.IDs.New(), f.Now)
			f.must(err)
			items[k] = i
		}
		f.Update(func(tx store.Tx) error {
			errs, err := tx.AddItems(q, items)
			for _, e := range errs {
				if e != nil {
					return e
				}
			}
			return err
		})
	}
}

// benchBulk adds n items to an empty queue, 500 in a transaction, as a bulk does.
func benchBulk(b *testing.B, open Open, n int) {
	f := New(b, open)
	rounds := 0
	for b.Loop() {
		q := f.Queue(nil)
		f.addMany(&q, n, 500)
		rounds++
	}
	b.ReportMetric(float64(n*rounds)/b.Elapsed().Seconds(), "items/s")
}
