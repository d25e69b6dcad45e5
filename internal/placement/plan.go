package placement

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/casarerpa/fleet/fleet"
)

// Plan assigns each job at most once and never oversubscribes a robot.
// Priority 0 goes first. Every lane left waiting appears in refused with a
// reason fit to show a person.
func Plan(v View) (assigned []Assignment, refused []Refusal) {
	p := newPlanner(v)
	for p.queue.Len() > 0 {
		head := p.queue.items[0]
		job := head.lane.Jobs[head.next]
		if robot := p.choose(head, job.Avoid); robot != nil {
			assigned = append(assigned, Assignment{
				Lane: head.lane.ID, Tenant: head.lane.Tenant, JobID: job.ID, Epoch: job.Epoch,
				RobotID: robot.c.ID, SessionEpoch: robot.c.SessionEpoch, Why: "least_busy",
			})
			p.take(robot)
		} else {
			head.left = append(head.left, job)
			if !p.anyFree(head) {
				head.next = len(head.lane.Jobs) // nobody in the lane can go
			}
		}
		head.next++
		if head.next < len(head.lane.Jobs) {
			heap.Fix(&p.queue, 0)
		} else {
			heap.Pop(&p.queue)
		}
	}
	return assigned, p.refusals(assigned)
}

// planner holds one round. Robots that can serve the same jobs form a class,
// so that a lane looks at classes rather than at robots.
type planner struct {
	view    View
	lanes   []*laneState
	queue   laneQueue
	classes []*class
	robots  []robotState // as in the view
	targets map[robotKey]*robotState
}

type robotKey struct {
	tenant fleet.TenantID
	id     fleet.RobotID
}

type laneState struct {
	lane    *Lane
	next    int
	classes []*class    // classes that meet the lane's demands
	target  *robotState // the one robot of a targeted lane
	left    []Job       // looked at and not placed
}

// class is a set of robots that the demands of lanes cannot tell apart.
type class struct {
	tenant       fleet.TenantID
	environment  string
	capabilities fleet.Capabilities
	free         robotHeap
}

type robotState struct {
	c     Candidate
	class *class
	index int // place in the heap; -1 outside
}

func newPlanner(v View) *planner {
	p := &planner{view: v, robots: make([]robotState, len(v.Robots)), targets: targets(v)}
	byKey := map[string]*class{}
	var key []byte
	for i := range v.Robots {
		r := &p.robots[i]
		r.c, r.index = v.Robots[i], -1
		key = appendClassKey(key[:0], &r.c)
		cl := byKey[string(key)]
		if cl == nil {
			cl = &class{tenant: r.c.Tenant, environment: r.c.Environment, capabilities: r.c.Capabilities}
			byKey[string(key)] = cl
			p.classes = append(p.classes, cl)
		}
		r.class = cl
		if k := (robotKey{r.c.Tenant, r.c.ID}); len(p.targets) > 0 {
			if _, wanted := p.targets[k]; wanted {
				p.targets[k] = r
			}
		}
		if r.c.free() > 0 {
			r.index = len(cl.free)
			cl.free = append(cl.free, r)
		}
	}
	for _, cl := range p.classes {
		heap.Init(&cl.free)
	}
	for i := range v.Lanes {
		p.addLane(&v.Lanes[i])
	}
	heap.Init(&p.queue)
	return p
}

// targets lists the robots that lanes name, to be filled in.
func targets(v View) map[robotKey]*robotState {
	wanted := map[robotKey]*robotState{}
	for i := range v.Lanes {
		if l := &v.Lanes[i]; l.Target != "" {
			wanted[robotKey{l.Tenant, l.Target}] = nil
		}
	}
	return wanted
}

func appendClassKey(b []byte, c *Candidate) []byte {
	b = append(append(b, c.Tenant...), 0)
	b = append(append(b, c.Environment...), 0)
	for _, word := range c.Capabilities {
		b = append(append(b, word...), ',')
	}
	return b
}

func (p *planner) addLane(lane *Lane) {
	l := &laneState{lane: lane}
	p.lanes = append(p.lanes, l)
	if lane.Target != "" {
		if r := p.targets[robotKey{lane.Tenant, lane.Target}]; r != nil && demand(lane, &r.c) == "" {
			l.target = r
		}
	} else {
		for _, cl := range p.classes {
			if cl.tenant == lane.Tenant && fleet.EnvironmentsMatch(lane.Environment, cl.environment) &&
				cl.capabilities.Covers(lane.Requires) {
				l.classes = append(l.classes, cl)
			}
		}
	}
	if len(lane.Jobs) > 0 {
		p.queue.items = append(p.queue.items, l)
	}
}

// choose returns the best robot with room for the lane's next job.
func (p *planner) choose(l *laneState, avoid []fleet.RobotID) *robotState {
	if l.target != nil {
		if l.target.index >= 0 && !slices.Contains(avoid, l.target.c.ID) {
			return l.target
		}
		return nil
	}
	var best *robotState
	for _, cl := range l.classes {
		r := cl.best(avoid)
		if r != nil && (best == nil || r.c.before(&best.c)) {
			best = r
		}
	}
	return best
}

// best is the first robot of the class that the job does not avoid. Avoided
// ones are few, so they are taken out and put back.
func (cl *class) best(avoid []fleet.RobotID) *robotState {
	var aside []*robotState
	var found *robotState
	for len(cl.free) > 0 {
		r := cl.free[0]
		if !slices.Contains(avoid, r.c.ID) {
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

// take gives a slot of the robot away.
func (p *planner) take(r *robotState) {
	r.c.Taken++
	r.c.LastAssigned = p.view.Now
	if r.c.free() > 0 {
		heap.Fix(&r.class.free, r.index)
	} else {
		heap.Remove(&r.class.free, r.index)
	}
}

// anyFree says whether some robot of the lane has room, for a job that avoids
// nobody.
func (p *planner) anyFree(l *laneState) bool {
	if l.target != nil {
		return l.target.index >= 0
	}
	for _, cl := range l.classes {
		if len(cl.free) > 0 {
			return true
		}
	}
	return false
}

// laneQueue orders lanes by their next job.
type laneQueue struct{ items []*laneState }

func (q *laneQueue) Len() int { return len(q.items) }
func (q *laneQueue) Less(i, j int) bool {
	a, b := q.items[i], q.items[j]
	x, y := a.lane.Jobs[a.next], b.lane.Jobs[b.next]
	if x.before(y) {
		return true
	}
	if y.before(x) {
		return false
	}
	return cmp.Or(cmp.Compare(a.lane.Tenant, b.lane.Tenant), cmp.Compare(x.ID, y.ID)) < 0
}
func (q *laneQueue) Swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }
func (q *laneQueue) Push(x any)    { q.items = append(q.items, x.(*laneState)) }
func (q *laneQueue) Pop() any {
	last := q.items[len(q.items)-1]
	q.items = q.items[:len(q.items)-1]
	return last
}
