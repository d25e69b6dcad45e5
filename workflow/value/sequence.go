package value

import "slices"

// Tuple is an unchangeable list inside an expression.
type Tuple []any

// Set is a set inside an expression. It keeps the order in which its elements
// came, where Python's order is arbitrary. The zero Set is empty.
type Set struct {
	items []any
	// buckets finds elements by a key that equal values share.
	buckets map[any][]int
}

// NewSet makes a Set of items without repetition. Lists, objects and sets
// cannot be elements.
func NewSet(items ...any) (*Set, error) {
	s := &Set{}
	for _, v := range items {
		if err := s.Add(v); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Add puts v into the set unless an equal element is there.
func (s *Set) Add(v any) error {
	key, err := hashKey(v)
	if err != nil {
		return err
	}
	if s.find(key, v) {
		return nil
	}
	if s.buckets == nil {
		s.buckets = map[any][]int{}
	}
	s.buckets[key] = append(s.buckets[key], len(s.items))
	s.items = append(s.items, v)
	return nil
}

// Has tells whether an equal element is there.
func (s *Set) Has(v any) (bool, error) {
	key, err := hashKey(v)
	if err != nil {
		return false, err
	}
	return s.find(key, v), nil
}

// find compares only within one bucket.
func (s *Set) find(key, v any) bool {
	if s == nil {
		return false
	}
	for _, i := range s.buckets[key] {
		if Equal(s.items[i], v) {
			return true
		}
	}
	return false
}

// Items returns the elements; the slice must not be changed.
func (s *Set) Items() []any {
	if s == nil {
		return nil
	}
	return s.items
}

// Len returns the number of elements.
func (s *Set) Len() int { return len(s.Items()) }

func (s *Set) equal(other *Set) bool {
	if s.Len() != other.Len() {
		return false
	}
	for _, v := range s.Items() {
		if found, err := other.Has(v); err != nil || !found {
			return false
		}
	}
	return true
}

// hashKey gives equal values the same key: numbers count by their float value,
// since 1, 1.0 and True are one element.
func hashKey(v any) (any, error) {
	switch t := v.(type) {
	case nil, string:
		return t, nil
	case bool, int64, float64:
		f, _ := asFloat(t)
		return f, nil
	case []byte:
		return string(t), nil
	case Tuple:
		key := "tuple"
		for _, e := range t {
			if _, err := hashKey(e); err != nil {
				return nil, err
			}
		}
		return key, nil
	case []any, *Map, *Set:
		return nil, Errorf("TypeError", "unhashable type: '%s'", TypeName(v))
	default:
		return TypeName(v), nil
	}
}

// Plain turns the tuples and sets in v into lists, at every depth. Values
// without any come back as they are, not copied.
func Plain(v any) any {
	if !hasSpecial(v) {
		return v
	}
	switch t := v.(type) {
	case []any:
		return plainList(t)
	case Tuple:
		return plainList(t)
	case *Set:
		return plainList(t.Items())
	case *Map:
		c := t.Clone()
		for k, e := range t.All() {
			c.Set(k, Plain(e))
		}
		return c
	default:
		return v
	}
}

func plainList(items []any) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = Plain(e)
	}
	return out
}

// hasSpecial looks before Plain copies, since most results need no change.
func hasSpecial(v any) bool {
	switch t := v.(type) {
	case Tuple, *Set:
		return true
	case []any:
		return slices.ContainsFunc(t, hasSpecial)
	case *Map:
		for _, e := range t.All() {
			if hasSpecial(e) {
				return true
			}
		}
	}
	return false
}

// Size counts what v holds, in bytes of text and in elements, each time it is
// reached; it stops soon after limit. Parts that appear many times count many
// times, so it tells how large the text of v may become.
func Size(v any, limit int) int {
	n := 1
	switch t := v.(type) {
	case string:
		n += len(t)
	case []byte:
		n += len(t)
	case []any:
		n += sizeList(t, limit)
	case Tuple:
		n += sizeList(t, limit)
	case *Set:
		n += sizeList(t.Items(), limit)
	case *Map:
		for k, e := range t.All() {
			if n > limit {
				break
			}
			n += len(k) + Size(e, limit-n)
		}
	}
	return n
}

func sizeList(items []any, limit int) int {
	n := 0
	for _, e := range items {
		if n > limit {
			break
		}
		n += Size(e, limit-n)
	}
	return n
}
