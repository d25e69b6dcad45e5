package orchestrator

import (
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// FeatureCheckpoint is named by a robot whose runs leave checkpoints and go on
// from them.
const FeatureCheckpoint = "checkpoint"

// Words for where a retry starts.
const (
	RetryFromStart  = "start"
	RetryFromFailed = "failed_node"
)

// resumes sets where a retry starts. From the node that failed it is the same
// workflow version, which a retry has anyway, and a robot that knows checkpoints.
func resumes(r store.Reader, spec *fleet.JobSpec, first *fleet.Job, from string) (*fleet.Resumption, error) {
	spec.Requires = spec.Requires.Setting(fleet.CapCheckpoints, false)
	switch from {
	case "", RetryFromStart:
		return nil, nil
	case RetryFromFailed:
	default:
		return nil, fleet.Invalid("from", "from must be start or failed_node; got %.40q.", from)
	}
	left, _, err := r.Checkpoint(first.ID)
	if err != nil {
		return nil, err
	}
	can := first.Resumable(left)
	if can == nil || can.Node == "" {
		why := "It has not failed."
		if can != nil {
			why = can.Reason
		}
		return nil, fleet.Errorf(fleet.CodeConflict, "not_resumable", "Job %s cannot go on from the node where it failed. %s", first.ID, why).
			WithFix("Retry it from the start.")
	}
	spec.Requires = spec.Requires.Setting(fleet.CapCheckpoints, true)
	return &fleet.Resumption{From: first.ID, Node: can.Node, Data: left.Data}, nil
}

// keepsCheckpoints sets the capabilities of a robot but for the one that only
// its program can have.
func keepsCheckpoints(before, after fleet.Capabilities) fleet.Capabilities {
	return after.Setting(fleet.CapCheckpoints, slices.Contains(before, fleet.CapCheckpoints))
}
