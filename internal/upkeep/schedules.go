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
	every(ctx, s.Logger, "schedules", schedulesRest, func() time.Duration { return next }, wake, func(ctx context.Context) error {
		next = schedulesPause
		if _, ok := s.Lead.held(); !ok {
			return nil
		}
		at, err := s.RunOnce(ctx, s.Now())
		if !at.IsZero() {
			next = min(at.Sub(s.Now()), schedulesPause)
		}
		return err
	})
}

// RunOnce does all that is due at now and returns when something is due next. A
// schedule that cannot be fired is left for a later pass and does not hold up the
// others.
func (s *Schedules) RunOnce(ctx context.Context, now time.Time) (next time.Time, err error) {
	scope := store.System("schedules")
	faults := []error{s.Schedules.CountEnds(ctx, scope)}
	// A schedule with more instants than one decision takes comes again, as long as
	// there is such a one that gets on: what cannot be fired does not.
	var fired []error
	for rounds, more := 0, 1; more > 0 && rounds < schedulesRounds && ctx.Err() == nil; rounds++ {
		fired, more = nil, 0
		for after := (store.DueRef{}); ctx.Err() == nil; {
			page, err := s.Schedules.FireDue(ctx, scope, now, after)
			fired = append(fired, err)
			if page.Looked == 0 {
				break
			}
			more += page.More
			after = page.Last
		}
	}
	faults = append(append(faults, fired...), s.Schedules.FireBackfills(ctx, scope), s.Schedules.Watch(ctx, scope, now))
	if err := errors.Join(append(faults, ctx.Err())...); err != nil {
		return now.Add(schedulesPause), err
	}
	return s.Schedules.NextDue(ctx, scope)
}
