package data

import (
	"strings"
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

// isoReader reads a text the way datetime.fromisoformat does since Python
// 3.11: extended and basic dates, ISO weeks, times to any fraction (cut after
// microseconds), offsets with seconds.
type isoReader struct {
	text string
	pos  int
}

func fromISO(text string) (moment, error) {
	r := isoReader{text: text}
	m, ok := r.read()
	if !ok {
		return moment{}, value.Errorf("ValueError", "Invalid isoformat string: %s", value.Repr(text))
	}
	return m, nil
}

func (r *isoReader) read() (moment, bool) {
	date, ok := r.date()
	if !ok {
		return moment{}, false
	}
	if r.pos == len(r.text) {
		return moment{date, true}, true
	}
	// Any one character separates the date from the time.
	rest := []rune(r.text[r.pos:])
	r.pos += len(string(rest[:1]))
	clock, ok := r.clock()
	if !ok {
		return moment{}, false
	}
	at := date.Add(clock)
	if r.pos == len(r.text) {
		return moment{at, true}, true
	}
	offset, ok := r.offset()
	if !ok || r.pos != len(r.text) {
		return moment{}, false
	}
	zone := time.UTC
	if offset != 0 {
		zone = time.FixedZone("", int(offset/time.Second))
	}
	return moment{at.Add(-offset).In(zone), false}, true
}

// number reads exactly n digits.
func (r *isoReader) number(n int) (int, bool) {
	if r.pos+n > len(r.text) {
		return 0, false
	}
	v := 0
	for _, c := range []byte(r.text[r.pos : r.pos+n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	r.pos += n
	return v, true
}

func (r *isoReader) accept(chars string) bool {
	if r.pos < len(r.text) && strings.IndexByte(chars, r.text[r.pos]) >= 0 {
		r.pos++
		return true
	}
	return false
}

func (r *isoReader) date() (time.Time, bool) {
	year, ok := r.number(4)
	if !ok || year < 1 {
		return time.Time{}, false
	}
	dashed := r.accept("-")
	if r.accept("W") {
		return r.week(year, dashed)
	}
	month, ok := r.number(2)
	if !ok || r.accept("-") != dashed {
		return time.Time{}, false
	}
	day, ok := r.number(2)
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return at, ok && at.Day() == day && int(at.Month()) == month
}

// week reads an ISO week with an optional day.
func (r *isoReader) week(year int, dashed bool) (time.Time, bool) {
	week, ok := r.number(2)
	if !ok || week < 1 {
		return time.Time{}, false
	}
	day := 1
	switch {
	case dashed && r.pos < len(r.text) && r.text[r.pos] == '-':
		r.pos++
		if day, ok = r.number(1); !ok {
			return time.Time{}, false
		}
	case !dashed && r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9':
		day, _ = r.number(1)
	}
	if day < 1 || day > 7 {
		return time.Time{}, false
	}
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	at := monday.AddDate(0, 0, (week-1)*7+day-1)
	gotYear, gotWeek := at.ISOWeek()
	return at, gotYear == year && gotWeek == week
}

// clock reads hours and whatever follows of minutes, seconds and fraction.
func (r *isoReader) clock() (time.Duration, bool) {
	h, m, s, fraction, ok := r.sexagesimal()
	if !ok || h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + fraction, true
}

func (r *isoReader) offset() (time.Duration, bool) {
	if r.accept("Z") {
		return 0, true
	}
	sign := time.Duration(1)
	if r.accept("-") {
		sign = -1
	} else if !r.accept("+") {
		return 0, false
	}
	clock, ok := r.clock()
	return sign * clock, ok
}

func (r *isoReader) sexagesimal() (h, m, s int, fraction time.Duration, ok bool) {
	if h, ok = r.number(2); !ok {
		return 0, 0, 0, 0, false
	}
	colon := r.accept(":")
	if !colon && !r.digit() {
		return h, 0, 0, 0, true
	}
	if m, ok = r.number(2); !ok {
		return 0, 0, 0, 0, false
	}
	if again := r.accept(":"); again != colon || (!again && !r.digit()) {
		return h, m, 0, 0, again == colon || !again
	}
	if s, ok = r.number(2); !ok {
		return 0, 0, 0, 0, false
	}
	if !r.accept(".,") {
		return h, m, s, 0, true
	}
	if !r.digit() {
		return 0, 0, 0, 0, false
	}
	for unit := 100 * time.Millisecond; r.digit(); unit /= 10 {
		d, _ := r.number(1)
		if unit >= time.Microsecond {
			fraction += time.Duration(d) * unit
		}
	}
	return h, m, s, fraction, true
}

func (r *isoReader) digit() bool {
	return r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9'
}
