package engine

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Options are what a run needs besides its document.
type Options struct {
	Catalog *catalog.Catalog // required
	Library Library          // behaviours; the structural nodes are the engine's own
	Host    Host             // required
	Sink    Sink             // nil: nobody listens
	Gate    Gate             // nil: never stops

	// Variables are the job's own. They win over the defaults of the document
	// (rule C5) and are copied, so the run never writes to them.
	Variables *value.Map
	JobID     string
	Priority  int
	Payload   *value.Map // what a trigger brought; nil for a run that nobody triggered

	NodeTimeout     time.Duration // of each node; 0 means DefaultNodeTimeout
	Grace           time.Duration // for a node that does not heed the end of ctx; 0 means DefaultGrace
	ContinueOnError bool          // an error ends its branch instead of the run
	Limits          Limits

	// Workflow names the document, as its hash does. Resume goes on from a
	// checkpoint that a run of the same document has left: the variables of the
	// job and its defaults are in there. Keeping asks for one; nil: nobody does.
	Workflow string
	Resume   []byte
	Keeping  *Keeping

	// Submit starts another job for a CallSubworkflowNode in async mode and
	// returns its id. nil: such a node fails with a message that says so.
	Submit func(ctx context.Context, ref string, variables *value.Map) (jobID string, err error)
}

// Limits bound one run. A zero field means its default.
type Limits struct {
	Visits        int64 // executions of nodes
	VariableBytes int   // of one variable
	TotalBytes    int   // of all variables
	StepBytes     int   // kept of the outputs in a step record
	LogLine       int   // of one line
	Depth         int   // of workflows that call workflows
	Branches      int   // branches of one run that are alive at a time
}

// What holds when nothing else is said.
const (
	DefaultNodeTimeout = 120 * time.Second
	DefaultGrace       = 5 * time.Second

	// MaxPath is the length to which Outcome.Path is kept.
	MaxPath = 100_000
)

// DefaultLimits are the limits of the document page.
func DefaultLimits() Limits {
	return Limits{
		Visits: 10_000_000, VariableBytes: 1 << 20, TotalBytes: 64 << 20, StepBytes: 64 << 10,
		LogLine: 64 << 10, Depth: 10, Branches: 256,
	}
}

func (l Limits) filled() Limits {
	d := DefaultLimits()
	if l.Visits <= 0 {
		l.Visits = d.Visits
	}
	if l.VariableBytes <= 0 {
		l.VariableBytes = d.VariableBytes
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = d.TotalBytes
	}
	if l.StepBytes <= 0 {
		l.StepBytes = d.StepBytes
	}
	if l.LogLine <= 0 {
		l.LogLine = d.LogLine
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	if l.Branches <= 0 {
		l.Branches = d.Branches
	}
	return l
}
