package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// TestEveryOperation calls each method once against the real API.
func TestEveryOperation(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.client(), t.Context()
	me, err := c.Me(ctx)
	w.must(err)
	if !me.Local || me.Role != fleet.RoleSuperAdmin {
		t.Errorf("%+v", me)
	}
	if h, err := c.Health(ctx); err != nil || h.Status != "healthy" || h.Details == nil {
		t.Errorf("health: %+v %v", h, err)
	}
	if m, err := c.Meta(ctx); err != nil || m.Mode != "dev" || !m.Dev || m.Local.Enabled || m.Local.Reason == "" {
		t.Errorf("%+v %v", m, err)
	}
	if types, err := c.NodeTypes(ctx); err != nil || len(types) < 300 || types[0].Title == "" {
		t.Errorf("%d node types: %v", len(types), err)
	}
	v, err := c.ValidateWorkflow(ctx, []byte(document))
	w.must(err)
	stored, err := c.PutWorkflow(ctx, "invoices", []byte(document))
	w.must(err)
	if !v.Valid || stored.Version != 1 || stored.Name != "invoices" {
		t.Errorf("%+v %+v", v, stored)
	}
	list, err := c.ListWorkflows(ctx, fleet.Page{Limit: 10})
	w.must(err)
	wf, err := c.GetWorkflow(ctx, stored.WorkflowID)
	w.must(err)
	versions, err := c.WorkflowVersions(ctx, wf.ID)
	w.must(err)
	latest, err := c.GetWorkflowVersion(ctx, wf.ID, 0)
	w.must(err)
	if len(list.Workflows) != 1 || len(versions) != 1 || latest.Hash != wf.Hash || !json.Valid(latest.Document) {
		t.Errorf("%+v %+v %+v", list, versions, latest)
	}
	robot, err := c.RegisterRobot(ctx, client.RegisterRequest{ID: "bot-1", Name: "Alpha", Slots: 3})
	w.must(err)
	if robot.SlotLimit != 3 {
		t.Errorf("%+v", robot)
	}
	high := fleet.Priority(5)
	job, err := c.SubmitJob(ctx, client.SubmitRequest{WorkflowID: wf.ID, Priority: &high, Variables: map[string]any{"n": "<1>"}})
	w.must(err)
	rows, err := c.SubmitJobs(ctx, []client.SubmitRequest{{WorkflowID: wf.ID}, {}}, false)
	w.must(err)
	if rows[0].JobID == "" || rows[0].Err != nil || !errors.Is(rows[1].Err, fleet.ErrInvalid) {
		t.Errorf("%+v", rows)
	}
	ref := w.begin(job.ID)
	w.line(ref, 1, "hello")
	page, err := c.JobLog(ctx, job.ID, client.LogQuery{Level: "info"})
	w.must(err)
	attempts, err := c.JobAttempts(ctx, job.ID)
	w.must(err)
	jobs, err := c.ListJobs(ctx, client.JobQuery{Status: []string{"claimed"}, RobotID: "bot-1"})
	w.must(err)
	if len(page.Lines) != 1 || len(attempts) != 1 || len(jobs.Jobs) != 1 {
		t.Errorf("%+v %+v %+v", page, attempts, jobs)
	}
	robots, err := c.ListRobots(ctx, client.RobotQuery{Connected: true})
	w.must(err)
	robot, err = c.GetRobot(ctx, "bot-1")
	w.must(err)
	if len(robots.Robots) != 1 || robot.Taken != 1 {
		t.Errorf("%+v %+v", robots, robot)
	}
	w.report(ref, fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: fleet.ClassBusiness, Message: "no"}})
	detail, err := c.GetJob(ctx, job.ID)
	w.must(err)
	if detail.State != fleet.Failed || detail.Error.Message != "no" || string(detail.Variables) != `{"n":"<1>"}` {
		t.Errorf("%+v", detail)
	}
	again, err := c.RetryJob(ctx, job.ID, client.RetryRequest{})
	w.must(err)
	grace := int64(1)
	cancelled, err := c.CancelJob(ctx, again.NewJobID, client.CancelRequest{GraceSeconds: &grace, Reason: "test"})
	w.must(err)
	if !cancelled.Cancelled || cancelled.Status != fleet.Cancelled || again.Original != job.ID {
		t.Errorf("%+v %+v", cancelled, again)
	}
	if _, err := c.DecideJob(ctx, job.ID, client.Decision{Decision: "retry", Reason: "x", Version: 99}); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("decide: %v", err)
	}
	never := int64(0)
	key, err := c.CreateKey(ctx, client.KeyRequest{Kind: fleet.KeyRobot, RobotID: "bot-1", LifeSeconds: &never})
	w.must(err)
	keys, err := c.ListKeys(ctx)
	w.must(err)
	if len(keys) != 1 || !key.ExpiresAt.IsZero() {
		t.Errorf("%+v %+v", keys, key)
	}
	w.begin(rows[0].JobID)
	asRobot := w.client(func(o *client.Options) { o.Key = key.Secret })
	text, err := asRobot.RobotWorkflow(ctx, wf.Hash)
	w.must(err)
	sum, err := asRobot.PutResult(ctx, []byte(`{"big":true}`))
	w.must(err)
	if got, ok := w.core.Attempts.TakeResult(w.robot, sum); !json.Valid(text) || !ok || string(got) != `{"big":true}` {
		t.Errorf("%s %s", text, got)
	}
	w.watches(c, asRobot, wf.ID)
	w.must(c.RevokeKey(ctx, key.ID))
	if _, err := asRobot.RobotWorkflow(ctx, wf.Hash); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
	head, err := c.Head(ctx)
	w.must(err)
	events, err := c.ListEvents(ctx, 0, 500, 0, client.EventFilter{Subject: fleet.SubjectJob, SubjectID: string(job.ID)})
	w.must(err)
	if head < 10 || len(events.Events) != 4 || events.Next != head {
		t.Errorf("head %d, %+v", head, events)
	}
}

// watches makes a trigger of files and lets its robot tell of one.
func (w *world) watches(c, asRobot *client.Client, workflow fleet.ID) {
	w.Helper()
	ctx, name := w.Context(), "files"
	tr, err := c.CreateTrigger(ctx, client.TriggerChange{Name: &name, WorkflowID: &workflow, File: &fleet.FileRule{RobotID: "bot-1", Path: "/in/*.pdf"}})
	w.must(err)
	list, err := asRobot.RobotWatches(ctx)
	w.must(err)
	if len(list) != 1 || list[0].Trigger != tr.ID || list[0].SettleSeconds != 2 {
		w.Errorf("watches %+v", list)
	}
	f := fleet.WatchedFile{Path: "/in/a.pdf", Size: 3, Modified: time.Unix(1, 5).UTC()}
	first, err := asRobot.TellWatched(ctx, tr.ID, f)
	w.must(err)
	again, err := asRobot.TellWatched(ctx, tr.ID, f)
	w.must(err)
	if first.Outcome != fleet.FiringAccepted || again.Outcome != fleet.FiringDuplicate || again.JobID != first.JobID {
		w.Errorf("%+v %+v", first, again)
	}
	w.must(asRobot.TellWatchFault(ctx, tr.ID, "away"))
	if tr, err = c.GetTrigger(ctx, name); err != nil || tr.Fault != "away" || tr.Fired != 1 {
		w.Errorf("%+v %v", tr, err)
	}
	if _, err := c.TellWatched(ctx, tr.ID, f); !errors.Is(err, fleet.ErrForbidden) {
		w.Errorf("somebody who is no robot: %v", err)
	}
	w.must(c.DeleteTrigger(ctx, name))
}

// TestErrors shows that an error survives the wire.
func TestErrors(t *testing.T) {
	w := newWorld(t)
	bad := fleet.Priority(21)
	_, err := w.client().SubmitJob(t.Context(), client.SubmitRequest{Workflow: json.RawMessage(document), Priority: &bad})
	e := fleet.AsError(err)
	if !errors.Is(err, fleet.ErrInvalid) || e.Reason != "invalid_field" || e.Message != "priority must be between 0 and 20; got 21." ||
		len(e.Fields) != 1 || e.Fields[0].Field != "priority" || e.Status != 422 || client.RequestID(err) == "" {
		t.Errorf("%#v", e)
	}
	if _, err := w.client().SubmitJob(t.Context(), client.SubmitRequest{Workflow: json.RawMessage("{")}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("half a document: %v", err)
	}
	_, err = w.client().GetJob(t.Context(), "../keys")
	if !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("an id that is a path: %v", err)
	}
}

// TestRepeats loses answers, and looks at what is sent again.
func TestRepeats(t *testing.T) {
	w := newWorld(t)
	var lose, seen atomic.Int64
	w.through = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			seen.Add(1)
			if lose.Add(-1) >= 0 { // do the work, then break the connection
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(out, r)
		})
	}
	w.restart()
	c, ctx := w.client(), t.Context()
	submit := client.SubmitRequest{Workflow: json.RawMessage(document)}

	lose.Store(2)
	job, err := c.SubmitJob(ctx, submit)
	w.must(err)
	jobs, err := c.ListJobs(ctx, client.JobQuery{})
	w.must(err)
	if !job.Replayed || len(jobs.Jobs) != 1 || jobs.Jobs[0].ID != job.ID {
		t.Errorf("after two lost answers: %+v, %d jobs", job, len(jobs.Jobs))
	}

	lose.Store(100) // net/http repeats such a request by itself, too
	if _, err := c.SubmitJob(ctx, submit); !errors.Is(err, fleet.ErrUnavailable) || fleet.AsError(err).Reason != "connection_lost" {
		t.Errorf("after three lost answers and more: %v", err)
	}

	seen.Store(0)
	lose.Store(1)
	if _, err := c.CreateKey(ctx, client.KeyRequest{Kind: fleet.KeyRobot, RobotID: "a"}); !errors.Is(err, fleet.ErrUnavailable) || seen.Load() != 1 {
		t.Errorf("a key was asked for %d times: %v", seen.Load(), err)
	}
}

// TestServerAsksForPause follows Retry-After, on answers of a server that is
// busy and of one that is behind a broken gateway.
func TestServerAsksForPause(t *testing.T) {
	var calls atomic.Int64
	answers := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(429) },
		func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = io.WriteString(w, "<html>bad gateway</html>") },
		func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"status":"ok"}`) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answers[calls.Add(1)-1](w) }))
	defer server.Close()
	var log strings.Builder
	c, err := client.New(client.Options{URLs: []string{server.URL}, Pause: time.Millisecond, Log: func(f string, a ...any) { fmt.Fprintf(&log, f, a...) }})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	h, err := c.Health(t.Context())
	if err != nil || h.Status != "ok" || calls.Load() != 3 || time.Since(began) < time.Second {
		t.Errorf("%+v %v after %d calls and %s", h, err, calls.Load(), time.Since(began))
	}
	calls.Store(0)
	answers[2] = answers[1]
	if _, err := c.Health(t.Context()); !errors.Is(err, fleet.ErrUnavailable) || calls.Load() != 3 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	// What may not be done twice is not sent again behind a gateway.
	calls.Store(1)
	if _, err := c.CreateKey(t.Context(), client.KeyRequest{}); !errors.Is(err, fleet.ErrUnavailable) || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load()-1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	calls.Store(0)
	if _, err := c.Health(ctx); err == nil {
		t.Error("no error")
	}
}

// TestAddresses tries addresses in order, and keeps the one that answers.
func TestAddresses(t *testing.T) {
	w := newWorld(t)
	c := w.client(func(o *client.Options) { o.URLs = append([]string{"http://127.0.0.1:1"}, o.URLs...) })
	if _, err := c.Me(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.Addresses()
	if got[0].Current || got[0].Result == "" || !got[1].Current || got[1].Result != "ok" || c.URL() != got[1].URL {
		t.Errorf("%+v", got)
	}
	// Also what may not be repeated goes on to the next address.
	c = w.client(func(o *client.Options) { o.URLs = append([]string{"http://127.0.0.1:1"}, o.URLs...) })
	if _, err := c.CreateKey(t.Context(), client.KeyRequest{Kind: fleet.KeyRobot, RobotID: "a"}); err != nil {
		t.Error(err)
	}
	dead, err := client.New(client.Options{URLs: []string{"http://127.0.0.1:1/api/v1/"}, Pause: time.Millisecond})
	w.must(err)
	if _, err := dead.Me(t.Context()); !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "http://127.0.0.1:1:") {
		t.Errorf("%v", err)
	}
	for _, urls := range [][]string{nil, {"localhost:8000"}, {"ftp://a"}, {"http://user:pw@a"}, {"http://a?x=1"}} {
		if _, err := client.New(client.Options{URLs: urls}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", urls, err)
		}
	}
}
