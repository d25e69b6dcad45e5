package data

import (
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// listFilter keeps everything for a condition that it does not know: an old
// file with a word of another version then loses nothing.
func listFilter(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	condition, path, wanted := c.Text("condition"), c.Text("key_path"), argument(c, "value")
	kept, removed := []any{}, []any{}
	for _, item := range list {
		ok, err := fits(along(item, path), condition, wanted)
		if err != nil {
			return err
		}
		if ok {
			kept = append(kept, item)
		} else {
			removed = append(removed, item)
		}
	}
	c.Set("result", kept)
	c.Set("removed", removed)
	return nil
}

// fits judges one item; an unknown condition keeps everything.
func fits(v any, condition string, wanted any) (bool, error) {
	switch condition {
	case "equals":
		return value.Equal(v, wanted), nil
	case "not_equals":
		return !value.Equal(v, wanted), nil
	case "contains":
		return value.Truthy(v) && strings.Contains(value.Str(v), value.Str(wanted)), nil
	case "starts_with":
		return value.Truthy(v) && strings.HasPrefix(value.Str(v), value.Str(wanted)), nil
	case "ends_with":
		return value.Truthy(v) && strings.HasSuffix(value.Str(v), value.Str(wanted)), nil
	case "greater_than", "less_than":
		if v == nil {
			return false, nil
		}
		if condition == "less_than" {
			return value.Order("<", v, wanted)
		}
		return value.Order(">", v, wanted)
	case "is_not_none", "":
		return v != nil, nil
	case "is_none":
		return v == nil, nil
	case "is_truthy":
		return value.Truthy(v), nil
	case "is_falsy":
		return !value.Truthy(v), nil
	}
	return true, nil
}

// listMap leaves items as they are for a transformation that it does not know.
func listMap(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	transform, path := c.Text("transform"), c.Text("key_path")
	mapped := make([]any, len(list))
	for i, item := range list {
		if mapped[i], err = mappedItem(along(item, path), transform); err != nil {
			return err
		}
	}
	c.Set("result", mapped)
	return nil
}

func mappedItem(v any, transform string) (any, error) {
	text := func(change func(string) string) any {
		if !value.Truthy(v) {
			return ""
		}
		return change(value.Str(v))
	}
	switch transform {
	case "to_string", "":
		if v == nil {
			return "", nil
		}
		return value.Str(v), nil
	case "to_int":
		if v == nil {
			return int64(0), nil
		}
		return value.ToInt(v)
	case "to_float":
		if v == nil {
			return 0.0, nil
		}
		return value.ToFloat(v)
	case "to_upper":
		return text(value.Upper), nil
	case "to_lower":
		return text(value.Lower), nil
	case "trim":
		return text(func(s string) string { return strings.TrimFunc(s, value.IsSpace) }), nil
	case "length":
		return length(v)
	}
	return v, nil // get_property, and what we do not know
}

func length(v any) (any, error) {
	switch t := v.(type) {
	case string:
		return int64(len([]rune(t))), nil
	case []any:
		return int64(len(t)), nil
	case *value.Map:
		return int64(t.Len()), nil
	case []byte:
		return int64(len(t)), nil
	}
	if !value.Truthy(v) {
		return int64(0), nil
	}
	return nil, engine.Failed("object of type '" + value.TypeName(v) + "' has no len()")
}

// listReduce leaves out nulls. An empty list gives the initial value, else the
// neutral one where there is one.
func listReduce(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	path := c.Text("key_path")
	items := []any{}
	for _, item := range list {
		if v := along(item, path); v != nil {
			items = append(items, v)
		}
	}
	result, err := reduced(items, c.Text("operation"), argument(c, "initial"))
	if err != nil {
		return err
	}
	c.Set("result", result)
	return nil
}

func reduced(items []any, operation string, initial any) (any, error) {
	if operation == "" {
		operation = "sum"
	}
	if len(items) == 0 {
		switch {
		case initial != nil:
			return initial, nil
		case operation == "sum" || operation == "product" || operation == "avg" || operation == "count":
			return int64(0), nil
		}
		return nil, nil
	}
	switch operation {
	case "sum", "product", "avg":
		sum, product := 0.0, 1.0
		for _, item := range items {
			f, err := value.ToFloat(item)
			if err != nil {
				return nil, err
			}
			sum += f
			product *= f
		}
		switch operation {
		case "sum":
			return sum, nil
		case "product":
			return product, nil
		}
		return sum / float64(len(items)), nil
	case "min":
		return extreme(items, "<")
	case "max":
		return extreme(items, ">")
	case "count":
		return int64(len(items)), nil
	case "first":
		return items[0], nil
	case "last":
		return items[len(items)-1], nil
	case "join":
		separator := ""
		if value.Truthy(initial) {
			separator = value.Str(initial)
		}
		return strings.Join(texts(items), separator), nil
	}
	return nil, engine.Failed("Unknown operation: " + operation)
}

// extreme is the first of the smallest or largest items.
func extreme(items []any, order string) (any, error) {
	best := items[0]
	for _, item := range items[1:] {
		better, err := value.Order(order, item, best)
		if err != nil {
			return nil, err
		}
		if better {
			best = item
		}
	}
	return best, nil
}
