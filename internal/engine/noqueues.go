package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// NoQueues is Queues for a run that no orchestrator has a hand in.
type NoQueues struct{}

func (NoQueues) no() error {
	return Fail("RuntimeError", "Queues are kept by an orchestrator, and this run has none. Submit the workflow as a job: fleet job submit FILE")
}

// Claim fails.
func (q NoQueues) Claim(context.Context, string, int) ([]fleet.QueueItem, error) {
	return nil, q.no()
}

// Complete fails.
func (q NoQueues) Complete(context.Context, fleet.ID, json.RawMessage) (i fleet.QueueItem, err error) {
	return i, q.no()
}

// Fail fails.
func (q NoQueues) Fail(context.Context, fleet.ID, fleet.ItemFault, json.RawMessage) (i fleet.QueueItem, err error) {
	return i, q.no()
}

// Postpone fails.
func (q NoQueues) Postpone(context.Context, fleet.ID, time.Time) error { return q.no() }

// Release fails.
func (q NoQueues) Release(context.Context, fleet.ID) error { return q.no() }

// Add fails.
func (q NoQueues) Add(context.Context, string, fleet.ItemSpec) (i fleet.QueueItem, err error) {
	return i, q.no()
}

var _ Queues = NoQueues{}
