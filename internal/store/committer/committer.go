// Package committer is the bounded queue before the one committer of a
// database: it takes whatever came while the last commit ran, hands it over as
// one group, and answers each caller afterwards. There is no timer: an idle
// store commits at once, a busy one groups by itself.
//
// The package does not know SQL, a driver or what an operation does. It owns
// one goroutine, from New until Close.
//
// When the queue is full, callers are refused at once with fleet.ErrExhausted;
// nobody blocks on a full queue. Urgent work, such as results of robots, may
// use the last quarter of the queue, which other work may not.
package committer

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Options bounds the queue and the groups.
type Options struct {
	MaxOps     int // waiting operations; default 8192
	MaxBytes   int // their estimated bytes; default 64 MiB
	GroupOps   int // operations of one commit; default 2000
	GroupBytes int // default 4 MiB
}

func (o Options) defaults() Options {
	fill := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	fill(&o.MaxOps, 8192)
	fill(&o.MaxBytes, 64<<20)
	fill(&o.GroupOps, 2000)
	fill(&o.GroupBytes, 4<<20)
	return o
}

// Op is one operation on its way through the queue.
type Op[W any] struct {
	Work W
	ctx  context.Context // its caller waits, so it outlives the operation
	size int
	// state decides between the caller who gives up and the committer who begins.
	state atomic.Int32
	done  chan error
}

const (
	waiting int32 = iota
	begun
	abandoned
)

// Begin claims the operation for this commit. False means that its caller has
// given up: it must not run.
func (o *Op[W]) Begin() bool {
	if o.ctx.Err() != nil {
		o.state.CompareAndSwap(waiting, abandoned)
	}
	return o.state.CompareAndSwap(waiting, begun)
}

// Queue hands groups of operations to one function, one group at a time.
type Queue[W any] struct {
	options Options
	commit  func(group []*Op[W]) []error

	mu     sync.Mutex
	ops    []*Op[W]
	bytes  int
	closed bool

	began time.Time     // of the commit under way; zero: none is
	took  time.Duration // of the one before

	wake   chan struct{} // capacity 1
	ended  chan struct{}
	groups atomic.Int64
	passed atomic.Int64
}

// New starts the committer. commit gets a group, runs those whose Begin says
// yes, and returns an answer for each in the same order; it must not keep the
// slice.
func New[W any](o Options, commit func(group []*Op[W]) []error) *Queue[W] {
	q := &Queue[W]{options: o.defaults(), commit: commit, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go q.run()
	return q
}

// Do waits until the work is committed, or refused. When ctx ends before the
// work began, it does not run and ctx's error is returned; afterwards Do waits
// for the outcome, so that no caller is left without knowing it.
func (q *Queue[W]) Do(ctx context.Context, size int, urgent bool, work W) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := &Op[W]{Work: work, ctx: ctx, size: size, done: make(chan error, 1)}
	if err := q.push(op, urgent); err != nil {
		return err
	}
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		if op.state.CompareAndSwap(waiting, abandoned) || op.state.Load() == abandoned {
			return ctx.Err()
		}
		return <-op.done
	}
}

func (q *Queue[W]) push(op *Op[W], urgent bool) error {
	ops, bytes := q.options.MaxOps, q.options.MaxBytes
	if !urgent {
		ops, bytes = ops-ops/4, bytes-bytes/4
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return fleet.Errorf(fleet.CodeUnavailable, "store_closed", "The store is shutting down.")
	case len(q.ops) >= ops || len(q.ops) > 0 && q.bytes+op.size > bytes:
		e := fleet.Errorf(fleet.CodeExhausted, "store_busy", "Too many changes are waiting to be written.")
		e.RetryAfter = time.Second
		return e
	}
	q.ops = append(q.ops, op)
	q.bytes += op.size
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// take removes the next group; more says whether the queue lives on.
func (q *Queue[W]) take() (group []*Op[W], more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.ops) && n < q.options.GroupOps && (n == 0 || bytes+q.ops[n].size <= q.options.GroupBytes) {
		bytes += q.ops[n].size
		n++
	}
	group = q.ops[:n:n]
	q.ops = q.ops[n:]
	if len(q.ops) == 0 {
		q.ops = nil // gives the old array back
	}
	q.bytes -= bytes
	return group, n > 0 || !q.closed
}

func (q *Queue[W]) run() {
	defer close(q.ended)
	for {
		group, more := q.take()
		if !more {
			return
		}
		if len(group) == 0 {
			<-q.wake
			continue
		}
		q.groups.Add(1)
		q.passed.Add(int64(len(group)))
		began := time.Now()
		q.time(began, 0)
		answers := q.commit(group)
		q.time(time.Time{}, time.Since(began))
		for i, err := range answers {
			if group[i].state.Load() == abandoned {
				err = group[i].ctx.Err()
			}
			group[i].done <- err
		}
		if len(group) > 1 {
			q.gather()
		}
	}
}

// gather lets those who were just answered hand in their next change, or the
// callers would split into two groups that take turns. It yields as long as the
// queue grows, and never waits.
func (q *Queue[W]) gather() {
	for before, n := -1, q.Waiting(); n > before && n < q.options.GroupOps; {
		before = n
		runtime.Gosched()
		n = q.Waiting()
	}
}

// Stats says how many groups and operations went through.
func (q *Queue[W]) Stats() (groups, ops int64) { return q.groups.Load(), q.passed.Load() }

func (q *Queue[W]) time(began time.Time, took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.began = began; began.IsZero() {
		q.took = took
	}
}

// Load is how hard the queue is pressed.
type Load struct {
	Waiting, Capacity int           // operations that are not urgent
	Commit            time.Duration // the age of the commit under way, or what the last one took
}

// Load looks at the queue.
func (q *Queue[W]) Load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := Load{Waiting: len(q.ops), Capacity: q.options.MaxOps - q.options.MaxOps/4}
	if byBytes := q.options.MaxBytes - q.options.MaxBytes/4; q.bytes > 0 { // whichever is nearer to its end
		l.Waiting = max(l.Waiting, int(int64(q.bytes)*int64(l.Capacity)/int64(byBytes)))
	}
	switch {
	case !q.began.IsZero():
		l.Commit = max(time.Since(q.began), q.took)
	case l.Waiting > 0:
		l.Commit = q.took
	}
	return l
}

// Waiting says how many operations are in the queue now.
func (q *Queue[W]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ops)
}

// Close refuses new work, waits until what was accepted is committed and stops
// the goroutine. It may be called more than once.
func (q *Queue[W]) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	<-q.ended
}
