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
	o      Options
	seed   uint64
	failed map[pair]time.Time // assignments that did not hold, and until when they are left out
}

// pair is a job and a robot that do not come together.
type pair struct {
	job   fleet.ID
	robot fleet.RobotID
}

// The bounds of the window of one lane: how much more than the room is read at
// once, and how deep it goes past jobs that avoid a robot.
const (
	windowSpare = 8
	windowDepth = 4096
)

// New returns a loop that does nothing until Run.
func New(o Options) *Loop {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Window <= 0 {
		o.Window = 1024
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
	for _, w := range won {
		l.o.Sender.Offer(w)
	}
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
		case "no_slot", "session_changed": // the robot's news, not the job's: the next look sees it
		default:
			l.failed[pair{x.Assignment.JobID, x.Assignment.RobotID}] = now.Add(l.o.Poll)
			learnt = true
		}
	}
	return learnt
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
	out := make([]placement.Lane, len(lanes))
	room := make([]int, len(lanes))
	for i, lane := range lanes {
		out[i] = placement.Lane{
			ID: lane.ID, Tenant: lane.Tenant, Environment: lane.Environment, Requires: lane.Requires,
			Target: lane.Target, Waiting: lane.Waiting,
		}
		if room[i] = placement.Room(out[i], robots); room[i] == 0 {
			continue
		}
		if err := read(r, lane, &out[i], min(room[i]+windowSpare, l.o.Window)); err != nil {
			return nil, err
		}
	}
	if err := l.avoid(r, out, now); err != nil {
		return nil, err
	}
	// Where those in front avoid robots, the ones behind them may fill the room:
	// the window grows until it holds enough jobs that avoid nobody.
	for i, lane := range lanes {
		for limit := len(out[i].Jobs); room[i] > 0 && anywhere(out[i].Jobs) < min(room[i], l.o.Window); {
			if limit < min(room[i]+windowSpare, l.o.Window) || limit >= windowDepth {
				break
			}
			limit *= 4
			if err := read(r, lane, &out[i], limit); err != nil {
				return nil, err
			}
			if err := l.avoid(r, out[i:i+1], now); err != nil {
				return nil, err
			}
			if len(out[i].Jobs) < limit {
				break // that was the whole lane
			}
		}
	}
	return out, nil
}

// anywhere counts the jobs that avoid no robot.
func anywhere(jobs []placement.Job) (n int) {
	for i := range jobs {
		if len(jobs[i].Avoid) == 0 {
			n++
		}
	}
	return n
}

// read fills a lane with its first jobs.
func read(r store.Reader, lane store.Lane, into *placement.Lane, limit int) error {
	jobs, err := r.Ready(lane, limit)
	into.Jobs = make([]placement.Job, len(jobs))
	for i, j := range jobs {
		into.Jobs[i] = placement.Job{
			ID: j.ID, Epoch: j.Epoch, Priority: j.Priority, Deadline: j.Deadline, AvailableAt: j.AvailableAt, Seq: j.Seq,
		}
	}
	return err
}

// avoid adds to each job the robots that are left out for it.
func (l *Loop) avoid(r store.Reader, lanes []placement.Lane, now time.Time) error {
	var ids []fleet.ID
	for i := range lanes {
		for n := range lanes[i].Jobs {
			ids = append(ids, lanes[i].Jobs[n].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	refusals, err := r.ActiveRefusals(ids, now)
	if err != nil {
		return err
	}
	byJob := map[fleet.ID][]fleet.RobotID{}
	for _, x := range refusals {
		byJob[x.JobID] = append(byJob[x.JobID], x.RobotID)
	}
	for p, until := range l.failed {
		if now.Before(until) {
			byJob[p.job] = append(byJob[p.job], p.robot)
		} else {
			delete(l.failed, p)
		}
	}
	if len(byJob) == 0 {
		return nil
	}
	for i := range lanes {
		for n := range lanes[i].Jobs {
			lanes[i].Jobs[n].Avoid = byJob[lanes[i].Jobs[n].ID]
		}
	}
	return nil
}
