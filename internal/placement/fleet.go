package placement

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// class is a set of robots that no rule of the view can tell apart, unless it
// calls one by name. Lanes look at classes rather than at robots.
type class struct {
	kind   Candidate // any of them, without its name
	pocket *pocket
	size   int
	away   map[Check]int // how many are not at work, by how they are
	free   robotHeap
	slots  int // free ones when the round began
	filled int // how many had room and gave the last of it away in this round
}

// robotState is a robot in the course of a round.
type robotState struct {
	c     Candidate
	class *class
	index int  // place in the heap; -1 outside
	given bool // gave a slot away in this round
}

// better is the order of choice among robots that the rules rank alike: fewest
// live attempts, then the lowest share of its slots, then the longest time
// since it was last given work, then the id.
func (c *Candidate) better(d *Candidate) bool {
	return cmp.Or(
		cmp.Compare(c.Taken, d.Taken),
		cmp.Compare(c.Taken*d.Max, d.Taken*c.Max),
		c.LastAssigned.Compare(d.LastAssigned),
		cmp.Compare(c.ID, d.ID),
	) < 0
}

// robotHeap keeps the robots of a class that have room, best first.
type robotHeap []*robotState

func (h robotHeap) Len() int           { return len(h) }
func (h robotHeap) Less(i, j int) bool { return h[i].c.better(&h[j].c) }
func (h robotHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *robotHeap) Push(x any) {
	r := x.(*robotState)
	r.index = len(*h)
	*h = append(*h, r)
}

func (h *robotHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = nil
	r.index = -1
	*h = old[:len(old)-1]
	return r
}

// take gives a slot of the robot away.
func (r *robotState) take(now time.Time) {
	r.c.Taken++
	r.c.LastAssigned, r.given = now, true
	if r.c.free() > 0 {
		heap.Fix(&r.class.free, r.index)
	} else {
		heap.Remove(&r.class.free, r.index)
		r.class.filled++
	}
}

// sorter puts robots into classes.
type sorter struct {
	now       time.Time
	facts     [][]condition // every list of conditions of the view, once
	selectors []*selector   // of the reservations
	holds     *holds
	byKey     map[string]*class
	key       []byte
}

func newSorter(v *View, lanes []*rules, h *holds) *sorter {
	s := &sorter{now: v.Now, selectors: h.selectors(), holds: h, byKey: map[string]*class{}}
	for _, r := range lanes {
		s.add(r.facts)
		for _, sel := range slices.Concat([]*selector{r.avoid}, r.prefer, r.fallback) {
			if sel != nil {
				s.add(sel.facts)
			}
		}
	}
	return s
}

func (s *sorter) add(list []condition) {
	if len(list) > 0 {
		s.facts = append(s.facts, list)
	}
}

// classOf returns the class of a robot. What separates classes is what rules
// look at; of facts only what each condition says of them.
func (s *sorter) classOf(c *Candidate) (*class, bool) {
	p := s.holds.pocketOf(c, s.selectors, s.now)
	b := s.key[:0]
	word := func(w string) { b = append(append(b, w...), 0) }
	word(string(c.Tenant))
	for _, t := range c.SharedWith {
		word(string(t))
	}
	b = append(b, 1)
	word(c.Environment)
	if c.Strict {
		b = append(b, 1)
	}
	word(c.Pool)
	for _, w := range c.Capabilities {
		word(w)
	}
	b = append(b, 1)
	for _, w := range c.Tags {
		word(w)
	}
	b = append(b, 1)
	for _, list := range s.facts {
		b = append(b, byte(all(list, c.Facts, s.now)))
	}
	if len(p.covered) > 0 {
		for _, i := range p.covered {
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	s.key = b
	cl, ok := s.byKey[string(b)]
	if !ok {
		cl = &class{kind: *c, pocket: p, away: map[Check]int{}}
		cl.kind.ID = anyone
		s.byKey[string(b)] = cl
	}
	return cl, !ok
}

type robotKey struct {
	tenant fleet.TenantID
	id     fleet.RobotID
}
