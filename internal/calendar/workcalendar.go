package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Allowed is the set of instants that a calendar allows.
func Allowed(c *fleet.WorkCalendar) (Set, error) {
	zone, err := Zone(c.Timezone)
	if err != nil {
		return nil, err
	}
	allowed := Set(Always)
	if len(c.Hours) > 0 {
		var week [7][]Hours
		for i, h := range c.Hours {
			day, part, err := dayTime(i, h)
			if err != nil {
				return nil, err
			}
			week[day] = append(week[day], part)
		}
		if allowed, err = Weekly(zone, week); err != nil {
			return nil, err
		}
	}
	rules := make([]Holiday, len(c.Holidays))
	for i, h := range c.Holidays {
		if rules[i], err = holiday(i, h); err != nil {
			return nil, err
		}
	}
	if len(rules) > 0 {
		allowed = allowed.Without(Holidays(zone, rules))
	}
	if len(c.Extra) > 0 {
		allowed = Union(allowed, Fixed(c.Extra))
	}
	if len(c.Blackouts) > 0 {
		allowed = allowed.Without(Fixed(c.Blackouts))
	}
	return allowed, nil
}

// dayTime reads a part of a weekday; Monday is 0 for people and 1 here.
func dayTime(i int, h fleet.DayTime) (weekday int, part Hours, err error) {
	field := "hours[" + strconv.Itoa(i) + "]"
	if h.Weekday < 0 || h.Weekday > 6 {
		return 0, part, fleet.Invalid(field, "weekday must be 0 (Monday) to 6 (Sunday); got %d.", h.Weekday)
	}
	if part.From, err = minutes(field+".from", h.From); err != nil {
		return 0, part, err
	}
	if part.Until, err = minutes(field+".until", h.Until); err != nil {
		return 0, part, err
	}
	if part.From >= part.Until {
		return 0, part, fleet.Invalid(field, "Hours must end after they begin; got %s to %s.", clip(h.From), clip(h.Until)).
			WithFix("Write hours over midnight as two: one to 24:00, one from 00:00 of the next day.")
	}
	return (h.Weekday + 1) % 7, part, nil
}

func minutes(field, text string) (int, error) {
	h, m, ok := strings.Cut(text, ":")
	hour, err := strconv.Atoi(h)
	minute, merr := strconv.Atoi(m)
	if !ok || err != nil || merr != nil || len(h) > 2 || len(m) != 2 || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fleet.Invalid(field, "A time of the day is written as 09:00, up to 24:00; got %q.", clip(text))
	}
	return hour*60 + minute, nil
}

func holiday(i int, h fleet.Holiday) (Holiday, error) {
	field := "holidays[" + strconv.Itoa(i) + "]"
	out := Holiday{Name: h.Name, Month: time.Month(h.Month), Day: h.Day, Nth: h.Nth}
	switch {
	case h.Date != "":
		day, err := time.Parse(time.DateOnly, h.Date)
		if err != nil || h.Month+h.Day+h.Nth != 0 || h.Easter != nil {
			return out, fleet.Invalid(field, "A holiday with a date has nothing else, and the date is written as 2026-12-24; got %q.", clip(h.Date))
		}
		out.Year, out.Month, out.Day = day.Year(), day.Month(), day.Day()
	case h.Easter != nil:
		if h.Month+h.Day+h.Nth != 0 {
			return out, fleet.Invalid(field, "A holiday that is counted from Easter has neither month nor day.")
		}
		out.Easter, out.Offset = true, *h.Easter
	case h.Nth != 0:
		if h.Weekday < 0 || h.Weekday > 6 {
			return out, fleet.Invalid(field, "weekday must be 0 (Monday) to 6 (Sunday); got %d.", h.Weekday)
		}
		out.Weekday = time.Weekday((h.Weekday + 1) % 7)
	}
	if err := out.Check(); err != nil {
		e := *fleet.AsError(err)
		e.Message = fmt.Sprintf("%s: %s", field, e.Message)
		return out, &e
	}
	return out, nil
}
