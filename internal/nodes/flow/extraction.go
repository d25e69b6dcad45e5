package flow

import (
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyregex"
	"github.com/casarerpa/fleet/workflow/value"
)

// What a field of an extraction can be.
const (
	fieldMissing = "missing"
	fieldValid   = "valid"
	fieldInvalid = "invalid"
)

// validateExtraction judges what was read from a document: required fields,
// rules per field, and the share of good fields as the confidence.
func validateExtraction(c *engine.Call) error {
	err := judge(c)
	c.Set("success", err == nil)
	if err != nil {
		c.Set("error", err.Error())
		return err
	}
	c.Set("error", "")
	return nil
}

func judge(c *engine.Call) error {
	extraction, required, rules, err := extractionInputs(c)
	if err != nil {
		return err
	}
	threshold, err := c.Float("confidence_threshold", 0.8)
	if err != nil {
		return err
	}
	problems := []any{}
	status := value.NewMap()
	for _, field := range required {
		name := value.Str(field)
		if v, ok := extraction.Get(name); !ok || v == nil || v == "" {
			problems = append(problems, fmt.Sprintf("Required field '%s' is missing", name))
			status.Set(name, fieldMissing)
		} else {
			status.Set(name, fieldValid)
		}
	}
	for name, r := range rules.All() {
		v, ok := extraction.Get(name)
		rule, isRule := r.(*value.Map)
		if !ok || !isRule {
			continue
		}
		broken, err := breaches(v, rule)
		if err != nil {
			return err
		}
		for _, b := range broken {
			problems = append(problems, fmt.Sprintf("Field '%s' %s", name, b))
			status.Set(name, fieldInvalid)
		}
	}
	valid := 0
	for _, s := range status.All() {
		if s == fieldValid {
			valid++
		}
	}
	confidence := float64(valid) / float64(max(1, status.Len()))
	c.Set("is_valid", len(problems) == 0)
	c.Set("needs_review", confidence < threshold || len(problems) > 0)
	c.Set("confidence_score", confidence)
	c.Set("validation_errors", problems)
	c.Set("field_status", status)
	return nil
}

func extractionInputs(c *engine.Call) (extraction *value.Map, required []any, rules *value.Map, err error) {
	v := c.Param("extraction")
	if !value.Truthy(v) {
		return nil, nil, nil, engine.Failed("Extraction data is required")
	}
	fields := c.Param("required_fields")
	if !value.Truthy(fields) {
		return nil, nil, nil, engine.Failed("Required fields list is required")
	}
	if text, ok := v.(string); ok {
		if v, err = value.Loads(text); err != nil {
			return nil, nil, nil, engine.Failed("Invalid extraction JSON: " + err.Error())
		}
	}
	extraction, ok := v.(*value.Map)
	if !ok {
		return nil, nil, nil, engine.Failed("Extraction must be an object, got " + value.TypeName(v))
	}
	if text, ok := fields.(string); ok {
		fields = listOfText(text)
	}
	required, ok = fields.([]any)
	if !ok {
		return nil, nil, nil, engine.Failed("Required fields must be a list, got " + value.TypeName(fields))
	}
	r := c.Param("validation_rules")
	if text, ok := r.(string); ok && strings.TrimSpace(text) != "" {
		parsed, err := value.Loads(text)
		if err != nil {
			c.Note("validation_rules are not JSON and were ignored: " + err.Error())
		}
		r = parsed
	}
	rules, _ = r.(*value.Map)
	return extraction, required, rules, nil
}

// breaches words every rule that v does not keep.
func breaches(v any, rule *value.Map) ([]string, error) {
	var broken []string
	text, isText := v.(string)
	if kind, ok := rule.Get("type"); ok {
		if kind == "number" && !isNumber(v) {
			broken = append(broken, "should be a number")
		}
		if kind == "string" && !isText {
			broken = append(broken, "should be a string")
		}
	}
	if isNumber(v) {
		for _, limit := range [][3]string{{"min", "<", "is below minimum"}, {"max", ">", "exceeds maximum"}} {
			bound, ok := rule.Get(limit[0])
			if !ok {
				continue
			}
			outside, err := value.Order(limit[1], v, bound)
			if err != nil {
				return nil, err
			}
			if outside {
				broken = append(broken, fmt.Sprintf("%s (%s)", limit[2], value.Str(bound)))
			}
		}
	}
	if pattern, ok := rule.Get("pattern"); ok && isText {
		p, err := pyregex.Compile(value.Str(pattern), 0)
		if err != nil {
			return nil, err
		}
		m, err := p.Prefix(text)
		if err != nil {
			return nil, err
		}
		if m == nil {
			broken = append(broken, "doesn't match expected pattern")
		}
	}
	return broken, nil
}
