package placement

import (
	"math"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// View is everything a decision may depend on. Plan does not rely on the order
// of its slices except inside a lane, where jobs come best first, and among
// reservations, where the older comes first. Its JSON form is a record that can
// be planned again, years later, to the same answer. What limits jobs by a key
// of theirs or by a rate will stand beside the exclusive secrets, which hold
// lanes back in the same way.
type View struct {
	Now          time.Time     `json:"now"`
	Seed         uint64        `json:"seed,omitempty"` // for rules that need chance; today every tie ends in an id
	Lanes        []Lane        `json:"lanes"`
	Robots       []Candidate   `json:"robots"`
	Shares       []Share       `json:"shares,omitempty"`
	Reservations []Reservation `json:"reservations,omitempty"` // those that are open now
	Quotas       []Quota       `json:"quotas,omitempty"`       // of the tenants that have one
	Exclusives   []Exclusive   `json:"exclusive_secrets,omitempty"`
}

// Quota bounds how many jobs of a tenant may hold a slot.
type Quota struct {
	Tenant    fleet.TenantID `json:"tenant_id"`
	Suspended bool           `json:"suspended,omitempty"` // none may start
	Running   int            `json:"running"`             // that hold one now
	Most      int            `json:"most,omitempty"`      // 0: any number
}

// left is how many more may start; many where nothing bounds them.
func (q *Quota) left() int {
	switch {
	case q.Suspended:
		return 0
	case q.Most == 0:
		return math.MaxInt
	}
	return max(q.Most-q.Running, 0)
}

// Lane is a class of ready jobs with the same demands.
type Lane struct {
	ID          int64              `json:"id"`
	Tenant      fleet.TenantID     `json:"tenant_id"`
	Environment string             `json:"environment"`
	Strict      bool               `json:"strict,omitempty"` // the environment matches only its equal
	Requires    fleet.Capabilities `json:"requires"`
	Target      fleet.RobotID      `json:"target_robot_id,omitempty"` // empty: any
	Placement   fleet.Placement    `json:"placement,omitzero"`        // the other demands and wishes
	AgeStep     time.Duration      `json:"age_step,omitempty"`        // each so much of waiting lowers the number of the priority by 1; 0: never
	Group       string             `json:"group,omitempty"`           // whose share it uses; empty: the tenant's
	Waiting     int64              `json:"waiting"`                   // jobs in the lane, the window included
	Jobs        []Job              `json:"jobs"`                      // the window, best first
}

// group is whose share the lane's jobs use.
func (l *Lane) group() string {
	if l.Group != "" {
		return l.Group
	}
	return string(l.Tenant)
}

// Job is one ready job.
type Job struct {
	ID          fleet.ID          `json:"id"`
	Epoch       int64             `json:"epoch"`
	Priority    fleet.Priority    `json:"priority"`
	Deadline    time.Time         `json:"deadline,omitzero"` // none goes after those that have one
	AvailableAt time.Time         `json:"available_at"`
	Seq         int64             `json:"seq"`
	Workflow    fleet.ID          `json:"workflow_id,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Avoid       []Refused         `json:"avoid,omitempty"`
	StickyKey   string            `json:"sticky_key,omitempty"`
	Tied        fleet.RobotID     `json:"tied,omitempty"` // the robot that last ended a job of that key
}

// Refused is a robot that is left out for a job, and until when.
type Refused struct {
	RobotID fleet.RobotID `json:"robot_id"`
	Until   time.Time     `json:"until,omitzero"`  // zero: for good
	Other   bool          `json:"other,omitempty"` // nobody refused: the job's retry rule asks for another robot
}

// avoids says whether a robot is left out for the job.
func (j *Job) avoids(robot fleet.RobotID) bool {
	return j.avoided(robot) >= 0
}

// avoided is the place of a robot among those that are left out; -1 if it is not.
func (j *Job) avoided(robot fleet.RobotID) int {
	for i := range j.Avoid {
		if j.Avoid[i].RobotID == robot {
			return i
		}
	}
	return -1
}

// names lists the robots that the job itself calls by name.
func (j *Job) names() (out []fleet.RobotID) {
	for i := range j.Avoid {
		out = append(out, j.Avoid[i].RobotID)
	}
	if j.Tied != "" {
		out = append(out, j.Tied)
	}
	return out
}

// Candidate is a robot as placement sees it.
type Candidate struct {
	ID           fleet.RobotID      `json:"id"`
	Tenant       fleet.TenantID     `json:"tenant_id"`
	SharedWith   []fleet.TenantID   `json:"shared_with,omitempty"` // sorted
	SessionEpoch int64              `json:"session_epoch"`
	Environment  string             `json:"environment"`
	Strict       bool               `json:"strict,omitempty"`
	Pool         string             `json:"pool,omitempty"`
	Tags         fleet.Capabilities `json:"tags"`
	Capabilities fleet.Capabilities `json:"capabilities"`
	Facts        fleet.Facts        `json:"facts,omitempty"`
	Status       fleet.RobotStatus  `json:"status"` // online and busy may work; the rest is away
	Suspect      bool               `json:"suspect,omitempty"`
	Taken        int                `json:"taken"`
	Max          int                `json:"max"`
	LastAssigned time.Time          `json:"last_assigned,omitzero"`
}

// free is the room that the robot has for new work.
func (c *Candidate) free() int {
	if c.away() != "" {
		return 0
	}
	return max(c.Max-c.Taken, 0)
}

// serves says whether a tenant may use the robot.
func (c *Candidate) serves(tenant fleet.TenantID) bool {
	return c.Tenant == tenant || slices.Contains(c.SharedWith, tenant)
}

// Share is what a group of jobs has had of the fleet. Among jobs of equal
// priority the group that was served least for its weight goes first.
type Share struct {
	Group   string  `json:"group"`
	Weight  int     `json:"weight"`            // 0 means 100
	Served  float64 `json:"served"`            // slot-seconds so far, attempts that run included
	Seconds float64 `json:"seconds,omitempty"` // what one job of the group is expected to use; 0 means 60
}

// Reservation keeps slots of some robots for the work that it names.
type Reservation struct {
	ID       fleet.ID             `json:"id"`
	Name     string               `json:"name"`
	Tenant   fleet.TenantID       `json:"tenant_id"`
	Selector fleet.Selector       `json:"selector"`
	Slots    int                  `json:"slots"` // 0: all of them
	For      fleet.ReservationFor `json:"for"`
	InUse    int                  `json:"in_use"`           // slots there that holders use now
	Lend     bool                 `json:"lend,omitempty"`   // others may use what no holder waits for
	Wanted   bool                 `json:"wanted,omitempty"` // a holder waits that may not be in the view
	Recall   bool                 `json:"recall,omitempty"` // what is lent is stopped when a holder waits
	Grace    time.Duration        `json:"grace,omitempty"`  // for those that are stopped
	Until    time.Time            `json:"until,omitzero"`   // when the window closes
}

// Outcome is what Plan decides.
type Outcome struct {
	Assigned []Assignment `json:"assigned"`
	Refused  []Refusal    `json:"refused"`
	Kept     []Kept       `json:"kept,omitempty"` // what each reservation holds after the round
	// Next is when time alone may let a job of the view start: a step opens, a
	// refusal lapses, a window closes. Zero: never.
	Next time.Time `json:"next,omitzero"`
	// Short names the lanes whose window ended while there was room that their
	// first jobs could not use: whoever reads them deeper may find more to do.
	Short []int64 `json:"short,omitempty"`
}

// Assignment is one decision.
type Assignment struct {
	Lane         int64          `json:"lane"`
	Tenant       fleet.TenantID `json:"tenant_id"`
	JobID        fleet.ID       `json:"job_id"`
	Epoch        int64          `json:"epoch"`
	RobotID      fleet.RobotID  `json:"robot_id"`
	SessionEpoch int64          `json:"session_epoch"`
	Why          Why            `json:"why"`
}

// Why is the rule that decided for a robot, for the record of the decision.
type Why string

// The rules, in the order in which they are asked.
const (
	WhyTarget    Why = "target"
	WhyPreferred Why = "preferred"
	WhySticky    Why = "sticky"
	WhyUsual     Why = "usual"
	WhyFallback  Why = "fallback"
	WhyLeastBusy Why = "least_busy"
)

// Kept is what a reservation holds.
type Kept struct {
	ID      fleet.ID `json:"id"`
	Held    int      `json:"held"`     // free slots kept for its holders
	ShortBy int      `json:"short_by"` // what it should hold and cannot
}

// Refusal says why the best waiting job of a lane was not placed.
type Refusal struct {
	Lane   int64             `json:"lane"`
	JobID  fleet.ID          `json:"job_id,omitempty"` // empty if the window was
	Code   fleet.WaitingCode `json:"code"`
	Counts Counts            `json:"counts"`
	Text   string            `json:"text"`
}

// Counts sorts the robots of the tenant by the first check that each fails.
type Counts struct {
	Robots int           `json:"robots"`
	Fit    int           `json:"fit"`          // meet every demand, free or not
	Free   int           `json:"fit_and_free"` // and could take the job now
	First  map[Check]int `json:"by_first_reason"`
	other  int           // those rejected that the job's retry rule leaves out
	passed int           // those without a slot whose last one went to others in this round
}
