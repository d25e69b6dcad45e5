package pyexpr

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

func (n *index) eval(m *machine) (any, error) {
	object, err := n.object.eval(m)
	if err != nil {
		return nil, err
	}
	key, err := n.key.eval(m)
	if err != nil {
		return nil, err
	}
	if err := m.charge(1); err != nil {
		return nil, err
	}
	return m.item(object, key)
}

// item finds an element; negative indices count from the end.
func (m *machine) item(object, key any) (any, error) {
	if d, ok := object.(*value.Map); ok {
		text, err := m.key(key)
		if err != nil {
			return nil, err
		}
		v, ok := d.Get(text)
		if !ok {
			return nil, fail("KeyError", "%s", value.Repr(key))
		}
		return value.Normal(v), nil
	}
	i, isInt := asInt(key)
	kind := value.TypeName(object)
	switch object.(type) {
	case string, []any, value.Tuple, []byte, rangeValue:
		if isInt {
			break
		}
		if kind == "str" {
			return nil, fail("TypeError", "string indices must be integers, not '%s'", value.TypeName(key))
		}
		return nil, fail("TypeError", "%s indices must be integers or slices, not %s", kind, value.TypeName(key))
	default:
		return nil, fail("TypeError", "'%s' object is not subscriptable", kind)
	}
	length, err := m.length(object)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		i += int64(length)
	}
	if i < 0 || i >= int64(length) {
		switch kind {
		case "str":
			kind = "string"
		case "range":
			kind = "range object"
		case "bytes":
			return nil, fail("IndexError", "index out of range")
		}
		return nil, fail("IndexError", "%s index out of range", kind)
	}
	switch t := object.(type) {
	case string:
		if length == len(t) {
			return t[i : i+1], nil
		}
		return string([]rune(t)[i]), nil
	case []any:
		return value.Normal(t[i]), nil
	case value.Tuple:
		return t[i], nil
	case []byte:
		return int64(t[i]), nil
	case rangeValue:
		return t.start + i*t.step, nil
	}
	return nil, nil
}

// length is len(v) for what can be indexed.
func (m *machine) length(v any) (int, error) {
	switch t := v.(type) {
	case string:
		if err := m.chargeText(len(t)); err != nil {
			return 0, err
		}
		return utf8.RuneCountInString(t), nil
	case []any:
		return len(t), nil
	case value.Tuple:
		return len(t), nil
	case []byte:
		return len(t), nil
	case *value.Map:
		return t.Len(), nil
	case *value.Set:
		return t.Len(), nil
	case rangeValue:
		return int(t.len()), nil
	}
	return 0, fail("TypeError", "object of type '%s' has no len()", value.TypeName(v))
}

func (n *slice) eval(m *machine) (any, error) {
	object, err := n.object.eval(m)
	if err != nil {
		return nil, err
	}
	var parts [3]any
	for i, p := range n.parts {
		if p == nil {
			continue
		}
		if parts[i], err = p.eval(m); err != nil {
			return nil, err
		}
	}
	switch object.(type) {
	case string, []any, value.Tuple, []byte, rangeValue:
	case *value.Map:
		return nil, fail("TypeError", "unhashable type: 'slice'")
	default:
		return nil, fail("TypeError", "'%s' object is not subscriptable", value.TypeName(object))
	}
	length, err := m.length(object)
	if err != nil {
		return nil, err
	}
	start, step, count, err := sliceBounds(parts, int64(length))
	if err != nil {
		return nil, err
	}
	if r, ok := object.(rangeValue); ok {
		first := r.start + start*r.step
		return rangeValue{first, first + count*step*r.step, step * r.step}, nil
	}
	if err := m.charge(1 + int(count)); err != nil {
		return nil, err
	}
	switch t := object.(type) {
	case string:
		if length != len(t) {
			return string(pick([]rune(t), start, step, count)), nil
		}
		if step == 1 {
			return t[start : start+count], nil
		}
		return string(pick([]byte(t), start, step, count)), nil
	case []any:
		return pick(t, start, step, count), nil
	case value.Tuple:
		return value.Tuple(pick(t, start, step, count)), nil
	case []byte:
		return pick(t, start, step, count), nil
	}
	return nil, nil
}

// pick copies, so that the result shares no memory with a variable.
func pick[E any](items []E, start, step, count int64) []E {
	if step == 1 {
		return slices.Clone(items[start : start+count])
	}
	out := make([]E, 0, count)
	for i := start; count > 0; i, count = i+step, count-1 {
		out = append(out, items[i])
	}
	return out
}

// sliceBounds gives the first index, the step and the number of elements.
func sliceBounds(parts [3]any, length int64) (start, step, count int64, err error) {
	var given [3]bool
	var num [3]int64
	for i, p := range parts {
		if p == nil {
			continue
		}
		n, ok := asInt(p)
		if !ok {
			return 0, 0, 0, fail("TypeError", "slice indices must be integers or None or have an __index__ method")
		}
		given[i], num[i] = true, n
	}
	step = 1
	if given[2] {
		// Any step beyond the length takes one element at most.
		step = max(num[2], -math.MaxInt32)
		step = min(step, math.MaxInt32)
	}
	if step == 0 {
		return 0, 0, 0, fail("ValueError", "slice step cannot be zero")
	}
	low, high := int64(0), length
	if step < 0 {
		low, high = -1, length-1
	}
	bound := func(i int, missing int64) int64 {
		if !given[i] {
			return missing
		}
		n := num[i]
		if n < 0 {
			n = max(n, -length-1) + length
		}
		return min(max(n, low), high)
	}
	var stop int64
	if step > 0 {
		start, stop = bound(0, low), bound(1, high)
		if stop > start {
			count = (stop-start-1)/step + 1
		}
	} else {
		start, stop = bound(0, high), bound(1, low)
		if start > stop {
			count = (start-stop-1)/-step + 1
		}
	}
	if count == 0 {
		start = 0
	}
	return start, step, count, nil
}
