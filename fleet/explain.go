package fleet

import "time"

// Blocker is one thing that stands between a waiting job and its start. A job
// that waits has at least one; a job that placement would assign now has none.
type Blocker struct {
	Kind    BlockerKind `json:"kind"`
	ID      ID          `json:"id,omitempty"` // of the job or reservation
	Name    string      `json:"name"`         // of a reason: its waiting_code
	RobotID RobotID     `json:"robot_id,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
	Until   time.Time   `json:"until,omitzero"`
}

// Estimate says about when something is expected, and what that rests on.
type Estimate struct {
	Seconds int    `json:"seconds"` // from the moment of the answer; 0: any moment
	Basis   string `json:"basis"`
}

// BlockerKind says what a blocker is.
type BlockerKind string

// What can stand in the way of a job.
const (
	BlockerJob         BlockerKind = "job"         // holds a slot that would fit
	BlockerReservation BlockerKind = "reservation" // keeps a slot that would fit
	BlockerReason      BlockerKind = "reason"      // nobody's doing: the waiting_code alone
)
