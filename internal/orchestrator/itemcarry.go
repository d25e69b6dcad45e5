package orchestrator

import (
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// carry puts a new item into another queue: there it is a new one with the same
// reference, data, priority, times, labels and remarks, last in its line; here it is
// deleted. Both are one commit, and the audit names each in the row of the other.
func (q *Queues) carry(ctx context.Context, p auth.Principal, id, to fleet.ID) (fleet.ID, error) {
	next, now := q.IDs.New(), q.Now()
	err := q.tell(ctx, p, fleet.EventItemDeleted, id, func(tx store.Tx, d *fleet.AuditDraft) error {
		from, was, err := q.subject(tx, id)
		if err != nil {
			return err
		}
		m, err := was.Leave(&from, now)
		if err != nil {
			return err
		}
		into, err := tx.Queue(to)
		if err != nil {
			return err
		}
		is, err := q.newItem(&into, was.Spec(), next, now)
		if err != nil {
			return err
		}
		m.About["moved_to"], m.About["next_item_id"] = to, next
		leave := func() error { return tx.MoveItem(&from, m, p.Name) }
		enter := func() error {
			errs, err := tx.AddItems(&into, []fleet.QueueItem{is})
			if err := errors.Join(err, errors.Join(errs...)); err != nil {
				return unjoined(err)
			}
			told := is.Arrive(&was, "Moved from the queue "+from.Name+".", p.Name, now)
			if err := tx.MoveItem(&into, told, p.Name); err != nil {
				return err
			}
			return tx.Append(p.Tenant, fleet.EventDraft{
				Kind: fleet.EventItemAdded, Subject: fleet.SubjectItem, SubjectID: string(next), Actor: p.Name,
				Data: map[string]any{"queue_id": to, "reference": is.Reference, "count": 1, "moved_from": from.ID},
			})
		}
		steps := []func() error{leave, enter}
		if to < from.ID { // two moves that cross each other take the queues in the same order
			steps = []func() error{enter, leave}
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		d.Object.Name = was.Reference
		after := map[string]any{"moved_to": into.ID, "next_item_id": next}
		return changed(d, audited(&was), after)
	})
	if err != nil {
		return "", err
	}
	return next, nil
}
