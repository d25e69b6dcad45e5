package fleet

import "time"

// Environment is what is set for the robots and jobs of one environment of a
// tenant. One of which nothing was set has its zero settings.
type Environment struct {
	Tenant TenantID `json:"tenant_id"`
	Name   string   `json:"name"`
	// Strict lets a job of the environment run on robots of just that one, and
	// its robots take only jobs of it; otherwise "default" matches too.
	Strict bool `json:"strict"`
	// AgeStepSeconds lowers the number of a waiting job's priority by 1 each so
	// much, though not below 1; 0 never.
	AgeStepSeconds int    `json:"age_step_seconds"`
	Note           string `json:"note,omitempty"`

	UpdatedAt time.Time `json:"updated_at,omitzero"` // zero: nothing was set
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// AgeStep is how long a job waits for each step of its priority; 0 is for ever.
func (e *Environment) AgeStep() time.Duration { return time.Duration(e.AgeStepSeconds) * time.Second }

// MaxEnvironments bounds the environments of a tenant that have settings.
const MaxEnvironments = 1000

// The bounds of a step of ageing, in seconds.
const (
	minAgeStep = 10
	maxAgeStep = 30 * 24 * 3600
)

// Validate checks the name and the settings.
func (e *Environment) Validate() error {
	if err := ValidateEnvironment(e.Name); err != nil {
		return err
	}
	if n := e.AgeStepSeconds; n != 0 && (n < minAgeStep || n > maxAgeStep) {
		return Invalid("age_step_seconds", "age_step_seconds must be 0 (never) or between %d and %d; got %d.", minAgeStep, maxAgeStep, n)
	}
	if len([]rune(e.Note)) > 500 {
		return Invalid("note", "note may have at most 500 characters.")
	}
	return nil
}
