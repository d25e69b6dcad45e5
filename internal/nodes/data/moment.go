package data

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// moment is a Python datetime. A naive one has no zone: its wall clock is kept
// in UTC, so that adding and subtracting never meets a summer time.
type moment struct {
	time  time.Time
	naive bool
}

// naive makes a moment of the wall clock that t shows.
func naive(t time.Time) moment {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return moment{time.Date(year, month, day, hour, minute, second, t.Nanosecond()/1000*1000, time.UTC), true}
}

// parsed takes what strptime gave: a local time stands for one without a zone.
func parsed(t time.Time) moment {
	if t.Location() == time.Local {
		return naive(t)
	}
	return moment{time: t}
}

// local is the instant of a moment; without a zone it is the machine's.
func (m moment) local() time.Time {
	if !m.naive {
		return m.time
	}
	year, month, day := m.time.Date()
	hour, minute, second := m.time.Clock()
	return time.Date(year, month, day, hour, minute, second, m.time.Nanosecond(), time.Local)
}

func (m moment) timestamp() float64 { return timestamp(m.local()) }

func timestamp(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond()/1000)/1e6
}

// iso is datetime.isoformat.
func (m moment) iso() string {
	text := m.time.Format("2006-01-02T15:04:05")
	if us := m.time.Nanosecond() / 1000; us != 0 {
		text += fmt.Sprintf(".%06d", us)
	}
	if m.naive {
		return text
	}
	if _, offset := m.time.Zone(); offset%60 != 0 {
		return text + m.time.Format("-07:00:00")
	}
	return text + m.time.Format("-07:00")
}

// add moves a moment and refuses what Python's calendar does not have.
func (m moment) add(days, seconds int64) (moment, error) {
	const most = 4_000_000 // days: more than the calendar holds
	if days > most || days < -most || seconds > most*86400 || seconds < -most*86400 {
		return m, value.Errorf("OverflowError", "date value out of range")
	}
	moved := moment{m.time.AddDate(0, 0, int(days)), m.naive}
	if !m.naive {
		moved.time = m.time.Add(time.Duration(days) * 24 * time.Hour)
	}
	for ; seconds > math.MaxInt32; seconds -= math.MaxInt32 {
		moved.time = moved.time.Add(math.MaxInt32 * time.Second)
	}
	for ; seconds < math.MinInt32; seconds -= math.MinInt32 {
		moved.time = moved.time.Add(math.MinInt32 * time.Second)
	}
	moved.time = moved.time.Add(time.Duration(seconds) * time.Second)
	if year := moved.time.Year(); year < 1 || year > 9999 {
		return m, value.Errorf("OverflowError", "date value out of range")
	}
	return moved, nil
}

// since is m minus other in seconds.
func (m moment) since(other moment) (float64, error) {
	if m.naive != other.naive {
		return 0, value.Errorf("TypeError", "can't subtract offset-naive and offset-aware datetimes")
	}
	seconds := m.time.Unix() - other.time.Unix()
	micros := int64(m.time.Nanosecond()/1000 - other.time.Nanosecond()/1000)
	return float64(seconds*1_000_000+micros) / 1e6, nil
}

// momentOf reads a moment as the nodes do: a number is an epoch time, a text
// is tried with each of the formats and then as ISO.
func momentOf(v any, formats ...string) (moment, error) {
	switch t := v.(type) {
	case int64:
		return epoch(float64(t))
	case float64:
		return epoch(t)
	case string:
		for _, format := range formats {
			if at, err := value.Strptime(t, format); err == nil {
				return parsed(at), nil
			}
		}
		return fromISO(strings.ReplaceAll(t, "Z", "+00:00"))
	}
	return moment{}, engine.Failed("Cannot parse datetime from: <class '" + value.TypeName(v) + "'>")
}

// epoch is datetime.fromtimestamp: local, rounded to microseconds, halves to even.
func epoch(seconds float64) (moment, error) {
	if math.IsNaN(seconds) {
		return moment{}, value.Errorf("ValueError", "cannot convert float NaN to integer")
	}
	whole := math.Floor(seconds)
	micros := math.RoundToEven((seconds - whole) * 1e6)
	if math.Abs(whole) > 253402300800 { // year 10000
		return moment{}, value.Errorf("ValueError", "year is out of range")
	}
	at := time.Unix(int64(whole), int64(micros)*1000)
	if year := at.Year(); year < 1 || year > 9999 {
		return moment{}, value.Errorf("ValueError", "year %d is out of range", year)
	}
	return naive(at), nil
}
