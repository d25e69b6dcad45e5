package fleet

import (
	"strconv"
	"time"
)

// Duration is a span of time whose JSON form is an integer of milliseconds;
// the names of such fields end in _ms.
type Duration time.Duration

// Std returns the standard library's form.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String prints it the way Go does, such as 1m30s.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes milliseconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, time.Duration(d).Milliseconds(), 10), nil
}

// UnmarshalJSON reads milliseconds.
func (d *Duration) UnmarshalJSON(b []byte) error {
	ms, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || ms > int64((1<<63-1)/time.Millisecond) {
		return Invalid("duration", "A duration is a whole number of milliseconds; got %s.", clip(string(b), 40))
	}
	*d = Duration(ms) * Duration(time.Millisecond)
	return nil
}
