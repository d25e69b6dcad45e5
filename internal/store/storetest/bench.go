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

// Bench measures the main road of a store.
func Bench(b *testing.B, open Open) {
	b.Run("LifeCycle", func(b *testing.B) { BenchLifeCycle(b, open, 64) })
	b.Run("Submit", func(b *testing.B) { BenchSubmit(b, open, 0) })
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("Dispatch/pending=%d", n), func(b *testing.B) { BenchDispatch(b, open, n) })
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
}

func (f *Fixture) lifeCycle(robot fleet.RobotID, session int64, report *int64) error {
	ctx := f.Context()
	got, err := f.Store.Enqueue(ctx, f.Scope, []store.Submission{f.Submission(f.Spec())})
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
