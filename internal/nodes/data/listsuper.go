package data

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// listSuper is all list nodes in one, chosen by the action. It is more lenient
// than they are: what is no list counts as an empty one.
func listSuper(c *engine.Call) error {
	action := c.Text("action")
	if action == "" {
		action = "Get Item"
	}
	act, ok := listActions()[action]
	if !ok {
		return engine.Failed("Unknown action: " + action)
	}
	list, err := listArgument(c, "list")
	if err != nil {
		list = []any{}
	}
	return act(c, list)
}

func listActions() map[string]func(*engine.Call, []any) error {
	return map[string]func(*engine.Call, []any) error{
		"Create List": superCreate, "Get Item": superGet, "Length": superLength,
		"Contains": superContains, "Append": superAppend, "Slice": superSlice,
		"Sort": superSort, "Reverse": superReverse, "Unique": superUnique,
		"Filter": superFilter, "Map": superMap, "Reduce": superReduce,
		"Flatten": superFlatten, "Join": superJoin,
	}
}

// setList sets a list and its length.
func setList(c *engine.Call, port string, list []any) {
	c.Set(port, list)
	c.Set("length", int64(len(list)))
}

func superCreate(c *engine.Call, _ []any) error {
	setList(c, "list", collect(c, "item"))
	return nil
}

func superGet(c *engine.Call, list []any) error {
	at, err := c.Int("index", 0)
	if err != nil {
		return err
	}
	if at < 0 && c.Bool("negative_index") {
		at += int64(len(list))
	}
	found := at >= 0 && at < int64(len(list))
	c.Set("found", found)
	if found {
		c.Set("item", list[at])
	} else {
		c.Set("item", fallback(c))
	}
	return nil
}

// fallback is the author's default; an empty one is nothing.
func fallback(c *engine.Call) any {
	if v := c.Param("default_value"); value.Truthy(v) {
		return v
	}
	return nil
}

func superLength(c *engine.Call, list []any) error {
	c.Set("length", int64(len(list)))
	c.Set("is_empty", len(list) == 0)
	return nil
}

func superContains(c *engine.Call, list []any) error {
	item := argument(c, "item")
	count := int64(0)
	for _, v := range list {
		if value.Equal(v, item) {
			count++
		}
	}
	c.Set("contains", count > 0)
	c.Set("index", int64(indexOf(list, item)))
	c.Set("count", count)
	return nil
}

func superAppend(c *engine.Call, list []any) error {
	added := []any{argument(c, "item")}
	if many, ok := added[0].([]any); ok && c.Bool("extend") {
		added = many
	}
	at := len(list)
	switch c.Text("position") {
	case "start":
		at = 0
	case "index":
		n, err := c.Int("insert_index", 0)
		if err != nil {
			return err
		}
		at = clamp(n, len(list))
	}
	setList(c, "list", slices.Concat(list[:at], added, list[at:]))
	return nil
}

func superSlice(c *engine.Call, list []any) error {
	step, err := c.Int("step", 1)
	if err != nil {
		return err
	}
	if step == 0 {
		step = 1
	}
	start, hasStart, err := boundArgument(c, "start")
	if err != nil {
		return err
	}
	end, hasEnd, err := boundArgument(c, "end")
	if err != nil {
		return err
	}
	n := int64(len(list))
	low, high := int64(0), n // where start and end may lie
	if step < 0 {
		low, high = -1, n-1
	}
	place := func(at int64, given bool, unset int64) int64 {
		if !given {
			return unset
		}
		if at < 0 {
			at = max(at+n, math.MinInt64+n)
		}
		return max(low, min(at, high))
	}
	from, to := place(start, hasStart, low), place(end, hasEnd, high)
	if step < 0 {
		from, to = place(start, hasStart, high), place(end, hasEnd, low)
	}
	part := []any{}
	for i := from; (step > 0 && i < to) || (step < 0 && i > to); i += step {
		part = append(part, list[i])
		if i > math.MaxInt64-max(step, 0) || i < math.MinInt64-min(step, 0) {
			break
		}
	}
	setList(c, "slice", part)
	return nil
}

// superSort falls back to comparing texts when the items have no order.
func superSort(c *engine.Call, list []any) error {
	key, reverse := c.Text("sort_key"), c.Bool("descending")
	if key != "" {
		keys := make([]any, len(list))
		for i, item := range list {
			keys[i] = ""
			if m, ok := item.(*value.Map); ok {
				if v, ok := m.Get(key); ok {
					keys[i] = v
				}
			}
		}
		sorted := slices.Clone(list)
		if value.SortBy(sorted, keys, reverse) == nil {
			setList(c, "sorted", sorted)
			return nil
		}
	}
	sorted := append([]any{}, list...)
	if err := value.Sort(sorted, reverse); err != nil {
		if key != "" {
			return err
		}
		keys := make([]any, len(list))
		for i, item := range list {
			keys[i] = value.Str(item)
		}
		sorted = append([]any{}, list...)
		if err := value.SortBy(sorted, keys, reverse); err != nil {
			return err
		}
	}
	setList(c, "sorted", sorted)
	return nil
}

func superReverse(c *engine.Call, list []any) error {
	setList(c, "reversed", reversed(list))
	return nil
}

// superUnique keeps first occurrences, in order whether or not order was asked
// for: an arbitrary order helps nobody.
func superUnique(c *engine.Call, list []any) error {
	seen := map[any]bool{}
	unique := []any{}
	for _, item := range list {
		switch item.(type) {
		case []any, *value.Map:
			if indexOf(unique, item) < 0 {
				unique = append(unique, item)
			}
		default:
			if key := identity(item); !seen[key] {
				seen[key] = true
				unique = append(unique, item)
			}
		}
	}
	setList(c, "unique", unique)
	c.Set("duplicates_removed", int64(len(list)-len(unique)))
	return nil
}

func superFlatten(c *engine.Call, list []any) error {
	depth, err := c.Int("depth", -1)
	if err != nil {
		return err
	}
	if depth < 0 {
		depth = math.MaxInt64
	}
	setList(c, "flattened", flattened([]any{}, list, depth))
	return nil
}

func superJoin(c *engine.Call, list []any) error {
	c.Set("result", strings.Join(texts(list), c.Text("separator")))
	return nil
}

// noteOnce adds the first of several remarks of one kind, with their number.
type noteOnce struct {
	first string
	count int
}

func (n *noteOnce) add(text string) {
	if n.count++; n.count == 1 {
		n.first = text
	}
}

func (n *noteOnce) tell(c *engine.Call) {
	switch {
	case n.count == 1:
		c.Note(n.first)
	case n.count > 1:
		c.Note(fmt.Sprintf("%s (and %d more)", n.first, n.count-1))
	}
}
