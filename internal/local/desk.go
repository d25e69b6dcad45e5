package local

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// DeskOptions are what a desk stands on. Runner, Catalog and IDs are required.
type DeskOptions struct {
	Runner  *runner.Runner
	Catalog *catalog.Catalog
	IDs     *fleet.IDs
	Now     func() time.Time
	Limits  workflow.Limits // of documents

	Slots   int // runs at the same time; 2 if not said
	Waiting int // further ones that wait; 16 if not said
	Kept    int // runs whose end is remembered; 50 if not said
	Lines   int // of the log of a run that are kept; 20,000 if not said

	// Dir is where runs work; empty: each in a folder of its own that is removed.
	Dir string
	// Files are the workflow files that may be opened; nil: none.
	Files *Files
	// Secrets finds what a workflow may have of the secrets that it names; nil: nothing.
	Secrets func(named []string) (fetch func(context.Context, string) (string, error), known []string, err error)
}

// Desk keeps the local runs of a program where those who look at its page can
// follow them: how each stands node by node, its log, its end. It remembers the
// last ones only, and nothing of it outlives the program.
type Desk struct {
	o    DeskOptions
	runs *Runs
	host string

	mu      sync.Mutex
	entries []*entry // oldest first
	live    int      // not final
	closed  bool
	going   sync.WaitGroup
}

// entry is one run, guarded by the desk's lock.
type entry struct {
	tenant  fleet.TenantID
	run     fleet.LocalRun
	nodes   map[string]int // place in run.Nodes
	lines   []fleet.LogLine
	dropped int64
	cancel  context.CancelCauseFunc
	changed chan struct{} // closed by the next change
}

// NewDesk makes a desk. Whoever makes it closes it.
func NewDesk(o DeskOptions) *Desk {
	def := func(n *int, to int) {
		if *n <= 0 {
			*n = to
		}
	}
	def(&o.Slots, 2)
	def(&o.Waiting, 16)
	def(&o.Kept, 50)
	def(&o.Lines, 20_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "this machine"
	}
	return &Desk{o: o, runs: New(o.Runner, o.Slots), host: host}
}

// Host is the name of the machine that runs take place on.
func (d *Desk) Host() string { return d.host }

// Start checks the document and begins to run it. It does not wait for the end.
func (d *Desk) Start(tenant fleet.TenantID, in fleet.LocalStart) (fleet.LocalRun, error) {
	doc, err := d.read(in.Document)
	if err != nil {
		return fleet.LocalRun{}, err
	}
	job := runner.Job{Parsed: doc, Dir: d.o.Dir, KeepDir: d.o.Dir != "", Timeout: in.Timeout}
	if job.Variables, err = variables(in.Variables); err != nil {
		return fleet.LocalRun{}, err
	}
	if d.o.Secrets != nil {
		if job.Secret, job.Secrets, err = d.o.Secrets(doc.Fleet.Secrets); err != nil {
			return fleet.LocalRun{}, err
		}
	}
	name := in.Name
	if name == "" {
		name = doc.Name()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return fleet.LocalRun{}, fleet.Errorf(fleet.CodeUnavailable, "shutting_down", "No more local runs are taken.")
	case d.live >= d.o.Slots+d.o.Waiting:
		return fleet.LocalRun{}, fleet.Errorf(fleet.CodeExhausted, "too_many_local_runs",
			"%d runs go on or wait here, and no more are taken at once.", d.live).
			WithFix("Wait until one has ended, or cancel one.")
	}
	e := &entry{tenant: tenant, nodes: map[string]int{}, changed: make(chan struct{}), run: fleet.LocalRun{
		ID: d.o.IDs.New(), Name: name, File: in.File, Host: d.host, State: fleet.Pending, CreatedAt: d.o.Now().UTC(), Nodes: []fleet.NodeRun{}, Version: 1,
	}}
	job.ID = string(e.run.ID)
	ctx, cancel := context.WithCancelCause(context.Background()) // it outlives the request
	e.cancel = cancel
	d.entries = append(d.entries, e)
	d.live++
	d.forget()
	d.going.Go(func() { defer cancel(nil); d.follow(ctx, e, job) })
	return e.show(), nil
}

// forget drops the oldest runs that have ended. The caller holds the lock.
func (d *Desk) forget() {
	over := len(d.entries) - d.live - d.o.Kept
	d.entries = slices.DeleteFunc(d.entries, func(e *entry) bool {
		if over > 0 && e.run.State.Final() {
			over--
			return true
		}
		return false
	})
}

// follow takes a run to its end.
func (d *Desk) follow(ctx context.Context, e *entry, job runner.Job) {
	out, err := d.runs.Run(ctx, job, func(ev Event) { d.note(e, ev) })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live--
	r := &e.run
	r.EndedAt, r.CurrentNode = d.o.Now().UTC(), ""
	if out != nil {
		r.Notes, r.Result = out.Notes, d.result(out)
		if !out.StartedAt.IsZero() {
			r.StartedAt, r.DurationMS = out.StartedAt.UTC(), out.CompletedAt.Sub(out.StartedAt).Milliseconds()
		}
	}
	r.State, r.Error = ended(out, err)
	if r.State == fleet.Completed {
		r.Progress = 100
	}
	for i := range r.Nodes {
		if r.Nodes[i].Status == string(runner.StepRunning) { // left when the run was stopped
			r.Nodes[i].Status = string(runner.StepCancelled)
		}
	}
	if e.dropped > 0 {
		e.lines = append(e.lines, fleet.LogLine{
			Epoch: 1, Line: int64(len(e.lines) + 1), At: r.EndedAt, Level: "WARNING", Message: droppedText(e.dropped),
		})
	}
	e.touch()
	d.forget()
}

// ended puts the end of a run into the words of jobs.
func ended(out *runner.Outcome, err error) (fleet.State, *fleet.JobError) {
	fault := func(class fleet.ErrorClass, text string) *fleet.JobError {
		e := fleet.JobError{Class: class, Message: text}.Normalize()
		return &e
	}
	switch {
	case errors.Is(err, ErrCancelled):
		return fleet.Cancelled, nil
	case out == nil && err != nil:
		return fleet.Failed, fault(fleet.ClassInfrastructure, fleet.AsError(err).Message)
	case out.Success:
		return fleet.Completed, nil
	}
	e := fleet.JobError{
		Class: fleet.ErrorClass(out.ErrorClass), Type: out.ErrorType, Message: out.Error, Node: out.FailedNode, Stack: out.Stack,
	}.Normalize()
	if out.ErrorClass == runner.ClassTimeout {
		return fleet.TimedOut, &e
	}
	return fleet.Failed, &e
}

// result is what a run left, as the result of a job says it.
func (d *Desk) result(out *runner.Outcome) json.RawMessage {
	const most = 4 << 20
	vars := out.Variables
	if vars == nil {
		vars = value.NewMap()
	}
	text, err := value.Marshal(value.MapOf("variables", vars, "nodes_executed", int64(out.Executed)))
	if err != nil || len(text) > most {
		return json.RawMessage(`{"variables":{},"note":"What the run left is too large to be shown."}`)
	}
	return text
}

// note takes down what a run tells.
func (d *Desk) note(e *entry, ev Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &e.run
	if r.State == fleet.Pending {
		r.State, r.StartedAt = fleet.Running, d.o.Now().UTC()
	}
	switch {
	case ev.Log != nil:
		if len(e.lines) >= d.o.Lines {
			e.dropped++
			return
		}
		e.lines = append(e.lines, fleet.LogLine{
			Epoch: 1, Line: int64(len(e.lines) + 1), At: ev.Log.At.UTC().Truncate(time.Millisecond), Level: string(ev.Log.Level), Node: ev.Log.NodeID, Message: ev.Log.Message,
		})
	case ev.Progress != nil:
		r.Progress, r.CurrentNode = max(r.Progress, ev.Progress.Percent), ev.Progress.NodeID
	case ev.Step != nil:
		e.step(ev.Step)
	default:
		return
	}
	e.touch()
}

// step takes down one execution of a node.
func (e *entry) step(s *runner.Step) {
	i, seen := e.nodes[s.NodeID]
	if !seen {
		i = len(e.run.Nodes)
		e.nodes[s.NodeID] = i
		e.run.Nodes = append(e.run.Nodes, fleet.NodeRun{ID: s.NodeID, Type: s.NodeType})
	}
	n := &e.run.Nodes[i]
	n.Status, n.Error, n.Notes = string(s.Status), s.Error, s.Notes
	if s.Status == runner.StepRunning {
		n.Runs++
		n.StartedAt, n.DurationMS = s.StartedAt.UTC().Truncate(time.Millisecond), 0
		e.run.CurrentNode = s.NodeID
		return
	}
	n.DurationMS = s.Duration.Milliseconds()
}

// touch tells those who wait. The caller holds the lock.
func (e *entry) touch() {
	e.run.Version++
	close(e.changed)
	e.changed = make(chan struct{})
}

// show is a copy that goes on without the lock.
func (e *entry) show() fleet.LocalRun {
	r := e.run
	r.Nodes = slices.Clone(r.Nodes)
	return r
}

// List shows the runs of a tenant, newest first.
func (d *Desk) List(tenant fleet.TenantID) []fleet.LocalRun {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []fleet.LocalRun{}
	for _, e := range slices.Backward(d.entries) {
		if e.tenant == tenant {
			out = append(out, e.show())
		}
	}
	return out
}

// Get shows a run. With after it waits, as long as ctx lasts, until the run is
// newer than that; the newest is returned also when the wait was in vain.
func (d *Desk) Get(ctx context.Context, tenant fleet.TenantID, id fleet.ID, after int64) (fleet.LocalRun, error) {
	for {
		d.mu.Lock()
		e, err := d.find(tenant, id)
		if err != nil {
			d.mu.Unlock()
			return fleet.LocalRun{}, err
		}
		run, changed := e.show(), e.changed
		d.mu.Unlock()
		if run.Version > after || run.State.Final() {
			return run, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return run, nil
		}
	}
}

// Log returns at most limit lines from the given one on; it waits for them as
// long as ctx lasts, unless the run has ended.
func (d *Desk) Log(ctx context.Context, tenant fleet.TenantID, id fleet.ID, from int64, limit int) (fleet.LocalLog, error) {
	from = max(from, 1)
	for {
		d.mu.Lock()
		e, err := d.find(tenant, id)
		if err != nil {
			d.mu.Unlock()
			return fleet.LocalLog{}, err
		}
		out := fleet.LocalLog{Run: e.show()}
		if n := int64(len(e.lines)); from <= n {
			out.Lines = slices.Clone(e.lines[from-1 : min(n, from-1+int64(limit))])
		}
		changed := e.changed
		d.mu.Unlock()
		if len(out.Lines) > 0 || out.Run.State.Final() {
			return out, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return out, nil
		}
	}
}

// Cancel stops a run. It returns before the run has ended; one that has ended is left.
func (d *Desk) Cancel(tenant fleet.TenantID, id fleet.ID) (fleet.LocalRun, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, err := d.find(tenant, id)
	if err == nil && e.run.State.Final() {
		err = fleet.Errorf(fleet.CodeConflict, "run_finished", "The run %s has ended: %s.", id, e.run.State)
	}
	if err != nil {
		return fleet.LocalRun{}, err
	}
	e.run.State = fleet.Cancelling
	e.touch()
	e.cancel(ErrCancelled)
	return e.show(), nil
}

// find looks a run up. Those of others are not there. The caller holds the lock.
func (d *Desk) find(tenant fleet.TenantID, id fleet.ID) (*entry, error) {
	for _, e := range d.entries {
		if e.run.ID == id && e.tenant == tenant {
			return e, nil
		}
	}
	return nil, fleet.NotFound("local run", string(id)).WithFix("Local runs are remembered as long as the program runs, the last ones only.")
}

// Close stops all runs and waits for them.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.runs.Close()
	d.going.Wait()
}
