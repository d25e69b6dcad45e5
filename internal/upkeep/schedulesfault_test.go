package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// A schedule that cannot be written costs the others nothing: one that has more
// to make up for than a decision takes is brought up to date in the same pass.
func TestRoundsGoOnBesideABrokenSchedule(t *testing.T) {
	f := newTimed(t)
	bad := f.schedule(func(c *orchestrator.ScheduleChange) { c.Name = new("bad") })
	good := f.schedule(func(c *orchestrator.ScheduleChange) {
		c.Cron, c.IntervalSeconds, c.Misfire = nil, new(10), &orchestrator.MisfireChange{Policy: new(fleet.MisfireSkip)}
	})
	broken := f.breakSchedules()
	broken.stuck[bad.ID] = true
	f.clock = f.clock.Add(4 * time.Hour)
	if _, err := f.chore.RunOnce(t.Context(), f.clock); !errors.Is(err, errDisk) || strings.Count(err.Error(), errDisk.Error()) != 1 {
		t.Errorf("the fault is told as %v", err)
	}
	if got := f.get(good.ID); !got.Cursor.Equal(f.clock) {
		t.Errorf("the other one has got to %s, want %s", got.Cursor, f.clock)
	}
	broken.stuck = map[fleet.ID]bool{}
	f.look()
	if got := f.get(bad.ID); got.Runs != 1 {
		t.Errorf("mended, it has %d runs", got.Runs)
	}
}

// What cannot be told of is no reason to tell of nothing else.
func TestWatchGoesOnPastABrokenRow(t *testing.T) {
	f := newTimed(t)
	var all []fleet.Schedule
	for i := range 4 {
		all = append(all, f.schedule(func(c *orchestrator.ScheduleChange) { c.Name, c.StartWithin = new(fmt.Sprint("s", i)), new(300) }))
	}
	f.at("11:00:00")
	broken := f.breakSchedules()
	broken.unwatched[all[0].ID] = true
	f.clock = f.clock.Add(10 * time.Minute)
	if _, err := f.chore.RunOnce(t.Context(), f.clock); !errors.Is(err, errDisk) {
		t.Errorf("the fault is told as %v", err)
	}
	for i, s := range all {
		want := fleet.LateStart
		if i == 0 {
			want = ""
		}
		if got := f.rows(s.ID)[0].Late; got != want {
			t.Errorf("schedule %d is late %q, want %q", i, got, want)
		}
	}
}

// However often a chore is woken, it rests between two passes; what woke it
// meanwhile is not forgotten.
func TestChoresRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		wake := make(chan struct{}, 1)
		began := time.Now()
		var passes []time.Duration
		done := make(chan struct{})
		go func() {
			defer close(done)
			every(ctx, slog.New(slog.DiscardHandler), "test", 100*time.Millisecond, func() time.Duration { return time.Second }, wake, func(context.Context) error {
				passes = append(passes, time.Since(began))
				return nil
			})
		}()
		for range 30 { // every 10 ms, for 300 ms
			select {
			case wake <- struct{}{}:
			default:
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2*time.Second + 50*time.Millisecond)
		stop()
		<-done
		for i, want := range []time.Duration{0, 100, 200, 300, 1300, 2300} {
			if i >= len(passes) || passes[i] != want*time.Millisecond {
				t.Fatalf("passes at %v", passes)
			}
		}
	})
}
