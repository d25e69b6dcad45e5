package upkeep

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// faulty is the real store, except that it will not move some jobs, or is away.
type faulty struct {
	store.Store
	stuck map[fleet.ID]bool // jobs, and schedules whose rows cannot be written
	away  bool

	unwatched map[fleet.ID]bool // schedules whose jobs cannot be told of
}

var errDisk = errors.New("the disk says no")

func (f *faulty) View(ctx context.Context, s store.Scope, fn func(store.Reader) error) error {
	if f.away {
		return errDisk
	}
	return f.Store.View(ctx, s, fn)
}

func (f *faulty) Update(ctx context.Context, s store.Scope, fn func(store.Tx) error) error {
	return f.Store.Update(ctx, s, func(tx store.Tx) error { return fn(faultyTx{tx, f}) })
}

type faultyTx struct {
	store.Tx
	f *faulty
}

func (t faultyTx) Apply(m *fleet.Move) error {
	if t.f.stuck[m.Job.ID] {
		return errDisk
	}
	return t.Tx.Apply(m)
}

func (t faultyTx) AddFires(list []fleet.Fire) error {
	for i := range list {
		if t.f.stuck[list[i].Schedule] {
			return errDisk
		}
	}
	return t.Tx.AddFires(list)
}

func (t faultyTx) WatchFire(f *fleet.Fire, late fleet.FireLate, again time.Time) (bool, error) {
	if t.f.unwatched[f.Schedule] {
		return false, errDisk
	}
	return t.Tx.WatchFire(f, late, again)
}

// breakSchedules puts a faulty store below the chore of schedules.
func (f *timed) breakSchedules() *faulty {
	bad := &faulty{Store: f.store, stuck: map[fleet.ID]bool{}, unwatched: map[fleet.ID]bool{}}
	o := f.core.Attempts.Options
	o.Store = bad
	f.chore.Schedules = orchestrator.New(o).Schedules
	return bad
}

// break puts a faulty store below the chores.
func (f *fleetOfOne) breakStore() *faulty {
	bad := &faulty{Store: f.store, stuck: map[fleet.ID]bool{}}
	o := f.core.Attempts.Options
	o.Store = bad
	attempts := orchestrator.New(o).Attempts
	f.timers.Store, f.timers.Attempts = bad, attempts
	f.reaper.Store, f.reaper.Attempts = bad, attempts
	return bad
}

// A row that cannot be changed stops none of the others.
func TestReaperGoesOnPastABrokenRow(t *testing.T) {
	f := newFleet(t)
	bad := f.breakStore()
	var jobs []fleet.Job
	for range 4 {
		job := f.submit()
		f.start(job, true)
		jobs = append(jobs, job)
	}
	bad.stuck[jobs[0].ID] = true
	faults := 0
	for range 12 {
		f.clock = f.clock.Add(10 * time.Second)
		if err := f.reaper.RunOnce(t.Context(), f.clock); errors.Is(err, errDisk) {
			faults++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if faults == 0 {
		t.Error("the broken row was not reported")
	}
	for _, job := range jobs[1:] {
		f.want(job.ID, fleet.Pending)
	}
	f.want(jobs[0].ID, fleet.Running)
}

// While the store was away no robot could renew: nobody is lost for it.
func TestReaperGivesFullTimeAfterTheStoreWasAway(t *testing.T) {
	f := newFleet(t)
	bad := f.breakStore()
	job := f.submit()
	ref := f.start(job, true)
	f.pass(0)
	bad.away = true
	for range 12 {
		f.clock = f.clock.Add(10 * time.Second)
		if err := f.reaper.RunOnce(t.Context(), f.clock); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
	}
	bad.away = false
	f.pass(10 * time.Second)
	f.want(job.ID, fleet.Running)
	f.beat(ref)
	f.pass(10 * time.Second)
	f.want(job.ID, fleet.Running)
}

// A page of timers that cannot be fired does not stand before the others, and
// does not make the loop spin.
func TestTimersGoOnPastBrokenRows(t *testing.T) {
	f := newFleet(t)
	bad := f.breakStore()
	rs := make([]orchestrator.SubmitRequest, timerPage+10)
	for i := range rs {
		rs[i] = orchestrator.SubmitRequest{Document: []byte(document), Delay: time.Minute}
	}
	results, _, err := f.core.Jobs.SubmitMany(t.Context(), f.admin(), rs, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		bad.stuck[r.Job.ID] = true
	}
	good := f.submit(func(r *orchestrator.SubmitRequest) { r.Delay = 2 * time.Minute })
	f.clock = f.clock.Add(3 * time.Minute)
	next, err := f.timers.RunOnce(t.Context(), f.clock)
	if !errors.Is(err, errDisk) {
		t.Errorf("the broken rows were not reported: %v", err)
	}
	if got := f.want(good.ID, fleet.Pending); got.WaitingOn != fleet.WaitingRobot {
		t.Errorf("behind the broken rows a job still waits for %s", got.WaitingOn)
	}
	if !next.After(f.clock) {
		t.Errorf("the next look is at %s, which is now: the loop spins", next)
	}
}
