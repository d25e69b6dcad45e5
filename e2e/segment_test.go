package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// inTurns is a workflow whose node n runs on desk-1 and the rest on web-1. What
// the middle does is given.
func inTurns(middle, config string) json.RawMessage {
	return fmt.Appendf(nil, `{"metadata":{"name":"turns"},"nodes":{
		"s":{"node_id":"s","node_type":"StartNode","config":{}},
		"a":{"node_id":"a","node_type":"SetVariableNode","config":{"variable_name":"order","default_value":"A-7"}},
		"n":{"node_id":"n","node_type":%q,"config":%s},
		"b":{"node_id":"b","node_type":"SetVariableNode","config":{"variable_name":"done","default_value":"{{booked}}!"}}},
		"connections":[{"source_node":"s","source_port":"exec_out","target_node":"a","target_port":"exec_in"},
		{"source_node":"a","source_port":"exec_out","target_node":"n","target_port":"exec_in"},
		{"source_node":"n","source_port":"exec_out","target_node":"b","target_port":"exec_in"}%s],
		"settings":{"fleet":{"nodes":{"a":{"robot_id":"web-1"},"b":{"same_as":"a"}}}}}`, middle, config, map[bool]string{
		true: `,{"source_node":"a","source_port":"value","target_node":"n","target_port":"value"}`,
	}[middle == "SetVariableNode"])
}

// place starts both robots and says beside the workflow where n runs.
func place(t *testing.T, w *world, doc json.RawMessage) fleet.ID {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, id := range []fleet.RobotID{"web-1", "desk-1"} {
		w.robot(id)
		err := (&story{world: w}).until(ctx, func() (bool, error) {
			r, err := w.api.GetRobot(ctx, id)
			if errors.Is(err, fleet.ErrNotFound) {
				return false, nil
			}
			return r.Status == fleet.RobotOnline, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stored, err := w.api.PutWorkflow(ctx, "", doc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.api.PlaceNode(ctx, fleet.NodeOverride{WorkflowID: stored.WorkflowID, NodeID: "n", RobotID: "desk-1", Reason: "the till", Active: true})
	if err != nil {
		t.Fatal(err)
	}
	return stored.WorkflowID
}

func TestSegmentsRunWhereTheirNodesSay(t *testing.T) {
	w := newWorld(t)
	doc := inTurns("SetVariableNode", `{"variable_name":"booked"}`)
	id := place(t, w, doc)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	job, err := w.api.SubmitJob(ctx, client.SubmitRequest{WorkflowID: id, Variables: map[string]any{"in": []int{1, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if job.Segments != 3 {
		t.Fatalf("%+v", job)
	}
	done, err := w.api.WaitJob(ctx, job.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if done.State != fleet.Completed || len(done.Parts) != 3 {
		t.Fatalf("%s (%+v), %d segments", done.State, done.Error, len(done.Parts))
	}
	for i, want := range []fleet.RobotID{"web-1", "desk-1", "web-1"} {
		s := done.Parts[i]
		if s.State != fleet.Completed || s.RobotID != want || s.Epoch != 1 {
			t.Errorf("segment %d: %s on %s after %d attempts, want completed on %s", i+1, s.State, s.RobotID, s.Epoch, want)
		}
		if i > 0 && s.StartedAt.Before(done.Parts[i-1].EndedAt) {
			t.Errorf("segment %d began at %s, before the one before it ended at %s", i+1, s.StartedAt, done.Parts[i-1].EndedAt)
		}
	}
	var result struct {
		Nodes     int            `json:"nodes_executed"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.Unmarshal(done.Result, &result); err != nil {
		t.Fatal(err)
	}
	v := result.Variables
	// A link carried a value from one robot to the other, a variable the next.
	if v["order"] != "A-7" || v["booked"] != "A-7" || v["done"] != "A-7!" || fmt.Sprint(v["in"]) != "[1 2]" || v["a"] == nil || v["n"] == nil {
		t.Errorf("result: %s", done.Result)
	}
	for name := range v {
		if strings.HasPrefix(name, "_") {
			t.Errorf("the result tells of %s", name)
		}
	}
}

func TestCancelOfASegmentedJob(t *testing.T) {
	w := newWorld(t)
	id := place(t, w, inTurns("WaitNode", `{"duration":300}`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	job, err := w.api.SubmitJob(ctx, client.SubmitRequest{WorkflowID: id})
	if err != nil {
		t.Fatal(err)
	}
	asked, grace := false, int64(5)
	done, err := w.api.WaitJob(ctx, job.ID, func(j client.JobDetail) {
		if !asked && len(j.Parts) == 3 && j.Parts[1].State == fleet.Running {
			asked = true
			if _, err := w.api.CancelJob(ctx, job.ID, client.CancelRequest{GraceSeconds: &grace}); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, s := range done.Parts {
		states = append(states, string(s.State))
	}
	if got := strings.Join(states, " "); done.State != fleet.Cancelled || got != "completed cancelled cancelled" || done.Parts[2].Epoch != 0 {
		t.Errorf("the job is %s, its segments are %s", done.State, got)
	}
}
