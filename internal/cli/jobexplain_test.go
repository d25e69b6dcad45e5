package cli

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// The example of the design as a person sees it: the sentence first, then what
// would change it and who holds it back, then the robots by reason.
func TestExplanationOf128Robots(t *testing.T) {
	e := client.Explanation{
		JobID: "j1", Status: fleet.Pending,
		WaitingSummary: "Waits for a free slot: 4 robots fit, none free. gpu-1 has 3 of 3 slots in use; gpu-2 is in maintenance.",
		Blockers:       []fleet.Blocker{{Kind: fleet.BlockerJob, ID: "j0", Name: "nightly", RobotID: "gpu-1"}},
	}
	e.Counts.Robots, e.Counts.Fit = 128, 4
	e.Counts.ByFirst = map[string]int{}
	robots := func(n int, name, reason, wanted, found string) {
		e.Counts.ByFirst[reason] += n
		for i := range n {
			r := client.ExplainedRobot{RobotID: fleet.RobotID(fmt.Sprintf("%s-%d", name, i+1)), FirstReason: reason}
			r.Checks = append(r.Checks, struct {
				Code   string `json:"code"`
				OK     bool   `json:"ok"`
				Wanted string `json:"wanted"`
				Found  string `json:"found"`
			}{reason, false, wanted, found})
			e.Robots = append(e.Robots, r)
		}
	}
	robots(118, "web", "capability", "gpu", "lacks gpu")
	robots(6, "lab", "environment", "prod", "lab")
	robots(2, "off", "offline", "at work", "offline")
	robots(1, "gpu", "no_slot", "a free slot", "3 of 3 in use")
	robots(1, "old", "maintenance", "at work", "maintenance")
	var out bytes.Buffer
	if err := (&jobExplainCmd{}).show(&shell{out: &out}, &e); err != nil {
		t.Fatal(err)
	}
	const want = `Waits for a free slot: 4 robots fit, none free. gpu-1 has 3 of 3 slots in use; gpu-2 is in maintenance.

job     j1
status  pending

Held back by
  - job j0 (nightly) on gpu-1

128 robots, 4 fit, 0 free
REASON       ROBOTS  WANTED       WHICH
maintenance  1       at work      old-1
no slot      1       a free slot  gpu-1 (3 of 3 in use)
offline      2       at work      off-1, off-2
environment  6       prod         lab-1 (lab), lab-2 (lab), lab-3 (lab) and 3 more
capability   118     gpu          web-1 (lacks gpu), web-2 (lacks gpu), web-3 (lacks gpu) and 115 more
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
