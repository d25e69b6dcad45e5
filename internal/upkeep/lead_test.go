package upkeep

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
)

// Chores rest where the lease is not held and begin soon after it is.
func TestChoresRunOnlyWhereTheyAreLed(t *testing.T) {
	dbtest.EmbeddedOnly(t, "the clock of a bubble stands still while somebody reads from a socket")
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		var term atomic.Int64
		lead := func() (int64, bool) { return term.Load(), term.Load() > 0 }
		f.timers.Lead, f.reaper.Lead = lead, lead
		silent, offered := f.submit(), f.submit()
		f.start(silent, true)
		f.start(offered, false)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{}, 2)
		go func() { f.timers.Run(ctx); done <- struct{}{} }()
		go func() { f.reaper.Run(ctx); done <- struct{}{} }()
		defer func() { cancel(); <-done; <-done }()
		timing := fleet.DefaultTiming()

		f.clock = f.clock.Add(time.Hour)
		time.Sleep(2 * timing.Lost)
		synctest.Wait()
		f.want(offered.ID, fleet.Assigned)
		f.want(silent.ID, fleet.Running)

		term.Store(1)
		time.Sleep(timerPause)
		synctest.Wait()
		f.want(offered.ID, fleet.Pending)
		time.Sleep(timing.Lost)
		synctest.Wait()
		f.want(silent.ID, fleet.Running) // it is watched only since the term began
		time.Sleep(10 * time.Second)     // two sweeps
		synctest.Wait()
		f.want(silent.ID, fleet.Pending)
	})
}

// What was seen in an earlier term counts for nothing: nobody here watched in
// between.
func TestNewTermGivesFullTime(t *testing.T) {
	f := newFleet(t)
	term, led := int64(1), true
	f.reaper.Lead = func() (int64, bool) { return term, led }
	job := f.submit()
	f.start(job, true)
	sweep := func(d time.Duration) {
		t.Helper()
		f.clock = f.clock.Add(d)
		if !f.reaper.leads() {
			return
		}
		if err := f.reaper.RunOnce(t.Context(), f.clock); err != nil {
			t.Fatal(err)
		}
	}
	sweep(0)
	for range 8 {
		sweep(10 * time.Second)
	}
	led = false
	sweep(time.Second)
	term, led = 3, true
	sweep(time.Second) // what it last saw of the attempt is 80 s old
	for range 8 {
		sweep(10 * time.Second)
	}
	f.want(job.ID, fleet.Running)
	sweep(10 * time.Second)
	f.want(job.ID, fleet.Pending)
}

// Two that lead at once do double work and no harm.
func TestTwoLeadersAreHarmless(t *testing.T) {
	f := newFleet(t)
	var jobs []fleet.Job
	for i := range 6 {
		job := f.submit()
		f.start(job, i%2 == 0)
		jobs = append(jobs, job)
	}
	second := &Reaper{Store: f.store, Attempts: f.core.Attempts, Timing: f.reaper.Timing, Logger: f.reaper.Logger}
	also := &Timers{Store: f.store, Attempts: f.core.Attempts, Now: f.timers.Now, Logger: f.timers.Logger}
	for range 12 {
		f.clock = f.clock.Add(10 * time.Second)
		errs := make(chan error, 4)
		for _, r := range []*Reaper{f.reaper, second} {
			go func() { errs <- r.RunOnce(t.Context(), f.clock) }()
		}
		for _, x := range []*Timers{f.timers, also} {
			go func() { _, err := x.RunOnce(t.Context(), f.clock); errs <- err }()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, job := range jobs {
		got := f.want(job.ID, fleet.Pending)
		if want := map[bool]int{true: 1, false: 0}[i%2 == 0]; got.LostUsed != want || got.Epoch != 1 {
			t.Errorf("job %d: lost %d times at epoch %d; want %d and 1", i, got.LostUsed, got.Epoch, want)
		}
	}
}
