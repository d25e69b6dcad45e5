package calendar

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Date is a day on the wall of some zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func dateOf(t time.Time) Date { y, m, d := t.Date(); return Date{y, m, d} }

func (d Date) noon() time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }

// add is the date some days later.
func (d Date) add(days int) Date { return dateOf(d.noon().AddDate(0, 0, days)) }

// Holiday is a rule that names at most a day in each year. Exactly one form of
// it is set: a month with a day, a month with the nth weekday, or days after
// Easter Sunday.
type Holiday struct {
	Name    string
	Month   time.Month
	Day     int
	Weekday time.Weekday
	Nth     int  // 1 to 4; -1 is the last; 0: Day counts
	Easter  bool // Offset counts
	Offset  int  // days after Easter Sunday, negative before
	Year    int  // that year alone; 0: every year
}

// Check says what is wrong with the rule.
func (h Holiday) Check() error {
	switch {
	case h.Easter:
		if h.Offset < -80 || h.Offset > 80 {
			return fleet.Invalid("offset", "A holiday is at most 80 days from Easter Sunday; got %d.", h.Offset)
		}
	case h.Month < 1 || h.Month > 12:
		return fleet.Invalid("month", "The month of a holiday is 1 to 12; got %d.", int(h.Month))
	case h.Nth != 0:
		if h.Nth < -1 || h.Nth > 4 || h.Weekday < 0 || h.Weekday > 6 {
			return fleet.Invalid("nth", "A holiday is on the weekday 0 to 6 of number 1 to 4 or -1 (the last); got weekday %d, number %d.", int(h.Weekday), h.Nth)
		}
	case h.Day < 1 || h.Day > lastDay(Date{2024, h.Month, 1}.noon()):
		return fleet.Invalid("day", "%s has no day %d.", h.Month, h.Day)
	}
	return nil
}

// On is the day of the rule in a year; ok is false if that year has none.
func (h Holiday) On(year int) (on Date, ok bool) {
	first := Date{year, h.Month, 1}
	switch {
	case h.Year != 0 && h.Year != year:
		return Date{}, false
	case h.Easter:
		return easter(year).add(h.Offset), true
	case h.Nth > 0:
		ahead := (int(h.Weekday-first.noon().Weekday()) + 7) % 7
		return first.add(ahead + 7*(h.Nth-1)), true
	case h.Nth < 0:
		last := Date{year, h.Month, lastDay(first.noon())}
		return last.add(-((int(last.noon().Weekday()-h.Weekday) + 7) % 7)), true
	case h.Day > lastDay(first.noon()): // 29 February
		return Date{}, false
	}
	return Date{year, h.Month, h.Day}, true
}

// easter is Easter Sunday of the Gregorian calendar, by the rule of Meeus,
// Jones and Butcher.
func easter(year int) Date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	day := (h + l - 7*m + 33*month + 19) % 32
	return Date{year, time.Month(month), day}
}

// Holidays is the set of the whole days of rules on the clocks of a zone.
func Holidays(zone *time.Location, rules []Holiday) Set {
	return func(from, until time.Time) []fleet.Window {
		if !from.Before(until) {
			return nil
		}
		var all []fleet.Window
		for year := from.In(zone).Year() - 1; year <= until.In(zone).Year()+1; year++ {
			for _, h := range rules {
				if on, ok := h.On(year); ok {
					all = append(all, day(on, zone))
				}
			}
		}
		return tidy(all, from, until)
	}
}

// day is a date from its first instant to the first of the next.
func day(on Date, zone *time.Location) fleet.Window {
	next := on.add(1)
	from, _ := instant(on.Year, on.Month, on.Day, 0, 0, zone)
	until, _ := instant(next.Year, next.Month, next.Day, 0, 0, zone)
	return fleet.Window{From: from, Until: until}
}

// Hours is a part of a day in minutes since midnight; Until is at most 1440.
type Hours struct{ From, Until int }

// Weekly is the set of working hours, by weekday, on the clocks of a zone. A
// border that falls into a gap is the end of the gap; one that comes twice is
// its first pass.
func Weekly(zone *time.Location, week [7][]Hours) (Set, error) {
	for w, hours := range week {
		for _, h := range hours {
			if h.From < 0 || h.Until > 24*60 || h.From >= h.Until {
				return nil, fleet.Invalid("hours", "Working hours of %s go from %d to %d; they lie between 0 and 1440 minutes and do not end before they begin.", time.Weekday(w), h.From, h.Until).
					WithFix("Write hours over midnight as two: one to 24:00, one from 0:00 of the next day.")
			}
		}
	}
	return func(from, until time.Time) []fleet.Window {
		if !from.Before(until) {
			return nil
		}
		var all []fleet.Window
		last := dateOf(until.In(zone)).add(1).noon()
		for on := dateOf(from.In(zone)).add(-1); !on.noon().After(last); on = on.add(1) {
			for _, h := range week[on.noon().Weekday()] {
				all = append(all, fleet.Window{From: minuteOf(on, h.From, zone), Until: minuteOf(on, h.Until, zone)})
			}
		}
		return tidy(all, from, until)
	}, nil
}

func minuteOf(on Date, minute int, zone *time.Location) time.Time {
	if minute == 24*60 {
		on, minute = on.add(1), 0
	}
	at, _ := instant(on.Year, on.Month, on.Day, minute/60, minute%60, zone)
	return at
}
