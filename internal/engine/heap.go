package engine

import (
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// heap is how a checkpoint writes values. A number, a word or a short text
// stands where it is used; a list, an object or a long text stands once in the
// list of values, is used by its number, and uses lower numbers alone. So what
// was one thing in two places stays one, nothing can contain itself, and the
// JSON is flat however deep a value nests.
type heap struct {
	values []any
	secret func(text string) (string, bool)
	lists  map[listKey]int
	others map[any]int // *value.Map, *value.Set, string
	size   int
}

// listKey tells a list from its copies.
type listKey struct {
	first  uintptr
	length int
	tuple  bool
}

const (
	// inlineText is the length up to which a text stands where it is used.
	inlineText = 24
	// maxNesting bounds what is written; a value that contains itself never ends.
	maxNesting = 1000
)

var (
	errTooLarge = errors.New("is too large")
	errTooDeep  = errors.New("holds lists or objects that are nested too deep")
)

// liveError names a value that only lives inside of its robot.
type liveError struct{ typ string }

func (e *liveError) Error() string {
	return "holds something that lives in its robot only (" + e.typ + ")"
}

func newHeap(secret func(string) (string, bool)) *heap {
	return &heap{values: []any{}, secret: secret, lists: map[listKey]int{}, others: map[any]int{}}
}

// put returns how a value is written where it is used.
func (h *heap) put(v any, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errTooDeep
	}
	switch t := v.(type) {
	case nil, bool, int64:
		return v, h.grows(8)
	case int:
		return int64(t), h.grows(8)
	case float64:
		switch {
		case math.IsNaN(t):
			return value.MapOf("f", "nan"), h.grows(12)
		case math.IsInf(t, 0):
			return value.MapOf("f", map[bool]string{true: "inf", false: "-inf"}[t > 0]), h.grows(12)
		}
		return v, h.grows(8)
	case string:
		return h.text(t)
	case []byte:
		if len(t) > MaxCheckpoint {
			return nil, errTooLarge
		}
		return h.keep(value.MapOf("b", base64.StdEncoding.EncodeToString(t)), 10+len(t)*4/3)
	case []any:
		return h.list("l", t, false, depth)
	case value.Tuple:
		return h.list("t", t, true, depth)
	case *value.Map:
		return h.object(t, depth)
	case *value.Set:
		return h.set(t, depth)
	case time.Time:
		return h.time(t)
	}
	return nil, &liveError{value.TypeName(v)}
}

// grows stops what would be thrown away.
func (h *heap) grows(n int) error {
	if h.size += n; h.size > 2*MaxCheckpoint {
		return errTooLarge
	}
	return nil
}

func (h *heap) keep(v any, size int) (any, error) {
	h.values = append(h.values, v)
	return ref(len(h.values) - 1), h.grows(size)
}

func ref(n int) *value.Map { return value.MapOf("r", int64(n)) }

func (h *heap) text(s string) (any, error) {
	if h.secret != nil {
		if id, ok := h.secret(s); ok {
			return value.MapOf("k", id), h.grows(len(id))
		}
	}
	if len(s) > 2*MaxCheckpoint {
		return nil, errTooLarge
	}
	if !utf8.ValidString(s) {
		return value.MapOf("x", base64.StdEncoding.EncodeToString([]byte(s))), h.grows(len(s))
	}
	if len(s) <= inlineText {
		return s, h.grows(len(s))
	}
	if n, ok := h.others[s]; ok {
		return ref(n), h.grows(8)
	}
	out, err := h.keep(s, len(s))
	h.others[s] = len(h.values) - 1
	return out, err
}

// items writes the elements of a list.
func (h *heap) items(items []any, depth int) ([]any, error) {
	out := make([]any, 0, min(len(items), MaxCheckpoint))
	for _, e := range items {
		v, err := h.put(e, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (h *heap) list(kind string, items []any, tuple bool, depth int) (any, error) {
	key := listKey{length: len(items), tuple: tuple}
	if len(items) > 0 {
		key.first = reflect.ValueOf(items).Pointer()
		if n, ok := h.lists[key]; ok {
			return ref(n), h.grows(8)
		}
	}
	out, err := h.items(items, depth)
	if err != nil {
		return nil, err
	}
	r, err := h.keep(value.MapOf(kind, out), 8)
	if len(items) > 0 {
		h.lists[key] = len(h.values) - 1
	}
	return r, err
}

func (h *heap) set(s *value.Set, depth int) (any, error) {
	if n, ok := h.others[s]; ok {
		return ref(n), h.grows(8)
	}
	out, err := h.items(s.Items(), depth)
	if err != nil {
		return nil, err
	}
	r, err := h.keep(value.MapOf("u", out), 8)
	h.others[s] = len(h.values) - 1
	return r, err
}

// object writes keys and values in turn.
func (h *heap) object(m *value.Map, depth int) (any, error) {
	if n, ok := h.others[m]; ok {
		return ref(n), h.grows(8)
	}
	out := []any{}
	for k, e := range m.All() {
		key, err := h.put(k, depth+1)
		if err != nil {
			return nil, err
		}
		v, err := h.put(e, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, key, v)
	}
	r, err := h.keep(value.MapOf("m", out), 8)
	h.others[m] = len(h.values) - 1
	return r, err
}

// naive is how a time without a zone is written.
const naive = "2006-01-02T15:04:05.999999999"

func (h *heap) time(t time.Time) (any, error) {
	switch t.Location() {
	case time.Local:
		return value.MapOf("d", t.Format(naive)), h.grows(32)
	case time.UTC:
		return value.MapOf("d", t.Format(naive)+"Z"), h.grows(32)
	}
	return nil, &liveError{"a time of another zone"}
}
