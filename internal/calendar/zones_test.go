package calendar

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// oracle reads an expression in its own way: each field is asked about a value.
type oracle struct{ minute, hour, day, month, weekday string }

func oracleOf(text string) oracle {
	p := strings.Fields(strings.ToUpper(text))
	return oracle{p[0], p[1], p[2], p[3], p[4]}
}

// says is whether a list of plain entries names a value.
func says(list string, value, least, most int, words string) bool {
	number := func(s string) int {
		if i := strings.Index(words, s); i >= 0 && len(s) == 3 {
			return i/3 + least
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	for entry := range strings.SplitSeq(list, ",") {
		body, every := entry, 1
		if a, b, ok := strings.Cut(entry, "/"); ok {
			body, every = a, number(b)
		}
		from, to := least, most
		if a, b, ok := strings.Cut(body, "-"); ok {
			from, to = number(a), number(b)
		} else if body != "*" && body != "?" {
			if from = number(body); from < 0 {
				continue // L, W and # are asked elsewhere
			}
			if !strings.Contains(entry, "/") {
				to = from
			}
		}
		if value >= from && value <= to && (value-from)%every == 0 {
			return true
		}
	}
	return false
}

// onDate is whether a day is named, told by looking at the days around it.
func (o oracle) onDate(d time.Time) bool {
	if !says(o.month, int(d.Month()), 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC") {
		return false
	}
	leaves := func(days int) bool { return d.AddDate(0, 0, days).Month() != d.Month() }
	workday := d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
	byDay := says(o.day, d.Day(), 1, 31, "")
	for entry := range strings.SplitSeq(o.day, ",") {
		switch n, w := strings.CutSuffix(entry, "W"); {
		case entry == "L":
			byDay = byDay || leaves(1)
		case entry == "LW":
			last := workday
			for k := 1; !leaves(k); k++ {
				if wd := d.AddDate(0, 0, k).Weekday(); wd != time.Saturday && wd != time.Sunday {
					last = false
				}
			}
			byDay = byDay || last
		case w && workday:
			k, err := strconv.Atoi(n)
			if err != nil {
				continue
			}
			there := time.Date(d.Year(), d.Month(), k, 12, 0, 0, 0, time.UTC)
			// The nearest working day is the first found looking outwards, inside the month.
			for _, away := range []int{0, -1, 1, -2, 2} {
				x := there.AddDate(0, 0, away)
				if x.Month() == d.Month() && x.Weekday() != time.Saturday && x.Weekday() != time.Sunday {
					byDay = byDay || x.Day() == d.Day()
					break
				}
			}
		}
	}
	byWeek := says(o.weekday, int(d.Weekday()), 0, 6, "SUNMONTUEWEDTHUFRISAT") ||
		d.Weekday() == time.Sunday && o.weekday != "*" && says(o.weekday, 7, 0, 7, "SUNMONTUEWEDTHUFRISAT")
	for entry := range strings.SplitSeq(o.weekday, ",") {
		if a, ok := strings.CutSuffix(entry, "L"); ok && len(a) == 1 {
			byWeek = byWeek || says(a, int(d.Weekday()), 0, 6, "") && leaves(7)
		}
		if a, b, ok := strings.Cut(entry, "#"); ok {
			n := 1
			for !d.AddDate(0, 0, -7*n).Before(time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)) {
				n++
			}
			byWeek = byWeek || says(a, int(d.Weekday()), 0, 6, "") && b == strconv.Itoa(n)
		}
	}
	if strings.ContainsAny(o.day[:1], "*?") || strings.ContainsAny(o.weekday[:1], "*?") {
		return byDay && byWeek
	}
	return byDay || byWeek
}

// forty are the expressions that each change of each zone is tried with.
var forty = []string{
	"30 2 * * *", "0 2 * * *", "0 3 * * *", "59 1 * * *", "0 0 * * *", "15 0 * * *", "59 23 * * *", "30 1 * * *", "0,30 2 * * *", "0,30 0-3 * * *",
	"*/30 2 * * *", "*/20 * * * *", "*/7 1-3 * * *", "* * * * *", "15 */1 * * *", "15 */2 * * *", "5/20 2 * * *", "0 1-4/2 * * sun", "0 0-23/3 * * *", "45 23,0,1 * 3,10 *",
	"5 0 25-31 * 7", "0 2 */2 * *", "0 2 L * *", "30 2 LW * *", "0 0 1W * *", "30 1 29W 3,10 *", "0 2 * * 0L", "30 2 * * 0#2", "0 0 * * 0#1,6#5", "30 2 ? * SUN",
	"1-59/2 2 ? * ?", "0 12 * * 1-5", "30 0,1,2,3 * MAR-NOV SAT,SUN", "10,20,30,40,50 1,2,3 * * *", "0 0 29 2 *", "0 4 13 * FRI", "*/15 0-1 L * 5L", "30 3 28-31 3 *", "0 4-10/3 * * *", "29 2,3 * 4,9,10 0",
}

// zonesOf lists every zone that is built in.
func zonesOf(t *testing.T) []string {
	t.Helper()
	out := slices.Sorted(maps.Keys(zoneFiles()))
	if len(out) < 400 {
		t.Fatalf("only %d zones", len(out))
	}
	return out
}

// Every change of the clocks from 2020 to 2035, in every zone, with forty
// expressions, against a walk minute by minute. Zones whose clocks show the same
// around a change are walked once.
func TestEveryChangeOfEveryZone(t *testing.T) {
	seen, changes, walks := map[string]bool{}, 0, 0
	for _, name := range zonesOf(t) {
		zone, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC); ; {
			if at = nextChange(at, zone); at.IsZero() || at.Year() > 2035 {
				break
			}
			changes++
			if key := around(at, zone); !seen[key] {
				seen[key] = true
				walks++
				walkChange(t, name, zone, at)
			}
		}
	}
	t.Logf("%d changes, of which %d differ", changes, walks)
	if changes < 5000 || walks < 300 {
		t.Errorf("only %d changes and %d walks", changes, walks)
	}
}

// around names what the clocks of a zone show in the days around an instant.
func around(change time.Time, zone *time.Location) string {
	var b strings.Builder
	for t, end := change.AddDate(0, 0, -6), change.AddDate(0, 0, 6); t.Before(end); {
		_, offset := t.In(zone).Zone()
		fmt.Fprintf(&b, "%d %d;", t.Unix(), offset)
		if t = nextChange(t, zone); t.IsZero() {
			break
		}
	}
	return b.String()
}

// nextChange is when the clocks of a zone are set next; zero: never again. Time's
// own ZoneBounds ends a year that goes by a rule after 365 days, also one of 366:
// on the last day of that, its end is not after the time that was asked about.
func nextChange(at time.Time, zone *time.Location) time.Time {
	for at.Year() < 2040 {
		_, before := at.In(zone).Zone()
		_, end := at.In(zone).ZoneBounds()
		if end.IsZero() {
			break
		}
		if end = end.UTC(); !end.After(at) {
			end = at.AddDate(0, 0, 1).Truncate(24 * time.Hour)
		}
		if _, after := end.In(zone).Zone(); after != before {
			return end
		}
		at = end
	}
	return time.Time{}
}

func walkChange(t *testing.T, name string, zone *time.Location, change time.Time) {
	t.Helper()
	from, to := change.Add(-36*time.Hour).Truncate(time.Minute), change.Add(36*time.Hour).Truncate(time.Minute)
	lead := from.Add(-30 * time.Hour)
	walls := make([]time.Time, 0, 6200)
	for at := lead.Add(-time.Minute); at.Before(to); at = at.Add(time.Minute) {
		_, offset := at.In(zone).Zone()
		walls = append(walls, at.Add(time.Duration(offset)*time.Second).UTC())
	}
	for _, text := range forty {
		c, err := ParseCron(text)
		if err != nil {
			t.Fatal(err)
		}
		o := oracleOf(text)
		var hours, minutes [60]bool
		for i := range 60 {
			minutes[i] = says(o.minute, i, 0, 59, "")
			hours[i] = i < 24 && says(o.hour, i, 0, 23, "")
		}
		dates := map[int64]bool{}
		hit := func(w time.Time) bool {
			if !minutes[w.Minute()] || !hours[w.Hour()] {
				return false
			}
			key := w.Unix() / 86400
			on, ok := dates[key]
			if !ok {
				on = o.onDate(time.Unix(key*86400+43200, 0).UTC())
				dates[key] = on
			}
			return on
		}
		wild := o.minute[0] == '*' || o.hour[0] == '*'
		furthest := walls[0] // what the clock has shown so far; behind it is a repeat
		var want []time.Time
		for i, wall := range walls[1:] {
			at, due := lead.Add(time.Duration(i)*time.Minute), false
			switch {
			case wild:
				due = hit(wall)
			default:
				for gap := furthest.Add(time.Minute); !gap.After(wall); gap = gap.Add(time.Minute) {
					due = due || hit(gap)
				}
			}
			if wall.After(furthest) {
				furthest = wall
			}
			if due && !at.Before(from) {
				want = append(want, at)
			}
		}
		if err := agree(c, zone, from, to, want); err != nil {
			t.Errorf("%s in %s around %s: %v", text, name, change.Format(time.RFC3339), err)
		}
	}
}

func TestOracleKnowsItsForty(t *testing.T) {
	if len(forty) != 40 || len(slices.Compact(slices.Sorted(slices.Values(forty)))) != 40 {
		t.Errorf("%d expressions", len(forty))
	}
}
