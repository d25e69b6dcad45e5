package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// Schedules are the use cases of schedules, their fires and backfills.
type Schedules struct {
	*core
	jobs *Jobs
}

// ScheduleChange is what is to hold of a schedule; nil leaves things as they are.
type ScheduleChange struct {
	Name        *string
	Description *string
	WorkflowID  *fleet.ID
	Version     *int

	Inputs              json.RawMessage
	Priority            *fleet.Priority
	Environment         *string
	Target              *fleet.RobotID
	Placement           *fleet.Placement
	Labels              *map[string]string
	QueueTimeoutSeconds *int
	RunTimeoutSeconds   *int
	ExecutionMode       *string
	Metadata            json.RawMessage

	Kind            *fleet.ScheduleKind
	Cron            *string
	IntervalSeconds *int
	RunAt           *time.Time
	Timezone        *string
	Enabled         *bool
	Note            *string
	StartAt         *time.Time // the zero time takes it away, as for EndAt
	EndAt           *time.Time
	MaxRuns         *int
	Misfire         *MisfireChange
	Overlap         *OverlapChange
	Calendars       *[]fleet.ID
	Shift           *fleet.Shift
	JitterSeconds   *int
	PauseAfter      *int
	StartWithin     *int
	EndWithin       *int
}

// MisfireChange is what is to hold of a misfire policy.
type MisfireChange struct {
	Policy        *fleet.MisfirePolicy `json:"policy,omitempty" enum:"skip,run_once,run_all" doc:"run_once, the default, starts one job for the newest; run_all one for each of the newest max."`
	WithinSeconds *int                 `json:"within_seconds,omitempty" doc:"What is later is missed; 3600 for a new schedule."`
	Max           *int                 `json:"max,omitempty" doc:"Of run_all; 10 unless said otherwise."`
}

// OverlapChange is what is to hold of an overlap policy.
type OverlapChange struct {
	Policy *fleet.OverlapPolicy `json:"policy,omitempty" enum:"skip,queue_one,queue_all,cancel_previous,parallel" doc:"What becomes of an instant while jobs of the schedule have not ended; skip for a new schedule."`
	Max    *int                 `json:"max,omitempty" doc:"Of queue_all and parallel: how many jobs may be there at once; 100 unless said otherwise."`
}

func (c *ScheduleChange) apply(s *fleet.Schedule) {
	give(c.Name, &s.Name)
	give(c.Description, &s.Description)
	give(c.WorkflowID, &s.WorkflowID)
	give(c.Version, &s.Version)
	if c.Priority != nil {
		s.Priority = c.Priority
	}
	give(c.Environment, &s.Environment)
	give(c.Target, &s.Target)
	give(c.Placement, &s.Placement)
	give(c.Labels, &s.Labels)
	give(c.QueueTimeoutSeconds, &s.QueueTimeoutSeconds)
	give(c.RunTimeoutSeconds, &s.RunTimeoutSeconds)
	give(c.ExecutionMode, &s.ExecutionMode)
	switch {
	case c.Kind != nil:
		s.Kind = *c.Kind
	case c.Cron != nil && *c.Cron != "": // who gives a time says by it of which kind it is
		s.Kind = fleet.ScheduleCron
	case c.IntervalSeconds != nil && *c.IntervalSeconds != 0:
		s.Kind = fleet.ScheduleInterval
	case c.RunAt != nil && !c.RunAt.IsZero():
		s.Kind = fleet.ScheduleOnce
	}
	give(c.Cron, &s.Cron)
	give(c.IntervalSeconds, &s.IntervalSeconds)
	give(c.RunAt, &s.RunAt)
	give(c.Timezone, &s.Timezone)
	give(c.Enabled, &s.Enabled)
	give(c.Note, &s.Note)
	give(c.StartAt, &s.StartAt)
	give(c.EndAt, &s.EndAt)
	give(c.MaxRuns, &s.MaxRuns)
	if m := c.Misfire; m != nil {
		give(m.Policy, &s.Misfire.Policy)
		give(m.WithinSeconds, &s.Misfire.WithinSeconds)
		give(m.Max, &s.Misfire.Max)
	}
	if o := c.Overlap; o != nil {
		give(o.Policy, &s.Overlap.Policy)
		give(o.Max, &s.Overlap.Max)
	}
	give(c.Calendars, &s.Calendars)
	give(c.Shift, &s.Shift)
	give(c.JitterSeconds, &s.JitterSeconds)
	give(c.PauseAfter, &s.PauseAfterFailures)
	give(c.StartWithin, &s.StartWithinSeconds)
	give(c.EndWithin, &s.EndWithinSeconds)
	for _, m := range []struct {
		from json.RawMessage
		into *json.RawMessage
	}{{c.Inputs, &s.Inputs}, {c.Metadata, &s.Metadata}} {
		switch {
		case string(m.from) == "null" || string(m.from) == "{}":
			*m.into = nil
		case len(m.from) > 0:
			*m.into = m.from
		}
	}
	s.Normal()
}

// request asks for a job of a schedule.
func request(s *fleet.Schedule, f *fleet.Fire) SubmitRequest {
	r := SubmitRequest{
		WorkflowID: s.WorkflowID, Version: s.Version, JobName: s.Name, Variables: s.Inputs, Priority: s.Priority, PrioritySource: fleet.PriorityOfSchedule, Environment: s.Environment,
		Target: s.Target, Placement: s.Placement, Labels: s.Labels, Schedule: s.ID,
		WaitLimit: time.Duration(s.QueueTimeoutSeconds) * time.Second, RunTimeout: time.Duration(s.RunTimeoutSeconds) * time.Second,
	}
	if f != nil {
		if f.Kind == fleet.FireScheduled {
			r.FireAt = f.At
		}
		for _, id := range f.After {
			r.DependsOn, r.Rule = append(r.DependsOn, Dependency{Job: id}), fleet.AllFinished
		}
	}
	return r
}

// check is what the schedule itself cannot know: whether its time and its zone
// can be read, its calendars are there, and a job of it could be made. anew says
// that its time begins anew; one that stays as it was is not asked about, so that
// everything else of a schedule that cannot be read any more can be changed.
func (s *Schedules) check(ctx context.Context, p auth.Principal, is *fleet.Schedule, anew bool, now time.Time) error {
	if err := is.Validate(); err != nil {
		return err
	}
	if anew {
		if err := s.checkTime(ctx, p, is, now); err != nil {
			return err
		}
	}
	var err error
	if is.Environment, err = p.Place(is.Environment); err != nil {
		return err
	}
	_, err = s.jobs.prepare(ctx, p, request(is, nil))
	if err != nil && fleet.AsError(err).Code == fleet.CodeExhausted { // for now
		err = nil
	}
	return err
}

func (s *Schedules) checkTime(ctx context.Context, p auth.Principal, is *fleet.Schedule, now time.Time) error {
	calendars, err := s.calendarsOf(ctx, p.Scope(), is)
	if err != nil {
		return err
	}
	if err := calendar.CheckSchedule(is, calendars, now, s.Limits.Every); err != nil {
		return err
	}
	if is.Kind == fleet.ScheduleOnce && is.Enabled && !is.RunAt.After(now) {
		return fleet.Invalid("run_at", "run_at must be in the future; got %s.", is.RunAt.UTC().Format(time.RFC3339))
	}
	return nil
}

func scheduleEvent(kind fleet.EventKind, p auth.Principal, s *fleet.Schedule, more map[string]any) fleet.EventDraft {
	data := map[string]any{"name": s.Name, "workflow_id": s.WorkflowID}
	maps.Copy(data, more)
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectSchedule, SubjectID: string(s.ID), Actor: p.Name, Data: data}
}

// Create makes a schedule.
func (s *Schedules) Create(ctx context.Context, p auth.Principal, c ScheduleChange) (out fleet.Schedule, err error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return out, err
	}
	tenant, err := s.tenant(ctx, p)
	if err != nil {
		return out, err
	}
	out = fleet.NewSchedule()
	out.Timezone = tenant.Timezone
	c.apply(&out)
	now := s.Now()
	out.ID, out.Tenant, out.Revision, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = s.IDs.New(), p.Tenant, 1, now, p.Name, now, p.Name
	out.Since, out.Cursor = now, now
	if err := s.check(ctx, p, &out, true, now); err != nil {
		return out, err
	}
	t, err := s.timetable(ctx, p.Scope(), &out)
	if err != nil {
		return out, err
	}
	out.DueAt = t.Look(&out, now)
	err = s.act(ctx, p, string(fleet.EventScheduleCreated), fleet.SubjectSchedule, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		n, err := tx.CountSchedules(store.ScheduleFilter{})
		if err != nil {
			return err
		}
		if n >= int64(s.Limits.Schedules) {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_schedules", "A tenant may have at most %d schedules.", s.Limits.Schedules).WithFix("Delete one that is no longer used.")
		}
		d.Object.Name = out.Name
		if err := errors.Join(changed(d, nil, out), tx.AddSchedule(out)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, scheduleEvent(fleet.EventScheduleCreated, p, &out, nil))
	})
	return out, err
}

// find reads a schedule by its id, or by its name if that is the only one of it.
func (s *Schedules) find(r store.Reader, ref string) (fleet.Schedule, error) {
	if id := fleet.ID(ref); id.Valid() {
		return r.Schedule(id)
	}
	list, err := r.SchedulesNamed(ref, 2)
	switch {
	case err != nil:
		return fleet.Schedule{}, err
	case len(list) == 0:
		return fleet.Schedule{}, fleet.NotFound("schedule", ref)
	case len(list) > 1:
		return fleet.Schedule{}, fleet.Errorf(fleet.CodeConflict, "name_ambiguous", "Several schedules are named %.80q.", ref).WithFix("Name it by its id.")
	}
	return list[0], nil
}

// settleTries is how often a change waits for what is due to be settled first.
const settleTries = 50

// errUnsettled says that something has become due that has no row yet, or that the
// schedule has changed since it was read.
var errUnsettled = errors.New("something is due that was not settled yet")

// edit is what is to be done with a schedule.
type edit struct {
	kind  fleet.EventKind // empty: nothing
	anew  bool            // its time begins anew
	reset bool            // so do its failures in a row
}

// change changes a schedule as do says. Whatever was due under its old form gets
// its row before: the cursor never passes an instant that has none. still, if
// there is one, is asked in the transaction whether the change is still wanted.
func (s *Schedules) change(ctx context.Context, p auth.Principal, ref string, revision int64, do func(was fleet.Schedule, is *fleet.Schedule) (edit, error), still func(now *fleet.Schedule) bool) (out fleet.Schedule, err error) {
	for range settleTries {
		var was fleet.Schedule
		if err := s.Store.View(ctx, p.Scope(), func(r store.Reader) error { was, err = s.find(r, ref); return err }); err != nil {
			return out, err
		}
		if err := s.settle(ctx, p.Scope(), was); err != nil {
			return out, err
		}
		out, err = s.put(ctx, p, was.ID, revision, do, still)
		if !errors.Is(err, errUnsettled) {
			return out, err
		}
	}
	return out, fleet.Errorf(fleet.CodeConflict, "schedule_busy", "Schedule %.80s changes all the time.", ref).WithFix("Try again.")
}

// put is one try of change.
func (s *Schedules) put(ctx context.Context, p auth.Principal, id fleet.ID, revision int64, do func(was fleet.Schedule, is *fleet.Schedule) (edit, error), still func(now *fleet.Schedule) bool) (out fleet.Schedule, err error) {
	var was fleet.Schedule
	if err := s.Store.View(ctx, p.Scope(), func(r store.Reader) error { was, err = r.Schedule(id); return err }); err != nil {
		return out, err
	}
	if revision != 0 && revision != was.Revision {
		return out, versionChanged("schedule", was.Name)
	}
	now := s.Now()
	is := was
	is.UpdatedAt, is.UpdatedBy = now, p.Name
	e, err := do(was, &is)
	if err != nil || e.kind == "" {
		return was, err
	}
	rows, err := s.leftOver(ctx, p.Scope(), &was, e.anew, now)
	if err != nil {
		return out, err
	}
	if e.anew {
		is.Since, is.Cursor = later(was.Since, now), later(was.Cursor, now)
	}
	if is.DueAt, err = s.look(ctx, p.Scope(), &is, now); err != nil {
		return out, err
	}
	err = s.act(ctx, p, string(e.kind), fleet.SubjectSchedule, string(was.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		current, err := tx.ScheduleToChange(was.ID)
		if err != nil {
			return err
		}
		// The revision is compared here too: what was asked for holds for the schedule
		// as it was read, or not at all.
		if current.Revision != was.Revision || !current.Cursor.Equal(was.Cursor) {
			return errUnsettled
		}
		if still != nil && !still(&current) {
			out, d.Action = current, ""
			return nil
		}
		fresh, err := withoutRows(tx, was.ID, rows)
		if err != nil {
			return err
		}
		d.Object.Name = was.Name
		var after any = is
		if !is.DeletedAt.IsZero() {
			after = nil
		}
		if err := errors.Join(changed(d, was, after), tx.PutSchedule(is, was.Cursor, e.reset), tx.AddFires(fresh)); err != nil {
			return err
		}
		if out, err = tx.ScheduleToChange(was.ID); errors.Is(err, fleet.ErrNotFound) { // it was deleted
			out, err = is, nil
		}
		return errors.Join(err, tx.Append(p.Tenant, scheduleEvent(e.kind, p, &out, map[string]any{"note": is.Note})))
	})
	return out, err
}

// leftOver are the rows of what the old form of a schedule still had to do when
// its time begins anew; errUnsettled if something of it is due.
func (s *Schedules) leftOver(ctx context.Context, sc store.Scope, was *fleet.Schedule, anew bool, now time.Time) (rows []fleet.Fire, err error) {
	if !was.Enabled {
		return nil, nil
	}
	t, err := s.timetable(ctx, sc, was)
	if err != nil { // if it cannot be read, it has no instants
		return nil, ignoreUnreadable(err)
	}
	if due(was, &t, now) {
		return nil, errUnsettled
	}
	if !anew {
		return nil, nil
	}
	for _, r := range t.Outstanding(later(was.Cursor, now)) {
		rows = append(rows, fleet.Fire{
			Tenant: was.Tenant, Schedule: was.ID, At: r.Nominal, Kind: fleet.FireScheduled, DueAt: r.Due, Outcome: fleet.FireMissed, Moved: r.Moved,
			MadeAt: now, Reason: "The schedule was changed before it was due.",
		})
	}
	return rows, nil
}

// look is when a schedule is to be looked at; zero: never.
func (s *Schedules) look(ctx context.Context, sc store.Scope, of *fleet.Schedule, now time.Time) (at time.Time, err error) {
	if !of.Enabled || !of.DeletedAt.IsZero() {
		return at, nil
	}
	t, err := s.timetable(ctx, sc, of)
	switch {
	case err == nil:
		return t.Look(of, of.Cursor), nil
	case ignoreUnreadable(err) == nil:
		return now.Add(unreadableRest), nil
	}
	return at, err
}

// withoutRows leaves out what has its row already, such as from an earlier change.
func withoutRows(tx store.Tx, schedule fleet.ID, rows []fleet.Fire) (out []fleet.Fire, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	byTime := func(a, b fleet.Fire) int { return a.At.Compare(b.At) }
	have, err := tx.FiredAt(schedule, slices.MinFunc(rows, byTime).At, slices.MaxFunc(rows, byTime).At)
	for i := range rows {
		if _, there := have[rows[i].At.UTC()]; !there {
			out = append(out, rows[i])
		}
	}
	return out, err
}

// Update changes a schedule; revision 0 is any.
func (s *Schedules) Update(ctx context.Context, p auth.Principal, ref string, revision int64, c ScheduleChange) (fleet.Schedule, error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return fleet.Schedule{}, err
	}
	return s.change(ctx, p, ref, revision, func(was fleet.Schedule, is *fleet.Schedule) (edit, error) {
		c.apply(is)
		e := edit{kind: fleet.EventScheduleUpdated, anew: anotherTime(&was, is)}
		if is.Enabled != was.Enabled {
			e = enabling(is)
		}
		return e, s.check(ctx, p, is, e.anew, s.Now())
	}, nil)
}

// enabling is the edit that enables or disables a schedule.
func enabling(s *fleet.Schedule) edit {
	if s.Enabled {
		s.Note = ""
		return edit{fleet.EventScheduleEnabled, true, true}
	}
	return edit{kind: fleet.EventScheduleDisabled, anew: true}
}

// anotherTime says whether the instants of a schedule are others.
func anotherTime(a, b *fleet.Schedule) bool {
	same := len(a.Calendars) == len(b.Calendars)
	for i := range a.Calendars {
		same = same && a.Calendars[i] == b.Calendars[i]
	}
	return !same || a.Kind != b.Kind || a.Cron != b.Cron || a.IntervalSeconds != b.IntervalSeconds || !a.RunAt.Equal(b.RunAt) ||
		a.Timezone != b.Timezone || !a.StartAt.Equal(b.StartAt) || !a.EndAt.Equal(b.EndAt) || a.Shift != b.Shift ||
		a.JitterSeconds != b.JitterSeconds || a.MaxRuns != b.MaxRuns
}

// Enable lets a schedule go on, or disables it with a note. What is past then is
// not made up for.
func (s *Schedules) Enable(ctx context.Context, p auth.Principal, ref string, enabled bool, note string) (fleet.Schedule, error) {
	if err := p.Require(fleet.SchedulesRun); err != nil {
		return fleet.Schedule{}, err
	}
	return s.change(ctx, p, ref, 0, func(was fleet.Schedule, is *fleet.Schedule) (edit, error) {
		if was.Enabled == enabled && (enabled || was.Note == note) {
			return edit{}, nil
		}
		is.Enabled, is.Note = enabled, note
		e := enabling(is)
		if !enabled {
			return e, is.ValidateNote()
		}
		return e, s.check(ctx, p, is, true, s.Now())
	}, nil)
}

// Delete takes a schedule away. Its jobs go on.
func (s *Schedules) Delete(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return err
	}
	_, err := s.change(ctx, p, ref, 0, func(_ fleet.Schedule, is *fleet.Schedule) (edit, error) {
		is.DeletedAt, is.Enabled = s.Now(), false
		return edit{kind: fleet.EventScheduleDeleted, anew: true}, nil
	}, nil)
	return err
}
