package upkeep

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// BenchmarkSchedulesDue fires 1,000 schedules that are due in one second, of
// 100,000 that are there: an operation is that second.
func BenchmarkSchedulesDue(b *testing.B) {
	const all, due = 100_000, 1000
	f := newTimed(b)
	ids := fleet.NewIDs(func() time.Time { return f.clock }, rand.Reader)
	first := f.clock.Add(time.Minute)
	for from := 0; from < all; from += 1000 {
		err := f.store.Update(b.Context(), store.System("benchmark"), func(tx store.Tx) error {
			for i := from; i < from+1000; i++ {
				s := fleet.NewSchedule()
				s.ID, s.Tenant, s.Name, s.WorkflowID = ids.New(), "default", fmt.Sprint("s", i), f.workflow
				s.Kind, s.IntervalSeconds, s.Timezone = fleet.ScheduleInterval, all/due, "UTC"
				s.Overlap = fleet.Overlap{Policy: fleet.OverlapParallel, Max: fleet.MaxOverlap}
				s.StartAt = first.Add(time.Duration(i/due) * time.Second)
				s.Revision, s.CreatedAt, s.Since, s.Cursor, s.DueAt = 1, f.clock, f.clock, f.clock, s.StartAt
				if err := tx.AddSchedule(s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	f.clock = first.Add(-time.Second)
	b.ResetTimer()
	for n := 0; b.Loop(); n++ {
		f.clock = f.clock.Add(time.Second)
		if _, err := f.chore.RunOnce(b.Context(), f.clock); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(due*float64(b.N)/b.Elapsed().Seconds(), "fires/s")
	if n := len(f.events(fleet.EventScheduleFired)); n == 0 {
		b.Error("nothing fired")
	}
}
