package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

const threeNodes = `{"metadata":{"name":"three"},"nodes":{
	"s":{"node_id":"s","node_type":"StartNode","config":{}},
	"n":{"node_id":"n","node_type":"LogNode","config":{"message":"n"}},
	"b":{"node_id":"b","node_type":"LogNode","config":{"message":"b"}}},
	"connections":[{"source_node":"s","source_port":"exec_out","target_node":"n","target_port":"exec_in"},
	{"source_node":"n","source_port":"exec_out","target_node":"b","target_port":"exec_in"}],"settings":{"fleet":{"nodes":NODES}}}`

// TestSegments places nodes, runs what is cut by it, and reads it back.
func TestSegments(t *testing.T) {
	w := newWorld(t)
	w.connect()
	doc := strings.Replace(threeNodes, "NODES", "{}", 1)
	one := w.submit(`{"workflow_json":` + doc + `}`)
	id := string(read[JobDetail](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(one), "")).Workflow.ID)
	at := "/api/v1/workflows/" + id + "/node-overrides"
	changed := []fleet.EventKind{fleet.EventOverrideChanged}
	for _, s := range []scenario{
		{name: "none yet", as: "viewer", method: "GET", path: at, status: 200, has: []string{`"node_overrides":[]`}},
		{name: "no such override", as: "viewer", method: "GET", path: at + "/n", status: 404},
		{name: "viewer may not place", as: "viewer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1"}`, status: 403},
		{name: "operator may not place", as: "operator", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1"}`, status: 403},
		{name: "no such node", as: "developer", method: "PUT", path: at + "/m", body: `{"robot_id":"bot-1"}`, status: 422, has: []string{"unknown_node", `\"m\"`}},
		{name: "no such robot", as: "developer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-9"}`, status: 422, has: []string{"robot_not_found"}},
		{name: "nowhere", as: "developer", method: "PUT", path: at + "/n", body: `{}`, status: 422, has: []string{"robot_id, required_capabilities, placement or same_as"}},
		{name: "two robots", as: "developer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1","placement":{"target_robot_id":"bot-2"}}`, status: 422, has: []string{"placement_conflict", "in robot_id and", "in placement"}},
		{name: "unknown field", as: "developer", method: "PUT", path: at + "/n", body: `{"robot":"bot-1"}`, status: 422, has: []string{"unknown_field"}},
		{name: "a long reason", as: "developer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1","reason":"` + strings.Repeat("x", 501) + `"}`, status: 422, has: []string{`"field":"reason"`}},
		{name: "no such workflow", as: "developer", method: "PUT", path: strings.Replace(at, id, absent, 1) + "/n", body: `{"robot_id":"bot-1"}`, status: 404},
		{name: "placed", as: "developer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1","reason":"the till"}`, status: 200, events: changed, has: []string{
			`"node_id":"n"`, `"robot_id":"bot-1"`, `"required_capabilities":[]`, `"reason":"the till"`, `"is_active":true`, `"created_by":"`,
		}},
		{name: "listed", as: "viewer", method: "GET", path: at, status: 200, has: []string{`"robot_id":"bot-1"`}},
		{name: "read", as: "viewer", method: "GET", path: at + "/n", status: 200, has: []string{`"robot_id":"bot-1"`}},
		{name: "same as one that is not there", as: "developer", method: "PUT", path: at + "/b", body: `{"same_as":"x"}`, status: 422, has: []string{"unknown_node"}},
		{name: "conflict with the request", as: "operator", method: "POST", path: "/api/v1/jobs", body: `{"workflow_id":"` + id + `","target_robot_id":"bot-2"}`, status: 422, has: []string{
			"placement_conflict", "the placement of node n", "the request",
		}},
	} {
		s.run(w)
	}
	if d := read[JobDetail](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(w.submit(`{"workflow_json":`+doc+`}`)), "")); d.Segments != 2 {
		t.Errorf("with the node placed: %+v", d.Job)
	}
	for _, s := range []scenario{
		{name: "not active", as: "developer", method: "PUT", path: at + "/n", body: `{"robot_id":"bot-1","is_active":false}`, status: 200, events: changed, has: []string{`"is_active":false`}},
		{name: "deleted", as: "developer", method: "DELETE", path: at + "/n", status: 204, events: changed},
		{name: "deleted twice", as: "developer", method: "DELETE", path: at + "/n", status: 404},
	} {
		s.run(w)
	}
}

// TestSegmentsOfAJob runs a job that is cut by its document to its end.
func TestSegmentsOfAJob(t *testing.T) {
	w := newWorld(t)
	w.connect()
	doc := strings.Replace(threeNodes, "NODES", `{"b":{"robot_id":"bot-1"}}`, 1)
	id := w.submit(`{"workflow_json":` + doc + `,"variables":{"x":1}}`)
	path := "/api/v1/jobs/" + string(id)
	d := read[JobDetail](w, w.do("viewer", "GET", path, ""))
	if d.Segments != 2 || len(d.Parts) != 2 || d.Parts[1].Segment != 2 || d.Parts[1].Parent != id || !strings.HasPrefix(d.WaitingSummary, "Segment 1 of 2") {
		t.Fatalf("%+v", d)
	}
	for _, s := range []scenario{
		{name: "explained", as: "viewer", method: "GET", path: path + "/explain", status: 200, has: []string{`"waiting_summary":"Segment 1 of 2`, `"job_id":"` + string(id)}},
		{name: "graph", as: "viewer", method: "GET", path: path + "/graph", status: 200, has: []string{string(d.Parts[0].ID), string(d.Parts[1].ID)}},
		{name: "a segment is not retried alone", as: "operator", method: "POST", path: "/api/v1/jobs/" + string(d.Parts[0].ID) + "/retry", status: 400},
		{name: "nobody waits for a segment", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":` + doc + `,"depends_on":[{"job":"` + string(d.Parts[0].ID) + `"}]}`, status: 422, has: []string{"segment_of_job"}},
	} {
		s.run(w)
	}
	for i := range d.Parts {
		w.report(w.start(d.Parts[i].ID), fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"success":true,"variables":{"x":2}}`), DurationMS: 5})
	}
	scenario{name: "done", as: "viewer", method: "GET", path: path, status: 200, has: []string{`"status":"completed"`, `"variables":{"x":2}`, `"duration_ms":10`}}.run(w)

	id = w.submit(`{"workflow_json":` + doc + `}`)
	scenario{
		name: "cancelled as one", as: "operator", method: "POST", path: "/api/v1/jobs/" + string(id) + "/cancel", status: 200, has: []string{`"status":"cancelled"`},
		events: []fleet.EventKind{fleet.EventJobCancelled, fleet.EventJobCancelled, fleet.EventJobCancelled},
	}.run(w)
}
