package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

func TestSubmitRefuses(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	known := w.submit()
	p := func(n fleet.Priority) *fleet.Priority { return &n }
	before := [...]string{w.count("jobs"), w.count("workflow_versions"), w.count("events")}
	for name, c := range map[string]struct {
		change         func(*SubmitRequest)
		field, message string
	}{
		"priority 21":           {func(r *SubmitRequest) { r.Priority = p(21) }, "priority", "between 0 and 20; got 21"},
		"priority -1":           {func(r *SubmitRequest) { r.Priority = p(-1) }, "priority", "got -1"},
		"no workflow":           {func(r *SubmitRequest) { r.Document = nil }, "workflow_json", "needs a workflow"},
		"two workflows":         {func(r *SubmitRequest) { r.WorkflowID = known.Workflow.ID }, "workflow_id", "not both"},
		"variables as list":     {func(r *SubmitRequest) { r.Variables = json.RawMessage(`[1]`) }, "variables", "must be a JSON object"},
		"variables as null":     {func(r *SubmitRequest) { r.Variables = json.RawMessage(`null`) }, "variables", "must be a JSON object"},
		"broken variables":      {func(r *SubmitRequest) { r.Variables = json.RawMessage(`{"a":`) }, "variables", "must be a JSON object"},
		"too many variables":    {func(r *SubmitRequest) { r.Variables = object(1 << 20) }, "variables", "at most 983040 bytes"},
		"deep variables":        {func(r *SubmitRequest) { r.Variables = deep(100) }, "variables", "nested"},
		"a year and a day":      {func(r *SubmitRequest) { r.Delay = 367 * 24 * time.Hour }, "not_before", "at most one year"},
		"into the past":         {func(r *SubmitRequest) { r.Delay = -time.Second }, "not_before", "delayed"},
		"delay and not_before":  {func(r *SubmitRequest) { r.Delay, r.NotBefore = time.Second, w.now.Add(time.Hour) }, "delay_seconds", "not both"},
		"wait limit too short":  {func(r *SubmitRequest) { r.WaitLimit = time.Millisecond }, "queue_timeout_seconds", "between 1 second and 30 days"},
		"run limit too long":    {func(r *SubmitRequest) { r.RunTimeout = 31 * 24 * time.Hour }, "run_timeout_seconds", "between 1 second and 30 days"},
		"run limit negative":    {func(r *SubmitRequest) { r.RunTimeout = -time.Second }, "run_timeout_seconds", "between 1 second"},
		"environment":           {func(r *SubmitRequest) { r.Environment = " prod" }, "environment", "without blanks"},
		"capability":            {func(r *SubmitRequest) { r.Requires = []string{"so nicht"} }, "capabilities", "lower-case"},
		"retry budget":          {func(r *SubmitRequest) { n := 101; r.Retry = &fleet.RetryChange{Max: &n} }, "retry.max", "between 0 and 100"},
		"retry safety":          {func(r *SubmitRequest) { r.RetrySafety = "perhaps" }, "retry_safety", "always, until_effect or never"},
		"job name":              {func(r *SubmitRequest) { r.JobName = "a\x00b" }, "name", ""},
		"idempotency key":       {func(r *SubmitRequest) { r.IdempotencyKey = strings.Repeat("k", 256) }, "Idempotency-Key", "1 to 255"},
		"key with a bell":       {func(r *SubmitRequest) { r.IdempotencyKey = "a\ab" }, "Idempotency-Key", "printable"},
		"form of the target":    {func(r *SubmitRequest) { r.Target = "no such form" }, "target_robot_id", "letters, digits"},
		"unknown target":        {func(r *SubmitRequest) { r.Target = "r9" }, "target_robot_id", "no robot r9"},
		"target cannot":         {func(r *SubmitRequest) { r.Target, r.Requires = "r1", []string{"gpu"} }, "target_robot_id", "lacks the capability gpu"},
		"new workflow, no room": {func(r *SubmitRequest) { r.Document, r.Requires = named("fresh"), []string{"?"} }, "capabilities", ""},
		"new workflow, target":  {func(r *SubmitRequest) { r.Document, r.Target = named("fresh"), "r9" }, "target_robot_id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := SubmitRequest{Document: []byte(document)}
			c.change(&r)
			_, err := w.Jobs.Submit(t.Context(), w.admin, r)
			e := fleet.AsError(err)
			if e.Code != fleet.CodeInvalid || len(e.Fields) == 0 || e.Fields[0].Field != c.field || !strings.Contains(e.Message, c.message) {
				t.Errorf("got %v, code %s, fields %+v; want %s: …%s…", err, e.Code, e.Fields, c.field, c.message)
			}
		})
	}
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{WorkflowID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab"})
	w.is(err, fleet.CodeNotFound, "workflow_not_found")
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{WorkflowID: known.Workflow.ID, Version: 7})
	w.is(err, fleet.CodeNotFound, "workflow_version_not_found")
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(`{"nodes":`)})
	if e := fleet.AsError(err); e.Status != 400 {
		t.Errorf("%+v", e)
	}
	_, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(`{"metadata":{"name":"x"},"nodes":{"a":{"node_id":"a","node_type":"NoSuchNode","config":{}}},"connections":[]}`)})
	w.is(err, fleet.CodeInvalid, "workflow_invalid")
	if after := [...]string{w.count("jobs"), w.count("workflow_versions"), w.count("events")}; after != before {
		t.Errorf("refused requests changed jobs, versions, events from %v to %v", before, after)
	}
}

func object(size int) json.RawMessage {
	return json.RawMessage(`{"a":"` + strings.Repeat("x", size) + `"}`)
}

func deep(n int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
}

func TestSubmitTakes(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.submit(func(r *SubmitRequest) {
		r.Variables, r.Target, r.Requires = deep(50), "r1", []string{"Browser", "browser"}
		r.Delay, r.WaitLimit, r.JobName = time.Minute, time.Hour, "monthly"
	})
	if job.State != fleet.Pending || job.WaitingOn != fleet.WaitingTime || !job.NotBefore.Equal(w.now.Add(time.Minute)) ||
		!job.ExpiresAt.Equal(w.now.Add(time.Minute+time.Hour)) || job.Priority != 10 || job.Environment != "default" ||
		job.RunTimeout.Std() != 24*time.Hour || job.Workflow.Version != 1 || job.SubmittedBy != "local developer" || job.Requires.Key() != "browser" {
		t.Errorf("%+v", job)
	}
	second := w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, job.Workflow.ID })
	if second.Workflow != job.Workflow || second.Seq != job.Seq+1 {
		t.Errorf("%+v", second)
	}
	if late := w.submit(func(r *SubmitRequest) { r.NotBefore = w.now.Add(-time.Hour) }); late.WaitingOn != fleet.WaitingRobot {
		t.Errorf("a time that is over makes it wait for %s", late.WaitingOn)
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	w := newWorld(t)
	out, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(document), DryRun: true})
	if err != nil || out.Job.State != fleet.Pending || out.Job.Workflow.Name != "nothing" {
		t.Errorf("%+v, %v", out, err)
	}
	for _, table := range []string{"jobs", "workflows", "workflow_versions", "events"} {
		if n := w.count(table); n != "0" {
			t.Errorf("after a dry run there are %s %s", n, table)
		}
	}
	job := w.submit()
	out, err = w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(document), DryRun: true})
	if err != nil || out.Job.Workflow != job.Workflow {
		t.Errorf("a dry run of a known workflow says %+v, %v; want %+v", out.Job.Workflow, err, job.Workflow)
	}
}

func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	r := SubmitRequest{Document: []byte(document), IdempotencyKey: "k", RequestHash: "h1"}
	first, err := w.Jobs.Submit(t.Context(), w.admin, r)
	w.must(err)
	again, err := w.Jobs.Submit(t.Context(), w.admin, r)
	if err != nil || first.Replayed || !again.Replayed || again.Job.ID != first.Job.ID {
		t.Errorf("%+v, %v", again, err)
	}
	r.RequestHash = "h2"
	_, err = w.Jobs.Submit(t.Context(), w.admin, r)
	w.is(err, fleet.CodeInvalid, "idempotency_key_reused")
	w.now = w.now.Add(24*time.Hour + time.Second)
	if later, err := w.Jobs.Submit(t.Context(), w.admin, r); err != nil || later.Replayed {
		t.Errorf("after its time the key still counts: %v", err)
	}
}

func TestTwentyCallersOneJob(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	ids := make([]fleet.ID, 20)
	fresh := make([]bool, 20)
	for i := range ids {
		wg.Go(func() {
			out, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(document), IdempotencyKey: "k", RequestHash: "h"})
			if err != nil {
				t.Error(err)
			}
			ids[i], fresh[i] = out.Job.ID, !out.Replayed
		})
	}
	wg.Wait()
	made := 0
	for i := range ids {
		if ids[i] != ids[0] {
			t.Errorf("two jobs: %s and %s", ids[0], ids[i])
		}
		if fresh[i] {
			made++
		}
	}
	if made != 1 || w.count("jobs") != "1" || w.count("workflow_versions") != "1" {
		t.Errorf("%d callers made %s jobs and %s versions", made, w.count("jobs"), w.count("workflow_versions"))
	}
}

func TestBulk(t *testing.T) {
	w := newWorld(t)
	bad := fleet.Priority(21)
	rs := []SubmitRequest{{Document: named("a")}, {Document: named("b"), Priority: &bad}, {Document: named("c")}}
	results, faults, err := w.Jobs.SubmitMany(t.Context(), w.admin, rs, false)
	w.must(err)
	if faults[0] != nil || !errors.Is(faults[1], fleet.ErrInvalid) || faults[2] != nil || results[0].Job.ID == "" || results[2].Job.Workflow.Name != "c" {
		t.Errorf("%+v, %v", results, faults)
	}
	if w.count("jobs") != "2" {
		t.Errorf("%s jobs", w.count("jobs"))
	}
	_, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, rs, true)
	if e := fleet.AsError(err); e.Code != fleet.CodeInvalid || !strings.HasPrefix(e.Message, "Entry 1: priority") {
		t.Errorf("%v", err)
	}
	rs[1].Priority = nil
	results, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, rs, true)
	if err != nil || w.count("jobs") != "5" || results[1].Job.Workflow.Name != "b" {
		t.Errorf("%v, %s jobs", err, w.count("jobs"))
	}
	rs[0].IdempotencyKey = "k"
	first, _, err := w.Jobs.SubmitMany(t.Context(), w.admin, rs[:1], true)
	if err != nil || first[0].Replayed || first[0].Job.Seq == 0 {
		t.Errorf("an atomic bulk with a key: %+v, %v", first, err)
	}
	again, _, err := w.Jobs.SubmitMany(t.Context(), w.admin, rs[:1], true)
	if err != nil || !again[0].Replayed || again[0].Job.ID != first[0].Job.ID {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	for _, n := range []int{0, 1001} {
		if _, _, err := w.Jobs.SubmitMany(t.Context(), w.admin, make([]SubmitRequest, n), false); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%d entries: %v", n, err)
		}
	}
}

// P12: above the bound of waiting jobs the answer is 429, not a full disk.
func TestPendingLimit(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Pending = 3 })
	for range 3 {
		w.submit()
	}
	_, err := w.Jobs.Submit(t.Context(), w.admin, SubmitRequest{Document: []byte(document)})
	w.is(err, fleet.CodeExhausted, "too_many_pending")
	if fleet.AsError(err).RetryAfter <= 0 {
		t.Error("it does not say when to try again")
	}
	_, _, err = w.Jobs.SubmitMany(t.Context(), w.admin, []SubmitRequest{{Document: []byte(document)}}, true)
	w.is(err, fleet.CodeExhausted, "too_many_pending")
}

func TestWorkflowVersions(t *testing.T) {
	w := newWorld(t)
	put := func(doc string) fleet.WorkflowVersion {
		t.Helper()
		v, _, err := w.Workflows.Put(t.Context(), w.admin, "flow", []byte(doc))
		w.must(err)
		return v
	}
	other := strings.Replace(document, `"config":{}`, `"config":{"x":1}`, 1)
	a := put(document)
	if again := put(" " + document); again.Version != a.Version || again.Hash != a.Hash {
		t.Errorf("the same content became version %d", again.Version)
	}
	if b := put(other); b.Version != 2 || b.WorkflowID != a.WorkflowID || b.Hash == a.Hash {
		t.Errorf("other content: %+v", b)
	}
	// Going back to the first content is a change: it is the newest from now on.
	back := put(document)
	wf, err := w.Workflows.Get(t.Context(), w.admin, a.WorkflowID)
	w.must(err)
	if back.Version != 3 || wf.Newest != 3 || wf.Hash != a.Hash {
		t.Errorf("going back gave version %d; the newest is %d with %s", back.Version, wf.Newest, wf.Hash)
	}
	list, err := w.Workflows.Versions(t.Context(), w.admin, a.WorkflowID)
	if err != nil || len(list) != 3 || list[0].Version != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	doc, v, err := w.Workflows.Document(t.Context(), w.admin, a.WorkflowID, 2)
	if err != nil || v.Version != 2 || !strings.Contains(string(doc), `"x"`) {
		t.Errorf("%s, %v", doc, err)
	}
	// A job keeps the version that it was submitted with.
	job := w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID, r.Version = nil, a.WorkflowID, 2 })
	put(other)
	if got := w.get(job.ID).Job.Workflow; got.Version != 2 || got.Hash != list[1].Hash {
		t.Errorf("%+v", got)
	}
}

func TestExplain(t *testing.T) {
	w := newWorld(t)
	says := func(job fleet.Job, code fleet.WaitingCode, text string) {
		t.Helper()
		if v := w.get(job.ID); v.Job.WaitingCode != code || !strings.Contains(v.Waiting, text) {
			t.Errorf("%s: %q, want %s: …%s…", v.Job.WaitingCode, v.Waiting, code, text)
		}
		e, err := w.Jobs.Explain(t.Context(), auth.Local(), job.ID)
		w.must(err)
		if free := e.Summary == handedOver; free != (len(e.Blockers) == 0) || e.Job.WaitingCode != code {
			t.Errorf("%s (%s) is blocked by %+v", e.Job.WaitingCode, e.Summary, e.Blockers)
		}
	}
	plain := w.submit()
	says(plain, fleet.CodeNoRobot, "no robot is registered")
	w.connect("browser")
	says(plain, fleet.CodeBehindOthers, "handed over")
	gpu := w.submit(func(r *SubmitRequest) { r.Requires = []string{"gpu"} })
	says(gpu, fleet.CodeNoMatch, "gpu")
	says(w.submit(func(r *SubmitRequest) { r.Delay = time.Hour }), fleet.CodeNotBefore, "2026-11-23T11:00:00Z")
	ref := w.start(plain)
	w.must(w.Attempts.Release(t.Context(), w.robot, ref))
	says(plain, fleet.CodeRejectedByAll, "refused")
	w.now = w.now.Add(40 * time.Second)
	says(w.submit(), fleet.CodeNoneAvailable, "suspect")
	w.connect("browser")
	for range 10 {
		w.start(w.submit())
	}
	says(w.submit(), fleet.CodeNoSlot, "free slot")
	failing := w.submit()
	w.connect("browser")
	_ = failing
	if v := w.get(plain.ID); v.Waiting == "" {
		t.Error("a pending job without a reason")
	}
}

func TestTargetNames(t *testing.T) {
	w := newWorld(t)
	w.connect()
	job := w.submit(func(r *SubmitRequest) { r.Target = "r1" })
	if v := w.get(job.ID); !strings.Contains(v.Waiting, "handed over") {
		t.Error(v.Waiting)
	}
	if got := fmt.Sprint(job.Target); got != "r1" {
		t.Error(got)
	}
}
