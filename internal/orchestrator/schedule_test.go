package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// spoiled is a store whose changes a test can look into, and make fail.
type spoiled struct {
	store.Store
	fires func(list []fleet.Fire) error // before rows are written
	moves func(list []store.ScheduleMove)

	enqueue func(list []store.Submission, out []store.Submitted) // what the store says

	view, update func() // before the next one
}

// before takes what is to be done before a call, for that call alone.
func before(do *func()) {
	if fn := *do; fn != nil {
		*do = nil
		fn()
	}
}

func (s *spoiled) View(ctx context.Context, sc store.Scope, fn func(store.Reader) error) error {
	before(&s.view)
	return s.Store.View(ctx, sc, fn)
}

func (s *spoiled) Update(ctx context.Context, sc store.Scope, fn func(store.Tx) error) error {
	before(&s.update)
	return s.Store.Update(ctx, sc, func(tx store.Tx) error { return fn(spoiledTx{tx, s}) })
}

type spoiledTx struct {
	store.Tx
	s *spoiled
}

func (t spoiledTx) AddFires(list []fleet.Fire) error {
	if t.s.fires != nil {
		if err := t.s.fires(list); err != nil {
			return err
		}
	}
	return t.Tx.AddFires(list)
}

func (t spoiledTx) MoveSchedules(list []store.ScheduleMove) ([]bool, error) {
	if t.s.moves != nil {
		t.s.moves(list)
	}
	return t.Tx.MoveSchedules(list)
}

func (t spoiledTx) Enqueue(list []store.Submission) ([]store.Submitted, error) {
	out, err := t.Tx.Enqueue(list)
	if t.s.enqueue != nil && err == nil {
		t.s.enqueue(list, out)
	}
	return out, err
}

// timed is a world with schedules of the empty workflow.
type timed struct {
	*world
	bad      *spoiled
	workflow fleet.ID
}

func newTimed(t *testing.T) *timed {
	t.Helper()
	f := &timed{bad: &spoiled{}}
	f.world = newWorld(t, func(o *Options) { f.bad.Store, o.Store = o.Store, f.bad })
	f.connect()
	job := f.submit()
	f.complete(f.start(job))
	f.workflow = job.Workflow.ID
	return f
}

// schedule makes one that comes each hour, changed. The clock stands at 10:00.
func (f *timed) schedule(change func(c *ScheduleChange)) fleet.Schedule {
	f.Helper()
	c := ScheduleChange{Name: new("hourly"), WorkflowID: &f.workflow, Cron: new("0 * * * *")}
	if change != nil {
		change(&c)
	}
	s, err := f.Schedules.Create(f.Context(), f.admin, c)
	f.must(err)
	return s
}

func overlap(policy fleet.OverlapPolicy) *OverlapChange { return &OverlapChange{Policy: &policy} }

// due sets the clock and fires what is due.
func (f *timed) due(clock string) error {
	f.Helper()
	at, err := time.Parse("15:04:05", clock)
	f.must(err)
	f.now = time.Date(2026, 11, 23, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	return f.fire()
}

func (f *timed) fire() error {
	_, err := f.Schedules.FireDue(f.Context(), f.admin.Scope(), f.now, store.DueRef{})
	return err
}

func (f *timed) rows(id fleet.ID) []fleet.Fire {
	f.Helper()
	list, _, err := f.Schedules.Fires(f.Context(), f.admin, string(id), "", fleet.Page{Limit: 100})
	f.must(err)
	return list
}

// told writes rows in a line, the oldest first.
func (f *timed) told(id fleet.ID) string {
	f.Helper()
	var out []string
	for _, r := range f.rows(id) {
		out = append([]string{r.At.Format("15:04") + " " + string(r.Outcome)}, out...)
	}
	return strings.Join(out, ", ")
}

func (f *timed) wants(id fleet.ID, want string) {
	f.Helper()
	if got := f.told(id); got != want {
		f.Fatalf("rows %s, want %s", got, want)
	}
}

func (f *timed) audited(action string) (n int) {
	f.Helper()
	rows, err := f.store.QueryText(f.Context(), fmt.Sprintf("select count(*) from audit where action = '%s'", action))
	f.must(err)
	_, err = fmt.Sscan(rows[0][0], &n)
	f.must(err)
	return n
}

// A run that takes the place of another cancels it in the commit that makes it:
// neither happens without the other.
func TestTakingThePlaceIsOneCommit(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Overlap = overlap(fleet.OverlapCancel) })
	f.must(f.due("11:00:00"))
	first := f.rows(s.ID)[0].JobID
	ref := f.start(f.get(first).Job)

	f.bad.fires = func([]fleet.Fire) error { return errors.New("the process dies") }
	if err := f.due("12:00:00"); err == nil {
		t.Fatal("the commit was not stopped")
	}
	if j := f.get(first).Job; j.State != fleet.Running {
		t.Fatalf("without a job that takes its place, it is %s", j.State)
	}
	if n := f.audited("job.cancel"); n != 0 {
		t.Errorf("%d cancels were audited", n)
	}

	f.bad.fires = nil
	f.must(f.due("12:00:01"))
	f.wants(s.ID, "11:00 fired, 12:00 fired")
	if j := f.get(first).Job; j.State != fleet.Cancelling {
		t.Errorf("the one before is %s", j.State)
	}
	if j := f.get(f.rows(s.ID)[0].JobID).Job; j.State != fleet.Pending || j.WaitingOn != fleet.WaitingDependencies {
		t.Errorf("the new one is %s and waits on %s", j.State, j.WaitingOn)
	}
	if n := f.audited("job.cancel"); n != 1 {
		t.Errorf("%d cancels were audited", n)
	}
	f.complete(ref)
	if j := f.get(f.rows(s.ID)[0].JobID).Job; j.WaitingOn != fleet.WaitingRobot {
		t.Errorf("after the end of the one before, the new one waits on %s", j.WaitingOn)
	}
}

// Who is not the one to move the cursor cancels nothing.
func TestWhoLosesTheInstantCancelsNothing(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Overlap = overlap(fleet.OverlapCancel) })
	f.must(f.due("11:00:00"))
	first := f.rows(s.ID)[0].JobID
	f.bad.moves = func(list []store.ScheduleMove) {
		for i := range list {
			list[i].Revision++ // it was changed meanwhile
		}
	}
	f.must(f.due("12:00:00"))
	f.wants(s.ID, "11:00 fired")
	if j := f.get(first).Job; j.State != fleet.Pending {
		t.Errorf("the job is %s", j.State)
	}
}
