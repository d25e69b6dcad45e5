package fleet

import (
	"maps"
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
	// Classes are the rules of classes that were set apart.
	Classes map[ErrorClass]RetryRule `json:"classes,omitempty"`
}

// RetryRule is what follows an error of one class.
type RetryRule struct {
	Max        int        `json:"max"`
	Delay      Duration   `json:"delay_ms"`
	Factor     float64    `json:"factor"`
	Ceiling    Duration   `json:"max_delay_ms"`
	Jitter     float64    `json:"jitter"`
	OtherRobot OtherRobot `json:"other_robot"`
}

// OtherRobot says whether the next attempt may be on the robot of the last one.
type OtherRobot string

// The choices.
const (
	AnyRobot     OtherRobot = "no"
	PreferOther  OtherRobot = "prefer" // for OtherSpan another one goes first
	RequireOther OtherRobot = "must"
)

// OtherSpan is how long a retry that prefers another robot waits for one.
const OtherSpan = time.Minute

// RetryClasses are the classes that may have a rule.
func RetryClasses() []ErrorClass {
	return []ErrorClass{ClassApplication, ClassBusiness, ClassInfrastructure, ClassTimeout}
}

// Rule is what follows an error of a class: its own rule, or else what the
// policy says of all. Business, application and timeout share one count, and
// infrastructure has its own.
func (p RetryPolicy) Rule(class ErrorClass) RetryRule {
	if r, ok := p.Classes[class]; ok {
		return r
	}
	r := RetryRule{Delay: p.Delay, Factor: p.Factor, Ceiling: p.Ceiling, Jitter: p.Jitter, OtherRobot: AnyRobot}
	switch class {
	case ClassApplication:
		r.Max = p.Max
	case ClassTimeout:
		if p.Timeout {
			r.Max = p.Max
		}
	case ClassInfrastructure:
		r = RetryRule{Max: p.MaxLost, OtherRobot: PreferOther} // at once
	case ClassBusiness, ClassInvalid, ClassCancelled:
	}
	return r
}

// set gives a class its own rule. What older readers know of it follows.
func (p *RetryPolicy) set(class ErrorClass, r RetryRule) {
	classes := maps.Clone(p.Classes)
	if classes == nil {
		classes = map[ErrorClass]RetryRule{}
	}
	classes[class] = r
	p.Classes = classes
	switch class {
	case ClassApplication:
		p.Max, p.Delay, p.Factor, p.Ceiling, p.Jitter = r.Max, r.Delay, r.Factor, r.Ceiling, r.Jitter
	case ClassTimeout:
		p.Timeout = r.Max > 0
	case ClassInfrastructure:
		p.MaxLost = r.Max
	case ClassBusiness, ClassInvalid, ClassCancelled:
	}
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
	for _, class := range RetryClasses() {
		if r, ok := p.Classes[class]; ok {
			if err := r.validate("retry." + string(class)); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxRetryDelay bounds a pause between attempts.
const maxRetryDelay = Duration(366 * 24 * time.Hour)

func (p RetryRule) validate(field string) error {
	switch {
	case p.Max < 0 || p.Max > 100:
		return Invalid(field+".max", "%s.max must be between 0 and 100; got %d.", field, p.Max)
	case p.Delay < 0 || p.Delay > maxRetryDelay || p.Ceiling < 0 || p.Ceiling > maxRetryDelay:
		return Invalid(field+".delay_seconds", "%s: pauses must be between 0 and 366 days.", field)
	case p.Factor != 0 && !(p.Factor >= 1 && p.Factor <= 100):
		return Invalid(field+".factor", "%s.factor must be between 1 and 100; got %g.", field, p.Factor)
	case !(p.Jitter >= 0 && p.Jitter <= 1):
		return Invalid(field+".jitter", "%s.jitter must be between 0 and 1; got %g.", field, p.Jitter)
	}
	switch p.OtherRobot {
	case AnyRobot, PreferOther, RequireOther:
		return nil
	}
	return Invalid(field+".other_robot", "%s.other_robot must be no, prefer or must; got %q.", field, clip(string(p.OtherRobot), 40))
}

// Pause is the time before retry number n (1 is the first). chance is a number
// in [0,1) that places the pause inside its jitter.
func (p RetryRule) Pause(n int, chance float64) time.Duration {
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
	if reason == RejectAtCapacity || reason == RejectCut {
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
	if r.Reason == RejectOther { // a rule of the job, not a pause of ours
		return r.Until.After(now)
	}
	return r.Until.After(now) && r.Until.Sub(now) <= MaxRefusal+time.Minute
}
