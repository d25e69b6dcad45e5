package orchestrator

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// chorePage is how many items one step of upkeep takes.
const chorePage = 200

// Upkeep does what befalls items by themselves: those whose holder is gone are
// abandoned, those whose time has come are put in line, and what is overdue is
// told. It costs by what is held, waits or is overdue, and by the queues.
func (q *Queues) Upkeep(ctx context.Context, s store.Scope) error {
	var heads []store.QueueHead
	err := q.Store.View(ctx, s, func(r store.Reader) (err error) { heads, err = r.QueueHeads(); return err })
	if err != nil {
		return err
	}
	var faults []error
	for _, h := range heads {
		if h.InProgress > 0 {
			faults = append(faults, q.abandon(ctx, s, h.QueueRef))
		}
		if h.Postponed > 0 {
			faults = append(faults, q.promote(ctx, s, h.QueueRef))
		}
	}
	return errors.Join(append(faults, q.lapse(ctx, s))...)
}

// promote puts in line what has waited long enough.
func (q *Queues) promote(ctx context.Context, s store.Scope, at store.QueueRef) error {
	for n := chorePage; n == chorePage; {
		err := q.Store.Update(ctx, s, func(tx store.Tx) (err error) { n, err = tx.PromoteItems(at, q.Now(), chorePage); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// abandon ends the hold of whoever is gone.
func (q *Queues) abandon(ctx context.Context, s store.Scope, at store.QueueRef) error {
	for after := fleet.ID(""); ; {
		var list []fleet.ID
		now := q.Now()
		err := q.Store.View(ctx, s, func(r store.Reader) (err error) { list, err = r.Forsaken(at, after, now, chorePage); return err })
		if err != nil || len(list) == 0 {
			return err
		}
		if err := q.befalls(ctx, s, at, list, func(r store.Reader, in *fleet.Queue, i *fleet.QueueItem, retry fleet.ID) (*fleet.ItemMove, error) {
			reason, gone, err := forsaken(r, i, now)
			if err != nil || !gone {
				return nil, err
			}
			return i.Abandon(in, reason, retry, now)
		}); err != nil {
			return err
		}
		after = list[len(list)-1]
	}
}

// forsaken looks once more, under the locks of the change, whether the holder is
// gone.
func forsaken(r store.Reader, i *fleet.QueueItem, now time.Time) (reason string, gone bool, err error) {
	if i.Status != fleet.ItemInProgress {
		return "", false, nil
	}
	if i.JobID == "" {
		return "Its holder has not renewed it in time.", !i.LeaseUntil.IsZero() && !i.LeaseUntil.After(now), nil
	}
	s, err := r.Subject(i.JobID)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return "Its job is no longer there.", true, nil
	case err != nil:
		return "", false, err
	case s.Attempt.Live() && s.Attempt.Epoch == i.Epoch:
		return "", false, nil
	case s.Job.Epoch == i.Epoch && s.Job.State.Final():
		return "Its job has ended as " + string(s.Job.State) + " without settling it.", true, nil
	}
	return "The attempt that held it was lost, or given back.", true, nil
}

// lapse tells of new items whose deadline has passed, and does what their queue
// wants then.
func (q *Queues) lapse(ctx context.Context, s store.Scope) error {
	for {
		var list []store.ItemRef
		now := q.Now()
		err := q.Store.View(ctx, s, func(r store.Reader) (err error) { list, err = r.OverdueItems(now, chorePage); return err })
		if err != nil || len(list) == 0 {
			return err
		}
		by := map[store.QueueRef][]fleet.ID{}
		for _, i := range list {
			by[i.QueueRef] = append(by[i.QueueRef], i.ID)
		}
		done := 0
		for at, ids := range by {
			err := q.befalls(ctx, s, at, ids, func(_ store.Reader, in *fleet.Queue, i *fleet.QueueItem, _ fleet.ID) (*fleet.ItemMove, error) {
				done++
				return i.Lapse(in, now)
			})
			if err != nil {
				return err
			}
		}
		if len(list) < chorePage || done == 0 {
			return nil
		}
	}
}

// befalls makes a move of each of some items of one queue, each on its own: one
// that somebody else has changed meanwhile is left alone.
func (q *Queues) befalls(ctx context.Context, s store.Scope, at store.QueueRef, ids []fleet.ID, decide func(r store.Reader, in *fleet.Queue, i *fleet.QueueItem, retry fleet.ID) (*fleet.ItemMove, error)) error {
	mine := s.In(at.Tenant)
	for _, id := range ids {
		retry := q.IDs.New()
		err := q.Store.Update(ctx, mine, func(tx store.Tx) error {
			seen, err := tx.ItemJob(id)
			if err != nil {
				return err
			}
			if seen != "" { // jobs are locked before items
				if _, err := tx.Subject(seen); err != nil && !errors.Is(err, fleet.ErrNotFound) {
					return err
				}
			}
			in, i, err := q.subject(tx, id)
			if err != nil {
				return err
			}
			m, err := decide(tx, &in, &i, retry)
			if err != nil || m == nil {
				return err
			}
			return tx.MoveItem(&in, m, "")
		})
		if err != nil && !lostRace(err) {
			return err
		}
	}
	return nil
}

// PruneQueues takes away items that ended longer ago than their queue keeps
// them, and deleted queues with all their items. It returns how many went.
func (q *Queues) PruneQueues(ctx context.Context, s store.Scope, step int) (n int, err error) {
	var heads []store.QueueHead
	keeps := map[store.QueueRef]time.Time{}
	err = q.Store.View(ctx, s, func(r store.Reader) (err error) {
		if heads, err = r.QueueHeads(); err != nil {
			return err
		}
		list, err := r.Queues()
		for k := range list {
			keeps[store.QueueRef{Tenant: list[k].Tenant, Queue: list[k].ID}] = q.Now().AddDate(0, 0, -list[k].RetentionDays)
		}
		return err
	})
	for _, h := range heads {
		before, kept := keeps[h.QueueRef]
		if !kept {
			before = q.Now().Add(time.Second) // it was deleted
		}
		for took := step; err == nil && took >= step; n += took {
			err = q.Store.Update(ctx, s, func(tx store.Tx) (err error) { took, err = tx.PruneItems(h.QueueRef, before, step); return err })
		}
		if err == nil && !kept {
			err = q.Store.Update(ctx, s, func(tx store.Tx) error { return tx.PruneQueue(h.QueueRef) })
		}
	}
	return n, err
}
