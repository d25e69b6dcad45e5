package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// row writes a row of an instant, as it stands there from before a change.
func (f *timed) row(s *fleet.Schedule, clock string) {
	f.Helper()
	at, err := time.Parse("15:04", clock)
	f.must(err)
	f.must(f.store.Update(f.Context(), f.admin.Scope(), func(tx store.Tx) error {
		return tx.AddFires([]fleet.Fire{{
			Tenant: s.Tenant, Schedule: s.ID, At: time.Date(2026, 11, 23, at.Hour(), at.Minute(), 0, 0, time.UTC), Kind: fleet.FireScheduled,
			DueAt: f.now, Outcome: fleet.FireMissed, MadeAt: f.now, Reason: "from before",
		}})
	}))
}

// An instant that has its row from before a change has no job, counts for
// nothing, and nothing waits for it.
func TestAnInstantWithARowCountsForNothing(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) {
		c.Overlap, c.MaxRuns = overlap(fleet.OverlapQueueAll), new(2)
		c.Misfire = &MisfireChange{Policy: new(fleet.MisfireAll), WithinSeconds: new(86400)}
	})
	s, err := f.Schedules.Update(t.Context(), f.admin, string(s.ID), 0, ScheduleChange{Description: new("changed")})
	f.must(err)
	f.row(&s, "12:00")
	jobs := f.count("jobs")
	f.must(f.due("13:30:00"))
	f.wants(s.ID, "11:00 fired, 12:00 missed, 13:00 fired")
	got, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
	f.must(err)
	rows := f.rows(s.ID)
	if got.Runs != 2 || got.LastJob != rows[0].JobID {
		t.Errorf("%d runs, the last job is %s, want 2 and %s", got.Runs, got.LastJob, rows[0].JobID)
	}
	if now := f.count("jobs"); now != "3" || jobs != "1" {
		t.Errorf("jobs went from %s to %s", jobs, now)
	}
	var parents []fleet.ID
	f.must(f.store.View(t.Context(), f.admin.Scope(), func(r store.Reader) (err error) { parents, err = r.Parents(rows[0].JobID); return err }))
	if len(parents) != 1 || parents[0] != rows[2].JobID {
		t.Errorf("the last job waits for %v", parents)
	}
}

// A job that the store would not take is a refused instant, counts for nothing,
// and those behind it do not wait for it.
func TestAJobThatTheStoreRefusesCountsForNothing(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) {
		c.Overlap = overlap(fleet.OverlapQueueAll)
		c.Misfire = &MisfireChange{Policy: new(fleet.MisfireAll), WithinSeconds: new(86400)}
	})
	full := 0
	f.bad.enqueue = func(list []store.Submission, out []store.Submitted) {
		for i := range list {
			if list[i].Job.FireAt.Hour() == 12 {
				out[i].Err = fleet.Errorf(fleet.CodeExhausted, "too_many_children", "No more jobs may wait for it.")
				full++
			}
		}
	}
	f.must(f.due("13:30:00"))
	f.wants(s.ID, "11:00 fired, 12:00 refused, 13:00 fired")
	rows := f.rows(s.ID)
	got, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
	f.must(err)
	if full == 0 || got.Runs != 2 || got.LastJob != rows[0].JobID || rows[1].Reason == "" || rows[1].JobID != "" {
		t.Errorf("%d refusals, %d runs, the last job is %s; the row %+v", full, got.Runs, got.LastJob, rows[1])
	}
	var parents []fleet.ID
	f.must(f.store.View(t.Context(), f.admin.Scope(), func(r store.Reader) (err error) { parents, err = r.Parents(rows[0].JobID); return err }))
	if len(parents) != 1 || parents[0] != rows[2].JobID {
		t.Errorf("the last job waits for %v", parents)
	}
}
