package httpapi

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// The example of the design over the wire and from the store: the counts are
// exact, each robot is there once, and the sentence names the two that are close.
func TestExplainOf128Robots(t *testing.T) {
	w := newWorld(t)
	connect := func(id fleet.RobotID, environment string, slots int, capabilities ...string) fleet.Session {
		p := auth.Robot("default", id, environment)
		got, err := w.core.Robots.Connect(t.Context(), p, orchestrator.Hello{
			Member: "m", Transport: "ws2", InstanceID: "i-" + string(id), JournalID: "j", Slots: slots, Capabilities: capabilities,
		}, "token")
		w.must(err)
		return got.Session
	}
	for i := range 118 {
		connect(fleet.RobotID(fmt.Sprintf("web-%03d", i)), "prod", 1, "browser")
	}
	for i := range 6 {
		connect(fleet.RobotID(fmt.Sprintf("lab-%d", i)), "lab", 1, "gpu")
	}
	for _, id := range []fleet.RobotID{"off-1", "off-2"} {
		s := connect(id, "prod", 1, "gpu")
		w.must(w.core.Robots.Disconnect(t.Context(), auth.Robot("default", id, "prod"), s, "goodbye"))
	}
	connect("gpu-2", "prod", 1, "gpu")
	scenario{
		name: "maintenance", as: "operator", method: "POST", path: "/api/v1/robots/gpu-2/maintenance", body: `{}`, status: 200,
		events: []fleet.EventKind{fleet.EventRobotMode},
	}.run(w)
	session := connect("gpu-1", "prod", 3, "gpu")
	body := `{"workflow_json":` + doc + `,"placement":{"environment":"prod","capabilities":["gpu"]}}`
	var held []fleet.ID
	for range 3 {
		held = append(held, w.submit(body))
		won, lost, err := w.store.Assign(t.Context(), auth.Local().Scope(), []store.Assignment{{
			Tenant: "default", JobID: held[len(held)-1], RobotID: "gpu-1", SessionEpoch: session.Epoch, AcceptWithin: time.Minute,
		}}, time.Now())
		w.must(err)
		if len(won) != 1 {
			t.Fatalf("not assigned: %+v", lost)
		}
	}
	id := w.submit(body)

	got := read[JobExplanation](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(id)+"/explain", ""))
	want := map[string]int{"environment": 6, "capability": 118, "offline": 2, "no_slot": 1, "maintenance": 1}
	if !maps.Equal(got.Counts.ByFirst, want) || got.Counts.Robots != 128 || got.Counts.Fit != 4 || got.Counts.Free != 0 {
		t.Errorf("counts %+v", got.Counts)
	}
	seen := map[fleet.RobotID]bool{}
	for _, r := range got.Robots {
		seen[r.RobotID] = true
	}
	if len(got.Robots) != 128 || len(seen) != 128 {
		t.Errorf("%d robots are listed, %d of them different", len(got.Robots), len(seen))
	}
	const two = "gpu-1 has 3 of 3 slots in use; gpu-2 is in maintenance."
	if got.WaitingOn != fleet.WaitingRobot || got.WaitingCode != fleet.CodeNoSlot || !strings.HasSuffix(got.WaitingSummary, two) {
		t.Errorf("%s, %s: %s", got.WaitingOn, got.WaitingCode, got.WaitingSummary)
	}
	if len(got.Blockers) != 3 {
		t.Errorf("blockers %+v", got.Blockers)
	}
	for i, b := range got.Blockers {
		if b.Kind != fleet.BlockerJob || b.ID != held[i] || b.RobotID != "gpu-1" || b.Name != "nothing" || b.Since.IsZero() {
			t.Errorf("blocker %d: %+v, want job %s", i, b, held[i])
		}
	}
	if row := read[JobDetail](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(id), "")); row.WaitingSummary != got.WaitingSummary {
		t.Errorf("the job says %q", row.WaitingSummary)
	}
}
