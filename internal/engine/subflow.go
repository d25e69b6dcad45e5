package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

const (
	defaultCallTimeout = 300
	maxCallTimeout     = 86400
)

// call runs another document inside this run.
func (s *scope) call(ctx context.Context, doc []byte, in SubRun) (*Outcome, error) {
	d, err := s.b.parseCalled(doc)
	if err != nil {
		return nil, err
	}
	return s.b.callDocument(ctx, s.at, d, in)
}

// parseCalled makes a document of the text that a caller has fetched.
func (b *branch) parseCalled(text []byte) (*workflow.Document, error) {
	cat := b.run.opts.Catalog
	d, err := workflow.Parse(text, workflow.Options{Catalog: cat})
	if err == nil {
		err = workflow.Validate(d, cat, workflow.Policy{}).Err()
	}
	if err != nil {
		return nil, &Failure{Type: "WorkflowValidationError", Class: ClassInvalid, Message: err.Error()}
	}
	return d, nil
}

// callDocument runs a document on a copy of the variables. The ids of its nodes
// are reported behind the id of the caller. The settings of d may be changed.
func (b *branch) callDocument(ctx context.Context, at *visiting, d *workflow.Document, in SubRun) (*Outcome, error) {
	r := b.run
	if r.depth+1 > r.limits.Depth {
		return nil, Fail("RecursionError", "Workflows call each other more than %d deep", r.limits.Depth)
	}
	for at, v := range in.Settings {
		for _, n := range d.Nodes {
			if property, ok := strings.CutPrefix(at, n.ID+"."); ok {
				n.Config.Set(property, v)
			}
		}
	}
	vars := in.Variables
	if vars == nil {
		vars = value.NewMap()
	}
	at.deepen("the failure was inside of the workflow that node %s calls")
	o := *r.opts
	o.Resume = nil
	sub := &callee{
		from: r, prefix: r.prefix + at.n.id + "/", branch: b.name, iteration: b.iteration(at.frame), vars: cloneMap(vars),
	}
	out, err := execute(ctx, d, &o, r.shared, sub)
	if err != nil && ctx.Err() != nil {
		return out, stopped(context.Cause(ctx))
	}
	if err != nil {
		return out, stopped(err)
	}
	return out, nil
}

// outputs evaluates the output markers of a called workflow, which no flow
// reaches, when everything else is done.
func (b *branch) outputs(ctx context.Context) error {
	for i := range b.prog.nodes {
		n := &b.prog.nodes[i]
		if n.typ != "SubflowOutputNode" || b.done[i] || n.disabled {
			continue
		}
		if err := b.visit(ctx, entry{i, b.root}); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads the document that a node names by one of its properties.
func (v *visiting) fetch(ctx context.Context, keys ...string) ([]byte, error) {
	for _, key := range keys {
		if ref := v.call.Text(key); ref != "" {
			return v.call.Host().Workflow(ctx, ref)
		}
	}
	return nil, Fail("ValueError", "No workflow is named in %s", strings.Join(keys, " or "))
}

// bind makes the variables and settings of a called workflow: a copy of the
// caller's variables, the inputs by name, the promoted parameters.
func (b *branch) bind(v *visiting, face workflow.Interface) SubRun {
	in := SubRun{Variables: cloneMap(b.vars), Settings: map[string]any{}}
	for _, name := range v.call.Ports() {
		val, _ := v.call.Port(name)
		in.Variables.Set(name, value.Clone(val))
	}
	for _, e := range face.Inputs {
		name := field(e, "name")
		if name == "" {
			continue
		}
		if val := v.call.Param(name); val != nil {
			in.Variables.Set(name, val)
		} else if m, ok := e.(*value.Map); ok && !in.Variables.Has(name) {
			if def, ok := firstOf(m, "default_value", "default", "value"); ok {
				in.Variables.Set(name, value.Clone(def))
			}
		}
	}
	for _, e := range face.Parameters {
		name := field(e, "name")
		node := field(e, "internal_node_id", "node_id", "node")
		property := field(e, "internal_property_key", "internal_property", "property_name", "property_key", "property")
		if property == "" {
			property = name
		}
		val := v.call.Param(name)
		if val == nil {
			if m, ok := e.(*value.Map); ok {
				val, _ = firstOf(m, "default_value", "default")
			}
		}
		if name != "" && node != "" && val != nil {
			in.Settings[node+"."+property] = val
		}
	}
	return in
}

// field reads the first text of an entry that one of the keys has.
func field(e any, keys ...string) string {
	if s, ok := e.(string); ok {
		return s
	}
	m, _ := e.(*value.Map)
	v, _ := firstOf(m, keys...)
	s, _ := v.(string)
	return s
}

func firstOf(m *value.Map, keys ...string) (any, bool) {
	for _, key := range keys {
		if v, ok := m.Get(key); ok && v != nil {
			return v, true
		}
	}
	return nil, false
}

// collect hands the outputs of a called workflow to the ports of the caller.
func (v *visiting) collect(face workflow.Interface, out *Outcome) {
	for _, e := range face.Outputs {
		name := field(e, "name")
		if name == "" {
			continue
		}
		if val, ok := out.Variables.Get(name); ok {
			v.call.Set(name, val)
			continue
		}
		node := field(e, "internal_node_id", "source_node", "node_id", "node")
		port := field(e, "internal_port", "internal_port_name", "source_port", "port_name", "port")
		if ports, ok := out.Variables.Get(node); ok {
			if m, ok := ports.(*value.Map); ok {
				if val, ok := m.Get(port); ok {
					v.call.Set(name, val)
				}
			}
		}
	}
	// Output markers name what the graph itself gives.
	for _, k := range out.outputs {
		if val, ok := out.Variables.Get(k); ok {
			v.call.Set(k, val)
		}
	}
}

// runInner fetches, binds, runs and collects.
func (b *branch) runInner(ctx context.Context, v *visiting, keys ...string) (*Outcome, error) {
	data, err := v.fetch(ctx, keys...)
	if err != nil {
		return nil, err
	}
	d, err := b.parseCalled(data)
	if err != nil {
		return nil, err
	}
	out, err := b.callDocument(ctx, v, d, b.bind(v, d.Interface))
	if err != nil {
		return out, err
	}
	if !out.Success {
		return out, &Failure{
			Type: out.ErrorType, Class: out.ErrorClass, Stack: out.Stack,
			Message: "Subflow failed: " + out.Error,
		}
	}
	v.collect(d.Interface, out)
	return out, nil
}

// orError follows the port error when it is linked, instead of failing.
func (b *branch) orError(v *visiting, err error) (flow, error) {
	if err == nil {
		return flow{res: Goto("exec_out")}, nil
	}
	if isHalt(err) || !b.linked(v.node, "error") {
		return flow{}, err
	}
	v.call.Note(err.Error())
	return flow{res: Goto("error")}, nil
}

func runSubflow(ctx context.Context, b *branch, v *visiting) (flow, error) {
	_, err := b.runInner(ctx, v, "subflow_path", "subflow_id")
	return b.orError(v, err)
}

func runExecuteWorkflow(ctx context.Context, b *branch, v *visiting) (flow, error) {
	out, err := b.execute(ctx, v)
	if err == nil && !out.Success {
		err = &Failure{Type: out.ErrorType, Class: out.ErrorClass, Stack: out.Stack, Message: "Workflow failed: " + out.Error}
	}
	return b.orError(v, err)
}

func (b *branch) execute(ctx context.Context, v *visiting) (*Outcome, error) {
	data, err := v.fetch(ctx, "workflow_path")
	if err != nil {
		return nil, err
	}
	d, err := b.parseCalled(data)
	if err != nil {
		return nil, err
	}
	return b.callDocument(ctx, v, d, SubRun{Variables: b.vars})
}

func runCallSubworkflow(ctx context.Context, b *branch, v *visiting) (flow, error) {
	started := time.Now()
	err := b.callSubworkflow(ctx, v)
	v.call.Set("success", err == nil)
	v.call.Set("execution_time_ms", time.Since(started).Milliseconds())
	return b.orError(v, err)
}

func (b *branch) callSubworkflow(ctx context.Context, v *visiting) error {
	if v.call.Text("execution_mode") == "async" {
		return b.submit(ctx, v)
	}
	secs, err := v.call.Int("timeout_seconds", defaultCallTimeout)
	if err != nil {
		return err
	}
	limit := time.Duration(max(1, min(secs, maxCallTimeout))) * time.Second
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err = b.runInner(inner, v, "subworkflow_path", "subworkflow_id")
	if err != nil && errors.Is(inner.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return &Failure{
			Type: "TimeoutError", Class: ClassTimeout,
			Message: "The called workflow timed out after " + seconds(limit) + "s",
		}
	}
	return err
}

// submit starts the called workflow as a job of its own.
func (b *branch) submit(ctx context.Context, v *visiting) error {
	ref := v.call.Text("subworkflow_id")
	if ref == "" {
		ref = v.call.Text("subworkflow_path")
	}
	if b.run.opts.Submit == nil {
		return Fail("NotImplementedError", "Workflow %q cannot be started as a job of its own here; use the mode sync", ref)
	}
	vars := value.NewMap()
	for _, name := range v.call.Ports() {
		val, _ := v.call.Port(name)
		vars.Set(name, value.Clone(val))
	}
	id, err := b.run.opts.Submit(ctx, ref, vars)
	v.call.Set("job_id", id)
	return err
}

// runSubflowInput gives the variable of its name to the graph.
func runSubflowInput(_ context.Context, _ *branch, v *visiting) (flow, error) {
	if val, ok := v.call.Var(v.call.Text("port_name")); ok {
		v.call.Set("value", val)
	}
	return flow{res: Result{End: true}}, nil
}

// runSubflowOutput makes a value the variable that the caller reads.
func runSubflowOutput(_ context.Context, b *branch, v *visiting) (flow, error) {
	name := v.call.Text("port_name")
	v.call.SetVar(name, v.call.Param("value"))
	b.run.output(name)
	return flow{res: Result{End: true}}, nil
}
