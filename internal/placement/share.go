package placement

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The terms of a group of which nothing is said.
const (
	defaultWeight  = 100
	defaultSeconds = 60
)

// group is the jobs that use one share, lane by lane.
type group struct {
	name    string
	weight  float64
	seconds float64
	served  float64
	lanes   laneQueue
}

// load is what the group has had for its weight.
func (g *group) load() float64 { return g.served / g.weight }

// next is the group's best job.
func (g *group) next() (*laneState, *Job) {
	l := g.lanes[0]
	return l, &l.jobs[l.next]
}

// groupQueue orders groups by the priority of their next jobs, then by what
// they have had, then as jobs are ordered.
type groupQueue []*group

func (q groupQueue) Len() int { return len(q) }
func (q groupQueue) Less(i, j int) bool {
	l, a := q[i].next()
	m, b := q[j].next()
	return cmp.Or(
		cmp.Compare(l.urgency(a), m.urgency(b)),
		cmp.Compare(q[i].load(), q[j].load()),
		compareJobs(a, b),
		cmp.Compare(q[i].name, q[j].name),
		cmp.Compare(a.ID, b.ID),
	) < 0
}
func (q groupQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *groupQueue) Push(x any)   { *q = append(*q, x.(*group)) }
func (q *groupQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// laneQueue orders the lanes of a group by their next jobs.
type laneQueue []*laneState

func (q laneQueue) Len() int { return len(q) }
func (q laneQueue) Less(i, j int) bool {
	a, b := &q[i].jobs[q[i].next], &q[j].jobs[q[j].next]
	return cmp.Or(
		cmp.Compare(q[i].urgency(a), q[j].urgency(b)),
		compareJobs(a, b),
		cmp.Compare(q[i].lane.Tenant, q[j].lane.Tenant),
		cmp.Compare(a.ID, b.ID),
	) < 0
}
func (q laneQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *laneQueue) Push(x any)   { *q = append(*q, x.(*laneState)) }
func (q *laneQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// compareJobs is the order of jobs of equal priority: deadline, none last, the
// time since which they may run, and the number of their submission.
func compareJobs(a, b *Job) int {
	if !a.Deadline.Equal(b.Deadline) {
		switch {
		case a.Deadline.IsZero():
			return 1
		case b.Deadline.IsZero():
			return -1
		}
		return a.Deadline.Compare(b.Deadline)
	}
	return cmp.Or(a.AvailableAt.Compare(b.AvailableAt), cmp.Compare(a.Seq, b.Seq))
}

// Urgency is the priority that counts: with ageing, each step of waiting lowers
// its number by 1, but not below 1.
func Urgency(p fleet.Priority, waited, step time.Duration) fleet.Priority {
	if step <= 0 || waited <= 0 || p <= 1 {
		return p
	}
	return max(p-fleet.Priority(min(waited/step, time.Duration(p))), 1)
}

// queue lines up what is left of the lanes.
func (p *planner) queue() *groupQueue {
	byName := map[string]*group{}
	q := &groupQueue{}
	for _, l := range p.lanes {
		if l.next >= len(l.jobs) {
			continue
		}
		g := byName[l.lane.group()]
		if g == nil {
			g = p.groups[l.lane.group()]
			g.lanes = g.lanes[:0]
			byName[g.name] = g
			*q = append(*q, g)
		}
		g.lanes = append(g.lanes, l)
	}
	for _, g := range *q {
		heap.Init(&g.lanes)
	}
	heap.Init(q)
	return q
}

// advance goes on to the next job of the first group's first lane.
func (q *groupQueue) advance() {
	g := (*q)[0]
	l := g.lanes[0]
	if l.next++; l.next < len(l.jobs) {
		heap.Fix(&g.lanes, 0)
	} else {
		heap.Pop(&g.lanes)
	}
	if len(g.lanes) > 0 {
		heap.Fix(q, 0)
	} else {
		heap.Pop(q)
	}
}

// newGroups makes a group for each share that the lanes use.
func newGroups(v *View) map[string]*group {
	out := map[string]*group{}
	for i := range v.Lanes {
		name := v.Lanes[i].group()
		if out[name] == nil {
			out[name] = &group{name: name, weight: defaultWeight, seconds: defaultSeconds}
		}
	}
	for _, s := range v.Shares {
		g := out[s.Group]
		if g == nil {
			continue
		}
		g.served = s.Served
		if s.Weight > 0 {
			g.weight = float64(s.Weight)
		}
		if s.Seconds > 0 {
			g.seconds = s.Seconds
		}
	}
	return out
}
