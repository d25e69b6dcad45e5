package flow

import (
	"context"
	"fmt"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyregex"
	"github.com/casarerpa/fleet/workflow/value"
)

// The shapes that the original checks, in Python's syntax.
const (
	emailPattern = `^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`
	urlPattern   = `^https?://[^\s/$.?#].[^\s]*$`
)

// genericReason is the reason that the editor fills in; any other text is the
// author's own and is shown instead of ours.
const genericReason = "Validation failed"

func validate(_ context.Context, c *engine.Call) (engine.Result, error) {
	reason, err := check(c.Param("value"), c.Text("validation_type"), c.Param("validation_param"))
	if err != nil {
		err = engine.Failed("Validation error: " + err.Error())
		c.Set("is_valid", false)
		c.Set("error_message", err.Error())
		return engine.Result{}, err
	}
	if own := c.Text("error_message"); reason != "" && own != "" && own != genericReason {
		reason = own
	}
	c.Set("is_valid", reason == "")
	c.Set("error_message", reason)
	if reason != "" {
		return engine.Goto("invalid"), nil
	}
	return engine.Goto("valid"), nil
}

// check returns why v is not what kind asks for, or "" if it is.
func check(v any, kind string, param any) (reason string, err error) {
	_, isText := v.(string)
	switch kind {
	case "not_empty", "":
		if v == nil || v == "" || value.Equal(v, []any{}) || value.Equal(v, value.NewMap()) {
			return "Value is empty", nil
		}
		return "", nil
	case "is_string":
		return expect(isText, "string", v), nil
	case "is_number":
		return expect(isNumber(v), "number", v), nil
	case "is_integer":
		_, ok := v.(int64)
		return expect(ok, "integer", v), nil
	case "is_boolean":
		_, ok := v.(bool)
		return expect(ok, "boolean", v), nil
	case "is_list":
		_, ok := v.([]any)
		return expect(ok, "list", v), nil
	case "is_dict":
		_, ok := v.(*value.Map)
		return expect(ok, "dict", v), nil
	case "min_length", "max_length":
		return checkLength(v, kind == "min_length", param)
	case "min_value", "max_value":
		return checkValue(v, kind == "min_value", param)
	case "in_list":
		return checkMember(v, param)
	case "matches_regex":
		if param == nil {
			return "Regex pattern required", nil
		}
		if !isText {
			return "Value must be string for regex match", nil
		}
		return checkPattern(v, value.Str(param), "Value does not match pattern: "+value.Str(param))
	case "is_email":
		return checkPattern(v, emailPattern, "Invalid email format")
	case "is_url":
		return checkPattern(v, urlPattern, "Invalid URL format")
	case "custom":
		return "Validation type not implemented: custom", nil
	}
	return "Unknown validation type: " + kind, nil
}

func expect(ok bool, what string, v any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf("Expected %s, got %s", what, value.TypeName(v))
}

// isNumber counts booleans, as Python does.
func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64, bool:
		return true
	}
	return false
}

func checkPattern(v any, pattern, reason string) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "Value must be string", nil
	}
	p, err := pyregex.Compile(pattern, 0)
	if err != nil {
		return "", err
	}
	m, err := p.Prefix(text)
	if err != nil || m != nil {
		return "", err
	}
	return reason, nil
}

func checkLength(v any, least bool, param any) (string, error) {
	if param == nil {
		return bound(least, "Minimum", "Maximum") + " length required", nil
	}
	length := 0
	switch t := v.(type) {
	case string:
		length = len([]rune(t))
	case []any:
		length = len(t)
	case *value.Map:
		length = t.Len()
	case []byte:
		length = len(t)
	default:
		return "Value has no length", nil
	}
	limit, err := value.ToFloat(param)
	if err != nil {
		return "", err
	}
	if least && float64(length) < limit {
		return fmt.Sprintf("Length %d < minimum %s", length, value.Str(param)), nil
	}
	if !least && float64(length) > limit {
		return fmt.Sprintf("Length %d > maximum %s", length, value.Str(param)), nil
	}
	return "", nil
}

func checkValue(v any, least bool, param any) (string, error) {
	if param == nil {
		return bound(least, "Minimum", "Maximum") + " value required", nil
	}
	if !isNumber(v) {
		return "Value must be numeric", nil
	}
	limit := param
	if text, ok := param.(string); ok { // a limit typed into the editor
		f, err := value.ToFloat(text)
		if err != nil {
			return "", err
		}
		limit = f
	}
	outside, err := value.Order(bound(least, "<", ">"), v, limit)
	if err != nil || !outside {
		return "", err
	}
	return fmt.Sprintf("Value %s %s %s %s", value.Str(v), bound(least, "<", ">"),
		bound(least, "minimum", "maximum"), value.Str(param)), nil
}

func bound(least bool, yes, no string) string {
	if least {
		return yes
	}
	return no
}

func checkMember(v, param any) (string, error) {
	if param == nil {
		return "List of allowed values required", nil
	}
	allowed := param
	if text, ok := param.(string); ok {
		if list, err := value.Loads(text); err == nil {
			allowed = list
		}
	}
	in, err := value.Contains(allowed, v)
	if err != nil || in {
		return "", err
	}
	return "Value not in allowed list: " + value.Str(param), nil
}
