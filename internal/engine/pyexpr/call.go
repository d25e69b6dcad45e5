package pyexpr

import (
	"github.com/casarerpa/fleet/workflow/value"
)

// The function is found before the arguments are computed, as in Python, so its
// error comes first.
func (n *call) eval(m *machine) (any, error) {
	if err := m.charge(1); err != nil {
		return nil, err
	}
	function, err := n.target(m)
	if err != nil {
		return nil, err
	}
	args := &arguments{name: "function"}
	for _, a := range n.args {
		if s, ok := a.(*star); ok {
			v, err := s.inner.eval(m)
			if err != nil {
				return nil, err
			}
			if err := m.iterate(v, func(e any) (bool, error) {
				args.list = append(args.list, e)
				return true, nil
			}); err != nil {
				return nil, err
			}
			continue
		}
		v, err := a.eval(m)
		if err != nil {
			return nil, err
		}
		args.list = append(args.list, v)
	}
	for i, name := range n.names {
		v, err := n.named[i].eval(m)
		if err != nil {
			return nil, err
		}
		if args.named.Has(name) {
			return nil, fail("SyntaxError", "keyword argument repeated: %s", name)
		}
		if args.named == nil {
			args.named = value.NewMap()
		}
		args.named.Set(name, v)
	}
	return m.apply(function, args)
}

// target finds what is called. Functions go before variables, and methods
// before keys, so that data cannot hide them.
func (n *call) target(m *machine) (any, error) {
	switch f := n.function.(type) {
	case *name:
		if _, bound := m.local(f.text); !bound {
			if b := m.builtin(f.text); b != nil {
				return b, nil
			}
		}
	case *attribute:
		object, err := f.object.eval(m)
		if err != nil {
			return nil, err
		}
		if method := m.method(object, f.name); method != nil {
			return method, nil
		}
		return (&attribute{object: &literal{object}, name: f.name}).eval(m)
	}
	return n.function.eval(m)
}

func (m *machine) apply(function any, args *arguments) (any, error) {
	switch f := function.(type) {
	case *builtin:
		args.name = f.name
		return f.run(m, args)
	case *lambda:
		return f.run(m, args)
	default:
		return nil, fail("TypeError", "'%s' object is not callable", value.TypeName(function))
	}
}

// lambda is a function that an expression made, with the scope around it.
type lambda struct {
	node     *lambdaNode
	defaults []any
	scope    *scope
}

// TypeName is the type as Python names it.
func (*lambda) TypeName() string { return "function" }

// String keeps the Go value out of texts.
func (*lambda) String() string { return "<function <lambda>>" }

func (n *lambdaNode) eval(m *machine) (any, error) {
	l := &lambda{node: n, scope: m.scope}
	for _, d := range n.defaults {
		v, err := d.eval(m)
		if err != nil {
			return nil, err
		}
		l.defaults = append(l.defaults, v)
	}
	return l, nil
}

// run binds the arguments in a scope inside the one where the lambda was
// written, not where it is called.
func (l *lambda) run(m *machine, args *arguments) (any, error) {
	if err := m.charge(1); err != nil {
		return nil, err
	}
	if m.calls++; m.calls > maxCalls {
		return nil, fail("RecursionError", "maximum recursion depth exceeded")
	}
	defer func() { m.calls-- }()
	params := l.node.params
	if len(args.list) > len(params) {
		return nil, fail("TypeError", "<lambda>() takes %d positional argument%s but %d were given",
			len(params), plural(len(params)), len(args.list))
	}
	frame := &scope{parent: l.scope, names: params, values: make([]any, len(params))}
	used := 0
	for i, p := range params {
		named, ok := args.named.Get(p)
		switch d := i - (len(params) - len(l.defaults)); {
		case i < len(args.list):
			frame.values[i] = args.list[i]
		case ok:
			frame.values[i] = named
			used++
		case d >= 0:
			frame.values[i] = l.defaults[d]
		default:
			return nil, fail("TypeError", "<lambda>() missing 1 required positional argument: '%s'", p)
		}
	}
	if used < args.named.Len() {
		return nil, fail("TypeError", "<lambda>() got an unexpected keyword argument")
	}
	outer := m.scope
	m.scope = frame
	defer func() { m.scope = outer }()
	return l.node.body.eval(m)
}
