package sqlstore

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const headColumns = `tenant_id, queue_id, fresh, in_progress, successful, failed, abandoned, retried, deleted, postponed`

var (
	queueGet = stmt("queue.get", `select tenant_id, id, version, deleted_at, body from queues where id = $1 and tenant_id = $2`)
	// queueToChange locks the queue for a change; queue.get inside a transaction
	// that writes only against one.
	queueToChange = stmt("queue.to_change", `select tenant_id, id, version, deleted_at, body from queues where id = $1 and tenant_id = $2`)
	queueNamed    = stmt("queue.named", `select tenant_id, id, version, deleted_at, body from queues
		where tenant_id = $1 and name_key = $2 and deleted_at is null`)
	queueList = stmt("queue.list", `select tenant_id, id, version, deleted_at, body from queues
		where ($1 or tenant_id = $2) and deleted_at is null order by name_key, tenant_id`)
	queueAdd = stmt("queue.add", `insert into queues (tenant_id, id, name_key, body, version) values ($1, $2, $3, $4, $5)
		on conflict do nothing`)
	queueHeadAdd = stmt("queue_head.add", `insert into queue_heads (`+headColumns+`) values ($1, $2, 0, 0, 0, 0, 0, 0, 0, 0)`)
	queuePut     = stmt("queue.put", `update queues set name_key = $4, body = $5, deleted_at = $6, version = version + 1
		where tenant_id = $1 and id = $2 and version = $3`)
	queueTaken = stmt("queue.taken", `select id from queues where tenant_id = $1 and name_key = $2 and deleted_at is null and id <> $3`)
	queueHeads = stmt("queue_head.list", `select `+headColumns+` from queue_heads where ($1 or tenant_id = $2) order by tenant_id, queue_id`)
	queueHead  = stmt("queue_head.get", `select `+headColumns+` from queue_heads where queue_id = $1 and tenant_id = $2`)
	queueCount = stmt("queue_head.count", `update queue_heads set fresh = fresh + $3, in_progress = in_progress + $4,
		successful = successful + $5, failed = failed + $6, abandoned = abandoned + $7, retried = retried + $8,
		deleted = deleted + $9, postponed = postponed + $10 where tenant_id = $1 and queue_id = $2`)

	pruneQueue     = stmt("queue.prune", `delete from queues where tenant_id = $1 and id = $2 and deleted_at is not null`)
	pruneQueueHead = stmt("queue_head.prune", `delete from queue_heads where tenant_id = $1 and queue_id = $2`)
	pruneQueueRefs = stmt("queue_reference.prune", `delete from queue_references where tenant_id = $1 and queue_id = $2`)
)

func scanQueue(row *Row, q *fleet.Queue) error {
	tenant, id, version, gone := str[fleet.TenantID](row), str[fleet.ID](row), row.int64(), row.time()
	err := json.Unmarshal([]byte(row.text()), q)
	q.Tenant, q.ID, q.Version, q.DeletedAt = tenant, id, version, gone
	return err
}

func (r *reader) queues(s *Stmt, args ...any) (out []fleet.Queue, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var q fleet.Queue
		err := scanQueue(row, &q)
		out = append(out, q)
		return err
	}, args...)
	return out, err
}

func (r *reader) queue(s *Stmt, name string, args ...any) (fleet.Queue, error) {
	list, err := r.queues(s, args...)
	if err == nil && (len(list) == 0 || !list[0].DeletedAt.IsZero()) {
		err = fleet.NotFound("queue", name)
	}
	if err != nil {
		return fleet.Queue{}, err
	}
	return list[0], nil
}

// Queue finds one that was not deleted.
func (r *reader) Queue(id fleet.ID) (fleet.Queue, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Queue{}, err
	}
	return r.queue(queueGet, string(id), id, tenant)
}

// QueueNamed finds one by its name.
func (r *reader) QueueNamed(name string) (fleet.Queue, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Queue{}, err
	}
	return r.queue(queueNamed, name, tenant, (&fleet.Queue{Name: name}).Key())
}

// Queues lists them by name.
func (r *reader) Queues() ([]fleet.Queue, error) { return r.queues(queueList, r.all(), r.tenant()) }

func scanQueueHead(row *Row) store.QueueHead {
	return store.QueueHead{
		QueueRef: store.QueueRef{Tenant: str[fleet.TenantID](row), Queue: str[fleet.ID](row)},
		QueueCounts: fleet.QueueCounts{
			New: row.int64(), InProgress: row.int64(), Successful: row.int64(), Failed: row.int64(), Abandoned: row.int64(),
			Retried: row.int64(), Deleted: row.int64(), Postponed: row.int64(),
		},
	}
}

// QueueHeads lists the counts of all queues.
func (r *reader) QueueHeads() (out []store.QueueHead, err error) {
	err = r.conn.Query(queueHeads, func(row *Row) error { out = append(out, scanQueueHead(row)); return nil }, r.all(), r.tenant())
	return out, err
}

// QueueHead is the counts of one queue.
func (r *reader) QueueHead(id fleet.ID) (h store.QueueHead, err error) {
	tenant, err := r.only()
	if err != nil {
		return h, err
	}
	found, err := one(r.conn, queueHead, func(row *Row) { h = scanQueueHead(row) }, id, tenant)
	if err == nil && !found {
		err = fleet.NotFound("queue", string(id))
	}
	return h, err
}

// QueueHead counts what this transaction has changed, too.
func (t *Tx) QueueHead(id fleet.ID) (store.QueueHead, error) {
	h, err := t.reader.QueueHead(id)
	for _, list := range [][]queueDelta{t.batch.queues, t.queues} {
		for _, d := range list {
			if d.ref == h.QueueRef {
				d.addTo(&h.QueueCounts)
			}
		}
	}
	return h, err
}

// queueDelta is by how much the counts of a queue change.
type queueDelta struct {
	ref store.QueueRef
	n   fleet.QueueCounts
}

func (d *queueDelta) addTo(c *fleet.QueueCounts) {
	c.New += d.n.New
	c.InProgress += d.n.InProgress
	c.Successful += d.n.Successful
	c.Failed += d.n.Failed
	c.Abandoned += d.n.Abandoned
	c.Retried += d.n.Retried
	c.Deleted += d.n.Deleted
	c.Postponed += d.n.Postponed
}

func addQueue(list []queueDelta, d queueDelta) []queueDelta {
	for i := range list {
		if list[i].ref == d.ref {
			d.addTo(&list[i].n)
			return list
		}
	}
	return append(list, d)
}

// counted notes that items of a queue come to a state, or leave it.
func (t *Tx) countItems(ref store.QueueRef, s fleet.ItemState, postponed bool, n int64) {
	d := queueDelta{ref: ref}
	d.n.Add(s, postponed, n)
	t.queues = addQueue(t.queues, d)
}

// writeQueues writes the counts that the callers changed.
func (b *Batch) writeQueues() error {
	slices.SortFunc(b.queues, func(x, y queueDelta) int {
		if c := compareText(x.ref.Tenant, y.ref.Tenant); c != 0 {
			return c
		}
		return compareText(x.ref.Queue, y.ref.Queue)
	})
	for i := range b.queues {
		d, c := &b.queues[i], &b.queues[i].n
		if *c == (fleet.QueueCounts{}) {
			continue
		}
		if _, err := b.conn.Exec(queueCount, d.ref.Tenant, d.ref.Queue, c.New, c.InProgress, c.Successful, c.Failed, c.Abandoned, c.Retried, c.Deleted, c.Postponed); err != nil {
			return err
		}
	}
	return nil
}

// AddQueue stores a new one.
func (t *Tx) AddQueue(q fleet.Queue) error {
	if err := t.covers(q.Tenant); err != nil {
		return err
	}
	body, err := encode(q)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(queueAdd, q.Tenant, q.ID, q.Key(), string(body), q.Version)
	if err == nil && n == 0 {
		err = queueExists(q.Name)
	}
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(queueHeadAdd, q.Tenant, q.ID)
	return err
}

func queueExists(name string) error {
	return fleet.Errorf(fleet.CodeConflict, "queue_exists", "There is already a queue %q.", name)
}

// QueueToChange reads a queue and keeps others from adding to it.
func (t *Tx) QueueToChange(id fleet.ID) (fleet.Queue, error) {
	tenant, err := t.only()
	if err != nil {
		return fleet.Queue{}, err
	}
	return t.queue(queueToChange, string(id), id, tenant)
}

// PutQueue writes a queue unless it has changed since it was read.
func (t *Tx) PutQueue(q fleet.Queue) error {
	if err := t.covers(q.Tenant); err != nil {
		return err
	}
	if q.DeletedAt.IsZero() {
		taken, err := one(t.conn, queueTaken, func(*Row) {}, q.Tenant, q.Key(), q.ID)
		if err != nil || taken {
			return orErr(err, queueExists(q.Name))
		}
	}
	body, err := encode(q)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(queuePut, q.Tenant, q.ID, q.Version, q.Key(), string(body), q.DeletedAt)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "queue_changed", "Queue %s has changed since it was read.", q.Name)
	}
	return err
}

func orErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// PruneQueue takes away a deleted queue whose items are gone.
func (t *Tx) PruneQueue(at store.QueueRef) error {
	if err := t.covers(at.Tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(pruneQueue, at.Tenant, at.Queue)
	if err != nil || n == 0 {
		return err
	}
	for _, s := range []*Stmt{pruneQueueHead, pruneQueueRefs} {
		if _, err := t.conn.Exec(s, at.Tenant, at.Queue); err != nil {
			return err
		}
	}
	return nil
}

var (
	itemHandling = stmt("queue_item.handling", `select duration_ms from (select status, duration_ms, completed_at from queue_items
		where tenant_id = $1 and queue_id = $2 and completed_at is not null order by completed_at desc limit $3) ended
		where status = 'successful' order by completed_at desc limit $4`)
	itemOldest = stmt("queue_item.oldest", `select `+itemColumns+` from queue_items i
		where i.tenant_id = $1 and i.queue_id = $2 and i.status = 'new' order by i.id limit 1`)
	itemsDue = stmt("queue_item.due", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2
		and i.status = 'new' and i.deadline is not null order by i.deadline, i.id limit $3`)
)

// HandlingTimes looks at the newest that ended, a bounded number of them.
func (r *reader) HandlingTimes(queue fleet.ID, limit int) (out []time.Duration, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(itemHandling, func(row *Row) error {
		out = append(out, time.Duration(row.int64())*time.Millisecond)
		return nil
	}, tenant, queue, limit*5, limit)
	return out, err
}

// OldestItem is the oldest of the new ones.
func (r *reader) OldestItem(queue fleet.ID) (i fleet.QueueItem, err error) {
	tenant, err := r.only()
	if err != nil {
		return i, err
	}
	_, err = one(r.conn, itemOldest, func(row *Row) { i = scanItem(row) }, tenant, queue)
	return i, err
}

// DueItems lists new items with a deadline.
func (r *reader) DueItems(queue fleet.ID, limit int) ([]fleet.QueueItem, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.items(itemsDue, tenant, queue, limit)
}
