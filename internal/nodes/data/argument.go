package data

import (
	"math"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// Parameters of list and dictionary nodes have one habit more than others: a
// text in a setting that is the name of a variable means that variable. What
// comes over a link is data and never a name.

const notList = "Input is not a list"

// argument reads a parameter with that habit.
func argument(c *engine.Call, name string) any {
	if v, ok := c.Port(name); ok {
		return v
	}
	v := c.Param(name)
	if text, ok := v.(string); ok {
		if named, found := variable(c, text); found {
			return named
		}
	}
	return v
}

// variable finds the variable that a text names, with or without braces.
func variable(c *engine.Call, text string) (any, bool) {
	name := strings.TrimFunc(text, value.IsSpace)
	if strings.HasPrefix(name, "{{") && strings.HasSuffix(name, "}}") && len(name) >= 4 {
		name = strings.TrimFunc(name[2:len(name)-2], value.IsSpace)
	}
	v, ok := c.Var(name)
	return v, ok && v != nil
}

// listArgument reads a list: from the link, the setting, or the variable that
// the setting names. A name that is no variable is an empty list.
func listArgument(c *engine.Call, name string) ([]any, error) {
	v := argument(c, name)
	if _, linked := c.Port(name); !linked {
		if _, text := v.(string); text || v == nil {
			return []any{}, nil
		}
	}
	switch t := v.(type) {
	case []any:
		return t, nil
	case value.Tuple:
		return t, nil
	}
	return nil, engine.Failed(notList)
}

// dictArgument reads an object; nothing and an empty text are an empty one.
func dictArgument(c *engine.Call, name string) (*value.Map, error) {
	v := argument(c, name)
	if text, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "{") {
		// Settings of old saves hold objects as text.
		if parsed, err := value.Loads(text); err == nil {
			v = parsed
		}
	}
	if m, ok := v.(*value.Map); ok {
		return m, nil
	}
	if !value.Truthy(v) {
		return value.NewMap(), nil
	}
	return nil, engine.Failed("Input is not a dictionary")
}

// textArgument reads a text parameter; the name of a variable means its text.
func textArgument(c *engine.Call, name string) string {
	v := argument(c, name)
	if v == nil {
		return ""
	}
	return value.Str(v)
}

// bounds reads a slice's start or end; absent is (0, false).
func boundArgument(c *engine.Call, name string) (at int64, given bool, err error) {
	if !c.Has(name) {
		return 0, false, nil
	}
	at, err = c.Int(name, 0)
	return at, true, err
}

// sliceArguments reads start and end of a slice of n items by Python's rules.
func sliceArguments(c *engine.Call, n int) (from, to int, err error) {
	start, _, err := boundArgument(c, "start")
	if err != nil {
		return 0, 0, err
	}
	end, given, err := boundArgument(c, "end")
	if err != nil {
		return 0, 0, err
	}
	if !given {
		end = math.MaxInt64
	}
	from = clamp(start, n)
	return from, max(from, clamp(end, n)), nil
}

// clamp brings a place that may count from the end into 0…n.
func clamp(at int64, n int) int {
	if at < 0 {
		at += int64(n)
	}
	return int(max(0, min(at, int64(n))))
}

// along follows a dotted path through objects; what is not there is nil.
func along(v any, path string) any {
	if path == "" {
		return v
	}
	for part := range strings.SplitSeq(path, ".") {
		m, ok := v.(*value.Map)
		if !ok {
			return nil
		}
		if v, ok = m.Get(part); !ok {
			return nil
		}
	}
	return v
}

// texts are the str forms of items.
func texts(items []any) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = value.Str(item)
	}
	return list
}
