package upkeep

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// BenchmarkNumbers reads numbers of 90 days in which so many jobs ended, of 200
// workflows on 100 robots.
func BenchmarkNumbers(b *testing.B) {
	for _, jobs := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint("jobs=", jobs), func(b *testing.B) {
			f := newFleet(b)
			f.past(jobs)
			n, p := f.core.Numbers, auth.Local()
			week, day := orchestrator.NumbersQuery{Range: "7d"}, orchestrator.NumbersQuery{Range: "24h"}
			for _, read := range []struct {
				name string
				run  func() error
			}{
				{"overview7d", func() error { _, err := n.Overview(b.Context(), p, week); return err }},
				{"overview24h", func() error { _, err := n.Overview(b.Context(), p, day); return err }},
				{"overview90d", func() error {
					_, err := n.Overview(b.Context(), p, orchestrator.NumbersQuery{Range: "90d"})
					return err
				}},
				{"throughput7d", func() error { _, err := n.Series(b.Context(), p, week, 0); return err }},
				{"workflows7d", func() error { _, err := n.Table(b.Context(), p, week, fleet.DimWorkflow, "slowest", 10); return err }},
				{"heatmap30d", func() error {
					_, err := n.Heat(b.Context(), p, orchestrator.NumbersQuery{Range: "30d"})
					return err
				}},
				{"metrics_fleet", func() error { _, err := n.Fleet(b.Context(), p, "24h"); return err }},
				{"metrics_analytics7d", func() error { _, err := n.Analytics(b.Context(), p, 7); return err }},
			} {
				b.Run(read.name, func(b *testing.B) {
					for b.Loop() {
						if err := read.run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// past counts jobs of the last 90 days without storing them.
func (f *fleetOfOne) past(jobs int) {
	f.t.Helper()
	chance := rand.New(rand.NewPCG(1, uint64(jobs)))
	head := store.RollupHead{Tenant: "default"}
	if err := f.store.View(f.t.Context(), store.System("test").In("default"), func(r store.Reader) (err error) {
		head, err = r.RollupHead()
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	const step = 20_000
	for done := 0; done < jobs; done += step {
		rows := fleet.Rollup{}
		for i := range min(step, jobs-done) {
			at := f.clock.Add(-90*24*time.Hour + time.Duration(float64(done+i)/float64(jobs)*float64(90*24*time.Hour)))
			run := time.Duration(1+chance.ExpFloat64()*60_000) * time.Millisecond
			w := chance.IntN(200)
			j := fleet.Job{
				ID: fleet.ID(fmt.Sprintf("%08d", done+i)), Workflow: fleet.JobWorkflow{ID: fleet.ID(fmt.Sprint("w", w)), Name: fmt.Sprint("Workflow ", w)}, Environment: "default",
				RobotID: fleet.RobotID(fmt.Sprint("r", chance.IntN(100))), State: fleet.Completed, CreatedAt: at.Add(-run - time.Second), FirstStartedAt: at.Add(-run), StartedAt: at.Add(-run), EndedAt: at,
			}
			if chance.IntN(20) == 0 {
				j.State = fleet.Failed
			}
			rows.Created(&j)
			rows.Ended(&fleet.JobFacts{
				Job: j, Error: &fleet.JobError{Type: "InvoiceError", Message: fmt.Sprint("kind ", string(rune('a'+chance.IntN(20))))},
				Attempts: []fleet.Attempt{{RobotID: j.RobotID, StartedAt: j.StartedAt, EndedAt: j.EndedAt}},
			})
		}
		if err := f.store.Update(f.t.Context(), store.System("test").In("default"), func(tx store.Tx) error {
			_, err := tx.AddRollups(head, head.Seq+1, f.clock, rows)
			return err
		}); err != nil {
			f.t.Fatal(err)
		}
		head.Seq++
	}
}

// BenchmarkRollups counts jobs that were submitted and cancelled: two events each.
func BenchmarkRollups(b *testing.B) {
	f := newFleet(b)
	r := &Rollups{Store: f.store, Now: func() time.Time { return f.clock }, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }}
	if _, err := r.RunOnce(b.Context()); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		f.cancel(f.submit().ID)
	}
	b.ResetTimer()
	n, err := r.RunOnce(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
