package pyexpr

import (
	"math/rand/v2"

	"github.com/casarerpa/fleet/workflow/value"
)

// The bounds of an expression.
const (
	// DefaultSteps is the budget when Env names none.
	DefaultSteps = 1_000_000
	maxSource    = 64 << 10
	maxNesting   = 400 // brackets, lambdas and operators inside each other
	maxCalls     = 100 // lambdas that call lambdas
	maxText      = 16 << 20
	// stepBytes is how much text costs as much as one step.
	stepBytes = 16
)

// Error is what compiling and evaluating end with: Type is Python's class,
// such as NameError, and the text is Python's message.
type Error = value.Error

// BuiltinSet says which functions an expression may call.
type BuiltinSet uint8

// The sets of functions. Methods of values are always there.
const (
	NoBuiltins        BuiltinSet = iota // list nodes: none
	ConditionBuiltins                   // conditions: all, with rand, randint and the names true, false, null
	EvalBuiltins                        // EvalExpression: all but the random ones
)

// Env is what an expression sees of the world.
type Env struct {
	// Lookup finds a variable; nil means that there are none.
	Lookup func(name string) (any, bool)
	// Rand is the source of rand and randint; nil takes the process's own.
	Rand     *rand.Rand
	Builtins BuiltinSet
	// MaxSteps bounds the work; zero is DefaultSteps.
	MaxSteps int
}

// Expr is a compiled expression.
type Expr struct {
	root node
	src  string
}

// Compile reads an expression. The error is a *[Error], mostly a SyntaxError.
func Compile(src string) (*Expr, error) {
	root, err := parse(src)
	if err != nil {
		return nil, err
	}
	return &Expr{root: root, src: src}, nil
}

// String returns the source.
func (e *Expr) String() string { return e.src }

// Eval computes the value. Tuples, sets, ranges and generators come out as
// lists, so that the result can be stored.
func (e *Expr) Eval(env Env) (any, error) {
	v, _, err := e.EvalTyped(env)
	return v, err
}

// EvalTyped is [Expr.Eval] that also names the Python type which the result
// had before tuples and the like became lists.
func (e *Expr) EvalTyped(env Env) (result any, typeName string, err error) {
	m := &machine{env: env, steps: env.MaxSteps}
	if m.steps <= 0 {
		m.steps = DefaultSteps
	}
	v, err := e.root.eval(m)
	if err != nil {
		return nil, "", err
	}
	typeName = value.TypeName(v)
	if v, err = m.finish(v); err != nil {
		return nil, "", err
	}
	return v, typeName, nil
}

// finish makes a result storable. It is charged like any other work, because
// parts that are shared here may be written out many times later.
func (m *machine) finish(v any) (any, error) {
	if err := m.chargeValue(v); err != nil {
		return nil, err
	}
	switch t := v.(type) {
	case *generator, rangeValue:
		items, err := m.collect(t)
		if err != nil {
			return nil, err
		}
		return m.finish(items)
	case []any:
		return m.finishList(t)
	case value.Tuple:
		return m.finishList(t)
	case *value.Set:
		return m.finishList(t.Items())
	case *value.Map:
		out := t
		for k, e := range t.All() {
			done, err := m.finish(e)
			if err != nil {
				return nil, err
			}
			if !same(done, e) {
				if out == t {
					out = t.Clone()
				}
				out.Set(k, done)
			}
		}
		return out, nil
	case *builtin, *lambda:
		return value.Str(v), nil
	default:
		return v, nil
	}
}

func (m *machine) finishList(items []any) (any, error) {
	out := make([]any, len(items))
	for i, e := range items {
		done, err := m.finish(e)
		if err != nil {
			return nil, err
		}
		out[i] = done
	}
	return out, nil
}

// machine is one evaluation.
type machine struct {
	env   Env
	steps int
	calls int
	scope *scope
}

// scope holds the names that a comprehension or a lambda binds.
type scope struct {
	names  []string
	values []any
	parent *scope
}

// bind writes into the innermost scope, which is always a comprehension's own.
func (m *machine) bind(name string, v any) {
	for i, n := range m.scope.names {
		if n == name {
			m.scope.values[i] = v
			return
		}
	}
	m.scope.names = append(m.scope.names, name)
	m.scope.values = append(m.scope.values, v)
}

// local looks a name up through the scopes; there are few names, so a scan is
// enough.
func (m *machine) local(name string) (any, bool) {
	for s := m.scope; s != nil; s = s.parent {
		for i, n := range s.names {
			if n == name {
				return s.values[i], true
			}
		}
	}
	return nil, false
}

func fail(errorType, format string, args ...any) error {
	return value.Errorf(errorType, format, args...)
}

// charge pays for n steps before they are done.
func (m *machine) charge(n int) error {
	if n < 0 || n > m.steps {
		m.steps = 0
		return fail("RuntimeError", "the expression needs too many steps")
	}
	m.steps -= n
	return nil
}

// chargeText pays for building or reading n bytes of text.
func (m *machine) chargeText(n int) error {
	if n < 0 || n > maxText {
		return fail("MemoryError", "the expression makes too large a text")
	}
	return m.charge(1 + n/stepBytes)
}

// chargeValue pays for an operation that walks through all of v.
func (m *machine) chargeValue(v any) error {
	switch v.(type) {
	case nil, bool, int64, float64:
		return nil
	}
	limit := m.steps * stepBytes
	return m.charge(value.Size(v, limit)/stepBytes + 1)
}
