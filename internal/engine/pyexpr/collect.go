package pyexpr

import (
	"fmt"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// The kinds of displays and comprehensions.
const (
	displayList = iota
	displayTuple
	displaySet
	displayDict
	displayGenerator
)

type (
	// display is [a, b], (a, b), {a, b} or {a: b}. A dict entry without a key
	// is spread.
	display struct {
		kind  int
		keys  []node
		items []node
	}

	comprehension struct {
		kind    int
		key     node
		item    node
		clauses []clause
	}

	clause struct {
		target     target
		source     node
		conditions []node
	}

	// target is a name to bind, or parts to unpack into.
	target struct {
		name  string
		parts []target
	}
)

func (n *display) eval(m *machine) (any, error) {
	if n.kind == displayDict {
		return n.dict(m)
	}
	items := make([]any, 0, len(n.items))
	for _, item := range n.items {
		if s, ok := item.(*star); ok {
			v, err := s.inner.eval(m)
			if err != nil {
				return nil, err
			}
			more, err := m.collect(v)
			if err != nil {
				return nil, err
			}
			items = append(items, more...)
			continue
		}
		v, err := item.eval(m)
		if err != nil {
			return nil, err
		}
		if err := m.charge(1); err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	switch n.kind {
	case displayTuple:
		return value.Tuple(items), nil
	case displaySet:
		return newSet(items)
	default:
		return items, nil
	}
}

// newSet hides the nil pointer that would otherwise come with an error.
func newSet(items []any) (any, error) {
	s, err := value.NewSet(items...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (n *display) dict(m *machine) (any, error) {
	d := value.NewMap()
	for i, item := range n.items {
		v, err := item.eval(m)
		if err != nil {
			return nil, err
		}
		if err := m.charge(1); err != nil {
			return nil, err
		}
		if n.keys[i] == nil {
			spread, ok := v.(*value.Map)
			if !ok {
				return nil, fail("TypeError", "'%s' object is not a mapping", value.TypeName(v))
			}
			if err := m.charge(spread.Len()); err != nil {
				return nil, err
			}
			for k, e := range spread.All() {
				d.Set(k, e)
			}
			continue
		}
		k, err := n.keys[i].eval(m)
		if err != nil {
			return nil, err
		}
		key, err := m.key(k)
		if err != nil {
			return nil, err
		}
		d.Set(key, v)
	}
	return d, nil
}

// key makes the text key of an object from any value that Python would accept.
func (m *machine) key(v any) (string, error) {
	switch v.(type) {
	case []any, *value.Map, *value.Set:
		return "", fail("TypeError", "unhashable type: '%s'", value.TypeName(v))
	}
	if err := m.chargeValue(v); err != nil {
		return "", err
	}
	// An entry takes several times the room of a list element.
	if err := m.charge(8); err != nil {
		return "", err
	}
	return value.KeyText(v), nil
}

func (n *comprehension) eval(m *machine) (any, error) {
	// The first source is computed outside, as in Python.
	first, err := n.clauses[0].source.eval(m)
	if err != nil {
		return nil, err
	}
	outer := m.scope
	if n.kind == displayGenerator {
		return &generator{run: func(yield func(any) (bool, error)) error {
			return n.run(m, outer, first, func() (bool, error) {
				v, err := n.item.eval(m)
				if err != nil {
					return false, err
				}
				// What takes the item may run code in another scope.
				inner := m.scope
				m.scope = outer
				defer func() { m.scope = inner }()
				return yield(v)
			})
		}}, nil
	}
	items := []any{}
	d := value.NewMap()
	err = n.run(m, outer, first, func() (bool, error) {
		v, err := n.item.eval(m)
		if err != nil {
			return false, err
		}
		if n.kind != displayDict {
			items = append(items, v)
			return true, nil
		}
		k, err := n.key.eval(m)
		if err != nil {
			return false, err
		}
		key, err := m.key(k)
		d.Set(key, v)
		return true, err
	})
	switch {
	case err != nil:
		return nil, err
	case n.kind == displayDict:
		return d, nil
	case n.kind == displaySet:
		return newSet(items)
	default:
		return items, nil
	}
}

// run calls visit once for each combination, with the names bound.
func (n *comprehension) run(m *machine, outer *scope, first any, visit func() (bool, error)) error {
	saved := m.scope
	defer func() { m.scope = saved }()
	// A frame of its own for each run: lambdas made inside share it, as they
	// share the last value in Python.
	frame := &scope{parent: outer}
	m.scope = frame
	_, err := n.level(m, frame, 0, first, visit)
	return err
}

// level walks one for clause and everything behind it. It says false as soon as
// whoever takes the items wants no more.
func (n *comprehension) level(m *machine, frame *scope, i int, source any, visit func() (bool, error)) (bool, error) {
	goOn := true
	err := m.iterate(source, func(e any) (bool, error) {
		m.scope = frame
		c := n.clauses[i]
		if err := m.assign(c.target, e); err != nil {
			return false, err
		}
		for _, cond := range c.conditions {
			v, err := cond.eval(m)
			if err != nil {
				return false, err
			}
			if !m.truthy(v) {
				return true, nil
			}
		}
		var err error
		if i+1 == len(n.clauses) {
			goOn, err = visit()
			return goOn, err
		}
		next, err := n.clauses[i+1].source.eval(m)
		if err != nil {
			return false, err
		}
		goOn, err = n.level(m, frame, i+1, next, visit)
		return goOn, err
	})
	return goOn, err
}

// assign binds or unpacks one element.
func (m *machine) assign(t target, v any) error {
	if t.parts == nil {
		m.bind(t.name, v)
		return nil
	}
	items, err := m.collect(v)
	if err != nil {
		return fail("TypeError", "cannot unpack non-iterable %s object", value.TypeName(v))
	}
	switch {
	case len(items) < len(t.parts):
		return fail("ValueError", "not enough values to unpack (expected %d, got %d)", len(t.parts), len(items))
	case len(items) > len(t.parts):
		return fail("ValueError", "too many values to unpack (expected %d)", len(t.parts))
	}
	for i, part := range t.parts {
		if err := m.assign(part, items[i]); err != nil {
			return err
		}
	}
	return nil
}

// generator is what a comprehension in parentheses makes: items on demand. It
// can be walked once.
type generator struct {
	run  func(yield func(any) (bool, error)) error
	used bool
}

// TypeName is the type as Python names it.
func (*generator) TypeName() string { return "generator" }

// String keeps the Go value out of texts.
func (*generator) String() string { return "<generator object <genexpr>>" }

// rangeValue is the result of range: numbers on demand.
type rangeValue struct{ start, stop, step int64 }

// TypeName is the type as Python names it.
func (rangeValue) TypeName() string { return "range" }

// String is the text of a range.
func (r rangeValue) String() string {
	if r.step == 1 {
		return fmt.Sprintf("range(%d, %d)", r.start, r.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", r.start, r.stop, r.step)
}

// len counts in unsigned numbers, because the span of two int64 does not fit
// into one. The result is capped far beyond what the budget lets anybody walk.
func (r rangeValue) len() int64 {
	span, step := uint64(0), uint64(r.step)
	switch {
	case r.step > 0 && r.start < r.stop:
		span = uint64(r.stop) - uint64(r.start)
	case r.step < 0 && r.start > r.stop:
		span, step = uint64(r.start)-uint64(r.stop), -step
	default:
		return 0
	}
	n := (span-1)/step + 1
	return int64(min(n, 1<<62))
}

// iterate calls visit for each element of v until it says false. Each element
// costs a step.
func (m *machine) iterate(v any, visit func(any) (bool, error)) error {
	step := func(e any) (bool, error) {
		if err := m.charge(1); err != nil {
			return false, err
		}
		return visit(e)
	}
	list := func(items []any) error {
		for _, e := range items {
			if goOn, err := step(value.Normal(e)); err != nil || !goOn {
				return err
			}
		}
		return nil
	}
	switch t := v.(type) {
	case []any:
		return list(t)
	case value.Tuple:
		return list(t)
	case *value.Set:
		return list(t.Items())
	case *value.Map:
		for k := range t.All() {
			if goOn, err := step(k); err != nil || !goOn {
				return err
			}
		}
		return nil
	case string:
		for s := t; s != ""; {
			_, size := utf8.DecodeRuneInString(s)
			if goOn, err := step(s[:size]); err != nil || !goOn {
				return err
			}
			s = s[size:]
		}
		return nil
	case []byte:
		for _, b := range t {
			if goOn, err := step(int64(b)); err != nil || !goOn {
				return err
			}
		}
		return nil
	case rangeValue:
		for i, n := t.start, t.len(); n > 0; i, n = i+t.step, n-1 {
			if goOn, err := step(i); err != nil || !goOn {
				return err
			}
		}
		return nil
	case *generator:
		if t.used {
			return nil
		}
		t.used = true
		return t.run(step)
	default:
		return fail("TypeError", "'%s' object is not iterable", value.TypeName(v))
	}
}

// collect gathers the elements of v in a list of its own.
func (m *machine) collect(v any) ([]any, error) {
	items := []any{}
	err := m.iterate(v, func(e any) (bool, error) {
		items = append(items, e)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}
