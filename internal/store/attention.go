package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AttentionReader finds what waits for a person. Its cost is that of what it
// returns, never that of what is well. The scope is one tenant.
type AttentionReader interface {
	// HeldJobs lists the pending jobs that are held since before a time, the longest
	// first.
	HeldJobs(before time.Time, limit int) ([]HeldJob, error)
	// MissedFires lists the instants of schedules of which it was found after a time
	// that nobody was there, the newest first.
	MissedFires(after time.Time, limit int) ([]MissedFire, error)
	// ExpiringKeys lists the keys that end in a span, the earliest first.
	ExpiringKeys(from, until time.Time, limit int) ([]fleet.Key, error)
}

// HeldJob is a job that goes on only when somebody lets it.
type HeldJob struct {
	ID       fleet.ID
	Workflow string // its name
	Since    time.Time
}

// MissedFire is an instant at which a schedule should have run and did not.
type MissedFire struct {
	Schedule  fleet.ID
	At, Found time.Time
}
