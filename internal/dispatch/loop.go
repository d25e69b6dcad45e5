package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/placement"
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
}

// Sender hands a committed assignment to a robot. It must not block; an offer
// that cannot be sent lapses and the job is planned again.
type Sender interface {
	Offer(won store.Won)
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
	Window   int           // most jobs planned in one round; default 1024
}

// Loop is the dispatcher of one orchestrator.
type Loop struct {
	o    Options
	seed uint64
}

// New returns a loop that does nothing until Run.
func New(o Options) *Loop {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Window <= 0 {
		o.Window = 1024
	}
	return &Loop{o: o}
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
		timer := time.NewTimer(l.o.Poll*3/4 + rand.N(l.o.Poll/2)) //nolint:gosec // spreads polls, guards nothing
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

// RunOnce is one round. More is true when the window was full, so that there
// may be more to place at once.
func (l *Loop) RunOnce(ctx context.Context, now time.Time) (more bool, err error) {
	view, err := l.view(ctx, now)
	if err != nil || len(view.Lanes) == 0 || len(view.Robots) == 0 {
		return false, err
	}
	assigned, _ := placement.Plan(view)
	if len(assigned) == 0 {
		return false, nil
	}
	plan := make([]store.Assignment, len(assigned))
	for i, a := range assigned {
		plan[i] = store.Assignment{
			Tenant: a.Tenant, JobID: a.JobID, Epoch: a.Epoch, RobotID: a.RobotID,
			SessionEpoch: a.SessionEpoch, AcceptWithin: l.o.Timing(fleet.DefaultEnvironment).Accept,
		}
	}
	won, lost, err := l.o.Store.Assign(ctx, system(), plan, now)
	if err != nil {
		return false, err
	}
	fail.At("offer.after_commit")
	for _, w := range won {
		l.o.Sender.Offer(w)
	}
	for _, x := range lost {
		l.o.Logger.Debug("assignment lost its race", "job_id", x.Assignment.JobID, "robot_id", x.Assignment.RobotID, "reason", x.Reason)
	}
	// A race that was lost, or a full window, is looked at again at once; a
	// round that placed nothing is not, so the loop cannot spin.
	return len(won) > 0 && (len(lost) > 0 || len(assigned) >= l.o.Window), nil
}

func system() store.Scope { return store.System("dispatch") }

// view reads the snapshot that the plan is made from.
func (l *Loop) view(ctx context.Context, now time.Time) (placement.View, error) {
	l.seed++
	v := placement.View{Now: now, Seed: l.seed}
	present := l.o.Presence.Present()
	if len(present) == 0 {
		return v, nil
	}
	err := l.o.Store.View(ctx, system(), func(r store.Reader) error {
		lanes, err := r.Lanes()
		if err != nil || len(lanes) == 0 {
			return err
		}
		if v.Robots, err = l.candidates(r, present, now); err != nil {
			return err
		}
		v.Lanes, err = l.lanes(r, lanes, v.Robots, now)
		return err
	})
	if errors.Is(err, context.Canceled) {
		return v, nil
	}
	return v, err
}

// candidates joins the robots present here with what the store knows of them.
func (l *Loop) candidates(r store.Reader, present []Present, now time.Time) ([]placement.Candidate, error) {
	out := make([]placement.Candidate, 0, len(present))
	rooms, err := r.Rooms(robotsOf(present))
	if err != nil {
		return nil, err
	}
	for i, room := range rooms {
		if room.SessionEpoch != present[i].SessionEpoch {
			continue // superseded, or gone
		}
		robot := room
		robot.Derive(l.o.Timing(robot.Environment), now)
		out = append(out, placement.Candidate{
			ID: robot.ID, Tenant: robot.Tenant, SessionEpoch: robot.SessionEpoch, Environment: robot.Environment,
			Capabilities: robot.Capabilities, Status: robot.Status, Suspect: robot.Suspect,
			Taken: robot.Taken, Max: robot.Max(), LastAssigned: robot.LastAssignedAt,
		})
	}
	return out, nil
}

func robotsOf(present []Present) []store.RobotRef {
	refs := make([]store.RobotRef, len(present))
	for i, p := range present {
		refs[i] = store.RobotRef{Tenant: p.Tenant, RobotID: p.RobotID}
	}
	return refs
}

// lanes reads a window of each lane that has room here: as many jobs as there
// are free slots that fit, and a few more for those that avoid a robot.
func (l *Loop) lanes(r store.Reader, lanes []store.Lane, robots []placement.Candidate, now time.Time) ([]placement.Lane, error) {
	out := make([]placement.Lane, 0, len(lanes))
	var ids []fleet.ID
	for _, lane := range lanes {
		p := placement.Lane{
			ID: lane.ID, Tenant: lane.Tenant, Environment: lane.Environment, Requires: lane.Requires,
			Target: lane.Target, Waiting: lane.Waiting,
		}
		if room := placement.Room(p, robots); room > 0 {
			jobs, err := r.Ready(lane, min(room+8, l.o.Window))
			if err != nil {
				return nil, err
			}
			for _, j := range jobs {
				p.Jobs = append(p.Jobs, placement.Job{
					ID: j.ID, Epoch: j.Epoch, Priority: j.Priority, Deadline: j.Deadline, AvailableAt: j.AvailableAt, Seq: j.Seq,
				})
				ids = append(ids, j.ID)
			}
		}
		out = append(out, p)
	}
	return out, l.avoid(r, out, ids, now)
}

// avoid adds to each job the robots that are left out for it.
func (l *Loop) avoid(r store.Reader, lanes []placement.Lane, ids []fleet.ID, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	refusals, err := r.ActiveRefusals(ids, now)
	if err != nil || len(refusals) == 0 {
		return err
	}
	byJob := map[fleet.ID][]fleet.RobotID{}
	for _, x := range refusals {
		byJob[x.JobID] = append(byJob[x.JobID], x.RobotID)
	}
	for i := range lanes {
		for n := range lanes[i].Jobs {
			lanes[i].Jobs[n].Avoid = byJob[lanes[i].Jobs[n].ID]
		}
	}
	return nil
}
