package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// run is one execution of one document. A called workflow is a run of its own
// that shares the counters of the outermost one.
type run struct {
	opts   *Options
	prog   *program
	limits Limits
	prefix string // before node ids, for a called workflow
	depth  int
	caller *run // of a called workflow
	shared *shared
	watch  *watch

	left atomic.Bool // a node was left behind: nothing more is told

	mu       sync.Mutex
	notes    []string
	states   map[string]any
	owners   map[string]string // the node that made a state
	distinct int
	ever     []bool
	named    []string // what output markers have set
}

// shared is what a run and the workflows that it calls count together.
type shared struct {
	visits atomic.Int64
	steps  atomic.Int64
	out    *reporter
	slots  chan struct{} // for branches beside those that wait for them

	mu      sync.Mutex
	effects map[string]int // how often each effect key was used
}

// Run runs a document to its end.
//
// The Outcome says how the workflow ended, also when it failed by itself; the
// error is then nil. An error means that the run was stopped from outside: by
// ctx, whose cause it is, or by the gate. The Outcome then holds how far it
// came. Run returns soon after ctx has ended, even if a node does not; such a
// node is left behind, and what it still does is not reported.
func Run(ctx context.Context, doc *workflow.Document, o Options) (*Outcome, error) {
	if o.Catalog == nil || o.Host == nil {
		return nil, errors.New("run workflow: a catalog and a host are required")
	}
	if o.NodeTimeout <= 0 {
		o.NodeTimeout = DefaultNodeTimeout
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	o.Limits = o.Limits.filled()
	out := &reporter{sink: o.Sink}
	defer out.close()
	sh := &shared{out: out, slots: make(chan struct{}, o.Limits.Branches), effects: map[string]int{}}
	out.progress(Progress{Percent: 0, Message: "Loading workflow..."})
	return execute(ctx, doc, &o, sh, nil)
}

// callee says how a called workflow hangs in the one that calls it. Its steps
// tell the pass and the branch of the call, or two calls out of a loop could
// not be told apart: neither by people nor by the keys of effects.
type callee struct {
	from      *run
	prefix    string
	branch    string
	iteration string
	vars      *value.Map
}

// execute compiles a document and runs its main branch.
func execute(ctx context.Context, doc *workflow.Document, o *Options, sh *shared, sub *callee) (*Outcome, error) {
	started := o.Host.Now()
	p, err := compile(doc, o)
	if err != nil {
		return failedOutcome(started, o.Host.Now(), AsFailure(err)), nil
	}
	r := &run{
		opts: o, prog: p, limits: o.Limits, shared: sh,
		states: map[string]any{}, owners: map[string]string{}, ever: make([]bool, len(p.nodes)),
	}
	var vars *value.Map
	if sub != nil {
		r.caller, r.depth, r.prefix, vars = sub.from, sub.from.depth+1, sub.prefix, sub.vars
		r.fillDefaults(vars)
	} else {
		vars = r.initial()
		r.progress(Progress{Percent: 5, Message: "Workflow loaded, starting execution..."})
	}
	b := newBranch(r, p, vars)
	if sub != nil {
		b.name, b.base = sub.branch, sub.iteration
	}
	if o.Resume == nil || sub != nil {
		b.add(p.start, b.root)
	} else if err := r.resume(ctx, b); err != nil {
		return failedOutcome(started, o.Host.Now(), AsFailure(err)), nil
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.watch = newWatch(o.Grace)
	r.watch.add(b)
	ended := make(chan error, 1)
	go func() {
		ended <- unbroken(func() error {
			if err := b.drain(ctx); err != nil {
				return err
			}
			return b.outputs(ctx)
		})
	}()
	err = r.watch.wait(ctx, ended)
	return r.finish(b, started, err)
}

// resume brings the main branch to where the checkpoint stands.
func (r *run) resume(ctx context.Context, b *branch) error {
	b.vars = value.NewMap()
	next, err := b.restore(ctx, r.opts.Resume)
	if err != nil {
		return err
	}
	b.vars.Set("_job_id", r.opts.JobID)
	b.vars.Set("_job_priority", int64(r.opts.Priority))
	r.mu.Lock()
	before := r.distinct
	r.mu.Unlock()
	r.line(next, LevelInfo, fmt.Sprintf("The run goes on with node %s; %d nodes were done in the earlier run", next, before))
	r.tell("Going on with: "+next, next)
	return nil
}

// initial makes the variables of a run: the document's defaults, the job's own
// over them, and what the robot adds (rule C5).
func (r *run) initial() *value.Map {
	vars := r.prog.doc.Defaults()
	for k, v := range r.opts.Variables.All() {
		vars.Set(k, value.Clone(v))
	}
	vars.Set("_job_id", r.opts.JobID)
	vars.Set("_job_priority", int64(r.opts.Priority))
	if r.opts.Payload != nil {
		vars.Set("_job_payload", cloneMap(r.opts.Payload))
	}
	return vars
}

// fillDefaults gives a called workflow the defaults that the caller's copy does
// not have.
func (r *run) fillDefaults(vars *value.Map) {
	for k, v := range r.prog.doc.Defaults().All() {
		if !vars.Has(k) {
			vars.Set(k, v)
		}
	}
}

// executed counts a node the first time that it ran.
func (r *run) executed(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ever[n] {
		r.ever[n] = true
		r.distinct++
	}
}

func (r *run) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.notes) < maxNotes {
		r.notes = append(r.notes, text)
	}
}

// maxNotes bounds Outcome.Notes.
const maxNotes = 1000

// occurrence counts how often an effect key was used so far. The workflows that
// a run calls count with it, since a retry may call one of them again.
func (s *shared) occurrence(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.effects[key]++
	return s.effects[key]
}

// output remembers a name that an output marker has set.
func (r *run) output(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.named = append(r.named, name)
}

// finish makes the outcome.
func (r *run) finish(b *branch, started time.Time, err error) (*Outcome, error) {
	var left *leftBehind
	lost := errors.As(err, &left)
	if lost {
		text := "did not stop when its time was over and was left behind: " + left.nodes
		r.note(text)
		r.line(left.node, LevelWarning, text)
		r.left.Store(true)
	}
	out := &Outcome{
		Success: err == nil, StartedAt: started, CompletedAt: r.opts.Host.Now(),
		Visits: r.shared.visits.Load(), Variables: value.NewMap(),
	}
	r.mu.Lock()
	out.Executed = r.distinct
	out.outputs = r.named
	out.Notes = append(append([]string(nil), r.prog.notes...), r.notes...)
	r.mu.Unlock()
	if !lost { // the branch still belongs to the node otherwise
		out.Variables = public(b.vars)
		out.Executed = b.marked()
		for _, n := range b.path {
			out.Path = append(out.Path, r.prog.nodes[n].id)
		}
	}
	if !lost {
		defer r.checkpoint(b, out, err)
	} else {
		defer r.checkpoint(nil, out, err)
	}
	var h *halt
	switch {
	case err == nil:
		if r.prefix == "" {
			r.progress(Progress{Percent: 100, Message: "Workflow completed"})
		}
	case lost:
		setFailure(out, left.failure, left.node)
		if left.cause != nil {
			return out, left.cause
		}
	case errors.As(err, &h):
		f := AsFailure(h.cause)
		if errors.Is(h.cause, context.DeadlineExceeded) {
			f = &Failure{Type: "TimeoutError", Class: ClassTimeout, Message: "The run timed out"}
		}
		setFailure(out, f, "")
		return out, h.cause
	default:
		f := AsFailure(err)
		setFailure(out, f, f.node)
	}
	return out, nil
}

func setFailure(out *Outcome, f *Failure, node string) {
	out.Error, out.ErrorType, out.ErrorClass, out.Stack, out.FailedNode = f.Message, f.Type, f.Class, f.Stack, node
	if out.ErrorClass == "" {
		out.ErrorClass = ClassApplication
	}
}

func failedOutcome(started, ended time.Time, f *Failure) *Outcome {
	out := &Outcome{StartedAt: started, CompletedAt: ended, Variables: value.NewMap()}
	setFailure(out, f, "")
	return out
}
