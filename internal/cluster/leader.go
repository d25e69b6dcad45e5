package cluster

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// The figures of the lease. A leader that dies is followed after the length
// and at most two looks of those who watch: 14 seconds.
const (
	LeaseLength = 10 * time.Second
	LeaseMargin = time.Second
	leaseLook   = LeaseLength / 5
)

// Chores is the name of the lease under which all chores run.
const Chores = "chores"

// Leader holds a lease as long as it can, or waits to take it.
type Leader struct {
	Store  store.Store
	Name   string
	Member fleet.ID
	Clock  func() time.Time // monotonic
	Logger *slog.Logger

	// Of RunOnce alone, which is called by one goroutine at a time.
	seen    store.Lease
	since   time.Time // when seen was first seen; zero: never looked
	renewed time.Time // start of the last renewal

	mu     sync.Mutex
	holder fleet.ID // as the last look saw it
	term   int64
	until  time.Time // trusted so long; zero: not held
}

// Run takes and renews the lease until ctx ends.
func (l *Leader) Run(ctx context.Context) {
	every(ctx, leaseLook, func() {
		if err := l.RunOnce(ctx); err != nil && ctx.Err() == nil {
			l.Logger.Warn("lease not looked at", "lease", l.Name, "error", err)
		}
	})
}

// RunOnce looks at the lease once, and takes or renews it if it may.
func (l *Leader) RunOnce(ctx context.Context) error {
	var row store.Lease
	orphaned := false
	err := l.Store.View(ctx, scope(), func(r store.Reader) (err error) {
		if row, err = r.Lease(l.Name); err != nil {
			return err
		}
		members, err := r.Members()
		orphaned = !slices.ContainsFunc(members, func(m fleet.Member) bool { return m.ID == row.Member })
		return err
	})
	if err != nil {
		return err // what is held is trusted until its time, and no longer
	}
	l.mu.Lock()
	l.holder = row.Member
	l.mu.Unlock()
	// The row may have been renewed until just now, so its time runs from now on.
	if l.since.IsZero() || row != l.seen {
		l.seen, l.since = row, l.Clock()
	}
	switch mine := row.Member == l.Member; {
	case mine && l.fresh():
		return nil
	case mine:
	case orphaned, l.Clock().Sub(l.since) >= LeaseLength: // also: released, or never taken
	default:
		l.drop("another member took it")
		return nil
	}
	return l.take(ctx)
}

// fresh says whether the lease is held and needs no renewal yet.
func (l *Leader) fresh() bool {
	_, ok := l.Held()
	return ok && l.Clock().Sub(l.renewed) < LeaseLength/3
}

func (l *Leader) take(ctx context.Context) error {
	start := l.Clock()
	var got store.Lease
	taken := false
	err := l.Store.Update(ctx, scope(), func(tx store.Tx) (err error) {
		got, taken, err = tx.TakeLease(l.Name, l.Member, l.seen)
		return err
	})
	if err == nil && taken {
		err = fail.At(fail.LeaseTaken)
	}
	if err != nil {
		return err // the next look tells whether it was taken
	}
	if !taken {
		l.drop("another member was first")
		return nil
	}
	l.seen, l.since, l.renewed = got, l.Clock(), start
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.term != got.Term || l.until.IsZero() {
		l.Logger.Info("this member does the chores", "lease", l.Name, "term", got.Term)
	}
	l.holder, l.term, l.until = got.Member, got.Term, start.Add(LeaseLength-LeaseMargin)
	return nil
}

func (l *Leader) drop(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.until.IsZero() {
		l.Logger.Info("this member does the chores no more", "lease", l.Name, "term", l.term, "why", why)
	}
	l.until = time.Time{}
}

// Held is the term in which this member holds the lease, as far as it can know
// without asking.
func (l *Leader) Held() (term int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term, l.Clock().Before(l.until)
}

// Holder is the member that held the lease when this one last looked; empty if
// none did.
func (l *Leader) Holder() fleet.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder
}

// Release lets another member take the lease at once. Run must have ended.
func (l *Leader) Release(ctx context.Context) error {
	l.drop("this member stops")
	return l.Store.Update(ctx, scope(), func(tx store.Tx) error {
		row, err := tx.Lease(l.Name)
		if err != nil || row.Member != l.Member {
			return err
		}
		return tx.ReleaseLease(l.Name, l.Member, row.Term)
	})
}
