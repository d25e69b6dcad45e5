package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// watch looks after branches whose node neither ends nor heeds the end of its
// context. Such a node cannot be stopped from inside the process, so the run
// is ended without it.
//
// It has no goroutine of its own: wait runs in the goroutine that called Run.
type watch struct {
	grace time.Duration

	mu       sync.Mutex
	branches map[*branch]*pace
}

// pace is how long a branch has been at the same visit.
type pace struct {
	visit int64
	ticks int
}

// leftBehind ends a run whose node goes on.
type leftBehind struct {
	node    string
	nodes   string // all that go on, for the log
	failure *Failure
	cause   error // why the run was stopped; nil when the node's own time was over
}

func (l *leftBehind) Error() string { return l.failure.Message }

func newWatch(grace time.Duration) *watch {
	return &watch{grace: grace, branches: map[*branch]*pace{}}
}

func (w *watch) add(b *branch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.branches[b] = &pace{}
}

func (w *watch) remove(b *branch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.branches, b)
}

// tick is how often the watch looks.
const tick = time.Second

// wait returns how the branch ended, or gives up on it.
func (w *watch) wait(ctx context.Context, ended <-chan error) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-t.C:
			if stuck := w.look(); stuck != nil {
				return stuck
			}
		case <-ctx.Done():
			return w.last(ctx, ended)
		}
	}
}

// last waits a little for a run that was stopped.
func (w *watch) last(ctx context.Context, ended <-chan error) error {
	t := time.NewTimer(w.grace)
	defer t.Stop()
	select {
	case err := <-ended:
		return err
	case <-t.C:
		cause := context.Cause(ctx)
		return &leftBehind{nodes: w.busy(), failure: AsFailure(cause), cause: cause}
	}
}

// look finds a branch whose node has gone on for longer than it may.
func (w *watch) look() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for b, p := range w.branches {
		visit := b.now.visit.Load()
		if visit == 0 || visit != p.visit {
			p.visit, p.ticks = visit, 0
			continue
		}
		p.ticks++
		n := &b.prog.nodes[b.now.node.Load()]
		if !untimed(n.typ) && time.Duration(p.ticks)*tick > n.timeout+w.grace {
			return &leftBehind{node: n.id, nodes: n.id, failure: timedOut(n)}
		}
	}
	return nil
}

// busy lists the nodes that are being visited, for the author to look at.
func (w *watch) busy() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for b := range w.branches {
		if n := &b.prog.nodes[b.now.node.Load()]; b.now.visit.Load() != 0 {
			ids = append(ids, n.id)
		}
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), ", ")
}
