package placement

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Plan assigns each job at most once and never oversubscribes a robot.
// Priority 0 goes first. Every lane left waiting appears among the refused with
// a reason fit to show a person.
func Plan(v View) Outcome {
	p, out := plan(&v)
	p.end(&out)
	out.Refused = p.refusals()
	return out
}

// Assign is Plan without the reasons. It looks only at the robots that have
// room, so that in a busy fleet a round costs what can be decided in it.
func Assign(v View) Outcome {
	v.Robots = withRoom(v.Robots)
	p, out := plan(&v)
	p.end(&out)
	return out
}

// end says what the round leaves behind.
func (p *planner) end(out *Outcome) {
	out.Kept = p.holds.kept()
	for _, l := range p.lanes {
		out.Next = earlier(out.Next, p.opens(l))
		if len(l.left) > 0 && l.lane.Waiting > int64(len(l.lane.Jobs)) && p.mayStart(l) && p.room(l) {
			out.Short = append(out.Short, l.lane.ID)
		}
	}
}

// plan makes the assignments and returns the round as they left it.
func plan(v *View) (p *planner, out Outcome) {
	p = newPlanner(v)
	for again := true; again; {
		again = p.pass(&out)
	}
	return p, out
}

// planner holds one round.
type planner struct {
	now     time.Time
	lanes   []*laneState
	groups  map[string]*group
	classes []*class
	robots  []robotState // as in the view
	byName  map[robotKey][]*robotState
	holds   *holds
	quotas  map[fleet.TenantID]*Quota // of those that have one; Running counts the round in
	secrets exclusives                // likewise
}

// laneState is a lane in the course of a round.
type laneState struct {
	lane    *Lane
	rules   *rules
	jobs    []Job // in the order that counts
	next    int
	tiers   []tier       // robots that fit, the most wanted first
	classes []judgement  // of each class of the planner, for a robot without a name
	named   []namedRobot // robots that a rule calls by name
	left    []Job        // looked at and not placed
	secrets []*Exclusive // that its jobs need, of those of the round
	now     time.Time
}

// namedRobot is a robot that is judged by itself.
type namedRobot struct {
	r *robotState
	j judgement
}

// tier is a set of robots that a lane wants alike.
type tier struct {
	judgement
	classes []*class
	robots  []*robotState
}

// urgency is the priority of a job that counts.
func (l *laneState) urgency(j *Job) fleet.Priority {
	return Urgency(j.Priority, l.now.Sub(j.AvailableAt), l.lane.AgeStep)
}

func newPlanner(v *View) *planner {
	p := &planner{now: v.Now, holds: newHolds(v), groups: newGroups(v), byName: map[robotKey][]*robotState{}, quotas: map[fleet.TenantID]*Quota{}, secrets: newExclusives(v)}
	for _, q := range v.Quotas {
		p.quotas[q.Tenant] = &q
	}
	ready := make([]*rules, len(v.Lanes))
	for i := range v.Lanes {
		ready[i] = rulesOf(&v.Lanes[i])
		for _, id := range ready[i].named {
			p.byName[robotKey{v.Lanes[i].Tenant, id}] = nil
		}
		for n := range v.Lanes[i].Jobs {
			for _, id := range v.Lanes[i].Jobs[n].names() {
				p.byName[robotKey{v.Lanes[i].Tenant, id}] = nil
			}
		}
	}
	p.sortRobots(v, ready)
	for i := range v.Lanes {
		p.lanes = append(p.lanes, p.newLane(&v.Lanes[i], ready[i]))
	}
	p.holds.fill(func(r *Reservation) bool {
		return slices.ContainsFunc(p.lanes, func(l *laneState) bool {
			return slices.ContainsFunc(l.jobs, func(j Job) bool { return r.holds(l.lane, &j) })
		})
	})
	return p
}

// sortRobots puts the robots into classes and pockets, and finds those that
// rules call by name.
func (p *planner) sortRobots(v *View, ready []*rules) {
	s := newSorter(v, ready, p.holds)
	p.robots = make([]robotState, len(v.Robots))
	for i := range v.Robots {
		r := &p.robots[i]
		r.c, r.index = v.Robots[i], -1
		cl, first := s.classOf(&r.c)
		if first {
			p.classes = append(p.classes, cl)
		}
		r.class = cl
		cl.size++
		if len(p.byName) > 0 {
			p.name(r, r.c.Tenant)
			for _, t := range r.c.SharedWith {
				if t != r.c.Tenant {
					p.name(r, t)
				}
			}
		}
		if away := r.c.away(); away != "" {
			cl.away[away]++
		} else if free := r.c.free(); free > 0 {
			r.index = len(cl.free)
			cl.free = append(cl.free, r)
			cl.slots += free
			cl.pocket.free += free
			cl.pocket.loose += free
		}
	}
	for _, cl := range p.classes {
		heap.Init(&cl.free)
	}
}

func (p *planner) name(r *robotState, tenant fleet.TenantID) {
	key := robotKey{tenant, r.c.ID}
	if list, wanted := p.byName[key]; wanted {
		p.byName[key] = append(list, r)
	}
}

// newLane judges every class, and by itself every robot that a rule calls by
// name, and puts those that fit into tiers.
func (p *planner) newLane(lane *Lane, r *rules) *laneState {
	l := &laneState{lane: lane, rules: r, jobs: lane.Jobs, now: p.now, secrets: p.secrets.of(lane)}
	if lane.AgeStep > 0 {
		l.jobs = slices.Clone(lane.Jobs)
		slices.SortStableFunc(l.jobs, func(a, b Job) int {
			return cmp.Or(cmp.Compare(l.urgency(&a), l.urgency(&b)), compareJobs(&a, &b))
		})
	}
	for _, id := range r.named {
		for _, robot := range p.byName[robotKey{lane.Tenant, id}] {
			j := r.judge(&robot.c, p.now)
			l.named = append(l.named, namedRobot{robot, j})
			if j.fails == "" {
				t := l.tier(j)
				t.robots = append(t.robots, robot)
			}
		}
	}
	l.classes = make([]judgement, len(p.classes))
	for i, cl := range p.classes {
		if !cl.kind.serves(lane.Tenant) {
			continue
		}
		l.classes[i] = r.judge(&cl.kind, p.now)
		if l.classes[i].fails == "" {
			t := l.tier(l.classes[i])
			t.classes = append(t.classes, cl)
		}
	}
	slices.SortStableFunc(l.tiers, func(a, b tier) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.usual, b.usual), cmp.Compare(a.step, b.step))
	})
	return l
}

// tier returns the tier of robots that are judged alike.
func (l *laneState) tier(j judgement) *tier {
	for i := range l.tiers {
		if l.tiers[i].judgement == j {
			return &l.tiers[i]
		}
	}
	l.tiers = append(l.tiers, tier{judgement: j})
	return &l.tiers[len(l.tiers)-1]
}

// calls says whether a rule of the lane calls the robot by name.
func (l *laneState) calls(r *robotState) bool {
	for i := range l.named {
		if l.named[i].r == r {
			return true
		}
	}
	return false
}

// pass looks once at every job that is left. It tells whether a slot became
// loose behind a job that had been looked at, so that another pass may place
// more.
func (p *planner) pass(out *Outcome) (again bool) {
	for q := p.queue(); q.Len() > 0; {
		g := (*q)[0]
		l, job := g.next()
		if !p.mayStart(l) {
			l.rest()
			q.advance()
			continue
		}
		holder := p.holds.holders(l.lane, job)
		robot, why := p.choose(l, job, holder)
		switch {
		case robot != nil:
			if quota := p.quotas[l.lane.Tenant]; quota != nil {
				quota.Running++
			}
			l.take(job.ID)
			out.Assigned = append(out.Assigned, Assignment{
				Lane: l.lane.ID, Tenant: l.lane.Tenant, JobID: job.ID, Epoch: job.Epoch,
				RobotID: robot.c.ID, SessionEpoch: robot.c.SessionEpoch, Why: why,
			})
			robot.take(p.now)
			again = p.holds.take(robot.class.pocket, holder) || again
			g.served += g.seconds
		case p.room(l):
			l.left = append(l.left, *job)
		default: // nobody in the lane can go
			l.rest()
		}
		q.advance()
	}
	if again {
		for _, l := range p.lanes {
			l.jobs, l.left, l.next = l.left, nil, 0
		}
		again = slices.ContainsFunc(p.lanes, func(l *laneState) bool { return len(l.jobs) > 0 })
	}
	return again
}

// mayStart says whether one more job of a lane may hold a slot: its tenant may
// have more, and nobody has a secret that it needs alone.
func (p *planner) mayStart(l *laneState) bool {
	q := p.quotas[l.lane.Tenant]
	return (q == nil || q.left() > 0) && l.held() == nil
}

// rest leaves the lane's jobs from the next one on.
func (l *laneState) rest() {
	l.left = append(l.left, l.jobs[l.next:]...)
	l.next = len(l.jobs) - 1
}

// room says whether any robot that fits the lane has a free slot.
func (p *planner) room(l *laneState) bool {
	for i := range l.tiers {
		t := &l.tiers[i]
		for _, r := range t.robots {
			if r.index >= 0 {
				return true
			}
		}
		for _, cl := range t.classes {
			if len(cl.free) > 0 {
				return true
			}
		}
	}
	return false
}

// choose returns the best robot for a job, and the rule that decided.
func (p *planner) choose(l *laneState, j *Job, holder []int) (*robotState, Why) {
	steps, _ := l.rules.opened(j, p.now)
	only, _ := l.rules.only(j, p.now)
	tied, weight := p.tied(l, j, steps, holder)
	if only != "" {
		if tied != nil {
			return tied, WhySticky
		}
		return nil, ""
	}
	for i := range l.tiers {
		t := &l.tiers[i]
		if tied != nil && t.weight <= weight {
			break
		}
		if len(l.rules.fallback) > 0 && t.step >= steps {
			continue
		}
		var best *robotState
		for _, r := range t.robots {
			if r.index >= 0 && !j.avoids(r.c.ID) &&
				(best == nil || r.c.better(&best.c)) && p.holds.may(r.class.pocket, holder) {
				best = r
			}
		}
		for _, cl := range t.classes {
			if len(cl.free) == 0 || !p.holds.may(cl.pocket, holder) {
				continue
			}
			if r := cl.best(l, j); r != nil && (best == nil || r.c.better(&best.c)) {
				best = r
			}
		}
		if best != nil {
			return best, l.why(t)
		}
	}
	if tied != nil {
		return tied, WhySticky
	}
	return nil, ""
}

// tied returns the robot that the job's sticky key is tied to, if it could take
// the job now, and the weight of the preferences for it.
func (p *planner) tied(l *laneState, j *Job, steps int, holder []int) (*robotState, int) {
	if j.Tied == "" || l.lane.Placement.Sticky == nil {
		return nil, 0
	}
	for _, r := range p.byName[robotKey{l.lane.Tenant, j.Tied}] {
		jd := l.rules.judge(&r.c, p.now)
		if jd.fails == "" && (len(l.rules.fallback) == 0 || jd.step < steps) &&
			r.index >= 0 && !j.avoids(r.c.ID) && p.holds.may(r.class.pocket, holder) {
			return r, jd.weight
		}
	}
	return nil, 0
}

// best is the first robot of the class with room that no rule calls by name and
// that the job does not avoid. Those are few, so they are taken out and put back.
func (cl *class) best(l *laneState, j *Job) *robotState {
	var aside []*robotState
	var found *robotState
	for len(cl.free) > 0 {
		r := cl.free[0]
		if !j.avoids(r.c.ID) && !l.calls(r) {
			found = r
			break
		}
		heap.Pop(&cl.free)
		aside = append(aside, r)
	}
	for _, r := range aside {
		heap.Push(&cl.free, r)
	}
	return found
}

// why names the rule by which a tier came first.
func (l *laneState) why(t *tier) Why {
	switch {
	case l.lane.Target != "":
		return WhyTarget
	case t.weight > 0:
		return WhyPreferred
	case t.usual < len(l.lane.Placement.Usual):
		return WhyUsual
	case len(l.rules.fallback) > 0:
		return WhyFallback
	}
	return WhyLeastBusy
}

// opens is when time alone may let a waiting job of the lane start.
func (p *planner) opens(l *laneState) (next time.Time) {
	for i := range l.left {
		j := &l.left[i]
		if _, at := l.rules.opened(j, p.now); !at.IsZero() {
			next = earlier(next, at)
		}
		if _, at := l.rules.only(j, p.now); !at.IsZero() {
			next = earlier(next, at)
		}
		for _, a := range j.Avoid {
			next = earlier(next, a.Until)
		}
	}
	if len(l.left) > 0 {
		for i := range p.holds.list {
			next = earlier(next, p.holds.list[i].r.Until)
		}
	}
	return next
}

// earlier is the first of two times; zero stands for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
