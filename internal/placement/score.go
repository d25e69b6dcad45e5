package placement

import "cmp"

// before is the order of choice among robots that pass every check: fewest
// live attempts, then the lowest share of its slots, then the longest time
// since it was last given work, then the id.
func (c *Candidate) before(d *Candidate) bool {
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
func (h robotHeap) Less(i, j int) bool { return h[i].c.before(&h[j].c) }
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
