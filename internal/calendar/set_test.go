package calendar

import (
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// What the operations say of each instant is what logic says of it.
func TestSetsAreLogic(t *testing.T) {
	window := rapid.Custom(func(t *rapid.T) fleet.Window {
		from := rapid.IntRange(-10, 70).Draw(t, "from")
		return fleet.Window{From: minute(from), Until: minute(from + rapid.IntRange(0, 20).Draw(t, "length"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		var lists [3][]fleet.Window
		var sets [3]Set
		for i := range lists {
			lists[i] = rapid.SliceOfN(window, 0, 5).Draw(t, "windows")
			sets[i] = Fixed(lists[i])
		}
		in := func(i int, at time.Time) bool {
			return slices.ContainsFunc(lists[i], func(w fleet.Window) bool { return !at.Before(w.From) && at.Before(w.Until) })
		}
		for name, c := range map[string]struct {
			set  Set
			want func(time.Time) bool
		}{
			"union":     {Union(sets[:]...), func(at time.Time) bool { return in(0, at) || in(1, at) || in(2, at) }},
			"intersect": {Intersect(sets[:]...), func(at time.Time) bool { return in(0, at) && in(1, at) && in(2, at) }},
			"without":   {sets[0].Without(sets[1], sets[2]), func(at time.Time) bool { return in(0, at) && !in(1, at) && !in(2, at) }},
		} {
			got := c.set(minute(0), minute(60))
			for i, w := range got {
				if !w.From.Before(w.Until) || w.From.Before(minute(0)) || w.Until.After(minute(60)) || i > 0 && !got[i-1].Until.Before(w.From) {
					t.Fatalf("%s: window %d of %v is out of order", name, i, got)
				}
			}
			for n := range 60 {
				listed := slices.ContainsFunc(got, func(w fleet.Window) bool { return !minute(n).Before(w.From) && minute(n).Before(w.Until) })
				if want := c.want(minute(n)); listed != want || c.set.Has(minute(n)) != want {
					t.Fatalf("%s at minute %d: listed %v, has %v, want %v", name, n, listed, c.set.Has(minute(n)), want)
				}
			}
		}
	})
}

func TestHolidays(t *testing.T) {
	for _, c := range []struct {
		rule Holiday
		year int
		want Date
	}{
		{Holiday{Month: 12, Day: 25}, 2026, Date{2026, 12, 25}},
		{Holiday{Easter: true}, 2024, Date{2024, 3, 31}},
		{Holiday{Easter: true}, 2025, Date{2025, 4, 20}},
		{Holiday{Easter: true}, 2038, Date{2038, 4, 25}},
		{Holiday{Easter: true, Offset: -2}, 2026, Date{2026, 4, 3}},
		{Holiday{Easter: true, Offset: 50}, 2026, Date{2026, 5, 25}},
		{Holiday{Month: 11, Weekday: time.Thursday, Nth: 4}, 2026, Date{2026, 11, 26}},
		{Holiday{Month: 5, Weekday: time.Monday, Nth: -1}, 2026, Date{2026, 5, 25}},
		{Holiday{Month: 8, Weekday: time.Monday, Nth: -1}, 2026, Date{2026, 8, 31}},
		{Holiday{Month: 2, Day: 29}, 2028, Date{2028, 2, 29}},
	} {
		if err := c.rule.Check(); err != nil {
			t.Errorf("%+v: %v", c.rule, err)
		}
		if got, ok := c.rule.On(c.year); !ok || got != c.want {
			t.Errorf("%+v in %d: %v %v, want %v", c.rule, c.year, got, ok, c.want)
		}
	}
	if on, ok := (Holiday{Month: 2, Day: 29}).On(2026); ok {
		t.Errorf("29 February 2026 is %v", on)
	}
	if on, ok := (Holiday{Month: 6, Day: 1, Year: 2027}).On(2026); ok {
		t.Errorf("a day of 2027 is %v", on)
	}
	for _, bad := range []Holiday{{}, {Month: 13, Day: 1}, {Month: 4, Day: 31}, {Month: 5, Nth: 5}, {Month: 5, Nth: 1, Weekday: 7}, {Easter: true, Offset: 100}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// A whole day has 23 hours, or 25, when the clocks change.
func TestWholeDaysFollowTheClocks(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	set := Holidays(berlin, []Holiday{{Month: 3, Day: 29}, {Month: 10, Day: 25}})
	got := set(at(t, "2026-01-01T00:00"), at(t, "2027-01-01T00:00"))
	if len(got) != 2 || got[0].Until.Sub(got[0].From) != 23*time.Hour || got[1].Until.Sub(got[1].From) != 25*time.Hour {
		t.Errorf("%v", got)
	}
}

func TestWeekly(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var week [7][]Hours
	for d := time.Monday; d <= time.Friday; d++ {
		week[d] = []Hours{{9 * 60, 12 * 60}, {13 * 60, 24 * 60}}
	}
	set, err := Weekly(berlin, week)
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]bool{
		"2026-11-27T07:59": false, "2026-11-27T08:00": true, "2026-11-27T10:59": true, "2026-11-27T11:00": false, "2026-11-27T12:00": true,
		"2026-11-27T22:59": true, "2026-11-27T23:00": false, "2026-11-28T10:00": false, "2026-07-01T07:00": true, "2026-07-01T06:59": false,
	} {
		if set.Has(at(t, now)) != want {
			t.Errorf("%s: want %v", now, want)
		}
	}
	week[0] = []Hours{{600, 500}}
	if _, err := Weekly(berlin, week); err == nil {
		t.Error("hours that end before they begin are taken")
	}
}
