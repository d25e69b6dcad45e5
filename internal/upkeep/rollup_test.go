package upkeep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// flaky is a store whose commits fail now and then, before or after they were
// made: a process that dies in the middle of a chore.
type flaky struct {
	store.Store
	mu     sync.Mutex
	chance *rand.Rand
}

var errDied = errors.New("died")

func (s *flaky) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	s.mu.Lock()
	n := s.chance.IntN(4)
	s.mu.Unlock()
	if n == 0 {
		return errDied
	}
	if err := s.Store.Update(ctx, sc, fn); err != nil {
		return err
	}
	if n == 1 {
		return errDied
	}
	return nil
}

// TestRollupsEqualRecount drives random jobs to random ends while two leaders at
// once count them and die at random, and holds every row against a count of the
// jobs themselves.
func TestRollupsEqualRecount(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rollupsEqual(t, seed) })
	}
}

func rollupsEqual(t *testing.T, seed uint64) {
	chance := rand.New(rand.NewPCG(seed, 1))
	f := newFleet(t)
	var leaders []*Rollups
	for i := range uint64(2) {
		leaders = append(leaders, &Rollups{
			Store: &flaky{Store: f.store, chance: rand.New(rand.NewPCG(seed, 2+i))}, Now: func() time.Time { return f.clock },
			Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Step: 7,
		})
	}
	both := func() {
		var wg sync.WaitGroup
		for _, r := range leaders {
			wg.Go(func() {
				if _, err := r.RunOnce(t.Context()); err != nil && !errors.Is(err, errDied) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	var jobs []fleet.ID
	report := int64(0)
	for range 60 {
		f.clock = f.clock.Add(time.Duration(chance.IntN(40)) * time.Minute)
		j := f.submit(func(r *orchestrator.SubmitRequest) {
			if chance.IntN(4) == 0 {
				r.NotBefore = f.clock.Add(time.Hour)
			}
			r.Retry = &fleet.RetryChange{}
		})
		jobs = append(jobs, j.ID)
		if !j.NotBefore.IsZero() || chance.IntN(6) == 0 {
			if chance.IntN(2) == 0 {
				f.cancel(j.ID)
			}
			continue
		}
		ref := f.start(j, true)
		f.clock = f.clock.Add(time.Duration(chance.IntN(90_000)) * time.Millisecond)
		report++
		f.end(ref, report, chance.IntN(3) > 0)
		if chance.IntN(3) == 0 {
			both()
		}
	}
	for range 200 { // until they are through, however often they die
		both()
		if f.behind() == 0 {
			break
		}
	}
	if n := f.behind(); n != 0 {
		t.Fatalf("%d events are not counted", n)
	}
	want := f.recount(jobs)
	for _, span := range fleet.RollupSpans() {
		got := f.rollups(span)
		if diff := cmp.Diff(want[span], got); diff != "" {
			t.Errorf("span %d (-jobs +rollups):\n%s", span, diff)
		}
	}
}

// cancel stops a job that waits.
func (f *fleetOfOne) cancel(id fleet.ID) {
	f.t.Helper()
	if _, err := f.core.Jobs.Cancel(f.t.Context(), f.admin(), id, fleet.CancelRequest{}); err != nil {
		f.t.Fatal(err)
	}
}

// end lets the robot report the end of an attempt.
func (f *fleetOfOne) end(ref store.Ref, report int64, well bool) {
	f.t.Helper()
	r := fleet.Report{JournalID: "j1", ReportID: report, JobID: ref.JobID, Epoch: ref.Epoch, Kind: fleet.ReportComplete, Result: []byte(`{}`)}
	if !well {
		r.Kind, r.Result = fleet.ReportFailed, nil
		r.Error = &fleet.JobError{Class: fleet.ClassBusiness, Message: fmt.Sprintf("InvoiceError: no invoice %d in 'box %d'", report, report)}
	}
	got, err := f.core.Attempts.Report(f.t.Context(), f.robot, []fleet.Report{r})
	if err != nil || got[0].Verdict != fleet.VerdictApplied {
		f.t.Fatalf("report: %v %+v", err, got)
	}
}

func (f *fleetOfOne) behind() int64 {
	f.t.Helper()
	var behind int64
	err := f.store.View(f.t.Context(), store.System("test"), func(r store.Reader) error {
		heads, err := r.RollupHeads()
		for _, h := range heads {
			behind += h.Head - h.Seq
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return behind
}

// counted is a row as the test compares it: by key and bucket.
type counted map[string]fleet.Tally

func (f *fleetOfOne) rollups(span fleet.RollupSpan) counted {
	f.t.Helper()
	out := counted{}
	err := f.store.View(f.t.Context(), store.System("test").In("default"), func(r store.Reader) error {
		for _, dim := range []fleet.RollupDim{fleet.DimAll, fleet.DimWorkflow, fleet.DimRobot, fleet.DimEnvironment, fleet.DimTrigger, fleet.DimError, fleet.DimFailure, fleet.DimWait} {
			list, err := r.Rollups(store.RollupQuery{Span: span, Dim: dim, From: time.Unix(0, 0), To: f.clock.AddDate(1, 0, 0), Spread: true})
			if err != nil {
				return err
			}
			for _, l := range list {
				l.Label, l.Sample = "", ""
				if dim == fleet.DimFailure { // the recount knows no fingerprints
					l.Key = ""
				}
				out.add(dim, l.Key, l.At, l.Tally)
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (c counted) add(dim fleet.RollupDim, key string, at time.Time, t fleet.Tally) {
	k := fmt.Sprint(dim, " ", key, " ", at.UTC().Format(time.RFC3339))
	sum := c[k]
	sum.Add(&t)
	if len(sum.Runs) == 0 {
		sum.Runs = nil
	}
	if len(sum.Waits) == 0 {
		sum.Waits = nil
	}
	c[k] = sum
}

// recount makes the same rows from the jobs themselves, in the plainest way.
func (f *fleetOfOne) recount(jobs []fleet.ID) map[fleet.RollupSpan]counted {
	f.t.Helper()
	out := map[fleet.RollupSpan]counted{}
	for _, span := range fleet.RollupSpans() {
		c := counted{}
		out[span] = c
		for _, id := range jobs {
			j := f.state(id)
			many := func(at time.Time, t fleet.Tally) {
				at = at.Truncate(time.Duration(span) * time.Second)
				c.add(fleet.DimAll, "", at, t)
				c.add(fleet.DimWorkflow, string(j.Workflow.ID), at, t)
				c.add(fleet.DimEnvironment, j.Environment, at, t)
				c.add(fleet.DimTrigger, "request", at, t)
			}
			many(j.CreatedAt, fleet.Tally{Created: 1})
			if !j.State.Final() {
				continue
			}
			t := fleet.Tally{}
			switch j.State {
			case fleet.Completed:
				t.Completed, t.RunMS = 1, j.EndedAt.Sub(j.StartedAt).Milliseconds()
				t.Runs = fleet.Histogram{}
				t.Runs.Add(t.RunMS)
			case fleet.Failed:
				t.Failed = 1
			case fleet.Cancelled:
				t.Cancelled = 1
			default:
				f.t.Fatalf("a job is %s", j.State)
			}
			end := j.EndedAt.Truncate(time.Duration(span) * time.Second)
			wait := j.EndedAt.Sub(j.CreatedAt) // of one that was cancelled as it waited
			if !j.FirstStartedAt.IsZero() {
				wait = j.FirstStartedAt.Sub(j.CreatedAt)
				t.Waited, t.WaitMS, t.Waits = 1, wait.Milliseconds(), fleet.Histogram{}
				t.Waits.Add(t.WaitMS)
				c.add(fleet.DimRobot, "r1", end, t)
				if span != fleet.SpanShort {
					for from := j.StartedAt; from.Before(j.EndedAt); {
						to := from.Truncate(time.Hour).Add(time.Hour)
						if to.After(j.EndedAt) {
							to = j.EndedAt
						}
						busy, at := fleet.Tally{BusyMS: to.Sub(from).Milliseconds()}, from.Truncate(time.Duration(span)*time.Second)
						c.add(fleet.DimAll, "", at, busy)
						c.add(fleet.DimRobot, "r1", at, busy)
						from = to
					}
				}
			}
			many(end, t)
			if t.Failed == 1 {
				c.add(fleet.DimError, "InvoiceError", end, t)
				c.add(fleet.DimFailure, "", end, t)
			}
			on := fleet.WaitingRobot
			if j.AvailableAt.After(j.CreatedAt) {
				on = fleet.WaitingTime
			}
			w := fleet.Tally{Waited: 1, WaitMS: wait.Milliseconds(), Waits: fleet.Histogram{}}
			w.Waits.Add(w.WaitMS)
			c.add(fleet.DimWait, string(on), end, w)
		}
	}
	return out
}
