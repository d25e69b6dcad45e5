package orchestrator

import (
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A preview says what else comes in the same minute, and how many slots usually
// are free then.
func TestPreviewBeside(t *testing.T) {
	w := newWorld(t)
	made := w.submit()
	cron := func(s string) *string { return &s }
	utc := "UTC"
	for name, rule := range map[string]string{"morning": "0 9 * * *", "noon": "0 12 * * *"} {
		_, err := w.Schedules.Create(t.Context(), w.admin, ScheduleChange{Name: &name, WorkflowID: &made.Workflow.ID, Cron: cron(rule), Timezone: &utc})
		w.must(err)
	}
	now := w.Schedules.Now()
	last := fleet.SpanHour.Floor(now.Add(-7 * 24 * time.Hour)).Truncate(24 * time.Hour).Add(9 * time.Hour)
	w.must(w.Schedules.Store.Update(t.Context(), store.System("test").In(w.admin.Tenant), func(tx store.Tx) error {
		_, err := tx.AddRollups(store.RollupHead{Tenant: w.admin.Tenant}, 0, now, fleet.Rollup{
			{Span: fleet.SpanHour, At: last, Dim: fleet.DimAll}: {BusyMS: 3_600_000, CapacityMS: 4 * 3_600_000},
		})
		return err
	}))
	runs, _, err := w.Schedules.Preview(t.Context(), w.admin, "", ScheduleChange{Cron: cron("0,30 9 * * *"), Timezone: &utc}, time.Time{}, 14)
	w.must(err)
	known := 0
	for _, r := range runs {
		if want := r.At.Minute() == 0; slices.Equal(r.Beside, []string{"morning"}) != want || !want && len(r.Beside) > 0 {
			t.Errorf("%s comes beside %q", r.At, r.Beside)
		}
		if r.Free != nil {
			if known++; *r.Free != 3 || r.At.Weekday() != last.Weekday() {
				t.Errorf("%s has %v free", r.At, *r.Free)
			}
		}
	}
	if known != 2 {
		t.Errorf("of %d runs is known what is free", known)
	}
	runs, _, err = w.Schedules.Preview(t.Context(), w.admin, "morning", ScheduleChange{}, time.Time{}, 3)
	w.must(err)
	for _, r := range runs {
		if len(r.Beside) > 0 {
			t.Errorf("a schedule comes beside itself: %q", r.Beside)
		}
	}
}
