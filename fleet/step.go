package fleet

import "time"

// StepStatus is how a step stands.
type StepStatus string

// The states of a step.
const (
	StepRunning   StepStatus = "running"
	StepCompleted StepStatus = "completed"
	StepFailed    StepStatus = "failed"
	StepSkipped   StepStatus = "skipped" // the node is switched off
	StepCancelled StepStatus = "cancelled"
)

// Known says whether the word is one of the states.
func (s StepStatus) Known() bool {
	switch s {
	case StepRunning, StepCompleted, StepFailed, StepSkipped, StepCancelled:
		return true
	}
	return false
}

// Step is one execution of one node inside an attempt. Its times are those of
// the robot that ran it.
type Step struct {
	Epoch      int64      `json:"epoch"`
	Seq        int64      `json:"seq"` // number inside the attempt, from 1 in the order of the starts
	Node       string     `json:"node_id"`
	NodeType   string     `json:"node_type"`
	Iteration  string     `json:"iteration,omitempty"` // path of loop passes such as 2.0; empty outside loops
	Branch     string     `json:"branch,omitempty"`    // parallel branch; empty on the main line
	Status     StepStatus `json:"status"`
	StartedAt  time.Time  `json:"started_at"`
	EndedAt    time.Time  `json:"ended_at,omitzero"` // zero while it runs
	DurationMS int64      `json:"duration_ms"`       // 0 while it runs
	Error      string     `json:"error,omitempty"`
}

// The bounds of what is kept of steps. Steps beyond MaxSteps are counted by the
// robot and not stored.
const (
	MaxSteps     = 100_000 // of one attempt
	MaxStepError = 4 << 10 // bytes of an error
	MaxStepWord  = 256     // bytes of a node's id, type, iteration path or branch
)
