package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Node is the behaviour of one node type. What the type looks like (ports,
// properties, defaults) is data and stands in the catalog; a Node only acts.
//
// Run is called once for each visit. It reads its inputs through the Call,
// sets its outputs with Call.Set and says where the flow goes on. It must not
// keep the Call or its values after it returned, must end soon after ctx ends,
// and reaches the outside world through Call.Host alone. Nodes are shared by
// all runs of the process, so they hold no state of their own.
//
// An error fails the step: the flow then follows the enclosing try or retry,
// else the run fails with the error's text. Use [Fail] to name an error type
// that a workflow can catch.
type Node interface {
	Run(ctx context.Context, call *Call) (Result, error)
}

// Func makes a plain function a Node.
type Func func(ctx context.Context, call *Call) (Result, error)

// Run calls f.
func (f Func) Run(ctx context.Context, call *Call) (Result, error) { return f(ctx, call) }

// Library finds the behaviour of a node type by its registry name.
type Library interface {
	Node(nodeType string) (Node, bool)
}

// Set is a Library held in a map from registry name to behaviour.
type Set map[string]Node

// Node looks the type up.
func (s Set) Node(nodeType string) (Node, bool) {
	n, ok := s[nodeType]
	return n, ok
}

// Merge makes one Set of several. A type that two families claim is an error,
// since which of them ran would depend on the order of the arguments.
func Merge(sets ...Set) (Set, error) {
	all := Set{}
	for _, s := range sets {
		for name, n := range s {
			if _, taken := all[name]; taken {
				return nil, fmt.Errorf("node type %s is implemented twice", name)
			}
			all[name] = n
		}
	}
	return all, nil
}

// Result says where the flow goes on after a step that succeeded.
//
// The zero Result follows every exec link that leaves the node. Next names the
// exec ports to follow, in order; a named port without links falls back to
// exec_out unless the type's catalog entry forbids it (rule C2). End stops
// this branch; other branches that wait in the queue still run.
type Result struct {
	Next []string
	End  bool
}

// Continue is the zero Result: follow every exec link.
func Continue() Result { return Result{} }

// Goto follows the named exec ports only.
func Goto(ports ...string) Result { return Result{Next: ports} }

// Failure is an error of a step as a workflow sees it: Type is what a
// CatchNode filters by, Message what the author reads.
type Failure struct {
	Type    string // Python-like class name, such as ValueError or CustomError
	Message string
	Class   Class
	Stack   string

	node string // where it happened first, set by the interpreter
}

// Error returns the message alone, as the original reports it.
func (f *Failure) Error() string { return f.Message }

// Class sorts failures for the retry policy of the job (core: error classes).
type Class string

// The classes a step can report. Everything else is application.
const (
	ClassApplication    Class = "application"
	ClassBusiness       Class = "business"
	ClassTimeout        Class = "timeout"
	ClassInfrastructure Class = "infrastructure"
	ClassInvalid        Class = "invalid"
)

// Fail makes a failure with a type that a CatchNode can name.
func Fail(errorType, format string, args ...any) error {
	return &Failure{Type: errorType, Message: fmt.Sprintf(format, args...), Class: ClassApplication}
}

// AsFailure turns any error of a step into a Failure; the default type is the
// one the original uses for failures that a node returned.
func AsFailure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if v, ok := errors.AsType[*value.Error](err); ok {
		return &Failure{Type: v.Type, Message: err.Error(), Class: ClassApplication}
	}
	return &Failure{Type: "ExecutionError", Message: err.Error(), Class: ClassApplication}
}

// Spec is the catalog entry of the node being run.
type Spec = catalog.Type
