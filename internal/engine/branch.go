package engine

import (
	"context"
	"sync/atomic"

	"github.com/casarerpa/fleet/workflow/value"
)

// branch is one line of execution: the main one, one arm of a fork, one item of
// a parallel loop. It has variables, queue and marks of its own and belongs to
// one goroutine.
type branch struct {
	run  *run
	prog *program
	name string // Step.Branch
	base string // Step.Iteration of what started the branch

	vars   *value.Map
	root   *frame
	queue  queue
	done   []bool       // executed and not cleared since
	ever   []bool       // executed at least once
	ports  []*value.Map // outputs of each node, kept between visits
	loops  map[int]*loopState
	joined map[int]*value.Map // results that a fork left for its join
	outer  *branch            // that this one is an arm of; it waits
	away   *departure         // a loop outside that this arm wants to leave
	stop   int                // node before which this branch ends, or none
	path   []int32

	failed failing // the visit that failed last
	kept   []byte  // the checkpoint of a failure that ends the run
	why    string  // there is none

	spare   []*visiting // for reuse; one is in use for each level of evaluation
	written int         // bytes put into variables since they were last counted
	depth   int         // of evaluation on demand
	pulling []bool      // nodes that are being evaluated on demand
	lazy    lazySlot

	now current
}

// current is what the watch reads of a branch while it runs.
type current struct {
	visit atomic.Int64 // rises with every visit; 0: between visits
	node  atomic.Int64
}

func newBranch(r *run, p *program, vars *value.Map) *branch {
	n := len(p.nodes)
	return &branch{
		run: r, prog: p, vars: vars, root: &frame{kind: frameRoot, owner: none, pending: 1},
		done: make([]bool, n), ever: make([]bool, n), ports: make([]*value.Map, n),
		loops: map[int]*loopState{}, stop: none,
	}
}

// split makes a branch that starts as a copy of b and shares nothing with it.
func (b *branch) split(name, iteration string) *branch {
	c := newBranch(b.run, b.prog, cloneMap(b.vars))
	c.name, c.base, c.outer = name, iteration, b
	copy(c.done, b.done)
	copy(c.ever, b.ever)
	for i, m := range b.ports {
		if m != nil {
			c.ports[i] = cloneMap(m)
		}
	}
	return c
}

// absorb takes over what a finished branch has executed and put on its ports.
// Its variables stay behind.
func (b *branch) absorb(c *branch) {
	for i, ran := range c.ever {
		if !ran {
			continue
		}
		b.ever[i] = true
		b.done[i] = b.done[i] || c.done[i]
		if c.ports[i] != nil {
			b.ports[i] = c.ports[i]
		}
	}
	for _, n := range c.path {
		b.visited(int(n))
	}
}

// marked counts the nodes that have run and that no loop has cleared since.
func (b *branch) marked() int {
	n := 0
	for _, done := range b.done {
		if done {
			n++
		}
	}
	return n
}

func (b *branch) visited(n int) {
	if len(b.path) < MaxPath {
		b.path = append(b.path, int32(n))
	}
}

func cloneMap(m *value.Map) *value.Map {
	if c, ok := value.Clone(m).(*value.Map); ok {
		return c
	}
	return value.NewMap()
}

// entry is a node that waits for its turn.
type entry struct {
	node  int
	frame *frame
}

// queue is a ring of entries that can also be filled from the front.
type queue struct {
	ring []entry
	head int
	len  int
}

func (q *queue) grow() {
	if q.len < len(q.ring) {
		return
	}
	ring := make([]entry, max(16, 2*len(q.ring)))
	for i := range q.len {
		ring[i] = q.ring[(q.head+i)%len(q.ring)]
	}
	q.ring, q.head = ring, 0
}

func (q *queue) pushBack(e entry) {
	q.grow()
	q.ring[(q.head+q.len)&(len(q.ring)-1)] = e
	q.len++
}

func (q *queue) pushFront(e entry) {
	q.grow()
	q.head = (q.head - 1) & (len(q.ring) - 1)
	q.ring[q.head] = e
	q.len++
}

func (q *queue) popFront() entry {
	e := q.ring[q.head]
	q.ring[q.head] = entry{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.len--
	return e
}

// take removes the entries that lie in f and returns them.
func (q *queue) take(f *frame) []entry {
	var out []entry
	keep := q.len
	for range keep {
		e := q.popFront()
		if e.frame.within(f) {
			out = append(out, e)
		} else {
			q.pushBack(e)
		}
	}
	return out
}

// add puts a node at the end of the queue.
func (b *branch) add(n int, f *frame) {
	f.pending++
	b.queue.pushBack(entry{n, f})
}

// addFront puts a node at the front of the queue.
func (b *branch) addFront(n int, f *frame) {
	f.pending++
	b.queue.pushFront(entry{n, f})
}

// drain runs the queue to its end. It returns the failure that nobody caught,
// or why the run was stopped.
func (b *branch) drain(ctx context.Context) error {
	for b.queue.len > 0 {
		if err := ctx.Err(); err != nil {
			return stopped(context.Cause(ctx))
		}
		e := b.queue.popFront()
		var err error
		if e.node != b.stop && (!b.done[e.node] || b.prog.nodes[e.node].loopable) && !e.frame.dead {
			err = b.visit(ctx, e)
		}
		if err == nil {
			err = b.release(e.frame)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// release takes one entry or child off a frame and lets the frames that are
// done by that go on.
func (b *branch) release(f *frame) error {
	for f != nil {
		f.pending--
		if f.pending > 0 {
			return nil
		}
		if !f.dead {
			more, err := b.finish(f)
			if err != nil {
				return err
			}
			if more {
				return nil
			}
		}
		f = f.parent
	}
	return nil
}

// finish is called when nothing waits in a frame any more. It returns true
// when the owner has put something new into the frame.
func (b *branch) finish(f *frame) (more bool, err error) {
	switch f.kind {
	case frameRoot:
	case frameLoop:
		b.passDrained(f)
	case frameTry, frameOnError:
		return b.tryDone(f)
	case frameRetry:
		b.retryDone(f)
	}
	return f.pending > 0, nil
}

// abandon gives up all that waits below f; f itself stays and can be filled
// anew. The entry that is being processed may lie in it: its frames are marked,
// so that its release changes nothing but counts.
func (b *branch) abandon(f *frame, at *frame) {
	for g := at; g != nil && g != f; g = g.parent {
		b.bury(g)
	}
	for _, e := range b.queue.take(f) {
		for g := e.frame; g != f; g = g.parent {
			b.bury(g)
		}
		for g := e.frame; g != nil; g = g.parent {
			g.pending--
			if g == f || g.pending > 0 {
				break
			}
		}
	}
}

// bury marks a frame whose rest does not count any more. A loop in it starts
// anew when it is reached again.
func (b *branch) bury(f *frame) {
	f.dead = true
	if f.kind == frameLoop {
		delete(b.loops, f.owner)
	}
}
