package fleet

import "time"

// DeadLetter is a job that failed with no retry left, until somebody has looked
// after it.
type DeadLetter struct {
	Job           Job       `json:"job"`
	At            time.Time `json:"at"`
	ReprocessedAt time.Time `json:"reprocessed_at,omitzero"`
	ReprocessedBy string    `json:"reprocessed_by,omitempty"`
	Data          JobData   `json:"-"` // inputs and error of the job, where they were asked for
}
