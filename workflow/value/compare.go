package value

import (
	"bytes"
	"cmp"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Truthy tells whether Python counts v as true: everything but None, False,
// zero and the empty text, list or object.
func Truthy(v any) bool {
	switch t := v.(type) {
	case nil:
		return false
	case bool:
		return t
	case int64:
		return t != 0
	case float64:
		return t != 0
	case string:
		return t != ""
	case []byte:
		return len(t) > 0
	case []any:
		return len(t) > 0
	case Tuple:
		return len(t) > 0
	case *Map:
		return t.Len() > 0
	case *Set:
		return t.Len() > 0
	default:
		return true
	}
}

// asInt gives whole numbers and booleans as int64.
func asInt(v any) (int64, bool) {
	switch t := v.(type) {
	case int64:
		return t, true
	case bool:
		if t {
			return 1, true
		}
		return 0, true
	case int:
		return int64(t), true
	}
	return 0, false
}

// asFloat gives any number or boolean as float64, rounded if need be.
func asFloat(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	if i, ok := asInt(v); ok {
		return float64(i), true
	}
	return 0, false
}

// compareNumbers orders two numbers exactly, also where a whole number has
// more digits than a float can hold. The second result is false when one is
// not a number, the third when one is NaN and there is no order.
func compareNumbers(a, b any) (order int, numbers, ordered bool) {
	x, xInt := asInt(a)
	y, yInt := asInt(b)
	if xInt && yInt {
		return cmp.Compare(x, y), true, true
	}
	fx, xOK := asFloat(a)
	fy, yOK := asFloat(b)
	switch {
	case !xOK || !yOK:
		return 0, false, false
	case math.IsNaN(fx) || math.IsNaN(fy):
		return 0, true, false
	case xInt:
		return compareIntFloat(x, fy), true, true
	case yInt:
		return -compareIntFloat(y, fx), true, true
	default:
		return cmp.Compare(fx, fy), true, true
	}
}

// compareIntFloat avoids the rounding that turning the whole number into a
// float would bring.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -(1 << 63):
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

// Equal compares deeply as Python's == does: 1, 1.0 and True are equal, the
// order of keys does not count, and different types are merely unequal.
func Equal(a, b any) bool {
	if order, numbers, ordered := compareNumbers(a, b); numbers {
		return ordered && order == 0
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case Tuple:
		y, ok := b.(Tuple)
		return ok && slices.EqualFunc(x, y, Equal)
	case *Set:
		y, ok := b.(*Set)
		return ok && x.equal(y)
	case *Map:
		y, ok := b.(*Map)
		return ok && equalMaps(x, y)
	default:
		return sameHandle(a, b)
	}
}

func equalMaps(x, y *Map) bool {
	if x.Len() != y.Len() {
		return false
	}
	for k, v := range x.All() {
		other, ok := y.Get(k)
		if !ok || !Equal(v, other) {
			return false
		}
	}
	return true
}

// sameHandle compares opaque values by identity; those that Go cannot compare
// are never equal.
func sameHandle(a, b any) bool {
	if a == nil || b == nil || reflect.TypeOf(a) != reflect.TypeOf(b) || !reflect.ValueOf(a).Comparable() {
		return false
	}
	return a == b
}

// Compare orders two values as Python's < does and returns -1, 0 or 1. Values
// without an order give a TypeError in Python's words. NaN counts as equal to
// everything here; [Order] gives the exact answer.
func Compare(a, b any) (int, error) {
	c, _, err := compare(a, b, "<")
	return c, err
}

// Order answers one of the comparisons <, <=, > and >=.
func Order(op string, a, b any) (bool, error) {
	if x, ok := a.(*Set); ok {
		if y, ok := b.(*Set); ok {
			return orderSets(op, x, y), nil
		}
	}
	c, ordered, err := compare(a, b, op)
	if err != nil || !ordered {
		return false, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	case ">=":
		return c >= 0, nil
	default:
		return false, Errorf("SyntaxError", "invalid comparison '%s'", op)
	}
}

// orderSets compares by inclusion, which is what order means for sets.
func orderSets(op string, x, y *Set) bool {
	if op[0] == '>' {
		x, y = y, x
	}
	if x.Len() > y.Len() || len(op) == 1 && x.Len() == y.Len() {
		return false
	}
	for _, v := range x.Items() {
		if found, err := y.Has(v); err != nil || !found {
			return false
		}
	}
	return true
}

// compare is the work behind Compare and Order; op only words the error.
func compare(a, b any, op string) (order int, ordered bool, err error) {
	if c, numbers, ok := compareNumbers(a, b); numbers {
		return c, ok, nil
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true, nil
		}
	case []byte:
		if y, ok := b.([]byte); ok {
			return bytes.Compare(x, y), true, nil
		}
	case []any:
		if y, ok := b.([]any); ok {
			return compareLists(x, y, op)
		}
	case Tuple:
		if y, ok := b.(Tuple); ok {
			return compareLists(x, y, op)
		}
	}
	return 0, false, Errorf("TypeError", "'%s' not supported between instances of '%s' and '%s'",
		op, TypeName(a), TypeName(b))
}

// compareLists looks for the first unequal pair; only that pair is ordered.
func compareLists(x, y []any, op string) (order int, ordered bool, err error) {
	for i := range min(len(x), len(y)) {
		if !Equal(x[i], y[i]) {
			return compare(x[i], y[i], op)
		}
	}
	return cmp.Compare(len(x), len(y)), true, nil
}

// Sort orders items in place, stable, as list.sort does. When two items have
// no order the error is returned and items are left in some order.
func Sort(items []any, reverse bool) error {
	return SortBy(items, items, reverse)
}

// SortBy orders items in place by the keys beside them. Both slices must have
// the same length; keys may be the same slice as items.
func SortBy(items, keys []any, reverse bool) error {
	type pair struct{ item, key any }
	pairs := make([]pair, len(items))
	for i := range items {
		pairs[i] = pair{items[i], keys[i]}
	}
	var failed error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if failed != nil {
			return 0
		}
		c, err := Compare(a.key, b.key)
		if err != nil {
			failed = err
		}
		if reverse {
			return -c
		}
		return c
	})
	for i := range pairs {
		items[i] = pairs[i].item
	}
	return failed
}

// Contains answers Python's "item in container".
func Contains(container, item any) (bool, error) {
	switch c := container.(type) {
	case string:
		s, ok := item.(string)
		if !ok {
			return false, Errorf("TypeError", "'in <string>' requires string as left operand, not %s", TypeName(item))
		}
		return strings.Contains(c, s), nil
	case []byte:
		if s, ok := item.([]byte); ok {
			return bytes.Contains(c, s), nil
		}
		if i, ok := asInt(item); ok && i >= 0 && i < 256 {
			return bytes.IndexByte(c, byte(i)) >= 0, nil
		}
		return false, Errorf("TypeError", "a bytes-like object is required, not '%s'", TypeName(item))
	case []any:
		return slices.ContainsFunc(c, func(e any) bool { return Equal(e, item) }), nil
	case Tuple:
		return slices.ContainsFunc(c, func(e any) bool { return Equal(e, item) }), nil
	case *Set:
		return c.Has(item)
	case *Map:
		if _, err := hashKey(item); err != nil {
			return false, err
		}
		return c.Has(KeyText(item)), nil
	default:
		return false, Errorf("TypeError", "argument of type '%s' is not iterable", TypeName(container))
	}
}

// KeyText is the text under which v stands as a key of an object, by the rule
// of JSON: 1 is "1", True is "true", None is "null".
func KeyText(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case nil:
		return "null"
	case bool:
		if t {
			return "true"
		}
		return "false"
	default:
		return Repr(v)
	}
}
