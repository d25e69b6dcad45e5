package chaos

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDiamond submits graphs of four jobs to two robots and kills the
// orchestrator in the middle of each: once while the first job runs, once while
// the two in the middle do, and once while the last does. Every job ends
// completed, was executed once, and began after those that it waits for.
func TestDiamond(t *testing.T) {
	w := startFleet(t, 2, 1)
	shape := []struct {
		ref    string
		after  []string
		inputs map[string]any
	}{
		{ref: "first"},
		{ref: "left", after: []string{"first"}},
		{ref: "right", after: []string{"first"}},
		{ref: "last", after: []string{"left", "right"}, inputs: map[string]any{"of": map[string]any{"from_job": "left", "pointer": "/run"}}},
	}
	type graph map[string]string // job ids by ref
	var graphs []graph
	r := newRecord()
	submit := func(n int) graph {
		var jobs []any
		for _, s := range shape {
			body := map[string]any{"ref": s.ref, "name": s.ref, "workflow_json": jsonText(fmt.Sprintf(work, w.truthFile(), 0.4, w.truthFile(), 0.4, w.truthFile()))}
			var after []any
			for _, ref := range s.after {
				after = append(after, map[string]any{"ref": ref})
			}
			if after != nil {
				body["depends_on"] = after
			}
			if s.inputs != nil {
				body["inputs"] = s.inputs
			}
			jobs = append(jobs, body)
		}
		var answer struct {
			Jobs []struct {
				ID string `json:"job_id"`
			} `json:"jobs"`
		}
		ids := graph{}
		for range 2 { // a second time it is the same graph
			_, err := w.api.call(t.Context(), "POST", "/api/v1/jobs/bulk", map[string]string{"Idempotency-Key": fmt.Sprint("graph-", n)},
				map[string]any{"jobs": jobs, "atomic": true}, &answer)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range shape {
				if before := ids[s.ref]; before != "" && before != answer.Jobs[i].ID {
					t.Errorf("%s was stored as %s and as %s", s.ref, before, answer.Jobs[i].ID)
				}
				o := &order{key: fmt.Sprint("graph-", n, "/", i), kind: s.ref, id: answer.Jobs[i].ID}
				ids[s.ref], r.orders[o.id], r.tried[o.key] = o.id, o, true
			}
		}
		return ids
	}
	for n, during := range []string{"first", "left", "last"} {
		ids := submit(n)
		graphs = append(graphs, ids)
		await(t, time.Minute, during+" does not run", func() bool {
			text, err := os.ReadFile(w.truthFile())
			return err == nil && strings.Contains(string(text), ids[during]+" ")
		})
		w.members[0].kill()
		w.members[0].start()
		w.ready()
		w.settle(time.Minute)
	}
	type shown struct {
		State     string         `json:"status"`
		Epoch     int            `json:"epoch"`
		Variables map[string]any `json:"variables"`
	}
	text, err := os.ReadFile(w.truthFile())
	if err != nil {
		t.Fatal(err)
	}
	all, err := executions(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for n, ids := range graphs {
		for _, s := range shape {
			id := ids[s.ref]
			var job shown
			if _, err := w.api.call(t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job); err != nil {
				t.Fatal(err)
			}
			if runs := all[id]; job.State != "completed" || w.starts(id) != 1 || len(runs) != 1 || !runs[0].ended {
				t.Fatalf("graph %d: %s is %s after %d offers, %d starts and %d executions", n, s.ref, job.State, job.Epoch, w.starts(id), len(runs))
			}
			for _, ref := range s.after {
				if parent := all[ids[ref]][0]; parent.last > all[id][0].first {
					t.Errorf("graph %d: %s began in line %d, before %s had ended in line %d", n, s.ref, all[id][0].first, ref, parent.last)
				}
			}
			if s.inputs != nil && job.Variables["of"] != all[ids["left"]][0].run {
				t.Errorf("graph %d: the last job was given %v, and left said %s", n, job.Variables["of"], all[ids["left"]][0].run)
			}
		}
	}
	w.halt()
	w.verify(r, 10*time.Second)
}
