package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The bounds of conditions.
const (
	MaxComparisons     = 64 // in one list, nested ones included
	MaxComparisonDepth = 4
)

// Comparison is one condition on a fact of a robot, or on a value of a document
// by its JSON Pointer, or a group of conditions. A list of them is ANDed. What
// is missing or stale is unknown, and unknown never matches.
type Comparison struct {
	Fact  string          `json:"fact,omitempty"`
	Path  string          `json:"path,omitempty"`
	Op    CompareOp       `json:"op,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	Any   []Comparison    `json:"any,omitempty"`
	Not   *Comparison     `json:"not,omitempty"`
}

// CompareOp is the verb of a comparison.
type CompareOp string

// The verbs. Version takes a range such as ">=16.0 <17".
const (
	OpEqual        CompareOp = "=="
	OpNotEqual     CompareOp = "!="
	OpLess         CompareOp = "<"
	OpLessEqual    CompareOp = "<="
	OpGreater      CompareOp = ">"
	OpGreaterEqual CompareOp = ">="
	OpIn           CompareOp = "in"
	OpNotIn        CompareOp = "not_in"
	OpContains     CompareOp = "contains"
	OpExists       CompareOp = "exists" // value true (default) or false
	OpVersion      CompareOp = "version"
)

var compareOps = []CompareOp{
	OpEqual, OpNotEqual, OpLess, OpLessEqual, OpGreater, OpGreaterEqual,
	OpIn, OpNotIn, OpContains, OpExists, OpVersion,
}

// ValidateFactConditions checks the shape of conditions on a robot's facts.
// Whether a range of versions can be read is for the one who evaluates it.
func ValidateFactConditions(field string, list []Comparison) error {
	n := 0
	return validateConditions(field, list, 1, &n, (*Comparison).validateFact)
}

// ValidateDocumentConditions checks the shape of conditions on a document.
func ValidateDocumentConditions(field string, list []Comparison) error {
	n := 0
	return validateConditions(field, list, 1, &n, (*Comparison).validatePath)
}

// aboutWhat checks what a condition is about.
type aboutWhat func(c *Comparison, field string) error

func (c *Comparison) validateFact(field string) error {
	switch {
	case c.Path != "":
		return Invalid(field+".path", "A condition on a robot names a fact, not a path; got %q.", clip(c.Path, 80))
	case !capabilityForm.MatchString(c.Fact):
		return Invalid(field+".fact", "A fact's name is a word of lower-case letters, digits, '_', '.' or '-', at most 64 long; got %q.", clip(c.Fact, 80))
	}
	return nil
}

func (c *Comparison) validatePath(field string) error {
	switch {
	case c.Fact != "":
		return Invalid(field+".fact", "A condition on a document names a path, not a fact; got %q.", clip(c.Fact, 80)).WithFix("Write a JSON Pointer such as /invoice/amount as path.")
	case c.Path != "" && c.Path[0] != '/' || len(c.Path) > 512:
		return Invalid(field+".path", "path is a JSON Pointer such as /invoice/amount, at most 512 bytes; got %q.", clip(c.Path, 80))
	}
	return nil
}

func validateConditions(field string, list []Comparison, depth int, n *int, about aboutWhat) error {
	if depth > MaxComparisonDepth {
		return Invalid(field, "Conditions may nest %d deep; these nest deeper.", MaxComparisonDepth)
	}
	for i := range list {
		if *n++; *n > MaxComparisons {
			return Invalid(field, "At most %d conditions are allowed in one place.", MaxComparisons)
		}
		if err := list[i].validate(fmt.Sprintf("%s[%d]", field, i), depth, n, about); err != nil {
			return err
		}
	}
	return nil
}

func (c *Comparison) validate(field string, depth int, n *int, about aboutWhat) error {
	parts := 0
	for _, given := range []bool{c.Fact != "" || c.Path != "" || c.Op != "", len(c.Any) > 0, c.Not != nil} {
		if given {
			parts++
		}
	}
	switch {
	case parts != 1:
		return Invalid(field, "A condition is one of fact with op and value, any, or not.").
			WithFix(`For example {"fact": "memory_gb", "op": ">=", "value": 16}.`)
	case len(c.Any) > 0:
		return validateConditions(field+".any", c.Any, depth+1, n, about)
	case c.Not != nil:
		return validateConditions(field+".not", []Comparison{*c.Not}, depth+1, n, about)
	case !slices.Contains(compareOps, c.Op):
		return Invalid(field+".op", "op must be one of == != < <= > >= in not_in contains exists version; got %q.", clip(string(c.Op), 40))
	}
	if err := about(c, field); err != nil {
		return err
	}
	return c.validateValue(field + ".value")
}

// validateValue checks that the value suits the verb.
func (c *Comparison) validateValue(field string) error {
	value := bytes.TrimSpace(c.Value)
	if len(value) == 0 && c.Op == OpExists {
		return nil
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return Invalid(field, "op %s needs a value.", c.Op)
	}
	switch v.(type) {
	case []any:
		if c.Op == OpIn || c.Op == OpNotIn || c.Op == OpEqual || c.Op == OpNotEqual {
			return nil
		}
	case float64:
		if c.Op != OpIn && c.Op != OpNotIn && c.Op != OpExists && c.Op != OpVersion {
			return nil
		}
	case string:
		if c.Op != OpIn && c.Op != OpNotIn && c.Op != OpExists {
			return nil
		}
	case bool:
		if c.Op == OpEqual || c.Op == OpNotEqual || c.Op == OpExists {
			return nil
		}
	}
	return Invalid(field, "op %s cannot be used with %s.", c.Op, kindOf(v)).WithFix(opTakes(c.Op))
}

func opTakes(op CompareOp) string {
	switch op { //nolint:exhaustive // the others take what most take
	case OpIn, OpNotIn:
		return "Give a list."
	case OpExists:
		return "Give true or false."
	case OpVersion:
		return `Give a range such as ">=16.0 <17".`
	case OpContains:
		return "Give a text or a number."
	}
	return "Give a number or a text; == and != also take true, false or a list."
}

// String is the condition as people write it.
func (c Comparison) String() string {
	switch {
	case len(c.Any) > 0:
		parts := make([]string, len(c.Any))
		for i := range c.Any {
			parts[i] = c.Any[i].String()
		}
		return "(" + strings.Join(parts, " or ") + ")"
	case c.Not != nil:
		return "not " + c.Not.String()
	case c.Op == OpExists:
		return c.Fact + c.Path + " known"
	}
	return strings.TrimSpace(c.Fact+c.Path+" "+string(c.Op)) + " " + string(c.Value)
}
