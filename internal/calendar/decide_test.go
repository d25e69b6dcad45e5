package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"pgregory.net/rapid"
)

func hourly(change func(s *fleet.Schedule)) *fleet.Schedule {
	s := fleet.NewSchedule()
	s.ID, s.Name, s.Cron, s.Timezone = "s", "hourly", "0 * * * *", "UTC"
	s.CreatedAt = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	s.Since, s.Cursor = s.CreatedAt, s.CreatedAt
	if change != nil {
		change(&s)
	}
	s.Normal()
	return &s
}

// numbers gives the ids j1, j2 and so on.
func numbers() func(*fleet.Fire) (fleet.ID, string) {
	n := 0
	return func(*fleet.Fire) (fleet.ID, string) { n++; return fleet.ID(fmt.Sprintf("j%d", n)), "" }
}

func decided(t *testing.T, s *fleet.Schedule, now string, calendars []fleet.WorkCalendar, live ...fleet.ID) (string, Decision) {
	t.Helper()
	table, err := TimetableOf(s, calendars)
	if err != nil {
		t.Fatal(err)
	}
	d := Decide(s, &table, at(t, now), live, nil, numbers())
	var out []string
	for _, f := range d.Fires {
		text := f.At.Format("15:04") + " " + string(f.Outcome)
		if f.JobID != "" {
			text += " " + string(f.JobID)
		}
		if len(f.After) > 0 {
			text += fmt.Sprint(" after ", f.After)
		}
		if (f.Reason == "") != (f.Outcome == fleet.FireFired && !strings.Contains(f.Reason, "Nobody")) {
			t.Errorf("%s has the reason %q", text, f.Reason)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", "), d
}

func TestDecide(t *testing.T) {
	policy := func(p fleet.MisfirePolicy, within int) func(*fleet.Schedule) {
		return func(s *fleet.Schedule) {
			s.Misfire = fleet.Misfire{Policy: p, WithinSeconds: within}
			s.Overlap.Policy = fleet.OverlapParallel
		}
	}
	overlap := func(p fleet.OverlapPolicy, most int) func(*fleet.Schedule) {
		return func(s *fleet.Schedule) { s.Overlap = fleet.Overlap{Policy: p, Max: most} }
	}
	for name, c := range map[string]struct {
		change func(*fleet.Schedule)
		now    string
		live   []fleet.ID
		want   string
	}{
		"nothing is due":   {nil, "2026-11-27T10:59", nil, ""},
		"on time":          {nil, "2026-11-27T11:00", nil, "11:00 fired j1"},
		"within the grace": {nil, "2026-11-27T11:01", nil, "11:00 fired j1"},
		"down 10:30-13:40": {nil, "2026-11-27T13:40", nil, "11:00 missed, 12:00 missed, 13:00 fired j1"},
		"a longer window":  {policy(fleet.MisfireOnce, 7200), "2026-11-27T13:40", nil, "11:00 missed, 12:00 collapsed, 13:00 fired j1"},
		"run all":          {policy(fleet.MisfireAll, 10800), "2026-11-27T13:40", nil, "11:00 fired j1, 12:00 fired j2, 13:00 fired j3"},
		"run all of two": {func(s *fleet.Schedule) {
			policy(fleet.MisfireAll, 86400)(s)
			s.Misfire.Max = 2
		}, "2026-11-27T13:40", nil, "11:00 collapsed, 12:00 fired j1, 13:00 fired j2"},
		"skip what is missed":       {policy(fleet.MisfireSkip, 7200), "2026-11-27T13:01", nil, "11:00 missed, 12:00 missed, 13:00 fired j1"},
		"missed, and one on time":   {policy(fleet.MisfireOnce, 10800), "2026-11-27T13:01", nil, "11:00 collapsed, 12:00 fired j1, 13:00 fired j2"},
		"overlap skip":              {nil, "2026-11-27T11:00", []fleet.ID{"a"}, "11:00 skipped_overlap a"},
		"overlap queue one":         {overlap(fleet.OverlapQueueOne, 0), "2026-11-27T11:00", []fleet.ID{"a"}, "11:00 fired j1 after [a]"},
		"overlap queue one, full":   {overlap(fleet.OverlapQueueOne, 0), "2026-11-27T11:00", []fleet.ID{"a", "b"}, "11:00 skipped_overlap b"},
		"overlap queue all":         {overlap(fleet.OverlapQueueAll, 3), "2026-11-27T11:00", []fleet.ID{"a", "b"}, "11:00 fired j1 after [a b]"},
		"overlap queue all, full":   {overlap(fleet.OverlapQueueAll, 2), "2026-11-27T11:00", []fleet.ID{"a", "b"}, "11:00 skipped_overlap b"},
		"overlap cancel previous":   {overlap(fleet.OverlapCancel, 0), "2026-11-27T11:00", []fleet.ID{"a", "b"}, "11:00 fired j1 after [a b]"},
		"overlap parallel":          {overlap(fleet.OverlapParallel, 2), "2026-11-27T11:00", []fleet.ID{"a"}, "11:00 fired j1"},
		"overlap parallel, full":    {overlap(fleet.OverlapParallel, 2), "2026-11-27T11:00", []fleet.ID{"a", "b"}, "11:00 skipped_overlap b"},
		"one stands in another way": {func(s *fleet.Schedule) { s.Misfire = fleet.Misfire{Policy: fleet.MisfireAll, WithinSeconds: 7200} }, "2026-11-27T12:40", nil, "11:00 fired j1, 12:00 skipped_overlap j1"},
		"the last of its runs": {func(s *fleet.Schedule) {
			policy(fleet.MisfireAll, 10800)(s)
			s.MaxRuns, s.Runs = 3, 2
		}, "2026-11-27T13:40", nil, "11:00 fired j1"},
		"it is spent":      {func(s *fleet.Schedule) { s.MaxRuns, s.Runs = 2, 2 }, "2026-11-27T13:40", nil, ""},
		"disabled":         {func(s *fleet.Schedule) { s.Enabled = false }, "2026-11-27T13:40", nil, ""},
		"a clock set back": {func(s *fleet.Schedule) { s.Cursor = s.Cursor.Add(2 * time.Hour) }, "2026-11-27T11:00", nil, ""},
		"past its end":     {func(s *fleet.Schedule) { s.EndAt = s.CreatedAt.Add(time.Hour) }, "2026-11-27T13:40", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := hourly(c.change)
			got, d := decided(t, s, c.now, nil, c.live...)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if d.Cursor.Before(s.Cursor) {
				t.Errorf("the cursor went back from %s to %s", s.Cursor, d.Cursor)
			}
			if over := name == "disabled" || strings.HasPrefix(name, "it is") || strings.HasPrefix(name, "past") || strings.HasPrefix(name, "the last"); over != d.DueAt.IsZero() {
				t.Errorf("to be looked at again at %s", d.DueAt)
			}
		})
	}
}

func TestDecideUnderACalendar(t *testing.T) {
	calendars := []fleet.WorkCalendar{{
		Timezone: "Europe/Berlin", Holidays: []fleet.Holiday{{Month: 12, Day: 25}, {Month: 12, Day: 26}},
		Extra: []fleet.Window{{From: at(t, "2026-12-25T20:00"), Until: at(t, "2026-12-25T21:00")}},
	}}
	daily := func(shift fleet.Shift) *fleet.Schedule {
		return hourly(func(s *fleet.Schedule) {
			s.Cron, s.Timezone, s.Calendars, s.Shift = "0 9 * * *", "Europe/Berlin", []fleet.ID{"c"}, shift
			s.Cursor = at(t, "2026-12-24T12:00")
			s.Misfire.WithinSeconds, s.Overlap.Policy = 7*86400, fleet.OverlapParallel
		})
	}
	show := func(s *fleet.Schedule) string {
		table, err := TimetableOf(s, calendars)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range Decide(s, &table, at(t, "2026-12-27T12:00"), nil, nil, numbers()).Fires {
			out = append(out, f.At.Format("02")+" "+string(f.Outcome)+" "+f.DueAt.Format("02"))
		}
		return strings.Join(out, ", ")
	}
	for shift, want := range map[fleet.Shift]string{
		fleet.ShiftSkip:     "25 skipped_calendar 25, 26 skipped_calendar 26, 27 fired 27",
		fleet.ShiftNext:     "26 collapsed 26, 25 fired 27, 27 collapsed 27",
		fleet.ShiftPrevious: "25 collapsed 25, 26 collapsed 26, 27 fired 27",
	} {
		if got := show(daily(shift)); got != want {
			t.Errorf("%s: got %s, want %s", shift, got, want)
		}
	}
}

// drawn is any schedule.
func drawn(t *rapid.T) (*fleet.Schedule, []fleet.WorkCalendar) {
	zones := []string{"UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia"}
	crons := []string{"30 2 * * *", "*/30 2 * * *", "0 * * * *", "15 9 * * 1-5", "0 0 L * *", "*/7 1-3 * * *", "0 0,12 * * *", "5 4 1W * *"}
	s := hourly(func(s *fleet.Schedule) {
		s.Timezone = rapid.SampledFrom(zones).Draw(t, "zone")
		s.Cron = rapid.SampledFrom(crons).Draw(t, "cron")
		if rapid.Bool().Draw(t, "interval") {
			s.Kind, s.IntervalSeconds = fleet.ScheduleInterval, rapid.IntRange(1800, 100_000).Draw(t, "seconds")
		}
		s.JitterSeconds = rapid.SampledFrom([]int{0, 0, 60, 3600}).Draw(t, "jitter")
		s.Overlap = fleet.Overlap{Policy: rapid.SampledFrom([]fleet.OverlapPolicy{fleet.OverlapSkip, fleet.OverlapQueueOne, fleet.OverlapQueueAll, fleet.OverlapParallel}).Draw(t, "overlap")}
		s.Misfire = fleet.Misfire{
			Policy:        rapid.SampledFrom([]fleet.MisfirePolicy{fleet.MisfireSkip, fleet.MisfireOnce, fleet.MisfireAll}).Draw(t, "misfire"),
			WithinSeconds: rapid.SampledFrom([]int{0, 3600, 86400}).Draw(t, "within"), Max: rapid.IntRange(0, 3).Draw(t, "max"),
		}
	})
	var calendars []fleet.WorkCalendar
	if rapid.Bool().Draw(t, "under a calendar") {
		calendars = []fleet.WorkCalendar{{Timezone: "Europe/Berlin", Hours: []fleet.DayTime{
			{Weekday: 0, From: "08:00", Until: "24:00"}, {Weekday: 1, From: "00:00", Until: "24:00"}, {Weekday: 3, From: "00:00", Until: "12:00"}, {Weekday: 5, From: "02:00", Until: "20:00"},
		}}}
		s.Calendars = []fleet.ID{"c"}
		s.Shift = rapid.SampledFrom([]fleet.Shift{fleet.ShiftSkip, fleet.ShiftNext, fleet.ShiftPrevious}).Draw(t, "shift")
		if s.Shift != fleet.ShiftSkip && s.Kind == fleet.ScheduleCron {
			s.Cron = "30 2,14 * * *"
		}
		if s.Kind == fleet.ScheduleInterval {
			s.IntervalSeconds = max(s.IntervalSeconds, 40_000)
		}
	}
	return s, calendars
}

// However the looks lie, each instant has one row, at no time before it is due,
// and what is late is as the policy says.
func TestDecideLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, calendars := drawn(t)
		table, err := TimetableOf(s, calendars)
		if err != nil {
			t.Fatal(err)
		}
		began := s.Cursor
		now, until := began, began.AddDate(0, 0, rapid.IntRange(1, 6).Draw(t, "days"))
		rows := map[time.Time]fleet.Fire{}
		job := numbers()
		for looks := 0; now.Before(until); looks++ {
			step := time.Duration(rapid.IntRange(1, 100_000).Draw(t, "step")) * time.Second
			if rapid.IntRange(0, 3).Draw(t, "punctual") > 0 {
				step = max(min(step, s.DueAt.Sub(now)), 0)
			}
			if now = now.Add(step); now.After(until) {
				now = until
			}
			s.DueAt = now
			for !s.DueAt.After(now) && !s.DueAt.IsZero() {
				d := Decide(s, &table, now, nil, nil, job)
				caught := 0
				for _, f := range d.Fires {
					if _, twice := rows[f.At]; twice {
						t.Fatalf("%s has two rows", f.At)
					}
					late := now.Sub(f.DueAt)
					switch {
					case late < 0:
						t.Fatalf("%s is told of %s too soon", f.At, -late)
					case f.Outcome == fleet.FireMissed && (late <= fleet.FireGrace || s.Misfire.Policy != fleet.MisfireSkip && late <= s.Misfire.Within()):
						t.Fatalf("%s is missed after %s", f.At, late)
					case f.Outcome == fleet.FireFired && late > fleet.FireGrace:
						if caught++; late > s.Misfire.Within() || s.Misfire.Policy == fleet.MisfireSkip || caught > max(1, s.Misfire.Max) {
							t.Fatalf("%s fired after %s, as number %d", f.At, late, caught)
						}
					}
					rows[f.At] = f
				}
				if d.Cursor.Before(s.Cursor) || d.Cursor.After(now) {
					t.Fatalf("the cursor goes from %s to %s at %s", s.Cursor, d.Cursor, now)
				}
				if !d.DueAt.IsZero() && !d.DueAt.After(d.Cursor) {
					t.Fatalf("it is to be looked at again at %s, its rows reach to %s", d.DueAt, d.Cursor)
				}
				s.Cursor, s.DueAt = d.Cursor, d.DueAt
			}
		}
		// The oracle: all instants by the rule alone, each with its due time.
		wanted := map[time.Time]time.Time{}
		taken := map[time.Time]bool{}
		for n := table.Start.Add(-1); ; {
			run, ok := table.Next(n)
			if !ok || run.Nominal.After(until.Add(shiftReach)) {
				break
			}
			n = run.Nominal
			due := n
			if !run.At.IsZero() && (!table.shifts() || !taken[run.At]) {
				taken[run.At] = true
				due = run.At.Add(Jitter("s", n, s.Jitter()))
			}
			if due.After(began) && !due.After(until) {
				wanted[n] = due
			}
		}
		for n, due := range wanted {
			if f, ok := rows[n]; !ok || !f.DueAt.Equal(due) {
				t.Fatalf("%s, due %s, has the row %+v", n, due, f)
			}
		}
		if len(rows) != len(wanted) {
			t.Fatalf("%d rows for %d instants", len(rows), len(wanted))
		}
		// And the preview said so.
		shown := table.Upcoming(began, 30)
		if !slices.IsSortedFunc(shown, func(a, b Timed) int { return a.Due.Compare(b.Due) }) {
			t.Fatal("the preview is not in order")
		}
		for _, r := range shown {
			if f, ok := rows[r.Nominal]; r.Due.Before(until) && (!ok || !f.DueAt.Equal(r.Due)) {
				t.Fatalf("the preview has %s at %s, the rows %+v", r.Nominal, r.Due, f)
			}
		}
	})
}

func TestCalendarWords(t *testing.T) {
	five := -90
	for want, c := range map[string]fleet.WorkCalendar{
		"timezone":     {Timezone: "Europe/Nowhere"},
		"hours[0]":     {Hours: []fleet.DayTime{{Weekday: 7, From: "09:00", Until: "10:00"}}},
		"from":         {Hours: []fleet.DayTime{{From: "9", Until: "10:00"}}},
		"09:00":        {Hours: []fleet.DayTime{{From: "09:00", Until: "24:01"}}},
		"end after":    {Hours: []fleet.DayTime{{From: "22:00", Until: "06:00"}}},
		"2026-12-24":   {Holidays: []fleet.Holiday{{Date: "24.12."}}},
		"holidays[0]:": {Holidays: []fleet.Holiday{{Month: 2, Day: 30}}},
		"80 days":      {Holidays: []fleet.Holiday{{Easter: &five}}},
		"weekday":      {Holidays: []fleet.Holiday{{Month: 1, Nth: 1, Weekday: 9}}},
	} {
		_, err := Allowed(&c)
		if err == nil {
			t.Errorf("%s: taken", want)
		} else if e := fleet.AsError(err); !strings.Contains(e.Message+fmt.Sprint(e.Fields), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := fleet.WorkCalendar{Timezone: "UTC", Holidays: []fleet.Holiday{{Date: "2026-11-30"}, {Month: 12, Nth: -1, Weekday: 6}}, Hours: []fleet.DayTime{{Weekday: 0, From: "09:00", Until: "17:00"}, {Weekday: 6, From: "00:00", Until: "24:00"}}}
	set, err := Allowed(&c)
	if err != nil {
		t.Fatal(err)
	}
	for when, want := range map[string]bool{
		"2026-11-23T09:00": true, "2026-11-23T17:00": false, "2026-11-30T09:00": false, "2026-12-20T05:00": true, "2026-12-27T05:00": false, "2026-11-24T09:00": false,
	} {
		if set.Has(at(t, when)) != want {
			t.Errorf("%s: allowed is not %v", when, want)
		}
	}
}
