package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Schedules fires what schedules have due, in pages, each in a transaction of its
// own; counts their jobs that have ended, keeps backfills going and tells of jobs
// that break a limit of time. It waits for the next due time, and a change of a
// schedule or the end of a job of one wakes it.
type Schedules struct {
	Schedules *orchestrator.Schedules
	Signals   *store.Signals
	Now       func() time.Time
	Logger    *slog.Logger
	Lead      Lead
}

// The pauses of the loop.
const (
	schedulesPause = time.Second            // the slow look behind the signals
	schedulesRest  = 100 * time.Millisecond // the least time between two looks

	schedulesRounds = 1000 // of one look
)

// Run works until ctx ends.
func (s *Schedules) Run(ctx context.Context) {
	wake, stop := s.Signals.Listen(store.TopicSchedules)
	defer stop()
	next := schedulesPause
	every(ctx, s.Logger, "schedules", func() time.Duration { return next }, wake, func(ctx context.Context) error {
		next = schedulesPause
		if _, ok := s.Lead.held(); !ok {
			return nil
		}
		at, err := s.RunOnce(ctx, s.Now())
		if !at.IsZero() {
			next = max(min(at.Sub(s.Now()), schedulesPause), schedulesRest)
		}
		return err
	})
}

// RunOnce does all that is due at now and returns when something is due next. A
// schedule that cannot be fired is left for a later pass and does not hold up the
// ones behind it.
func (s *Schedules) RunOnce(ctx context.Context, now time.Time) (next time.Time, err error) {
	scope := store.System("schedules")
	faults := []error{s.Schedules.CountEnds(ctx, scope)}
	// What stays due after it was looked at, such as a schedule with more instants
	// than one decision takes, comes again.
	again := true
	for rounds := 0; again && rounds < schedulesRounds && ctx.Err() == nil; rounds++ {
		again = false
		for after := (store.DueRef{}); ctx.Err() == nil; {
			n, last, err := s.Schedules.FireDue(ctx, scope, now, after)
			faults = append(faults, err)
			if n == 0 {
				break
			}
			again, after = again || err == nil, last
		}
		if errors.Join(faults...) != nil {
			break
		}
	}
	faults = append(faults, s.Schedules.FireBackfills(ctx, scope), s.Schedules.Watch(ctx, scope, now))
	if err := errors.Join(append(faults, ctx.Err())...); err != nil {
		return now.Add(schedulesPause), err
	}
	return s.Schedules.NextDue(ctx, scope)
}
