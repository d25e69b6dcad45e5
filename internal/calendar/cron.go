package calendar

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Cron is an expression of five fields: minute, hour, day, month, weekday.
type Cron struct {
	text                         string
	minute, hour, day, month     uint64 // a bit for each value
	weekday                      uint64 // bits 0 (Sunday) to 6
	lastDay, lastWorkday         bool   // L and LW
	nearest                      []int  // 15W: the weekday nearest to the 15th, inside the month
	lastOf                       uint64 // 5L: the last Friday
	nth                          []ordinal
	anyDay, anyWeekday, wildcard bool
}

// ordinal is 1#2: the second Monday.
type ordinal struct{ weekday, n int }

// String is the expression as it was read, an alias replaced.
func (c *Cron) String() string { return c.text }

// aliases are names of expressions.
var aliases = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
	"@midnight": "0 0 * * *", "@hourly": "0 * * * *", "@every_minute": "* * * * *", "@every_5_minutes": "*/5 * * * *",
	"@every_10_minutes": "*/10 * * * *", "@every_15_minutes": "*/15 * * * *", "@every_30_minutes": "*/30 * * * *",
	"@business_hours": "0 9-17 * * 1-5", "@weekdays": "0 9 * * 1-5", "@weekends": "0 9 * * 0,6", "@end_of_month": "0 0 L * *",
	"@first_monday": "0 0 * * 1#1", "@last_friday": "0 17 * * 5L",
}

// field is one of the five.
type field struct {
	name     string
	min, max int
	words    []string // names of the values, from min
}

var fields = [5]field{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day", min: 1, max: 31},
	{name: "month", min: 1, max: 12, words: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "weekday", max: 7, words: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
}

// ParseCron reads an expression or an alias. An error says which field is wrong,
// and what would be right.
func ParseCron(text string) (*Cron, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "@") {
		full, ok := aliases[strings.ToLower(text)]
		if !ok {
			return nil, cronError("cron_invalid", "There is no alias %s.", clip(text)).WithFix("Write one of " + strings.Join(sortedAliases(), " ") + ", or five fields.")
		}
		text = full
	}
	parts := strings.Fields(strings.ToUpper(text))
	if len(parts) != 5 {
		e := cronError("cron_fields", "Expected 5 fields; got %d.", len(parts))
		if len(parts) == 6 {
			return nil, e.WithFix("Seconds are not supported; remove the first field.")
		}
		return nil, e.WithFix("Write minute, hour, day, month and weekday, such as 0 9 * * 1-5.")
	}
	c := &Cron{text: strings.Join(parts, " "), wildcard: parts[0][0] == '*' || parts[1][0] == '*'}
	c.anyDay, c.anyWeekday = strings.ContainsAny(parts[2][:1], "*?"), strings.ContainsAny(parts[4][:1], "*?")
	for i, into := range []*uint64{&c.minute, &c.hour, &c.day, &c.month, &c.weekday} {
		at := 0
		for entry := range strings.SplitSeq(parts[i], ",") {
			if err := c.entry(i, entry, into); err != nil {
				return nil, cronError("cron_invalid", "%s, position %d: %s", fields[i].name, at+1, err.Error())
			}
			at += len(entry) + 1
		}
	}
	if c.weekday&(1<<7) != 0 { // both 0 and 7 are Sunday
		c.weekday = c.weekday&^(1<<7) | 1
	}
	return c, nil
}

// entry reads one entry of a list into the bits of a field.
func (c *Cron) entry(i int, entry string, into *uint64) error {
	if i == 2 || i == 4 {
		if ok, err := c.special(i, entry); ok || err != nil {
			return err
		}
	}
	f := &fields[i]
	span, step, stepped := strings.Cut(entry, "/")
	every := 1
	if stepped {
		var err error
		if every, err = strconv.Atoi(step); err != nil || every < 1 || every > f.max {
			return fmt.Errorf("the step %q is not a number from 1 to %d", clip(step), f.max)
		}
	}
	low, high := f.min, f.max
	if i == 4 {
		high = 6
	}
	switch first, last, ranged := strings.Cut(span, "-"); {
	case span == "*" || span == "?" && (i == 2 || i == 4):
	case ranged:
		var err error
		if low, err = f.value(first); err != nil {
			return err
		}
		if high, err = f.value(last); err != nil {
			return err
		}
		if i == 4 && high == 0 { // a week may end with Sunday
			high = 7
		}
		if low > high {
			return fmt.Errorf("the range %s goes backwards; write %s-%d,%d-%s", clip(span), first, f.max, f.min, last)
		}
	default:
		var err error
		if low, err = f.value(span); err != nil {
			return err
		}
		if !stepped {
			high = low
		}
	}
	for n := low; n <= high; n += every {
		*into |= 1 << n
	}
	return nil
}

// special reads what only the fields of days have.
func (c *Cron) special(i int, entry string) (bool, error) {
	f := &fields[i]
	head := strings.TrimRight(entry, "LW")
	switch tail := entry[len(head):]; {
	case i == 2 && entry == "L":
		c.lastDay = true
	case i == 2 && entry == "LW":
		c.lastWorkday = true
	case i == 2 && tail == "W":
		n, err := f.value(head)
		if err != nil {
			return false, err
		}
		c.nearest = append(c.nearest, n)
	case i == 4 && tail == "L" && head != "":
		n, err := f.value(head)
		if err != nil {
			return false, err
		}
		c.lastOf |= 1 << (n % 7)
	case i == 4 && strings.Contains(entry, "#"):
		day, nth, _ := strings.Cut(entry, "#")
		n, err := f.value(day)
		if err != nil {
			return false, err
		}
		k, err := strconv.Atoi(nth)
		if err != nil || k < 1 || k > 5 {
			return false, fmt.Errorf("%q is not a number from 1 to 5", clip(nth))
		}
		c.nth = append(c.nth, ordinal{n % 7, k})
	default:
		return false, nil
	}
	return true, nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, error) {
	if i := slices.Index(f.words, text); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not a value from %d to %d", clip(text), f.min, f.max)
	}
	return n, nil
}

// on says whether the expression names a date.
func (c *Cron) on(year int, month time.Month, day int) bool {
	if c.month&(1<<int(month)) == 0 {
		return false
	}
	first := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	byDay, byWeekday := c.onDay(first, day), c.onWeekday(first, day)
	if c.anyDay || c.anyWeekday { // one of them says nothing, or only how often
		return byDay && byWeekday
	}
	return byDay || byWeekday
}

func (c *Cron) onDay(date time.Time, day int) bool {
	last := lastDay(date)
	switch {
	case c.day&(1<<day) != 0, c.lastDay && day == last:
		return true
	case c.lastWorkday && day == nearest(date, last):
		return true
	}
	return slices.ContainsFunc(c.nearest, func(n int) bool { return n <= last && day == nearest(date, n) })
}

func (c *Cron) onWeekday(date time.Time, day int) bool {
	w := int(date.Weekday())
	switch {
	case c.weekday&(1<<w) != 0, c.lastOf&(1<<w) != 0 && day+7 > lastDay(date):
		return true
	}
	return slices.Contains(c.nth, ordinal{w, (day-1)/7 + 1})
}

// lastDay is the number of days of a date's month.
func lastDay(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
}

// nearest is the day from Monday to Friday that is nearest to the nth of a
// date's month, and inside it.
func nearest(date time.Time, n int) int {
	last := lastDay(date)
	switch time.Date(date.Year(), date.Month(), n, 12, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	case time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday:
	}
	return n
}

// values lists the bits that are set.
func values(set uint64) []int {
	out := make([]int, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

func cronError(reason, format string, args ...any) *fleet.Error {
	e := fleet.Invalid("cron", format, args...)
	e.Reason = reason
	return e
}

func sortedAliases() (out []string) {
	for name := range aliases {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
