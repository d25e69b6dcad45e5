package engine

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

// heapReader reads the values of a checkpoint. Nothing is taken on trust: a
// checkpoint comes from another machine.
type heapReader struct {
	values []any
	sizes  []int // what each may become when it is written out
	limit  int
	total  int
	secret func(ctx context.Context, id string) (string, error)
}

func (h *heapReader) read(ctx context.Context, raw []any) error {
	for i, e := range raw {
		v, size, err := h.entry(ctx, e)
		if err != nil {
			return fmt.Errorf("value %d %w", i, err)
		}
		if h.total += size; size > h.limit || h.total > 4*h.limit {
			return fmt.Errorf("value %d and what it uses take more than %d bytes", i, h.limit)
		}
		h.values, h.sizes = append(h.values, v), append(h.sizes, size)
	}
	return nil
}

// entry reads a value that stands in the list.
func (h *heapReader) entry(ctx context.Context, e any) (any, int, error) {
	if s, ok := e.(string); ok {
		return s, len(s) + 1, nil
	}
	kind, body, err := onlyEntry(e)
	if err != nil {
		return nil, 0, err
	}
	if kind == "b" {
		text, ok := body.(string)
		bytes, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			return nil, 0, fmt.Errorf("holds bytes that are no base64")
		}
		return bytes, len(bytes) + 1, nil
	}
	raw, ok := body.([]any)
	if !ok {
		return nil, 0, fmt.Errorf("is no list")
	}
	items := make([]any, len(raw))
	size := 1
	for i, r := range raw {
		v, n, err := h.use(ctx, r)
		if err != nil {
			return nil, 0, err
		}
		items[i] = v
		if size += n; size > h.limit {
			return nil, size, nil // refused by who counts
		}
	}
	switch kind {
	case "l":
		return items, size, nil
	case "t":
		return value.Tuple(items), size, nil
	case "u":
		s, err := value.NewSet(items...)
		if err != nil {
			return nil, 0, fmt.Errorf("is no set: %w", err)
		}
		return s, size, nil
	case "m":
		if len(items)%2 != 0 {
			return nil, 0, fmt.Errorf("is an object with a key that has no value")
		}
		m := value.NewMap()
		for i := 0; i < len(items); i += 2 {
			k, ok := items[i].(string)
			if !ok || m.Has(k) {
				return nil, 0, fmt.Errorf("is an object with a key that is no text or stands twice")
			}
			m.Set(k, items[i+1])
		}
		return m, size, nil
	}
	return nil, 0, fmt.Errorf("has the unknown kind %q", cutText(kind, 20))
}

// onlyEntry takes an object of one entry apart.
func onlyEntry(e any) (kind string, body any, err error) {
	m, ok := e.(*value.Map)
	if !ok || m.Len() != 1 {
		return "", nil, fmt.Errorf("is not written as one")
	}
	kind = m.Keys()[0]
	body, _ = m.Get(kind)
	return kind, body, nil
}

// use reads a value where it is used, and tells its size.
func (h *heapReader) use(ctx context.Context, e any) (any, int, error) {
	switch t := e.(type) {
	case nil, bool, int64, float64:
		return e, 1, nil
	case string:
		return t, len(t) + 1, nil
	}
	kind, body, err := onlyEntry(e)
	if err != nil {
		return nil, 0, err
	}
	if kind == "r" {
		n, ok := body.(int64)
		if !ok || n < 0 || n >= int64(len(h.values)) {
			return nil, 0, fmt.Errorf("uses a value that does not come before it")
		}
		return h.values[n], h.sizes[n], nil
	}
	text, ok := body.(string)
	if !ok {
		return nil, 0, fmt.Errorf("has a part of kind %q that is no text", cutText(kind, 20))
	}
	switch kind {
	case "f":
		return noFinite(text)
	case "x":
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, 0, fmt.Errorf("holds a text that is no base64")
		}
		return string(bytes), len(bytes) + 1, nil
	case "k":
		s, err := h.secret(ctx, text)
		if err != nil {
			return nil, 0, fmt.Errorf("needs the secret %s: %w", cutText(text, 100), err)
		}
		return s, len(s) + 1, nil
	case "d":
		at, err := time.ParseInLocation(naive, strings.TrimSuffix(text, "Z"), map[bool]*time.Location{true: time.UTC, false: time.Local}[strings.HasSuffix(text, "Z")])
		if err != nil {
			return nil, 0, fmt.Errorf("holds a time that cannot be read")
		}
		return at, 1, nil
	}
	return nil, 0, fmt.Errorf("has a part of the unknown kind %q", cutText(kind, 20))
}

func noFinite(word string) (any, int, error) {
	switch word {
	case "nan":
		return math.NaN(), 1, nil
	case "inf":
		return math.Inf(1), 1, nil
	case "-inf":
		return math.Inf(-1), 1, nil
	}
	return nil, 0, fmt.Errorf("holds a number that cannot be read")
}
