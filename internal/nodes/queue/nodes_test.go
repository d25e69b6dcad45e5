package queue_test

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/queue"
)

// Without an orchestrator each node fails with a sentence that says why; what is
// wrong with its settings is said first. TestScripts/queuenodes runs them on a
// robot.
func TestNodesWithoutOrchestrator(t *testing.T) {
	const id = "01939c3e-7b1a-7c3d-8e4f-0123456789ab"
	for _, c := range []struct {
		node     string
		settings map[string]any
		want     string
	}{
		{"QueueGetItemNode", map[string]any{"queue": "q"}, "kept by an orchestrator"},
		{"QueueGetItemNode", map[string]any{}, "queue is empty"},
		{"QueueCompleteItemNode", map[string]any{"item_id": id, "output": map[string]any{"a": 1}}, "kept by an orchestrator"},
		{"QueueCompleteItemNode", map[string]any{"item_id": "4711"}, "item_id must be the id"},
		{"QueueCompleteItemNode", map[string]any{"item_id": id, "output": "[1]"}, "output must be an object"},
		{"QueueFailItemNode", map[string]any{"item_id": id, "message": "no"}, "kept by an orchestrator"},
		{"QueuePostponeItemNode", map[string]any{"item_id": id, "until": "tomorrow"}, "until must be a time"},
		{"QueuePostponeItemNode", map[string]any{"item_id": id}, "kept by an orchestrator"},
		{"QueueReleaseItemNode", map[string]any{"item_id": id}, "kept by an orchestrator"},
		{"QueueAddItemNode", map[string]any{"queue": "q", "data": map[string]any{"a": 1}, "deadline": "2036-01-01T00:00:00Z"}, "kept by an orchestrator"},
		{"QueueAddItemNode", map[string]any{"queue": ""}, "queue is empty"},
	} {
		_, _, err := enginetest.Visit(t, queue.Nodes()[c.node], c.node, nil, c.settings)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.node, c.settings, err, c.want)
		}
	}
}
