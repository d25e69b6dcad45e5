package orchestrator

import (
	"context"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// Recall stops work on lent slots that holders of reservations wait for. It is
// done by whoever does the chores, over the whole fleet; whatever it decides is
// guarded by the job's own row. It tells how many attempts it began to stop, and
// whether any reservation that holds now takes slots back.
func (r *Reservations) Recall(ctx context.Context, s store.Scope) (stopped int, watch bool, err error) {
	recalls, watch, err := r.recalls(ctx, s)
	if err != nil {
		return 0, watch, err
	}
	var faults []error
	for _, x := range recalls {
		now, did := r.Now(), false
		err := r.Store.Update(ctx, s.In(x.Tenant), func(tx store.Tx) error {
			did = false // it may run more than once
			sub, err := tx.Subject(x.JobID)
			if err != nil {
				return err
			}
			m, err := sub.Recall(x.Epoch, x.Grace, now)
			if err != nil || m == nil {
				return err
			}
			if err := tx.Apply(m); err != nil {
				return err
			}
			did = true
			return tx.Append(x.Tenant, fleet.EventDraft{
				Kind: fleet.EventReservationRecalled, Subject: fleet.SubjectReservation, SubjectID: string(x.Reservation),
				Data: map[string]any{"name": x.Name, "job_id": x.JobID, "grace_seconds": int(x.Grace.Seconds())},
			})
		})
		switch {
		case err == nil && did:
			stopped++
		case err != nil && !lostRace(err):
			faults = append(faults, err)
		}
	}
	return stopped, watch, errors.Join(faults...)
}

// recalls decides on a view of the whole fleet. Where no reservation takes
// slots back it costs one look at the reservations.
func (r *Reservations) recalls(ctx context.Context, s store.Scope) (out []placement.Recall, watch bool, err error) {
	now := r.Now()
	err = r.Store.View(ctx, s, func(rd store.Reader) error {
		list, err := rd.Reservations()
		watch = slices.ContainsFunc(list, func(x fleet.Reservation) bool {
			open, _ := calendar.Open(&x, now)
			return open && x.Recall == fleet.RecallStop
		})
		if err != nil || !watch {
			return err
		}
		view, err := snapshot.Read(rd, func() ([]placement.Candidate, error) {
			robots, err := r.robots(rd, now)
			return candidates(robots), err
		}, snapshot.Options{Now: now})
		if err != nil || len(view.View.Reservations) == 0 {
			return err
		}
		out = view.Recalls()
		return nil
	})
	return out, watch, err
}
