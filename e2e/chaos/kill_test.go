package chaos

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestKillSQLite kills the orchestrator and the robots at random moments while
// clients submit. Every accepted job must end, once.
func TestKillSQLite(t *testing.T) {
	n := *cycles
	if testing.Short() {
		n = min(n, 5)
	}
	t.Logf("seed %d, %d kills of each", *seed, n)
	w := startFleet(t, 3, 4)
	w.robotsKilled = true
	submitting, stop := context.WithCancel(t.Context())
	defer stop()
	r := newRecord()
	clients := r.clients(submitting, w, 4, 60*time.Millisecond)
	var killers sync.WaitGroup
	killers.Go(func() {
		rng := chance(100)
		for range n {
			pause(t.Context(), time.Duration(100+rng.IntN(800))*time.Millisecond)
			w.members[0].kill()
			w.members[0].start()
		}
	})
	killers.Go(func() {
		rng := chance(200)
		for range n {
			pause(t.Context(), time.Duration(100+rng.IntN(800))*time.Millisecond)
			r := w.robots[rng.IntN(len(w.robots))]
			r.kill()
			r.start()
		}
	})
	killers.Wait()
	stop()
	clients.Wait()
	w.finish(r, 10*time.Second)
}

// finish lets the world come to rest and judges it.
func (w *world) finish(r *record, outage time.Duration) {
	w.t.Helper()
	w.t.Log(r.summary())
	if len(r.accepted()) == 0 {
		w.t.Fatal("no job was accepted: nothing was tested")
	}
	w.ready()
	w.settle(2 * time.Minute)
	w.halt()
	w.verify(r, outage)
}
