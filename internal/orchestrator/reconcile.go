package orchestrator

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// reconcile compares the attempts that a connecting robot knows with those
// that it holds here, commits what follows, and says what is wanted of each.
func (r *Robots) reconcile(tx store.Tx, p auth.Principal, h Hello, now time.Time) ([]Desired, error) {
	desired := make([]Desired, 0, len(h.Attempts))
	known := make(map[store.Ref]bool, len(h.Attempts))
	for _, a := range h.Attempts {
		known[a.Ref] = true
		d, err := r.wanted(tx, p, a, now)
		if err != nil {
			return nil, err
		}
		desired = append(desired, d)
	}
	held, err := tx.HeldBy(p.RobotID)
	if err != nil {
		return nil, err
	}
	for _, sub := range held {
		if known[store.Ref{JobID: sub.Job.ID, Epoch: sub.Job.Epoch}] {
			continue
		}
		if sub.Job.State == fleet.Assigned && sub.Attempt.StartMode.BeginsOnWord() {
			if err := tx.TakeBack(sub, now); err != nil {
				return nil, err
			}
			continue
		}
		unknown, err := r.effectsUnknown(tx, &sub)
		if err != nil {
			return nil, err
		}
		idle, err := neverBegan(tx, &sub)
		if err != nil {
			return nil, err
		}
		m, err := sub.Lose(fleet.Loss{
			Epoch: sub.Job.Epoch, Reason: "the robot came back without it",
			NeverStarted: !unknown && idle, EffectsUnknown: unknown, Chance: r.Chance(),
		}, now)
		if err != nil {
			return nil, err
		}
		if err := tx.Apply(m); err != nil {
			return nil, err
		}
		if err := fail.At(fail.ReconcileLost); err != nil {
			return nil, err
		}
	}
	return desired, nil
}

// wanted decides about one attempt that the robot knows.
func (r *Robots) wanted(tx store.Tx, p auth.Principal, a HeldAttempt, now time.Time) (Desired, error) {
	sub, err := tx.Subject(a.JobID)
	d := Desired{Ref: a.Ref, Want: WantForget}
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return d, nil
	case err != nil:
		return d, err
	case a.Phase == PhaseFinished:
		d.Want = WantReport // the verdict on its report decides
		return d, nil
	case sub.Job.Epoch != a.Epoch || !sub.Attempt.Live() || sub.Attempt.RobotID != p.RobotID:
		return d, nil
	}
	switch sub.Job.State {
	case fleet.Assigned:
		if a.Phase != PhaseAccepted {
			return d, nil // it cannot have begun; the offer lapses
		}
		m, err := sub.Accept(p.RobotID, a.Epoch, now)
		if err != nil {
			return d, err
		}
		d.Want = WantContinue
		return d, tx.Apply(m)
	case fleet.Running:
		d.Want = WantContinue
		_, err := tx.Renew(a.Ref, p.RobotID)
		return d, err
	case fleet.Cancelling:
		d.Want, d.Stop = WantCancel, StopOf(sub, now)
		_, err := tx.Renew(a.Ref, p.RobotID)
		return d, err
	case fleet.Pending, fleet.NeedsDecision, fleet.Completed, fleet.Failed, fleet.Cancelled, fleet.TimedOut:
	}
	return d, nil
}

// StopOf says how an attempt that is being stopped is to stop, as a duration
// from now on.
func StopOf(sub fleet.Subject, now time.Time) store.Stop {
	return store.Stop{
		Ref:    store.Ref{JobID: sub.Job.ID, Epoch: sub.Job.Epoch},
		Reason: sub.Job.StopReason, Grace: sub.Job.StopGrace(now), Force: sub.Job.StopForce,
	}
}

// kept lists what a robot of the original had when it connected anew. It cannot
// say what it still holds: its heartbeats and results will, or the leases end.
// What it was not able to stop is over: it is a new program, or has let go.
func (r *Robots) kept(tx store.Tx, p auth.Principal, now time.Time) ([]Desired, error) {
	taken, err := tx.TakenSlots(p.RobotID)
	if err != nil {
		return nil, err
	}
	for _, s := range taken {
		if _, err := tx.FreeSlot(s.Ref, p.RobotID, now); err != nil {
			return nil, err
		}
	}
	held, err := tx.HeldBy(p.RobotID)
	if err != nil {
		return nil, err
	}
	var desired []Desired
	for _, sub := range held {
		d := Desired{Ref: store.Ref{JobID: sub.Job.ID, Epoch: sub.Attempt.Epoch}, Want: WantContinue}
		if sub.Job.State == fleet.Cancelling {
			d.Want, d.Stop = WantCancel, StopOf(sub, now)
		}
		desired = append(desired, d)
	}
	return desired, nil
}
