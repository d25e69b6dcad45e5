package fleet

import (
	"math"
	"time"
)

// ErrorClass decides whether a failed attempt is tried again and from which
// budget.
type ErrorClass string

// The classes.
const (
	ClassApplication    ErrorClass = "application"    // any error of the workflow
	ClassBusiness       ErrorClass = "business"       // the workflow says that trying again is no use
	ClassInfrastructure ErrorClass = "infrastructure" // robot lost, shut down, not ready
	ClassTimeout        ErrorClass = "timeout"
	ClassInvalid        ErrorClass = "invalid" // the workflow cannot be loaded
	ClassCancelled      ErrorClass = "cancelled"
)

// RetrySafety says what to do with a job whose attempt was lost.
type RetrySafety string

// The choices. UntilEffect is the default: repeat unless a step that must not
// run twice was under way.
const (
	RetryAlways      RetrySafety = "always"
	RetryUntilEffect RetrySafety = "until_effect"
	RetryNever       RetrySafety = "never"
)

// RetryPolicy is a job's budget for automatic attempts and the pause before each.
type RetryPolicy struct {
	Max     int      `json:"max"` // application errors
	MaxLost int      `json:"max_lost"`
	Delay   Duration `json:"delay_ms"`
	Factor  float64  `json:"factor"`
	Ceiling Duration `json:"max_delay_ms"`
	Jitter  float64  `json:"jitter"` // share of the pause, up and down
	Timeout bool     `json:"on_timeout"`
}

// DefaultRetry is three more attempts after 5, 10 and 20 seconds, and three of
// its own for lost robots.
func DefaultRetry() RetryPolicy {
	return RetryPolicy{Max: 3, MaxLost: 3, Delay: Duration(5 * time.Second), Factor: 2, Ceiling: Duration(5 * time.Minute), Jitter: 0.2}
}

// Validate checks the bounds.
func (p RetryPolicy) Validate() error {
	switch {
	case p.Max < 0 || p.Max > 100:
		return Invalid("retry.max", "retry.max must be between 0 and 100; got %d.", p.Max)
	case p.MaxLost < 0 || p.MaxLost > 100:
		return Invalid("retry.max_lost", "retry.max_lost must be between 0 and 100; got %d.", p.MaxLost)
	case p.Delay < 0 || p.Ceiling < 0:
		return Invalid("retry.delay", "retry delays must not be negative.")
	case p.Factor != 0 && (p.Factor < 1 || p.Factor > 100):
		return Invalid("retry.factor", "retry.factor must be between 1 and 100; got %g.", p.Factor)
	case p.Jitter < 0 || p.Jitter > 1:
		return Invalid("retry.jitter", "retry.jitter must be between 0 and 1; got %g.", p.Jitter)
	}
	return nil
}

// Pause is the time before retry number n (1 is the first). chance is a number
// in [0,1) that places the pause inside its jitter.
func (p RetryPolicy) Pause(n int, chance float64) time.Duration {
	d := float64(p.Delay) * math.Pow(max(p.Factor, 1), float64(max(n, 1)-1))
	if p.Ceiling > 0 {
		d = math.Min(d, float64(p.Ceiling))
	}
	return time.Duration(d * (1 + p.Jitter*(2*chance-1)))
}

// LostSpread is the time over which the jobs of a lost robot come back, so
// that they do not all arrive in one instant.
const LostSpread = 5 * time.Second

// MaxRefusal is the longest time for which a robot is left out.
const MaxRefusal = 15 * time.Minute

// RefusalPause is how long a robot is left out for a job after its n-th
// refusal of it: the first pause doubles up to a quarter of an hour.
func RefusalPause(reason RejectReason, n int) time.Duration {
	first := 60 * time.Second
	if reason == RejectAtCapacity {
		first = 5 * time.Second
	}
	if n > 10 {
		return MaxRefusal
	}
	return min(first<<(max(n, 1)-1), MaxRefusal)
}

// Holds says whether the robot is still left out. A refusal that would hold for
// longer than any can, and a minute for members whose clocks differ, was made
// before the clock was set back: it holds no more.
func (r Refusal) Holds(now time.Time) bool {
	return r.Until.After(now) && r.Until.Sub(now) <= MaxRefusal+time.Minute
}
