package placement

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/fleet"
)

// Explain says that a job waits exactly when Plan leaves it, and then finds a
// reason at each robot; the reasons add up to the fleet.
func TestExplainAgreesWithPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := draw(t)
		placed := map[fleet.ID]fleet.RobotID{}
		for _, a := range Plan(v).Assigned {
			placed[a.JobID] = a.RobotID
		}
		for i := range v.Lanes {
			for n := range v.Lanes[i].Jobs {
				id := v.Lanes[i].Jobs[n].ID
				e, ok := Explain(v, id)
				if !ok {
					t.Fatalf("%s is not found", id)
				}
				agrees(t, &e, placed[id])
			}
		}
	})
}

func agrees(t *rapid.T, e *Explanation, robot fleet.RobotID) {
	if robot != "" {
		if e.Assigned == nil || e.Assigned.RobotID != robot {
			t.Fatalf("%s goes to %s, and Explain says %+v", e.JobID, robot, e)
		}
		return
	}
	first := map[Check]int{}
	for _, r := range e.Robots {
		if r.Fits && e.Code != fleet.CodeSuspended && e.Code != fleet.CodeTenantQuota && e.Code != fleet.CodeSecretHeld {
			t.Fatalf("%s waits although Explain finds that %s fits", e.JobID, r.RobotID)
		}
		if !r.Fits {
			first[r.First]++
		}
	}
	switch {
	case e.Assigned != nil:
		t.Fatalf("%s waits, and Explain would assign it", e.JobID)
	case !maps.Equal(first, e.Counts.First), len(e.Robots) != e.Counts.Robots:
		t.Fatalf("%s: robots %v, counts %+v", e.JobID, first, e.Counts)
	case e.Code == "" || e.Summary == "":
		t.Fatalf("%s waits without a word", e.JobID)
	case (first[CheckReserved] > 0) != (len(e.Keepers) > 0):
		t.Fatalf("%s: %d robots are reserved, by %+v", e.JobID, first[CheckReserved], e.Keepers)
	}
}

// The fleet of the guide: the counts are exact and the way out is named.
func TestExplainNamesWhatWouldChangeIt(t *testing.T) {
	v := world(t, `
robot gpu-1 caps=gpu slots=3 taken=3
robot gpu-2 caps=gpu status=maintenance
robot web-1
robot lab-1 env=lab caps=gpu
robot off-1 caps=gpu status=offline
job j1 needs=gpu env=prod`)
	for i := range v.Robots {
		if v.Robots[i].ID != "lab-1" {
			v.Robots[i].Environment = "prod"
		}
	}
	e, _ := Explain(v, "j1")
	want := map[Check]int{CheckEnvironment: 1, CheckCapability: 1, CheckOffline: 1, CheckNoSlot: 1, CheckMaintenance: 1}
	if !maps.Equal(e.Counts.First, want) || e.Counts.Robots != 5 || e.Counts.Fit != 3 {
		t.Errorf("counts %+v", e.Counts)
	}
	var texts []string
	for _, c := range e.WouldRunIf {
		texts = append(texts, c.Text)
	}
	wants := []string{
		"a slot frees on robot gpu-1", "robot gpu-2 leaves maintenance", "robot off-1 connects again",
		"it did not need gpu", "it were not for environment prod",
	}
	for i := range wants {
		if i >= len(texts) || texts[i] != wants[i] {
			t.Fatalf("would run if %q, want %q", texts, wants)
		}
	}
}

// The example of the design, to the number: 128 robots, and the sentence names
// the two that are close.
func TestExplainOf128Robots(t *testing.T) {
	var b strings.Builder
	for i := range 118 {
		fmt.Fprintf(&b, "robot web-%03d caps=browser\n", i)
	}
	for i := range 6 {
		fmt.Fprintf(&b, "robot lab-%d env=lab caps=gpu\n", i)
	}
	b.WriteString(`robot off-1 caps=gpu status=offline
robot off-2 caps=gpu status=offline
robot gpu-1 caps=gpu slots=3 taken=3
robot gpu-2 caps=gpu status=maintenance
job j1 needs=gpu env=prod`)
	v := world(t, b.String())
	for i := range v.Robots {
		if v.Robots[i].Environment == fleet.DefaultEnvironment {
			v.Robots[i].Environment = "prod"
		}
	}
	e, _ := Explain(v, "j1")
	want := map[Check]int{CheckEnvironment: 6, CheckCapability: 118, CheckOffline: 2, CheckNoSlot: 1, CheckMaintenance: 1}
	if !maps.Equal(e.Counts.First, want) || e.Counts.Robots != 128 || e.Counts.Fit != 4 || e.Counts.Free != 0 {
		t.Errorf("counts %+v", e.Counts)
	}
	const text = "Waits for a free slot: 4 robots fit, none free (118 capability, 6 environment, 1 maintenance, 1 no slot, 2 offline). " +
		"gpu-1 has 3 of 3 slots in use; gpu-2 is in maintenance."
	if e.Code != fleet.CodeNoSlot || e.Summary != text {
		t.Errorf("%s: %s", e.Code, e.Summary)
	}
	if code, short := Summary(v, "j1"); code != e.Code || short != e.Summary {
		t.Errorf("the row says %s: %s", code, short)
	}
}
