package data

import (
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// jsonParse lets through what a reference has brought as an object already. An
// empty text is an error, unlike an empty object.
func jsonParse(c *engine.Call) error {
	v := c.Param("json_string")
	switch v.(type) {
	case *value.Map, []any: // parsed already, by a reference to an object
		c.Set("data", v)
		return nil
	}
	text := c.Text("json_string")
	if text == "" {
		return engine.Failed("Empty JSON string")
	}
	parsed, err := value.Loads(text)
	if err != nil {
		return err
	}
	c.Set("data", parsed)
	return nil
}

// getProperty walks objects only and finds nothing where there is nothing.
func getProperty(c *engine.Call) error {
	object, err := dictArgument(c, "object")
	if err != nil {
		return err
	}
	var v any = object
	for part := range strings.SplitSeq(c.Text("property_path"), ".") {
		if part != "" {
			v = along(v, part)
		}
	}
	c.Set("value", v)
	return nil
}

// dictGet tells with found whether the value is the default or was there.
func dictGet(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	v, found := m.Get(c.Text("key"))
	if !found {
		v = argument(c, "default")
	}
	c.Set("value", v)
	c.Set("found", found)
	return nil
}

// dictSet works on a copy. What is no object counts as an empty one, so a first
// key can be set into nothing.
func dictSet(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		m = value.NewMap()
	}
	key := c.Text("key")
	if key == "" {
		return engine.Failed("Key is required")
	}
	result := m.Clone()
	result.Set(key, c.Param("value"))
	c.Set("result", result)
	return nil
}

// dictRemove does not mind a key that is not there.
func dictRemove(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	key := c.Text("key")
	removed, _ := m.Get(key)
	result := m.Clone()
	result.Delete(key)
	c.Set("result", result)
	c.Set("removed_value", removed)
	return nil
}

// dictMerge takes what is no object for an empty one.
func dictMerge(c *engine.Call) error {
	result := value.NewMap()
	for _, name := range []string{"dict_1", "dict_2"} {
		m, err := dictArgument(c, name)
		if err != nil {
			c.Note(name + " is not a dictionary and was left out")
			continue
		}
		for k, v := range m.All() {
			result.Set(k, v)
		}
	}
	c.Set("result", result)
	return nil
}

// dictKeys keeps the order in which keys came in; logs and files show it.
func dictKeys(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	c.Set("keys", keys(m))
	c.Set("count", int64(m.Len()))
	return nil
}

func keys(m *value.Map) []any {
	list := make([]any, 0, m.Len())
	for k := range m.All() {
		list = append(list, k)
	}
	return list
}

func dictValues(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	c.Set("values", append([]any{}, m.Values()...))
	c.Set("count", int64(m.Len()))
	return nil
}

func dictItems(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	c.Set("items", items(m))
	c.Set("count", int64(m.Len()))
	return nil
}

func items(m *value.Map) []any {
	list := make([]any, 0, m.Len())
	for k, v := range m.All() {
		list = append(list, value.MapOf("key", k, "value", v))
	}
	return list
}

func dictHasKey(c *engine.Call) error {
	m, err := dictArgument(c, "dict")
	if err != nil {
		return err
	}
	c.Set("has_key", m.Has(c.Text("key")))
	return nil
}

// createDict reads the three rows of the form, and more that come over links.
// Rows without a key are left out.
func createDict(c *engine.Call) error {
	c.Set("dict", pairs(c, "key_", "value_"))
	return nil
}

// pairs collects numbered keys and values, as many as collect would; a pair
// without a key is left out.
func pairs(c *engine.Call, keyPrefix, valuePrefix string) *value.Map {
	m := value.NewMap()
	for i := 1; i <= mostItems; i++ {
		number := strconv.Itoa(i)
		_, linked := c.Port(keyPrefix + number)
		if i == formItems+1 && !linked {
			noteUnread(c, keyPrefix+number)
		}
		if i > formItems && !linked {
			continue
		}
		if key := c.Text(keyPrefix + number); key != "" {
			m.Set(key, c.Param(valuePrefix+number))
		}
	}
	return m
}

// dictToJSON writes as Python does by default: a blank behind commas and
// colons, and everything beyond ASCII as an escape.
func dictToJSON(c *engine.Call) error {
	v := argument(c, "dict")
	if v == nil {
		v = value.NewMap()
	}
	options := value.Options{Indent: -1, SortKeys: c.Bool("sort_keys"), EnsureASCII: c.Bool("ensure_ascii")}
	if c.Has("indent") {
		indent, err := c.Int("indent", 0)
		if err != nil {
			return err
		}
		options.Indent = int(max(0, min(indent, 100)))
	}
	text, err := value.Dumps(v, options)
	if err != nil {
		return err
	}
	c.Set("json_string", text)
	return nil
}
