package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// RunNow starts a job of a schedule at once, also of one that is disabled or
// whose jobs have not ended: the warnings say so. It leaves the next run alone.
func (s *Schedules) RunNow(ctx context.Context, p auth.Principal, ref string) (job fleet.Job, warnings []string, err error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return job, nil, err
	}
	now := s.Now()
	var of fleet.Schedule
	var live [][]fleet.ID
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if of, err = s.find(r, ref); err == nil {
			live, err = r.LiveFires([]fleet.ID{of.ID})
		}
		return err
	})
	if err != nil {
		return job, nil, err
	}
	calendars, err := s.calendarsOf(ctx, p.Scope(), &of)
	if err = ignoreUnreadable(err); err != nil {
		return job, nil, err
	}
	warnings = byHandWarnings(&of, calendars, len(live[0]), now)
	fire := fleet.Fire{
		Tenant: of.Tenant, Schedule: of.ID, At: now, Kind: fleet.FireManual, DueAt: now, Outcome: fleet.FireFired, MadeAt: now, WatchAt: of.Watch(now),
		Reason: "Started by " + p.Name + ".",
	}
	sub, err := s.jobs.prepare(ctx, p, request(&of, &fire))
	if err == nil {
		err = ownParents(sub.first())
	}
	if err != nil {
		return job, nil, err
	}
	fire.JobID, fire.Source = sub.Job.ID, string(sub.Job.ID)
	out := make([]SubmitResult, 1)
	err = s.act(ctx, p, "schedule.run", fleet.SubjectSchedule, string(of.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Object.Name = of.Name
		d.After = map[string]any{"job_id": fire.JobID}
		stored, err := s.start(tx, &of, sub, fire, p.Name)
		out[0].Job = stored
		return err
	})
	return out[0].Job, append(warnings, sub.warnings...), err
}

// start stores a job that does not come from the cursor, with its row.
func (s *Schedules) start(tx store.Tx, of *fleet.Schedule, sub submission, fire fleet.Fire, actor string) (job fleet.Job, err error) {
	if err := tx.RanByHand(of.Tenant, of.ID, fire.JobID, fire.MadeAt); err != nil {
		return job, err
	}
	sub.Graph = true // its number is known at once
	stored, err := insert(tx, []submission{sub})
	if err != nil {
		return job, err
	}
	if stored[0].Err != nil {
		return job, stored[0].Err
	}
	events := fireEvents(of, []fleet.Fire{fire})
	events[0].Actor = actor
	return stored[0].Job, errors.Join(tx.AddFires([]fleet.Fire{fire}), tx.Append(of.Tenant, events[0]))
}

func byHandWarnings(of *fleet.Schedule, calendars []fleet.WorkCalendar, live int, now time.Time) (out []string) {
	if !of.Enabled {
		out = append(out, "The schedule is disabled.")
	}
	if live > 0 && of.Overlap.Policy != fleet.OverlapParallel {
		out = append(out, "Jobs of the schedule have not ended; this one does not wait for them.")
	}
	for i := range calendars {
		if set, err := calendar.Allowed(&calendars[i]); err == nil && !set.Has(now) {
			out = append(out, "The calendar "+calendars[i].Name+" does not allow this time.")
		}
	}
	return out
}

// BackfillRequest asks for instants of the past.
type BackfillRequest struct {
	From, Until time.Time
	MaxParallel int // 0: one after the other
	Reverse     bool
	Again       bool
	Note        string
}

// Backfill runs the instants of a span in the past, as the schedule has them now.
func (s *Schedules) Backfill(ctx context.Context, p auth.Principal, ref string, r BackfillRequest) (b fleet.Backfill, err error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return b, err
	}
	now := s.Now()
	if r.MaxParallel == 0 {
		r.MaxParallel = 1
	}
	switch {
	case !r.From.Before(r.Until):
		return b, fleet.Invalid("until", "until must be after from.")
	case r.Until.After(now):
		return b, fleet.Invalid("until", "A backfill is about the past: until must not be after %s.", now.UTC().Format(time.RFC3339))
	case r.MaxParallel < 1 || r.MaxParallel > fleet.MaxBackfillParallel:
		return b, fleet.Invalid("max_parallel", "max_parallel must be between 1 and %d; got %d.", fleet.MaxBackfillParallel, r.MaxParallel)
	case len([]rune(r.Note)) > fleet.MaxScheduleNote:
		return b, fleet.Invalid("note", "note may have at most %d characters.", fleet.MaxScheduleNote)
	}
	var of fleet.Schedule
	if err := s.Store.View(ctx, p.Scope(), func(rd store.Reader) error { of, err = s.find(rd, ref); return err }); err != nil {
		return b, err
	}
	b = fleet.Backfill{
		ID: s.IDs.New(), Tenant: of.Tenant, Schedule: of.ID, From: r.From.UTC(), Until: r.Until.UTC(), MaxParallel: r.MaxParallel, Reverse: r.Reverse,
		Again: r.Again, State: fleet.BackfillRunning, CreatedAt: now, CreatedBy: p.Name, Note: r.Note,
	}
	runs, _, err := s.instants(ctx, p.Scope(), &of, &b, false)
	if err != nil {
		return b, err
	}
	if b.Total = len(runs); b.Total == 0 {
		return b, fleet.Invalid("from", "The schedule has no instant from %s to %s.", b.From.Format(time.RFC3339), b.Until.Format(time.RFC3339))
	}
	if _, err := s.jobs.prepare(ctx, p, request(&of, nil)); err != nil {
		return b, err
	}
	err = s.act(ctx, p, "schedule.backfill", fleet.SubjectSchedule, string(of.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Object.Name = of.Name
		return errors.Join(changed(d, nil, b), tx.PutBackfill(b), tx.Append(of.Tenant, scheduleEvent(fleet.EventBackfillStarted, p, &of, map[string]any{
			"backfill_id": b.ID, "from": b.From, "until": b.Until, "total": b.Total,
		})))
	})
	if err == nil {
		s.Store.Signals().Raise(store.TopicSchedules)
	}
	return b, err
}

// instants lists the instants of a backfill behind its cursor, in the order in
// which they run. More than a page are listed only if part is false, or if they
// run the newest first: then the last one has to be found.
func (s *Schedules) instants(ctx context.Context, sc store.Scope, of *fleet.Schedule, b *fleet.Backfill, part bool) (runs []calendar.Timed, more bool, err error) {
	past := *of
	past.Since = time.Time{} // also what lies before it was made
	t, err := s.timetable(ctx, sc, &past)
	if err != nil {
		return nil, false, err
	}
	after, until := b.From.Add(-1), b.Until.Add(-1)
	switch {
	case b.Cursor.IsZero():
	case b.Reverse:
		until = b.Cursor.Add(-1)
	default:
		after = b.Cursor
	}
	if part && !b.Reverse {
		runs, whole := t.Nominal(after, until, calendar.FirePage)
		return runs, !whole, nil
	}
	runs, whole := t.Nominal(after, until, fleet.MaxBackfillRuns)
	if !whole {
		return nil, false, fleet.Invalid("from", "A backfill has at most %d instants; there are more from %s to %s.", fleet.MaxBackfillRuns, b.From.Format(time.RFC3339), b.Until.Format(time.RFC3339)).
			WithFix("Make several shorter ones.")
	}
	if b.Reverse {
		slices.Reverse(runs)
	}
	return runs, false, nil
}

// CancelBackfill keeps a backfill from making more jobs; those that it made go on.
func (s *Schedules) CancelBackfill(ctx context.Context, p auth.Principal, ref string, id fleet.ID) (b fleet.Backfill, err error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return b, err
	}
	var of fleet.Schedule
	if err := s.Store.View(ctx, p.Scope(), func(r store.Reader) error { of, err = s.find(r, ref); return err }); err != nil {
		return b, err
	}
	err = s.act(ctx, p, "schedule.backfill_cancel", fleet.SubjectSchedule, string(of.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := tx.BackfillToChange(of.ID, id)
		if err != nil {
			return err
		}
		d.Object.Name = of.Name
		if b = was; b.State != fleet.BackfillRunning {
			d.Action = ""
			return nil
		}
		b.State, b.EndedAt = fleet.BackfillCancelled, s.Now()
		return errors.Join(changed(d, was, b), tx.PutBackfill(b), tx.Append(of.Tenant, backfillEnded(p, &of, &b)))
	})
	return b, err
}

func backfillEnded(p auth.Principal, of *fleet.Schedule, b *fleet.Backfill) fleet.EventDraft {
	data := map[string]any{"backfill_id": b.ID, "status": b.State, "made": b.Made, "left_out": b.Left}
	if b.Reason != "" {
		data["reason"] = b.Reason
	}
	return scheduleEvent(fleet.EventBackfillEnded, p, of, data)
}

// FireBackfills starts the jobs for which backfills have room. It costs by the
// backfills that are not over, and by what they have left to do.
func (s *Schedules) FireBackfills(ctx context.Context, sc store.Scope) error {
	var list []fleet.Backfill
	if err := s.Store.View(ctx, sc, func(r store.Reader) (err error) { list, err = r.RunningBackfills(); return err }); err != nil {
		return err
	}
	var faults []error
	for i := range list {
		err := s.fireBackfill(ctx, sc.In(list[i].Tenant), &list[i])
		if err != nil && !lostRace(err) && !errors.Is(err, fleet.ErrExhausted) { // there will be room
			faults = append(faults, fmt.Errorf("backfill %s: %w", list[i].ID, err))
		}
	}
	return errors.Join(faults...)
}

func (s *Schedules) fireBackfill(ctx context.Context, sc store.Scope, b *fleet.Backfill) error {
	var of fleet.Schedule
	room := 0
	err := s.Store.View(ctx, sc, func(r store.Reader) (err error) {
		if of, err = r.Schedule(b.Schedule); err != nil {
			return err
		}
		n, err := r.LiveBackfill(b.Schedule, b.ID)
		room = b.MaxParallel - n
		return err
	})
	if errors.Is(err, fleet.ErrNotFound) {
		of = fleet.Schedule{ID: b.Schedule, Tenant: b.Tenant}
		return s.endBackfill(ctx, sc, &of, b, fleet.BackfillCancelled, "The schedule was deleted.")
	}
	if err != nil || room <= 0 {
		return err
	}
	for more := true; more; {
		var runs []calendar.Timed
		if runs, more, err = s.instants(ctx, sc, &of, b, true); err != nil {
			if ignoreUnreadable(err) == nil { // and it is not going to be another time
				return s.endBackfill(ctx, sc, &of, b, fleet.BackfillCancelled, refusal(err))
			}
			return err
		}
		for i := range runs {
			if room == 0 {
				return nil
			}
			made, err := s.backfillOne(ctx, sc, &of, b, &runs[i])
			if err != nil {
				return err
			}
			if made {
				room--
			}
		}
	}
	if room < b.MaxParallel { // its last jobs go on
		return nil
	}
	return s.endBackfill(ctx, sc, &of, b, fleet.BackfillDone, "")
}

func (s *Schedules) endBackfill(ctx context.Context, sc store.Scope, of *fleet.Schedule, b *fleet.Backfill, state fleet.BackfillState, reason string) error {
	return s.Store.Update(ctx, sc, func(tx store.Tx) error {
		now, err := tx.BackfillToChange(b.Schedule, b.ID)
		if err != nil || now.State != fleet.BackfillRunning {
			return err
		}
		now.State, now.EndedAt, now.Reason = state, s.Now(), reason
		return errors.Join(tx.PutBackfill(now), tx.Append(b.Tenant, backfillEnded(auth.Principal{}, of, &now)))
	})
}

// backfillOne passes one instant, with a job or without.
func (s *Schedules) backfillOne(ctx context.Context, sc store.Scope, of *fleet.Schedule, b *fleet.Backfill, run *calendar.Timed) (made bool, err error) {
	now := s.Now()
	fire := fleet.Fire{
		Tenant: of.Tenant, Schedule: of.ID, At: run.Nominal, Source: string(b.ID), Kind: fleet.FireBackfill, DueAt: now, Outcome: fleet.FireFired,
		Moved: run.Moved, MadeAt: now, WatchAt: of.Watch(now), Reason: "Started by a backfill.",
	}
	p := auth.Schedule(of.Tenant, of.Name)
	sub, err := s.jobs.prepare(ctx, p, request(of, &fire))
	if err == nil {
		err = ownParents(sub.first())
	}
	if err != nil {
		if passing(err) || errors.Is(err, fleet.ErrExhausted) {
			return false, err
		}
		fire.Outcome, fire.Reason, fire.WatchAt = fleet.FireRefused, refusal(err), time.Time{}
	} else {
		fire.JobID = sub.Job.ID
	}
	var after fleet.Backfill
	err = s.Store.Update(ctx, sc, func(tx store.Tx) error {
		made = false
		is, err := tx.BackfillToChange(b.Schedule, b.ID)
		if err != nil {
			return err
		}
		if is.State != fleet.BackfillRunning || !is.Cursor.Equal(b.Cursor) {
			return fleet.Errorf(fleet.CodeConflict, "backfill_changed", "Backfill %s has changed since it was read.", b.ID)
		}
		is.Cursor = run.Nominal
		have, err := tx.FiredAt(of.ID, run.Nominal, run.Nominal)
		if err != nil {
			return err
		}
		leave := run.At.IsZero() || have[run.Nominal.UTC()] == fleet.FireFired && !b.Again
		switch {
		case leave:
			is.Left++
		case fire.Outcome == fleet.FireRefused:
			is.Left++
			if err := tx.AddFires([]fleet.Fire{fire}); err != nil {
				return err
			}
		default:
			is.Made++
			made = true
		}
		if err := tx.PutBackfill(is); err != nil {
			return err
		}
		if after = is; made {
			_, err = s.start(tx, of, sub, fire, "")
		}
		return err
	})
	if err == nil {
		*b = after
	}
	return made, err
}
