package orchestrator

import (
	"cmp"
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

// firePage is how many schedules are fired in one transaction.
const firePage = 100

// FiredPage says what became of a page of schedules.
type FiredPage struct {
	Looked int          // schedules
	More   int          // of these got on and have more that is due
	Last   store.DueRef // where to go on
}

// FireDue fires what is due of a page of schedules, after one of an earlier page.
// A schedule that cannot be fired now is passed over, and its error is among those
// returned.
func (s *Schedules) FireDue(ctx context.Context, sc store.Scope, now time.Time, after store.DueRef) (page FiredPage, err error) {
	page.Last = after
	var list []fleet.Schedule
	err = s.Store.View(ctx, sc, func(r store.Reader) (err error) { list, err = r.DueSchedules(now, after, firePage); return err })
	if err != nil || len(list) == 0 {
		return page, err
	}
	last := &list[len(list)-1]
	page.Looked, page.Last = len(list), store.DueRef{At: last.DueAt, ID: last.ID}
	slices.SortStableFunc(list, func(a, b fleet.Schedule) int { return cmp.Compare(a.Tenant, b.Tenant) })
	var faults []error
	for from := 0; from < len(list); {
		until := from
		for until < len(list) && list[until].Tenant == list[from].Tenant {
			until++
		}
		more, err := s.fire(ctx, sc.In(list[from].Tenant), list[from:until], now)
		page.More += more
		faults = append(faults, err)
		from = until
	}
	for i := range list { // whoever counted the failures may have died before it did so
		faults = append(faults, s.pauseFailing(ctx, &list[i]))
	}
	return page, errors.Join(faults...)
}

// settle fires what is due of one schedule, until nothing is.
func (s *Schedules) settle(ctx context.Context, sc store.Scope, of fleet.Schedule) error {
	for of.Enabled {
		t, err := s.timetable(ctx, sc, &of)
		if err != nil || !due(&of, &t, s.Now()) {
			return ignoreUnreadable(err)
		}
		if _, err := s.fire(ctx, sc, []fleet.Schedule{of}, s.Now()); err != nil {
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

// candidate is a schedule that may have something due, with what its decision
// goes by.
type candidate struct {
	schedule   fleet.Schedule
	table      calendar.Timetable
	unreadable error                           // then there is no table
	live       []fleet.ID                      // its jobs that have not ended
	known      map[time.Time]fleet.FireOutcome // instants that have a row from before a change
	refused    map[time.Time]string            // instants whose job the store would not take
}

// firing is what was decided of one.
type firing struct {
	*candidate
	decision calendar.Decision
	jobs     []submission // in the order of the fires that have one
	moved    bool         // it was written
}

// fire decides what is due of some schedules of one tenant and writes it. Each is
// on its own: what was changed meanwhile is left for the next look. It returns how
// many got on and have more that is due.
func (s *Schedules) fire(ctx context.Context, sc store.Scope, list []fleet.Schedule, now time.Time) (more int, err error) {
	all, err := s.candidates(ctx, sc, list, now)
	if err != nil {
		return 0, err
	}
	var faults []error
	var ready []firing
	found := map[versionRef]*resolved{} // many schedules run the same workflow
	for i := range all {
		f, err := s.decide(ctx, &all[i], found, now)
		if err != nil {
			faults = append(faults, fmt.Errorf("schedule %s: %w", list[i].ID, err))
			continue
		}
		ready = append(ready, f)
	}
	if len(ready) > 0 {
		faults = append(faults, s.commit(ctx, sc, ready, now))
	}
	for i := range ready {
		if d := &ready[i].decision; ready[i].moved && d.Cursor.After(ready[i].schedule.Cursor) && !d.DueAt.IsZero() && !d.DueAt.After(now) {
			more++
		}
	}
	return more, errors.Join(faults...)
}

func (s *Schedules) candidates(ctx context.Context, sc store.Scope, list []fleet.Schedule, now time.Time) (out []candidate, err error) {
	ids := make([]fleet.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	err = s.Store.View(ctx, sc, func(r store.Reader) error {
		days, err := almanacOf(r, list)
		if err != nil {
			return err
		}
		live, err := r.LiveFires(ids)
		if err != nil {
			return err
		}
		out = make([]candidate, len(list))
		for i := range list {
			c := &out[i]
			c.schedule, c.live, c.refused = list[i], live[i], map[time.Time]string{}
			c.table, c.unreadable = days.timetable(&c.schedule)
			if c.unreadable != nil || c.schedule.Revision <= 1 && len(c.schedule.Calendars) == 0 { // nothing of it was ever changed
				continue
			}
			from, until := c.table.Reach(c.schedule.Cursor, now)
			if c.known, err = r.FiredAt(c.schedule.ID, from, until); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// decide says what becomes of what is due of one schedule, and prepares its jobs.
// One that cannot be read is put off: what was due is decided once it can be.
func (s *Schedules) decide(ctx context.Context, c *candidate, found map[versionRef]*resolved, now time.Time) (f firing, err error) {
	f.candidate = c
	of := &c.schedule
	if c.unreadable != nil {
		s.Logger.WarnContext(ctx, "schedule cannot be read", "tenant", of.Tenant, "schedule", of.ID, "name", of.Name, "error", c.unreadable)
		f.decision = calendar.Decision{Cursor: of.Cursor, DueAt: now.Add(unreadableRest)}
		return f, nil
	}
	p := auth.Schedule(of.Tenant, of.Name)
	var fault error
	f.decision = calendar.Decide(of, &c.table, now, c.live, c.known, func(fire *fleet.Fire) (fleet.ID, string) {
		if why := c.refused[fire.At]; why != "" {
			return "", why
		}
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
