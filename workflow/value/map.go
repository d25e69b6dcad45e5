package value

import (
	"iter"
	"slices"
)

// smallMap is the number of entries up to which a plain scan beats an index.
const smallMap = 8

// Map is an object: text keys in the order in which they were first set. The
// zero Map is empty and ready; a nil *Map reads as empty and cannot be written.
type Map struct {
	entries []entry
	// index is kept by the writers alone, so that readers never write. It is
	// nil while the map is small.
	index map[string]int
}

type entry struct {
	key string
	val any
}

// NewMap returns an empty Map.
func NewMap() *Map { return &Map{} }

// MapOf makes a Map of alternating keys and values. A key that is not a string
// counts by its text, and a last key without a value gets nil. The values are
// taken as they are: foreign Go data goes through [FromGo] first.
func MapOf(keysAndValues ...any) *Map {
	m := &Map{entries: make([]entry, 0, (len(keysAndValues)+1)/2)}
	for pair := range slices.Chunk(keysAndValues, 2) {
		var v any
		if len(pair) == 2 {
			v = pair[1]
		}
		m.Set(Str(pair[0]), v)
	}
	return m
}

func (m *Map) find(key string) int {
	if m == nil {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].key == key {
			return i
		}
	}
	return -1
}

// Get returns the value of key and whether the key is there.
func (m *Map) Get(key string) (any, bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].val, true
	}
	return nil, false
}

// Has tells whether key is there.
func (m *Map) Has(key string) bool { return m.find(key) >= 0 }

// Set writes key. A new key goes to the end, an old one keeps its place.
func (m *Map) Set(key string, v any) {
	if i := m.find(key); i >= 0 {
		m.entries[i].val = v
		return
	}
	m.entries = append(m.entries, entry{key, v})
	switch {
	case m.index != nil:
		m.index[key] = len(m.entries) - 1
	case len(m.entries) > smallMap:
		m.reindex()
	}
}

// Delete removes key and tells whether it was there.
func (m *Map) Delete(key string) bool {
	i := m.find(key)
	if i < 0 {
		return false
	}
	last := i == len(m.entries)-1
	m.entries = slices.Delete(m.entries, i, i+1)
	switch {
	case m.index == nil:
	case len(m.entries) <= smallMap:
		m.index = nil
	case last:
		delete(m.index, key)
	default:
		m.reindex()
	}
	return true
}

func (m *Map) reindex() {
	m.index = make(map[string]int, 2*len(m.entries))
	for i := range m.entries {
		m.index[m.entries[i].key] = i
	}
}

// Len returns the number of keys.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.entries)
}

// Keys returns the keys in order, in a slice of their own.
func (m *Map) Keys() []string {
	keys := make([]string, 0, m.Len())
	for k := range m.All() {
		keys = append(keys, k)
	}
	return keys
}

// Values returns the values in the order of their keys.
func (m *Map) Values() []any {
	vals := make([]any, 0, m.Len())
	for _, v := range m.All() {
		vals = append(vals, v)
	}
	return vals
}

// All yields the entries in order. Deleting or adding keys meanwhile is not
// allowed; replacing the value of a key is.
func (m *Map) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if m == nil {
			return
		}
		for i := range m.entries {
			if !yield(m.entries[i].key, m.entries[i].val) {
				return
			}
		}
	}
}

// Clone copies the Map but not the values in it; [Clone] copies those too. The
// clone of nil is empty.
func (m *Map) Clone() *Map {
	if m == nil {
		return NewMap()
	}
	c := &Map{entries: slices.Clone(m.entries)}
	if len(c.entries) > smallMap {
		c.reindex()
	}
	return c
}

// Equal compares deeply and without regard to order, as Python does. It also
// lets go-cmp compare maps.
func (m *Map) Equal(other *Map) bool { return Equal(m, other) }

// String is the Python text of the object.
func (m *Map) String() string { return Repr(m) }

// MarshalJSON writes the object with its keys in order; see [Marshal].
func (m *Map) MarshalJSON() ([]byte, error) { return Marshal(m) }

// UnmarshalJSON reads an object by the strict rules of [Parse] and replaces
// whatever the Map held.
func (m *Map) UnmarshalJSON(data []byte) error {
	v, err := Parse(data)
	if err != nil {
		return err
	}
	obj, ok := v.(*Map)
	if !ok {
		return Errorf("TypeError", "a JSON object is needed here, not %s", TypeName(v))
	}
	*m = *obj
	return nil
}
