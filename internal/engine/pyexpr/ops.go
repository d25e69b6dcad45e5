package pyexpr

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

func asInt(v any) (int64, bool) {
	switch t := v.(type) {
	case int64:
		return t, true
	case bool:
		if t {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func asFloat(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	i, ok := asInt(v)
	return float64(i), ok
}

func unsupported(op string, a, b any) error {
	if op == "**" {
		op = "** or pow()"
	}
	return fail("TypeError", "unsupported operand type(s) for %s: '%s' and '%s'", op, value.TypeName(a), value.TypeName(b))
}

// binary computes one arithmetic, bit or sequence operator.
func (m *machine) binary(op string, a, b any) (any, error) {
	if err := m.charge(1); err != nil {
		return nil, err
	}
	x, xInt := asInt(a)
	y, yInt := asInt(b)
	if xInt && yInt {
		return intOp(op, a, b, x, y)
	}
	fx, xNum := asFloat(a)
	fy, yNum := asFloat(b)
	if xNum && yNum {
		return floatOp(op, a, b, fx, fy)
	}
	switch op {
	case "+":
		return m.concat(a, b)
	case "*":
		switch {
		case yInt && repeatable(a):
			return m.repeat(a, y)
		case xInt && repeatable(b):
			return m.repeat(b, x)
		}
		for _, pair := range [][2]any{{a, b}, {b, a}} {
			if repeatable(pair[0]) {
				return nil, fail("TypeError", "can't multiply sequence by non-int of type '%s'", value.TypeName(pair[1]))
			}
		}
	case "%":
		if s, ok := a.(string); ok {
			return m.percent(s, b)
		}
	case "|", "&", "^", "-":
		return m.setOp(op, a, b)
	}
	return nil, unsupported(op, a, b)
}

// intOp has the original operands too, since two booleans stay booleans under
// bit operators.
func intOp(op string, a, b any, x, y int64) (any, error) {
	switch op {
	case "+":
		return value.AddInt(x, y), nil
	case "-":
		return value.SubInt(x, y), nil
	case "*":
		return value.MulInt(x, y), nil
	case "/":
		if y == 0 {
			return nil, fail("ZeroDivisionError", "division by zero")
		}
		return divide(x, y), nil
	case "//":
		return value.FloorDiv(x, y)
	case "%":
		return value.Mod(x, y)
	case "**":
		return powInt(x, y)
	case "<<", ">>":
		return shift(op, x, y)
	}
	var r int64
	switch op {
	case "|":
		r = x | y
	case "^":
		r = x ^ y
	case "&":
		r = x & y
	}
	// Two booleans give a boolean.
	if _, ok := a.(bool); ok {
		if _, ok := b.(bool); ok {
			return r != 0, nil
		}
	}
	return r, nil
}

// divide rounds once, also when the operands are not exact as floats.
func divide(x, y int64) float64 {
	const exact = 1 << 53
	if x >= -exact && x <= exact && y >= -exact && y <= exact {
		return float64(x) / float64(y)
	}
	f, _ := big.NewRat(x, y).Float64()
	return f
}

// powInt squares its way up and leaves for floats as soon as 64 bits do not
// hold the product.
func powInt(x, y int64) (any, error) {
	if y < 0 {
		return powFloat(float64(x), float64(y))
	}
	result := int64(1)
	base := x
	for e := y; e > 0; e >>= 1 {
		if e&1 == 1 {
			r, ok := value.MulInt(result, base).(int64)
			if !ok {
				return powFloat(float64(x), float64(y))
			}
			result = r
		}
		if e > 1 {
			b, ok := value.MulInt(base, base).(int64)
			if !ok {
				return powFloat(float64(x), float64(y))
			}
			base = b
		}
	}
	return result, nil
}

// powFloat refuses what would be complex in Python.
func powFloat(x, y float64) (any, error) {
	switch {
	case x == 0 && y < 0:
		return nil, fail("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	case x < 0 && y != math.Trunc(y) && !math.IsInf(x, 0):
		return nil, fail("ValueError", "a negative number cannot be raised to a fractional power")
	}
	r := value.Pow(x, y)
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return nil, fail("OverflowError", "(34, 'Numerical result out of range')")
	}
	return r, nil
}

// shift to the left leaves for floats when bits would fall off.
func shift(op string, x, y int64) (any, error) {
	switch {
	case y < 0:
		return nil, fail("ValueError", "negative shift count")
	case op == ">>":
		return x >> min(y, 63), nil
	case x == 0:
		return int64(0), nil
	case y < 63 && x<<y>>y == x:
		return x << y, nil
	}
	r := math.Ldexp(float64(x), int(min(y, 2000)))
	if math.IsInf(r, 0) {
		return nil, fail("OverflowError", "the number is too large")
	}
	return r, nil
}

func floatOp(op string, a, b any, x, y float64) (any, error) {
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		if y == 0 {
			return nil, fail("ZeroDivisionError", "float division by zero")
		}
		return x / y, nil
	case "//":
		return value.FloorDiv(a, b)
	case "%":
		return value.Mod(a, b)
	case "**":
		return powFloat(x, y)
	}
	return nil, unsupported(op, a, b)
}

// concat never writes into its operands' spare room, or two sums from one list
// would overwrite each other.
func (m *machine) concat(a, b any) (any, error) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		if !ok {
			return nil, fail("TypeError", `can only concatenate str (not "%s") to str`, value.TypeName(b))
		}
		return x + y, m.chargeText(len(x) + len(y))
	case []byte:
		if y, ok := b.([]byte); ok {
			return slices.Concat(x, y), m.chargeText(len(x) + len(y))
		}
	case []any:
		y, ok := b.([]any)
		if !ok {
			return nil, fail("TypeError", `can only concatenate list (not "%s") to list`, value.TypeName(b))
		}
		if err := m.charge(len(x) + len(y)); err != nil {
			return nil, err
		}
		return slices.Concat(x, y), nil
	case value.Tuple:
		y, ok := b.(value.Tuple)
		if !ok {
			return nil, fail("TypeError", `can only concatenate tuple (not "%s") to tuple`, value.TypeName(b))
		}
		if err := m.charge(len(x) + len(y)); err != nil {
			return nil, err
		}
		return slices.Concat(x, y), nil
	}
	return nil, unsupported("+", a, b)
}

func repeatable(v any) bool {
	switch v.(type) {
	case string, []any, value.Tuple, []byte:
		return true
	}
	return false
}

// repeat is sequence * n, paid for before it is built.
func (m *machine) repeat(seq any, n int64) (any, error) {
	n = max(n, 0)
	fits := func(size int) (int, error) {
		if size > 0 && n > int64(maxText/size) {
			return 0, fail("MemoryError", "the repeated value is too large")
		}
		if size == 0 {
			n = 0
		}
		return int(n), nil
	}
	switch t := seq.(type) {
	case string:
		count, err := fits(len(t))
		if err == nil {
			err = m.chargeText(count * len(t))
		}
		if err != nil {
			return nil, err
		}
		return strings.Repeat(t, count), nil
	case []byte:
		count, err := fits(len(t))
		if err == nil {
			err = m.chargeText(count * len(t))
		}
		if err != nil {
			return nil, err
		}
		return slices.Repeat(t, count), nil
	case []any:
		items, err := m.repeatList(t, fits)
		return items, err
	case value.Tuple:
		items, err := m.repeatList(t, fits)
		return value.Tuple(items), err
	}
	return nil, unsupported("*", seq, n)
}

func (m *machine) repeatList(items []any, fits func(int) (int, error)) ([]any, error) {
	count, err := fits(len(items))
	if err == nil {
		err = m.charge(count * len(items))
	}
	if err != nil {
		return nil, err
	}
	return slices.Repeat(items, count), nil
}

// setOp is the algebra of sets, and | for dicts.
func (m *machine) setOp(op string, a, b any) (any, error) {
	if x, ok := a.(*value.Map); ok && op == "|" {
		if y, ok := b.(*value.Map); ok {
			if err := m.charge(x.Len() + y.Len()); err != nil {
				return nil, err
			}
			out := x.Clone()
			for k, v := range y.All() {
				out.Set(k, v)
			}
			return out, nil
		}
	}
	x, xOK := a.(*value.Set)
	y, yOK := b.(*value.Set)
	if !xOK || !yOK {
		return nil, unsupported(op, a, b)
	}
	if err := m.charge(x.Len() + y.Len()); err != nil {
		return nil, err
	}
	return combineSets(op, x, y)
}

// combineSets keeps the order of the left set, then of the right one.
func combineSets(op string, x, y *value.Set) (*value.Set, error) {
	out := &value.Set{}
	add := func(from, other *value.Set, when func(inOther bool) bool) error {
		for _, v := range from.Items() {
			found, err := other.Has(v)
			if err == nil && when(found) {
				err = out.Add(v)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	always := func(bool) bool { return true }
	present := func(in bool) bool { return in }
	absent := func(in bool) bool { return !in }
	var err error
	switch op {
	case "|":
		if err = add(x, y, always); err == nil {
			err = add(y, x, absent)
		}
	case "&":
		err = add(x, y, present)
	case "-":
		err = add(x, y, absent)
	case "^":
		if err = add(x, y, absent); err == nil {
			err = add(y, x, absent)
		}
	}
	return out, err
}
