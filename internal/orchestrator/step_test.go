package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// TestNodeTime: what a node's passes come to, in whatever order they ended.
func TestNodeTime(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	step := func(status fleet.StepStatus, ms int64) fleet.Step {
		s := fleet.Step{Node: "n", Status: status, StartedAt: at}
		if status != fleet.StepRunning {
			s.EndedAt, s.DurationMS = at.Add(time.Duration(ms)*time.Millisecond), ms
		}
		return s
	}
	for name, tc := range map[string]struct {
		steps []fleet.Step
		want  NodeTime
	}{
		"one":        {[]fleet.Step{step(fleet.StepCompleted, 5)}, NodeTime{Status: fleet.StepCompleted, Passes: 1, TotalMS: 5, EndedAt: at.Add(5 * time.Millisecond)}},
		"one failed": {[]fleet.Step{step(fleet.StepFailed, 9), step(fleet.StepCompleted, 5)}, NodeTime{Status: fleet.StepFailed, Passes: 2, Failed: 1, TotalMS: 14, EndedAt: at.Add(9 * time.Millisecond)}},
		"one runs":   {[]fleet.Step{step(fleet.StepRunning, 0), step(fleet.StepFailed, 5)}, NodeTime{Status: fleet.StepRunning, Passes: 2, Failed: 1, TotalMS: 5}},
		"skipped":    {[]fleet.Step{step(fleet.StepSkipped, 0)}, NodeTime{Status: fleet.StepSkipped, Passes: 1, EndedAt: at}},
	} {
		var n NodeTime
		for i := range tc.steps {
			n.add(&tc.steps[i])
		}
		if n != tc.want {
			t.Errorf("%s: %+v, want %+v", name, n, tc.want)
		}
	}
}
