package engine

import (
	"context"
	"sync"

	"github.com/casarerpa/fleet/workflow/value"
)

// Call is one visit of one node: its inputs, its outputs and what is around it.
//
// A parameter is read the same way everywhere (rule C4): the value on the input
// port if it is not null, else the node's own setting with references replaced,
// else the default of the catalog.
type Call struct {
	NodeID string
	Type   string
	Spec   *Spec // nil for a type that the catalog does not hold (tests)

	host    Host
	run     runView
	inputs  []input    // values on ports, null ones left out
	config  *value.Map // settings with their defaults, references not replaced
	filled  bool       // config holds all defaults, so the Spec need not be asked
	outputs *value.Map // nil until something is set
	notes   []string
	broken  error // a limit that the node went over; fails the step
}

// input is a value on a port.
type input struct {
	name string
	val  any
}

func (c *Call) setInput(name string, v any) {
	for i := range c.inputs {
		if c.inputs[i].name == name {
			c.inputs[i].val = v
			return
		}
	}
	c.inputs = append(c.inputs, input{name, v})
}

// runView is the part of the interpreter that a node may use. It is an
// interface so that a node can be tested without one.
type runView interface {
	variables() *value.Map // the live scope of this branch
	set(name string, v any) error
	resolve(v any) any // replace references in v
	condition(v any) (bool, string)
	evaluate(expression string) (any, error)
	linked(port string) bool // by flow, at the node of the call
	workflowName() string
	log(nodeID string, level Level, text string)
	call(ctx context.Context, doc []byte, in SubRun) (*Outcome, error)
	state(key string, create func() any) any
}

// Host returns the outside world.
func (c *Call) Host() Host { return c.host }

// Port returns the value on an input port alone, if it is not null.
func (c *Call) Port(name string) (any, bool) {
	for i := range c.inputs {
		if c.inputs[i].name == name {
			return c.inputs[i].val, c.inputs[i].val != nil
		}
	}
	return nil, false
}

// Ports returns the names of the input ports that have a value, in the order
// of the links. Nodes that take any port read them through it.
func (c *Call) Ports() []string {
	names := make([]string, 0, len(c.inputs))
	for i := range c.inputs {
		if c.inputs[i].val != nil {
			names = append(names, c.inputs[i].name)
		}
	}
	return names
}

// Setting returns the node's own setting as written, references not replaced.
func (c *Call) Setting(name string) (any, bool) {
	v, ok := c.config.Get(name)
	return v, ok && v != nil
}

// Param reads a parameter: port, else resolved setting, else catalog default.
// Null and absent are both nil.
func (c *Call) Param(name string) any {
	if v, ok := c.Port(name); ok {
		return v
	}
	if v, ok := c.Setting(name); ok {
		return c.run.resolve(v)
	}
	if c.Spec != nil && !c.filled {
		if p, ok := c.Spec.Property(name); ok {
			return value.Clone(p.Default)
		}
	}
	return nil
}

// Has says whether Param would give something that is neither null nor "".
func (c *Call) Has(name string) bool {
	v := c.Param(name)
	return v != nil && v != ""
}

// Text reads a parameter as text in Python's str form; null is "".
func (c *Call) Text(name string) string {
	v := c.Param(name)
	if v == nil {
		return ""
	}
	return value.Str(v)
}

// Int reads a parameter with Python's int rules; null and "" give def.
func (c *Call) Int(name string, def int64) (int64, error) {
	v := c.Param(name)
	if v == nil || v == "" {
		return def, nil
	}
	n, err := value.ToInt(v)
	if err != nil {
		if f, ferr := value.ToFloat(v); ferr == nil { // "30.0" in old saves
			return int64(f), nil
		}
		return 0, Fail("ValueError", "%s: %s", name, err)
	}
	return n, nil
}

// Float reads a parameter with Python's float rules; null and "" give def.
func (c *Call) Float(name string, def float64) (float64, error) {
	v := c.Param(name)
	if v == nil || v == "" {
		return def, nil
	}
	f, err := value.ToFloat(v)
	if err != nil {
		return 0, Fail("ValueError", "%s", err)
	}
	return f, nil
}

// Bool reads a parameter: texts are true for true, 1, yes and on; other values
// by Python's truth.
func (c *Call) Bool(name string) bool { return value.ToBool(c.Param(name)) }

// Set puts a value on an output port.
func (c *Call) Set(port string, v any) {
	if c.outputs == nil {
		c.outputs = value.NewMap()
	}
	c.outputs.Set(port, v)
}

// Output returns what Set put there.
func (c *Call) Output(port string) (any, bool) { return c.outputs.Get(port) }

// Var reads a variable of the run.
func (c *Call) Var(name string) (any, bool) { return c.run.variables().Get(name) }

// SetVar writes a variable of the run. One that is larger than the run allows
// is not kept, and the step fails.
func (c *Call) SetVar(name string, v any) {
	if err := c.run.set(name, v); err != nil && c.broken == nil {
		c.broken = err
	}
}

// DeleteVar removes a variable of the run.
func (c *Call) DeleteVar(name string) { c.run.variables().Delete(name) }

// Vars is the scope itself; a node that stores into it changes the run.
func (c *Call) Vars() *value.Map { return c.run.variables() }

// Resolve replaces references in v, recursively inside lists and objects.
func (c *Call) Resolve(v any) any { return c.run.resolve(v) }

// Condition reads v as a condition by the rules of the document page (C4). One
// that cannot be decided is false, with a warning that says why.
func (c *Call) Condition(v any) bool {
	ok, warning := c.run.condition(v)
	if warning != "" {
		c.Warn(warning)
	}
	return ok
}

// Evaluate gives the value of an expression as a setting holds it, with its
// references still in it, so that each keeps its type.
func (c *Call) Evaluate(expression string) (any, error) { return c.run.evaluate(expression) }

// Linked says whether the flow is linked to an output port of this node, for
// nodes whose ports go by more than one name.
func (c *Call) Linked(port string) bool { return c.run.linked(port) }

// WorkflowName is the name of the workflow that the node stands in.
func (c *Call) WorkflowName() string { return c.run.workflowName() }

// Log writes a line to the job's log.
func (c *Call) Log(level Level, text string) { c.run.log(c.NodeID, level, text) }

// Note adds a remark to the step's record, for the author of the workflow.
func (c *Call) Note(text string) { c.notes = append(c.notes, text) }

// Warn is a remark that the author should not have to look for: it goes into
// the job's log too, but only once for each node, since a loop may repeat it a
// thousand times.
func (c *Call) Warn(text string) {
	c.Note(text)
	warned, _ := c.State(warnedState, func() any { return &sync.Map{} }).(*sync.Map)
	if _, again := warned.LoadOrStore(c.NodeID, true); !again {
		c.Log(LevelWarning, text)
	}
}

// warnedState is the state of Warn. A run that goes on elsewhere may warn again.
const warnedState = "engine.warned"

// State returns a value that lives as long as the run and is not a variable,
// such as the XML document that the last parse node kept. make creates it.
func (c *Call) State(key string, create func() any) any { return c.run.state(key, create) }

// SubRun is what a called workflow is given.
type SubRun struct {
	Variables *value.Map        // a copy; changes do not flow back
	Settings  map[string]any    // promoted parameters: node id + "." + property → value
	Outputs   map[string]string // output name → variable of the called run
}

// RunWorkflow runs another document inside this one, on a copy of the
// variables, at most ten deep.
func (c *Call) RunWorkflow(ctx context.Context, doc []byte, in SubRun) (*Outcome, error) {
	return c.run.call(ctx, doc, in)
}
