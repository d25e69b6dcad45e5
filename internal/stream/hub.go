package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Options are what a hub stands on.
type Options struct {
	Store  store.Store
	Timing func(environment string) fleet.Timing
	Now    func() time.Time
	Logger *slog.Logger
	// Topics bounds what one reader subscribes to; 0: 100.
	Topics int
	// Recent is how long ago a job may have ended that readers without a cursor are
	// told of when they connect; 0: 10 minutes.
	Recent time.Duration
	// Waiting is how many of the jobs that only wait they are told of then, the
	// newest of them; 0: 2000.
	Waiting int
}

// Hub serves the streams of one orchestrator. It is safe for concurrent use.
type Hub struct {
	o      Options
	ctx    context.Context //nolint:containedctx // the life of the tails, which Close ends
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	tails map[fleet.TenantID]*tail
}

// New returns a hub that watches nothing yet.
func New(o Options) *Hub {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Topics == 0 {
		o.Topics = 100
	}
	if o.Recent == 0 {
		o.Recent = legacyRecent
	}
	if o.Waiting == 0 {
		o.Waiting = legacyWaiting
	}
	h := &Hub{o: o, tails: map[fleet.TenantID]*tail{}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Close ends all tails and waits for them. Readers end with their requests.
func (h *Hub) Close() {
	h.cancel()
	h.wg.Wait()
}

// scope is that of all of a tenant. What a reader may see of it is its filter's.
func scope(t fleet.TenantID) store.Scope { return store.System("stream").In(t) }

// The reading of the log.
const (
	page     = 500
	farBack  = 50_000                // facts; beyond it a snapshot is cheaper
	look     = time.Second           // a signal may be lost
	together = 50 * time.Millisecond // what comes within it is read at once
)

// enter makes a reader of the tenant's tail, which is started for the first one.
func (h *Hub) enter(ctx context.Context, t fleet.TenantID) (*tail, func(), error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return nil, nil, fleet.Errorf(fleet.CodeUnavailable, "stopping", "This orchestrator stops.")
	}
	tl := h.tails[t]
	if tl == nil {
		tl = newTail(h, t)
		if err := tl.begin(ctx); err != nil {
			return nil, nil, err
		}
		var run context.Context
		run, tl.stop = context.WithCancel(h.ctx)
		h.tails[t] = tl
		h.wg.Go(func() { tl.run(run) })
	}
	tl.readers++
	return tl, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if tl.readers--; tl.readers == 0 {
			tl.stop()
			delete(h.tails, t)
		}
	}, nil
}

// batch is one reading of the log with the rows of its events.
type batch struct {
	facts []*fact
	head  int64
}

// read reads facts after a cursor. A cursor that the log does not reach back to,
// or that is beyond its end, is gone.
func (h *Hub) read(ctx context.Context, t fleet.TenantID, after int64, limit int) (b batch, err error) {
	err = h.o.Store.View(ctx, scope(t), func(r store.Reader) error {
		if b.head, err = r.Head(); err != nil {
			return err
		}
		b.facts = nil
		if after >= b.head {
			return nil
		}
		list, err := r.Events(store.EventFilter{After: after, Limit: limit})
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].Seq != after+1 {
			return expired("The events after %d are not kept any more.", after)
		}
		b.facts, err = h.rows(r, list, b.head)
		return err
	})
	switch {
	case err != nil:
		return b, err
	case after > b.head:
		return b, expired("The cursor %d is beyond the log, which ends at %d: it belongs to another store.", after, b.head)
	case b.head-after > farBack:
		return b, gone("too_far_behind", "The cursor %d is %d events behind.", after, b.head-after)
	}
	return b, nil
}

func expired(format string, args ...any) error { return gone("cursor_expired", format, args...) }

func gone(reason, format string, args ...any) error {
	return fleet.Errorf(fleet.CodeGone, reason, format, args...).
		WithFix("Read GET /api/v1/fleet/snapshot and go on from the cursor that comes with it.")
}

// rows looks up what events are about: each row once, with the last event of it.
func (h *Hub) rows(r store.Reader, list []fleet.Event, head int64) ([]*fact, error) {
	facts := make([]*fact, len(list))
	lastJob, lastRobot := map[fleet.ID]int{}, map[fleet.RobotID]int{}
	for i := range list {
		facts[i] = &fact{event: list[i], v: head}
		switch id := list[i].Subject.ID; topicOf(&list[i]) {
		case topicJobs:
			lastJob[fleet.ID(id)] = i
		case topicRobots:
			lastRobot[fleet.RobotID(id)] = i
		}
	}
	jobs, err := r.JobsOf(keys(lastJob))
	if err != nil {
		return nil, err
	}
	found := make(map[fleet.ID]*fleet.Job, len(jobs))
	for i := range jobs {
		found[jobs[i].ID] = &jobs[i]
	}
	for i := range list {
		if topicOf(&list[i]) == topicJobs {
			if id := robotOf(&list[i], found[fleet.ID(list[i].Subject.ID)]); id != "" {
				lastRobot[id] = max(lastRobot[id], i)
			}
		}
	}
	robots, err := r.RobotsOf(keys(lastRobot))
	if err != nil {
		return nil, err
	}
	held := make(map[fleet.RobotID]*fleet.Robot, len(robots))
	now := h.o.Now()
	for i := range robots {
		robots[i].Derive(h.o.Timing(robots[i].Environment), now)
		held[robots[i].ID] = &robots[i]
	}
	for i, f := range facts {
		switch id := list[i].Subject.ID; topicOf(&list[i]) {
		case topicJobs:
			job := found[fleet.ID(id)]
			if f.gone = job == nil; job != nil {
				f.env, f.about = job.Environment, job
			}
			if lastJob[fleet.ID(id)] == i {
				f.job = job
			}
		case topicRobots:
			robot := held[fleet.RobotID(id)]
			if f.gone = robot == nil; robot != nil {
				f.env = robot.Environment
			} else {
				f.env = lastHome(&list[i])
			}
		}
	}
	for id, i := range lastRobot {
		facts[i].robot = held[id]
	}
	for _, f := range facts {
		f.split()
	}
	return facts, nil
}

func keys[K comparable](m map[K]int) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// head is the newest number of the principal's tenant.
func (h *Hub) head(ctx context.Context, who auth.Principal) (head int64, err error) {
	err = h.o.Store.View(ctx, scope(who.Tenant), func(r store.Reader) error { head, err = r.Head(); return err })
	return head, err
}

// Readers is how many streams are open.
func (h *Hub) Readers() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.tails {
		n += t.readers
	}
	return n
}
