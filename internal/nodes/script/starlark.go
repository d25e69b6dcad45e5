package script

import (
	"context"
	"errors"
	"fmt"
	"math"

	"go.starlark.net/lib/json"
	starmath "go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// maxSteps bounds a script besides its time.
const maxSteps = 200_000_000

// starlarkScript runs a script as Starlark with what Python scripts use most:
// loops and conditions at the top, reassignment, while, sets, json and math.
func starlarkScript(ctx context.Context, c *engine.Call, source string, vars *value.Map) (*answer, error) {
	limit, err := timeout(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, tooLong("Script", limit))
	defer cancel()
	var out printed
	thread := &starlark.Thread{Name: "script", Print: func(_ *starlark.Thread, text string) { out.add(text + "\n") }}
	thread.SetMaxExecutionSteps(maxSteps)
	stop := context.AfterFunc(ctx, func() { thread.Cancel("the time is over") })
	defer stop()
	given := starlark.StringDict{"json": json.Module, "math": starmath.Module, "sum": starlark.NewBuiltin("sum", sum)}
	for name, v := range vars.All() {
		given[name] = toStarlark(v)
	}
	options := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
	globals, err := starlark.ExecFileOptions(options, thread, "script", source, given)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a := &answer{output: out.b.String(), lost: out.lost}
	var failed *starlark.EvalError
	switch {
	case errors.As(err, &failed):
		a.failed = failed.Msg
		if at := failed.CallStack.At(0).Pos; at.Line > 0 {
			a.failed += fmt.Sprintf(" (line %d)", at.Line)
		}
	case err != nil:
		a.failed = err.Error()
	}
	if v, ok := globals["result"]; ok {
		a.result = fromStarlark(v, 0)
	} else if v, ok := given["result"]; ok {
		a.result = fromStarlark(v, 0)
	}
	return a, nil
}

// sum is the function that Starlark lacks and Python scripts use most.
func sum(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var items starlark.Iterable
	var total starlark.Value = starlark.MakeInt(0)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "iterable", &items, "start?", &total); err != nil {
		return nil, err
	}
	var err error
	for item := range starlark.Elements(items) {
		if total, err = starlark.Binary(syntax.PLUS, total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func toStarlark(v any) starlark.Value {
	switch v := v.(type) {
	case nil:
		return starlark.None
	case bool:
		return starlark.Bool(v)
	case int64:
		return starlark.MakeInt64(v)
	case float64:
		return starlark.Float(v)
	case string:
		return starlark.String(v)
	case []byte:
		return starlark.Bytes(v)
	case []any:
		items := make([]starlark.Value, len(v))
		for i, item := range v {
			items[i] = toStarlark(item)
		}
		return starlark.NewList(items)
	case *value.Map:
		d := starlark.NewDict(v.Len())
		for k, item := range v.All() {
			_ = d.SetKey(starlark.String(k), toStarlark(item)) // texts can always be keys
		}
		return d
	default:
		return starlark.String(value.Str(v))
	}
}

// deepest is how far a result is followed; a list may contain itself.
const deepest = 60

func fromStarlark(v starlark.Value, depth int) any {
	if depth > deepest {
		return v.Type()
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil
	case starlark.Bool:
		return bool(v)
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return i
		}
		return float64(v.Float())
	case starlark.Float:
		if math.IsNaN(float64(v)) {
			return math.NaN()
		}
		return float64(v)
	case starlark.String:
		return string(v)
	case starlark.Bytes:
		return []byte(v)
	case starlark.IterableMapping:
		m := value.NewMap()
		for _, item := range v.Items() {
			m.Set(keyText(item[0]), fromStarlark(item[1], depth+1))
		}
		return m
	case starlark.Iterable:
		list := []any{}
		for item := range starlark.Elements(v) {
			list = append(list, fromStarlark(item, depth+1))
		}
		return list
	default:
		return v.String()
	}
}

func keyText(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}
