package orchestrator

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// reconcile compares the attempts that a connecting robot knows with those
// that it holds here, commits what follows, and says what is wanted of each.
func (r *Robots) reconcile(tx store.Tx, p auth.Principal, h Hello, now time.Time) ([]Desired, error) {
	desired := make([]Desired, 0, len(h.Attempts))
	known := make(map[store.Ref]bool, len(h.Attempts))
	for _, a := range h.Attempts {
		known[a.Ref] = true
		want, err := r.wanted(tx, p, a, now)
		if err != nil {
			return nil, err
		}
		desired = append(desired, Desired{a.Ref, want})
	}
	held, err := tx.HeldBy(p.RobotID)
	if err != nil {
		return nil, err
	}
	for _, sub := range held {
		if known[store.Ref{JobID: sub.Job.ID, Epoch: sub.Job.Epoch}] {
			continue
		}
		if sub.Job.State == fleet.Assigned && sub.Attempt.StartMode == fleet.StartTwoStep {
			if err := notTaken(tx, sub, now); err != nil {
				return nil, err
			}
			continue
		}
		m, err := sub.Lose(fleet.Loss{
			Epoch: sub.Job.Epoch, Reason: "the robot came back without it",
			NeverStarted: sub.Attempt.RunningAt.IsZero(), Chance: r.Chance(),
		}, now)
		if err != nil {
			return nil, err
		}
		if err := tx.Apply(m); err != nil {
			return nil, err
		}
	}
	return desired, nil
}

// wanted decides about one attempt that the robot knows.
func (r *Robots) wanted(tx store.Tx, p auth.Principal, a HeldAttempt, now time.Time) (Want, error) {
	sub, err := tx.Subject(a.JobID)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return WantForget, nil
	case err != nil:
		return "", err
	case a.Phase == PhaseFinished:
		return WantReport, nil // the verdict on its report decides
	case sub.Job.Epoch != a.Epoch || !sub.Attempt.Live() || sub.Attempt.RobotID != p.RobotID:
		return WantForget, nil
	}
	switch sub.Job.State {
	case fleet.Assigned:
		if a.Phase != PhaseAccepted {
			return WantForget, nil // it cannot have begun; the offer lapses
		}
		m, err := sub.Accept(p.RobotID, a.Epoch, now)
		if err != nil {
			return "", err
		}
		return WantContinue, tx.Apply(m)
	case fleet.Running:
		_, err := tx.Renew(a.Ref, p.RobotID)
		return WantContinue, err
	case fleet.Cancelling:
		_, err := tx.Renew(a.Ref, p.RobotID)
		return WantCancel, err
	case fleet.Pending, fleet.NeedsDecision, fleet.Completed, fleet.Failed, fleet.Cancelled, fleet.TimedOut:
	}
	return WantForget, nil
}
