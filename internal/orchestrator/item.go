package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// ItemFilter selects items of a list.
type ItemFilter = store.ItemFilter

// IdempotencyKey is that of a request.
type IdempotencyKey = store.IdempotencyKey

// AddedItem answers one row of a bulk.
type AddedItem struct {
	ID  fleet.ID
	Err error
}

// itemsAtOnce bounds the items of one transaction of a bulk.
const itemsAtOnce = 500

// itemRoute is where the keys of requests that add items are kept.
const itemRoute = "queue-items"

// adds is who may add items: whoever may run queues, or a robot for a job that
// it holds.
func (q *Queues) adds(r store.Reader, p auth.Principal, ref store.Ref) error {
	_, err := q.holder(r, p, ref, "")
	return err
}

// Add adds an item. A request with the key of one before finds its item.
func (q *Queues) Add(ctx context.Context, p auth.Principal, queue string, ref store.Ref, s fleet.ItemSpec, key *store.IdempotencyKey) (out fleet.QueueItem, replayed bool, err error) {
	if err := q.mayHold(p, ref); err != nil {
		return out, false, err
	}
	if err := q.jobless(ctx, p, ref, namedQueue(queue)); err != nil {
		return out, false, err
	}
	id, now := q.IDs.New(), q.Now()
	err = q.tell(ctx, p, fleet.EventItemAdded, id, func(tx store.Tx, d *fleet.AuditDraft) error {
		replayed = false
		if err := q.adds(tx, p, ref); err != nil {
			return err
		}
		if key != nil {
			key.Route = itemRoute
			if was, err := tx.ItemAdded(key); err != nil || was != "" {
				if err == nil {
					replayed, d.Action = true, ""
					out, err = tx.Item(was)
				}
				return err
			}
		}
		in, err := find(tx, queue)
		if err != nil {
			return err
		}
		if out, err = q.newItem(&in, s, id, now); err != nil {
			return err
		}
		errs, err := tx.AddItems(&in, []fleet.QueueItem{out})
		if err := errors.Join(err, errors.Join(errs...)); err != nil {
			return unjoined(err)
		}
		if key != nil {
			if err := tx.RememberItem(p.Tenant, key, id); err != nil {
				return err
			}
		}
		d.Object.Name = out.Reference
		d.After = map[string]any{"queue_id": in.ID, "priority": out.Priority}
		return tx.Append(p.Tenant, fleet.EventDraft{
			Kind: fleet.EventItemAdded, Subject: fleet.SubjectItem, SubjectID: string(id), Actor: p.Name,
			Data: map[string]any{"queue_id": in.ID, "reference": out.Reference, "count": 1},
		})
	})
	return out, replayed, err
}

// unjoined takes the one error out of those that were joined.
func unjoined(err error) error {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e
	}
	return err
}

func (q *Queues) newItem(in *fleet.Queue, s fleet.ItemSpec, id fleet.ID, now time.Time) (fleet.QueueItem, error) {
	i, err := fleet.NewItem(in, s, id, now)
	if err == nil {
		err = q.schemas.check("data", in.Schema, i.Data)
	}
	return i, err
}

// tell is act for whoever is a person or a program; what a robot does with items
// is told by events, as what it does with its jobs.
func (q *Queues) tell(ctx context.Context, p auth.Principal, kind fleet.EventKind, id fleet.ID, do func(tx store.Tx, d *fleet.AuditDraft) error) error {
	if p.RobotID != "" {
		return q.Store.Update(ctx, p.Scope(), func(tx store.Tx) error { return do(tx, &fleet.AuditDraft{}) })
	}
	return q.act(ctx, p, string(kind), fleet.SubjectItem, string(id), do)
}

// BulkAdd adds many items, with an answer for each. Together they are all added
// or none; else each is on its own, some hundreds in one transaction, and what
// fails midway leaves those before it.
func (q *Queues) BulkAdd(ctx context.Context, p auth.Principal, queue string, specs []fleet.ItemSpec, together bool) (out []AddedItem, err error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return nil, err
	}
	if n := len(specs); n == 0 || n > q.Limits.BulkItems {
		return nil, fleet.Invalid("items", "items must have 1 to %d rows; got %d.", q.Limits.BulkItems, n).WithFix("Send them in several requests.")
	}
	out = make([]AddedItem, len(specs))
	step := itemsAtOnce
	if together {
		step = len(specs)
	}
	for from := 0; from < len(specs); from += step {
		to := min(from+step, len(specs))
		err := q.addMany(ctx, p, queue, specs[from:to], out[from:to], together)
		switch {
		case err != nil && (together || from == 0):
			return nil, err
		case err != nil: // the rows before are on disk
			for k := from; k < len(out); k++ {
				out[k] = AddedItem{Err: err}
			}
			return out, nil
		}
	}
	return out, nil
}

func (q *Queues) addMany(ctx context.Context, p auth.Principal, queue string, specs []fleet.ItemSpec, out []AddedItem, together bool) error {
	ids, now := make([]fleet.ID, len(specs)), q.Now()
	for k := range ids {
		ids[k] = q.IDs.New()
	}
	var in fleet.Queue
	if err := q.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) { in, err = find(r, queue); return err }); err != nil {
		return err
	}
	// What can be said without the database is said outside of the transaction.
	made := make([]fleet.QueueItem, len(specs))
	faults := make([]error, len(specs))
	bad := false
	for k := range specs {
		if made[k], faults[k] = q.newItem(&in, specs[k], ids[k], now); faults[k] != nil {
			bad = true
		}
	}
	none := func(errs []error) error {
		for k, err := range errs {
			out[k] = AddedItem{Err: err}
		}
		return nil
	}
	if bad && together {
		return none(faults)
	}
	errNone := errors.New("all or none")
	err := q.act(ctx, p, string(fleet.EventItemAdded), fleet.SubjectQueue, string(in.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		is, err := tx.Queue(in.ID) // against a change until the commit
		if err != nil {
			return err
		}
		if is.Version != in.Version {
			return versionChanged("queue", in.Name)
		}
		var items []fleet.QueueItem
		var rows []int
		for k := range made {
			if out[k] = (AddedItem{Err: faults[k]}); faults[k] == nil {
				items, rows = append(items, made[k]), append(rows, k)
			}
		}
		errs, err := tx.AddItems(&is, items)
		if err != nil {
			return err
		}
		added := 0
		for n, k := range rows {
			if out[k] = (AddedItem{ID: items[n].ID, Err: errs[n]}); errs[n] != nil {
				out[k].ID = ""
				bad = true
			} else {
				added++
			}
		}
		switch {
		case together && added < len(specs):
			return errNone
		case added == 0:
			d.Action = ""
			return nil
		}
		d.Object.Name = in.Name
		d.After = map[string]any{"count": added}
		return tx.Append(p.Tenant, fleet.EventDraft{
			Kind: fleet.EventItemAdded, Subject: fleet.SubjectQueue, SubjectID: string(in.ID), Actor: p.Name,
			Data: map[string]any{"queue_id": in.ID, "count": added},
		})
	})
	if errors.Is(err, errNone) {
		for k := range out {
			out[k].ID = ""
		}
		return nil
	}
	return err
}

// Item returns an item with everything.
func (q *Queues) Item(ctx context.Context, p auth.Principal, id fleet.ID) (out fleet.QueueItem, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return out, err
	}
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = r.Item(id); return err })
	return out, err
}

// Chain returns all tries of an item, the first one first.
func (q *Queues) Chain(ctx context.Context, p auth.Principal, id fleet.ID) (out []fleet.QueueItem, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return nil, err
	}
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		i, err := r.Item(id)
		if err != nil {
			return err
		}
		out, err = r.Chain(i.ChainID)
		return err
	})
	return out, err
}

// Items lists items of a queue; with any Line in the order of the queue.
func (q *Queues) Items(ctx context.Context, p auth.Principal, queue string, f store.ItemFilter, page fleet.Page) (out []fleet.QueueItem, next string, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return nil, "", err
	}
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		in, err := find(r, queue)
		if err != nil {
			return err
		}
		f.Queue = in.ID
		if f.Line != "" {
			f.Line = in.Order
		}
		out, next, err = r.Items(f, page)
		return err
	})
	return out, next, err
}

// Export hands over all items of a queue after an id, the oldest first, in parts.
func (q *Queues) Export(ctx context.Context, p auth.Principal, queue string, after fleet.ID, each func([]fleet.QueueItem) error) error {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return err
	}
	const part = 200
	for {
		var list []fleet.QueueItem
		err := q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
			in, err := find(r, queue)
			if err != nil {
				return err
			}
			list, err = r.ItemsAfter(in.ID, after, part)
			return err
		})
		if err != nil {
			return err
		}
		if err := each(list); err != nil || len(list) < part {
			return err
		}
		after = list[len(list)-1].ID
	}
}

// moveItem reads an item and commits what decide makes of it. version 0 is any; a nil
// move changes nothing.
func (q *Queues) moveItem(ctx context.Context, p auth.Principal, kind fleet.EventKind, id fleet.ID, version int64, decide func(tx store.Tx, in *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error)) (out fleet.QueueItem, err error) {
	err = q.tell(ctx, p, kind, id, func(tx store.Tx, d *fleet.AuditDraft) error {
		in, i, err := q.subject(tx, id)
		if err != nil {
			return err
		}
		if version != 0 && version != i.Version {
			return versionChanged("item", string(id))
		}
		out = i
		m, err := decide(tx, &in, &i)
		if err != nil || m == nil {
			d.Action = ""
			return err
		}
		if err := tx.MoveItem(&in, m, p.Name); err != nil {
			return err
		}
		out = m.Item
		if m.Kind != "" {
			d.Action = string(m.Kind)
		}
		d.Object.Name = i.Reference
		return changed(d, audited(&i), audited(&out))
	})
	return out, err
}

// audited is an item as the audit tells of it. What people's work is about may
// be large and is theirs to delete: the audit, which keeps it for a year, shows
// that it changed and what it was by size and hash.
func audited(i *fleet.QueueItem) any {
	type item fleet.QueueItem // as the API shows it
	out := struct {
		item
		Data     any `json:"data,omitempty"`
		Output   any `json:"output,omitempty"`
		Comments int `json:"comments"`
	}{item: item(*i), Data: digest(i.Data), Output: digest(i.Output), Comments: len(i.Comments)}
	return out
}

// digest is a text by its size and hash; nil for none.
func digest(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	sum := sha256.Sum256(text)
	return map[string]any{"bytes": len(text), "sha256": hex.EncodeToString(sum[:])}
}

// subject reads an item with its queue, which is there as long as the item is
// open.
func (q *Queues) subject(tx store.Tx, id fleet.ID) (in fleet.Queue, i fleet.QueueItem, err error) {
	if i, err = tx.Item(id); err != nil {
		return in, i, err
	}
	in, err = tx.Queue(i.QueueID)
	return in, i, err
}

// Edit changes a new item.
func (q *Queues) Edit(ctx context.Context, p auth.Principal, id fleet.ID, version int64, c fleet.ItemChange) (fleet.QueueItem, error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return fleet.QueueItem{}, err
	}
	return q.moveItem(ctx, p, fleet.EventItemUpdated, id, version, func(_ store.Tx, in *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error) {
		m, err := i.Edit(in, c, q.Now())
		if err == nil && c.Data != nil {
			err = q.schemas.check("data", in.Schema, m.Item.Data)
		}
		return m, err
	})
}

// DeleteItem takes an item out that nobody holds.
func (q *Queues) DeleteItem(ctx context.Context, p auth.Principal, id fleet.ID) error {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return err
	}
	_, err := q.moveItem(ctx, p, fleet.EventItemDeleted, id, 0, func(_ store.Tx, in *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error) {
		return i.Delete(in, q.Now())
	})
	return err
}

// RetryItem tries a failed or abandoned item again. It returns the new item.
func (q *Queues) RetryItem(ctx context.Context, p auth.Principal, id fleet.ID) (out fleet.QueueItem, err error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return out, err
	}
	retry := q.IDs.New()
	_, err = q.moveItem(ctx, p, fleet.EventItemRetried, id, 0, func(_ store.Tx, in *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error) {
		m, err := i.Retry(in, retry, q.Now())
		if m != nil {
			out = *m.Next
		}
		return m, err
	})
	return out, err
}

// Review notes what a person says of an item that failed, and who is to look at it.
func (q *Queues) Review(ctx context.Context, p auth.Principal, id fleet.ID, r fleet.Review, reviewer string) (fleet.QueueItem, error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return fleet.QueueItem{}, err
	}
	return q.moveItem(ctx, p, fleet.EventItemUpdated, id, 0, func(_ store.Tx, _ *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error) {
		return i.Judge(r, reviewer, q.Now())
	})
}

// Comment adds a remark to an item.
func (q *Queues) Comment(ctx context.Context, p auth.Principal, id fleet.ID, text string) (fleet.QueueItem, error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return fleet.QueueItem{}, err
	}
	return q.moveItem(ctx, p, fleet.EventItemUpdated, id, 0, func(_ store.Tx, _ *fleet.Queue, i *fleet.QueueItem) (*fleet.ItemMove, error) {
		return i.Remark(text, p.Name, q.Now())
	})
}
