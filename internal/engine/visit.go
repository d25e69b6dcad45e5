package engine

import (
	"context"
	"slices"

	"github.com/casarerpa/fleet/internal/engine/template"
	"github.com/casarerpa/fleet/workflow/value"
)

// Single is one visit of one node without a graph around it, as tests of nodes
// and previews need it.
type Single struct {
	Node      Node
	NodeID    string
	Spec      *Spec // catalog entry; nil for none
	Type      string
	Inputs    map[string]any // values on ports
	Config    *value.Map
	Variables *value.Map // live: the node's writes show here; nil means none
	Host      Host
	Log       func(Line)
	Links     []string // flow ports that something is linked to
	Workflow  string   // name of the workflow
	Call      func(ctx context.Context, doc []byte, in SubRun) (*Outcome, error)
}

// Visited is what a single visit left.
type Visited struct {
	Outputs *value.Map
	Result  Result
	Notes   []string
}

// VisitOne runs the node once. A panic of the node is an error.
func VisitOne(ctx context.Context, s Single) (out Visited, err error) {
	if s.Variables == nil {
		s.Variables = value.NewMap()
	}
	if s.Config == nil {
		s.Config = value.NewMap()
	}
	view := &single{Single: s, states: map[string]any{}, look: lookup(ctx, s.Variables, s.Host)}
	call := &Call{
		NodeID: s.NodeID, Type: s.Type, Spec: s.Spec,
		host: s.Host, run: view, config: s.Config, outputs: value.NewMap(),
	}
	for name, v := range s.Inputs {
		call.setInput(name, v)
	}
	out.Result, err = guarded(ctx, s.Node, call)
	if err == nil {
		err = call.broken
	}
	out.Outputs, out.Notes = call.outputs, call.notes
	return out, err
}

// single is the view of a run for one node alone.
type single struct {
	Single
	states map[string]any
	look   template.Lookup
}

func (s *single) variables() *value.Map { return s.Variables }

func (s *single) linked(port string) bool { return slices.Contains(s.Links, port) }

func (s *single) workflowName() string { return s.Workflow }

func (s *single) set(name string, v any) error {
	s.Variables.Set(name, v)
	return nil
}

func (s *single) resolve(v any) any { return resolveIn(v, s.look) }

func (s *single) condition(v any) (bool, string) {
	return template.Condition(v, s.look)
}

func (s *single) evaluate(expression string) (any, error) {
	look := s.look
	look.Rand = s.Host.Rand()
	return template.Evaluate(expression, look)
}

func (s *single) log(nodeID string, level Level, text string) {
	if s.Log != nil {
		s.Log(Line{At: s.Host.Now(), Level: level, NodeID: nodeID, Message: text})
	}
}

func (s *single) call(ctx context.Context, doc []byte, in SubRun) (*Outcome, error) {
	if s.Call == nil {
		return nil, Fail("RuntimeError", "No workflow can be called here")
	}
	return s.Call(ctx, doc, in)
}

func (s *single) state(key string, create func() any) any {
	v, ok := s.states[key]
	if !ok {
		v = create()
		s.states[key] = v
	}
	return v
}
