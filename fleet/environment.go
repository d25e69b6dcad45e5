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
	// Production has people confirm by its name what cannot be undone there.
	Production bool `json:"production"`
	// AgeStepSeconds lowers the number of a waiting job's priority by 1 each so
	// much, though not below 1; 0 never.
	AgeStepSeconds int `json:"age_step_seconds"`
	// LostAfterSeconds is how long a robot may be silent before what it runs is
	// taken away; 0 is the server's. The others follow from it unless set apart.
	LostAfterSeconds int    `json:"lost_after_seconds"`
	HeartbeatSeconds int    `json:"heartbeat_seconds"`
	SuspectSeconds   int    `json:"suspect_seconds"`
	LeaseSeconds     int    `json:"lease_seconds"`
	Note             string `json:"note,omitempty"`

	// Applied is what follows from all of it: for robots that connect from now on.
	Applied *EnvironmentTiming `json:"timing,omitempty"`

	UpdatedAt time.Time `json:"updated_at,omitzero"` // zero: nothing was set
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// EnvironmentTiming is the times that hold in an environment, in seconds.
type EnvironmentTiming struct {
	LostAfter float64 `json:"lost_after_seconds"`
	Suspect   float64 `json:"suspect_seconds"`
	Heartbeat float64 `json:"heartbeat_seconds"`
	Lease     float64 `json:"lease_seconds"`
	Fence     float64 `json:"fence_seconds"`
}

// Shown is a timing for people and programs.
func (t Timing) Shown() *EnvironmentTiming {
	return &EnvironmentTiming{
		LostAfter: t.Lost.Seconds(), Suspect: t.Suspect.Seconds(), Heartbeat: t.Heartbeat.Seconds(), Lease: t.Lease.Seconds(), Fence: t.Fence.Seconds(),
	}
}

// Timing is what holds in the environment where the server has another.
func (e *Environment) Timing(server Timing) Timing {
	t, seconds := server, func(n int) time.Duration { return time.Duration(n) * time.Second }
	if e.LostAfterSeconds > 0 {
		n := NewTiming(seconds(e.LostAfterSeconds))
		t.Heartbeat, t.Suspect, t.Lease, t.Fence, t.Lost = n.Heartbeat, n.Suspect, n.Lease, n.Fence, n.Lost
	}
	if e.HeartbeatSeconds > 0 {
		t.Heartbeat = seconds(e.HeartbeatSeconds)
	}
	if e.SuspectSeconds > 0 {
		t.Suspect = seconds(e.SuspectSeconds)
	}
	if e.LeaseSeconds > 0 {
		t.Lease = seconds(e.LeaseSeconds)
		t.Fence = t.Lease * 5 / 6
	}
	return t
}

// The bounds of the time after which a robot is lost, in seconds.
const (
	minLost = 15
	maxLost = 24 * 3600
)

// ValidateTiming refuses times under which two robots could hold one job, or a
// robot that is well would be taken for lost.
func (e *Environment) ValidateTiming(server Timing) error {
	if n := e.LostAfterSeconds; n != 0 && (n < minLost || n > maxLost) {
		return Invalid("lost_after_seconds", "lost_after_seconds must be 0 (the server's) or between %d and %d; got %d.", minLost, maxLost, n)
	}
	for _, f := range []struct {
		name string
		n    int
	}{{"heartbeat_seconds", e.HeartbeatSeconds}, {"suspect_seconds", e.SuspectSeconds}, {"lease_seconds", e.LeaseSeconds}} {
		if f.n < 0 || f.n > maxLost {
			return Invalid(f.name, "%s must be 0 (derived) or between 1 and %d; got %d.", f.name, maxLost, f.n)
		}
	}
	t := e.Timing(server)
	switch {
	case t.Lost < t.Lease:
		return Invalid("lease_seconds", "The lease (%s) must not be longer than the time after which a robot is lost (%s): it would still be working.", t.Lease, t.Lost)
	case t.Lease < 2*t.Heartbeat:
		return Invalid("lease_seconds", "The lease (%s) must be at least twice the heartbeat (%s): one lost beat would end it.", t.Lease, t.Heartbeat)
	case t.Suspect < t.Heartbeat:
		return Invalid("suspect_seconds", "A robot must not be suspect (%s) before its next heartbeat is due (%s).", t.Suspect, t.Heartbeat)
	case t.Suspect > t.Lost:
		return Invalid("suspect_seconds", "A robot must be suspect (%s) before it is lost (%s).", t.Suspect, t.Lost)
	}
	return nil
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
