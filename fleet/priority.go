package fleet

import (
	"strconv"
	"strings"
)

// Priority orders waiting work: 0 goes first, 20 last.
type Priority int

// The bounds and the names of priorities.
const (
	PriorityFirst   Priority = 0
	PriorityLast    Priority = 20
	PriorityDefault Priority = 10
)

// PrioritySource is who said how urgent a job is.
type PrioritySource string

// The sources of a priority.
const (
	PriorityOfRequest  PrioritySource = "request"
	PriorityOfSchedule PrioritySource = "schedule" // that made the job
	PriorityOfTrigger  PrioritySource = "trigger"  // that made the job
	PriorityOfTenant   PrioritySource = "tenant"   // nobody said: what its jobs have
	PriorityOfRetry    PrioritySource = "retry"    // the job that it repeats had it
	PriorityOfChange   PrioritySource = "change"   // somebody changed it while the job waited
)

// ParsePriority takes a number or one of the names critical, high, normal, low.
func ParsePriority(text string) (Priority, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "critical":
		return 0, nil
	case "high":
		return 5, nil
	case "normal":
		return 10, nil
	case "low":
		return 15, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, Invalid("priority", "priority must be a number from 0 to 20 or one of critical, high, normal, low; got %q.", clip(text, 40))
	}
	return Priority(n), Priority(n).Validate()
}

// Validate checks the bounds.
func (p Priority) Validate() error {
	if p < PriorityFirst || p > PriorityLast {
		return Invalid("priority", "priority must be between 0 and 20; got %d.", int(p))
	}
	return nil
}

// UnmarshalJSON takes a number or a name, so that clients may send either.
func (p *Priority) UnmarshalJSON(b []byte) error {
	got, err := ParsePriority(strings.Trim(string(b), `"`))
	if err != nil {
		return err
	}
	*p = got
	return nil
}
