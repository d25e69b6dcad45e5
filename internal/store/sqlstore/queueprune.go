package sqlstore

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	itemsEnded = stmt("queue_item.ended", `select id, status, reference, chain_id, next_id from queue_items where tenant_id = $1
		and queue_id = $2 and completed_at is not null and completed_at < $3 order by completed_at limit $4`)
	pruneItem     = stmt("queue_item.prune", `delete from queue_items where id = $1 and tenant_id = $2 and completed_at is not null`)
	pruneItemData = stmt("queue_item_data.prune", `delete from queue_item_data where item_id = $1 and tenant_id = $2`)

	itemsNew = stmt("queue_item.new", `select `+itemColumns+` from queue_items i where i.tenant_id = $1 and i.queue_id = $2
		and i.status = 'new' order by i.id limit $3`)
	itemFirsts = stmt("queue_item.firsts", `select reference, chain_id, id, status, created_at from queue_items where tenant_id = $1
		and queue_id = $2 and reference <> '' order by reference, id limit $3`)
)

// PruneItems takes items that ended long ago. A reference goes with the last try
// of its chain.
func (t *Tx) PruneItems(at store.QueueRef, before time.Time, limit int) (int, error) {
	if err := t.covers(at.Tenant); err != nil {
		return 0, err
	}
	type old struct {
		id, chain, next fleet.ID
		state           fleet.ItemState
		reference       string
	}
	var list []old
	err := t.conn.Query(itemsEnded, func(row *Row) error {
		o := old{id: str[fleet.ID](row), state: str[fleet.ItemState](row), reference: row.text()}
		o.chain, o.next = str[fleet.ID](row), str[fleet.ID](row)
		list = append(list, o)
		return nil
	}, at.Tenant, at.Queue, Stored(before), limit)
	if err != nil {
		return 0, err
	}
	for _, o := range list {
		n, err := t.conn.Exec(pruneItem, o.id, at.Tenant)
		if err != nil {
			return 0, err
		}
		if n == 0 { // somebody else does the same
			continue
		}
		if _, err := t.conn.Exec(pruneItemData, o.id, at.Tenant); err != nil {
			return 0, err
		}
		if o.reference != "" && o.next == "" {
			if _, err := t.conn.Exec(referenceFree, at.Tenant, at.Queue, o.reference, o.chain); err != nil {
				return 0, err
			}
		}
		t.countItems(at, o.state, false, -1)
	}
	return len(list), nil
}

// Reorder puts new items into the order of their queue.
func (t *Tx) Reorder(q *fleet.Queue) error {
	if err := t.covers(q.Tenant); err != nil {
		return err
	}
	list, err := t.items(itemsNew, q.Tenant, q.ID, fleet.MaxReorderedItems+1)
	if err != nil {
		return err
	}
	if len(list) > fleet.MaxReorderedItems {
		return fleet.Errorf(fleet.CodeConflict, "queue_too_full", "The order can be changed while a queue has at most %d new items.", fleet.MaxReorderedItems).
			WithFix("Let them be worked off, or make another queue.")
	}
	for k := range list {
		rank, due := fleet.ItemPlace(q.Order, &list[k])
		if _, err := t.conn.Exec(itemRank, list[k].ID, q.Tenant, rank, due); err != nil {
			return err
		}
	}
	return nil
}

// KeepReferences makes the list of references anew, from the items.
func (t *Tx) KeepReferences(q *fleet.Queue, now time.Time) error {
	if err := t.covers(q.Tenant); err != nil {
		return err
	}
	if _, err := t.conn.Exec(pruneQueueRefs, q.Tenant, q.ID); err != nil || q.Unique == fleet.UniqueNone {
		return err
	}
	type kept struct {
		reference string
		chain     fleet.ID
		made      time.Time
	}
	var list []kept
	rows := 0
	err := t.conn.Query(itemFirsts, func(row *Row) error {
		k := kept{reference: row.text(), chain: str[fleet.ID](row)}
		id, state, made := str[fleet.ID](row), str[fleet.ItemState](row), row.time()
		rows++
		counts := k.chain == id && state != fleet.ItemDeleted
		if q.Unique == fleet.UniqueWhileActive {
			counts = !state.Final()
		}
		if k.made = made; counts && (q.Unique != fleet.UniqueWindow || q.Holds(made).After(now)) {
			list = append(list, k)
		}
		return nil
	}, q.Tenant, q.ID, fleet.MaxReferencedItems+1)
	if err != nil {
		return err
	}
	if rows > fleet.MaxReferencedItems {
		return fleet.Errorf(fleet.CodeConflict, "queue_too_full", "Whether references are unique can be changed while a queue has at most %d items with one.", fleet.MaxReferencedItems).
			WithFix("Make another queue.")
	}
	var faults []error
	for _, k := range list {
		i := fleet.QueueItem{Reference: k.reference, ChainID: k.chain, UpdatedAt: k.made}
		if err := t.takeReference(q, &i); err != nil {
			if !errors.Is(err, fleet.ErrConflict) {
				return err
			}
			faults = append(faults, fleet.Errorf(fleet.CodeConflict, "reference_exists", "Items %s both have the reference %q, so references cannot be kept apart.",
				string(k.chain)+" and another", k.reference))
			break
		}
	}
	return errors.Join(faults...)
}
