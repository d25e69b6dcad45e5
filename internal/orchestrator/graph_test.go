package orchestrator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

func node(ref string, after ...string) SubmitRequest {
	r := SubmitRequest{Document: []byte(plainDocument), Ref: ref}
	for _, a := range after {
		r.DependsOn = append(r.DependsOn, Dependency{Ref: a})
	}
	return r
}

const plainDocument = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

func TestGraphInOneRequest(t *testing.T) {
	w := newWorld(t)
	d := node("d", "b", "c")
	d.Variables = json.RawMessage(`{"x":{"from_job":"b","pointer":"/y"}}`)
	// Children may stand before their parents.
	results, faults, err := w.Jobs.SubmitMany(t.Context(), auth.Local(), []SubmitRequest{d, node("b", "a"), node("c", "a"), node("a")}, false)
	w.must(err)
	for i, f := range faults {
		if f != nil {
			t.Errorf("entry %d: %v", i, f)
		}
	}
	for i, on := range []fleet.WaitingOn{fleet.WaitingDependencies, fleet.WaitingDependencies, fleet.WaitingDependencies, fleet.WaitingRobot} {
		v := w.get(results[i].Job.ID)
		if v.Job.WaitingOn != on || v.Waiting == "" {
			t.Errorf("entry %d waits on %s (%s), want %s", i, v.Job.WaitingOn, v.Waiting, on)
		}
	}
	for _, parent := range []int{1, 2} {
		if want := string(results[parent].Job.ID) + " (nothing, pending)"; !strings.Contains(w.get(results[0].Job.ID).Waiting, want) {
			t.Errorf("waits: %q, want %s named", w.get(results[0].Job.ID).Waiting, want)
		}
	}
	if v := w.get(results[0].Job.ID); !strings.Contains(string(v.Data.Variables), string(results[1].Job.ID)) {
		t.Errorf("the ref in the inputs was not replaced: %s", v.Data.Variables)
	}
	g, err := w.Jobs.Graph(t.Context(), auth.Local(), results[2].Job.ID)
	w.must(err)
	if len(g.Jobs) != 4 || len(g.Edges) != 4 || g.Jobs[0].ID != results[2].Job.ID {
		t.Errorf("graph of %d jobs and %d edges", len(g.Jobs), len(g.Edges))
	}
}

func TestGraphIsRefusedWhole(t *testing.T) {
	w := newWorld(t)
	bad := node("x", "a")
	bad.Priority = new(fleet.Priority)
	*bad.Priority = 99
	foreign := node("x", "a")
	foreign.Variables = json.RawMessage(`{"v":{"from_job":"01939c3e-7b1a-7c3d-8e4f-0123456789ab","pointer":""}}`)
	for _, c := range []struct {
		jobs   []SubmitRequest
		reason string
		text   string
	}{
		{[]SubmitRequest{node("a", "c"), node("b", "a"), node("c", "b")}, "dependency_cycle", "a waits for c waits for b waits for a"},
		{[]SubmitRequest{node("a", "a")}, "dependency_cycle", "a waits for a"},
		{[]SubmitRequest{node("a"), node("b", "z")}, "dependency_unknown", `"z"`},
		{[]SubmitRequest{node("a"), node("a", "a")}, "invalid_field", "already"},
		{[]SubmitRequest{node("a"), node("b", "a", "a")}, "invalid_field", "named twice"},
		{[]SubmitRequest{node("a"), bad}, "invalid_field", "Entry 1: "},
		{[]SubmitRequest{node("a"), foreign}, "invalid_field", "not in depends_on"},
	} {
		_, _, err := w.Jobs.SubmitMany(t.Context(), auth.Local(), c.jobs, false)
		e := fleet.AsError(err)
		if err == nil || e.Reason != c.reason || !strings.Contains(e.Message, c.text) {
			t.Errorf("%s: %v (%s), want …%s…", c.reason, err, e.Reason, c.text)
		}
	}
	list, err := w.Jobs.List(t.Context(), auth.Local(), JobFilter{}, fleet.Page{})
	w.must(err)
	if len(list.Jobs) != 0 {
		t.Errorf("%d jobs were stored", len(list.Jobs))
	}
}

func TestDependencyRefuses(t *testing.T) {
	w := newWorld(t)
	refuses := func(reason, text string, change func(*SubmitRequest)) {
		t.Helper()
		r := SubmitRequest{Document: []byte(plainDocument)}
		change(&r)
		_, err := w.Jobs.Submit(t.Context(), auth.Local(), r)
		if e := fleet.AsError(err); err == nil || e.Reason != reason || !strings.Contains(e.Message, text) {
			t.Errorf("%v (%s), want %s …%s…", err, fleet.AsError(err).Reason, reason, text)
		}
	}
	refuses("dependency_unknown", "There is no job", func(r *SubmitRequest) { r.DependsOn = []Dependency{{Job: "01939c3e-7b1a-7c3d-8e4f-0123456789ab"}} })
	refuses("dependency_unknown", "There is no job", func(r *SubmitRequest) { r.DependsOn = []Dependency{{Job: "x"}} })
	refuses("invalid_field", "same request", func(r *SubmitRequest) { r.DependsOn = []Dependency{{Ref: "a"}} })
	refuses("invalid_field", "Give job", func(r *SubmitRequest) { r.DependsOn = []Dependency{{}} })
	refuses("invalid_field", "go with depends_on", func(r *SubmitRequest) { r.Rule = fleet.AnyFailed })
	refuses("invalid_field", "dependency_rule must be", func(r *SubmitRequest) { r.Rule = "sometimes" })
	job := w.submit()
	refuses("invalid_field", "named twice", func(r *SubmitRequest) { r.DependsOn = []Dependency{{Job: job.ID}, {Job: job.ID}} })
}

// TestParentIsKeptForItsChildren: a job may wait for longer than history is kept.
func TestParentIsKeptForItsChildren(t *testing.T) {
	w := newWorld(t)
	w.connect()
	parent := w.submit()
	child := w.submit(func(r *SubmitRequest) {
		r.DependsOn, r.Rule, r.OnUnmet = []Dependency{{Job: parent.ID}}, fleet.AnyFailed, fleet.UnmetHold
	})
	w.complete(w.start(parent))
	if v := w.get(child.ID); !strings.Contains(v.Waiting, string(parent.ID)) {
		t.Errorf("held: %q, want its parent named", v.Waiting)
	}
	w.now = w.now.Add(time.Hour)
	prune := func(want int) {
		t.Helper()
		w.must(w.store.Update(t.Context(), store.System("test"), func(tx store.Tx) error {
			_, n, err := tx.PruneJobs("", w.now.Add(-time.Minute), 10)
			if n != want {
				t.Errorf("%d jobs were taken away, want %d", n, want)
			}
			return err
		}))
	}
	prune(0)
	_, err := w.Jobs.Cancel(t.Context(), w.admin, child.ID, fleet.CancelRequest{})
	w.must(err)
	prune(1)
	g, err := w.Jobs.Graph(t.Context(), auth.Local(), child.ID)
	w.must(err)
	if len(g.Jobs) != 1 || len(g.Edges) != 0 {
		t.Errorf("graph of %d jobs and %d edges, want the child alone", len(g.Jobs), len(g.Edges))
	}
}

// TestDryRunOfMany checks everything and stores nothing.
func TestDryRunOfMany(t *testing.T) {
	w := newWorld(t)
	dry := func(rs ...SubmitRequest) []SubmitRequest {
		for i := range rs {
			rs[i].DryRun = true
		}
		return rs
	}
	for what, rs := range map[string][]SubmitRequest{"plain": dry(node(""), node("")), "graph": dry(node("b", "a"), node("a"))} {
		for _, atomic := range []bool{false, true} {
			results, faults, err := w.Jobs.SubmitMany(t.Context(), auth.Local(), rs, atomic)
			w.must(err)
			if faults[0] != nil || results[1].Job.Workflow.Name == "" {
				t.Errorf("%s: %v, %+v", what, faults, results)
			}
		}
	}
	if n := w.count("jobs"); n != "0" {
		t.Errorf("%s jobs were stored", n)
	}
	_, _, err := w.Jobs.SubmitMany(t.Context(), auth.Local(), append(dry(node("")), node("")), false)
	w.is(err, fleet.CodeInvalid, "invalid_field")
}

// TestRetryWaitsAgain: a job that never ran because of its parent waits for the
// one that repeats the parent, and takes its inputs from that.
func TestRetryWaitsAgain(t *testing.T) {
	for _, unmet := range []fleet.OnUnmet{fleet.UnmetCancel, fleet.UnmetHold} {
		w := newWorld(t)
		w.connect()
		parent := w.submit()
		child := w.submit(func(r *SubmitRequest) {
			r.DependsOn, r.OnUnmet = []Dependency{{Job: parent.ID}}, unmet
			r.Variables = json.RawMessage(`{"x":{"from_job":"` + string(parent.ID) + `","pointer":""}}`)
		})
		w.fail(w.start(parent), fleet.ClassInvalid)
		again, _, err := w.Jobs.Retry(t.Context(), w.admin, parent.ID, RetryHow{})
		w.must(err)
		if unmet == fleet.UnmetCancel { // held ones follow by themselves
			child, _, err = w.Jobs.Retry(t.Context(), w.admin, child.ID, RetryHow{})
			w.must(err)
		}
		if v := w.get(child.ID); v.Job.WaitingOn == fleet.WaitingRobot || !strings.Contains(v.Waiting, string(again.ID)+" (nothing, pending)") {
			t.Errorf("%s: waits on %s: %s", unmet, v.Job.WaitingOn, v.Waiting)
		}
		w.complete(w.start(again))
		if v := w.get(child.ID); v.Job.WaitingOn != fleet.WaitingRobot || string(v.Data.Variables) != `{"x":{}}` {
			t.Errorf("%s: waits on %s with %s", unmet, v.Job.WaitingOn, v.Data.Variables)
		}
	}
}
