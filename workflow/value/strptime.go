package value

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Strptime reads a time by a strptime format, with Python's patterns, defaults
// (1900-01-01 00:00) and messages. Without %z the result is in [time.Local].
func Strptime(text, format string) (time.Time, error) {
	pattern, err := strptimePattern(format)
	if err != nil {
		return time.Time{}, err
	}
	groups := pattern.FindStringSubmatch(text)
	if groups == nil {
		return time.Time{}, Errorf("ValueError", "time data %s does not match format %s", Repr(text), Repr(format))
	}
	if rest := text[len(groups[0]):]; rest != "" {
		return time.Time{}, Errorf("ValueError", "unconverted data remains: %s", rest)
	}
	fields := map[string]string{}
	for i, name := range pattern.SubexpNames() {
		if i > 0 && name != "" {
			fields[name] = groups[i]
		}
	}
	return buildTime(fields)
}

const (
	monthNames = "january|february|march|april|may|june|july|august|september|october|november|december"
	monthShort = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
	dayNames   = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
	dayShort   = "mon|tue|wed|thu|fri|sat|sun"
)

// strptimeField is the pattern of one directive, or "" for an unknown letter.
func strptimeField(letter byte) string {
	switch letter {
	case 'd':
		return `3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]`
	case 'f':
		return `[0-9]{1,6}`
	case 'H':
		return `2[0-3]|[0-1]\d|\d`
	case 'I':
		return `1[0-2]|0[1-9]|[1-9]`
	case 'G', 'Y':
		return `\d\d\d\d`
	case 'j':
		return `36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]`
	case 'm':
		return `1[0-2]|0[1-9]|[1-9]`
	case 'M':
		return `[0-5]\d|\d`
	case 'S':
		return `6[0-1]|[0-5]\d|\d`
	case 'U', 'W':
		return `5[0-3]|[0-4]\d|\d`
	case 'V':
		return `5[0-3]|0[1-9]|[1-4]\d|\d`
	case 'u':
		return `[1-7]`
	case 'w':
		return `[0-6]`
	case 'y':
		return `\d\d`
	case 'z':
		return `[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|Z`
	case 'A':
		return dayNames
	case 'a':
		return dayShort
	case 'B':
		return monthNames
	case 'b':
		return monthShort
	case 'p':
		return `am|pm`
	case 'Z':
		return `utc|gmt`
	}
	return ""
}

// strptimePattern turns the format into one regular expression, alternatives in
// Python's order, so that ambiguous texts are cut in the same places.
func strptimePattern(format string) (*regexp.Regexp, error) {
	format = strings.NewReplacer("%%", "%%", "%c", "%a %b %d %H:%M:%S %Y",
		"%x", "%m/%d/%y", "%X", "%H:%M:%S", "%D", "%m/%d/%y", "%F", "%Y-%m-%d",
		"%T", "%H:%M:%S", "%R", "%H:%M", "%h", "%b", "%e", "%d").Replace(format)
	var b strings.Builder
	b.WriteString("(?i)^")
	seen := ""
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case c != '%' && IsSpace(rune(c)):
			for i+1 < len(format) && IsSpace(rune(format[i+1])) {
				i++
			}
			b.WriteString(`[\s\v\x1c-\x1f\x{85}\x{a0}]+`)
			continue
		case c != '%':
			b.WriteString(quoteByte(c))
			continue
		case i+1 == len(format):
			return nil, Errorf("ValueError", "stray %% in format %s", Repr(format))
		}
		i++
		letter := format[i]
		field := strptimeField(letter)
		switch {
		case letter == '%':
			b.WriteByte('%')
		case field == "":
			return nil, Errorf("ValueError", "'%c' is a bad directive in format %s", letter, Repr(format))
		case strings.IndexByte(seen, letter) >= 0:
			return nil, Errorf("ValueError", "the directive '%%%c' appears twice in format %s", letter, Repr(format))
		default:
			seen += string(rune(letter))
			b.WriteString("(?P<" + string(rune(letter)) + ">" + field + ")")
		}
	}
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, Errorf("ValueError", "the time format %s cannot be used", Repr(format))
	}
	return re, nil
}

// quoteByte escapes ASCII alone, so that the bytes of other characters, which
// come one by one, stay what they are.
func quoteByte(c byte) string {
	if c < 0x80 {
		return regexp.QuoteMeta(string(rune(c)))
	}
	return string([]byte{c})
}

func position(list, name string) int {
	for i, n := range strings.Split(list, "|") {
		if n == strings.ToLower(name) {
			return i
		}
	}
	return -1
}

// buildTime puts the fields together; they are known to fit their patterns.
func buildTime(fields map[string]string) (time.Time, error) {
	num := func(letter string, missing int) int {
		s, ok := fields[letter]
		if !ok {
			return missing
		}
		n, _ := strconv.Atoi(strings.TrimSpace(s))
		return n
	}
	year := num("Y", 1900)
	if short, ok := fields["y"]; ok {
		if year, _ = strconv.Atoi(short); year <= 68 {
			year += 100
		}
		year += 1900
	}
	month, day := num("m", 1), num("d", 1)
	if name, ok := fields["B"]; ok {
		month = position(monthNames, name) + 1
	} else if name, ok := fields["b"]; ok {
		month = position(monthShort, name) + 1
	}
	hour := num("H", 0)
	if _, ok := fields["I"]; ok {
		hour = num("I", 0) % 12
		if strings.EqualFold(fields["p"], "pm") {
			hour += 12
		}
	}
	if year < 1 {
		return time.Time{}, Errorf("ValueError", "year %d is out of range", year)
	}
	if _, iso := fields["G"]; !iso && day > daysIn(year, month) {
		return time.Time{}, Errorf("ValueError", "day is out of range for month")
	}
	second := num("S", 0)
	if second > 59 {
		return time.Time{}, Errorf("ValueError", "second must be in 0..59")
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if julian := num("j", 0); julian > 0 {
		date = time.Date(year, 1, julian, 0, 0, 0, 0, time.UTC)
	} else if week, ok := weekDate(fields, num, year); ok {
		date = week
	}
	micro, _ := strconv.Atoi((fields["f"] + "000000")[:6])
	return time.Date(date.Year(), date.Month(), date.Day(), hour, num("M", 0), second,
		micro*1000, zoneOf(fields)), nil
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// weekDate finds the day from a week number and a weekday, if both are there.
func weekDate(fields map[string]string, num func(string, int) int, year int) (time.Time, bool) {
	weekday := -1 // Monday is 0
	switch {
	case fields["A"] != "":
		weekday = position(dayNames, fields["A"])
	case fields["a"] != "":
		weekday = position(dayShort, fields["a"])
	case fields["w"] != "":
		weekday = (num("w", 0) + 6) % 7
	case fields["u"] != "":
		weekday = num("u", 1) - 1
	}
	if weekday < 0 {
		return time.Time{}, false
	}
	if fields["G"] != "" && fields["V"] != "" {
		fourth := time.Date(num("G", 1), 1, 4, 0, 0, 0, 0, time.UTC)
		monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
		return monday.AddDate(0, 0, (num("V", 1)-1)*7+weekday), true
	}
	first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	firstDay, day, week := (int(first.Weekday())+6)%7, weekday, num("W", -1)
	if fields["U"] != "" {
		// Weeks that start on Sunday.
		firstDay, day, week = (firstDay+1)%7, (weekday+1)%7, num("U", 0)
	}
	if week < 0 {
		return time.Time{}, false
	}
	if week == 0 {
		return first.AddDate(0, 0, day-firstDay), true
	}
	return first.AddDate(0, 0, (7-firstDay)%7+(week-1)*7+day), true
}

// zoneOf is local time unless the text names an offset.
func zoneOf(fields map[string]string) *time.Location {
	z, ok := fields["z"]
	if !ok {
		return time.Local
	}
	digits := strings.ReplaceAll(strings.TrimLeft(z, "+-"), ":", "")
	if strings.EqualFold(digits, "z") {
		return time.UTC
	}
	whole, _, _ := strings.Cut(digits, ".")
	part := func(from int) int {
		if len(whole) < from+2 {
			return 0
		}
		n, _ := strconv.Atoi(whole[from : from+2])
		return n
	}
	offset := part(0)*3600 + part(2)*60 + part(4)
	if z[0] == '-' {
		offset = -offset
	}
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}
