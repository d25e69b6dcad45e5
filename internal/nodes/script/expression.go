package script

import (
	"context"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyexpr"
	"github.com/casarerpa/fleet/workflow/value"
)

// evaluate computes a Python expression. It sees the object variables, by that
// name and by the names in it, and not the variables of the run: references to
// those were replaced in the text before.
func evaluate(_ context.Context, c *engine.Call) (engine.Result, error) {
	vars, err := c.Object("variables")
	if err != nil {
		return engine.Result{}, err
	}
	v := c.Param("expression")
	typeName := value.TypeName(v)
	if text, ok := v.(string); ok || v == nil {
		if strings.TrimSpace(text) == "" {
			return engine.Result{}, engine.Fail("ValueError", "expression is required")
		}
		compiled, err := pyexpr.Compile(strings.TrimSpace(text))
		if err != nil {
			return engine.Result{}, err
		}
		v, typeName, err = compiled.EvalTyped(pyexpr.Env{
			Builtins: pyexpr.EvalBuiltins, Rand: c.Host().Rand(),
			Lookup: func(name string) (any, bool) {
				if v, ok := vars.Get(name); ok {
					return v, true
				}
				return vars, name == "variables"
			},
		})
		if err != nil {
			return engine.Result{}, err
		}
	}
	c.Set("result", v)
	c.Set("type", typeName)
	c.Set("success", true)
	c.Set("error", "")
	return engine.Continue(), nil
}
