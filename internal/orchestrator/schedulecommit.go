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

// commit writes decisions, those of a page together. If that fails and it is not
// the store that is away, each is tried alone: one that cannot be written does
// not hold up the others.
func (s *Schedules) commit(ctx context.Context, sc store.Scope, ready []firing, now time.Time) error {
	err := s.commitAll(ctx, sc, ready, now)
	if err == nil || len(ready) == 1 || errors.Is(err, fleet.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	var faults []error
	for i := range ready {
		if err := s.commitAll(ctx, sc, ready[i:i+1], now); err != nil {
			faults = append(faults, fmt.Errorf("schedule %s: %w", ready[i].schedule.ID, err))
		}
	}
	return errors.Join(faults...)
}

// commitTries bounds how often a decision is taken anew because the store would
// not take a job of it. Once is enough, unless more is refused meanwhile.
const commitTries = 10

// commitAll writes decisions: the rows of the instants, the jobs, and the cursors
// that pass them, in one transaction. A job that the store would not take is
// decided about anew, with those that were to wait for it or had no place beside
// it.
func (s *Schedules) commitAll(ctx context.Context, sc store.Scope, ready []firing, now time.Time) error {
	for range commitTries {
		refused, err := s.tryCommit(ctx, sc, ready, now)
		if err != nil || len(refused) == 0 {
			return err
		}
		for i := range ready {
			f := &ready[i]
			again := false
			for k := range f.decision.Fires {
				row := &f.decision.Fires[k]
				if why := refused[row.JobID]; why != "" && row.Outcome == fleet.FireFired {
					f.refused[row.At], again = why, true
				}
			}
			if !again {
				continue
			}
			if *f, err = s.decide(ctx, f.candidate, map[versionRef]*resolved{}, now); err != nil {
				return err
			}
		}
	}
	return fleet.Errorf(fleet.CodeUnavailable, "schedules_refused", "The jobs of %d schedules were refused %d times.", len(ready), commitTries)
}

// errRefused says that the store would not take a job.
var errRefused = errors.New("a job of a schedule was refused")

// tryCommit returns the jobs that the store would not take, with the reason;
// nothing is written then.
func (s *Schedules) tryCommit(ctx context.Context, sc store.Scope, ready []firing, now time.Time) (refused map[fleet.ID]string, err error) {
	moves := make([]store.ScheduleMove, len(ready))
	for i := range ready {
		f := &ready[i]
		m := &moves[i]
		m.Tenant, m.ID, m.Revision, m.From = f.schedule.Tenant, f.schedule.ID, f.schedule.Revision, f.schedule.Cursor
		m.To, m.DueAt, m.Runs = f.decision.Cursor, f.decision.DueAt, len(f.jobs)
		if m.Runs > 0 {
			m.LastRun, m.LastJob = now, f.jobs[m.Runs-1].Job.ID
		}
	}
	var moved []bool
	err = s.Store.Update(ctx, sc, func(tx store.Tx) (err error) {
		refused = map[fleet.ID]string{}
		if moved, err = tx.MoveSchedules(moves); err != nil {
			return err
		}
		var won []*firing
		var rows []fleet.Fire
		var jobs []submission
		for i := range ready {
			if f := &ready[i]; moved[i] { // else somebody else was first, or it was changed
				won, rows, jobs = append(won, f), append(rows, f.decision.Fires...), append(jobs, f.jobs...)
			}
		}
		if err := s.takePlace(tx, won); err != nil {
			return err
		}
		out, err := insert(tx, jobs)
		if err != nil {
			return err
		}
		for i := range out {
			if out[i].Err != nil {
				refused[jobs[i].Job.ID] = refusal(out[i].Err)
			}
		}
		if len(refused) > 0 {
			return errRefused
		}
		if err := tx.AddFires(rows); err != nil {
			return err
		}
		for _, f := range won {
			for _, e := range fireEvents(&f.schedule, f.decision.Fires) {
				if err := tx.Append(f.schedule.Tenant, e); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		return refused, nil
	}
	for i := range ready {
		ready[i].moved = err == nil && moved[i]
	}
	return nil, err
}

// takePlace cancels the jobs that new ones of the same transaction take the place
// of; those wait for their end in any case. One that has ended meanwhile, or is
// gone, is left.
func (s *Schedules) takePlace(tx store.Tx, list []*firing) error {
	by := map[fleet.ID]auth.Principal{}
	for _, f := range list {
		if f.schedule.Overlap.Policy != fleet.OverlapCancel || len(f.jobs) == 0 {
			continue
		}
		for _, id := range f.live {
			by[id] = auth.Schedule(f.schedule.Tenant, f.schedule.Name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(by)) { // as whoever locks several does
		if err := s.cancelPrevious(tx, by[id], id); err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (s *Schedules) cancelPrevious(tx store.Tx, p auth.Principal, id fleet.ID) error {
	if err := lockSegments(tx, id); err != nil {
		return err
	}
	was, err := tx.Job(id)
	if err != nil {
		return err
	}
	r := fleet.CancelRequest{Reason: "The next run of its schedule takes its place.", Grace: s.jobs.DefaultGrace(), By: p.Name}
	_, changed, err := s.jobs.cancel(tx, id, r)
	if err != nil || !changed {
		return err
	}
	d := p.Audit("job.cancel", fleet.SubjectJob, string(id))
	canceled(&d, &CancelAnswer{Previous: was.State}, &was, r, changed)
	return tx.Audit(p.Tenant, d)
}

// fireEvents tells of rows: of each that has a job by itself, of others that
// follow each other and are alike by one.
func fireEvents(s *fleet.Schedule, rows []fleet.Fire) (out []fleet.EventDraft) {
	p := auth.Principal{}
	for i := 0; i < len(rows); {
		f := &rows[i]
		data := map[string]any{"fire_at": f.At.UTC(), "kind": f.Kind, "outcome": f.Outcome}
		kind, n := fleet.EventScheduleSkipped, 1
		switch f.Outcome {
		case fleet.FireFired:
			kind, data["job_id"] = fleet.EventScheduleFired, f.JobID
		case fleet.FireMissed, fleet.FireCollapsed:
			kind = fleet.EventScheduleMissed
		case fleet.FireSkippedOverlap, fleet.FireSkippedCalendar, fleet.FireRefused:
			if f.JobID != "" {
				data["job_id"] = f.JobID
			}
		}
		if f.Reason != "" {
			data["reason"] = f.Reason
		}
		if f.Outcome != fleet.FireFired {
			for i+n < len(rows) && rows[i+n].Outcome == f.Outcome {
				n++
			}
			data["count"], data["last_fire_at"] = n, rows[i+n-1].At.UTC()
		}
		out = append(out, scheduleEvent(kind, p, s, data))
		i += n
	}
	return out
}
