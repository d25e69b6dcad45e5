package dispatch

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

const inTurns = `{"metadata":{"name":"turns"},"nodes":{
	"s":{"node_id":"s","node_type":"StartNode","config":{}},
	"n":{"node_id":"n","node_type":"LogNode","config":{"message":"n"}},
	"b":{"node_id":"b","node_type":"LogNode","config":{"message":"b"}}},
	"connections":[{"source_node":"s","source_port":"exec_out","target_node":"n","target_port":"exec_in"},
	{"source_node":"n","source_port":"exec_out","target_node":"b","target_port":"exec_in"}],
	"settings":{"fleet":{"nodes":{"n":{"robot_id":"desk-1"}}}}}`

// Each segment goes to its robot when its turn has come; the whole is never
// offered, and takes no slot.
func TestSegmentsAreOfferedInTurn(t *testing.T) {
	w := newWorld(t)
	web := w.robot("web-1", 1, "default")
	desk := w.robot("desk-1", 1, "default")
	job := w.submit(func(r *orchestrator.SubmitRequest) { r.Document = []byte(inTurns) })
	view := func() []fleet.Job {
		v, err := w.core.Jobs.Get(t.Context(), auth.Local(), job.ID)
		w.must(err)
		return append([]fleet.Job{v.Job}, v.Parts...)
	}
	w.takes(view()[1], "desk-1")
	first := w.offers[0]
	w.waits(job, fleet.CodeSegments) // its segment is offered already
	w.takes(w.submit(), "web-1")
	other := w.offers[0]
	w.end(desk, first)
	w.takes(view()[2], "desk-1") // the rest may run anywhere, and web-1 is busy
	second := w.offers[0]
	w.end(web, other)
	w.end(desk, second)
	if got := view(); got[0].State != fleet.Completed || got[0].RobotID != "desk-1" {
		t.Errorf("the whole is %s on %s", got[0].State, got[0].RobotID)
	}
}
