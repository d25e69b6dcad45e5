package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// caller is a principal with a role, made the way a real one is: from a key.
func (w *world) caller(k *auth.Keys, tenant string, role fleet.Role) auth.Principal {
	w.Helper()
	if role == fleet.RoleRobot {
		return auth.Robot(fleet.TenantID(tenant), "r1", "default")
	}
	_, secret, err := k.NewServiceKey(w.Context(), auth.Local(), string(role), role, 0)
	w.must(err)
	p, err := auth.NewResolver(k).Resolve(w.Context(), auth.Presented{Bearer: secret.Reveal()})
	w.must(err)
	p.Tenant = fleet.TenantID(tenant)
	return p
}

// call is one use case; needs is the permission that it asks for first.
type call struct {
	name  string
	needs fleet.Permission
	do    func(w *world, p auth.Principal, job fleet.Job) error
}

func calls() []call {
	ref := func(j fleet.Job) store.Ref { return store.Ref{JobID: j.ID, Epoch: 1} }
	return []call{
		{"Jobs.Submit", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Submit(w.Context(), p, SubmitRequest{WorkflowID: j.Workflow.ID})
			return err
		}},
		{"Jobs.SubmitMany", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, _, err := w.Jobs.SubmitMany(w.Context(), p, []SubmitRequest{{WorkflowID: j.Workflow.ID}}, true)
			return err
		}},
		{"Jobs.Get", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Get(w.Context(), p, j.ID)
			return err
		}},
		{"Jobs.List", fleet.JobsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Jobs.List(w.Context(), p, JobFilter{}, fleet.Page{})
			return err
		}},
		{"Jobs.Attempts", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Attempts(w.Context(), p, j.ID)
			return err
		}},
		{"Jobs.Log", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, _, err := w.Jobs.Log(w.Context(), p, j.ID, LogQuery{})
			return err
		}},
		{"Jobs.Artifacts", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Artifacts(w.Context(), p, j.ID)
			return err
		}},
		{"Jobs.Artifact", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, _, err := w.Jobs.Artifact(w.Context(), p, j.ID, 0, "x")
			return err
		}},
		{"Jobs.Cancel", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Cancel(w.Context(), p, j.ID, fleet.CancelRequest{})
			return err
		}},
		{"Jobs.Retry", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, _, err := w.Jobs.Retry(w.Context(), p, j.ID, RetryHow{})
			return err
		}},
		{"Jobs.Prioritize", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Prioritize(w.Context(), p, j.ID, 3)
			return err
		}},
		{"Jobs.Retarget", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Retarget(w.Context(), p, j.ID, "")
			return err
		}},
		{"Jobs.Decide", fleet.JobsDecide, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Decide(w.Context(), p, j.ID, 0, fleet.Decision{Do: "retry", Reason: "x"})
			return err
		}},
		{"Jobs.Explain", fleet.JobsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Explain(w.Context(), p, j.ID)
			return err
		}},
		{"Jobs.Preview", fleet.JobsRun, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Jobs.Preview(w.Context(), p, SubmitRequest{WorkflowID: j.Workflow.ID})
			return err
		}},
		{"Reservations.List", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Reservations.List(w.Context(), p)
			return err
		}},
		{"Reservations.Put", fleet.ReservationsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, _, err := w.Reservations.Put(w.Context(), p, fleet.Reservation{
				Name: "x", Selector: fleet.Selector{All: true}, For: fleet.ReservationFor{Labels: map[string]string{"a": "b"}},
			})
			return err
		}},
		{"Environments.List", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Environments.List(w.Context(), p)
			return err
		}},
		{"Environments.Get", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Environments.Get(w.Context(), p, "lab")
			return err
		}},
		{"Environments.Put", fleet.RobotsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Environments.Put(w.Context(), p, fleet.Environment{Name: "lab"})
			return err
		}},
		{"Tenants.List", fleet.SystemRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Tenants.List(w.Context(), p)
			return err
		}},
		{"Tenants.Get", fleet.SystemRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Tenants.Get(w.Context(), p, "default")
			return err
		}},
		{"Tenants.Create", fleet.TenantsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Tenants.Create(w.Context(), p, fleet.NewTenant("acme"))
			return err
		}},
		{"Tenants.Put", fleet.TenantsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Tenants.Put(w.Context(), p, fleet.NewTenant("acme"))
			return err
		}},
		{"Workflows.Put", fleet.WorkflowsWrite, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, _, err := w.Workflows.Put(w.Context(), p, "", []byte(document))
			return err
		}},
		{"Workflows.Validate", fleet.WorkflowsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, _, err := w.Workflows.Validate(w.Context(), p, []byte(document))
			return err
		}},
		{"Workflows.Get", fleet.WorkflowsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Workflows.Get(w.Context(), p, j.Workflow.ID)
			return err
		}},
		{"Workflows.List", fleet.WorkflowsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, _, err := w.Workflows.List(w.Context(), p, fleet.Page{})
			return err
		}},
		{"Workflows.Versions", fleet.WorkflowsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Workflows.Versions(w.Context(), p, j.Workflow.ID)
			return err
		}},
		{"Workflows.Document", fleet.WorkflowsRead, func(w *world, p auth.Principal, j fleet.Job) error {
			_, _, err := w.Workflows.Document(w.Context(), p, j.Workflow.ID, 0)
			return err
		}},
		{"Robots.Get", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.Get(w.Context(), p, "r1")
			return err
		}},
		{"Robots.List", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.List(w.Context(), p, RobotFilter{}, fleet.Page{})
			return err
		}},
		{"Robots.Register", fleet.RobotsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.Register(w.Context(), p, fleet.Robot{ID: "r2"})
			return err
		}},
		{"Robots.Delete", fleet.RobotsManage, func(w *world, p auth.Principal, _ fleet.Job) error {
			return w.Robots.Delete(w.Context(), p, "nobody")
		}},
		{"Robots.Logs", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.Logs(w.Context(), p, "r1", time.Time{}, 1)
			return err
		}},
		{"Robots.Figures", fleet.RobotsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.Figures(w.Context(), p, "r1")
			return err
		}},
		{"Attempts.EndOld", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			return w.Attempts.EndOld(w.Context(), p, j.ID, fleet.Report{Kind: fleet.ReportComplete})
		}},
		{"Attempts.Renew", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Attempts.Renew(w.Context(), p, j.ID, nil)
			return err
		}},
		{"Robots.Connect", fleet.RobotsConnect, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Robots.Connect(w.Context(), p, Hello{Member: "m", InstanceID: "i", JournalID: "j"}, "token")
			return err
		}},
		{"Events.List", fleet.EventsRead, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, _, err := w.Events.List(w.Context(), p, EventFilter{})
			return err
		}},
		{"Attempts.Accept", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			return w.Attempts.Accept(w.Context(), p, ref(j))
		}},
		{"Attempts.Reject", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			return w.Attempts.Reject(w.Context(), p, ref(j), fleet.RejectDraining, "")
		}},
		{"Attempts.Release", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			return w.Attempts.Release(w.Context(), p, ref(j))
		}},
		{"Attempts.Report", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			got, err := w.Attempts.Report(w.Context(), p, []fleet.Report{{Kind: fleet.ReportComplete, JobID: j.ID, Epoch: 1}})
			if err == nil && got[0].Verdict == fleet.VerdictInvalid {
				err = fleet.NotFound("job", string(j.ID)) // nothing of it is said
			}
			return err
		}},
		{"Attempts.Document", fleet.RobotsConnect, func(w *world, p auth.Principal, j fleet.Job) error {
			_, err := w.Attempts.Document(w.Context(), p, j.Workflow.Hash)
			return err
		}},
		{"Attempts.PutResult", fleet.RobotsConnect, func(w *world, p auth.Principal, _ fleet.Job) error {
			return w.Attempts.PutResult(p, hash("{}"), []byte("{}"))
		}},
		{"Attempts.Beat", fleet.RobotsConnect, func(w *world, p auth.Principal, _ fleet.Job) error {
			_, err := w.Attempts.Beat(w.Context(), p, store.Beat{SessionEpoch: 1})
			return err
		}},
	}
}

// Every use case asks for its permission before anything else; each role has
// exactly what its list says.
func TestPermissions(t *testing.T) {
	w := newWorld(t)
	keys := auth.NewKeys(w.store, fleet.NewIDs(func() time.Time { return w.now }, zeros{}), counter(), func() time.Time { return w.now })
	w.connect()
	roles := []fleet.Role{fleet.RoleRobot, fleet.RoleViewer, fleet.RoleOperator, fleet.RoleDeveloper, fleet.RoleAdmin}
	for _, role := range roles {
		p := w.caller(keys, "default", role)
		for _, c := range calls() {
			err := c.do(w, p, w.submit())
			if refused := errors.Is(err, fleet.ErrForbidden); refused == p.May(c.needs) {
				t.Errorf("%s as %s: %v", c.name, role, err)
			}
		}
	}
	for _, c := range calls() {
		if err := c.do(w, auth.Principal{}, w.submit()); !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%s by nobody: %v", c.name, err)
		}
	}
	// A document that comes with a job is a workflow that is written.
	operator := w.caller(keys, "default", fleet.RoleOperator)
	if _, err := w.Jobs.Submit(t.Context(), operator, SubmitRequest{Document: []byte(document)}); !errors.Is(err, fleet.ErrForbidden) {
		t.Errorf("an operator brought a document of his own: %v", err)
	}
}

// What one tenant has does not exist for the other, and neither does a hint.
func TestTenantsAreApart(t *testing.T) {
	w := newWorld(t)
	keys := auth.NewKeys(w.store, fleet.NewIDs(func() time.Time { return w.now }, zeros{}), counter(), func() time.Time { return w.now })
	w.connect()
	job := w.submit()
	w.start(job)
	before := w.get(job.ID)
	stranger, robot := w.caller(keys, "other", fleet.RoleAdmin), auth.Robot("other", "r1", "default")
	for _, c := range calls() {
		p := stranger
		if c.needs == fleet.RobotsConnect {
			p = robot
		}
		err := c.do(w, p, job)
		switch c.name {
		case "Workflows.Put", "Workflows.Validate", "Robots.Register", "Robots.Connect", "Attempts.PutResult", "Attempts.Beat",
			"Jobs.List", "Workflows.List", "Robots.List", "Events.List", "Reservations.List", "Reservations.Put",
			"Environments.List", "Environments.Get", "Environments.Put", "Tenants.List": // of its own
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case "Tenants.Create", "Tenants.Put": // of those who work across tenants
			if !errors.Is(err, fleet.ErrForbidden) {
				t.Errorf("%s: %v", c.name, err)
			}
		case "Robots.Get": // registered by the calls before it, if at all; never the other's
		default:
			if !errors.Is(err, fleet.ErrNotFound) {
				t.Errorf("%s of another tenant's: %v", c.name, err)
			}
		}
	}
	if after := w.get(job.ID); after.Job.State != before.Job.State || after.Job.Version != before.Job.Version {
		t.Errorf("another tenant moved the job from %s to %s", before.Job.State, after.Job.State)
	}
	jobs, err := w.Jobs.List(t.Context(), stranger, JobFilter{}, fleet.Page{})
	if err != nil || len(jobs.Jobs) != 0 {
		t.Errorf("another tenant's list: %+v, %v", jobs, err)
	}
	flows, _, err := w.Workflows.List(t.Context(), stranger, fleet.Page{})
	w.must(err)
	for _, f := range flows {
		if f.ID == job.Workflow.ID || f.Tenant != "other" {
			t.Errorf("another tenant sees workflow %+v", f)
		}
	}
	events, _, err := w.Events.List(t.Context(), stranger, EventFilter{})
	w.must(err)
	for _, e := range events {
		if e.Tenant != "other" || e.Subject.ID == string(job.ID) {
			t.Errorf("another tenant sees event %+v", e)
		}
	}
	robots, err := w.Robots.List(t.Context(), stranger, RobotFilter{}, fleet.Page{})
	w.must(err)
	for _, r := range robots.Robots {
		if r.Tenant != "other" {
			t.Errorf("another tenant sees robot %+v", r)
		}
	}
}

// zeros and counter are chance that repeats itself: ids are made apart by time
// and count, keys by the counter.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counting struct{ n byte }

func counter() *counting { return &counting{} }

func (c *counting) Read(b []byte) (int, error) {
	c.n++
	for i := range b {
		b[i] = c.n
	}
	return len(b), nil
}

func TestDecide(t *testing.T) {
	w := newWorld(t)
	w.connect()
	park := func() fleet.Job {
		job := w.submit()
		ref := w.start(job)
		if v := w.report(fleet.Report{Kind: fleet.ReportEffectBegin, Node: "pay", EffectKey: "1"}, ref); v != fleet.VerdictGo {
			t.Fatalf("verdict %s", v)
		}
		w.fail(ref, fleet.ClassApplication)
		got := w.get(job.ID).Job
		if got.State != fleet.NeedsDecision {
			t.Fatalf("job is %s", got.State)
		}
		return got
	}
	job := park()
	decide := func(version int64, d fleet.Decision) (fleet.Job, error) {
		return w.Jobs.Decide(t.Context(), w.admin, job.ID, version, d)
	}
	_, err := decide(job.Version-1, fleet.Decision{Do: "retry", Reason: "x"})
	if e := fleet.AsError(err); e.Status != 412 {
		t.Errorf("an old version: %v", err)
	}
	for _, d := range []fleet.Decision{
		{Do: "retry"},
		{Do: "perhaps", Reason: "x"},
		{Do: "complete", Reason: "x", Result: []byte("not JSON")},
		{Do: "complete", Reason: "x", Result: []byte("[1]")},
	} {
		if _, err := decide(job.Version, d); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if got := w.get(job.ID).Job; got.Version != job.Version {
		t.Errorf("refused answers moved the job to %s", got.State)
	}
	done, err := decide(job.Version, fleet.Decision{Do: "complete", Reason: "paid by hand", Result: []byte(`{"paid":true}`)})
	if err != nil || done.State != fleet.Completed || string(w.get(job.ID).Data.Result) != `{"paid":true}` {
		t.Errorf("%s, %v", done.State, err)
	}
	_, err = decide(0, fleet.Decision{Do: "retry", Reason: "x"})
	w.is(err, fleet.CodeConflict, "invalid_state")
	for do, want := range map[string]fleet.State{"retry": fleet.Pending, "fail": fleet.Failed, "cancel": fleet.Cancelled} {
		job = park()
		if got, err := decide(job.Version, fleet.Decision{Do: do, Reason: "looked at it"}); err != nil || got.State != want {
			t.Errorf("%s: %s, %v", do, got.State, err)
		}
	}
	if got := fmt.Sprint(w.count("attempts")); got != "4" {
		t.Errorf("%s attempts", got)
	}
}

// TestDecideStepByStep: the next attempt is told of each step what the person
// said of it, and of many who answer at once, on the same reading, one does.
func TestDecideStepByStep(t *testing.T) {
	w := newWorld(t)
	w.connect()
	ref := w.start(w.submit())
	begin := func(node string) fleet.Verdict {
		t.Helper()
		got, err := w.Attempts.Report(t.Context(), w.robot, []fleet.Report{{Kind: fleet.ReportEffectBegin, JobID: ref.JobID, Epoch: ref.Epoch, Node: node, EffectKey: node}})
		w.must(err)
		return got[0]
	}
	for _, node := range []string{"pay", "mail"} {
		if v := begin(node); v.Verdict != fleet.VerdictGo {
			t.Fatalf("%+v", v)
		}
	}
	w.fail(ref, fleet.ClassApplication)
	v := w.get(ref.JobID)
	if len(v.Open) != 2 || v.Open[0].Node != "mail" || v.Open[1].Node != "pay" {
		t.Fatalf("%+v", v.Open)
	}
	d := fleet.Decision{Do: "retry", Reason: "the bank has it", Effects: []fleet.EffectAnswer{{Node: "pay", Done: true, Outputs: []byte(`{"receipt":7}`)}, {Node: "mail"}}}
	w.is(second(w.Jobs.Decide(t.Context(), w.admin, ref.JobID, v.Job.Version, fleet.Decision{Do: "retry", Reason: "x", Effects: d.Effects[:1]})), fleet.CodeInvalid, "invalid_field")
	w.is(second(w.Jobs.Decide(t.Context(), w.admin, ref.JobID, v.Job.Version, fleet.Decision{Do: "fail", Reason: "x", Effects: []fleet.EffectAnswer{{Node: "other"}}})), fleet.CodeInvalid, "invalid_field")
	if again := w.get(ref.JobID); again.Job.Version != v.Job.Version || len(again.Open) != 2 {
		t.Fatalf("refused answers changed %+v", again)
	}

	var all sync.WaitGroup
	var won, refused atomic.Int32
	for range 8 {
		all.Go(func() {
			switch _, err := w.Jobs.Decide(t.Context(), w.admin, ref.JobID, v.Job.Version, d); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, fleet.ErrConflict):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || refused.Load() != 7 {
		t.Errorf("%d won and %d were refused", won.Load(), refused.Load())
	}
	got := w.get(ref.JobID)
	if got.Job.State != fleet.Pending || got.Job.Version != v.Job.Version+1 || len(got.Open) != 0 {
		t.Errorf("%+v", got)
	}
	ref = w.start(got.Job)
	if v := begin("pay"); v.Verdict != fleet.VerdictSkip || string(v.Outcome) != `{"outputs":{"receipt":7}}` {
		t.Errorf("done: %+v", v)
	}
	if v := begin("mail"); v.Verdict != fleet.VerdictGo {
		t.Errorf("not done: %+v", v)
	}
	rows := w.rows(AuditFilter{Action: "job.decide"})
	if len(rows) != 1 || !strings.Contains(string(rows[0].After), `"node_id":"pay"`) {
		t.Errorf("%+v", rows)
	}
}

// TestDecisionMeetsTheRobotsWord: the result of the lost attempt and a person's
// answer come at the same time; one of them ends it, and the other is refused.
func TestDecisionMeetsTheRobotsWord(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		w.connect()
		ref := w.start(w.submit())
		w.report(fleet.Report{Kind: fleet.ReportEffectBegin, Node: "pay", EffectKey: "pay"}, ref)
		var seq int64
		w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error {
			list, err := r.Attempts(ref.JobID)
			seq = list[0].RenewSeq
			return err
		}))
		w.must(w.Attempts.Lose(t.Context(), w.admin.Scope(), ref, seq, "silent"))
		v := w.get(ref.JobID)
		if v.Job.State != fleet.NeedsDecision {
			t.Fatalf("%+v", v.Job)
		}
		var all sync.WaitGroup
		var err error
		var verdict fleet.VerdictKind
		all.Go(func() {
			_, err = w.Jobs.Decide(t.Context(), w.admin, ref.JobID, v.Job.Version, fleet.Decision{Do: "retry", Reason: "x", Effects: []fleet.EffectAnswer{{Node: "pay"}}})
		})
		all.Go(func() {
			verdict = w.report(fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{}`)}, ref)
		})
		all.Wait()
		got := w.get(ref.JobID).Job
		switch {
		// A job that waits still takes the late result, since nobody was given it.
		case err == nil && verdict == fleet.VerdictApplied && got.State == fleet.Completed:
		case errors.Is(err, fleet.ErrConflict) && verdict == fleet.VerdictApplied && got.State == fleet.Completed:
		default:
			t.Errorf("decided: %v; told: %s; %s", err, verdict, got.State)
		}
	}
}
