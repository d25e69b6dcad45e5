package upkeep

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow/catalog"
)

const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

func TestMain(m *testing.M) { dbtest.Main(m) }

// fleetOfOne is a real store with one robot connected to it, on a clock that
// the test moves.
type fleetOfOne struct {
	t      testing.TB
	clock  time.Time
	store  store.Store
	core   *orchestrator.Orchestrator
	timers *Timers
	reaper *Reaper
	epoch  int64
	robot  auth.Principal
}

func newFleet(t testing.TB) *fleetOfOne {
	t.Helper()
	f := &fleetOfOne{t: t, clock: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), robot: auth.Robot("default", "r1", "default")}
	now := func() time.Time { return f.clock }
	ids := fleet.NewIDs(now, rand.Reader)
	db := dbtest.Open(t, dbtest.Options{Now: now, IDs: ids})
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	timing := func(string) fleet.Timing { return fleet.DefaultTiming() }
	log := slog.New(slog.DiscardHandler)
	f.store = db
	f.core = orchestrator.New(orchestrator.Options{
		Store: db, IDs: ids, Now: now, Chance: func() float64 { return 0 }, Catalog: cat, Timing: timing,
		Limits: orchestrator.DefaultLimits(), Logger: log,
	})
	f.timers = &Timers{Store: db, Attempts: f.core.Attempts, Now: now, Logger: log}
	f.reaper = &Reaper{Store: db, Attempts: f.core.Attempts, Timing: timing, Logger: log}
	f.connect()
	return f
}

func (f *fleetOfOne) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleetOfOne) admin() auth.Principal { return auth.Local() }

func (f *fleetOfOne) connect() {
	f.t.Helper()
	w, err := f.core.Robots.Connect(f.t.Context(), f.robot, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: string(rand.Text()), JournalID: "j1", Hostname: "h", Slots: 10,
	}, "token")
	if err != nil {
		f.t.Fatal(err)
	}
	f.epoch = w.Session.Epoch
}

func (f *fleetOfOne) submit(change ...func(*orchestrator.SubmitRequest)) fleet.Job {
	f.t.Helper()
	r := orchestrator.SubmitRequest{Document: []byte(document)}
	for _, c := range change {
		c(&r)
	}
	out, err := f.core.Jobs.Submit(f.t.Context(), auth.Local(), r)
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Job
}

// start hands a job to the robot and, with accept, lets it begin.
func (f *fleetOfOne) start(job fleet.Job, accept bool) store.Ref {
	f.t.Helper()
	won, lost, err := f.store.Assign(f.t.Context(), store.System("test"), []store.Assignment{{
		Tenant: "default", JobID: job.ID, Epoch: job.Epoch, RobotID: "r1", SessionEpoch: f.epoch, AcceptWithin: 10 * time.Second,
	}}, f.clock)
	if err != nil || len(won) != 1 {
		f.t.Fatalf("assign: %v, lost %+v", err, lost)
	}
	ref := store.Ref{JobID: job.ID, Epoch: won[0].Attempt.Epoch}
	if accept {
		if err := f.core.Attempts.Accept(f.t.Context(), f.robot, ref); err != nil {
			f.t.Fatal(err)
		}
	}
	return ref
}

func (f *fleetOfOne) state(id fleet.ID) fleet.Job {
	f.t.Helper()
	v, err := f.core.Jobs.Get(f.t.Context(), auth.Local(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return v.Job
}

// pass moves the clock on and lets both chores run.
func (f *fleetOfOne) pass(d time.Duration) {
	f.t.Helper()
	f.clock = f.clock.Add(d)
	if _, err := f.timers.RunOnce(f.t.Context(), f.clock); err != nil {
		f.t.Fatal(err)
	}
	if err := f.reaper.RunOnce(f.t.Context(), f.clock); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleetOfOne) beat(refs ...store.Ref) store.BeatAnswer {
	f.t.Helper()
	b := store.Beat{SessionEpoch: f.epoch}
	for _, r := range refs {
		b.Attempts = append(b.Attempts, store.BeatAttempt{JobID: r.JobID, Epoch: r.Epoch})
	}
	answer, err := f.core.Attempts.Beat(f.t.Context(), f.robot, b)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer
}

func (f *fleetOfOne) want(id fleet.ID, state fleet.State) fleet.Job {
	f.t.Helper()
	job := f.state(id)
	if job.State != state {
		f.t.Fatalf("job is %s (%s), want %s", job.State, job.WaitingOn, state)
	}
	return job
}

func TestOfferWithoutAnswerLapses(t *testing.T) {
	f := newFleet(t)
	job := f.submit()
	f.start(job, false)
	f.pass(9 * time.Second)
	f.want(job.ID, fleet.Assigned)
	f.pass(2 * time.Second)
	got := f.want(job.ID, fleet.Pending)
	if got.RetriesUsed != 0 || got.LostUsed != 0 {
		t.Errorf("a lapsed offer used a budget: %+v", got)
	}
}

// Of the original (B5): a job that was accepted and then went silent was never
// noticed.
func TestOriginal_B5(t *testing.T) {
	f := newFleet(t)
	job := f.submit()
	ref := f.start(job, true)
	f.pass(0)
	for range 10 { // renewed: nothing happens
		f.pass(10 * time.Second)
		f.beat(ref)
	}
	f.want(job.ID, fleet.Running)
	f.pass(0)
	for range 4 {
		f.pass(10 * time.Second)
	}
	if !f.want(job.ID, fleet.Running).Silent {
		t.Error("after 40 s of silence the job is not flagged")
	}
	for range 6 {
		f.pass(10 * time.Second)
	}
	if got := f.want(job.ID, fleet.Pending); got.LostUsed != 1 || got.RetriesUsed != 0 {
		t.Errorf("lost %d, retries %d; want 1 and 0", got.LostUsed, got.RetriesUsed)
	}
}

func TestLateSweepTakesNothing(t *testing.T) {
	f := newFleet(t)
	job := f.submit()
	f.start(job, true)
	f.pass(0)
	f.pass(10 * time.Minute) // this process was stopped for ten minutes
	f.want(job.ID, fleet.Running)
}

func TestBrakeHoldsAndThenLetsGo(t *testing.T) {
	f := newFleet(t)
	told := func() (n int) {
		list, err := f.store.TailEvents(t.Context(), store.System("test").In("default"), "default", 0, 1000)
		f.must(err)
		for _, e := range list {
			if e.Kind == fleet.EventBrake {
				n++
			}
		}
		return n
	}
	var jobs []fleet.Job
	for range 8 {
		job := f.submit()
		f.start(job, true)
		jobs = append(jobs, job)
	}
	f.pass(0)
	taken := func() (n int) {
		for _, j := range jobs {
			if f.state(j.ID).State != fleet.Running {
				n++
			}
		}
		return n
	}
	for range 10 {
		f.pass(10 * time.Second)
	}
	if n := taken(); n != 0 || told() != 1 {
		t.Fatalf("after the lost time %d of 8 were taken away and %d events tell of it; want none and one", n, told())
	}
	for range 8 {
		f.pass(10 * time.Second)
	}
	if n := taken(); n == 0 || n > 5 {
		t.Errorf("after the second wait %d were taken away in one sweep; want 1 to 5", n)
	}
	f.pass(10 * time.Second)
	f.pass(10 * time.Second)
	if n := taken(); n != 8 {
		t.Errorf("in the end %d of 8 were taken away", n)
	}
}

func TestDelayBackOffAndWaitLimit(t *testing.T) {
	f := newFleet(t)
	delayed := f.submit(func(r *orchestrator.SubmitRequest) { r.Delay = time.Minute })
	if got := f.want(delayed.ID, fleet.Pending); got.WaitingOn != fleet.WaitingTime {
		t.Errorf("waits on %s", got.WaitingOn)
	}
	limited := f.submit(func(r *orchestrator.SubmitRequest) { r.WaitLimit = 30 * time.Second })
	f.pass(31 * time.Second)
	if got := f.want(limited.ID, fleet.TimedOut); got.EndReason != "queue_timeout" {
		t.Errorf("ended by %s", got.EndReason)
	}
	f.pass(30 * time.Second)
	if got := f.want(delayed.ID, fleet.Pending); got.WaitingOn != fleet.WaitingRobot {
		t.Errorf("after its delay it waits on %s", got.WaitingOn)
	}
	ref := f.start(delayed, true)
	verdicts, err := f.core.Attempts.Report(t.Context(), f.robot, []fleet.Report{{
		Kind: fleet.ReportFailed, JournalID: "j1", ReportID: 1, JobID: ref.JobID, Epoch: ref.Epoch, Error: &fleet.JobError{Message: "no"},
	}})
	if err != nil || verdicts[0].Verdict != fleet.VerdictApplied {
		t.Fatalf("report: %v %+v", err, verdicts)
	}
	if got := f.want(delayed.ID, fleet.Pending); got.WaitingOn != fleet.WaitingBackoff {
		t.Errorf("after a failure it waits on %s", got.WaitingOn)
	}
	f.pass(4 * time.Second) // 5 s less the jitter of 20 %
	if got := f.want(delayed.ID, fleet.Pending); got.WaitingOn != fleet.WaitingRobot || got.RetriesUsed != 1 {
		t.Errorf("after the back-off it waits on %s with %d retries", got.WaitingOn, got.RetriesUsed)
	}
}

// Of the original (B6): time limits were stored and never enforced.
func TestOriginal_B6Limits(t *testing.T) {
	f := newFleet(t)
	job := f.submit(func(r *orchestrator.SubmitRequest) { r.RunTimeout = 30 * time.Second })
	ref := f.start(job, true)
	f.pass(0)
	for range 5 {
		f.pass(10 * time.Second)
		f.beat(ref)
	}
	if got := f.want(job.ID, fleet.Cancelling); got.StopReason != fleet.StopTimeout {
		t.Errorf("stopped by %s", got.StopReason)
	}
	if answer := f.beat(ref); len(answer.Cancel) != 1 || answer.Cancel[0].Reason != fleet.StopTimeout {
		t.Errorf("the heartbeat's answer does not stop it: %+v", answer)
	}
	for range 7 {
		f.pass(10 * time.Second)
		f.beat(ref)
	}
	if got := f.want(job.ID, fleet.TimedOut); got.CancelOutcome != fleet.StoppedUnconfirmed {
		t.Errorf("outcome %s", got.CancelOutcome)
	}
}
