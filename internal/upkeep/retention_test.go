package upkeep

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// A store with months of history: the chore leaves what must be kept, and
// everything that is not over, however old it is.
func TestRetention(t *testing.T) {
	f := storetest.New(t, func(t testing.TB) store.Store {
		return dbtest.Open(t, dbtest.Options{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	})
	session := f.Robot("r1", 50)
	var ended []fleet.Job
	for i := range 12 {
		j := f.Running(f.Spec(), "r1", session)
		f.Report(f.NewReport(j, fleet.ReportComplete, int64(i+1)))
		ended = append(ended, j)
	}
	waiting := f.Submit(f.Spec())
	keyed := f.Submission(f.Spec())
	keyed.Key = &store.IdempotencyKey{Route: "POST /jobs", Key: "k", Hash: "h", ExpiresAt: time.Now().Add(24 * time.Hour)}
	stored, err := f.Store.Enqueue(t.Context(), f.Scope, []store.Submission{keyed})
	if err != nil || stored[0].Err != nil {
		t.Fatal(err, stored)
	}
	ended = append(ended, stored[0].Job)
	f.Cancel(stored[0].Job.ID)
	// Two that printed: one has ended, one runs on for all that time.
	running := f.Running(f.Spec(), "r1", session)
	say := func(j fleet.Job, first int64) fleet.LogAck {
		t.Helper()
		acks, err := f.Store.AppendLogs(t.Context(), f.Scope, []fleet.LogBatch{{
			Tenant: f.Tenant, RobotID: "r1", JobID: j.ID, Epoch: j.Epoch, First: first, Lines: []fleet.LogLine{{At: f.Now, Level: "info", Message: "hello"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return acks[0]
	}
	lines := func(j fleet.Job) int {
		t.Helper()
		list, err := f.Store.ReadLogs(t.Context(), f.Scope, j.ID, store.LogQuery{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	say(ended[0], 1)
	say(running, 1)
	count := func() (jobs int) {
		f.View(func(r store.Reader) error {
			for _, j := range ended {
				if _, err := r.Job(j.ID); err == nil {
					jobs++
				}
			}
			return nil
		})
		return jobs
	}
	now := time.Now()
	chore := Retention{
		Store: f.Store, Keep: Keep{Jobs: 90 * 24 * time.Hour, Events: 30 * 24 * time.Hour, Logs: 30 * 24 * time.Hour, Bulks: 90 * 24 * time.Hour},
		Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), Step: 5,
	}
	run := func(want int) {
		t.Helper()
		if _, err := chore.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.CheckInvariants()
		if got := count(); got != want {
			t.Fatalf("%d of the ended jobs are there, want %d", got, want)
		}
	}
	bulks := func() (n int) {
		f.View(func(r store.Reader) error {
			list, _, err := r.Bulks(fleet.Page{})
			n = len(list)
			return err
		})
		return n
	}
	for _, ended := range []time.Time{time.Now(), {}} {
		b := fleet.Bulk{ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.CommandPause, State: fleet.BulkRunning, Wave: 1, Waves: 1, Total: 1}
		f.Update(func(tx store.Tx) error {
			return tx.AddBulk(b, []fleet.BulkTarget{{Bulk: b.ID, RobotID: "r1", Wave: 1, State: fleet.TargetDone}})
		})
		b.Version, b.EndedAt = 1, ended
		f.Update(func(tx store.Tx) error { return tx.PutBulk(b) })
	}
	run(13)
	now = now.Add(89 * 24 * time.Hour)
	run(13)
	if n := bulks(); n != 2 {
		t.Errorf("%d bulk operations are kept after 89 days, want 2", n)
	}
	if n := lines(ended[0]); n != 0 {
		t.Errorf("%d lines of an ended job are kept", n)
	}
	now = now.Add(33 * 24 * time.Hour) // with partitions they go by the month
	run(0)
	if n := bulks(); n != 1 {
		t.Errorf("%d bulk operations are there, want the one that has not ended", n)
	}
	if next := say(running, 2).NextLine; next != 3 || lines(running) != 2 {
		t.Errorf("a job that runs has %d lines and is asked for line %d, want 2 and 3", lines(running), next)
	}
	f.View(func(r store.Reader) error {
		j, err := r.Job(waiting.ID)
		if err == nil && j.State != fleet.Pending {
			t.Errorf("the waiting job is %s", j.State)
		}
		return err
	})
	keep := chore.Keep
	chore.Keep = Keep{}
	if done, err := chore.RunOnce(t.Context()); err != nil || done.Jobs+done.Events+done.Lines+done.Bulks > 0 {
		t.Errorf("what is kept for ever was taken: %+v %v", done, err)
	}
	// When nothing in a month is needed any more, the month goes.
	f.Cancel(waiting.ID)
	f.Report(f.NewReport(running, fleet.ReportComplete, 100))
	chore.Keep, now = keep, now.Add(400*24*time.Hour)
	done, err := chore.RunOnce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, whole := f.Store.(partitioned)
	if whole != (done.Partitions > 0) || whole == (done.Jobs > 0) {
		t.Errorf("with partitions %v, took %+v", whole, done)
	}
	f.View(func(r store.Reader) error {
		if _, err := r.Job(waiting.ID); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("the cancelled job: %v", err)
		}
		return nil
	})
	f.CheckInvariants()
	f.Submit(f.Spec()) // and it goes on
	f.CheckInvariants()
}
