package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Timers fires what runs out by itself: delays and back-offs that are over,
// wait limits, offers without an answer, and stops without a confirmation.
type Timers struct {
	Store    store.Store
	Attempts *orchestrator.Attempts
	Now      func() time.Time
	Clock    func() time.Time // monotonic; nil: steps of Now are not noticed
	Logger   *slog.Logger
	Lead     Lead // nil: this process alone does the chores

	steps steps
}

// The bounds of the timer loop.
const (
	timerPage  = 500
	timerPause = time.Second // the slow look behind the signals
)

// Run works until ctx ends.
func (t *Timers) Run(ctx context.Context) {
	wake, stop := t.Store.Signals().Listen(store.TopicTimers)
	defer stop()
	next := timerPause
	every(ctx, t.Logger, "timers", 0, func() time.Duration { return next }, wake, func(ctx context.Context) error {
		next = timerPause
		if _, ok := t.Lead.held(); !ok {
			return nil
		}
		at, err := t.RunOnce(ctx, t.Now())
		if !at.IsZero() {
			next = max(min(at.Sub(t.Now()), timerPause), 0)
		}
		return err
	})
}

// RunOnce fires all timers that are due at now and returns the time of the
// next one. A timer that cannot be fired, or that is still there after it was,
// is left for a later pass and does not hold up the ones behind it.
func (t *Timers) RunOnce(ctx context.Context, now time.Time) (next time.Time, err error) {
	if t.Clock != nil {
		t.steps.look(now, t.Clock())
	}
	scope := store.System("timers")
	tried := map[store.Timer]bool{}
	limit := timerPage
	var faults []error
	for ctx.Err() == nil && len(faults) < 10*timerPage {
		var due []store.Timer
		err := t.Store.View(ctx, scope, func(r store.Reader) (err error) {
			if due, err = r.Due(now, limit); err != nil {
				return err
			}
			next, err = r.NextTimer()
			return err
		})
		if err != nil {
			return time.Time{}, err
		}
		fresh := 0
		for _, timer := range due {
			timer.At = timer.At.UTC() // a key of the map: one form for one instant
			if tried[timer] {
				continue
			}
			tried[timer] = true
			fresh++
			if t.steps.early(timer) {
				continue
			}
			if err := t.Attempts.Fire(ctx, scope, timer); err != nil {
				t.Logger.Warn("timer not fired", "timer", timer.Kind, "job_id", timer.JobID, "error", err)
				faults = append(faults, err)
			}
		}
		if fresh == 0 && len(due) < limit {
			if len(due) > 0 {
				next = now.Add(timerPause) // what stays is not tried again at once
			}
			return next, errors.Join(faults...)
		}
		limit = timerPage + len(due) - fresh // those that stayed come first again
	}
	return now.Add(timerPause), errors.Join(append(faults, ctx.Err())...)
}
