package pyexpr

import (
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// node is a part of an expression that can be computed.
type node interface {
	eval(m *machine) (any, error)
}

type (
	literal struct{ val any }

	name struct{ text string }

	// star spreads an iterable inside a display or a call.
	star struct{ inner node }

	unary struct {
		op      string
		operand node
	}

	logical struct {
		or          bool
		left, right node
	}

	binaryNode struct {
		op          string
		left, right node
	}

	// comparison is a chain: a < b <= c has two operators.
	comparison struct {
		ops      []string
		operands []node
	}

	conditional struct{ cond, yes, no node }

	attribute struct {
		object node
		name   string
	}

	index struct{ object, key node }

	slice struct {
		object node
		parts  [3]node
	}

	call struct {
		function node
		args     []node
		names    []string
		named    []node
	}

	lambdaNode struct {
		params   []string
		defaults []node
		body     node
	}

	// joined is an f-string, or literals side by side.
	joined struct{ parts []node }

	formatted struct {
		operand    node
		conversion byte
		spec       node
		source     string // of {x=}
	}
)

func (n *literal) eval(*machine) (any, error) { return n.val, nil }

// A variable hides a function of its name, except where it is called.
func (n *name) eval(m *machine) (any, error) {
	if err := m.charge(1); err != nil {
		return nil, err
	}
	if v, ok := m.variable(n.text); ok {
		return v, nil
	}
	if b := m.builtin(n.text); b != nil {
		return b, nil
	}
	if m.env.Builtins == ConditionBuiltins {
		switch n.text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		case "null":
			return nil, nil
		}
	}
	return nil, fail("NameError", "name '%s' is not defined", n.text)
}

func (m *machine) variable(name string) (any, bool) {
	if v, ok := m.local(name); ok {
		return v, true
	}
	if m.env.Lookup == nil {
		return nil, false
	}
	v, ok := m.env.Lookup(name)
	if !ok {
		return nil, false
	}
	return value.Normal(v), true
}

func (n *star) eval(*machine) (any, error) {
	return nil, fail("SyntaxError", "can't use starred expression here")
}

// The result is the operand that decided, not a boolean.
func (n *logical) eval(m *machine) (any, error) {
	left, err := n.left.eval(m)
	if err != nil || m.truthy(left) == n.or {
		return left, err
	}
	return n.right.eval(m)
}

// truthy knows the one kind that the values themselves do not: an empty range.
func (m *machine) truthy(v any) bool {
	if r, ok := v.(rangeValue); ok {
		return r.len() > 0
	}
	return value.Truthy(v)
}

func (n *conditional) eval(m *machine) (any, error) {
	cond, err := n.cond.eval(m)
	if err != nil {
		return nil, err
	}
	if m.truthy(cond) {
		return n.yes.eval(m)
	}
	return n.no.eval(m)
}

func (n *unary) eval(m *machine) (any, error) {
	v, err := n.operand.eval(m)
	if err != nil {
		return nil, err
	}
	if err := m.charge(1); err != nil {
		return nil, err
	}
	if n.op == "not" {
		return !m.truthy(v), nil
	}
	if i, ok := asInt(v); ok {
		switch n.op {
		case "-":
			return value.SubInt(0, i), nil
		case "~":
			return ^i, nil
		default:
			return i, nil
		}
	}
	if f, ok := v.(float64); ok && n.op != "~" {
		if n.op == "-" {
			return -f, nil
		}
		return f, nil
	}
	return nil, fail("TypeError", "bad operand type for unary %s: '%s'", n.op, value.TypeName(v))
}

func (n *binaryNode) eval(m *machine) (any, error) {
	left, err := n.left.eval(m)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(m)
	if err != nil {
		return nil, err
	}
	return m.binary(n.op, left, right)
}

// A chain ends at the first link that does not hold; what follows is not
// computed.
func (n *comparison) eval(m *machine) (any, error) {
	left, err := n.operands[0].eval(m)
	if err != nil {
		return nil, err
	}
	for i, op := range n.ops {
		right, err := n.operands[i+1].eval(m)
		if err != nil {
			return nil, err
		}
		ok, err := m.compare(op, left, right)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, nil
}

// compare charges both sides in full: parts that are shared make small values
// that take long to compare.
func (m *machine) compare(op string, a, b any) (bool, error) {
	if err := m.charge(1); err != nil {
		return false, err
	}
	switch op {
	case "is":
		return same(a, b), nil
	case "is not":
		return !same(a, b), nil
	case "in", "not in":
		found, err := m.contains(b, a)
		return found == (op == "in"), err
	}
	if err := m.chargeValue(a); err != nil {
		return false, err
	}
	if err := m.chargeValue(b); err != nil {
		return false, err
	}
	switch op {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	default:
		return value.Order(op, a, b)
	}
}

// contains walks lazy sources only as far as the element.
func (m *machine) contains(container, item any) (bool, error) {
	if err := m.chargeValue(container); err != nil {
		return false, err
	}
	switch container.(type) {
	case *generator, rangeValue:
		found := false
		err := m.iterate(container, func(e any) (bool, error) {
			found = value.Equal(e, item)
			return !found, nil
		})
		return found, err
	}
	return value.Contains(container, item)
}

// equal knows that two mentions of a type are the same type.
func equal(a, b any) bool {
	if x, ok := a.(*builtin); ok {
		y, ok := b.(*builtin)
		return ok && x.Equal(y)
	}
	return value.Equal(a, b)
}

// same is identity. Numbers and texts of the same type are identical when they
// are equal, which is what authors mean by "x is 5".
func same(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case int64:
		y, ok := b.(int64)
		return ok && x == y
	case float64:
		y, ok := b.(float64)
		return ok && x == y
	case string:
		y, ok := b.(string)
		return ok && x == y
	case []any:
		y, ok := b.([]any)
		return ok && len(x) == len(y) && len(x) > 0 && &x[0] == &y[0]
	case value.Tuple:
		y, ok := b.(value.Tuple)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case []byte, rangeValue:
		return false
	case *value.Map:
		y, ok := b.(*value.Map)
		return ok && x == y
	case *builtin:
		y, ok := b.(*builtin)
		return ok && x.Equal(y)
	default:
		return value.Equal(a, b)
	}
}

// Keys go before methods here: d.items is the key when there is one, while
// d.items() is the method.
func (n *attribute) eval(m *machine) (any, error) {
	v, err := n.object.eval(m)
	if err != nil {
		return nil, err
	}
	if err := m.charge(1); err != nil {
		return nil, err
	}
	if b, ok := v.(*builtin); ok {
		// The method of a type, such as str.upper, as a function of its object.
		return m.typeMethod(b, n.name)
	}
	found, err := value.Attribute(v, n.name)
	if err == nil {
		return value.Normal(found), nil
	}
	if method := m.method(v, n.name); method != nil {
		return method, nil
	}
	return nil, err
}

func (n *joined) eval(m *machine) (any, error) {
	var b strings.Builder
	for _, part := range n.parts {
		v, err := part.eval(m)
		if err != nil {
			return nil, err
		}
		s, _ := v.(string)
		if err := m.chargeText(b.Len() + len(s)); err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (n *formatted) eval(m *machine) (any, error) {
	v, err := n.operand.eval(m)
	if err != nil {
		return nil, err
	}
	spec := ""
	if n.spec != nil {
		s, err := n.spec.eval(m)
		if err != nil {
			return nil, err
		}
		spec, _ = s.(string)
	}
	return m.format(v, n.conversion, spec)
}

// format charges the value before its text is made, and the text after.
func (m *machine) format(v any, conversion byte, spec string) (any, error) {
	if err := m.chargeValue(v); err != nil {
		return nil, err
	}
	v, err := value.Convert(v, conversion)
	if err != nil {
		return nil, err
	}
	s, err := value.FormatValue(v, spec)
	if err != nil {
		return nil, err
	}
	return s, m.chargeText(len(s))
}
