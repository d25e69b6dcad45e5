package placement

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// View is everything a decision may depend on. Plan does not rely on the order
// of its slices except inside a lane, where jobs come best first. Seed is kept
// for rules that need chance; today every tie ends in an id.
type View struct {
	Now    time.Time
	Seed   uint64
	Lanes  []Lane
	Robots []Candidate
}

// Lane is a class of ready jobs that the same robots can take.
type Lane struct {
	ID          int64
	Tenant      fleet.TenantID
	Environment string
	Requires    fleet.Capabilities
	Target      fleet.RobotID // empty: any
	Waiting     int64         // jobs in the lane, the window included
	Jobs        []Job         // the window, best first
}

// Job is one ready job.
type Job struct {
	ID          fleet.ID
	Epoch       int64
	Priority    fleet.Priority
	Deadline    time.Time // zero: none, goes after those that have one
	AvailableAt time.Time
	Seq         int64
	Avoid       []fleet.RobotID // refusals that still hold
}

// before is the order of jobs inside a tenant.
func (a Job) before(b Job) bool {
	if a.Priority != b.Priority {
		return a.Priority < b.Priority
	}
	if !a.Deadline.Equal(b.Deadline) {
		switch {
		case a.Deadline.IsZero():
			return false
		case b.Deadline.IsZero():
			return true
		}
		return a.Deadline.Before(b.Deadline)
	}
	if !a.AvailableAt.Equal(b.AvailableAt) {
		return a.AvailableAt.Before(b.AvailableAt)
	}
	return a.Seq < b.Seq
}

// Candidate is a robot as placement sees it.
type Candidate struct {
	ID           fleet.RobotID
	Tenant       fleet.TenantID
	SessionEpoch int64
	Environment  string
	Capabilities fleet.Capabilities
	Status       fleet.RobotStatus // online and busy may work; the rest is away
	Suspect      bool
	Taken, Max   int
	LastAssigned time.Time
}

// free is the room that the robot has for new work.
func (c *Candidate) free() int {
	if c.away() != "" {
		return 0
	}
	return max(c.Max-c.Taken, 0)
}

// Assignment is one decision.
type Assignment struct {
	Lane         int64
	Tenant       fleet.TenantID
	JobID        fleet.ID
	Epoch        int64
	RobotID      fleet.RobotID
	SessionEpoch int64
	Why          string // what decided, for the record of the decision
}

// Refusal says why the best waiting job of a lane was not placed.
type Refusal struct {
	Lane   int64
	JobID  fleet.ID // empty if the window was
	Code   fleet.WaitingCode
	Counts Counts
	Text   string
}

// Counts sorts the robots of the tenant by the first check that each fails.
type Counts struct {
	Robots int           `json:"robots"`
	Fit    int           `json:"fit"`          // pass every demand, free or not
	Free   int           `json:"fit_and_free"` // and could take the job now
	First  map[Check]int `json:"by_first_reason"`
}

// Check names one thing that a robot must pass.
type Check string

// The checks, in the order in which they are made.
const (
	CheckEnvironment Check = "environment"
	CheckTarget      Check = "target"
	CheckCapability  Check = "capability"
	CheckMaintenance Check = "maintenance"
	CheckOffline     Check = "offline"
	CheckSuspect     Check = "suspect"
	CheckError       Check = "error"
	CheckDraining    Check = "draining"
	CheckPaused      Check = "paused"
	CheckRejected    Check = "rejected"
	CheckNoSlot      Check = "no_slot"
)
