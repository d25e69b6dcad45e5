package orchestrator

import (
	"testing"
	"time"
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
