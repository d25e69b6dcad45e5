package dispatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// Presence says which robots this orchestrator can hand work to now: those
// whose session it owns and that have caught up with their reports.
type Presence interface {
	Present() []Present
}

// Present names one robot and the session through which it is reached.
type Present struct {
	Tenant       fleet.TenantID
	RobotID      fleet.RobotID
	SessionEpoch int64
	Most         int    // how many jobs it can be told of now; 0: any number
	Environment  string // it takes jobs of this one only; empty: of its own
}

// Sender hands committed assignments to robots. It may read what they need, but
// must not wait for a robot; an offer that cannot be sent lapses and the job is
// planned again.
type Sender interface {
	Offer(ctx context.Context, s store.Scope, won []store.Won)
}

// Options are what the loop stands on.
type Options struct {
	Store    store.Store
	Presence Presence
	Sender   Sender
	Timing   func(environment string) fleet.Timing
	Now      func() time.Time
	Logger   *slog.Logger
	Poll     time.Duration // the slow look behind the signals; default 1 s
	Window   int           // most jobs planned in one round; default snapshot.Window
	// Record is given every round that had jobs and robots; nil: nobody. It must
	// not block.
	Record func(placement.Record)
}

// Loop is the dispatcher of one orchestrator.
type Loop struct {
	o      Options
	seed   uint64
	next   time.Time // when time alone may change the last plan; zero: never
	credit credit
	failed map[pair]time.Time // assignments that did not hold, and until when they are left out
}

// pair is a job and a robot that do not come together.
type pair struct {
	job   fleet.ID
	robot fleet.RobotID
}

// New returns a loop that does nothing until Run.
func New(o Options) *Loop {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Window <= 0 {
		o.Window = snapshot.Window
	}
	return &Loop{o: o, failed: map[pair]time.Time{}}
}

// Run works until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	wake, stop := l.o.Store.Signals().Listen(store.TopicReady)
	defer stop()
	for {
		more, err := l.RunOnce(ctx, l.o.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.o.Logger.Warn("dispatch round failed", "error", err)
		case more:
			continue
		}
		timer := time.NewTimer(l.rest(l.o.Now()))
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// rest is how long the loop sleeps when nothing wakes it: until the plan says
// that time will change it, or a poll.
func (l *Loop) rest(now time.Time) time.Duration {
	poll := l.o.Poll*3/4 + rand.N(l.o.Poll/2) //nolint:gosec // spreads polls, guards nothing
	if !l.next.IsZero() {
		poll = min(poll, max(l.next.Sub(now), time.Millisecond))
	}
	return poll
}

// RunOnce is one round. More is true when the window was full, so that there
// may be more to place at once.
func (l *Loop) RunOnce(ctx context.Context, now time.Time) (more bool, err error) {
	assigned, err := l.plan(ctx, now)
	if err != nil || len(assigned) == 0 {
		return false, err
	}
	plan := make([]store.Assignment, len(assigned))
	for i, a := range assigned {
		plan[i] = store.Assignment{
			Tenant: a.Tenant, JobID: a.JobID, Epoch: a.Epoch, RobotID: a.RobotID,
			SessionEpoch: a.SessionEpoch, AcceptWithin: l.o.Timing(fleet.DefaultEnvironment).Accept,
		}
	}
	if err := fail.At(fail.OfferBeforeCommit); err != nil {
		return false, err
	}
	won, lost, err := l.o.Store.Assign(ctx, system(), plan, now)
	if err != nil {
		return false, err
	}
	if err := fail.At(fail.OfferAfterCommit); err != nil {
		return false, err
	}
	l.o.Sender.Offer(ctx, system(), won)
	// A race that was lost, or a full window, is looked at again at once; a
	// round that placed nothing and learnt nothing is not, so the loop cannot spin.
	learnt := l.learn(lost, now)
	return learnt || len(won) > 0 && (len(lost) > 0 || len(assigned) >= l.o.Window), nil
}

// learn leaves out for one poll what the store would not have. A plan that
// goes wrong in the same way each time would otherwise take the slot from the
// jobs behind it for ever.
func (l *Loop) learn(lost []store.Lost, now time.Time) (learnt bool) {
	for _, x := range lost {
		l.o.Logger.Debug("assignment lost its race", "job_id", x.Assignment.JobID, "robot_id", x.Assignment.RobotID, "reason", x.Reason)
		switch x.Reason {
		case "no_slot", "session_changed", "secret_held": // no news of the job: the next look sees it
		default:
			l.failed[pair{x.Assignment.JobID, x.Assignment.RobotID}] = now.Add(l.o.Poll)
			learnt = true
		}
	}
	return learnt
}

func system() store.Scope { return store.System("dispatch") }
