package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// group is a real store that several members share, on the clock of a bubble.
type group struct {
	*testing.T
	store store.Store
	ids   *fleet.IDs
}

// member is one of them, with its own way to the store.
type member struct {
	*Membership
	way    *way
	rejoin atomic.Int32
	stop   func()
}

// way is the store as one member reaches it.
type way struct {
	store.Store
	away atomic.Bool
}

var errAway = errors.New("the way to the database is cut")

func (w *way) View(ctx context.Context, s store.Scope, fn func(store.Reader) error) error {
	if w.away.Load() {
		return errAway
	}
	return w.Store.View(ctx, s, fn)
}

func (w *way) Update(ctx context.Context, s store.Scope, fn func(store.Tx) error) error {
	if w.away.Load() {
		return errAway
	}
	return w.Store.Update(ctx, s, fn)
}

func TestMain(m *testing.M) { dbtest.Main(m) }

// inBubble runs a test with a store on a clock that moves when all wait.
func inBubble(t *testing.T, test func(g *group)) {
	t.Helper()
	dbtest.EmbeddedOnly(t, "the clock of a bubble stands still while somebody reads from a socket")
	synctest.Test(t, func(t *testing.T) { onStore(t, test) })
}

// onStore runs a test that calls RunOnce itself and waits for nothing.
func onStore(t *testing.T, test func(g *group)) {
	t.Helper()
	ids := fleet.NewIDs(time.Now, rand.Reader)
	test(&group{t, dbtest.Open(t, dbtest.Options{IDs: ids}), ids})
}

func (g *group) must(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

// member joins; run makes its loops.
func (g *group) member(over store.Store, change ...func(*Membership)) *member {
	g.Helper()
	m := &member{way: &way{Store: over}, stop: func() {}}
	id := g.ids.New()
	log := slog.New(slog.DiscardHandler)
	m.Membership = &Membership{
		Store: m.way, Self: fleet.Member{ID: id, Version: "v", Address: "a", StartedAt: time.Now()}, IDs: g.ids,
		Clock: time.Now, Now: time.Now, Logger: log, Rejoined: func() { m.rejoin.Add(1) },
		Leader: &Leader{Store: m.way, Name: Chores, Member: id, Clock: time.Now, Logger: log},
	}
	for _, c := range change {
		c(m.Membership)
	}
	g.must(m.Join(g.Context()))
	return m
}

// run starts the loops of a member; its stop is like the death of a process.
func (g *group) run(m *member) *member {
	ctx, cancel := context.WithCancel(g.Context())
	done := make(chan struct{}, 2)
	go func() { m.Leader.Run(ctx); done <- struct{}{} }()
	go func() { m.Run(ctx); done <- struct{}{} }()
	m.stop = func() { cancel(); <-done; <-done; m.stop = func() {} }
	g.Cleanup(func() { m.stop() })
	return m
}

func (m *member) leads() bool { _, ok := m.Leader.Held(); return ok }

// until waits in steps and says how long it took. Every step checks what must
// hold at all times.
func (g *group) until(limit time.Duration, always func(), ok func() bool) time.Duration {
	g.Helper()
	start := time.Now()
	synctest.Wait()
	for !ok() {
		if always != nil {
			always()
		}
		if time.Since(start) > limit {
			g.Fatalf("it did not come within %s", limit)
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}

func (g *group) list() (list []fleet.Member) {
	g.Helper()
	g.must(g.store.View(g.Context(), scope(), func(r store.Reader) (err error) { list, err = r.Members(); return err }))
	return list
}

// session opens a session of a robot that a member holds.
func (g *group) session(robot fleet.RobotID, of fleet.ID) {
	g.Helper()
	g.must(g.store.Update(g.Context(), store.Tenant("t"), func(tx store.Tx) error {
		err := tx.PutRobot(fleet.Robot{ID: robot, Tenant: "t", Name: "r", Environment: "default", Mode: fleet.ModeActive, CreatedAt: time.Now()})
		if err != nil {
			return err
		}
		_, err = tx.OpenSessionAs(fleet.Session{ID: g.ids.New(), Tenant: "t", RobotID: robot, MemberID: of, OpenedAt: time.Now()})
		return err
	}))
}

func (g *group) connected(robot fleet.RobotID) (yes bool) {
	g.Helper()
	g.must(g.store.View(g.Context(), store.Tenant("t"), func(r store.Reader) error {
		x, err := r.Robot(robot)
		yes = x.Connected
		return err
	}))
	return yes
}

func TestChoresGoOnWhenTheLeaderDies(t *testing.T) {
	for _, phase := range []time.Duration{0, 700 * time.Millisecond, 1900 * time.Millisecond, 3100 * time.Millisecond, 4500 * time.Millisecond} {
		inBubble(t, func(g *group) {
			a := g.run(g.member(g.store))
			if took := g.until(time.Second, nil, a.leads); took > 0 {
				g.Errorf("the only member waited %s for the lease", took)
			}
			first, _ := a.Leader.Held()
			b := g.run(g.member(g.store))
			one := func() {
				if a.leads() && b.leads() {
					g.Error("two members hold the lease")
				}
			}
			g.until(time.Minute, one, func() bool { return time.Since(a.Self.StartedAt) > 30*time.Second+phase })
			if !a.leads() || b.leads() {
				g.Fatal("the lease does not stay where it is")
			}
			a.stop()
			took := g.until(15*time.Second, one, b.leads)
			if term, _ := b.Leader.Held(); term != first+1 {
				g.Errorf("term %d after %d", term, first)
			}
			if took < LeaseMargin {
				g.Errorf("the lease was taken %s after the leader died; it was not over", took)
			}
		})
	}
}

func TestReleasedLeaseIsTakenAtOnce(t *testing.T) {
	inBubble(t, func(g *group) {
		a, b := g.run(g.member(g.store)), g.member(g.store)
		g.until(time.Second, nil, a.leads)
		g.run(b)
		g.until(time.Minute, nil, func() bool { return time.Since(a.Self.StartedAt) > 5*time.Second })
		a.stop()
		g.must(a.Leader.Release(g.Context()))
		if a.leads() {
			g.Error("it holds what it released")
		}
		g.until(leaseLook+100*time.Millisecond, nil, b.leads)
		g.must(a.Leader.Release(g.Context())) // not its own any more
		if row := b.Leader.seen; row.Member != b.Self.ID {
			g.Errorf("held by %q", row.Member)
		}
	})
}

// A leader that cannot renew stops by itself before another one begins.
func TestLeaderThatIsCutOffStopsFirst(t *testing.T) {
	inBubble(t, func(g *group) {
		a, b := g.run(g.member(g.store)), g.member(g.store)
		g.until(time.Second, nil, a.leads)
		g.run(b)
		one := func() {
			if a.leads() && b.leads() {
				g.Error("two members hold the lease")
			}
		}
		g.until(time.Minute, one, func() bool { return time.Since(a.Self.StartedAt) > 21*time.Second })
		a.way.away.Store(true)
		g.until(LeaseLength, one, func() bool { return !a.leads() })
		g.until(15*time.Second, one, b.leads)
		a.way.away.Store(false)
		g.until(2*time.Minute, one, func() bool { return time.Since(a.Self.StartedAt) > 100*time.Second })
		if a.leads() || !b.leads() {
			g.Error("the lease went back")
		}
	})
}

// A lease whose holder is no member is free: a start after a crash, on a store
// that one orchestrator has for itself, waits for nobody.
func TestStartAfterACrashLeadsAtOnce(t *testing.T) {
	onStore(t, func(g *group) {
		before := g.member(g.store)
		g.must(before.Leader.RunOnce(g.Context()))
		g.session("r1", before.Self.ID)
		after := g.member(g.store, func(m *Membership) { m.Exclusive = true })
		g.must(after.Leader.RunOnce(g.Context()))
		if term, ok := after.Leader.Held(); !ok || term != 2 {
			g.Errorf("term %d, held %v", term, ok)
		}
		if list := g.list(); len(list) != 1 || list[0].ID != after.Self.ID {
			g.Errorf("members %+v", list)
		}
		if g.connected("r1") {
			g.Error("a session of the process before is open")
		}
	})
}

// The answer to taking the lease is lost: it is not trusted, and the next look
// finds out.
func TestUnknownOutcomeOfTaking(t *testing.T) {
	onStore(t, func(g *group) {
		faulty := storetest.NewFaulty(g.store)
		a := g.member(faulty)
		faulty.Plan("Update", storetest.Fault{After: storetest.ErrFault})
		if err := a.Leader.RunOnce(g.Context()); !errors.Is(err, storetest.ErrFault) || a.leads() {
			g.Fatalf("got %v, leads %v", err, a.leads())
		}
		g.must(a.Leader.RunOnce(g.Context()))
		if term, ok := a.Leader.Held(); !ok || term != 1 {
			g.Errorf("term %d, held %v", term, ok)
		}
	})
}

func TestSessionsOfAMemberThatIsGone(t *testing.T) {
	inBubble(t, func(g *group) {
		a, b := g.run(g.member(g.store)), g.member(g.store)
		g.until(time.Second, nil, a.leads)
		g.run(b)
		g.session("r1", a.Self.ID)
		g.session("r2", b.Self.ID)
		g.until(time.Minute, nil, func() bool { return len(a.Live()) == 2 && len(b.Live()) == 2 })
		for _, x := range b.Live() {
			if x.Leader != (x.ID == a.Self.ID) || x.Self != (x.ID == b.Self.ID) {
				g.Errorf("b sees %+v", x)
			}
		}
		b.way.away.Store(true)
		took := g.until(GoneTime+3*Beat, nil, func() bool { return !g.connected("r2") })
		if took < GoneTime-Beat {
			g.Errorf("it was gone after %s", took)
		}
		if !g.connected("r1") || len(a.Live()) != 1 || len(g.list()) != 1 {
			g.Errorf("r1 connected %v, %d live, %d rows", g.connected("r1"), len(a.Live()), len(g.list()))
		}
		b.way.away.Store(false)
		g.until(2*Beat, nil, func() bool { return len(a.Live()) == 2 })
		if n := b.rejoin.Load(); n != 1 {
			g.Errorf("it was told %d times that its robots must connect anew", n)
		}
		g.until(time.Minute, nil, func() bool { return time.Since(a.Self.StartedAt) > 2*time.Minute-30*time.Second })
		if n := b.rejoin.Load(); n != 1 || len(g.list()) != 2 {
			g.Errorf("it does not stay: %d times, %d members", n, len(g.list()))
		}
	})
}

// While the store is away nobody can renew: that takes nobody for gone.
func TestOutageOfTheStoreTakesNobodyForGone(t *testing.T) {
	inBubble(t, func(g *group) {
		shared := &way{Store: g.store}
		a, b := g.run(g.member(shared)), g.run(g.member(shared))
		g.until(time.Minute, nil, func() bool { return len(a.Live()) == 2 && len(b.Live()) == 2 })
		shared.away.Store(true)
		start := time.Now()
		g.until(time.Hour, nil, func() bool { return time.Since(start) > 10*time.Minute })
		shared.away.Store(false)
		g.until(time.Hour, nil, func() bool { return time.Since(start) > 12*time.Minute })
		if a.rejoin.Load()+b.rejoin.Load() != 0 || len(g.list()) != 2 {
			g.Errorf("taken for gone: %d and %d times", a.rejoin.Load(), b.rejoin.Load())
		}
		if a.leads() == b.leads() {
			g.Errorf("leaders: %v and %v", a.leads(), b.leads())
		}
	})
}

// What a copied store holds of orchestrators that were never here is closed.
func TestSessionsOfStrangers(t *testing.T) {
	onStore(t, func(g *group) {
		g.session("r1", "from-another-store")
		a, b := g.member(g.store), g.member(g.store)
		g.must(a.Leader.RunOnce(g.Context()))
		g.must(b.RunOnce(g.Context())) // it does not lead
		if !g.connected("r1") {
			g.Error("closed by one that does not do the chores")
		}
		g.must(a.RunOnce(g.Context()))
		if g.connected("r1") {
			g.Error("the session is open still")
		}
	})
}

func TestLeaveEndsWhatIsOpen(t *testing.T) {
	onStore(t, func(g *group) {
		a := g.member(g.store)
		g.session("r1", a.Self.ID)
		g.must(a.Leave(g.Context()))
		if g.connected("r1") || len(g.list()) != 0 {
			g.Errorf("connected %v, members %d", g.connected("r1"), len(g.list()))
		}
	})
}

func TestReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fault, hang atomic.Bool
		var cut, back atomic.Int32
		r := &Reach{
			Probe: func(ctx context.Context) error {
				if hang.Load() {
					<-ctx.Done()
					return ctx.Err()
				}
				if fault.Load() {
					return errAway
				}
				return nil
			},
			Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
			CutOff: func() { cut.Add(1) }, Back: func() { back.Add(1) },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		defer func() { cancel(); <-done }()
		want := func(what string, after time.Duration, reachable bool, cuts, backs int32) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if (r.Fault() == nil) != reachable || cut.Load() != cuts || back.Load() != backs {
				t.Fatalf("%s: fault %v, cut off %d, back %d times", what, r.Fault(), cut.Load(), back.Load())
			}
		}
		want("at the start", time.Hour+time.Millisecond, true, 0, 0)
		fault.Store(true)
		want("at once", reachLook, false, 0, 0)
		if e := fleet.AsError(r.Fault()); e.Code != fleet.CodeUnavailable || e.RetryAfter <= 0 {
			t.Errorf("the fault is %+v", e)
		}
		want("not yet", CutOffTime-3*reachLook, false, 0, 0)
		fault.Store(false)
		want("a blink", reachLook, true, 0, 0)
		hang.Store(true)
		want("a stall", 2*time.Second, false, 0, 0)
		want("slow is not away", CutOffTime/2-2*time.Second, false, 0, 0)
		if e := fleet.AsError(r.Fault()); e.Reason != "database_stalled" || e.RetryAfter <= 0 {
			t.Errorf("while a round trip hangs the fault is %+v", e)
		}
		want("hanging round trips", CutOffTime/2+2*reachLook, false, 1, 0)
		hang.Store(false)
		fault.Store(true)
		want("once only", time.Minute+reachAgain, false, 1, 0)
		fault.Store(false)
		want("back by itself", reachLook, true, 1, 1)
		want("and stays", time.Minute, true, 1, 1)
	})
}

// Members whose wall clocks are set an hour forward and back stay members, keep
// their sessions and the lease: only durations count.
func TestWallClockJumps(t *testing.T) {
	inBubble(t, func(g *group) {
		jump := []time.Duration{time.Hour, -time.Hour, 0}
		var off [2]atomic.Int64
		var all []*member
		for i := range off {
			m := g.run(g.member(g.store, func(m *Membership) {
				m.Now = func() time.Time { return time.Now().Add(time.Duration(off[i].Load())) }
			}))
			g.session(fleet.RobotID("r"+m.Self.ID), m.Self.ID)
			all = append(all, m)
		}
		g.until(2*LeaseLength, nil, func() bool { return all[0].leads() != all[1].leads() })
		leader := all[0]
		if all[1].leads() {
			leader = all[1]
		}
		term, _ := leader.Leader.Held()
		for n := range 6 {
			off[n%2].Store(int64(jump[n%3]))
			time.Sleep(2 * GoneTime)
			synctest.Wait()
			if now, ok := leader.Leader.Held(); !ok || now != term {
				g.Fatalf("after jump %d the lease is held %v in term %d, want term %d as before", n, ok, now, term)
			}
			for _, m := range all {
				if len(m.Live()) != 2 || m.rejoin.Load() != 0 {
					g.Fatalf("after jump %d a member sees %d and was taken for gone %d times", n, len(m.Live()), m.rejoin.Load())
				}
				if !g.connected(fleet.RobotID("r" + m.Self.ID)) {
					g.Fatalf("after jump %d the robot of a member is not connected any more", n)
				}
			}
		}
	})
}
