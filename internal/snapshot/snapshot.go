package snapshot

import (
	"math"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// The bounds of the window of one lane: how much more than the room is read at
// once, by how much it grows where its first jobs cannot use the room, and how
// deep it goes.
const (
	windowSpare  = 8
	windowGrowth = 4
	windowDepth  = 4096
)

// Window is how many jobs of one lane are read at first at the most, unless
// Options say otherwise.
const Window = 1024

// Options say what a snapshot is made for.
type Options struct {
	Now    time.Time
	Seed   uint64
	Window int // most jobs of one lane that are read at first; 0: the constant Window
	// Credit is what a tenant's served time is raised by before it counts, so
	// that one that had nothing to run gets no credit for idling; nil: nothing.
	Credit func([]fleet.Share) map[fleet.TenantID]time.Duration
	// Ask adds a job that is not stored, in a lane of its own; nil: none.
	Ask *fleet.Job
	// Avoid adds robots that are left out for a job to those that the store
	// knows of; nil: none.
	Avoid func(job fleet.ID) []placement.Refused
}

// Snapshot is a view of the fleet at one moment, and the reader to see more.
type Snapshot struct {
	View placement.View

	o     Options
	r     store.Reader
	lanes []store.Lane
	// holders are read where a reservation is open.
	holders []store.Holder
}

// Read makes the view of the waiting lanes that the reader may see on some
// robots, who are asked for only when a lane waits. It is good as long as the
// reader.
func Read(r store.Reader, robots func() ([]placement.Candidate, error), o Options) (*Snapshot, error) {
	if o.Window <= 0 {
		o.Window = Window
	}
	s := &Snapshot{View: placement.View{Now: o.Now, Seed: o.Seed}, o: o, r: r}
	standing, err := r.Standing()
	if err != nil {
		return nil, err
	}
	s.lanes = standing.Lanes
	s.View.Lanes = make([]placement.Lane, len(s.lanes))
	for i := range s.lanes {
		s.View.Lanes[i] = laneOf(&s.lanes[i])
	}
	if o.Ask != nil {
		s.View.Lanes = append(s.View.Lanes, asked(o.Ask))
	}
	if len(s.View.Lanes) == 0 {
		return s, nil
	}
	if s.View.Robots, err = robots(); err != nil || len(s.View.Robots) == 0 {
		return s, err
	}
	s.environments(standing.Environments)
	s.holds(standing.Holds)
	s.exclusives(standing.Exclusives)
	if err := s.claims(standing.Reservations); err != nil {
		return nil, err
	}
	rooms := placement.Rooms(s.View)
	lent := slices.ContainsFunc(s.View.Reservations, func(r placement.Reservation) bool { return r.Lend })
	for i, room := range rooms[:len(s.lanes)] {
		if room == 0 && !lent { // or somebody may wait there for what is lent
			continue
		}
		if err := s.window(i, min(room+windowSpare, o.Window)); err != nil {
			return nil, err
		}
	}
	return s, s.complete(s.View.Lanes)
}

// Plan plans the view with the reasons of what waits. See Assign.
func (s *Snapshot) Plan() (placement.Outcome, error) { return s.plan(placement.Plan) }

// Assign plans the view. Where the first jobs of a lane cannot use the room that
// is there (they avoid a robot, wait for a step, or the slots are kept for
// others), the lane is read deeper and planned anew.
func (s *Snapshot) Assign() (placement.Outcome, error) { return s.plan(placement.Assign) }

func (s *Snapshot) plan(decide func(placement.View) placement.Outcome) (placement.Outcome, error) {
	out := decide(s.View)
	for len(out.Short) > 0 {
		grown, err := s.deepen(out.Short)
		if err != nil {
			return out, err
		}
		if !grown {
			break
		}
		out = decide(s.View)
	}
	return out, nil
}

// deepen reads more of some lanes. It tells whether there was more to read.
func (s *Snapshot) deepen(short []int64) (grown bool, err error) {
	for i := range s.View.Lanes {
		lane := &s.View.Lanes[i]
		had := len(lane.Jobs)
		if !slices.Contains(short, lane.ID) || had >= windowDepth {
			continue
		}
		if err := s.window(i, min(had*windowGrowth, windowDepth)); err != nil {
			return false, err
		}
		if err := s.complete(s.View.Lanes[i : i+1]); err != nil {
			return false, err
		}
		grown = grown || len(lane.Jobs) > had
	}
	return grown, nil
}

// Include sees to it that a waiting job is in the view, behind the window of
// its lane if it lies deeper.
func (s *Snapshot) Include(job *fleet.Job) error {
	at := slices.IndexFunc(s.lanes, func(l store.Lane) bool {
		return l.Tenant == job.Tenant && l.Environment == job.Environment && l.Target == job.Target &&
			l.Requires.Key() == job.Requires.Key() && l.Placement.Text() == job.Placement.Demands().Text()
	})
	if at < 0 {
		return fleet.NotFound("lane_of_job", string(job.ID))
	}
	lane := &s.View.Lanes[at]
	if slices.ContainsFunc(lane.Jobs, func(j placement.Job) bool { return j.ID == job.ID }) {
		return nil
	}
	lane.Jobs = append(lane.Jobs, placement.Job{
		ID: job.ID, Epoch: job.Epoch, Priority: job.Priority, Deadline: job.Deadline, AvailableAt: job.AvailableAt, Seq: job.Seq,
		Workflow: job.Workflow.ID, Labels: job.Labels, StickyKey: job.Placement.StickyKey(),
	})
	one := placement.Lane{Tenant: lane.Tenant, Placement: lane.Placement, Jobs: lane.Jobs[len(lane.Jobs)-1:]}
	return s.complete([]placement.Lane{one})
}

// window fills a lane with its first jobs.
func (s *Snapshot) window(i, limit int) error {
	into := &s.View.Lanes[i]
	jobs, err := s.first(s.lanes[i], into.AgeStep > 0, limit)
	into.Jobs = make([]placement.Job, len(jobs))
	for n := range jobs {
		j := &jobs[n]
		into.Jobs[n] = placement.Job{
			ID: j.ID, Epoch: j.Epoch, Priority: j.Priority, Deadline: j.Deadline, AvailableAt: j.AvailableAt, Seq: j.Seq,
			Workflow: j.Workflow, Labels: j.Labels, StickyKey: j.StickyKey,
		}
	}
	return err
}

// first reads the first jobs of a lane. Where jobs grow more urgent by waiting,
// those that have waited longest may be of any priority: the first of each are
// read.
func (s *Snapshot) first(lane store.Lane, ageing bool, limit int) ([]store.ReadyJob, error) {
	if !ageing {
		return s.r.Ready(lane, limit)
	}
	var out []store.ReadyJob
	for from := fleet.Priority(0); ; {
		jobs, err := s.r.ReadyFrom(lane, from, limit)
		if err != nil || len(jobs) == 0 {
			return out, err
		}
		n := slices.IndexFunc(jobs, func(j store.ReadyJob) bool { return j.Priority > jobs[0].Priority })
		switch {
		case n >= 0:
			out = append(out, jobs[:n]...)
		case len(jobs) < limit: // there are no others
			return append(out, jobs...), nil
		default:
			out = append(out, jobs...)
		}
		from = jobs[0].Priority + 1
	}
}

// asked is the lane of a job that is not stored.
func asked(j *fleet.Job) placement.Lane {
	return placement.Lane{
		ID: -1, Tenant: j.Tenant, Environment: j.Environment, Requires: j.Requires, Target: j.Target, Placement: j.Placement.Demands(), Waiting: 1,
		Jobs: []placement.Job{{
			ID: j.ID, Priority: j.Priority, Deadline: j.Deadline, AvailableAt: j.AvailableAt, Seq: math.MaxInt64,
			Workflow: j.Workflow.ID, Labels: j.Labels, StickyKey: j.Placement.StickyKey(),
		}},
	}
}

// laneOf is a stored lane as placement sees it, without jobs.
func laneOf(l *store.Lane) placement.Lane {
	return placement.Lane{
		ID: l.ID, Tenant: l.Tenant, Environment: l.Environment, Requires: l.Requires,
		Target: l.Target, Placement: l.Placement, Waiting: l.Waiting,
	}
}

// complete adds to the jobs what is kept apart from them: the robots that are
// left out for them, and those that they are tied to.
func (s *Snapshot) complete(lanes []placement.Lane) error {
	var ids []fleet.ID // of those that a robot had: nobody has refused the others
	for i := range lanes {
		for n := range lanes[i].Jobs {
			if j := &lanes[i].Jobs[n]; j.Epoch > 0 {
				ids = append(ids, j.ID)
			}
		}
	}
	if err := s.ties(lanes); err != nil {
		return err
	}
	refusals, err := s.r.ActiveRefusals(ids, s.o.Now)
	if err != nil {
		return err
	}
	byJob := map[fleet.ID][]placement.Refused{}
	for _, x := range refusals {
		byJob[x.JobID] = append(byJob[x.JobID], refused(x))
	}
	for i := range lanes {
		for n := range lanes[i].Jobs {
			j := &lanes[i].Jobs[n]
			j.Avoid = byJob[j.ID]
			if s.o.Avoid != nil {
				j.Avoid = append(j.Avoid, s.o.Avoid(j.ID)...)
			}
		}
	}
	return nil
}

// refused is a refusal as placement sees it.
func refused(f fleet.Refusal) placement.Refused {
	x := placement.Refused{RobotID: f.RobotID, Until: f.Until, Other: f.Reason == fleet.RejectOther}
	if f.Lasting() {
		x.Until = time.Time{}
	}
	return x
}
