package flow

import (
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyregex"
	"github.com/casarerpa/fleet/workflow/value"
)

// transform also keeps its result as a variable, which is called transformed
// unless it says otherwise.
func transform(c *engine.Call) error {
	param := c.Param("param")
	if !value.Truthy(param) {
		param = c.Param("transform_param")
	}
	result, err := transformed(c.Param("value"), c.Text("transform_type"), param)
	if err != nil {
		err = engine.Failed("Transform error: " + err.Error())
		c.Set("success", false)
		c.Set("error", err.Error())
		return err
	}
	c.Set("result", result)
	c.Set("success", true)
	c.Set("error", "")
	if name := c.Text("variable_name"); name != "" {
		c.SetVar(name, result)
	}
	return nil
}

func transformed(v any, kind string, param any) (any, error) {
	switch kind {
	case "to_string":
		if v == nil {
			return "", nil
		}
		return value.Str(v), nil
	case "to_integer":
		return value.ToInt(v)
	case "to_float":
		return value.ToFloat(v)
	case "to_boolean":
		return value.ToBool(v), nil
	case "to_list":
		return spread(v), nil
	case "to_json":
		return jsonText(v), nil
	case "from_json":
		if text, ok := v.(string); ok {
			return value.Loads(text)
		}
		return v, nil
	case "uppercase":
		return value.Upper(value.Str(v)), nil
	case "lowercase":
		return value.Lower(value.Str(v)), nil
	case "trim":
		return strings.TrimFunc(value.Str(v), value.IsSpace), nil
	case "split":
		return parts(value.Str(v), delimiter(param)), nil
	case "join":
		return join(v, delimiter(param))
	case "replace":
		return replaced(value.Str(v), param)
	case "regex_extract":
		return extracted(value.Str(v), param)
	case "get_key":
		m, ok := v.(*value.Map)
		if !ok {
			return nil, engine.Failed("Value must be dict for get_key")
		}
		found, _ := m.Get(value.KeyText(param))
		return found, nil
	case "get_index":
		return indexed(v, param)
	case "map_values", "filter_values":
		items, ok := v.([]any)
		if !ok {
			return nil, engine.Failed("Value must be list for " + kind)
		}
		if kind == "filter_values" {
			return filled(items), nil
		}
		return plucked(items, param), nil
	}
	return nil, engine.Failed("Unknown transform type: " + kind)
}

// spread is list(v) for everything that has parts, else a list of v alone.
func spread(v any) []any {
	list := []any{}
	switch t := v.(type) {
	case []any:
		return t
	case string:
		for _, r := range t {
			list = append(list, string(r))
		}
	case *value.Map:
		for k, e := range t.All() {
			list = append(list, []any{k, e})
		}
	default:
		list = append(list, v)
	}
	return list
}

// jsonText is json.dumps with the text of whatever JSON does not know.
func jsonText(v any) string {
	options := value.Options{Indent: -1, EnsureASCII: true}
	if text, err := value.Dumps(v, options); err == nil {
		return text
	}
	text, err := value.Dumps(worded(v), options)
	if err != nil {
		return value.Str(v)
	}
	return text
}

func worded(v any) any {
	switch t := v.(type) {
	case nil, bool, int64, float64, string:
		return v
	case []any:
		list := make([]any, len(t))
		for i, e := range t {
			list[i] = worded(e)
		}
		return list
	case *value.Map:
		m := value.NewMap()
		for k, e := range t.All() {
			m.Set(k, worded(e))
		}
		return m
	}
	return value.Str(v)
}

func delimiter(param any) string {
	if value.Truthy(param) {
		return value.Str(param)
	}
	return ","
}

func parts(text, by string) []any {
	list := []any{}
	for part := range strings.SplitSeq(text, by) {
		list = append(list, part)
	}
	return list
}

func join(v any, by string) (any, error) {
	var items []any
	switch t := v.(type) {
	case []any:
		items = t
	case string:
		items = spread(t)
	case *value.Map:
		for k := range t.All() {
			items = append(items, k)
		}
	default:
		return nil, engine.Failed("'" + value.TypeName(v) + "' object is not iterable")
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = value.Str(item)
	}
	return strings.Join(texts, by), nil
}

func replaced(text string, param any) (any, error) {
	if s, ok := param.(string); ok { // an object typed into the editor
		if parsed, err := value.Loads(s); err == nil {
			param = parsed
		}
	}
	m, ok := param.(*value.Map)
	if !ok || m.Len() == 0 {
		return nil, engine.Failed("Replace requires param dict with 'old' and 'new' keys")
	}
	pick := func(key string) string {
		v, ok := m.Get(key)
		if !ok {
			return ""
		}
		return value.Str(v)
	}
	return strings.ReplaceAll(text, pick("old"), pick("new")), nil
}

func extracted(text string, param any) (any, error) {
	if !value.Truthy(param) {
		return nil, engine.Failed("Regex pattern required")
	}
	p, err := pyregex.Compile(value.Str(param), 0)
	if err != nil {
		return nil, err
	}
	m, err := p.Search(text)
	if err != nil || m == nil {
		return nil, err
	}
	return m.Text(), nil
}

// indexed gives nothing for a place that is not there.
func indexed(v, param any) (any, error) {
	var items []any
	switch t := v.(type) {
	case []any:
		items = t
	case string:
		items = spread(t)
	default:
		return nil, engine.Failed("Value must be list, tuple, or string for get_index")
	}
	at := int64(0)
	if param != nil && param != "" {
		var err error
		if at, err = value.ToInt(param); err != nil {
			return nil, err
		}
	}
	if at < 0 {
		at += int64(len(items))
	}
	if at < 0 || at >= int64(len(items)) {
		return nil, nil
	}
	return items[at], nil
}

func plucked(items []any, param any) []any {
	if !value.Truthy(param) {
		return items
	}
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = item
		if m, ok := item.(*value.Map); ok {
			list[i], _ = m.Get(value.KeyText(param))
		}
	}
	return list
}

func filled(items []any) []any {
	list := []any{}
	for _, item := range items {
		if item != nil && item != "" {
			list = append(list, item)
		}
	}
	return list
}
