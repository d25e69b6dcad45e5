package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// The things that operations name, made anew for each.

func (e *estate) document() []byte {
	return []byte(`{"metadata":{"name":"` + e.name("workflow") + `"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`)
}

func (e *estate) submit() fleet.ID {
	r, err := e.m.core.Jobs.Submit(e.m.Context(), e.p, orchestrator.SubmitRequest{
		Document: e.document(), JobName: e.name("job"), Retry: &fleet.RetryChange{Max: new(int)}, // a failure is a dead letter
	})
	e.m.must(err)
	return fleet.ID(e.mark(string(r.Job.ID)))
}

// running is a job that the estate's robot holds.
func (e *estate) running() fleet.ID {
	id := e.submit()
	if e.epoch == 0 {
		got, err := e.m.core.Robots.Connect(e.m.Context(), e.robot, orchestrator.Hello{
			Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Slots: 100,
		}, "token")
		e.m.must(err)
		e.epoch = got.Session.Epoch
	}
	won, _, err := e.m.store.Assign(e.m.Context(), e.p.Scope(), []store.Assignment{{
		Tenant: e.p.Tenant, JobID: id, RobotID: e.robot.RobotID, SessionEpoch: e.epoch, AcceptWithin: time.Minute,
	}}, time.Now())
	e.m.must(err)
	if len(won) != 1 {
		e.m.Fatal("not assigned")
	}
	e.m.must(e.m.core.Attempts.Accept(e.m.Context(), e.robot, store.Ref{JobID: id, Epoch: won[0].Attempt.Epoch}))
	return id
}

// artifact is a job that left a file.
func (e *estate) artifact(name string) fleet.ID {
	id := e.running()
	_, err := e.m.core.Attempts.PutArtifact(e.m.Context(), e.robot, orchestrator.ArtifactGift{Job: id, Name: name, Body: []byte("x")})
	e.m.must(err)
	return id
}

func (e *estate) failed() fleet.ID {
	id := e.running()
	got, err := e.m.core.Attempts.Report(e.m.Context(), e.robot, []fleet.Report{{
		Kind: fleet.ReportFailed, JobID: id, Epoch: 1, Error: &fleet.JobError{Class: fleet.ClassApplication, Message: e.name("error")},
	}})
	e.m.must(err)
	if got[0].Verdict != fleet.VerdictApplied {
		e.m.Fatalf("%+v", got[0])
	}
	return id
}

func (e *estate) newRobot() fleet.RobotID {
	r, err := e.m.core.Robots.Register(e.m.Context(), e.p, fleet.Robot{ID: fleet.RobotID(e.name("robot"))})
	e.m.must(err)
	return r.ID
}

// workflow has a usual robot, and a node with a place of its own.
func (e *estate) workflow(t *testing.T, op matrixOp) (id, robot string) {
	w, _, err := e.m.core.Workflows.Put(t.Context(), e.p, "", e.document())
	e.m.must(err)
	r := e.newRobot()
	switch op.id {
	case "assignments.delete":
		_, err = e.m.core.Jobs.Assign(t.Context(), e.p, fleet.UsualRobot{WorkflowID: w.WorkflowID, RobotID: r})
	case "node_overrides.get", "node_overrides.delete":
		_, err = e.m.core.Jobs.PutNodeOverride(t.Context(), e.p, fleet.NodeOverride{WorkflowID: w.WorkflowID, NodeID: "s", RobotID: r, Active: true})
	}
	e.m.must(err)
	return e.mark(string(w.WorkflowID)), string(r)
}

func (e *estate) reservation() string {
	r, _, err := e.m.core.Reservations.Put(e.m.Context(), e.p, fleet.Reservation{
		Name: e.name("reservation"), Selector: fleet.Selector{All: true}, For: fleet.ReservationFor{Labels: map[string]string{"a": "b"}},
	})
	e.m.must(err)
	return e.mark(string(r.ID))
}

func (e *estate) bulk() string {
	b, err := e.m.core.Robots.StartBulk(e.m.Context(), e.p, orchestrator.BulkRequest{
		Bulk: fleet.Bulk{Kind: fleet.CommandPause, Change: fleet.ModeChange{Mode: fleet.ModePaused}, Size: 1, StopPercent: 20}, Robots: []fleet.RobotID{e.newRobot()},
	})
	e.m.must(err)
	return e.mark(string(b.ID))
}

// jobBulk is an operation of jobs.
func (e *estate) jobBulk() string {
	b, err := e.m.core.Jobs.StartBulk(e.m.Context(), e.p, orchestrator.JobBulk{Kind: fleet.BulkPriorityJobs, Jobs: []fleet.ID{e.submit()}})
	e.m.must(err)
	return e.mark(string(b.ID))
}

// counted is a workflow of which a run is counted.
func (e *estate) counted() string {
	id := e.name("flow")
	scope := store.System("test").In(e.p.Tenant)
	e.m.must(e.m.store.Update(e.m.Context(), scope, func(tx store.Tx) error {
		head, err := tx.RollupHead()
		if err != nil {
			return err
		}
		rows := fleet.Rollup{}
		now := time.Now()
		rows.Ended(&fleet.JobFacts{Job: fleet.Job{
			ID: "j", Tenant: e.p.Tenant, Workflow: fleet.JobWorkflow{ID: fleet.ID(id), Name: id}, State: fleet.Completed, CreatedAt: now, StartedAt: now, EndedAt: now,
		}})
		_, err = tx.AddRollups(head, head.Seq+1, now, rows)
		return err
	}))
	return id
}

const matrixPassword = "correct horse battery"

// signIn signs the estate's person in, who is made when first asked for.
func (e *estate) signIn(kind fleet.SignInKind) auth.Session {
	if e.person == "" {
		e.person = e.name("person")
		_, err := e.m.people.Create(e.m.Context(), e.p, fleet.User{Name: e.person, Role: fleet.RoleViewer}, auth.NewSecret(matrixPassword))
		e.m.must(err)
	}
	s, err := e.m.people.Login(e.m.Context(), auth.LoginRequest{Tenant: e.p.Tenant, Name: e.person, Password: auth.NewSecret(matrixPassword), Kind: kind})
	e.m.must(err)
	return s
}

// newHere is a desk in a folder of the test, with one file.
func newHere(t testing.TB) *local.Desk {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	cat, err := catalog.Load()
	must(err)
	lib, err := nodes.Standard()
	must(err)
	r, err := runner.New(runner.Config{Catalog: cat, Library: lib, WorkDir: t.TempDir()})
	must(err)
	dir := t.TempDir()
	must(os.WriteFile(filepath.Join(dir, "there.json"), []byte(doc), 0o600))
	files, err := local.OpenFiles(dir, 0)
	must(err)
	desk := local.NewDesk(local.DeskOptions{
		Runner: r, Catalog: cat, IDs: fleet.NewIDs(time.Now, rand.Reader), Files: files, Slots: 4, Waiting: 10_000, Kept: 10_000,
	})
	t.Cleanup(func() { desk.Close(); _ = files.Close() })
	return desk
}

// localRun is one that has not ended.
func (e *estate) localRun() string {
	run, err := e.m.api.o.Here.Start(e.p.Tenant, fleet.LocalStart{Name: e.name("run"), Document: []byte(
		`{"nodes":{"w":{"node_id":"w","node_type":"WaitNode","config":{"duration":60}}}}`)})
	e.m.must(err)
	return e.mark(string(run.ID))
}

func (e *estate) secret() string {
	s, err := e.m.core.Secrets.Put(e.m.Context(), e.p, orchestrator.SecretChange{Name: e.name("secret"), Fields: map[string]string{"value": e.name("value")}})
	e.m.must(err)
	return s.Name
}

func (e *estate) asset() string {
	a, err := e.m.core.Assets.Put(e.m.Context(), e.p, fleet.Asset{Name: e.name("asset"), Type: fleet.AssetText, Value: []byte(`"` + e.name("value") + `"`)})
	e.m.must(err)
	return a.Name
}

func (e *estate) schedule() string {
	w, _, err := e.m.core.Workflows.Put(e.m.Context(), e.p, "", e.document())
	e.m.must(err)
	name, cron := e.name("schedule"), "0 0 1 1 *"
	s, err := e.m.core.Schedules.Create(e.m.Context(), e.p, orchestrator.ScheduleChange{Name: &name, WorkflowID: &w.WorkflowID, Cron: &cron})
	e.m.must(err)
	return e.mark(string(s.ID))
}

func (e *estate) trigger(c orchestrator.TriggerChange) string {
	w, _, err := e.m.core.Workflows.Put(e.m.Context(), e.p, "", e.document())
	e.m.must(err)
	name := e.name("trigger")
	c.Name, c.WorkflowID = &name, &w.WorkflowID
	t, err := e.m.core.Triggers.Create(e.m.Context(), e.p, c)
	e.m.must(err)
	return e.mark(string(t.ID))
}

// view is one's own, if the caller is of this tenant; else a shared one.
func (e *estate) view(t *testing.T, c matrixCaller) string {
	name, page, shared := e.name("view"), "jobs", true
	if e != e.m.ours || c.letter == "" || c.letter == "n" {
		v, err := e.m.core.Views.Create(t.Context(), e.p, orchestrator.ViewChange{Name: &name, Page: &page, Shared: &shared})
		e.m.must(err)
		return e.mark(string(v.ID))
	}
	matrixBodies["views.create"] = fmt.Sprintf(`{"page":"jobs","name":%q}`, name)
	made := e.m.ask(c, matrixOp{id: "views.create", method: "POST", path: Base + "/views"}, Base+"/views")
	delete(matrixBodies, "views.create")
	var v fleet.View
	e.m.must(json.Unmarshal([]byte(made.body), &v))
	return e.mark(string(v.ID))
}

// webhook is one with a delivery.
func (e *estate) webhook() (id, delivery string) {
	name, url, types := e.name("webhook"), "https://localhost/events", []fleet.EventKind{fleet.EventQueueCreated}
	w, _, err := e.m.core.Webhooks.Create(e.m.Context(), e.p, orchestrator.WebhookChange{Name: &name, URL: &url, Types: &types})
	e.m.must(err)
	e.queue()
	e.m.must(e.m.core.Webhooks.Follow(e.m.Context(), store.System("test")))
	list, _, err := e.m.core.Webhooks.Deliveries(e.m.Context(), e.p, string(w.ID), "", fleet.Page{})
	e.m.must(err)
	return e.mark(string(w.ID)), string(list[0].ID)
}

func (e *estate) backfill(schedule string) string {
	b, err := e.m.core.Schedules.Backfill(e.m.Context(), e.p, schedule, orchestrator.BackfillRequest{From: time.Now().AddDate(-2, 0, 0), Until: time.Now().Add(-time.Minute)})
	e.m.must(err)
	return e.mark(string(b.ID))
}

func (e *estate) calendar() string {
	name := e.name("calendar")
	c, err := e.m.core.Calendars.Create(e.m.Context(), e.p, orchestrator.CalendarChange{Name: &name})
	e.m.must(err)
	return e.mark(string(c.ID))
}

func (e *estate) alertRule() string {
	name, kind := e.name("rule"), fleet.AlertQueueSLA
	r, err := e.m.core.Alerts.CreateRule(e.m.Context(), e.p, orchestrator.AlertRuleChange{Name: &name, Kind: &kind})
	e.m.must(err)
	return e.mark(string(r.ID))
}

func (e *estate) channel() string {
	name := e.name("channel")
	c, _, err := e.m.core.Alerts.CreateChannel(e.m.Context(), e.p, orchestrator.ChannelChange{Name: &name, Webhook: &fleet.WebhookWay{URL: "https://example.org/" + name}})
	e.m.must(err)
	return e.mark(string(c.ID))
}

func (e *estate) silence() string {
	name, until := e.name("silence"), time.Now().Add(time.Hour)
	s, err := e.m.core.Alerts.CreateSilence(e.m.Context(), e.p, orchestrator.SilenceChange{Name: &name, Until: &until})
	e.m.must(err)
	return e.mark(string(s.ID))
}

// incident is one that is open.
func (e *estate) incident() string {
	id := e.m.core.Alerts.IDs.New()
	rule := fleet.BuiltinAlertRules(e.p.Tenant)[5]
	i := rule.Begin(id, &fleet.Sighting{Cause: e.name("cause"), Title: e.name("title"), At: time.Now(), Count: 1})
	e.m.must(e.m.store.Update(e.m.Context(), e.p.Scope(), func(tx store.Tx) error { return tx.AddIncident(i) }))
	return e.mark(string(id))
}

func (e *estate) queue() string {
	name := e.name("queue")
	q, err := e.m.core.Queues.Create(e.m.Context(), e.p, orchestrator.QueueChange{Name: &name})
	e.m.must(err)
	return e.mark(string(q.ID))
}

// item is one that its holder may settle, where the operation is about that; else
// one that failed, or a new one.
func (e *estate) item(op string) string {
	queue := e.queue()
	i, _, err := e.m.core.Queues.Add(e.m.Context(), e.p, queue, store.Ref{}, fleet.ItemSpec{Reference: e.name("reference")}, nil)
	e.m.must(err)
	switch op {
	case "items.complete", "items.fail", "items.release", "items.renew", "items.retry", "items.review":
		_, err := e.m.core.Queues.Claim(e.m.Context(), e.p, orchestrator.ClaimRequest{Queue: queue, Count: 1})
		e.m.must(err)
	}
	if op == "items.retry" || op == "items.review" {
		_, err := e.m.core.Queues.Fail(e.m.Context(), e.p, orchestrator.ItemWord{Item: i.ID, Fault: fleet.ItemFault{Type: fleet.BusinessItemType}})
		e.m.must(err)
	}
	return e.mark(string(i.ID))
}
