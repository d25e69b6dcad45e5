package chaos

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/pgtest"
)

// storm hurts a cluster under steady load for a time and then judges it.
type storm struct {
	*world
	db   *server
	span time.Duration
	ctx  context.Context //nolint:containedctx // it is the time of the storm
	all  sync.WaitGroup
	from time.Time

	mu    sync.Mutex
	notes []string
	did   map[string]int
}

// short is how long a test hurts its world: the share of *seconds that is its own.
func short(t *testing.T, share float64) time.Duration {
	t.Helper()
	if testing.Short() {
		t.Skip("minutes of processes: make test and make chaos run it")
	}
	return time.Duration(share * float64(*seconds) * float64(time.Second))
}

// brew runs a storm: faults is called once all is well and the clients are at work.
func brew(t *testing.T, span time.Duration, s size, faults func(*storm)) {
	t.Helper()
	t.Logf("seed %d, %s", *seed, span)
	w, db := startCluster(t, s)
	st := &storm{world: w, db: db, span: span, did: map[string]int{}}
	ctx, stop := context.WithTimeout(t.Context(), span)
	defer stop()
	st.ctx, st.from = ctx, time.Now()
	t.Cleanup(func() {
		if t.Failed() {
			for _, n := range st.notes {
				t.Log(n)
			}
		}
	})
	submitting, quiet := context.WithCancel(t.Context())
	defer quiet()
	r := newRecord()
	clients := r.clients(submitting, w, 4, 150*time.Millisecond)
	faults(st)
	st.all.Wait()
	pause(ctx, span) // the load goes on to the end
	for i := range w.members {
		db.ways[i].heal()
		w.ways[i].heal()
	}
	if err := db.cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	w.ready()
	t.Logf("all members serve %s after the last fault", time.Since(healed).Round(time.Millisecond))
	pause(t.Context(), time.Second) // and a little without faults
	quiet()
	clients.Wait()
	t.Logf("faults: %v", st.did)
	w.finish(r, span)
}

// note remembers what was done and when.
func (s *storm) note(kind, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did[kind]++
	s.notes = append(s.notes, fmt.Sprintf("%8s %s %s", time.Since(s.from).Round(time.Millisecond), kind, fmt.Sprintf(format, args...)))
}

// every does something again and again, with pauses between least and most,
// until the storm is over.
func (s *storm) every(least, most time.Duration, stream uint64, do func(chance func(n int) int)) {
	s.all.Go(func() {
		rng := chance(stream)
		for {
			pause(s.ctx, least+time.Duration(rng.Int64N(int64(most-least))))
			if s.ctx.Err() != nil {
				return
			}
			do(rng.IntN)
		}
	})
}

// killMember ends an orchestrator without warning and starts it a moment later.
func (s *storm) killMember(n func(int) int) {
	m, down := s.members[n(len(s.members))], time.Duration(n(2000))*time.Millisecond
	s.note("kill", "%s for %s", m.name, down)
	m.kill()
	pause(s.ctx, down)
	m.start()
}

func (s *storm) killRobot(n func(int) int) {
	r, down := s.robots[n(len(s.robots))], time.Duration(n(3000))*time.Millisecond
	s.note("kill robot", "%s for %s", r.name, down)
	r.kill()
	pause(s.ctx, down)
	r.start()
}

// freezeMember stops the time of an orchestrator. It wakes with all that it
// believed before.
func (s *storm) freezeMember(n func(int) int, most time.Duration) {
	if freeze == nil {
		return
	}
	m, span := s.members[n(len(s.members))], time.Duration(n(int(most)))
	s.note("freeze", "%s for %s", m.name, span)
	m.signal(freeze)
	pause(s.ctx, span)
	m.signal(thaw)
}

// crashDatabase stops PostgreSQL at once and starts it a moment later.
func (s *storm) crashDatabase(n func(int) int) {
	down := time.Duration(n(1500)) * time.Millisecond
	s.note("database", "down for %s", down)
	if err := s.db.cluster.Stop(pgtest.Immediate); err != nil {
		s.t.Errorf("stop PostgreSQL: %v", err)
	}
	pause(s.ctx, down)
	if err := s.db.cluster.Start(context.WithoutCancel(s.ctx)); err != nil {
		s.t.Errorf("start PostgreSQL: %v", err)
	}
}

// cutSomething ends a share of the connections of one member: those to the
// database, or those of its robots.
func (s *storm) cutSomething(n func(int) int) {
	i, share := n(len(s.members)), 0.2+float64(n(80))/100
	if n(2) == 0 {
		s.note("cut", "%d of member%d to the database", s.db.ways[i].cut(share), i+1)
	} else {
		s.note("cut", "%d of robots to member%d", s.ways[i].cut(share), i+1)
	}
}

// TestStorm is all at once: a member is killed every few seconds, PostgreSQL
// crashes again and again, connections are cut.
func TestStorm(t *testing.T) {
	span := short(t, 1)
	brew(t, span, size{members: 3, robots: 20, slots: 2}, func(s *storm) {
		s.every(2*time.Second, 5*time.Second, 1, s.killMember)
		// Three times in 20 seconds, twenty times in 300, and never fewer.
		n := max(3, int(span/(15*time.Second)))
		s.all.Go(func() {
			rng := chance(2)
			for range n {
				pause(t.Context(), span/time.Duration(n)*time.Duration(60+rng.IntN(30))/100)
				s.crashDatabase(rng.IntN)
			}
		})
		s.every(500*time.Millisecond, 3*time.Second, 3, s.cutSomething)
	})
}

// TestKillCluster kills and freezes members, and kills robots.
func TestKillCluster(t *testing.T) {
	span := short(t, 0.6)
	brew(t, span, size{members: 3, robots: 8, slots: 3}, func(s *storm) {
		s.robotsKilled = true
		s.every(time.Second, 3*time.Second, 11, s.killMember)
		s.every(time.Second, 3*time.Second, 12, s.killRobot)
		// Longer than a robot's silence may last, where there is time for it.
		s.every(time.Second, 4*time.Second, 13, func(n func(int) int) { s.freezeMember(n, min(span/3, 40*time.Second)) })
	})
}

// TestDB crashes PostgreSQL, ends its sessions in bursts, locks a table and
// makes it slow.
func TestDB(t *testing.T) {
	span := short(t, 0.6)
	brew(t, span, size{members: 3, robots: 6, slots: 3}, func(s *storm) {
		s.every(3*time.Second, 6*time.Second, 21, s.crashDatabase)
		s.every(time.Second, 4*time.Second, 22, func(n func(int) int) {
			burst := 1 + n(20)
			s.note("terminate", "%d times", burst)
			for range burst {
				if err := s.db.terminate(s.ctx); err != nil {
					return // it is down, which is the other fault
				}
				pause(s.ctx, 50*time.Millisecond)
			}
		})
		s.every(2*time.Second, 6*time.Second, 23, func(n func(int) int) {
			span := time.Duration(n(4000)) * time.Millisecond
			s.note("lock", "jobs for %s", span)
			s.db.lock(s.ctx, span)
		})
		s.every(time.Second, 5*time.Second, 24, func(n func(int) int) {
			i, span := n(len(s.members)), time.Duration(n(3000))*time.Millisecond
			s.note("slow", "database of member%d for %s", i+1, span)
			s.db.ways[i].set(weather{delay: 100 * time.Millisecond})
			pause(s.ctx, span)
			s.db.ways[i].heal()
		})
	})
}

// TestNet parts members from the database and robots from members, makes
// connections half open, and slows them down.
func TestNet(t *testing.T) {
	span := short(t, 0.8)
	brew(t, span, size{members: 3, robots: 8, slots: 3}, func(s *storm) {
		for i, p := range append(append([]*proxy{}, s.db.ways...), s.ways...) {
			what := fmt.Sprintf("member%d and the database", i%3+1)
			if i >= 3 {
				what = fmt.Sprintf("robots and member%d", i%3+1)
			}
			s.every(time.Second, 8*time.Second, uint64(31+i), func(n func(int) int) { s.disturb(p, what, n) }) //nolint:gosec // small
		}
	})
}

// disturb does one thing to a network and takes it back.
func (s *storm) disturb(p *proxy, what string, n func(int) int) {
	span := time.Duration(500+n(int(min(s.span/4, 20*time.Second)/time.Millisecond))) * time.Millisecond
	switch n(7) {
	case 0:
		s.note("part", "%s for %s", what, span)
		p.set(weather{stall: true})
	case 1:
		s.note("refuse", "%s for %s", what, span)
		p.set(weather{refuse: true})
		p.cut(1)
	case 2:
		s.note("throttle", "%s for %s", what, span)
		p.set(weather{rate: 20_000})
	case 3:
		s.note("delay", "%s for %s", what, span)
		p.set(weather{delay: 300 * time.Millisecond})
	case 4:
		s.note("half-open", "%d of %s", p.hang(0.5, false), what)
	case 5:
		s.note("deaf", "%d listeners of %s", p.hang(1, true), what)
	case 6:
		s.note("cut", "%d of %s", p.cut(0.5), what)
	}
	pause(s.ctx, span)
	p.heal()
}
