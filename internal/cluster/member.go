package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// The rhythm of members. A member renews often enough that one renewal may
// fail, and is gone when robots would be suspect too.
const (
	Beat     = 5 * time.Second
	GoneTime = 30 * time.Second
)

// Membership is this orchestrator among the others.
type Membership struct {
	Store  store.Store
	Self   fleet.Member // without incarnation; Join gives one
	IDs    *fleet.IDs
	Clock  func() time.Time // monotonic
	Now    func() time.Time // wall clock, for rows
	Logger *slog.Logger
	// Exclusive says that no other process can have this store open. Whatever
	// earlier ones left there is ended when this one joins.
	Exclusive bool
	// Leader says who looks after members that are gone.
	Leader *Leader
	// Rejoined is called when others took this member for gone and closed its
	// sessions: its robots must connect anew. It may be nil.
	Rejoined func()

	mu          sync.Mutex
	incarnation fleet.ID
	seen        map[fleet.ID]sighting
	last        time.Time // when the store was last read
	swept       int64     // term in which strays were looked for
}

// sighting is a member and when its number was first seen to be what it is.
type sighting struct {
	member fleet.Member
	since  time.Time
}

func scope() store.Scope { return store.System("cluster") }

// Join makes this orchestrator a member. On a store that it has for itself it
// also ends the sessions and memberships of the processes before it; attempts
// are left alone: their robots come back and say what they hold, or their
// leases run out.
func (m *Membership) Join(ctx context.Context) error {
	self := m.Self
	self.Incarnation = m.IDs.New()
	err := m.Store.Update(ctx, scope(), func(tx store.Tx) error {
		if m.Exclusive {
			if err := m.alone(tx); err != nil {
				return err
			}
		}
		if err := tx.Join(self); err != nil {
			return err
		}
		return fail.At(fail.JoinBeforeCommit)
	})
	if err == nil {
		err = fail.At(fail.JoinAfterCommit)
	}
	if err != nil {
		return fmt.Errorf("join the other orchestrators: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.incarnation = self.Incarnation
	return nil
}

// alone ends what earlier processes left.
func (m *Membership) alone(tx store.Tx) error {
	before, err := tx.Members()
	if err != nil {
		return err
	}
	for _, b := range before {
		if err := tx.Leave(b.ID, b.Incarnation); err != nil {
			return err
		}
	}
	n, err := tx.CloseMember("", m.Now())
	if n > 0 {
		m.Logger.Info("sessions of an earlier start closed", "sessions", n)
	}
	return err
}

// Run renews the membership and looks at the others until ctx ends.
func (m *Membership) Run(ctx context.Context) {
	every(ctx, Beat, func() {
		if err := m.RunOnce(ctx); err != nil && ctx.Err() == nil {
			m.Logger.Warn("membership not renewed", "error", err)
		}
	})
}

// RunOnce renews this member, looks at the others, and, where the chores are
// done, ends what members left that are gone.
func (m *Membership) RunOnce(ctx context.Context) error {
	m.mu.Lock()
	incarnation := m.incarnation
	m.mu.Unlock()
	here := false
	err := m.Store.Update(ctx, scope(), func(tx store.Tx) (err error) {
		here, err = tx.RenewMember(m.Self.ID, incarnation)
		return err
	})
	if err != nil {
		return err
	}
	if !here {
		m.Logger.Warn("the others took this member for gone; its robots connect anew", "member_id", m.Self.ID)
		if m.Rejoined != nil {
			m.Rejoined()
		}
		if err := m.Join(ctx); err != nil {
			return err
		}
	}
	if err := m.observe(ctx); err != nil {
		return err
	}
	if term, ok := m.Leader.Held(); ok {
		return m.sweep(ctx, term)
	}
	return nil
}

// observe reads the members and remembers when each number was first seen.
func (m *Membership) observe(ctx context.Context) error {
	var list []fleet.Member
	err := m.Store.View(ctx, scope(), func(r store.Reader) (err error) { list, err = r.Members(); return err })
	if err != nil {
		return err
	}
	now := m.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	// If we could not look, perhaps nobody could renew.
	stalled := !m.last.IsZero() && now.Sub(m.last) > GoneTime/3
	m.last = now
	next := make(map[fleet.ID]sighting, len(list))
	for _, x := range list {
		s, known := m.seen[x.ID]
		if !known || stalled || s.member.RenewSeq != x.RenewSeq || s.member.Incarnation != x.Incarnation {
			s.since = now
		}
		s.member = x
		next[x.ID] = s
		if !known && x.ID != m.Self.ID {
			m.Logger.Info("member seen", "member_id", x.ID, "address", x.Address, "version", x.Version)
		}
	}
	m.seen = next
	return nil
}

// Live lists the members that are there as far as this one can see, by id. It
// asks nobody, so it answers also while the store is away.
func (m *Membership) Live() []fleet.Member {
	list, leader := m.pick(false), m.Leader.Holder()
	for i := range list {
		list[i].Leader, list[i].Self = list[i].ID == leader, list[i].ID == m.Self.ID
	}
	return list
}

func (m *Membership) pick(gone bool) []fleet.Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]fleet.Member, 0, len(m.seen))
	for _, s := range m.seen {
		if (m.last.Sub(s.since) >= GoneTime) == gone {
			out = append(out, s.member)
		}
	}
	slices.SortFunc(out, func(a, b fleet.Member) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	return out
}

// sweep removes the members that are gone and closes their sessions, and once
// in each term what strangers left: a store that was copied or restored may
// hold sessions of orchestrators that are not there at all.
func (m *Membership) sweep(ctx context.Context, term int64) error {
	for _, gone := range m.pick(true) {
		if gone.ID == m.Self.ID {
			continue
		}
		removed, closed := false, 0
		err := m.Store.Update(ctx, scope(), func(tx store.Tx) (err error) {
			if removed, err = tx.RemoveMember(gone); err != nil || !removed {
				return err
			}
			closed, err = tx.CloseMember(gone.ID, m.Now())
			return err
		})
		if err != nil {
			return fmt.Errorf("remove the member %s that is gone: %w", gone.ID, err)
		}
		if removed {
			m.Logger.Warn("member is gone; its sessions are closed", "member_id", gone.ID, "address", gone.Address, "sessions", closed)
		}
	}
	m.mu.Lock()
	done := m.swept == term
	m.mu.Unlock()
	if done {
		return nil
	}
	err := m.Store.Update(ctx, scope(), func(tx store.Tx) error {
		strays, err := tx.Strays()
		if err != nil {
			return err
		}
		for _, id := range strays {
			n, err := tx.CloseMember(id, m.Now())
			if err != nil {
				return err
			}
			m.Logger.Warn("sessions of an orchestrator that is not there closed", "member_id", id, "sessions", n)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("close the sessions of orchestrators that are not there: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.swept = term
	return nil
}

// Leave ends the membership, with the sessions that are still open.
func (m *Membership) Leave(ctx context.Context) error {
	m.mu.Lock()
	incarnation := m.incarnation
	m.mu.Unlock()
	return m.Store.Update(ctx, scope(), func(tx store.Tx) error {
		if _, err := tx.CloseMember(m.Self.ID, m.Now()); err != nil {
			return err
		}
		return tx.Leave(m.Self.ID, incarnation)
	})
}
