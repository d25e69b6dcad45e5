package orchestrator

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// placed is a workflow of three nodes in a row, with settings.fleet as given.
func placed(name, settings string) []byte {
	return fmt.Appendf(nil, `{"metadata":{"name":%q},"nodes":{
		"s":{"node_id":"s","node_type":"StartNode","config":{}},
		"a":{"node_id":"a","node_type":"SetVariableNode","config":{"variable_name":"x","default_value":"1"}},
		"n":{"node_id":"n","node_type":"LogNode","config":{"message":"{{x}}"}},
		"b":{"node_id":"b","node_type":"LogNode","config":{"message":"b"}}},
		"connections":[{"source_node":"s","source_port":"exec_out","target_node":"a","target_port":"exec_in"},
		{"source_node":"a","source_port":"exec_out","target_node":"n","target_port":"exec_in"},
		{"source_node":"n","source_port":"exec_out","target_node":"b","target_port":"exec_in"}],
		"settings":{"fleet":%s}}`, name, settings)
}

func (w *world) segments(whole fleet.ID) []fleet.Job {
	w.Helper()
	return w.get(whole).Parts
}

// stand says how a whole and its segments stand.
func (w *world) stand(whole fleet.ID, want string) {
	w.Helper()
	v := w.get(whole)
	words := []string{string(v.Job.State)}
	for _, s := range v.Parts {
		words = append(words, string(s.State))
	}
	if got := strings.Join(words, " "); got != want {
		w.Errorf("the whole and its segments: %s, want %s", got, want)
	}
}

// finish lets a segment run to its end with variables.
func (w *world) finish(s fleet.Job, variables string) {
	w.Helper()
	ref := w.start(w.get(s.ID).Job)
	r := fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"success":true,"variables":` + variables + `}`)}
	if v := w.report(r, ref); v != fleet.VerdictApplied {
		w.Fatalf("verdict %s", v)
	}
}

func (w *world) whole(change ...func(*SubmitRequest)) fleet.Job {
	w.Helper()
	return w.submit(append([]func(*SubmitRequest){func(r *SubmitRequest) {
		r.Document = placed("parts", `{"nodes":{"n":{"robot_id":"r1","reason":"the printer"}}}`)
		r.Variables = json.RawMessage(`{"in":7}`)
	}}, change...)...)
}

func TestSegmentsOfOneJob(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.whole(func(r *SubmitRequest) {
		r.JobName, r.Labels, r.RunTimeout = "month end", map[string]string{"team": "a"}, time.Hour
	})
	if job.Segments != 3 || job.State != fleet.Pending || job.Target != "" {
		t.Fatalf("%+v", job)
	}
	parts := w.segments(job.ID)
	if len(parts) != 3 || parts[0].Target != "" || parts[1].Target != "r1" || parts[2].Target != "" {
		t.Fatalf("%+v", parts)
	}
	for _, s := range parts {
		if s.Workflow.ID != job.Workflow.ID || s.Workflow.Hash == job.Workflow.Hash || s.Labels["team"] != "a" || s.Name != "month end" || s.ID >= job.ID {
			t.Errorf("a segment: %+v", s)
		}
	}
	v := w.get(job.ID)
	if !strings.HasPrefix(v.Waiting, "Segment 1 of 3 (job "+string(parts[0].ID)+"): ") {
		t.Errorf("waits: %s", v.Waiting)
	}
	e, err := w.Jobs.Explain(t.Context(), w.admin, job.ID)
	if err != nil || e.Job.ID != job.ID || e.Fleet == nil || !strings.HasPrefix(e.Summary, "Segment 1 of 3") {
		t.Errorf("explain: %+v, %v", e, err)
	}
	for i, s := range parts[1:] { // a version without segments must not start them with nothing
		from, err := fleet.InputsFrom(w.get(s.ID).Data.Variables)
		if err != nil || !s.FillInputs || len(from) != 1 || from["__handed_over__"].Job != parts[i].ID {
			t.Errorf("segment %d awaits %+v, %v", i+2, from, err)
		}
	}
	w.finish(parts[0], `{"x":"1","in":7}`)
	w.stand(job.ID, "running completed pending pending")
	e, err = w.Jobs.Explain(t.Context(), w.admin, job.ID)
	if err != nil || !strings.HasPrefix(e.Summary, "Segment 2 of 3") || e.Job.State != fleet.Running {
		t.Errorf("explain: %+v, %v", e, err)
	}
	if got := string(w.get(parts[1].ID).Data.Variables); got != `{"x":"1","in":7}` {
		t.Errorf("handed over: %s", got)
	}
	w.finish(parts[1], `{"x":"1","y":2}`)
	w.finish(parts[2], `{"x":"1","y":2,"z":[3]}`)
	w.stand(job.ID, "completed completed completed completed")
	if got := string(w.get(job.ID).Data.Result); !strings.Contains(got, `"variables":{"x":"1","y":2,"z":[3]}`) {
		t.Errorf("result: %s", got)
	}
	g, err := w.Jobs.Graph(t.Context(), w.admin, job.ID)
	if err != nil || len(g.Jobs) != 4 || len(g.Edges) != 2 {
		t.Errorf("graph: %d jobs, %v, %v", len(g.Jobs), g.Edges, err)
	}
}

func TestWholeIsSubmittedOnce(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	key := func(r *SubmitRequest) { r.IdempotencyKey, r.RequestHash = "k", "h" }
	first, second := w.whole(key), w.whole(key)
	if first.ID != second.ID || w.count("jobs") != "4" {
		t.Errorf("%s and %s, %s jobs", first.ID, second.ID, w.count("jobs"))
	}
	dry, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: placed("dry", `{"nodes":{"n":{"robot_id":"r1"}}}`), DryRun: true})
	if err != nil || dry.Job.Segments != 3 || w.count("jobs") != "4" {
		t.Errorf("dry run: %+v, %v", dry.Job, err)
	}
	many, faults, err := w.Jobs.SubmitMany(t.Context(), w.admin, []SubmitRequest{
		{Document: placed("many", `{"nodes":{"n":{"robot_id":"r1"}}}`)}, {Document: []byte(document)}, {Document: placed("bad", `{"nodes":{"n":{"robot_id":"r9"}}}`)},
	}, false)
	if err != nil || faults[0] != nil || faults[1] != nil || faults[2] == nil || many[0].Job.Segments != 3 || many[1].Job.Segments != 0 {
		t.Errorf("%+v, %v, %v", many, faults, err)
	}
	if n := w.count("jobs"); n != "9" {
		t.Errorf("%s jobs", n)
	}
}

func TestPlacesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	for name, c := range map[string]struct{ settings, reason, message string }{
		"two robots":     {`{"placement":{"target_robot_id":"r1"},"nodes":{"n":{"robot_id":"r2"}}}`, "placement_conflict", "the workflow's settings"},
		"twice one node": {`{"nodes":{"n":{"robot_id":"r1","placement":{"target_robot_id":"r2"}}}}`, "placement_conflict", "settings.fleet.nodes.n"},
		"a ring":         {`{"nodes":{"n":{"same_as":"b"},"b":{"same_as":"n"}}}`, "placement_conflict", "ring"},
		"unknown robot":  {`{"nodes":{"n":{"robot_id":"r9"}}}`, "robot_not_found", "Segment 2, from node n on"},
		"unknown key":    {`{"nodes":{"n":{"robot":"r1"}}}`, "workflow_invalid", "robot"},
		"unknown node":   {`{"nodes":{"m":{"robot_id":"r1"}}}`, "unknown_node", "which the workflow does not have"},
		"other node":     {`{"nodes":{"n":{"same_as":"m"}}}`, "unknown_node", `"m"`},
	} {
		_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: placed("refused", c.settings)})
		if e := fleet.AsError(err); err == nil || e.Reason != c.reason || !strings.Contains(e.Message, c.message) {
			t.Errorf("%s: %v (%+v)", name, err, e)
		}
	}
	loop := strings.NewReplacer(`"SetVariableNode","config":{"variable_name":"x","default_value":"1"}`, `"ForLoopStartNode","config":{}`,
		`{"source_node":"a","source_port":"exec_out"`, `{"source_node":"a","source_port":"body"`).
		Replace(string(placed("loop", `{"nodes":{"n":{"robot_id":"r1"}}}`)))
	_, _, err := w.Workflows.Put(t.Context(), w.admin, "", []byte(loop))
	w.is(err, fleet.CodeInvalid, "placement_cut_forbidden")
	if n := w.count("jobs"); n != "0" {
		t.Errorf("%s jobs", n)
	}
}

func TestOnePlaceForAllIsOneJob(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.submit(func(r *SubmitRequest) {
		r.Document = placed("one", `{"nodes":{"a":{"robot_id":"r1"},"n":{"same_as":"a"},"b":{"same_as":"n"}}}`)
	})
	if job.Segments != 0 || job.Target != "r1" {
		t.Errorf("%+v", job)
	}
}

func TestOverridesOfNodes(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	plain := w.submit(func(r *SubmitRequest) { r.Document = placed("beside", `{}`) })
	id := plain.Workflow.ID
	run := func() fleet.Job { return w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, id }) }
	put := func(o fleet.NodeOverride) error {
		o.WorkflowID = id
		_, err := w.Jobs.PutNodeOverride(t.Context(), w.admin, o)
		return err
	}
	w.is(put(fleet.NodeOverride{NodeID: "m", RobotID: "r1", Active: true}), fleet.CodeInvalid, "unknown_node")
	w.is(put(fleet.NodeOverride{NodeID: "n", Active: true}), fleet.CodeInvalid, "invalid_field")
	w.is(put(fleet.NodeOverride{NodeID: "n", RobotID: "r1", SameAs: "m", Active: true}), fleet.CodeInvalid, "unknown_node")
	w.is(put(fleet.NodeOverride{NodeID: "n", RobotID: "r9", Active: true}), fleet.CodeInvalid, "robot_not_found")
	w.must(put(fleet.NodeOverride{NodeID: "n", RobotID: "r1", Reason: "SAP", Active: true}))
	if job := run(); job.Segments != 3 {
		t.Errorf("%+v", job)
	}
	w.must(put(fleet.NodeOverride{NodeID: "n", RobotID: "r1", Active: false}))
	if job := run(); job.Segments != 0 {
		t.Errorf("with an override that is not active: %+v", job)
	}
	w.must(put(fleet.NodeOverride{NodeID: "b", Requires: fleet.Capabilities{"browser"}, Active: true}))
	if parts := w.segments(run().ID); len(parts) != 2 || parts[1].Requires.Key() != "browser" || parts[0].Requires.Key() != "" {
		t.Errorf("%+v", parts)
	}
	list, err := w.Jobs.NodeOverrides(t.Context(), w.admin, id)
	if err != nil || len(list) != 2 || list[0].NodeID != "b" || list[1].Active || list[1].CreatedBy == "" {
		t.Errorf("%+v, %v", list, err)
	}
	w.must(w.Jobs.DeleteNodeOverride(t.Context(), w.admin, id, "b"))
	if job := run(); job.Segments != 0 {
		t.Errorf("after the delete: %+v", job)
	}
	if err := w.Jobs.DeleteNodeOverride(t.Context(), w.admin, id, "b"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	// A later version may lack the node: then nothing runs until somebody looks.
	w.must(put(fleet.NodeOverride{NodeID: "n", RobotID: "r1", Active: true}))
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: named("beside")})
	w.is(err, fleet.CodeInvalid, "unknown_node")
}

func TestCancelOfAWhole(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.whole()
	parts := w.segments(job.ID)
	w.finish(parts[0], `{}`)
	ref := w.start(w.get(parts[1].ID).Job)
	answer, err := w.Jobs.Cancel(t.Context(), w.admin, parts[1].ID, fleet.CancelRequest{Grace: time.Minute}) // of a segment: of the whole
	if err != nil || !answer.Accepted || answer.Job.ID != parts[1].ID || answer.Job.State != fleet.Cancelling {
		t.Fatalf("%+v, %v", answer, err)
	}
	w.stand(job.ID, "cancelling completed cancelling cancelled")
	if v := w.report(fleet.Report{Kind: fleet.ReportStopped, By: fleet.ByRequest}, ref); v != fleet.VerdictApplied {
		t.Fatal(v)
	}
	w.stand(job.ID, "cancelled completed cancelled cancelled")
	answer, err = w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	if err != nil || answer.Accepted || answer.Job.State != fleet.Cancelled {
		t.Errorf("again: %+v, %v", answer, err)
	}

	job = w.whole()
	answer, err = w.Jobs.Cancel(t.Context(), w.admin, job.ID, fleet.CancelRequest{})
	if err != nil || !answer.Accepted || answer.Previous != fleet.Pending || answer.Job.State != fleet.Cancelled {
		t.Errorf("%+v, %v", answer, err)
	}
	w.stand(job.ID, "cancelled cancelled cancelled cancelled")
}

func TestRetryOfAWhole(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.whole(func(r *SubmitRequest) { none := 0; r.Retry = &fleet.RetryChange{Max: &none} })
	parts := w.segments(job.ID)
	w.finish(parts[0], `{"x":1}`)
	w.fail(w.start(w.get(parts[1].ID).Job), fleet.ClassApplication)
	w.stand(job.ID, "failed completed failed cancelled")
	_, _, err := w.Jobs.Retry(t.Context(), w.admin, parts[1].ID, RetryHow{})
	w.is(err, fleet.CodeConflict, "segment_of_job")
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, job.ID, RetryHow{})
	if err != nil || again.RetryOf != job.ID || again.Segments != 3 {
		t.Fatalf("%+v, %v", again, err)
	}
	w.stand(again.ID, "pending pending pending pending")
	parts = w.segments(again.ID)
	if got := string(w.get(parts[0].ID).Data.Variables); got != `{"in":7}` || parts[1].Target != "r1" || parts[0].ID >= again.ID {
		t.Errorf("variables %s, %+v", got, parts)
	}
	for i := range parts {
		w.finish(parts[i], `{}`)
	}
	w.stand(again.ID, "completed completed completed completed")
}

// A whole in a graph waits with its first segment; who waits for it waits for all.
func TestWholeInAGraph(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	rs := []SubmitRequest{
		{Document: []byte(document), Ref: "first"},
		{
			Document: placed("parts", `{"nodes":{"n":{"robot_id":"r1"}}}`), Ref: "whole", DependsOn: []Dependency{{Ref: "first"}},
			Variables: json.RawMessage(`{"v":{"from_job":"first","pointer":"/v"}}`),
		},
		{Document: named("last"), Ref: "last", DependsOn: []Dependency{{Ref: "whole"}}, Variables: json.RawMessage(`{"z":{"from_job":"whole","pointer":"/z"}}`)},
	}
	out, _, err := w.Jobs.SubmitMany(t.Context(), w.admin, rs, true)
	w.must(err)
	whole := out[1].Job.ID
	w.finish(out[0].Job, `{"v":5}`)
	parts := w.segments(whole)
	if got := string(w.get(parts[0].ID).Data.Variables); got != `{"v":5}` {
		t.Errorf("inputs of the first segment: %s", got)
	}
	for i, vars := range []string{`{}`, `{}`, `{"z":3}`} {
		if w.get(out[2].Job.ID).Job.WaitingOn != fleet.WaitingDependencies {
			t.Error("the last job does not wait for the whole")
		}
		w.finish(parts[i], vars)
	}
	if got := w.get(out[2].Job.ID); got.Job.WaitingOn != fleet.WaitingRobot || string(got.Data.Variables) != `{"z":3}` {
		t.Errorf("%+v %s", got.Job, got.Data.Variables)
	}

	out, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, rs, true)
	w.must(err)
	answer, err := w.Jobs.CancelBranch(t.Context(), w.admin, out[0].Job.ID, fleet.CancelRequest{})
	if err != nil || answer.Dependents != 2 {
		t.Errorf("%+v, %v", answer, err)
	}
	w.stand(out[1].Job.ID, "cancelled cancelled cancelled cancelled")

	out, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, rs, true)
	w.must(err)
	w.fail(w.start(out[0].Job), fleet.ClassBusiness)
	w.stand(out[1].Job.ID, "cancelled cancelled cancelled cancelled")
	job, made, err := w.Jobs.Retry(t.Context(), w.admin, out[0].Job.ID, RetryHow{Dependents: true})
	if err != nil || len(made) != 2 {
		t.Fatalf("%v, %v", made, err)
	}
	w.stand(made[0], "pending pending pending pending")
	w.finish(job, `{"v":6}`)
	parts = w.segments(made[0])
	if got := string(w.get(parts[0].ID).Data.Variables); got != `{"v":6}` {
		t.Errorf("inputs of the repeated first segment: %s", got)
	}
}

func TestSegmentOfAnotherJobIsNothingToWaitFor(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	parts := w.segments(w.whole().ID)
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(document), DependsOn: []Dependency{{Job: parts[0].ID}}})
	w.is(err, fleet.CodeInvalid, "segment_of_job")
	var lanes []store.Lane
	w.must(w.store.View(t.Context(), store.System("test"), func(r store.Reader) (err error) { lanes, err = r.Lanes(); return err }))
	waiting := int64(0)
	for _, l := range lanes {
		waiting += l.Waiting
	}
	if waiting != 1 { // the first segment, and not the whole
		t.Errorf("%d jobs wait for robots", waiting)
	}
}

// A version that knows no segments ends them and does not tell their whole.
func TestWholeThatWasLeftBehind(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	whole := fleet.NewJob(fleet.JobSpec{ID: w.Jobs.IDs.New(), Tenant: "default", Segments: 2, RunTimeout: time.Hour, Retry: fleet.DefaultRetry()}, w.now)
	insert := func(j fleet.Job) {
		w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
			_, err := tx.Insert(j, fleet.JobData{}, "")
			return err
		}))
	}
	for n := range 2 {
		part := fleet.NewJob(fleet.JobSpec{
			ID: w.Jobs.IDs.New(), Tenant: "default", Parent: whole.ID, Segment: n + 1, RunTimeout: time.Hour, Retry: fleet.DefaultRetry(),
		}, w.now)
		insert(part)
		w.finish(part, `{"n":1}`)
	}
	insert(whole)
	w.must(w.Jobs.FollowWholes(t.Context(), store.System("test")))
	w.stand(whole.ID, "completed completed completed")
}

// Retention takes jobs by month where the store has a partition for each.
func TestAFamilyIsOfOneMonth(t *testing.T) {
	border := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	at := border.Add(-2 * time.Millisecond)
	ids := fleet.NewIDs(func() time.Time { at = at.Add(time.Millisecond); return at }, rand.Reader)
	got := family(ids, 4)
	for i, id := range got {
		if id.Time().Before(border) || i > 0 && id <= got[i-1] {
			t.Errorf("%s is of %s, after %v", id, id.Time(), got[:i])
		}
	}
}

func TestInputsThatAreNotHandedOn(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	doc := []byte(strings.Replace(string(placed("own", `{"nodes":{"n":{"robot_id":"r1"}}}`)), "{{x}}", "{{_iban}}", 1))
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: doc, Variables: json.RawMessage(`{"_iban":"DE1"}`)})
	w.is(err, fleet.CodeInvalid, "invalid_field")
	if n := w.count("jobs"); n != "0" {
		t.Errorf("%s jobs", n)
	}
	w.submit(func(r *SubmitRequest) { r.Document, r.Variables = doc, json.RawMessage(`{"_trace":"t"}`) })
}

// TestPlacedNodeFailsWhenItsRobotDoesNotCome: a node that demands a robot and
// names an end of waiting gives its segment that wait limit, counted from when
// its turn comes, and the whole ends with it.
func TestPlacedNodeFailsWhenItsRobotDoesNotCome(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit(func(r *SubmitRequest) {
		r.Document = placed("ends", `{"nodes":{"n":{"placement":{"fallback":[{"match":{"robots":["r2"]},"wait_seconds":60},{"fail":true}]}}}}`)
	})
	parts := w.segments(job.ID)
	if len(parts) != 3 || !parts[0].ExpiresAt.IsZero() || !parts[1].ExpiresAt.IsZero() {
		t.Fatalf("%+v", parts)
	}
	w.now = w.now.Add(time.Hour)
	w.finish(parts[0], `{}`)
	second := w.segments(job.ID)[1]
	if !second.ExpiresAt.Equal(w.now.Add(time.Minute)) {
		t.Errorf("ends at %s, want a minute from %s", second.ExpiresAt, w.now)
	}
	w.now = w.now.Add(time.Minute)
	w.must(w.Attempts.Fire(t.Context(), store.System("test"), store.Timer{Kind: store.TimerExpire, Tenant: fleet.DefaultTenant, JobID: second.ID}))
	w.stand(job.ID, "timeout completed timeout cancelled")
}

// TestValidateTellsWhatWouldBeRefused: who edits a document learns of a place
// that cannot be before it is stored, at its node.
func TestValidateTellsWhatWouldBeRefused(t *testing.T) {
	w := newWorld(t)
	for settings, want := range map[string]string{
		`{"nodes":{"n":{"robot_id":"r1"}}}`:                          "",
		`{"nodes":{"n":{"same_as":"b"},"b":{"same_as":"n"}}}`:        "PLACEMENT_CONFLICT : ",
		`{"nodes":{"n":{"placement":{"fallback":[{"fail":true}]}}}}`: "INVALID_FIELD n: Only the last",
		`{"placement":{"fallback":[{"match":{}}]}}`:                  "INVALID_FIELD : A selector",
	} {
		found, _, err := w.Workflows.Validate(t.Context(), w.admin, placed("v", settings))
		w.must(err)
		got := ""
		if errs := found.Errors(); len(errs) > 0 {
			got = string(errs[0].Code) + " " + errs[0].NodeID + ": " + errs[0].Message
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
	loop := []byte(`{"nodes":{"s":{"node_id":"s","node_type":"StartNode"},
		"l":{"node_id":"l","node_type":"ForLoopStartNode","config":{"items":[1]}},"x":{"node_id":"x","node_type":"LogNode"},"e":{"node_id":"e","node_type":"ForLoopEndNode"}},
		"connections":[{"source_node":"s","source_port":"exec_out","target_node":"l","target_port":"exec_in"},
		{"source_node":"l","source_port":"body","target_node":"x","target_port":"exec_in"},{"source_node":"x","source_port":"exec_out","target_node":"e","target_port":"exec_in"}],
		"settings":{"fleet":{"nodes":{"x":{"robot_id":"r1"}}}}}`)
	found, _, err := w.Workflows.Validate(t.Context(), w.admin, loop)
	w.must(err)
	if errs := found.Errors(); len(errs) != 1 || errs[0].Code != "PLACEMENT_CUT_FORBIDDEN" || errs[0].NodeID != "x" {
		t.Errorf("%+v", errs)
	}
}
