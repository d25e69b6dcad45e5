package template

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine/pyexpr"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxText bounds the text that one resolved string may become. References
// that would lead beyond it stay as written.
const maxText = 16 << 20

// Lookup is what references can reach. Every field may be left out.
type Lookup struct {
	// Variable finds a variable by its full name.
	Variable func(name string) (any, bool)
	// Secret finds a secret by its id; without it such references stay.
	Secret func(id string) (string, bool)
	// Now is the local time of the clock names; zero is the present.
	Now time.Time
	// Rand is the source of rand and randint in conditions.
	Rand *rand.Rand
	// Compiled keeps expressions between evaluations, so that the condition of
	// a loop is read once and not in every pass. It belongs to one goroutine;
	// nil keeps none.
	Compiled Compiled
}

// Compiled are expressions by their source.
type Compiled map[string]*pyexpr.Expr

// maxCompiled bounds what is kept. An author writes fewer conditions than that;
// more come from texts that are put into an expression.
const maxCompiled = 128

// compile reads an expression, or finds it read already.
func (c Compiled) compile(src string) (*pyexpr.Expr, error) {
	if expr, ok := c[src]; ok {
		return expr, nil
	}
	expr, err := pyexpr.Compile(src)
	if err == nil && c != nil && len(c) < maxCompiled {
		c[src] = expr
	}
	return expr, err
}

// Resolve replaces the references in every string of v, at any depth of lists
// and objects, but not in their keys. A string that is one reference becomes
// the value itself; within other text a reference becomes the value's text.
// What needs no change is not copied, and v itself is never changed.
func Resolve(v any, look Lookup) any {
	switch t := v.(type) {
	case string:
		return resolveText(t, look)
	case []any:
		return resolveList(t, look)
	case *value.Map:
		out := t
		for k, e := range t.All() {
			done := Resolve(e, look)
			if unchanged(done, e) {
				continue
			}
			if out == t {
				out = t.Clone()
			}
			out.Set(k, done)
		}
		return out
	default:
		return v
	}
}

func resolveList(items []any, look Lookup) any {
	var out []any
	for i, e := range items {
		done := Resolve(e, look)
		if out == nil && unchanged(done, e) {
			continue
		}
		if out == nil {
			out = append(make([]any, 0, len(items)), items...)
		}
		out[i] = done
	}
	if out == nil {
		return items
	}
	return out
}

// unchanged compares what Resolve gave with what it got. Lists and objects are
// copied when anything in them changes, so their identity tells.
func unchanged(after, before any) bool {
	switch b := before.(type) {
	case string:
		a, ok := after.(string)
		return ok && a == b
	case []any:
		a, ok := after.([]any)
		return ok && len(a) == len(b) && (len(b) == 0 || &a[0] == &b[0])
	case *value.Map:
		a, ok := after.(*value.Map)
		return ok && a == b
	default:
		return true
	}
}

// resolveText decides by the grammar alone whether the type is kept; whether
// the variable exists comes second.
func resolveText(s string, look Lookup) any {
	ref, ok := next(s, 0)
	if !ok {
		return s
	}
	if whole, ok := only(s); ok {
		if v, found := look.value(whole); found {
			return v
		}
		return s
	}
	var b strings.Builder
	at := 0
	for ; ok; ref, ok = next(s, at) {
		b.WriteString(s[at:ref.start])
		at = ref.end
		text, found := look.text(ref, maxText-b.Len())
		if !found {
			text = s[ref.start:ref.end]
		}
		b.WriteString(text)
	}
	b.WriteString(s[at:])
	return b.String()
}

// text is the text form of a reference, empty for null.
func (look Lookup) text(ref reference, room int) (string, bool) {
	v, found := look.value(ref)
	switch {
	case !found || room <= 0 || value.Size(v, room) > room:
		return "", false
	case v == nil:
		return "", true
	}
	s := value.Str(v)
	return s, len(s) <= room
}

// value finds what a reference stands for. A value of null counts only where a
// variable has exactly the name of the path.
func (look Lookup) value(ref reference) (any, bool) {
	if ref.secret != "" {
		if look.Secret == nil {
			return nil, false
		}
		s, ok := look.Secret(ref.secret)
		if !ok {
			return nil, false
		}
		return s, true
	}
	if ref.system() {
		if v, ok := look.clock(ref.path); ok {
			return v, true
		}
	}
	if look.Variable == nil {
		return nil, false
	}
	if v, ok := look.Variable(ref.path); ok {
		return value.Normal(v), true
	}
	end := strings.IndexAny(ref.path, ".[")
	if end < 0 {
		return nil, false
	}
	v, ok := look.Variable(ref.path[:end])
	if !ok {
		return nil, false
	}
	return walk(value.Normal(v), ref.path[end:])
}

// walk follows the steps of a path, which is known to be well formed.
func walk(v any, steps string) (any, bool) {
	for steps != "" {
		if steps[0] == '[' {
			digits, rest, _ := strings.Cut(steps[1:], "]")
			items, isList := v.([]any)
			i, err := strconv.Atoi(digits)
			if !isList || err != nil || i >= len(items) {
				return nil, false
			}
			v, steps = items[i], rest
			continue
		}
		end := scanName(steps, 1)
		found, err := value.Attribute(v, steps[1:end])
		if err != nil {
			return nil, false
		}
		v, steps = value.Normal(found), steps[end:]
	}
	return v, v != nil
}

// clock gives the names that tell the time.
func (look Lookup) clock(name string) (any, bool) {
	now := look.Now
	if now.IsZero() {
		now = time.Now()
	}
	switch name {
	case "$currentDate":
		return now.Format(time.DateOnly), true
	case "$currentTime":
		return now.Format(time.TimeOnly), true
	case "$currentDateTime":
		return value.ISOFormat(now.Local()), true
	case "$timestamp":
		return now.Unix(), true
	}
	return nil, false
}
