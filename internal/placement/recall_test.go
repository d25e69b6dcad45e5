package placement

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

func TestRecalls(t *testing.T) {
	live := func(id, robot string, priority, minutes int, stopping bool) Live {
		return Live{
			JobID: fleet.ID(id), Tenant: "a", RobotID: fleet.RobotID(robot), Priority: fleet.Priority(priority),
			StartedAt: noon.Add(-time.Duration(minutes) * time.Minute), Stopping: stopping,
		}
	}
	holder := live("pay", "x", 1, 1, false)
	holder.Workflow = "pay"
	all := []Live{live("old", "x", 10, 9, false), live("young", "x", 10, 2, false), live("urgent", "x", 3, 1, false), live("away", "y", 20, 1, false), holder}
	stopping := append([]Live{live("ends", "x", 15, 3, true)}, all...)
	for _, c := range []struct {
		what, world string
		live        []Live
		want        string
	}{
		{"one holder waits: the least urgent of its robots, of those the one that began last", `
robot x slots=4 taken=4 pool=web tenant=a
robot y slots=1 taken=1 tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a`, all, "young"},
		{"two wait", `
robot x slots=4 taken=4 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a
job j2 wf=pay tenant=a`, all, "young old"},
		{"no more than the reservation may keep", `
robot x slots=4 taken=4 pool=web tenant=a
reservation r slots=2 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a
job j2 wf=pay tenant=a`, all, "young"},
		{"nobody waits", `
robot x slots=4 taken=4 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job other tenant=a`, all, ""},
		{"a slot is free for it", `
robot x slots=5 taken=4 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a`, all, ""},
		{"one is being stopped already", `
robot x slots=5 taken=5 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a`, stopping, ""},
		{"one that another reservation is for is spared", `
robot x slots=4 taken=4 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
reservation s slots=1 inuse=1 pool=web atmost=3 tenant=a
job j1 wf=pay tenant=a
job j2 wf=pay tenant=a`, all[2:], ""},
		{"another tenant's work on a shared robot is left alone", `
robot x slots=4 taken=4 pool=web tenant=b shared=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay tenant=a`, []Live{{JobID: "b1", Tenant: "b", RobotID: "x", Priority: 20}}, ""},
		{"a holder that no robot fits calls nobody back", `
robot x slots=4 taken=4 pool=web tenant=a
reservation r slots=3 inuse=1 pool=web wf=pay lend=yes tenant=a
job j1 wf=pay needs=gpu tenant=a`, all, ""},
	} {
		v := world(t, c.world)
		for i := range v.Reservations {
			v.Reservations[i].Recall = true
		}
		var got []string
		for _, r := range Recalls(v, c.live) {
			got = append(got, string(r.JobID))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: recalled %q, want %q", c.what, s, c.want)
		}
		for i := range v.Reservations {
			v.Reservations[i].Recall = false
		}
		if got := Recalls(v, c.live); len(got) != 0 {
			t.Errorf("%s: one that lets what it lent finish recalled %v", c.what, got)
		}
	}
}
