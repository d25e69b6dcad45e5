package calendar

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The bounds of an iCalendar file.
const (
	MaxICalBytes  = 1 << 20
	MaxICalEvents = 10_000
)

// ReadICal reads the events of an iCalendar file as windows: days without a time
// as whole days on the clocks of the zone, the others as their times. Events
// that repeat (RRULE, RDATE) are refused by name rather than read as one: their
// days are to be written out. Cancelled events are left out.
func ReadICal(text string, zone *time.Location) ([]fleet.Window, error) {
	if len(text) > MaxICalBytes {
		return nil, icalError("An iCalendar file has at most %d bytes; got %d.", MaxICalBytes, len(text))
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	text = strings.NewReplacer("\n ", "", "\n\t", "").Replace(text) // long lines go on
	var out []fleet.Window
	var within []string
	var e vevent
	calendars := 0
	for number, line := range strings.Split(text, "\n") {
		name, params, value := property(strings.TrimSpace(line))
		switch {
		case name == "":
		case name == "BEGIN":
			within = append(within, strings.ToUpper(value))
			if len(within) == 2 && within[1] == "VEVENT" {
				e = vevent{zone: zone}
			}
		case name == "END":
			if len(within) == 0 || within[len(within)-1] != strings.ToUpper(value) {
				return nil, icalError("Line %d ends %s, which is not open.", number+1, clip(value))
			}
			if slices.Equal(within, []string{"VCALENDAR", "VEVENT"}) {
				w, ok, err := e.window()
				if err != nil {
					return nil, err
				}
				if ok {
					out = append(out, w)
				}
				if len(out) > MaxICalEvents {
					return nil, icalError("A calendar has at most %d events.", MaxICalEvents)
				}
			} else if len(within) == 1 {
				calendars++
			}
			within = within[:len(within)-1]
		case slices.Equal(within, []string{"VCALENDAR", "VEVENT"}):
			if err := e.take(name, params, value); err != nil {
				return nil, err
			}
		}
	}
	if calendars == 0 || len(within) != 0 {
		return nil, icalError("This is not a whole iCalendar file: it has no END:VCALENDAR.")
	}
	return out, nil
}

// property splits a line into its name, its parameters and its value. A colon
// within quotes belongs to a parameter.
func property(line string) (name string, params map[string]string, value string) {
	quoted, colon := false, -1
	for i, r := range line {
		if r == '"' {
			quoted = !quoted
		}
		if r == ':' && !quoted {
			colon = i
			break
		}
	}
	if colon < 0 {
		return "", nil, ""
	}
	head := strings.Split(line[:colon], ";")
	params = map[string]string{}
	for _, p := range head[1:] {
		k, v, _ := strings.Cut(p, "=")
		params[strings.ToUpper(k)] = strings.Trim(v, `"`)
	}
	return strings.ToUpper(head[0]), params, line[colon+1:]
}

// vevent is an event while it is read.
type vevent struct {
	zone                *time.Location
	summary             string
	start, end          time.Time
	first, last         Date // of whole days; last is the first day that is free again
	wholeDays, gone     bool
	repeats, endsByDays bool
	length              time.Duration
	lengthDays          int
}

func (e *vevent) take(name string, params map[string]string, value string) (err error) {
	switch name {
	case "SUMMARY":
		e.summary = value
	case "STATUS":
		e.gone = strings.EqualFold(value, "CANCELLED")
	case "RRULE", "RDATE":
		e.repeats = true
	case "DTSTART":
		e.start, e.first, e.wholeDays, err = e.moment(params, value)
	case "DTEND":
		e.end, e.last, e.endsByDays, err = e.moment(params, value)
	case "DURATION":
		e.lengthDays, e.length, err = span(value)
	}
	return err
}

// moment reads a date or a time.
func (e *vevent) moment(params map[string]string, value string) (time.Time, Date, bool, error) {
	if params["VALUE"] == "DATE" || len(value) == 8 {
		t, err := time.Parse("20060102", value)
		if err != nil {
			return time.Time{}, Date{}, false, icalError("%q is not a date such as 20261225.", clip(value))
		}
		return time.Time{}, dateOf(t), true, nil
	}
	bare, utc := strings.CutSuffix(value, "Z")
	t, err := time.Parse("20060102T150405", bare)
	if err != nil {
		return time.Time{}, Date{}, false, icalError("%q is not a time such as 20261225T080000Z.", clip(value))
	}
	if utc {
		return t, Date{}, false, nil
	}
	zone := e.zone
	if id := params["TZID"]; id != "" {
		if zone, err = Zone(id); err != nil {
			return time.Time{}, Date{}, false, err
		}
	}
	at, _ := instant(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), zone)
	return at.Add(time.Duration(t.Second()) * time.Second), Date{}, false, nil
}

// window is the event as a span; ok is false if it takes none.
func (e *vevent) window() (w fleet.Window, ok bool, err error) {
	switch {
	case e.gone:
		return w, false, nil
	case e.repeats:
		return w, false, icalError("The event %q repeats by a rule.", clip(e.summary)).WithFix("Export the calendar with each day as an event of its own.")
	case e.wholeDays:
		last := e.first.add(max(1, e.lengthDays))
		if e.endsByDays {
			last = e.last
		}
		w = fleet.Window{From: day(e.first, e.zone).From, Until: day(last, e.zone).From}
	case e.start.IsZero():
		return w, false, icalError("The event %q has no DTSTART.", clip(e.summary))
	case !e.end.IsZero():
		w = fleet.Window{From: e.start.UTC(), Until: e.end.UTC()}
	default:
		w = fleet.Window{From: e.start.UTC(), Until: e.start.UTC().Add(e.length + time.Duration(e.lengthDays)*24*time.Hour)}
	}
	if w.Until.Before(w.From) {
		return w, false, icalError("The event %q ends before it begins.", clip(e.summary))
	}
	return w, w.From.Before(w.Until), nil
}

// span reads a duration such as P1D or PT1H30M.
func span(text string) (days int, rest time.Duration, err error) {
	bad := icalError("%q is not a duration such as P1D or PT1H30M.", clip(text))
	body, ok := strings.CutPrefix(strings.TrimPrefix(text, "+"), "P")
	if !ok || body == "" {
		return 0, 0, bad
	}
	digits, timed := "", false
	for _, r := range body {
		switch {
		case r >= '0' && r <= '9' && len(digits) < 6:
			digits += string(r)
			continue
		case r == 'T' && digits == "" && !timed:
			timed = true
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return 0, 0, bad
		}
		digits = ""
		switch {
		case r == 'W' && !timed:
			days += 7 * n
		case r == 'D' && !timed:
			days += n
		case r == 'H' && timed:
			rest += time.Duration(n) * time.Hour
		case r == 'M' && timed:
			rest += time.Duration(n) * time.Minute
		case r == 'S' && timed:
			rest += time.Duration(n) * time.Second
		default:
			return 0, 0, bad
		}
	}
	if digits != "" {
		return 0, 0, bad
	}
	return days, rest, nil
}

func icalError(format string, args ...any) *fleet.Error {
	e := fleet.Invalid("ical", format, args...)
	e.Reason = "ical_invalid"
	return e
}
