// Package local runs workflows in this very process, for `fleet run`, the
// sample of `fleet dev` and the editor's local mode: no orchestrator, no lease,
// no journal.
//
// It must not reach an orchestrator or keep anything: when the process ends, a
// local run is gone.
//
// Guarantees: at most as many runs at a time as it was made for, further ones
// wait in line; the events of one run come in order from one goroutine at a
// time, the last of them with the outcome; [Runs.Close] stops all runs and
// returns when they have ended.
package local

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner"
)

// Event is one thing that a run tells; exactly one of the pointers is set.
type Event struct {
	JobID    string
	Log      *runner.Line
	Step     *runner.Step
	Progress *runner.Progress
	Outcome  *runner.Outcome // the last event
}

// Runs are the local runs of this process.
type Runs struct {
	runner *runner.Runner
	slots  chan struct{}

	mu     sync.Mutex
	active map[string]context.CancelCauseFunc
	closed bool
	wait   sync.WaitGroup
}

// New makes room for limit runs at a time, at least one.
func New(r *runner.Runner, limit int) *Runs {
	return &Runs{
		runner: r, slots: make(chan struct{}, max(1, limit)),
		active: map[string]context.CancelCauseFunc{},
	}
}

// Run waits for room, runs the job to its end and returns how it ended. tell
// may be nil; it must return soon, since the run waits for it.
//
// A workflow that fails gives an outcome and no error. A run that was cancelled
// gives both: how far it came, and why.
func (r *Runs) Run(ctx context.Context, job runner.Job, tell func(Event)) (*runner.Outcome, error) {
	ctx, leave, err := r.enter(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	defer leave()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if tell == nil {
		tell = func(Event) {}
	}
	out, err := r.runner.Run(ctx, job, &teller{job: job.ID, tell: tell}, nil)
	if out != nil {
		tell(Event{JobID: job.ID, Outcome: out})
	}
	return out, err
}

// enter makes a run known under its id.
func (r *Runs) enter(ctx context.Context, id string) (context.Context, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, fleet.Errorf(fleet.CodeUnavailable, "shutting_down", "No more local runs are taken.")
	}
	if _, taken := r.active[id]; taken {
		return nil, nil, fleet.Errorf(fleet.CodeConflict, "already_running", "Job %s runs here already.", id)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.active[id] = cancel
	r.wait.Add(1)
	return ctx, func() {
		r.mu.Lock()
		delete(r.active, id)
		r.mu.Unlock()
		cancel(nil)
		r.wait.Done()
	}, nil
}

// Active lists the ids of the runs that wait or go on, sorted.
func (r *Runs) Active() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.active))
	for id := range r.active {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Cancel stops a run. It returns before the run has ended.
func (r *Runs) Cancel(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cancel, ok := r.active[id]
	if !ok {
		return fleet.Errorf(fleet.CodeNotFound, "no_such_run", "No job %s runs here.", id)
	}
	cancel(ErrCancelled)
	return nil
}

// ErrCancelled is why a run ends that somebody stopped.
var ErrCancelled = fmt.Errorf("local run: %w", context.Canceled)

// Close stops all runs and waits for them.
func (r *Runs) Close() {
	r.mu.Lock()
	r.closed = true
	for _, cancel := range r.active {
		cancel(ErrCancelled)
	}
	r.mu.Unlock()
	r.wait.Wait()
}

// teller turns what a run tells into events.
type teller struct {
	job  string
	tell func(Event)
}

// Log passes a line on.
func (t *teller) Log(l runner.Line) { t.tell(Event{JobID: t.job, Log: &l}) }

// Step passes a step on.
func (t *teller) Step(s runner.Step) { t.tell(Event{JobID: t.job, Step: &s}) }

// Progress passes the progress on.
func (t *teller) Progress(p runner.Progress) { t.tell(Event{JobID: t.job, Progress: &p}) }

var _ runner.Sink = (*teller)(nil)
