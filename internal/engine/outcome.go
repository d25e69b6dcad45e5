package engine

import (
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

// Outcome is how a run ended.
type Outcome struct {
	Success     bool
	Error       string // the failing node's own message; empty on success
	ErrorType   string
	ErrorClass  Class
	FailedNode  string
	Stack       string
	StartedAt   time.Time
	CompletedAt time.Time
	Executed    int        // distinct nodes that count as done, the automatic start included; a loop takes its body off
	Visits      int64      // every execution of a node
	Path        []string   // every visit in order, at most MaxPath entries
	Variables   *value.Map // without internals; live objects as text
	Notes       []string   // what had to be mended in the document

	// Checkpoint is where a run that failed stands, before CheckpointNode;
	// without one, NoCheckpoint says why. Only runs with Keeping have either.
	Checkpoint     []byte
	CheckpointNode string
	NoCheckpoint   string

	outputs []string // names that output markers of a called workflow have set
}
