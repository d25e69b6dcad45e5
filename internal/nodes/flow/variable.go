package flow

import (
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// noVariable is what a node without a variable name says.
const noVariable = "Variable name is required"

// setVariable keeps a value as it is when it cannot be made the type that was
// asked for: the original warns and goes on, and files rely on it.
func setVariable(c *engine.Call) error {
	name := c.Text("variable_name")
	if name == "" {
		return engine.Failed(noVariable)
	}
	v := c.Param("value")
	if v == nil {
		v = c.Param("default_value")
	}
	// A second pass: authors build names of variables out of variables.
	if text, ok := v.(string); ok {
		v = c.Resolve(text)
	}
	kind := c.Text("variable_type")
	converted, err := convert(v, kind)
	if err != nil {
		c.Note("value of " + name + " could not be made " + kind + " and is kept as it is: " + err.Error())
		converted = v
	}
	c.SetVar(name, converted)
	c.Set("value", converted)
	return nil
}

// convert brings a value into the type that the author chose. Text is the
// default type, so it leaves values of other types alone.
func convert(v any, kind string) (any, error) {
	switch kind {
	case "Boolean":
		return value.ToBool(v), nil
	case "Int32":
		return value.ToInt(v)
	case "Float":
		return value.ToFloat(v)
	case "Object", "Dict":
		return toDict(v)
	case "Array", "List":
		return toList(v)
	case "DataTable":
		if text, ok := v.(string); ok {
			return value.Loads(text)
		}
	case "FilePath":
		if v != nil {
			return value.Str(v), nil
		}
	}
	return v, nil
}

// toDict wraps what is no object, so that the variable has the type that its
// author chose.
func toDict(v any) (any, error) {
	if text, ok := v.(string); ok {
		var err error
		if v, err = value.Loads(text); err != nil {
			return nil, err
		}
	}
	if m, ok := v.(*value.Map); ok {
		return m, nil
	}
	return value.MapOf("value", v), nil
}

// toList reads JSON, else words between commas; a single value becomes a list
// of one.
func toList(v any) (any, error) {
	if text, ok := v.(string); ok {
		parsed, err := value.Loads(text)
		if err != nil {
			var items []any
			for part := range strings.SplitSeq(text, ",") {
				items = append(items, strings.TrimFunc(part, value.IsSpace))
			}
			return items, nil
		}
		v = parsed
	}
	if items, ok := v.([]any); ok {
		return items, nil
	}
	return []any{v}, nil
}

// getVariable takes a plain name; paths into a value are for references in
// texts.
func getVariable(c *engine.Call) error {
	name := c.Text("variable_name")
	if name == "" {
		return engine.Failed(noVariable)
	}
	v, _ := c.Var(name)
	if v == nil {
		v = c.Param("default_value")
	}
	c.Set("value", v)
	return nil
}

// incrementVariable always counts in floats, so that 3 becomes 4.0.
func incrementVariable(c *engine.Call) error {
	name := c.Text("variable_name")
	if name == "" {
		return engine.Failed(noVariable)
	}
	by, err := c.Float("increment", 1)
	if err != nil {
		return err
	}
	current, _ := c.Var(name)
	sum := by
	if value.Truthy(current) {
		base, err := value.ToFloat(current)
		if err != nil {
			return err
		}
		sum += base
	}
	c.SetVar(name, sum)
	c.Set("value", sum)
	return nil
}
