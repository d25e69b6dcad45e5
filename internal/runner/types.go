package runner

import "github.com/casarerpa/fleet/internal/engine"

// What a run tells and asks. The names are those of the engine, so that a robot
// or a terminal needs to know this package alone.
type (
	// Outcome is how a run ended.
	Outcome = engine.Outcome
	// Sink hears about a run while it goes.
	Sink = engine.Sink
	// Gate lets a run go on, or stops it.
	Gate = engine.Gate
	// Line is one line of a job's log.
	Line = engine.Line
	// Step is one execution of one node.
	Step = engine.Step
	// Progress is where a run stands.
	Progress = engine.Progress
	// Class sorts failures for the retry policy of the job.
	Class = engine.Class
	// Failure is an error as a workflow sees it.
	Failure = engine.Failure
	// Library finds the behaviour of a node type.
	Library = engine.Library
	// Limits bound one run.
	Limits = engine.Limits
)

// The classes of failures.
const (
	ClassApplication    = engine.ClassApplication
	ClassBusiness       = engine.ClassBusiness
	ClassTimeout        = engine.ClassTimeout
	ClassInfrastructure = engine.ClassInfrastructure
	ClassInvalid        = engine.ClassInvalid
)

// The states of a step.
const (
	StepRunning   = engine.StepRunning
	StepCompleted = engine.StepCompleted
	StepFailed    = engine.StepFailed
	StepSkipped   = engine.StepSkipped
	StepCancelled = engine.StepCancelled
)
