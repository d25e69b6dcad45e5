package rest

import (
	"context"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// parseResponse takes one value out of a JSON answer.
func parseResponse(_ context.Context, c *engine.Call) (engine.Result, error) {
	data := value.Plain(c.Param("json_data"))
	if text, ok := data.(string); ok {
		parsed, err := value.Loads(text)
		if err != nil {
			return engine.Result{}, engine.Fail("JSONDecodeError", "Invalid JSON: %s", err)
		}
		data = parsed
	}
	path := strings.TrimSpace(c.Text("path"))
	v, ok := walk(data, path)
	switch {
	case ok:
	case c.Has("default"):
		v = c.Param("default")
	default:
		return engine.Result{}, engine.Fail("KeyError", "Path not found: %s", path)
	}
	c.Set("value", v)
	c.Set("success", true)
	c.Set("error", "")
	return engine.Continue(), nil
}

// walk follows a path such as a.b[0].c; numbers also stand between dots, and
// negative ones count from the end.
func walk(data any, path string) (any, bool) {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	path = strings.ReplaceAll(strings.ReplaceAll(path, "]", ""), "[", ".")
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		if part == "" && path == "" {
			return data, true
		}
		switch d := data.(type) {
		case *value.Map:
			v, ok := d.Get(strings.Trim(part, `'"`))
			if !ok {
				return nil, false
			}
			data = v
		case []any:
			i, err := strconv.Atoi(part)
			if i < 0 {
				i += len(d)
			}
			if err != nil || i < 0 || i >= len(d) {
				return nil, false
			}
			data = d[i]
		default:
			return nil, false
		}
	}
	return data, true
}
