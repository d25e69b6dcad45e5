package calendar

import "time"

// horizon is how far ahead an instant is looked for, in days.
const (
	horizonYears = 8
	horizon      = horizonYears * 366
)

// Next is the first instant after a moment. moved says that its own time was
// inside a gap. It is zero if there is none within eight years.
func (c *Cron) Next(after time.Time, zone *time.Location) (at time.Time, moved bool) {
	if c.wildcard {
		return c.elapsed(after, zone), false
	}
	local := after.In(zone)
	// A day earlier: what was moved may come on the next.
	date := time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC)
	hours, minutes := values(c.hour), values(c.minute)
	for limit := date.AddDate(0, 0, horizon); date.Before(limit); {
		y, m, d := date.Date()
		if c.month&(1<<int(m)) == 0 {
			date = time.Date(y, m+1, 1, 12, 0, 0, 0, time.UTC)
			continue
		}
		if c.on(y, m, d) {
			for _, h := range hours {
				for _, min := range minutes {
					if at, moved = instant(y, m, d, h, min, zone); at.After(after) {
						return at, moved
					}
				}
			}
		}
		date = date.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// elapsed is Next for an expression that follows elapsed time.
func (c *Cron) elapsed(after time.Time, zone *time.Location) time.Time {
	at := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for limit := after.AddDate(0, 0, horizon); at.Before(limit); {
		local := at.In(zone)
		y, m, d := local.Date()
		switch {
		case !c.on(y, m, d):
			midnight, _ := instant(y, m, d+1, 0, 0, zone)
			at = hop(at, midnight, local)
		case c.hour&(1<<local.Hour()) == 0:
			at = hop(at, at.Add(time.Duration(60-local.Minute())*time.Minute), local)
		case c.minute&(1<<local.Minute()) == 0:
			at = at.Add(time.Minute)
		default:
			return at
		}
	}
	return time.Time{}
}

// hop goes forward to a minute, but not past a change of the clocks: behind it
// they show something else than was reckoned with.
func hop(at, to time.Time, local time.Time) time.Time {
	if !to.After(at) { // the clocks went back over it: its first pass is behind
		to = at.Add(time.Minute)
	}
	if _, change := local.ZoneBounds(); change.After(at) && change.Before(to) {
		to = change.UTC().Add(time.Minute - 1).Truncate(time.Minute)
	}
	return to
}

// instant is when a clock in the zone shows a time: the first pass, or the end
// of the gap if it never does.
func instant(y int, m time.Month, d, hour, minute int, zone *time.Location) (at time.Time, moved bool) {
	wall := time.Date(y, m, d, hour, minute, 0, 0, time.UTC)
	var first time.Time
	var latest time.Time // read with the offset before the gap, it lies behind it
	for _, near := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		if at.After(latest) {
			latest = at
		}
		shows := at.In(zone)
		if shows.Hour() == wall.Hour() && shows.Minute() == wall.Minute() && shows.Day() == wall.Day() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first, false
	}
	start, _ := latest.In(zone).ZoneBounds()
	if start.IsZero() {
		start = latest
	}
	return start.UTC(), true
}
