package orchestrator

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The list of what comes says up to when it leaves none out, however many there are.
func TestUpcomingSaysUpToWhen(t *testing.T) {
	f := newTimed(t)
	f.now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for name, cron := range map[string]string{"often": "*/15 * * * *", "seldom": "0 9 * * *"} {
		f.schedule(func(c *ScheduleChange) { c.Name, c.Cron, c.Timezone = &name, &cron, new("UTC") })
	}
	for _, c := range []struct {
		hours, limit int
		cut          bool
	}{{168, 500, true}, {168, 8, true}, {24, 500, false}, {1, 4, false}} {
		list, whole, err := f.Schedules.Upcoming(t.Context(), f.admin, time.Duration(c.hours)*time.Hour, c.limit)
		f.must(err)
		want := 0
		for at := f.now.Add(15 * time.Minute); !at.After(whole); at = at.Add(15 * time.Minute) {
			if want++; at.Hour() == 9 && at.Minute() == 0 {
				want++
			}
		}
		if len(list) != want || want > c.limit || want < 4 {
			t.Errorf("%d hours, at most %d: %d runs up to %s, want %d", c.hours, c.limit, len(list), whole, want)
		}
		if end := f.now.Add(time.Duration(c.hours) * time.Hour); whole.Before(end) != c.cut {
			t.Errorf("%d hours, at most %d: whole up to %s", c.hours, c.limit, whole)
		}
	}
}

// An agenda counts every run of its days, also where they are too many to be
// listed, and says which schedules come at once and how often.
func TestAgendaCountsByDayAndHour(t *testing.T) {
	f := newTimed(t)
	f.now = time.Date(2026, 11, 23, 10, 0, 30, 0, time.UTC)
	ids := map[string]fleet.ID{}
	for name, cron := range map[string]string{"each minute": "* * * * *", "morning": "0 9 * * *", "also": "0 9 * * 1-5"} {
		ids[name] = f.schedule(func(c *ScheduleChange) { c.Name, c.Cron, c.Timezone = &name, &cron, new("UTC") }).ID
	}
	got, err := f.Schedules.Agenda(t.Context(), f.admin, time.Time{}, 7, "Europe/Berlin")
	f.must(err)
	if want := 7*24*60 + 7 + 5; got.Runs != want || !got.Whole.Equal(f.now.AddDate(0, 0, 7)) || len(got.Hours) != 7*24+1 {
		t.Errorf("%d runs up to %s in %d hours, want %d", got.Runs, got.Whole, len(got.Hours), want)
	}
	for _, c := range []struct {
		date           string
		hour           int
		runs, together int
	}{{"2026-11-23", 11, 59, 0}, {"2026-11-24", 10, 62, 1}, {"2026-11-28", 10, 61, 1}, {"2026-11-30", 11, 1, 0}} {
		k := slices.IndexFunc(got.Hours, func(h AgendaHour) bool { return h.Date == c.date && h.Hour == c.hour })
		if k < 0 || got.Hours[k].Runs != c.runs || got.Hours[k].Together != c.together || got.Hours[k].Schedules[0].ID != ids["each minute"] {
			t.Errorf("%s, %d o'clock: want %d runs, %d minutes: %+v", c.date, c.hour, c.runs, c.together, got.Hours[max(k, 0)])
		}
	}
	if len(got.Meets) != 2 || len(got.Meets[0].Schedules) != 3 || got.Meets[0].Minutes != 5 || got.Meets[1].Minutes != 2 ||
		!got.Meets[0].First.Equal(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("at once: %+v", got.Meets)
	}
	// A month that is to come is counted from its first day.
	got, err = f.Schedules.Agenda(t.Context(), f.admin, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), 28, "")
	f.must(err)
	if got.Hours[0].Date != "2027-02-01" || got.Hours[len(got.Hours)-2].Date != "2027-02-28" {
		t.Errorf("February: from %+v to %+v", got.Hours[0], got.Hours[len(got.Hours)-1])
	}
	if _, err = f.Schedules.Agenda(t.Context(), f.admin, f.now.AddDate(2, 0, 0), 7, ""); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("in two years: %v", err)
	}
}
