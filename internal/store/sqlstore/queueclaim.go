package sqlstore

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The line of a queue is an index of what can be taken now. What waits for its
// time stands beside it and is put in line by whoever looks next, so that
// taking an item costs the same whatever waits, is held or has ended.
var (
	// Where several processes write, these two pass over rows that another is just
	// about to change.
	itemNext = stmt("queue_item.next", `select `+itemDetail+`where i.tenant_id = $1 and i.queue_id = $2 and i.status = 'new'
		and not i.postponed order by i.rank, i.due, i.chain_id, i.id limit $3`)
	itemPromote = stmt("queue_item.promote", `update queue_items set postponed = false where postponed and id in
		(select id from queue_items where tenant_id = $1 and queue_id = $2 and postponed and not_before <= $3
		order by not_before limit $4)`)

	// referenceTake answers with the chain if the reference was free, and with
	// nothing if it was not.
	referenceTake = stmt("queue_reference.take", `insert into queue_references (tenant_id, queue_id, reference, chain_id, until)
		values ($1, $2, $3, $4, $5) on conflict (tenant_id, queue_id, reference) do update set chain_id = excluded.chain_id,
		until = excluded.until where queue_references.until <= $6 or queue_references.chain_id = excluded.chain_id returning chain_id`)
	referenceGet  = stmt("queue_reference.get", `select chain_id from queue_references where tenant_id = $1 and queue_id = $2 and reference = $3`)
	referenceFree = stmt("queue_reference.free", `delete from queue_references where tenant_id = $1 and queue_id = $2 and reference = $3
		and chain_id = $4`)
)

// promotedAtOnce bounds what one claim puts in line; the chore puts the rest.
const promotedAtOnce = 500

// insertedAtOnce bounds the rows that are sent to a database in one trip.
const insertedAtOnce = 500

// AddItems stores new items; see store.ItemWriter.
func (t *Tx) AddItems(q *fleet.Queue, items []fleet.QueueItem) ([]error, error) {
	if err := t.covers(q.Tenant); err != nil {
		return nil, err
	}
	out := make([]error, len(items))
	if q.Unique != fleet.UniqueNone {
		if err := t.takeReferences(q, items, out); err != nil {
			return nil, err
		}
	}
	added := make([]*fleet.QueueItem, 0, len(items))
	for k := range items {
		if out[k] == nil {
			added = append(added, &items[k])
		}
	}
	for from := 0; from < len(added); from += insertedAtOnce {
		if err := t.insertItems(q, added[from:min(from+insertedAtOnce, len(added))]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// takeReferences asks for the references of new items, in their order.
func (t *Tx) takeReferences(q *fleet.Queue, items []fleet.QueueItem, out []error) error {
	lists := make([][]any, len(items))
	for k := range items {
		i := &items[k]
		lists[k] = []any{q.Tenant, q.ID, i.Reference, i.ChainID, Stored(q.Holds(i.CreatedAt)), Stored(i.CreatedAt)}
	}
	free := make([]bool, len(items))
	if err := t.conn.Each(referenceTake, lists, func(k int, _ *Row) error { free[k] = true; return nil }); err != nil {
		return err
	}
	for k := range items {
		if !free[k] {
			held, err := t.referenceHolder(q, items[k].Reference)
			if err != nil {
				return err
			}
			out[k] = referenceExists(items[k].Reference, held)
		}
	}
	return nil
}

func (t *Tx) takeReference(q *fleet.Queue, i *fleet.QueueItem) error {
	free, err := one(t.conn, referenceTake, func(*Row) {}, q.Tenant, q.ID, i.Reference, i.ChainID, Stored(q.Holds(i.UpdatedAt)), Stored(i.UpdatedAt))
	if err != nil || free {
		return err
	}
	held, err := t.referenceHolder(q, i.Reference)
	return orErr(err, referenceExists(i.Reference, held))
}

func (t *Tx) referenceHolder(q *fleet.Queue, reference string) (id fleet.ID, err error) {
	_, err = one(t.conn, referenceGet, func(row *Row) { id = str[fleet.ID](row) }, q.Tenant, q.ID, reference)
	return id, err
}

func referenceExists(reference string, held fleet.ID) error {
	return fleet.Errorf(fleet.CodeConflict, "reference_exists", "The reference %q is that of item %s.", reference, held)
}

// ClaimItems hands the first items in line to a holder.
func (t *Tx) ClaimItems(q *fleet.Queue, h fleet.ItemHolder, limit int, now time.Time) ([]fleet.QueueItem, error) {
	if err := t.covers(q.Tenant); err != nil {
		return nil, err
	}
	now = Stored(now)
	if _, err := t.PromoteItems(store.QueueRef{Tenant: q.Tenant, Queue: q.ID}, now, promotedAtOnce); err != nil {
		return nil, err
	}
	list, err := t.details(itemNext, q.Tenant, q.ID, limit)
	if err != nil {
		return nil, err
	}
	for k := range list {
		m, err := list[k].Take(q, h, now)
		if err != nil {
			return nil, err
		}
		if err := t.writeItem(q, m); err != nil {
			return nil, err
		}
		if err := t.Append(q.Tenant, itemEvent(m, h.Name)); err != nil {
			return nil, err
		}
		list[k] = m.Item
	}
	return list, nil
}

// PromoteItems puts in line what has waited long enough.
func (t *Tx) PromoteItems(at store.QueueRef, now time.Time, limit int) (int, error) {
	if err := t.covers(at.Tenant); err != nil {
		return 0, err
	}
	n, err := t.conn.Exec(itemPromote, at.Tenant, at.Queue, Stored(now), limit)
	if err == nil && n > 0 {
		t.countItems(at, fleet.ItemNew, true, -int64(n))
		t.countItems(at, fleet.ItemNew, false, int64(n))
		err = t.Append(at.Tenant, fleet.EventDraft{
			Kind: fleet.EventItemDue, Subject: fleet.SubjectQueue, SubjectID: string(at.Queue), Data: map[string]any{"count": n},
		})
	}
	return n, err
}

// ItemAdded finds what a request added that had the same key.
func (t *Tx) ItemAdded(k *store.IdempotencyKey) (fleet.ID, error) {
	tenant, err := t.only()
	if err != nil {
		return "", err
	}
	var hash string
	var id fleet.ID
	found, err := one(t.conn, idempotencyGet, func(row *Row) { hash, id = row.text(), str[fleet.ID](row) }, tenant, k.Route, k.Key, t.batch.now)
	if err == nil && found && hash != k.Hash {
		err = keyReused()
	}
	return id, err
}

// RememberItem keeps which item a request added.
func (t *Tx) RememberItem(tenant fleet.TenantID, k *store.IdempotencyKey, item fleet.ID) error {
	return errors.Join(t.covers(tenant), t.remember(tenant, k, item))
}
