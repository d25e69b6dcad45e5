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
		Store: f.Store, Keep: Keep{Jobs: 90 * 24 * time.Hour, Events: 30 * 24 * time.Hour, Logs: 30 * 24 * time.Hour},
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
	run(12)
	now = now.Add(89 * 24 * time.Hour)
	run(12)
	now = now.Add(33 * 24 * time.Hour) // with partitions they go by the month
	run(0)
	f.View(func(r store.Reader) error {
		j, err := r.Job(waiting.ID)
		if err == nil && j.State != fleet.Pending {
			t.Errorf("the waiting job is %s", j.State)
		}
		return err
	})
	keep := chore.Keep
	chore.Keep = Keep{}
	if done, err := chore.RunOnce(t.Context()); err != nil || done.Jobs+done.Events+done.Lines > 0 {
		t.Errorf("what is kept for ever was taken: %+v %v", done, err)
	}
	// When nothing in a month is needed any more, the month goes.
	f.Cancel(waiting.ID)
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
