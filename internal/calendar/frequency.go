package calendar

import (
	"math/bits"

	"github.com/casarerpa/fleet/fleet"
)

// Frequency is a schedule in the few words that a table has for it: once,
// interval, hourly, daily, weekly, monthly, or cron for everything else. Where
// the word goes with a time, that is told too; the weekday 0 is Monday.
type Frequency struct {
	Word              string
	Hour, Minute      int
	Weekday, MonthDay int
}

// FrequencyOf reads it off a schedule.
func FrequencyOf(s *fleet.Schedule) (f Frequency) {
	f.MonthDay = 1
	switch s.Kind {
	case fleet.ScheduleInterval:
		f.Word = "interval"
		return f
	case fleet.ScheduleOnce:
		f.Word = "once"
		if zone, err := Zone(s.Timezone); err == nil {
			at := s.RunAt.In(zone)
			f.Hour, f.Minute, f.Weekday, f.MonthDay = at.Hour(), at.Minute(), (int(at.Weekday())+6)%7, at.Day()
		}
		return f
	case fleet.ScheduleCron:
	}
	f.Word = "cron"
	c, err := ParseCron(s.Cron)
	if err != nil {
		return f
	}
	single := func(set uint64) bool { return bits.OnesCount64(set) == 1 }
	value := func(set uint64) int { return bits.TrailingZeros64(set) }
	const everyHour, everyDay, everyMonth, everyWeekday = 1<<24 - 1, 1<<32 - 2, 1<<13 - 2, 1<<7 - 1
	plain := !c.lastDay && !c.lastWorkday && len(c.nearest) == 0 && c.lastOf == 0 && len(c.nth) == 0
	if !plain || !single(c.minute) || c.month != everyMonth {
		return f
	}
	f.Minute = value(c.minute)
	if single(c.hour) {
		f.Hour = value(c.hour)
	}
	anyDay, anyWeekday := c.day == everyDay, c.weekday == everyWeekday
	switch {
	case c.hour == everyHour && anyDay && anyWeekday:
		f.Word = "hourly"
	case !single(c.hour):
	case anyDay && anyWeekday:
		f.Word = "daily"
	case anyDay && single(c.weekday):
		f.Word, f.Weekday = "weekly", (value(c.weekday)+6)%7
	case anyWeekday && single(c.day):
		f.Word, f.MonthDay = "monthly", value(c.day)
	}
	return f
}
