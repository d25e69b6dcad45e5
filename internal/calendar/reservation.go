package calendar

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// CheckReservation says what is wrong with the cron expression of a
// reservation, with its zone, or with both together.
func CheckReservation(r *fleet.Reservation, now time.Time) error {
	if r.Cron == "" {
		return nil
	}
	cron, err := ParseCron(r.Cron)
	if err != nil {
		return err
	}
	zone, err := Zone(r.Timezone)
	if err != nil {
		return err
	}
	at, _ := cron.Next(now, zone)
	if at.IsZero() {
		return cronError("cron_never_fires", "%s comes at no time within eight years.", clip(r.Cron))
	}
	for range 100 { // the windows of a year or so
		next, _ := cron.Next(at, zone)
		if next.IsZero() {
			break
		}
		if next.Sub(at) < r.Length() {
			return fleet.Invalid("length_seconds", "A window of %s is still open when the next one begins at %s.", r.Length(), next.In(zone).Format(time.RFC3339)).
				WithFix("Make it shorter, or leave cron out: without windows a reservation always holds.")
		}
		at = next
	}
	return nil
}

// Open says whether a reservation holds at a moment, and when that may change by
// itself; zero: never. What cannot be read, and so was never stored, does not
// hold.
func Open(r *fleet.Reservation, now time.Time) (open bool, changes time.Time) {
	if r.Cron == "" || !r.Enabled {
		return r.Open(now)
	}
	next := Windows(r, now, 1)
	switch {
	case len(next) == 0:
		return false, time.Time{}
	case next[0].From.After(now):
		return false, next[0].From
	}
	return true, next[0].Until
}

// Windows lists the next windows of a reservation from a moment on, one that is
// open included; none if it always holds.
func Windows(r *fleet.Reservation, now time.Time, n int) (out []fleet.Window) {
	if r.Cron == "" {
		for _, w := range r.Windows {
			if now.Before(w.Until) && len(out) < n {
				out = append(out, w)
			}
		}
		return out
	}
	cron, err := ParseCron(r.Cron)
	if err != nil {
		return nil
	}
	zone, err := Zone(r.Timezone)
	if err != nil {
		return nil
	}
	for at, _ := cron.Next(now.Add(-r.Length()), zone); !at.IsZero() && len(out) < n; at, _ = cron.Next(at, zone) {
		out = append(out, fleet.Window{From: at.UTC(), Until: at.Add(r.Length()).UTC()})
	}
	return out
}
