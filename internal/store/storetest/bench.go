package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Bench measures the main road of a store, beside nothing and beside a backlog.
func Bench(b *testing.B, open Open, backlog int) {
	b.Run("LifeCycle", func(b *testing.B) { BenchLifeCycle(b, open, 64) })
	for _, n := range []int{0, backlog} {
		b.Run(fmt.Sprintf("Submit/pending=%d", n), func(b *testing.B) { BenchSubmit(b, open, n) })
	}
	for _, n := range []int{10, 1000, backlog} {
		b.Run(fmt.Sprintf("Dispatch/pending=%d", n), func(b *testing.B) { BenchDispatch(b, open, n) })
	}
	for _, n := range []int{1000, backlog} {
		b.Run(fmt.Sprintf("List/finished=%d", n), func(b *testing.B) { BenchList(b, open, n) })
	}
}

// callers runs fn b.N times from n goroutines and reports how many a second.
func callers(b *testing.B, n int, fn func(caller, i int)) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for c := range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				fn(c, i)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "/s")
}

// BenchLifeCycle takes jobs from submit to completion, each step acknowledged
// before the next begins, by n callers with a robot each.
func BenchLifeCycle(b *testing.B, open Open, n int) {
	f := New(b, open)
	sessions := make([]int64, n)
	for c := range n {
		sessions[c] = f.Robot(name("bench", c), 100)
	}
	reports := make([]int64, n)
	callers(b, n, func(c, i int) {
		if err := f.lifeCycle(name("bench", c), sessions[c], &reports[c]); err != nil {
			b.Error(err)
		}
	})
	if c, ok := f.Store.(interface{ Commits() (int64, int64) }); ok {
		commits, changes := c.Commits()
		b.ReportMetric(float64(changes)/float64(commits), "changes/commit")
	}
}

func (f *Fixture) lifeCycle(robot fleet.RobotID, session int64, report *int64) error {
	ctx := f.Context()
	s := f.Submission(f.Spec())
	d := f.audit("job.submit", "")
	s.Audit = &d
	got, err := f.Store.Enqueue(ctx, f.Scope, []store.Submission{s})
	if err != nil {
		return err
	}
	won, lost, err := f.Store.Assign(ctx, f.Scope, []store.Assignment{f.Plan(got[0].Job, robot, session)}, f.Now)
	if err != nil {
		return err
	}
	if len(won) != 1 {
		return fmt.Errorf("lost %+v", lost)
	}
	j := won[0].Job
	errs, err := f.Store.Accept(ctx, f.Scope, []store.Acceptance{f.acceptance(j)}, f.Now)
	if err != nil || errs[0] != nil {
		return fmt.Errorf("accept: %w, %v", err, errs)
	}
	*report++
	v, err := f.Store.Report(ctx, f.Scope, []fleet.Report{f.NewReport(j, fleet.ReportComplete, *report)}, f.Now)
	if err != nil {
		return err
	}
	if v[0].Verdict != fleet.VerdictApplied {
		return fmt.Errorf("verdict %+v", v[0])
	}
	return nil
}

// Fill puts n pending jobs into the store, in batches.
func (f *Fixture) Fill(n int) {
	f.Helper()
	const batch = 500
	for n > 0 {
		in := make([]store.Submission, 0, batch)
		for range min(n, batch) {
			in = append(in, f.Submission(f.Spec()))
		}
		n -= len(in)
		_, err := f.Store.Enqueue(f.Context(), f.Scope, in)
		f.must(err)
	}
}

// BenchSubmit stores one job per call from 64 callers, beside a backlog.
func BenchSubmit(b *testing.B, open Open, backlog int) {
	f := New(b, open)
	f.Fill(backlog)
	callers(b, 64, func(int, int) {
		if _, err := f.Store.Enqueue(b.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())}); err != nil {
			b.Error(err)
		}
	})
}

// BenchDispatch reads what placement looks at, beside a backlog.
func BenchDispatch(b *testing.B, open Open, backlog int) {
	f := New(b, open)
	f.Fill(backlog)
	for b.Loop() {
		f.System(func(r store.Reader) error {
			lanes, err := r.Lanes()
			if err != nil {
				return err
			}
			for _, l := range lanes {
				if _, err := r.Ready(l, 64); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchList reads pages of 100 jobs beside a history of finished ones.
func BenchList(b *testing.B, open Open, finished int) {
	f := New(b, open)
	f.Robot("r1", 1)
	f.Fill(finished)
	f.finish()
	filters := []struct {
		name   string
		filter store.JobFilter
	}{
		{"all", store.JobFilter{}},
		{"failed", store.JobFilter{States: []fleet.State{fleet.Failed}}},
		{"workflow", store.JobFilter{Workflow: "w-1"}},
		{"robot", store.JobFilter{Robot: "r1"}},
		{"running", store.JobFilter{States: []fleet.State{fleet.Running}}},
	}
	for _, c := range filters {
		b.Run(c.name, func(b *testing.B) {
			cursor := ""
			for b.Loop() {
				f.View(func(r store.Reader) error {
					p, err := r.Jobs(c.filter, fleet.Page{Limit: 100, Cursor: cursor})
					cursor = p.Next // the next round reads the next page
					return err
				})
			}
		})
	}
}

// finish ends everything that waits, many jobs in one transaction.
func (f *Fixture) finish() {
	f.Helper()
	for more := true; more; {
		f.must(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
			p, err := tx.Jobs(store.JobFilter{States: []fleet.State{fleet.Pending}}, fleet.Page{Limit: fleet.PageMax})
			if more = len(p.Jobs) > 0; err != nil {
				return err
			}
			for _, j := range p.Jobs {
				m, err := fleet.Subject{Job: j}.Cancel(fleet.CancelRequest{By: "u"}, f.Now)
				if err != nil {
					return err
				}
				if err := tx.Apply(m); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
