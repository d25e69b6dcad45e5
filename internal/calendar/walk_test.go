package calendar

import (
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// walked is the law of cron told by a walk over each minute of a span, with
// nothing of the code that it checks but the reading of the expression.
func walked(c *Cron, zone *time.Location, from, to time.Time) (out []time.Time) {
	seen := map[time.Time]bool{}
	hit := func(wall time.Time) bool {
		return c.minute>>wall.Minute()&1 == 1 && c.hour>>wall.Hour()&1 == 1 && c.on(wall.Date())
	}
	wallOf := func(t time.Time) time.Time {
		_, offset := t.In(zone).Zone()
		return t.Add(time.Duration(offset) * time.Second)
	}
	before := wallOf(from.Add(-time.Minute))
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		wall, due := wallOf(t), false
		for gap := before.Add(time.Minute); !c.wildcard && gap.Before(wall); gap = gap.Add(time.Minute) {
			due = due || hit(gap)
		}
		if hit(wall) && (c.wildcard || !seen[wall]) {
			due = true
		}
		seen[wall], before = true, wall
		if due {
			out = append(out, t)
		}
	}
	return out
}

func TestCronIsWhatAWalkFinds(t *testing.T) {
	expressions := []string{
		"30 2 * * *", "0 0 * * *", "0,30 0-3 * * *", "59 23 * * *", "15 */1 * * *", "*/20 * * * *", "*/10 2 * * *", "0 1-4/2 * * sun",
		"5 0 25-31 * 7", "0 2 */2 * *", "45 23,0,1 * 3,10 *",
	}
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Australia/Lord_Howe",
		"Africa/Casablanca", "Asia/Kolkata", "Asia/Beirut", "Pacific/Apia", "Antarctica/Troll", "America/Nuuk",
	} {
		zone, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changesOf(zone) {
			for _, text := range expressions {
				c, err := ParseCron(text)
				if err != nil {
					t.Fatal(err)
				}
				from, to := change.Add(-36*time.Hour), change.Add(36*time.Hour)
				want := walked(c, zone, from.Add(-30*time.Hour), to)
				for len(want) > 0 && want[0].Before(from) {
					want = want[1:]
				}
				if err := agree(c, zone, from, to, want); err != nil {
					t.Errorf("%s in %s around %s: %v", text, name, change, err)
				}
			}
		}
	}
}

// changesOf lists the first changes of a zone's clocks in some years; where there
// are none, the first day.
func changesOf(zone *time.Location) (out []time.Time) {
	for _, year := range []int{2011, 2026} {
		at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 2 {
			_, end := at.In(zone).ZoneBounds()
			if !end.IsZero() && end.Year() < 2038 { // where the tables of some zones end, in the middle of a minute
				at = end.UTC()
			}
			out = append(out, at)
		}
	}
	return out
}

func agree(c *Cron, zone *time.Location, from, to time.Time, want []time.Time) error {
	at := from.Add(-time.Nanosecond)
	for i := 0; ; i++ {
		next, _ := c.Next(at, zone)
		ok := !next.IsZero()
		switch {
		case i == len(want) && (!ok || !next.Before(to)):
			return nil
		case i == len(want):
			return fmt.Errorf("%s is too many", next)
		case !ok || !next.Equal(want[i]):
			return fmt.Errorf("got %s, want %s", next, want[i])
		}
		at = next
	}
}

func BenchmarkOpenCron(b *testing.B) {
	for _, text := range []string{"0 22 * * mon-fri", "*/5 * * * *", "0 0 29 2 *"} {
		b.Run(text, func(b *testing.B) {
			r := fleet.Reservation{Enabled: true, Cron: text, Timezone: "Europe/Berlin", LengthSeconds: 60}
			now := time.Date(2026, 11, 27, 12, 34, 56, 0, time.UTC)
			for b.Loop() {
				Open(&r, now)
			}
		})
	}
	b.Run("every minute, 31 days", func(b *testing.B) {
		r := fleet.Reservation{Enabled: true, Cron: "* * * * *", Timezone: "Europe/Berlin", LengthSeconds: 31 * 24 * 3600}
		now := time.Date(2026, 11, 27, 12, 34, 56, 0, time.UTC)
		for b.Loop() {
			Open(&r, now)
		}
	})
}
