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
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// firePage is how many schedules are fired in one transaction.
const firePage = 100

// FireDue fires what is due of a page of schedules, after one of an earlier page.
// It returns how many it looked at and where to go on. A schedule that cannot be
// fired now is passed over, and its error is among those returned.
func (s *Schedules) FireDue(ctx context.Context, sc store.Scope, now time.Time, after store.DueRef) (n int, last store.DueRef, err error) {
	var list []fleet.Schedule
	err = s.Store.View(ctx, sc, func(r store.Reader) (err error) { list, err = r.DueSchedules(now, after, firePage); return err })
	if err != nil || len(list) == 0 {
		return 0, after, err
	}
	last = store.DueRef{At: list[len(list)-1].DueAt, ID: list[len(list)-1].ID}
	slices.SortStableFunc(list, func(a, b fleet.Schedule) int { // those of a tenant together
		switch {
		case a.Tenant < b.Tenant:
			return -1
		case a.Tenant > b.Tenant:
			return 1
		}
		return 0
	})
	var faults []error
	for from := 0; from < len(list); {
		until := from
		for until < len(list) && list[until].Tenant == list[from].Tenant {
			until++
		}
		faults = append(faults, s.fire(ctx, sc.In(list[from].Tenant), list[from:until], now))
		from = until
	}
	for i := range list { // whoever counted the failures may have died before it did so
		faults = append(faults, s.pauseFailing(ctx, &list[i]))
	}
	return len(list), last, errors.Join(faults...)
}

// settle fires what is due of one schedule, until nothing is.
func (s *Schedules) settle(ctx context.Context, sc store.Scope, of fleet.Schedule) error {
	for of.Enabled {
		t, err := s.timetable(ctx, sc, &of)
		if err != nil || !due(&of, &t, s.Now()) {
			return ignoreUnreadable(err)
		}
		if err := s.fire(ctx, sc, []fleet.Schedule{of}, s.Now()); err != nil {
			return err
		}
		before := of.Cursor
		if err := s.Store.View(ctx, sc, func(r store.Reader) (err error) { of, err = r.Schedule(of.ID); return err }); err != nil {
			return err
		}
		if of.Cursor.Equal(before) { // somebody else is at it
			return nil
		}
	}
	return nil
}

// due says whether something of a schedule has no row yet that should.
func due(of *fleet.Schedule, t *calendar.Timetable, now time.Time) bool {
	if of.Spent() {
		return false
	}
	next := t.NextDue(of.Cursor)
	return !next.IsZero() && !next.After(now)
}

// versionRef names a version of a workflow; 0 is the newest.
type versionRef struct {
	workflow fleet.ID
	version  int
}

// firing is a schedule that is about to fire.
type firing struct {
	schedule fleet.Schedule
	decision calendar.Decision
	jobs     []submission // in the order of the fires that have one
	previous []fleet.ID   // jobs whose place those take: they are cancelled with it
}

// fire decides what is due of some schedules of one tenant and writes it. Each is
// on its own: what was changed meanwhile is left for the next look.
func (s *Schedules) fire(ctx context.Context, sc store.Scope, list []fleet.Schedule, now time.Time) error {
	ids := make([]fleet.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	var live [][]fleet.ID
	var days almanac
	err := s.Store.View(ctx, sc, func(r store.Reader) (err error) {
		if days, err = almanacOf(r, list); err != nil {
			return err
		}
		live, err = r.LiveFires(ids)
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	var ready []firing
	found := map[versionRef]*resolved{} // many schedules run the same workflow
	for i := range list {
		f, err := s.decide(ctx, &list[i], days, live[i], found, now)
		if err != nil {
			faults = append(faults, fmt.Errorf("schedule %s: %w", list[i].ID, err))
			continue
		}
		ready = append(ready, f)
	}
	if len(ready) > 0 {
		faults = append(faults, s.commit(ctx, sc, ready, now))
	}
	return errors.Join(faults...)
}

// decide says what becomes of what is due of one schedule, and prepares its jobs.
// One that cannot be read is put off: what was due is decided once it can be.
func (s *Schedules) decide(ctx context.Context, of *fleet.Schedule, days almanac, live []fleet.ID, found map[versionRef]*resolved, now time.Time) (f firing, err error) {
	f.schedule = *of
	t, err := days.timetable(of)
	if err != nil {
		s.Logger.WarnContext(ctx, "schedule cannot be read", "tenant", of.Tenant, "schedule", of.ID, "name", of.Name, "error", err)
		f.decision = calendar.Decision{Cursor: of.Cursor, DueAt: now.Add(unreadableRest)}
		return f, nil
	}
	p := auth.Schedule(of.Tenant, of.Name)
	var fault error
	f.decision = calendar.Decide(of, &t, now, live, func(fire *fleet.Fire) (fleet.ID, string) {
		r := request(of, fire)
		ref := versionRef{of.WorkflowID, of.Version}
		if r.found = found[ref]; r.found == nil {
			if v, err := s.jobs.version(ctx, p, r); err == nil { // else prepare says why
				r.found, found[ref] = &v, &v
			}
		}
		sub, err := s.jobs.prepare(ctx, p, r)
		if err == nil {
			err = ownParents(sub.first())
		}
		if err == nil {
			f.jobs = append(f.jobs, sub)
			return sub.Job.ID, ""
		}
		if passing(err) {
			fault = err
		}
		return "", refusal(err)
	})
	if of.Overlap.Policy == fleet.OverlapCancel {
		f.previous = live
	}
	return f, fault
}

// passing says whether an error is none of the request but of the moment: asked
// again, the answer may be another.
func passing(err error) bool {
	var e *fleet.Error
	return !errors.As(err, &e) || e.Code == fleet.CodeInternal || e.Code == fleet.CodeUnavailable
}

func refusal(err error) string {
	e := fleet.AsError(err)
	if e.Fix != "" {
		return e.Message + " " + e.Fix
	}
	return e.Message
}

// takePlace cancels the jobs that new ones of the same transaction take the place
// of; those wait for their end in any case. One that has ended meanwhile, or is
// gone, is left.
func (s *Schedules) takePlace(tx store.Tx, list []*firing) error {
	by := map[fleet.ID]auth.Principal{}
	for _, f := range list {
		for _, id := range f.previous {
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

// commitAll writes decisions: the rows of the instants, the jobs, and the cursors
// that pass them, in one transaction.
func (s *Schedules) commitAll(ctx context.Context, sc store.Scope, ready []firing, now time.Time) error {
	refused := map[fleet.ID]string{} // jobs that the store would not take
	for range firePage {
		more, err := s.tryCommit(ctx, sc, ready, now, refused)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// errRefused says that the store would not take a job.
var errRefused = errors.New("a job of a schedule was refused")

func (s *Schedules) tryCommit(ctx context.Context, sc store.Scope, ready []firing, now time.Time, refused map[fleet.ID]string) (again bool, err error) {
	moves := make([]store.ScheduleMove, len(ready))
	for i := range ready {
		f := &ready[i]
		moves[i] = store.ScheduleMove{
			Tenant: f.schedule.Tenant, ID: f.schedule.ID, Revision: f.schedule.Revision, From: f.schedule.Cursor, To: f.decision.Cursor, DueAt: f.decision.DueAt,
		}
		for k := range f.jobs {
			if id := f.jobs[k].Job.ID; refused[id] == "" {
				moves[i].Runs++
				moves[i].LastRun, moves[i].LastJob = now, id
			}
		}
	}
	err = s.Store.Update(ctx, sc, func(tx store.Tx) error {
		moved, err := tx.MoveSchedules(moves)
		if err != nil {
			return err
		}
		var rows []fleet.Fire
		var jobs []submission
		var events []fleet.EventDraft
		var cancels []*firing
		for i := range ready {
			if !moved[i] { // somebody else was first, or it was changed
				continue
			}
			f := &ready[i]
			mine, subs, err := s.newRows(tx, f, refused)
			if err != nil {
				return err
			}
			rows, jobs, events = append(rows, mine...), append(jobs, subs...), append(events, fireEvents(&f.schedule, mine)...)
			if len(subs) > 0 {
				cancels = append(cancels, f)
			}
		}
		if err := s.takePlace(tx, cancels); err != nil {
			return err
		}
		out, err := insert(tx, jobs)
		if err != nil {
			return err
		}
		for i := range out {
			if out[i].Err != nil {
				refused[jobs[i].Job.ID] = refusal(out[i].Err)
				err = errRefused
			}
		}
		if err != nil {
			return err
		}
		if err := tx.AddFires(rows); err != nil {
			return err
		}
		for _, e := range events {
			if err := tx.Append(ready[0].schedule.Tenant, e); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errRefused) {
		return true, nil
	}
	return false, err
}

// newRows are the rows of a decision with the jobs that go with them. What has a
// row from before its schedule or its calendar was changed, keeps that one.
func (s *Schedules) newRows(tx store.Tx, f *firing, refused map[fleet.ID]string) (rows []fleet.Fire, jobs []submission, err error) {
	list := f.decision.Fires
	if len(list) == 0 {
		return nil, nil, nil
	}
	var have map[time.Time]fleet.FireOutcome
	if f.schedule.Revision > 1 || len(f.schedule.Calendars) > 0 {
		first, last := list[0].At, list[0].At
		for i := range list {
			if list[i].At.Before(first) {
				first = list[i].At
			}
			last = later(last, list[i].At)
		}
		if have, err = tx.FiredAt(f.schedule.ID, first, last); err != nil {
			return nil, nil, err
		}
	}
	next := 0
	for _, row := range list {
		var sub submission
		if row.Outcome == fleet.FireFired {
			sub = f.jobs[next]
			next++
		}
		if _, there := have[row.At.UTC()]; there {
			continue
		}
		if why := refused[row.JobID]; why != "" && row.Outcome == fleet.FireFired {
			row.Outcome, row.JobID, row.Reason, row.WatchAt = fleet.FireRefused, "", why, time.Time{}
		}
		if rows = append(rows, row); row.Outcome == fleet.FireFired {
			jobs = append(jobs, sub)
		}
	}
	return rows, jobs, nil
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
