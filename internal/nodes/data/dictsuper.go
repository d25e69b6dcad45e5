package data

import (
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// dictSuper is all dictionary nodes in one, chosen by the action. What is no
// object counts as an empty one.
func dictSuper(c *engine.Call) error {
	action := c.Text("action")
	if action == "" {
		action = "Get Value"
	}
	act, ok := dictActions()[action]
	if !ok {
		return engine.Failed("Unknown action: " + action)
	}
	return act(c)
}

func dictActions() map[string]func(*engine.Call) error {
	return map[string]func(*engine.Call) error{
		"Create Dict": superCreateDict, "Get Value": superGetValue, "Get Property": superGetProperty,
		"Has Key": superHasKey, "Get Keys": superKeys, "Get Values": superValues, "Get Items": superItems,
		"Set Value": superSetValue, "Remove Key": superRemoveKey, "Merge": superMerge,
		"Parse JSON": superParseJSON, "To JSON": superToJSON,
	}
}

func dictOrEmpty(c *engine.Call, name string) *value.Map {
	m, err := dictArgument(c, name)
	if err != nil {
		return value.NewMap()
	}
	return m
}

func setCount(c *engine.Call, port string, v any, count int) error {
	c.Set(port, v)
	c.Set("count", int64(count))
	return nil
}

func superCreateDict(c *engine.Call) error {
	m := pairs(c, "key", "value")
	return setCount(c, "dict", m, m.Len())
}

func superGetValue(c *engine.Call) error {
	v, found := dictOrEmpty(c, "dict").Get(c.Text("key"))
	if !found {
		v = fallback(c)
	}
	c.Set("value", v)
	c.Set("found", found)
	return nil
}

// superGetProperty walks objects and lists. The path may stand in the setting
// of the key, which the editor always shows.
func superGetProperty(c *engine.Call) error {
	path := c.Text("path")
	if path == "" {
		path = c.Text("key")
	}
	separator := c.Text("separator")
	if separator == "" {
		separator = "."
	}
	v, found := any(dictOrEmpty(c, "dict")), true
	if path != "" {
		for part := range strings.SplitSeq(path, separator) {
			if v, found = child(v, part); !found {
				v = fallback(c)
				break
			}
		}
	}
	c.Set("value", v)
	c.Set("found", found)
	return nil
}

func child(v any, part string) (any, bool) {
	switch t := v.(type) {
	case *value.Map:
		return t.Get(part)
	case []any:
		at, err := strconv.Atoi(strings.TrimSpace(part))
		if err == nil && at < 0 {
			at += len(t)
		}
		if err == nil && at >= 0 && at < len(t) {
			return t[at], true
		}
	}
	return nil, false
}

func superHasKey(c *engine.Call) error {
	c.Set("has_key", dictOrEmpty(c, "dict").Has(c.Text("key")))
	return nil
}

func superKeys(c *engine.Call) error {
	m := dictOrEmpty(c, "dict")
	return setCount(c, "keys", keys(m), m.Len())
}

func superValues(c *engine.Call) error {
	m := dictOrEmpty(c, "dict")
	return setCount(c, "values", append([]any{}, m.Values()...), m.Len())
}

func superItems(c *engine.Call) error {
	m := dictOrEmpty(c, "dict")
	return setCount(c, "items", items(m), m.Len())
}

func superSetValue(c *engine.Call) error {
	m := dictOrEmpty(c, "dict").Clone()
	key := c.Text("key")
	previous, was := m.Get(key)
	m.Set(key, c.Param("value"))
	c.Set("dict", m)
	c.Set("previous", previous)
	c.Set("was_update", was)
	return nil
}

func superRemoveKey(c *engine.Call) error {
	m := dictOrEmpty(c, "dict").Clone()
	key := c.Text("key")
	removed, was := m.Get(key)
	if !was && !c.Bool("ignore_missing") {
		return engine.Failed("Key not found: " + key)
	}
	m.Delete(key)
	c.Set("dict", m)
	c.Set("removed_value", removed)
	c.Set("was_removed", was)
	return nil
}

func superMerge(c *engine.Call) error {
	m := merged(dictOrEmpty(c, "dict1"), dictOrEmpty(c, "dict2"), c.Bool("deep_merge"), c.Bool("overwrite"))
	return setCount(c, "merged", m, m.Len())
}

func merged(a, b *value.Map, deep, overwrite bool) *value.Map {
	if !deep && !overwrite {
		a, b = b, a // the keys of the second stand first, as in {**b, **a}
	}
	m := a.Clone()
	for k, v := range b.All() {
		old, has := m.Get(k)
		oldMap, isMap := old.(*value.Map)
		newMap, isNewMap := v.(*value.Map)
		switch {
		case deep && isMap && isNewMap:
			m.Set(k, merged(oldMap, newMap, deep, overwrite))
		case !has || overwrite || !deep:
			m.Set(k, v)
		}
	}
	return m
}

// superParseJSON never fails: a bad text is told by its outputs.
func superParseJSON(c *engine.Call) error {
	v, err := value.Loads(c.Text("json_string"))
	c.Set("success", err == nil)
	if err != nil {
		c.Set("data", nil)
		c.Set("error", err.Error())
		return nil
	}
	c.Set("data", v)
	c.Set("error", "")
	return nil
}

func superToJSON(c *engine.Call) error {
	v := c.Param("data")
	if v == nil { // saves of the editor keep the object in its first field
		v = argument(c, "dict")
	}
	indent, err := c.Int("indent", 0)
	if err != nil {
		return err
	}
	options := value.Options{Indent: -1, SortKeys: c.Bool("sort_keys"), EnsureASCII: c.Bool("ensure_ascii")}
	if indent > 0 {
		options.Indent = int(min(indent, 100))
	}
	text, err := value.Dumps(v, options)
	c.Set("json_string", text)
	c.Set("success", err == nil)
	return err
}
