package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Retention says how long history is kept: what ended, or was written, before
// a time may go. A zero time keeps everything.
type Retention struct {
	Now    time.Time // idempotency keys that ran out by it may go
	Jobs   time.Time // final jobs with their attempts, results and effects
	Events time.Time
	Logs   time.Time // lines that attempts printed
	Bulks  time.Time // bulk operations with their robots
	Audit  time.Time
	Rest   time.Time // closed sessions, ties and refusals that have run out
}

// Pruner takes history away in small steps. It costs by what it takes.
type Pruner interface {
	// PruneKeys takes up to limit idempotency keys that ran out by a time.
	PruneKeys(now time.Time, limit int) (int, error)
	// PruneJobs takes up to limit final jobs that ended before a time, with all
	// that belongs to them, after a job in the order of ids. It does not look for
	// their keys: those run out within a day, and PruneKeys comes first. last is
	// where to go on, empty at the end; n is how many went.
	PruneJobs(after fleet.ID, before time.Time, limit int) (last fleet.ID, n int, err error)
	// PruneEvents takes up to limit of the oldest events of a tenant.
	PruneEvents(tenant fleet.TenantID, before time.Time, limit int) (int, error)
	// PruneBulks takes up to limit rows of bulk operations that ended before a
	// time, the oldest first; an operation goes after the last of its robots.
	PruneBulks(before time.Time, limit int) (int, error)
	// PruneRest takes closed sessions, ended commands, and ties and refusals that
	// have run out.
	PruneRest(before time.Time, limit int) (int, error)
}

// Pruned is what pruning took away.
type Pruned struct {
	Jobs, Events, Rest int
	Bulks              int // rows of bulk operations
	Items              int // of transaction queues
	Fires              int // of schedules
	Audit              int // rows
	Lines              int // jobs whose lines went
	Partitions         int // dropped whole
}
