package value

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Strftime writes t by a strftime format in the C locale, with the flags -, _,
// 0 and ^ between the percent sign and its letter. A time in [time.Local]
// counts as one without a zone, so that %z and %Z are empty, as they are for
// what datetime.now() returns. Unknown letters stay as written.
func Strftime(t time.Time, format string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(format, '%')
		if at < 0 || at == len(format)-1 {
			b.WriteString(format)
			return b.String()
		}
		b.WriteString(format[:at])
		format = format[at:]
		i := 1
		var flag byte
		if strings.IndexByte("-_0^", format[i]) >= 0 && i+1 < len(format) {
			flag = format[i]
			i++
		}
		text, ok := strftimeField(t, format[i], flag)
		if !ok {
			text = format[:i+1]
		}
		if flag == '^' {
			text = strings.ToUpper(text)
		}
		b.WriteString(text)
		format = format[i+1:]
	}
}

// strftimeField writes one directive.
func strftimeField(t time.Time, letter, flag byte) (string, bool) {
	if n, width, fill, ok := strftimeNumber(t, letter); ok {
		switch flag {
		case '-':
			return strconv.Itoa(n), true
		case '_':
			fill = ' '
		case '0':
			fill = '0'
		}
		s := strconv.Itoa(n)
		return strings.Repeat(string(rune(fill)), max(0, width-len(s))) + s, true
	}
	switch letter {
	case 'a':
		return t.Format("Mon"), true
	case 'A':
		return t.Format("Monday"), true
	case 'b', 'h':
		return t.Format("Jan"), true
	case 'B':
		return t.Format("January"), true
	case 'c':
		return Strftime(t, "%a %b %e %H:%M:%S %Y"), true
	case 'D', 'x':
		return Strftime(t, "%m/%d/%y"), true
	case 'F':
		return Strftime(t, "%Y-%m-%d"), true
	case 'R':
		return Strftime(t, "%H:%M"), true
	case 'r':
		return Strftime(t, "%I:%M:%S %p"), true
	case 'T', 'X':
		return Strftime(t, "%H:%M:%S"), true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'p':
		return t.Format("PM"), true
	case 'P':
		return t.Format("pm"), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'z':
		return zoneOffset(t), true
	case 'Z':
		return zoneName(t), true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case '%':
		return "%", true
	}
	return "", false
}

// strftimeNumber gives the number of a numeric directive and how it is padded.
func strftimeNumber(t time.Time, letter byte) (n, width int, fill byte, ok bool) {
	isoYear, isoWeek := t.ISOWeek()
	hour12 := (t.Hour()+11)%12 + 1
	weekday := int(t.Weekday())
	switch letter {
	case 'C':
		return t.Year() / 100, 2, '0', true
	case 'd':
		return t.Day(), 2, '0', true
	case 'e':
		return t.Day(), 2, ' ', true
	case 'G':
		return isoYear, 1, '0', true
	case 'g':
		return isoYear % 100, 2, '0', true
	case 'H':
		return t.Hour(), 2, '0', true
	case 'I':
		return hour12, 2, '0', true
	case 'j':
		return t.YearDay(), 3, '0', true
	case 'k':
		return t.Hour(), 2, ' ', true
	case 'l':
		return hour12, 2, ' ', true
	case 'M':
		return t.Minute(), 2, '0', true
	case 'm':
		return int(t.Month()), 2, '0', true
	case 'S':
		return t.Second(), 2, '0', true
	case 'U':
		return (t.YearDay() + 6 - weekday) / 7, 2, '0', true
	case 'u':
		return (weekday+6)%7 + 1, 1, '0', true
	case 'V':
		return isoWeek, 2, '0', true
	case 'W':
		return (t.YearDay() + 6 - (weekday+6)%7) / 7, 2, '0', true
	case 'w':
		return weekday, 1, '0', true
	case 'Y':
		return t.Year(), 1, '0', true
	case 'y':
		return t.Year() % 100, 2, '0', true
	}
	return 0, 0, 0, false
}

func zoneOffset(t time.Time) string {
	if t.Location() == time.Local {
		return ""
	}
	_, offset := t.Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	s := fmt.Sprintf("%c%02d%02d", sign, offset/3600, offset/60%60)
	if offset%60 != 0 {
		s += fmt.Sprintf("%02d", offset%60)
	}
	return s
}

func zoneName(t time.Time) string {
	if t.Location() == time.Local {
		return ""
	}
	name, offset := t.Zone()
	if name != "" {
		return name
	}
	if offset == 0 {
		return "UTC"
	}
	return "UTC" + t.Format("-07:00")
}

// ISOFormat is datetime.isoformat: microseconds only when there are any, and
// an offset unless the time is local.
func ISOFormat(t time.Time) string {
	s := t.Format("2006-01-02T15:04:05")
	if us := t.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if t.Location() == time.Local {
		return s
	}
	return s + t.Format("-07:00")
}
