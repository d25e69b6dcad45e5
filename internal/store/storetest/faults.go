package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Faulty is a store whose calls can be made to fail before they begin, to fail
// after their commit so that the outcome is unknown to the caller, or to wait.
// It is safe for concurrent use.
type Faulty struct {
	inner store.Store

	mu   sync.Mutex
	plan map[string][]Fault
	hits map[string]int
}

// Fault is what happens to one call.
type Fault struct {
	Before error           // the call is not made
	After  error           // the call is made, its answer is lost
	Delay  <-chan struct{} // the call waits for it
}

// ErrFault is a fault's usual error.
var ErrFault = &fleet.Error{Code: fleet.CodeUnavailable, Reason: "injected", Message: "The store was made to fail."}

// NewFaulty wraps a store; without a plan it changes nothing.
func NewFaulty(inner store.Store) *Faulty {
	return &Faulty{inner: inner, plan: map[string][]Fault{}, hits: map[string]int{}}
}

// Plan queues faults for the next calls of a method, by its name.
func (s *Faulty) Plan(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan[method] = append(s.plan[method], faults...)
}

// Hits says how often a method was called.
func (s *Faulty) Hits(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[method]
}

// Unwrap returns the store inside.
func (s *Faulty) Unwrap() any { return s.inner }

func (s *Faulty) call(ctx context.Context, method string, do func() error) error {
	s.mu.Lock()
	s.hits[method]++
	var f Fault
	if q := s.plan[method]; len(q) > 0 {
		f, s.plan[method] = q[0], q[1:]
	}
	s.mu.Unlock()
	if f.Delay != nil {
		select {
		case <-f.Delay:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Before != nil {
		return f.Before
	}
	if err := do(); err != nil {
		return err
	}
	return f.After
}

// View passes through.
func (s *Faulty) View(ctx context.Context, sc store.Scope, fn func(r store.Reader) error) error {
	return s.call(ctx, "View", func() error { return s.inner.View(ctx, sc, fn) })
}

// Update passes through.
func (s *Faulty) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	return s.call(ctx, "Update", func() error { return s.inner.Update(ctx, sc, fn) })
}

// Enqueue passes through.
func (s *Faulty) Enqueue(ctx context.Context, sc store.Scope, in []store.Submission) (out []store.Submitted, err error) {
	return out, s.call(ctx, "Enqueue", func() (err error) { out, err = s.inner.Enqueue(ctx, sc, in); return err })
}

// Assign passes through.
func (s *Faulty) Assign(ctx context.Context, sc store.Scope, plan []store.Assignment, now time.Time) (won []store.Won, lost []store.Lost, err error) {
	return won, lost, s.call(ctx, "Assign", func() (err error) { won, lost, err = s.inner.Assign(ctx, sc, plan, now); return err })
}

// Accept passes through.
func (s *Faulty) Accept(ctx context.Context, sc store.Scope, in []store.Acceptance, now time.Time) (out []error, err error) {
	return out, s.call(ctx, "Accept", func() (err error) { out, err = s.inner.Accept(ctx, sc, in, now); return err })
}

// Beat passes through.
func (s *Faulty) Beat(ctx context.Context, sc store.Scope, in []store.Beat, now time.Time) (out []store.BeatAnswer, err error) {
	return out, s.call(ctx, "Beat", func() (err error) { out, err = s.inner.Beat(ctx, sc, in, now); return err })
}

// Report passes through.
func (s *Faulty) Report(ctx context.Context, sc store.Scope, in []fleet.Report, now time.Time) (out []fleet.Verdict, err error) {
	return out, s.call(ctx, "Report", func() (err error) { out, err = s.inner.Report(ctx, sc, in, now); return err })
}

// TailEvents passes through.
func (s *Faulty) TailEvents(ctx context.Context, sc store.Scope, tenant fleet.TenantID, after int64, limit int) (out []fleet.Event, err error) {
	return out, s.call(ctx, "TailEvents", func() (err error) { out, err = s.inner.TailEvents(ctx, sc, tenant, after, limit); return err })
}

// AppendLogs passes through.
func (s *Faulty) AppendLogs(ctx context.Context, sc store.Scope, in []fleet.LogBatch) (out []fleet.LogAck, err error) {
	return out, s.call(ctx, "AppendLogs", func() (err error) { out, err = s.inner.AppendLogs(ctx, sc, in); return err })
}

// PruneLogs passes through.
func (s *Faulty) PruneLogs(ctx context.Context, sc store.Scope, jobs []fleet.ID) error {
	return s.call(ctx, "PruneLogs", func() error { return s.inner.PruneLogs(ctx, sc, jobs) })
}

// LogJobs passes through.
func (s *Faulty) LogJobs(ctx context.Context, sc store.Scope, after fleet.ID, before time.Time, limit int) (out []fleet.ID, err error) {
	return out, s.call(ctx, "LogJobs", func() (err error) { out, err = s.inner.LogJobs(ctx, sc, after, before, limit); return err })
}

// ReadSteps passes through.
func (s *Faulty) ReadSteps(ctx context.Context, sc store.Scope, job fleet.ID, q store.StepQuery) (out []fleet.Step, err error) {
	return out, s.call(ctx, "ReadSteps", func() (err error) { out, err = s.inner.ReadSteps(ctx, sc, job, q); return err })
}

// ReadLogs passes through.
func (s *Faulty) ReadLogs(ctx context.Context, sc store.Scope, job fleet.ID, q store.LogQuery) (out []fleet.LogLine, err error) {
	return out, s.call(ctx, "ReadLogs", func() (err error) { out, err = s.inner.ReadLogs(ctx, sc, job, q); return err })
}

// Signals are the inner store's.
func (s *Faulty) Signals() *store.Signals { return s.inner.Signals() }

// Health passes through.
func (s *Faulty) Health(ctx context.Context) error {
	return s.call(ctx, "Health", func() error { return s.inner.Health(ctx) })
}

// Close closes the inner store.
func (s *Faulty) Close() error { return s.inner.Close() }

var _ store.Store = (*Faulty)(nil)

// RunFaults loses answers of every verb of the main road and shows that the
// key that was chosen beforehand resolves each: the repeated call changes
// nothing more.
func RunFaults(t *testing.T, open Open) {
	for what, fault := range map[string]Fault{"before": {Before: ErrFault}, "after": {After: ErrFault}} {
		t.Run(what, func(t *testing.T) {
			var faulty *Faulty
			f := New(t, func(t testing.TB) store.Store {
				faulty = NewFaulty(open(t))
				return faulty
			})
			happened := fault.After != nil
			lost := func(method string, call func() error) {
				t.Helper()
				faulty.Plan(method, fault)
				is(t, method+" fails", errors.Is(call(), ErrFault), true)
				f.must(call())
			}
			session := f.Robot("r1", 9)

			sub := f.Submission(f.Spec())
			sub.Key = &store.IdempotencyKey{Route: "jobs", Key: "k", Hash: "h", ExpiresAt: time.Now().Add(time.Hour)}
			var submitted store.Submitted
			lost("Enqueue", func() error {
				again := sub
				again.Job.ID = f.IDs.New() // a client that repeats knows no id
				out, err := f.Store.Enqueue(t.Context(), f.Scope, []store.Submission{again})
				if len(out) > 0 {
					submitted = out[0]
				}
				return err
			})
			is(t, "replayed", submitted.Replayed, happened)
			j := submitted.Job

			var reasons []store.Lost
			lost("Assign", func() (err error) {
				_, reasons, err = f.Store.Assign(t.Context(), f.Scope, []store.Assignment{f.Plan(j, "r1", session)}, f.Now)
				return err
			})
			is(t, "assigned before", len(reasons) == 1, happened)
			j = f.Job(j.ID)
			is(t, "one epoch", j.Epoch, int64(1))

			lost("Accept", func() error {
				errs, err := f.Store.Accept(t.Context(), f.Scope, []store.Acceptance{f.acceptance(j)}, f.Now)
				if err == nil {
					err = errs[0]
				}
				return err
			})
			lost("Beat", func() error {
				_, err := f.Store.Beat(t.Context(), f.Scope, []store.Beat{{Tenant: f.Tenant, RobotID: "r1", SessionEpoch: session}}, f.Now)
				return err
			})
			var verdict fleet.VerdictKind
			lost("Report", func() error {
				out, err := f.Store.Report(t.Context(), f.Scope, []fleet.Report{f.NewReport(j, fleet.ReportComplete, 1)}, f.Now)
				if err == nil {
					verdict = out[0].Verdict
				}
				return err
			})
			is(t, "reported before", verdict == fleet.VerdictDuplicate, happened)

			second := f.Submit(f.Spec())
			lost("Update", func() error {
				return f.Move(second.ID, func(s fleet.Subject) (*fleet.Move, error) {
					return s.Cancel(fleet.CancelRequest{By: "u"}, f.Now)
				})
			})
			is(t, "events", len(f.Events(0)), 6)
			f.CheckInvariants()
		})
	}
}
