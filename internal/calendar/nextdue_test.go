package calendar

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// timetableOf is the timetable of a schedule under calendars, and the schedule.
func timetableOf(t *testing.T, change func(s *fleet.Schedule), calendars ...fleet.WorkCalendar) (*fleet.Schedule, *Timetable) {
	t.Helper()
	s := fleet.NewSchedule()
	s.ID, s.Timezone, s.Kind = "s", "UTC", fleet.ScheduleCron
	s.CreatedAt = at(t, "2026-11-23T10:00")
	s.Since, s.Cursor = s.CreatedAt, s.CreatedAt
	change(&s)
	table, err := TimetableOf(&s, calendars)
	if err != nil {
		t.Fatal(err)
	}
	return &s, &table
}

// Whatever a schedule says, the look for its next instant ends.
func TestNextDueEnds(t *testing.T) {
	never := fleet.WorkCalendar{Name: "never", Blackouts: []fleet.Window{{From: time.Unix(0, 0), Until: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	shifted := func(s *fleet.Schedule) { s.Calendars, s.Shift = []fleet.ID{"c"}, fleet.ShiftNext }
	for name, c := range map[string]struct {
		change    func(s *fleet.Schedule)
		calendars []fleet.WorkCalendar
		want      string // empty: never
	}{
		"a day that is not, with jitter": {change: func(s *fleet.Schedule) { s.Cron, s.JitterSeconds = "0 0 30 2 *", 600 }},
		"a day that is not, shifted":     {change: func(s *fleet.Schedule) { s.Cron = "0 0 30 2 *"; shifted(s) }, calendars: []fleet.WorkCalendar{never}},
		"no day is allowed":              {change: func(s *fleet.Schedule) { s.Cron = "0 12 * * *"; shifted(s) }, calendars: []fleet.WorkCalendar{never}, want: "2026-11-23T12:00"},
		"once, in centuries, with jitter": {change: func(s *fleet.Schedule) {
			s.Kind, s.RunAt, s.JitterSeconds = fleet.ScheduleOnce, time.Date(2800, 1, 1, 0, 0, 0, 0, time.UTC), 1
		}, want: "2800-01-01T00:00"},
		"begins in centuries, with jitter": {change: func(s *fleet.Schedule) {
			s.Cron, s.StartAt, s.JitterSeconds = "0 0 29 2 *", time.Date(2800, 1, 1, 0, 0, 0, 0, time.UTC), 1
		}, want: "2800-02-29T00:00"},
		"a leap day, shifted": {change: func(s *fleet.Schedule) { s.Cron = "0 0 29 2 *"; shifted(s) }, calendars: []fleet.WorkCalendar{{Name: "always"}}, want: "2028-02-29T00:00"},
		"over, with jitter": {change: func(s *fleet.Schedule) {
			s.Cron, s.EndAt, s.JitterSeconds = "0 0 * * *", at(t, "2026-11-23T11:00"), 600
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, table := timetableOf(t, c.change, c.calendars...)
			due := table.NextDue(s.Cursor) // that it returns is half of what is asked
			got := ""
			if !due.IsZero() {
				got = due.Format("2006-01-02T15:04")
			}
			if got != c.want {
				t.Errorf("due %q, want %q", got, c.want)
			}
		})
	}
}

// NextDue is the first of what Between lists, for random rules, jitters, shifts
// and calendars.
func TestNextDueIsTheFirstOfBetween(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 1)) //nolint:gosec // a test
	crons := []string{"0 9 * * *", "30 2 * * 1-5", "0 0 1 * *", "0 12 29 2 *", "15 */3 * * *", "0 6 * * 1"}
	checked := 0
	for i := range 300 {
		cal := fleet.WorkCalendar{Name: "c", Holidays: []fleet.Holiday{{Month: 1 + chance.IntN(12), Day: 1 + chance.IntN(28)}, {Easter: new(1)}}}
		for day := range 1 + chance.IntN(6) {
			cal.Hours = append(cal.Hours, fleet.DayTime{Weekday: day, From: "00:00", Until: "24:00"})
		}
		s, table := timetableOf(t, func(s *fleet.Schedule) {
			s.ID, s.Cron, s.Calendars = fleet.ID(fmt.Sprint(i)), crons[chance.IntN(len(crons))], []fleet.ID{"c"}
			s.Shift = []fleet.Shift{fleet.ShiftSkip, fleet.ShiftNext, fleet.ShiftPrevious}[chance.IntN(3)]
			s.JitterSeconds = []int{0, 600, 3600}[chance.IntN(3)]
		}, cal)
		after := s.Cursor.Add(time.Duration(chance.IntN(3000)) * time.Hour)
		due := table.NextDue(after)
		if due.IsZero() {
			t.Fatalf("%s %s: nothing is due", s.Cron, s.Shift)
		}
		var first []Timed
		for from := after; from.Before(due); { // in pages
			var list []Timed
			list, from = table.Between(from, due, 1000)
			first = append(first, list...)
		}
		if len(first) == 0 || !first[0].Due.Equal(due) {
			t.Errorf("%s %s, jitter %d: due %s after %s, of which Between lists %v", s.Cron, s.Shift, s.JitterSeconds, due, after, first)
		}
		checked++
	}
	if checked < 300 {
		t.Errorf("only %d", checked)
	}
}

func TestFarTimesAreRefused(t *testing.T) {
	now := at(t, "2026-11-23T10:00")
	for name, c := range map[string]struct {
		change func(s *fleet.Schedule)
		field  string
	}{
		"run_at":         {func(s *fleet.Schedule) { s.Kind, s.RunAt = fleet.ScheduleOnce, now.AddDate(8, 0, 1) }, "run_at"},
		"run_at, near":   {func(s *fleet.Schedule) { s.Kind, s.RunAt = fleet.ScheduleOnce, now.AddDate(8, 0, 0) }, ""},
		"start_at":       {func(s *fleet.Schedule) { s.Cron, s.StartAt = "0 0 * * *", now.AddDate(8, 0, 1) }, "start_at"},
		"start_at, near": {func(s *fleet.Schedule) { s.Cron, s.StartAt = "0 0 * * *", now.AddDate(8, 0, 0) }, ""},
	} {
		s, _ := timetableOf(t, c.change)
		err := CheckSchedule(s, nil, now, time.Second)
		if field := ""; err != nil {
			if e := fleet.AsError(err); e.Code == fleet.CodeInvalid && len(e.Fields) == 1 {
				field = e.Fields[0].Field
			}
			if field != c.field || field == "" {
				t.Errorf("%s: %v", name, err)
			}
		} else if c.field != "" {
			t.Errorf("%s is taken", name)
		}
	}
}
