package stream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// What one tail keeps at most.
const (
	ringFacts = 4096
	ringTicks = 64
)

// tail reads one tenant's log for all its readers.
type tail struct {
	h       *Hub
	tenant  fleet.TenantID
	readers int // under the hub's lock
	stop    context.CancelFunc

	mu      sync.Mutex
	facts   []*fact // without a gap: the first is number base+1
	base    int64
	changed chan struct{} // closed, and made anew, when there is something to read
	broken  error         // the last reading failed

	robots  map[fleet.RobotID]*robotSample
	running map[fleet.ID]*jobSample
	ticks   []tick // the last ones
	ticked  int64  // number of the newest

	reads lineReads // has a lock of its own
}

func newTail(h *Hub, t fleet.TenantID) *tail {
	return &tail{h: h, tenant: t, changed: make(chan struct{})}
}

// begin puts the tail at the present end of the log and takes the first samples.
func (t *tail) begin(ctx context.Context) error {
	err := t.h.o.Store.View(ctx, scope(t.tenant), func(r store.Reader) (err error) { t.base, err = r.Head(); return err })
	if err != nil {
		return err
	}
	return t.sample(ctx)
}

// run reads until ctx ends.
func (t *tail) run(ctx context.Context) {
	wake, stop := t.h.o.Store.Signals().Listen(store.TopicEvents)
	defer stop()
	every := time.NewTicker(look)
	defer every.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		t.note(t.follow(ctx))
		pause.Reset(together)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-every.C:
			t.note(t.sample(ctx))
		}
	}
}

// note tells of readings that begin to fail, and of the first that succeeds.
func (t *tail) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	t.mu.Lock()
	before := t.broken
	t.broken = err
	t.mu.Unlock()
	if err != nil && before == nil {
		t.h.o.Logger.Warn("streams do not see the log now", "tenant", t.tenant, "error", err)
	}
}

// follow reads what is new in the log.
func (t *tail) follow(ctx context.Context) error {
	for {
		t.mu.Lock()
		at := t.base + int64(len(t.facts))
		t.mu.Unlock()
		b, err := t.h.read(ctx, t.tenant, at, page)
		if errors.Is(err, fleet.ErrGone) { // the store was set back, or this process slept: readers are told one by one
			t.mu.Lock()
			t.facts, t.base = nil, b.head
			t.tell()
			t.mu.Unlock()
			return nil
		}
		if err != nil || len(b.facts) == 0 {
			return err
		}
		t.mu.Lock()
		t.heed(b.facts)
		t.facts = append(t.facts, b.facts...)
		if over := len(t.facts) - ringFacts; over > 0 {
			t.base += int64(over)
			t.facts = append(make([]*fact, 0, ringFacts+page), t.facts[over:]...)
		}
		t.tell()
		t.mu.Unlock()
	}
}

// tell wakes the readers; the lock is held.
func (t *tail) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// after returns the facts that the ring has after a cursor, and a channel that is
// closed when there is more; ok is false if the ring does not reach back so far,
// or not yet so far ahead.
func (t *tail) after(cursor int64) (facts []*fact, more <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if head := t.base + int64(len(t.facts)); cursor < t.base || cursor > head {
		return nil, t.changed, false
	}
	list := t.facts[cursor-t.base:]
	return list[:min(len(list), page):min(len(list), page)], t.changed, true
}

// waiting is how many facts the ring has after a cursor.
func (t *tail) waiting(cursor int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.base + int64(len(t.facts)) - cursor
}
