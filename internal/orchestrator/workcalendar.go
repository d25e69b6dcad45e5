package orchestrator

import (
	"context"
	"errors"
	"maps"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// Calendars are the use cases of working calendars.
type Calendars struct{ *core }

// CalendarChange is what is to hold of a calendar; nil leaves things as they are.
type CalendarChange struct {
	Name        *string
	Description *string
	Timezone    *string
	Hours       *[]fleet.DayTime
	Holidays    *[]fleet.Holiday
	Blackouts   *[]fleet.Window
	Extra       *[]fleet.Window
	// ICal is an iCalendar file whose events become blackouts, in place of those
	// that are there.
	ICal string
}

// maxCalendars bounds the calendars of a tenant.
const maxCalendars = 1000

func (c *CalendarChange) apply(to *fleet.WorkCalendar) error {
	give(c.Name, &to.Name)
	give(c.Description, &to.Description)
	give(c.Timezone, &to.Timezone)
	give(c.Hours, &to.Hours)
	give(c.Holidays, &to.Holidays)
	give(c.Blackouts, &to.Blackouts)
	give(c.Extra, &to.Extra)
	if c.ICal != "" {
		zone, err := calendar.Zone(to.Timezone)
		if err != nil {
			return err
		}
		if to.Blackouts, err = calendar.ReadICal(c.ICal, zone); err != nil {
			return err
		}
	}
	if err := to.Validate(); err != nil {
		return err
	}
	_, err := calendar.Allowed(to)
	return err
}

func calendarEvent(kind fleet.EventKind, p auth.Principal, c *fleet.WorkCalendar) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectCalendar, SubjectID: string(c.ID), Actor: p.Name, Data: map[string]any{"name": c.Name}}
}

// Create makes a calendar.
func (s *Calendars) Create(ctx context.Context, p auth.Principal, c CalendarChange) (out fleet.WorkCalendar, err error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return out, err
	}
	tenant, err := s.tenant(ctx, p)
	if err != nil {
		return out, err
	}
	now := s.Now()
	out = fleet.WorkCalendar{ID: s.IDs.New(), Tenant: p.Tenant, Timezone: tenant.Timezone, CreatedAt: now, UpdatedAt: now, UpdatedBy: p.Name}
	if err := c.apply(&out); err != nil {
		return out, err
	}
	err = s.act(ctx, p, string(fleet.EventCalendarCreated), fleet.SubjectCalendar, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		list, err := tx.WorkCalendars()
		if err != nil {
			return err
		}
		if len(list) >= maxCalendars {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_calendars", "A tenant may have at most %d calendars.", maxCalendars).WithFix("Delete one that is no longer used.")
		}
		d.Object.Name = out.Name
		return errors.Join(changed(d, nil, out), tx.PutWorkCalendar(out), tx.Append(p.Tenant, calendarEvent(fleet.EventCalendarCreated, p, &out)))
	})
	out.Revision = 1
	return out, err
}

func findCalendar(r store.Reader, ref string) (fleet.WorkCalendar, error) {
	if id := fleet.ID(ref); id.Valid() {
		return r.WorkCalendar(id)
	}
	list, err := r.WorkCalendars()
	if err != nil {
		return fleet.WorkCalendar{}, err
	}
	key := (&fleet.WorkCalendar{Name: ref}).Key()
	for i := range list {
		if list[i].Key() == key {
			return list[i], nil
		}
	}
	return fleet.WorkCalendar{}, fleet.NotFound("calendar", ref)
}

// Update changes a calendar; revision 0 is any. Its schedules are looked at again
// at once.
func (s *Calendars) Update(ctx context.Context, p auth.Principal, ref string, revision int64, c CalendarChange) (out fleet.WorkCalendar, err error) {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return out, err
	}
	err = s.act(ctx, p, string(fleet.EventCalendarUpdated), fleet.SubjectCalendar, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := findCalendar(tx, ref)
		if err != nil {
			return err
		}
		if revision != 0 && revision != was.Revision {
			return versionChanged("calendar", was.Name)
		}
		out = was
		out.UpdatedAt, out.UpdatedBy = s.Now(), p.Name
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if err := c.apply(&out); err != nil {
			return err
		}
		if err := errors.Join(changed(d, was, out), tx.PutWorkCalendar(out), tx.LookAgain(out.ID, s.Now())); err != nil {
			return err
		}
		if err := s.recordOvertaken(tx, &was); err != nil {
			return err
		}
		out.Revision++
		return tx.Append(p.Tenant, calendarEvent(fleet.EventCalendarUpdated, p, &out))
	})
	return out, err
}

// recordOvertaken gives a row to each run whose time has gone by unused with the
// change of a calendar: one that was shifted to a day that is over.
func (s *Calendars) recordOvertaken(tx store.Tx, was *fleet.WorkCalendar) error {
	for page := (fleet.Page{Limit: 500}); ; {
		list, err := tx.Schedules(store.ScheduleFilter{Calendar: was.ID, Enabled: new(true)}, page)
		if err != nil {
			return err
		}
		known, err := almanacOf(tx, list.Schedules)
		if err != nil {
			return err
		}
		before := maps.Clone(known)
		before[was.ID] = *was
		for i := range list.Schedules {
			if shift := list.Schedules[i].Shift; shift != fleet.ShiftNext && shift != fleet.ShiftPrevious {
				continue
			}
			one, err := tx.ScheduleToChange(list.Schedules[i].ID)
			if err != nil {
				return err
			}
			if err := s.recordOvertakenOf(tx, &one, before, known); err != nil {
				return err
			}
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			return nil
		}
	}
}

func (s *Calendars) recordOvertakenOf(tx store.Tx, of *fleet.Schedule, before, known almanac) error {
	was, err := before.timetable(of)
	if err != nil { // it had no instants
		return ignoreUnreadable(err)
	}
	is, err := known.timetable(of)
	if err != nil {
		return ignoreUnreadable(err)
	}
	var rows []fleet.Fire
	for _, r := range calendar.Overtaken(&was, &is, of.Cursor) {
		rows = append(rows, fleet.Fire{
			Tenant: of.Tenant, Schedule: of.ID, At: r.Nominal, Kind: fleet.FireScheduled, DueAt: r.Due, Outcome: fleet.FireMissed, Moved: r.Moved,
			MadeAt: s.Now(), Reason: "A calendar was changed, and the day that it is shifted to was over.",
		})
	}
	rows, err = withoutRows(tx, of.ID, rows)
	return errors.Join(err, tx.AddFires(rows))
}

// Delete takes a calendar away that no schedule keeps.
func (s *Calendars) Delete(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.SchedulesWrite); err != nil {
		return err
	}
	return s.act(ctx, p, string(fleet.EventCalendarDeleted), fleet.SubjectCalendar, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := findCalendar(tx, ref)
		if err != nil {
			return err
		}
		list, err := tx.Schedules(store.ScheduleFilter{Calendar: was.ID}, fleet.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(list.Schedules) > 0 {
			return fleet.Errorf(fleet.CodeConflict, "calendar_in_use", "Schedule %s keeps the calendar %s.", list.Schedules[0].Name, was.Name).WithFix("Take it out of its schedules first.")
		}
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		return errors.Join(changed(d, was, nil), tx.DeleteWorkCalendar(was.ID), tx.Append(p.Tenant, calendarEvent(fleet.EventCalendarDeleted, p, &was)))
	})
}

// Get returns a calendar, by its id or its name.
func (s *Calendars) Get(ctx context.Context, p auth.Principal, ref string) (out fleet.WorkCalendar, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = findCalendar(r, ref); return err })
	return out, err
}

// List returns all calendars by name.
func (s *Calendars) List(ctx context.Context, p auth.Principal) (out []fleet.WorkCalendar, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = r.WorkCalendars(); return err })
	return out, err
}
