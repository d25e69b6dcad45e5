package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// pauseFailing disables a schedule too many of whose jobs have failed in a row;
// whether they have is asked in the transaction that disables it.
func (s *Schedules) pauseFailing(ctx context.Context, of *fleet.Schedule) error {
	if !failing(of) {
		return nil
	}
	_, err := s.change(ctx, auth.Schedule(of.Tenant, of.Name), string(of.ID), 0, func(was fleet.Schedule, is *fleet.Schedule) (edit, error) {
		if !failing(&was) {
			return edit{}, nil
		}
		is.Enabled, is.Note = false, fmt.Sprintf("%d jobs in a row have failed.", was.Streak)
		return enabling(is), nil
	}, failing)
	if lostRace(err) {
		return nil
	}
	return err
}

func failing(s *fleet.Schedule) bool {
	return s.Enabled && s.PauseAfterFailures > 0 && s.Streak >= int64(s.PauseAfterFailures)
}

// CountEnds counts the jobs of schedules that have ended, and disables schedules
// too many of whose jobs have failed in a row. It costs by the ends. What cannot
// be counted is left for a later pass, and does not hold up what lies behind it.
func (s *Schedules) CountEnds(ctx context.Context, sc store.Scope) error {
	var faults []error
	for after := fleet.ID(""); ; {
		var list []store.ScheduleEnd
		if err := s.Store.View(ctx, sc, func(r store.Reader) (err error) { list, err = r.ScheduleEnds(after, chorePage); return err }); err != nil {
			return errors.Join(append(faults, err)...)
		}
		by := map[fleet.TenantID][]store.ScheduleEnd{}
		for _, e := range list {
			by[e.Tenant] = append(by[e.Tenant], e)
		}
		for _, tenant := range slices.Sorted(maps.Keys(by)) {
			faults = append(faults, s.countEnds(ctx, sc.In(tenant), by[tenant]))
		}
		if len(list) < chorePage {
			return errors.Join(faults...)
		}
		after = list[len(list)-1].Job
	}
}

func (s *Schedules) countEnds(ctx context.Context, sc store.Scope, ends []store.ScheduleEnd) error {
	var raised map[fleet.ID]int64
	err := s.Store.Update(ctx, sc, func(tx store.Tx) (err error) { raised, err = tx.CountEnds(slices.Clone(ends)); return err })
	if err != nil || len(raised) == 0 {
		return err
	}
	var failing []fleet.Schedule
	err = s.Store.View(ctx, sc, func(r store.Reader) error {
		failing = nil
		for id := range raised {
			of, err := r.Schedule(id)
			if errors.Is(err, fleet.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			failing = append(failing, of)
		}
		return nil
	})
	faults := []error{err}
	for i := range failing {
		faults = append(faults, s.pauseFailing(ctx, &failing[i]))
	}
	return errors.Join(faults...)
}

// Watch tells of jobs of schedules that have broken a limit of time, each once
// for each limit. It costs by those whose time is over. One that cannot be told of
// is left for a later pass, and does not hold up those behind it.
func (s *Schedules) Watch(ctx context.Context, sc store.Scope, now time.Time) error {
	var faults []error
	for after := (store.WatchRef{}); ; {
		var list []fleet.Fire
		if err := s.Store.View(ctx, sc, func(r store.Reader) (err error) { list, err = r.WatchedFires(now, after, chorePage); return err }); err != nil {
			return errors.Join(append(faults, err)...)
		}
		for i := range list {
			if err := s.watch(ctx, sc.In(list[i].Tenant), &list[i], now); err != nil {
				faults = append(faults, fmt.Errorf("job %s of schedule %s: %w", list[i].JobID, list[i].Schedule, err))
			}
		}
		if len(list) < chorePage || ctx.Err() != nil {
			return errors.Join(faults...)
		}
		after = store.WatchRefOf(&list[len(list)-1])
	}
}

func (s *Schedules) watch(ctx context.Context, sc store.Scope, f *fleet.Fire, now time.Time) error {
	return s.Store.Update(ctx, sc, func(tx store.Tx) error {
		var late fleet.FireLate
		var again time.Time
		of, err := tx.Schedule(f.Schedule)
		if err == nil {
			var job fleet.Job
			if job, err = tx.Job(f.JobID); err == nil {
				late, again = of.Watched(f, &job, now)
			}
		}
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		ok, err := tx.WatchFire(f, late, again)
		if err != nil || !ok || late == f.Late || late == "" {
			return err
		}
		return tx.Append(f.Tenant, scheduleEvent(fleet.EventScheduleLate, auth.Principal{}, &of, map[string]any{
			"job_id": f.JobID, "fire_at": f.At.UTC(), "late": late,
		}))
	})
}

// NextDue is when a schedule is to be looked at next, or a limit of time of one
// of their jobs ends; zero: nothing is waited for.
func (s *Schedules) NextDue(ctx context.Context, sc store.Scope) (at time.Time, err error) {
	err = s.Store.View(ctx, sc, func(r store.Reader) error {
		due, err := r.NextSchedule()
		if err != nil {
			return err
		}
		watch, err := r.NextWatch()
		if at = due; at.IsZero() || !watch.IsZero() && watch.Before(at) {
			at = watch
		}
		return err
	})
	return at, err
}

// Prune takes away fires that are older than a time, and deleted schedules
// without fires. It returns how many fires went.
func (s *Schedules) Prune(ctx context.Context, sc store.Scope, before time.Time, step int) (n int, err error) {
	for took := step; err == nil && took >= step; n += took {
		err = s.Store.Update(ctx, sc, func(tx store.Tx) (err error) { took, err = tx.PruneFires(before, step); return err })
	}
	if err == nil {
		err = s.Store.Update(ctx, sc, func(tx store.Tx) error { _, err := tx.PruneSchedules(step); return err })
	}
	return n, err
}
