package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// A change of a calendar may move a run to a day that is over. It cannot come any
// more, and says so.
func TestRunShiftedToADayThatIsOver(t *testing.T) {
	day := func(n int) fleet.Holiday {
		return fleet.Holiday{Date: time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
	}
	for _, c := range []struct {
		cron          string
		shift         fleet.Shift
		before, after []fleet.Holiday
		lost          int
	}{
		{"0 9 * * 2", fleet.ShiftPrevious, nil, []fleet.Holiday{day(24)}, 24}, // tomorrow's would have come this morning
		{"0 9 * * 1", fleet.ShiftNext, []fleet.Holiday{day(23)}, nil, 23},     // this morning's was to come tomorrow
		{"0 9 * * 2", fleet.ShiftNext, nil, []fleet.Holiday{day(24)}, 0},
		{"0 9 * * 2", fleet.ShiftSkip, nil, []fleet.Holiday{day(24)}, 0},
	} {
		f := newTimed(t)
		f.now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		cal, err := f.Calendars.Create(t.Context(), f.admin, CalendarChange{Name: new("days"), Timezone: new("UTC"), Holidays: &c.before})
		f.must(err)
		s := f.schedule(func(o *ScheduleChange) {
			o.Cron, o.Timezone, o.Calendars, o.Shift = &c.cron, new("UTC"), &[]fleet.ID{cal.ID}, &c.shift
		})
		_, err = f.Calendars.Update(t.Context(), f.admin, string(cal.ID), 0, CalendarChange{Description: new("looked at")})
		f.must(err)
		f.must(f.due("10:00:00")) // its cursor is past this morning now
		rows := len(f.rows(s.ID))
		for range 2 { // a second change finds the row there
			cal, err = f.Calendars.Update(t.Context(), f.admin, string(cal.ID), 0, CalendarChange{Holidays: &c.after})
			f.must(err)
		}
		var missed []fleet.Fire
		for _, r := range f.rows(s.ID) {
			if r.Outcome == fleet.FireMissed {
				missed = append(missed, r)
			}
		}
		if c.lost == 0 {
			if len(f.rows(s.ID)) != rows {
				t.Errorf("%s: rows came without reason: %+v", c.shift, missed)
			}
			continue
		}
		if want := time.Date(2026, 11, c.lost, 9, 0, 0, 0, time.UTC); len(missed) != 1 || !missed[0].At.Equal(want) || missed[0].Reason == "" {
			t.Errorf("%s: %+v", c.shift, missed)
		}
	}
}
