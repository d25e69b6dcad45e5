package orchestrator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// unreadable makes a schedule whose zone, or whose calendar, is there no more.
func (f *timed) unreadable(how string) fleet.Schedule {
	f.Helper()
	cal, err := f.Calendars.Create(f.Context(), f.admin, CalendarChange{Name: new("days " + how)})
	f.must(err)
	s := f.schedule(func(c *ScheduleChange) { c.Name, c.Calendars = new("unreadable"), &[]fleet.ID{cal.ID} })
	f.must(f.store.Update(f.Context(), f.admin.Scope(), func(tx store.Tx) error {
		if how == "calendar" {
			return tx.DeleteWorkCalendar(cal.ID)
		}
		gone := s
		gone.Timezone = "Atlantis/Poseidonis"
		return tx.PutSchedule(gone, s.Cursor, false)
	}))
	return s
}

// What can no longer be read is told of, and everything can be done with it that
// mends it or takes it away.
func TestUnreadableScheduleCanBeChanged(t *testing.T) {
	for _, how := range []string{"calendar", "zone"} {
		for what, do := range map[string]func(f *timed, id string) error{
			"disable": func(f *timed, id string) error {
				s, err := f.Schedules.Enable(f.Context(), f.admin, id, false, "mend it")
				if err == nil && s.Enabled {
					err = errors.New("it is enabled")
				}
				return err
			},
			"delete": func(f *timed, id string) error {
				if err := f.Schedules.Delete(f.Context(), f.admin, id); err != nil {
					return err
				}
				if _, err := f.Schedules.Get(f.Context(), f.admin, id); !errors.Is(err, fleet.ErrNotFound) {
					return errors.New("it is there")
				}
				return nil
			},
			"rename": func(f *timed, id string) error {
				_, err := f.Schedules.Update(f.Context(), f.admin, id, 0, ScheduleChange{Name: new("other")})
				return err
			},
			"mend": func(f *timed, id string) error {
				_, err := f.Schedules.Update(f.Context(), f.admin, id, 0, ScheduleChange{Calendars: &[]fleet.ID{}, Timezone: new("UTC")})
				if err != nil {
					return err
				}
				f.now = f.now.Add(time.Hour)
				if err := f.fire(); err != nil {
					return err
				}
				if rows := f.told(fleet.ID(id)); !strings.HasSuffix(rows, "12:00 fired") {
					return errors.New(rows)
				}
				return nil
			},
			"run by hand": func(f *timed, id string) error {
				_, _, err := f.Schedules.RunNow(f.Context(), f.admin, id)
				return err
			},
		} {
			t.Run(how+", "+what, func(t *testing.T) {
				f := newTimed(t)
				s := f.unreadable(how)
				f.now = f.now.Add(time.Hour) // something is due
				v, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
				f.must(err)
				if v.Problem == "" || !v.NextRun.IsZero() {
					t.Errorf("problem %q, next run %s", v.Problem, v.NextRun)
				}
				f.must(do(f, string(s.ID)))
			})
		}
	}
}

// A schedule that cannot be read stops no other, is no fault of the chore, and is
// left alone for a while; what was due is decided once it can be read.
func TestUnreadableScheduleStopsNoOther(t *testing.T) {
	f := newTimed(t)
	bad := f.unreadable("zone")
	good := f.schedule(nil)
	f.must(f.due("11:00:00"))
	f.wants(good.ID, "11:00 fired")
	f.wants(bad.ID, "")
	var due []fleet.Schedule
	f.must(f.store.View(t.Context(), f.admin.Scope(), func(r store.Reader) (err error) {
		due, err = r.DueSchedules(f.now, store.DueRef{}, 10)
		return err
	}))
	if len(due) != 0 {
		t.Errorf("%d are still due", len(due))
	}
	_, err := f.Schedules.Update(t.Context(), f.admin, string(bad.ID), 0, ScheduleChange{Timezone: new("UTC"), Calendars: &[]fleet.ID{}})
	f.must(err)
	f.must(f.due("12:00:00"))
	f.wants(bad.ID, "12:00 fired")
}

// A schedule whose rows cannot be written holds up none of its page.
func TestOneThatCannotBeWrittenStopsNoOther(t *testing.T) {
	f := newTimed(t)
	bad, good := f.schedule(nil), f.schedule(nil)
	f.bad.fires = func(list []fleet.Fire) error {
		for _, r := range list {
			if r.Schedule == bad.ID {
				return errors.New("the disk says no")
			}
		}
		return nil
	}
	if err := f.due("11:00:00"); err == nil || !strings.Contains(err.Error(), string(bad.ID)) {
		t.Errorf("the fault is told as %v", err)
	}
	f.wants(good.ID, "11:00 fired")
	f.wants(bad.ID, "")
	f.bad.fires = nil
	f.must(f.due("11:00:10"))
	f.wants(bad.ID, "11:00 fired")
}
