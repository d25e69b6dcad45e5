package storetest

import (
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func rollupTests() map[string]func(f *Fixture) {
	at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	row := func(dim fleet.RollupDim, key string) fleet.RollupKey {
		return fleet.RollupKey{Span: fleet.SpanHour, At: at, Dim: dim, Key: key}
	}
	query := func(dim fleet.RollupDim, key string) store.RollupQuery {
		return store.RollupQuery{Span: fleet.SpanHour, Dim: dim, Key: key, From: at, To: at.Add(24 * time.Hour)}
	}
	return map[string]func(f *Fixture){
		"once": func(f *Fixture) {
			o := f.Other("globex")
			one := fleet.Rollup{
				row(fleet.DimAll, ""):        {Completed: 1, RunMS: 700, Runs: fleet.Histogram{3: 1}, Sample: "a"},
				row(fleet.DimWorkflow, "w1"): {Label: "Invoices", Completed: 1},
			}
			add := func(x *Fixture, from, to int64) (added bool) {
				x.Update(func(tx store.Tx) (err error) {
					added, err = tx.AddRollups(store.RollupHead{Tenant: x.Tenant, Seq: from}, to, f.Now, one)
					return err
				})
				return added
			}
			is(f, "first", add(f, 0, 10), true)
			is(f, "the same again", add(f, 0, 10), false)
			is(f, "from elsewhere", add(f, 5, 12), false)
			is(f, "on", add(f, 10, 12), true)
			is(f, "the other's", add(o, 0, 3), true)
			f.View(func(r store.Reader) error {
				head, err := r.RollupHead()
				f.must(err)
				is(f, "head", head.Seq, int64(12))
				q := query(fleet.DimAll, "")
				q.Spread = true
				list, err := r.Rollups(q)
				f.must(err)
				is(f, "rows", len(list), 1)
				got := list[0].Tally
				is(f, "counted", fmt.Sprint(got.Completed, got.RunMS, got.Runs, got.Sample), fmt.Sprint(2, 1400, fleet.Histogram{3: 2}, "a"))
				sums, err := r.RollupSums(query(fleet.DimWorkflow, ""))
				f.must(err)
				is(f, "sums", fmt.Sprintln(len(sums), sums[0].Key, sums[0].Label, sums[0].Completed), "1 w1 Invoices 2\n")
				list, err = r.Rollups(query(fleet.DimWorkflow, ""))
				is(f, "of all keys", len(list), 1)
				f.must(err)
				for _, spread := range []bool{false, true} {
					q := query(fleet.DimWorkflow, "w1")
					q.Spread = spread
					one, err := r.Rollups(q)
					f.must(err)
					is(f, "of one key", len(one), 1)
				}
				none, err := r.Rollups(query(fleet.DimWorkflow, "w2"))
				is(f, "of another", len(none), 0)
				return err
			})
			f.Update(func(tx store.Tx) error {
				n, err := tx.PruneRollups(fleet.SpanHour, at, 10)
				is(f, "none is old", n, 0)
				f.must(err)
				n, err = tx.PruneRollups(fleet.SpanHour, at.Add(time.Hour), 10)
				is(f, "old", n, 2)
				return err
			})
			o.View(func(r store.Reader) error {
				list, err := r.RollupSums(query(fleet.DimAll, ""))
				is(f, "the other's stay", len(list), 1)
				return err
			})
		},
		"readings": func(f *Fixture) {
			f.Robot("r1", 2)
			rows := fleet.Rollup{row(fleet.DimAll, ""): {Samples: 1, PendingSum: 4, PendingMax: 4}}
			read := func(minute time.Time) (added bool) {
				f.Update(func(tx store.Tx) (err error) {
					if added, err = tx.AddReadings(f.Tenant, minute, rows); err != nil || !added {
						return err
					}
					return tx.AddRobotMinutes(f.Tenant, minute, map[fleet.RobotID]fleet.RobotMinute{"r1": {CPU: float64(10 + minute.Minute()), Slots: 2, Taken: 1}})
				})
				return added
			}
			is(f, "a minute", read(at), true)
			is(f, "again", read(at), false)
			is(f, "the next", read(at.Add(time.Minute)), true)
			is(f, "an older one", read(at), false)
			f.View(func(r store.Reader) error {
				hours, err := r.RobotHours("r1", at, at.Add(time.Hour), true)
				f.must(err)
				is(f, "hours", len(hours), 1)
				is(f, "hour", fmt.Sprint(hours[0].Samples, hours[0].Mean.CPU, hours[0].Peak.CPU, hours[0].Mean.Taken, len(hours[0].Minutes)), "2 10.5 11 1 2")
				return nil
			})
			f.Update(func(tx store.Tx) error {
				n, err := tx.PruneRobotHours(at, at.Add(time.Hour), 10)
				is(f, "minutes", n, 1)
				return err
			})
			f.View(func(r store.Reader) error {
				hours, err := r.RobotHours("r1", at, at.Add(time.Hour), true)
				is(f, "without minutes", fmt.Sprint(hours[0].Samples, len(hours[0].Minutes)), "2 0")
				return err
			})
			f.Update(func(tx store.Tx) error {
				n, err := tx.PruneRobotHours(at.Add(time.Hour), at, 10)
				is(f, "hours", n, 1)
				return err
			})
		},
		"failures": func(f *Fixture) {
			rows := fleet.Rollup{}
			for i := range fleet.MaxFailures + 20 {
				rows[row(fleet.DimFailure, fmt.Sprint("f", i))] = &fleet.Tally{Failed: 1, Label: "x"}
			}
			f.Update(func(tx store.Tx) error {
				_, err := tx.AddRollups(store.RollupHead{Tenant: f.Tenant}, 1, f.Now, rows)
				return err
			})
			f.View(func(r store.Reader) error {
				list, err := r.RollupSums(query(fleet.DimFailure, ""))
				f.must(err)
				sum, other := int64(0), int64(0)
				for _, l := range list {
					if sum += l.Failed; l.Key == fleet.OtherFailures {
						other = l.Failed
					}
				}
				is(f, "none is lost", fmt.Sprint(len(list), sum, other), fmt.Sprint(fleet.MaxFailures+1, fleet.MaxFailures+20, 20))
				return nil
			})
		},
		"facts": func(f *Fixture) {
			s := f.Robot("r1", 4)
			spec := f.Spec()
			spec.Retry.Max = 0
			done, open := f.Running(spec, "r1", s), f.Submit(f.Spec())
			f.ends(done, fleet.ReportFailed)
			f.System(func(r store.Reader) error {
				heads, err := r.RollupHeads()
				is(f, "behind", len(heads) > 0 && heads[0].Seq == 0 && heads[0].Head > 0, true)
				return err
			})
			f.View(func(r store.Reader) error {
				facts, err := r.JobFacts([]fleet.ID{done.ID, open.ID, f.IDs.New()})
				f.must(err)
				is(f, "facts", len(facts), 2)
				d := facts[done.ID]
				is(f, "of one that ended", fmt.Sprint(d.Job.State, d.Error != nil, len(d.Attempts), len(d.Events)), fmt.Sprint(fleet.Failed, true, 1, 4))
				is(f, "of one that waits", len(facts[open.ID].Events), 0)
				return nil
			})
		},
	}
}
