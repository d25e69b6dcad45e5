package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func (f *timed) backfilled(s *fleet.Schedule) fleet.Backfill {
	f.Helper()
	list, err := f.Schedules.Backfills(f.Context(), f.admin, string(s.ID))
	f.must(err)
	if len(list) != 1 {
		f.Fatalf("%d backfills", len(list))
	}
	return list[0]
}

// cancelAll ends the jobs that wait.
func (f *timed) cancelAll() {
	f.Helper()
	list, err := f.Jobs.List(f.Context(), f.admin, store.JobFilter{States: []fleet.State{fleet.Pending}}, fleet.Page{Limit: fleet.PageMax})
	f.must(err)
	for i := range list.Jobs {
		_, err := f.Jobs.Cancel(f.Context(), f.admin, list.Jobs[i].ID, fleet.CancelRequest{})
		f.must(err)
	}
}

// A backfill goes on from where it is: what lies behind it is not looked at, also
// if the schedule would have far more instants there by now.
func TestBackfillGoesOnFromItsCursor(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Cron = new("0 0 * * *") })
	from := f.now.AddDate(0, 0, -9)
	_, err := f.Schedules.Backfill(t.Context(), f.admin, string(s.ID), BackfillRequest{From: from, Until: f.now, MaxParallel: 8})
	f.must(err)
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
	if b := f.backfilled(&s); b.Made != 8 {
		t.Fatalf("%d made", b.Made)
	}
	f.cancelAll()
	_, err = f.Schedules.Update(t.Context(), f.admin, string(s.ID), 0, ScheduleChange{Cron: new("* * * * *")})
	f.must(err)
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
	if b := f.backfilled(&s); b.Made != 16 || b.State != fleet.BackfillRunning {
		t.Errorf("%d made, %s (%s)", b.Made, b.State, b.Reason)
	}
}

// A backfill of a schedule that cannot be read any more ends, with the reason.
func TestBackfillOfAnUnreadableScheduleEnds(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(nil)
	_, err := f.Schedules.Backfill(t.Context(), f.admin, string(s.ID), BackfillRequest{From: f.now.Add(-5 * time.Hour), Until: f.now})
	f.must(err)
	f.must(f.store.Update(t.Context(), f.admin.Scope(), func(tx store.Tx) error {
		gone := s
		gone.Timezone = "Atlantis/Poseidonis"
		return tx.PutSchedule(gone, s.Cursor, false)
	}))
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
	if b := f.backfilled(&s); b.State != fleet.BackfillCancelled || !strings.Contains(b.Reason, "Poseidonis") {
		t.Errorf("it is %s (%s)", b.State, b.Reason)
	}
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
}

// That no more jobs may wait is no fault of a backfill: it goes on once there is
// room.
func TestBackfillWaitsForRoom(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(nil)
	_, err := f.Schedules.Backfill(t.Context(), f.admin, string(s.ID), BackfillRequest{From: f.now.Add(-5 * time.Hour), Until: f.now, MaxParallel: 5})
	f.must(err)
	quota := func(n int) {
		own, err := f.Tenants.Get(t.Context(), f.admin, "default")
		f.must(err)
		own.Quotas.PendingJobs = n
		_, err = f.Tenants.Put(t.Context(), f.admin, own)
		f.must(err)
		f.now = f.now.Add(time.Minute) // what is kept in memory is over
	}
	f.submit()
	quota(1)
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
	if b := f.backfilled(&s); b.Made != 0 || b.State != fleet.BackfillRunning {
		t.Errorf("%d made, %s", b.Made, b.State)
	}
	quota(0)
	f.must(f.Schedules.FireBackfills(t.Context(), f.admin.Scope()))
	if b := f.backfilled(&s); b.Made != 5 {
		t.Errorf("%d made, %s", b.Made, b.State)
	}
}
