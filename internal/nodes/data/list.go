package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// The form of these nodes has three fields. More of them may come over links;
// more in the settings of a file were never read and still are not, since its
// author has seen the result.
const (
	formItems = 3
	mostItems = 100
)

func createList(c *engine.Call) error {
	c.Set("list", collect(c, "item_"))
	return nil
}

func collect(c *engine.Call, prefix string) []any {
	list := []any{}
	for i := 1; i <= mostItems; i++ {
		name := prefix + strconv.Itoa(i)
		v, _ := c.Port(name)
		if i <= formItems {
			v = argument(c, name)
		} else if i == formItems+1 {
			noteUnread(c, name)
		}
		if v != nil {
			list = append(list, v)
		}
	}
	return list
}

// noteUnread tells the author of a setting beyond the fields of the form.
func noteUnread(c *engine.Call, name string) {
	if _, set := c.Setting(name); set {
		c.Note(name + " and what follows it are not read: the node has three fields, use links for more")
	}
}

// listGetItem counts from the end for a negative place, as Python does. Beside
// the list is an error, so that nobody goes on with nothing.
func listGetItem(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	at, err := c.Int("index", 0)
	if err != nil {
		return err
	}
	place := at
	if place < 0 {
		place += int64(len(list))
	}
	if place < 0 || place >= int64(len(list)) {
		return engine.Failed(fmt.Sprintf("List index out of range: %d", at))
	}
	c.Set("item", list[place])
	return nil
}

// listLength takes a list alone; the length of a text has a node of its own.
func listLength(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	c.Set("length", int64(len(list)))
	return nil
}

// listAppend takes a single value for a list of one.
func listAppend(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		list = []any{argument(c, "list")}
	}
	c.Set("result", append(slices.Clip(slices.Clone(list)), argument(c, "item")))
	return nil
}

// listContains compares with Python's equality, where 1, 1.0 and True are one,
// and says -1 for the place of what is not there.
func listContains(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	at := indexOf(list, argument(c, "item"))
	c.Set("contains", at >= 0)
	c.Set("index", int64(at))
	return nil
}

func indexOf(list []any, item any) int {
	return slices.IndexFunc(list, func(v any) bool { return value.Equal(v, item) })
}

// listSlice cuts as Python does: negative places count from the end, and places
// beside the list are no error.
func listSlice(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	from, to, err := sliceArguments(c, len(list))
	if err != nil {
		return err
	}
	c.Set("result", append([]any{}, list[from:to]...))
	return nil
}

func listJoin(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	c.Set("result", strings.Join(texts(list), textArgument(c, "separator")))
	return nil
}

// listSort keeps the order of equals. Values that Python cannot order fail the
// step, since half a sorted list is worse.
func listSort(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	sorted, err := sortedBy(list, c.Text("key_path"), c.Bool("reverse"))
	if err != nil {
		return err
	}
	c.Set("result", sorted)
	return nil
}

// sortedBy sorts by what lies along a path in each item; without a path by the
// item.
func sortedBy(list []any, path string, reverse bool) ([]any, error) {
	sorted := append([]any{}, list...)
	keys := make([]any, len(sorted))
	for i, item := range sorted {
		keys[i] = along(item, path)
	}
	return sorted, value.SortBy(sorted, keys, reverse)
}

func listReverse(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	c.Set("result", reversed(list))
	return nil
}

func reversed(list []any) []any {
	turned := append([]any{}, list...)
	slices.Reverse(turned)
	return turned
}

// listUnique keeps the first of equals where it stands.
func listUnique(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	seen := map[any]bool{}
	unique := []any{}
	for _, item := range list {
		if key := identity(item); !seen[key] {
			seen[key] = true
			unique = append(unique, item)
		}
	}
	c.Set("result", unique)
	return nil
}

// identity is a key that is equal for values that Python puts into one place
// of a set: 1, 1.0 and True are one. What Python cannot hash counts by its
// text, in the same set, so it equals a text that looks like it.
func identity(v any) any {
	switch t := v.(type) {
	case nil, string, int64:
		return v
	case bool:
		if t {
			return int64(1)
		}
		return int64(0)
	case float64:
		if n := int64(t); float64(n) == t {
			return n
		}
		return t
	}
	return value.Str(v)
}

// listFlatten opens one level of lists unless it is told more.
func listFlatten(c *engine.Call) error {
	list, err := listArgument(c, "list")
	if err != nil {
		return err
	}
	depth, err := c.Int("depth", 1)
	if err != nil {
		return err
	}
	c.Set("result", flattened([]any{}, list, depth))
	return nil
}

// flattened appends the items of list to into, opening depth levels of lists.
func flattened(into, list []any, depth int64) []any {
	for _, item := range list {
		if inner, ok := item.([]any); ok && depth > 0 {
			into = flattened(into, inner, depth-1)
		} else {
			into = append(into, item)
		}
	}
	return into
}
