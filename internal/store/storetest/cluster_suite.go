package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// NewMember is an orchestrator that has not joined yet.
func (f *Fixture) NewMember() fleet.Member {
	return fleet.Member{ID: f.IDs.New(), Incarnation: f.IDs.New(), Version: "v1", Address: "http://m:1", StartedAt: f.Now}
}

// systemUpdate changes what belongs to no tenant.
func (f *Fixture) systemUpdate(fn func(tx store.Tx) error) {
	f.Helper()
	f.must(f.Store.Update(f.Context(), store.System("test"), fn))
}

func (f *Fixture) members() (list []fleet.Member) {
	f.Helper()
	f.System(func(r store.Reader) (err error) { list, err = r.Members(); return err })
	return list
}

// take takes or renews the lease "chores".
func (f *Fixture) take(member fleet.ID, seen store.Lease) (l store.Lease, ok bool) {
	f.Helper()
	f.systemUpdate(func(tx store.Tx) (err error) { l, ok, err = tx.TakeLease("chores", member, seen); return err })
	return l, ok
}

func (f *Fixture) lease() (l store.Lease) {
	f.Helper()
	f.System(func(r store.Reader) (err error) { l, err = r.Lease("chores"); return err })
	return l
}

func clusterTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"members join, renew and leave": func(f *Fixture) {
			a, b := f.NewMember(), f.NewMember()
			f.systemUpdate(func(tx store.Tx) error { return tx.Join(b) })
			f.systemUpdate(func(tx store.Tx) error { return tx.Join(a) })
			list := f.members()
			is(f, "both, by id", len(list) == 2 && list[0].ID == a.ID && list[1].ID == b.ID, true)
			want := a
			want.RenewSeq = list[0].RenewSeq
			is(f, "as it joined", list[0], want)
			renew := func(incarnation fleet.ID) (ok bool) {
				f.systemUpdate(func(tx store.Tx) (err error) { ok, err = tx.RenewMember(a.ID, incarnation); return err })
				return ok
			}
			is(f, "renewed", renew(a.Incarnation), true)
			is(f, "higher", f.members()[0].RenewSeq > list[0].RenewSeq, true)
			is(f, "another incarnation renews nothing", renew(b.Incarnation), false)
			f.systemUpdate(func(tx store.Tx) error { return tx.Leave(a.ID, b.Incarnation) })
			is(f, "another incarnation leaves nothing", len(f.members()), 2)
			f.systemUpdate(func(tx store.Tx) error { return tx.Leave(a.ID, a.Incarnation) })
			is(f, "left", len(f.members()), 1)
			is(f, "who left renews nothing", renew(a.Incarnation), false)
		},
		"a member is removed only as it was seen": func(f *Fixture) {
			a := f.NewMember()
			f.systemUpdate(func(tx store.Tx) error { return tx.Join(a) })
			remove := func(seen fleet.Member) (ok bool) {
				f.systemUpdate(func(tx store.Tx) (err error) { ok, err = tx.RemoveMember(seen); return err })
				return ok
			}
			seen := f.members()[0]
			f.systemUpdate(func(tx store.Tx) error { _, err := tx.RenewMember(a.ID, a.Incarnation); return err })
			is(f, "it renewed since", remove(seen), false)
			renewed := f.members()[0]
			again := a
			again.Incarnation = f.IDs.New()
			f.systemUpdate(func(tx store.Tx) error { return tx.Join(again) })
			is(f, "it joined anew since", remove(renewed), false)
			is(f, "one row", len(f.members()), 1)
			is(f, "as it is", remove(f.members()[0]), true)
			is(f, "gone", len(f.members()), 0)
		},
		"a lease has one holder and rising terms": func(f *Fixture) {
			a, b := f.IDs.New(), f.IDs.New()
			is(f, "never taken", f.lease(), store.Lease{})
			first, ok := f.take(a, store.Lease{})
			is(f, "taken", ok, true)
			is(f, "first term", first, store.Lease{Member: a, Term: 1, RenewSeq: 1})
			_, ok = f.take(b, store.Lease{})
			is(f, "not free any more", ok, false)
			second, ok := f.take(a, first)
			is(f, "renewed", ok, true)
			is(f, "same term", second, store.Lease{Member: a, Term: 1, RenewSeq: 2})
			_, ok = f.take(b, first)
			is(f, "it was renewed since", ok, false)
			is(f, "as read", f.lease(), second)
			third, ok := f.take(b, second)
			is(f, "taken over", ok, true)
			is(f, "next term", third, store.Lease{Member: b, Term: 2, RenewSeq: 3})
			_, ok = f.take(a, second)
			is(f, "the one before renews nothing", ok, false)
		},
		"a lease is released by its holder alone": func(f *Fixture) {
			a, b := f.IDs.New(), f.IDs.New()
			first, _ := f.take(a, store.Lease{})
			release := func(member fleet.ID, term int64) {
				f.systemUpdate(func(tx store.Tx) error { return tx.ReleaseLease("chores", member, term) })
			}
			release(b, first.Term)
			release(a, first.Term+1)
			is(f, "still held", f.lease(), first)
			release(a, first.Term)
			is(f, "released", f.lease().Member, fleet.ID(""))
			next, ok := f.take(a, f.lease())
			is(f, "taken again", ok && next.Term == 2, true)
			other := store.Lease{}
			f.System(func(r store.Reader) (err error) { other, err = r.Lease("other"); return err })
			is(f, "leases do not touch each other", other, store.Lease{})
		},
		"of many takers one wins": func(f *Fixture) {
			var seen store.Lease
			for round := range 10 {
				var mu sync.Mutex
				var winners []store.Lease
				var wg sync.WaitGroup
				for range 8 {
					id := f.IDs.New()
					wg.Go(func() {
						l, ok := f.take(id, seen)
						mu.Lock()
						defer mu.Unlock()
						if ok {
							winners = append(winners, l)
						}
					})
				}
				wg.Wait()
				is(f, "winners", len(winners), 1)
				is(f, "term", winners[0].Term, int64(round+1))
				seen = winners[0]
			}
		},
		"sessions of a member that is gone": func(f *Fixture) {
			session := f.connectTo("r1", "member-1")
			f.connectTo("r2", "member-1")
			moved := f.connectTo("r2", "member-2")
			f.systemUpdate(func(tx store.Tx) error {
				return tx.Join(fleet.Member{ID: "member-2", Incarnation: "i", StartedAt: f.Now})
			})
			strays := func() (ids []fleet.ID) {
				f.System(func(r store.Reader) (err error) { ids, err = r.Strays(); return err })
				return ids
			}
			is(f, "strays", slices.Equal(strays(), []fleet.ID{"member-1"}), true)
			f.Later(time.Second)
			f.systemUpdate(func(tx store.Tx) error {
				n, err := tx.CloseMember("member-1", f.Now)
				is(f, "closed", n, 1)
				return err
			})
			is(f, "no strays", len(strays()), 0)
			f.View(func(r store.Reader) error {
				s, err := r.Session(session.ID)
				is(f, "closed as", s.Reason, "member_gone")
				f.must(err)
				one, err := r.Robot("r1")
				f.must(err)
				two, err := r.Robot("r2")
				is(f, "one is away, the other where it went", !one.Connected && two.Connected && two.MemberID == moved.MemberID, true)
				return err
			})
		},
		"robots that must stop something": func(f *Fixture) {
			stopping := func() (list []store.RobotRef) {
				f.System(func(r store.Reader) (err error) { list, err = r.Stopping(); return err })
				return list
			}
			o := f.Other("globex")
			j := f.Running(f.Spec(), "r1", f.Robot("r1", 2))
			f.Running(f.Spec(), "r2", f.Robot("r2", 1))
			is(f, "nobody", len(stopping()), 0)
			f.Cancel(j.ID)
			o.Cancel(o.Running(o.Spec(), "r1", o.Robot("r1", 1)).ID)
			list := stopping()
			is(f, "of both tenants", len(list) == 2 && slices.Contains(list, store.RobotRef{Tenant: f.Tenant, RobotID: "r1"}) &&
				slices.Contains(list, store.RobotRef{Tenant: o.Tenant, RobotID: "r1"}), true)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.StopLimit(s.Job.Epoch, f.Now.Add(time.Hour)) }))
			is(f, "ended", len(stopping()), 1)
		},
		"a tenant sees no member and no lease": func(f *Fixture) {
			refused := func(what string, err error) {
				f.Helper()
				is(f, what, fleet.AsError(err).Code, fleet.CodeInternal)
			}
			refused("members", f.Store.View(f.Context(), f.Scope, func(r store.Reader) error { _, err := r.Members(); return err }))
			refused("lease", f.Store.View(f.Context(), f.Scope, func(r store.Reader) error { _, err := r.Lease("chores"); return err }))
			refused("join", f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.Join(f.NewMember()) }))
			refused("take", f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				_, _, err := tx.TakeLease("chores", "m", store.Lease{})
				return err
			}))
		},
	}
}

// connectTo registers a robot and opens a session that a named member holds.
func (f *Fixture) connectTo(id fleet.RobotID, member fleet.ID) fleet.Session {
	f.Helper()
	s := fleet.Session{
		ID: f.IDs.New(), Tenant: f.Tenant, RobotID: id, MemberID: member, Transport: "ws2", InstanceID: "i", BootID: "b",
		JournalID: "j", ResumeHash: "h", OpenedAt: f.Now,
	}
	f.Update(func(tx store.Tx) error {
		if err := tx.PutRobot(f.NewRobot(id, 1)); err != nil {
			return err
		}
		var err error
		s.Epoch, err = tx.OpenSessionAs(s)
		return err
	})
	return s
}
