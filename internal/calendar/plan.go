package calendar

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// shiftDays is how far an instant is shifted at most.
const shiftDays = 31

// Run is one instant of a plan.
type Run struct {
	Nominal  time.Time // what the rule says: the name of the run
	At       time.Time // when it comes; zero if it does not
	Moved    bool      // its own time was inside a gap of the clocks
	Excluded bool      // the calendar does not allow the nominal instant
	Doubled  bool      // shifted onto the instant of an earlier run of the plan, and so left out
}

// Plan is a rule under a calendar. It is a value: the same plan gives the same
// runs whoever asks.
type Plan struct {
	Rule    Rule
	Allowed Set // nil: always
	Shift   fleet.Shift
	Zone    *time.Location
	Start   time.Time // no instant before it; zero: none
	End     time.Time // none at or after it; zero: never ends
}

// Next is the first run whose nominal instant is after a moment; false: there is
// none any more. A run that does not come is told of too.
func (p Plan) Next(after time.Time) (Run, bool) {
	if !p.Start.IsZero() && after.Before(p.Start) {
		after = p.Start.Add(-1)
	}
	at, moved := p.Rule.Next(after)
	if at.IsZero() || !p.End.IsZero() && !at.Before(p.End) {
		return Run{}, false
	}
	run := Run{Nominal: at.UTC(), At: at.UTC(), Moved: moved}
	if p.Allowed != nil && !p.Allowed.Has(at) {
		run.Excluded, run.At = true, p.shifted(at)
	}
	return run, true
}

// shifted is the same time on the next or previous day that is allowed; zero if
// there is none, or none is wanted.
func (p Plan) shifted(at time.Time) time.Time {
	step := 1
	switch p.Shift {
	case fleet.ShiftNext:
	case fleet.ShiftPrevious:
		step = -1
	default:
		return time.Time{}
	}
	local := at.In(p.Zone)
	for n := 1; n <= shiftDays; n++ {
		on := dateOf(local).add(n * step)
		there, _ := instant(on.Year, on.Month, on.Day, local.Hour(), local.Minute(), p.Zone)
		there = there.Add(time.Duration(local.Second()) * time.Second)
		if p.Allowed.Has(there) {
			return there.UTC()
		}
	}
	return time.Time{}
}
