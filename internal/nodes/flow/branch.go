package flow

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// branchIf never fails: a condition that cannot be evaluated is false, with a
// remark in the step.
func branchIf(_ context.Context, c *engine.Call) (engine.Result, error) {
	condition, ok := c.Port("condition")
	for _, name := range []string{"expression", "condition"} {
		if !ok || condition == "" {
			// As written: the condition binds its references with their types.
			condition, ok = c.Setting(name)
		}
	}
	if ok && condition != "" && c.Condition(condition) {
		return engine.Goto("true"), nil
	}
	return engine.Goto("false"), nil
}

// branchSwitch compares by text. Files name the ports by the text of the case
// or by its place (rule C8). The text wins; the place counts only where nothing
// is linked to the text, and never where it is the text of another case.
func branchSwitch(_ context.Context, c *engine.Call) (engine.Result, error) {
	v := c.Param("value")
	if v == nil {
		expression, _ := c.Setting("expression")
		switch text, ok := expression.(string); {
		case !ok:
			v = expression
		case text != "":
			var err error
			if v, err = c.Evaluate(text); err != nil {
				return engine.Result{}, err
			}
		}
	}
	cases := caseList(c.Param("cases"))
	text := value.Str(v)
	for i, label := range cases {
		if label != text {
			continue
		}
		port := "case_" + label
		place := strconv.Itoa(i)
		if !c.Linked(port) && c.Linked("case_"+place) && !slices.Contains(cases, place) {
			port = "case_" + place
		}
		return engine.Goto(port), nil
	}
	return engine.Goto("default"), nil
}

// caseList reads the cases, which old saves keep as text.
func caseList(v any) []string {
	if text, ok := v.(string); ok {
		v = listOfText(text)
	}
	items, _ := v.([]any)
	labels := make([]string, 0, len(items))
	for _, item := range items {
		labels = append(labels, value.Str(item))
	}
	return labels
}

// listOfText reads a list written as JSON or with commas.
func listOfText(text string) any {
	if strings.TrimFunc(text, value.IsSpace) == "" {
		return []any{}
	}
	list, err := toList(text)
	if err != nil {
		return []any{}
	}
	return list
}

// reroute only bends a line; the reader takes it out of documents, so it runs
// where it stands alone.
func reroute(c *engine.Call) error {
	c.Set("out", c.Param("in"))
	return nil
}
