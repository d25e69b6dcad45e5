package storetest

import (
	"testing"
)

// Run is the functional part of the suite: one test for each promise of the
// contract, noun by noun. After each, the invariants must hold.
func Run(t *testing.T, open Open) {
	groups := []struct {
		name  string
		tests map[string]func(f *Fixture)
	}{
		{"job", jobTests()},
		{"move", moveTests()},
		{"hot", hotTests()},
		{"beat", beatTests()},
		{"report", reportTests()},
		{"robot", robotTests()},
		{"old", oldTests()},
		{"command", commandTests()},
		{"bulk", bulkTests()},
		{"workflow", workflowTests()},
		{"document", documentTests()},
		{"key", keyTests()},
		{"user", userTests()},
		{"event", eventTests()},
		{"sweep", sweepTests()},
		{"placement", placementTests()},
		{"retention", retentionTests()},
		{"dependency", parentTests()},
		{"segment", segmentTests()},
		{"history", historyTests()},
		{"scope", scopeTests()},
		{"log", logTests()},
		{"signal", signalTests()},
		{"cluster", clusterTests()},
		{"tenant", tenantTests()},
		{"audit", auditTests()},
		{"vault", vaultTests()},
		{"artifact", artifactTests()},
		{"check-out", checkOutTests()},
		{"rollup", rollupTests()},
		{"queue", queueTests()},
		{"schedule", scheduleTests()},
		{"trigger", triggerTests()},
		{"attention", attentionTests()},
		{"alert", alertTests()},
		{"webhook", webhookTests()},
		{"search", searchTests()},
		{"view", viewTests()},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for name, test := range g.tests {
				t.Run(name, func(t *testing.T) {
					f := New(t, open)
					test(f)
					f.CheckInvariants()
				})
			}
		})
	}
}
