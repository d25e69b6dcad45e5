package engine

import (
	"context"
	"strings"
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

// Here is what nodes of several families have in common, so that one habit of
// the original is written down once.

// Act makes a Node of a function that always goes on at every exec link.
func Act(act func(c *Call) error) Node {
	return Func(func(_ context.Context, c *Call) (Result, error) {
		return Continue(), act(c)
	})
}

// Failed is the end of a step with the type that the original gives to
// everything that a node reports by itself.
func Failed(message string) error { return Fail("ExecutionError", "%s", message) }

// Reporting also sets the outputs success and error when the node fails. A node
// that came to an answer sets them by itself.
func Reporting(run Func) Func {
	return func(ctx context.Context, c *Call) (Result, error) {
		result, err := run(ctx, c)
		if err != nil {
			c.Set("success", false)
			c.Set("error", err.Error())
		}
		return result, err
	}
}

// Flag reads a switch that counts as def when nothing says otherwise.
func (c *Call) Flag(name string, def bool) bool {
	if !c.Has(name) {
		return def
	}
	return c.Bool(name)
}

// Object reads an object that may also be given as JSON text. Nothing is an
// empty one.
func (c *Call) Object(name string) (*value.Map, error) {
	v := value.Plain(c.Param(name))
	if text, ok := v.(string); ok {
		if strings.TrimSpace(text) == "" {
			return value.NewMap(), nil
		}
		parsed, err := value.Loads(text)
		if err != nil {
			return nil, Fail("JSONDecodeError", "%s is not valid JSON: %s", name, err)
		}
		v = parsed
	}
	switch m := v.(type) {
	case nil:
		return value.NewMap(), nil
	case *value.Map:
		return m, nil
	default:
		return nil, Fail("TypeError", "%s must be an object, not %s", name, value.TypeName(v))
	}
}

// Words reads a list as texts, or a text that split cuts into them.
func (c *Call) Words(name string, split func(text string) ([]string, error)) ([]string, error) {
	switch v := value.Plain(c.Param(name)).(type) {
	case nil:
		return nil, nil
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			list[i] = value.Str(item)
		}
		return list, nil
	default:
		return split(value.Str(v))
	}
}

// Pause waits, or ends with the cause of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
