package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestSegments submits jobs that are cut into two segments, the second of which
// runs on the other robot, and kills the orchestrator while the first runs, in
// the moment in which it has ended, and while the second runs. Each segment is
// executed once, in its turn and on its robot, and the whole ends completed.
func TestSegments(t *testing.T) {
	w := startFleet(t, 2, 1)
	doc := func(n int) string {
		file := w.truthFile()
		step := func(id, word string) string {
			return fmt.Sprintf(`%q:{"node_id":%q,"node_type":"AppendFileNode","config":{"file_path":%q,"content":"{{_job_id}} {{run}}%s %s\n"}}`, id, id, file, id[1:], word)
		}
		wait := func(id string) string {
			return fmt.Sprintf(`%q:{"node_id":%q,"node_type":"WaitNode","config":{"duration":0.4}}`, id, id)
		}
		ids := []string{"s", "v", "b1", "w1", "e1", "b2", "w2", "e2"}
		var links []string
		for i := range ids[1:] {
			links = append(links, fmt.Sprintf(`{"source_node":%q,"source_port":"exec_out","target_node":%q,"target_port":"exec_in"}`, ids[i], ids[i+1]))
		}
		return `{"metadata":{"name":"segments"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}},` +
			fmt.Sprintf(`"v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"run","default_value":"run%d-"}},`, n) +
			strings.Join([]string{step("b1", "begin"), wait("w1"), step("e1", "end"), step("b2", "begin"), wait("w2"), step("e2", "end")}, ",") +
			`},"connections":[` + strings.Join(links, ",") + `],"settings":{"fleet":{"nodes":{"s":{"robot_id":"r1"},"v":{"robot_id":"r1"},"b1":{"robot_id":"r1"},"w1":{"robot_id":"r1"},` +
			`"e1":{"robot_id":"r1"},"b2":{"robot_id":"r2"},"w2":{"robot_id":"r2"},"e2":{"robot_id":"r2"}}}}}`
	}
	type shown struct {
		ID       string `json:"job_id"`
		State    string `json:"status"`
		Epoch    int    `json:"epoch"`
		RobotID  string `json:"robot_id"`
		Segments []struct {
			ID      string `json:"job_id"`
			State   string `json:"status"`
			Epoch   int    `json:"epoch"`
			RobotID string `json:"robot_id"`
		} `json:"segment_jobs"`
	}
	await(t, time.Minute, "the robots are not there", func() bool {
		var list struct {
			Total int `json:"total"`
		}
		_, err := w.api.call(t.Context(), "GET", "/api/v1/robots?connected=true", nil, nil, &list)
		return err == nil && list.Total == 2
	})
	var wholes []string
	for n, during := range []string{"run0-1 begin", "run1-1 end", "run2-2 begin", "run3-2 end"} {
		key := fmt.Sprint("whole-", n)
		var job shown
		for range 2 { // a second time it is the same job
			before := job.ID
			if _, err := w.api.call(t.Context(), "POST", "/api/v1/jobs", map[string]string{"Idempotency-Key": key}, map[string]any{"workflow_json": jsonText(doc(n))}, &job); err != nil {
				t.Fatal(err)
			}
			if before != "" && before != job.ID {
				t.Errorf("the job was stored as %s and as %s", before, job.ID)
			}
		}
		wholes = append(wholes, job.ID)
		await(t, time.Minute, during+" was not reached", func() bool {
			text, err := os.ReadFile(w.truthFile())
			return err == nil && strings.Contains(string(text), during)
		})
		w.members[0].kill()
		w.members[0].start()
		w.ready()
		w.settle(time.Minute)
	}
	text, err := os.ReadFile(w.truthFile())
	if err != nil {
		t.Fatal(err)
	}
	all, err := executions(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for n, id := range wholes {
		var job shown
		if _, err := w.api.call(t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job); err != nil {
			t.Fatal(err)
		}
		if job.State != "completed" || len(job.Segments) != 2 {
			t.Fatalf("job %d is %s and has %d segments", n, job.State, len(job.Segments))
		}
		for i, s := range job.Segments {
			for _, word := range []string{"begin", "end"} {
				if n := strings.Count(string(text), fmt.Sprintf("%s run%d-%d %s\n", s.ID, n, i+1, word)); n != 1 {
					t.Errorf("segment %s wrote its %s %d times", s.ID, word, n)
				}
			}
			if runs := all[s.ID]; s.State != "completed" || w.starts(s.ID) != 1 || s.RobotID != fmt.Sprint("r", i+1) || len(runs) != 1 || !runs[0].ended {
				t.Fatalf("job %d: segment %d is %s on %s after %d offers, %d starts and %d executions", n, i+1, s.State, s.RobotID, s.Epoch, w.starts(s.ID), len(runs))
			}
		}
		if a, b := all[job.Segments[0].ID][0], all[job.Segments[1].ID][0]; a.last > b.first {
			t.Errorf("job %d: the second segment began in line %d, before the first had ended in line %d", n, b.first, a.last)
		}
	}
	w.halt()
	q, done := w.db.open(t)
	defer done()
	if err := storetest.Invariants(t.Context(), q); err != nil {
		t.Error(err)
	}
}
