package calendar

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Rule says when something comes.
type Rule interface {
	// Next is the first instant after a moment; zero: none. moved says that its own
	// time was inside a gap of the clocks.
	Next(after time.Time) (at time.Time, moved bool)
}

// The bounds of an interval.
const (
	LeastInterval = 10 * time.Second
	MostInterval  = 366 * 24 * time.Hour
)

type cronRule struct {
	cron *Cron
	zone *time.Location
}

func (r cronRule) Next(after time.Time) (time.Time, bool) { return r.cron.Next(after, r.zone) }

// In is the expression read on the clocks of a zone.
func (c *Cron) In(zone *time.Location) Rule { return cronRule{c, zone} }

type interval struct {
	start time.Time
	every time.Duration
}

func (r interval) Next(after time.Time) (time.Time, bool) {
	if after.Before(r.start) {
		return r.start, false
	}
	return r.start.Add((after.Sub(r.start)/r.every + 1) * r.every), false
}

// Interval comes at its start and whenever a span has gone by since: elapsed
// seconds, whatever the clocks of a zone show.
func Interval(start time.Time, every time.Duration) (Rule, error) {
	if every < LeastInterval || every > MostInterval || every%time.Second != 0 {
		return nil, fleet.Invalid("interval_seconds", "An interval has whole seconds from %d to %d; got %s.",
			int(LeastInterval.Seconds()), int(MostInterval.Seconds()), every).WithFix("Use a cron expression for longer spans.")
	}
	return interval{start.UTC(), every}, nil
}

type once struct{ at time.Time }

func (r once) Next(after time.Time) (time.Time, bool) {
	if after.Before(r.at) {
		return r.at, false
	}
	return time.Time{}, false
}

// Once comes a single time.
func Once(at time.Time) Rule { return once{at.UTC()} }

// looked is how many instants CheckDensity looks at: more than a day of an
// expression that comes each minute.
const looked = 1500

// CheckDensity refuses a rule that never comes, or of which two instants after a
// moment are closer than allowed.
func CheckDensity(r Rule, after time.Time, least time.Duration) error {
	at, _ := r.Next(after)
	if at.IsZero() {
		return cronError("cron_never_fires", "This comes at no time within eight years.").WithFix("Look at its day and month.")
	}
	for range looked {
		next, _ := r.Next(at)
		if next.IsZero() {
			return nil
		}
		if next.Sub(at) < least {
			return cronError("schedule_too_dense", "It comes at %s and again after %s; the least is %s.", at.UTC().Format(time.RFC3339), next.Sub(at), least).
				WithFix("Let it come less often, or have the limit changed.")
		}
		at = next
	}
	return nil
}

// Jitter is by how much an instant of a schedule is put off, from zero up to and
// without most. It is the same whoever asks, and as often as he asks.
func Jitter(schedule string, nominal time.Time, most time.Duration) time.Duration {
	if most < time.Second {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(schedule + "\x00" + strconv.FormatInt(nominal.Unix(), 10)))
	sum := h.Sum64()
	sum ^= sum >> 33 // what differs in the last digits shall differ everywhere
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	seconds := uint64(most / time.Second)           //nolint:gosec // at least one
	return time.Duration(sum%seconds) * time.Second //nolint:gosec // less than most
}
