package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Open makes an empty store that is closed when the test ends.
type Open func(t testing.TB) store.Store

// Fixture is a store with one tenant and short words for what tests do.
type Fixture struct {
	testing.TB
	Store  store.Store
	Tenant fleet.TenantID
	Scope  store.Scope
	IDs    *fleet.IDs
	Now    time.Time

	reports int64 // numbers given to reports by ends
}

// New opens a store for a test.
func New(t testing.TB, open Open) *Fixture {
	return &Fixture{
		TB: t, Store: open(t), Tenant: "acme", Scope: store.Tenant("acme"), IDs: fleet.NewIDs(time.Now, rand.Reader),
		Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

// Other is the same store seen by another tenant.
func (f *Fixture) Other(tenant fleet.TenantID) *Fixture {
	o := *f
	o.Tenant, o.Scope = tenant, store.Tenant(tenant)
	return &o
}

// Later moves the fixture's clock.
func (f *Fixture) Later(d time.Duration) { f.Now = f.Now.Add(d) }

// must ends the test on an error.
func (f *Fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// Update runs fn as the tenant.
func (f *Fixture) Update(fn func(tx store.Tx) error) {
	f.Helper()
	f.must(f.Store.Update(f.Context(), f.Scope, fn))
}

// View runs fn as the tenant.
func (f *Fixture) View(fn func(r store.Reader) error) {
	f.Helper()
	f.must(f.Store.View(f.Context(), f.Scope, fn))
}

// System runs fn as a chore for all tenants.
func (f *Fixture) System(fn func(r store.Reader) error) {
	f.Helper()
	f.must(f.Store.View(f.Context(), store.System("test"), fn))
}

// NewRobot is a robot that could take any job of the fixture.
func (f *Fixture) NewRobot(id fleet.RobotID, slots int) fleet.Robot {
	return fleet.Robot{
		ID: id, Tenant: f.Tenant, Name: "Robot " + string(id), Hostname: "host", Environment: fleet.DefaultEnvironment, Pool: fleet.DefaultPool, Pinned: fleet.Capabilities{},
		Capabilities: fleet.Capabilities{"browser", "linux"}, WishedSlots: slots, Mode: fleet.ModeActive, CreatedAt: f.Now,
	}
}

// Robot registers a robot, connects it and returns its session epoch.
func (f *Fixture) Robot(id fleet.RobotID, slots int) int64 {
	f.Helper()
	f.Update(func(tx store.Tx) error { return tx.PutRobot(f.NewRobot(id, slots)) })
	return f.Connect(id).Epoch
}

// Connect opens a session for a robot.
func (f *Fixture) Connect(id fleet.RobotID) fleet.Session {
	f.Helper()
	s := fleet.Session{
		ID: f.IDs.New(), Tenant: f.Tenant, RobotID: id, MemberID: "member-1", Transport: "ws2", InstanceID: "i", BootID: "b",
		JournalID: "j", Features: []string{"effects"}, ResumeHash: "h", OpenedAt: f.Now,
	}
	f.Update(func(tx store.Tx) (err error) {
		s.Epoch, err = tx.OpenSessionAs(s)
		return err
	})
	return s
}

// Spec is a job that any robot can take.
func (f *Fixture) Spec() fleet.JobSpec {
	return fleet.JobSpec{
		ID: f.IDs.New(), Tenant: f.Tenant, Name: "Invoice", Priority: fleet.PriorityDefault, RunTimeout: time.Hour,
		Workflow: fleet.JobWorkflow{ID: "w-1", Name: "invoices", Version: 3, Hash: "abc"}, Retry: fleet.DefaultRetry(),
		Requires: fleet.Capabilities{}, SubmittedBy: "user:1",
	}
}

// Submit stores a job made from a spec.
func (f *Fixture) Submit(spec fleet.JobSpec) fleet.Job {
	f.Helper()
	got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{f.Submission(spec)})
	f.must(err)
	f.must(got[0].Err)
	return got[0].Job
}

// Submission wraps a spec with inputs.
func (f *Fixture) Submission(spec fleet.JobSpec) store.Submission {
	return store.Submission{
		Job: fleet.NewJob(spec, f.Now), Data: fleet.JobData{Variables: []byte(`{"n":1}`), Traceparent: "00-1"}, Actor: "user:1",
	}
}

// Plan assigns a job to a robot.
func (f *Fixture) Plan(j fleet.Job, robot fleet.RobotID, session int64) store.Assignment {
	return store.Assignment{
		Tenant: j.Tenant, JobID: j.ID, Epoch: j.Epoch, RobotID: robot, SessionEpoch: session, TokenHash: "t", AcceptWithin: 10 * time.Second,
	}
}

// Assign hands a job to a robot and fails the test if that did not hold.
func (f *Fixture) Assign(j fleet.Job, robot fleet.RobotID, session int64) fleet.Job {
	f.Helper()
	won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(j, robot, session)}, f.Now)
	f.must(err)
	if len(won) != 1 || len(lost) != 0 {
		f.Fatalf("assign %s to %s: won %d, lost %+v", j.ID, robot, len(won), lost)
	}
	return won[0].Job
}

// Accept takes the offer of a job.
func (f *Fixture) Accept(j fleet.Job) fleet.Job {
	f.Helper()
	errs, err := f.Store.Accept(f.Context(), f.Scope, []store.Acceptance{f.acceptance(j)}, f.Now)
	f.must(err)
	f.must(errs[0])
	return f.Job(j.ID)
}

func (f *Fixture) acceptance(j fleet.Job) store.Acceptance {
	return store.Acceptance{Tenant: j.Tenant, RobotID: j.RobotID, JobID: j.ID, Epoch: j.Epoch}
}

// Running submits a job and brings it to a robot.
func (f *Fixture) Running(spec fleet.JobSpec, robot fleet.RobotID, session int64) fleet.Job {
	f.Helper()
	return f.Accept(f.Assign(f.Submit(spec), robot, session))
}

// NewReport is a report about the newest attempt of a job.
func (f *Fixture) NewReport(j fleet.Job, kind fleet.ReportKind, id int64) fleet.Report {
	r := fleet.Report{Kind: kind, Tenant: j.Tenant, RobotID: j.RobotID, JournalID: "j", ReportID: id, JobID: j.ID, Epoch: j.Epoch, DurationMS: 7}
	switch kind {
	case fleet.ReportComplete:
		r.Result = []byte(`{"ok":true}`)
	case fleet.ReportFailed:
		r.Error = &fleet.JobError{Class: fleet.ClassBusiness, Code: "e", Message: "no such invoice"}
	case fleet.ReportStopped:
		r.By, r.How = fleet.ByRequest, fleet.StoppedClean
	case fleet.ReportCheckpoint:
		r.Node, r.Outcome = "n1", Checkpoint(j.Workflow.Hash, "n1", "s")
	case fleet.ReportStarted, fleet.ReportEffectBegin, fleet.ReportEffectEnd:
		r.Node, r.EffectKey, r.OK, r.Outcome = "n1", "k1", true, []byte(`{"sent":1}`)
	}
	return r
}

// Report hands reports in and returns the words of the verdicts.
func (f *Fixture) Report(in ...fleet.Report) []fleet.Verdict {
	f.Helper()
	out, err := f.Store.Report(f.Context(), f.Scope, in, f.Now)
	f.must(err)
	if len(out) != len(in) {
		f.Fatalf("%d verdicts for %d reports", len(out), len(in))
	}
	return out
}

// Job reads a job.
func (f *Fixture) Job(id fleet.ID) (j fleet.Job) {
	f.Helper()
	f.View(func(r store.Reader) (err error) {
		j, err = r.Job(id)
		return err
	})
	return j
}

// Move applies a move that is computed from the job as it is.
func (f *Fixture) Move(id fleet.ID, decide func(s fleet.Subject) (*fleet.Move, error)) error {
	return Move(f.Context(), f.Store, f.Scope, id, decide)
}

// Move reads a job, decides and applies, in one transaction.
func Move(ctx context.Context, st store.Store, sc store.Scope, id fleet.ID, decide func(s fleet.Subject) (*fleet.Move, error)) error {
	return st.Update(ctx, sc, func(tx store.Tx) error {
		s, err := tx.Subject(id)
		if err != nil {
			return err
		}
		m, err := decide(s)
		if err != nil || m == nil {
			return err
		}
		return tx.Apply(m)
	})
}

// Cancel asks for a job to be stopped.
func (f *Fixture) Cancel(id fleet.ID) {
	f.Helper()
	f.must(f.Move(id, func(s fleet.Subject) (*fleet.Move, error) {
		return s.Cancel(fleet.CancelRequest{By: "user:1", Grace: time.Minute}, f.Now)
	}))
}

// Events reads the tenant's log.
func (f *Fixture) Events(after int64) []fleet.Event {
	f.Helper()
	out, err := f.Store.TailEvents(f.Context(), f.Scope, f.Tenant, after, 0)
	f.must(err)
	return out
}

// is fails the test unless got is want; what says which of several looks it was.
func is[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func name(prefix string, i int) fleet.RobotID { return fleet.RobotID(fmt.Sprintf("%s-%d", prefix, i)) }
