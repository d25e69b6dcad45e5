package value

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ToFloat converts as Python's float() does.
func ToFloat(v any) (float64, error) {
	if f, ok := asFloat(v); ok {
		return f, nil
	}
	var text string
	switch t := v.(type) {
	case string:
		text = t
	case []byte:
		text = string(t)
	default:
		return 0, Errorf("TypeError", "float() argument must be a string or a real number, not '%s'", TypeName(v))
	}
	s, ok := stripUnderscores(strings.TrimFunc(text, IsSpace))
	if ok && !strings.ContainsAny(s, "xXpP") {
		// Out of range is infinity in Python, not an error, and so it is in
		// the number that ParseFloat returns beside its error.
		f, err := strconv.ParseFloat(s, 64)
		if err == nil || math.IsInf(f, 0) {
			return f, nil
		}
	}
	return 0, Errorf("ValueError", "could not convert string to float: %s", Repr(v))
}

// ToInt converts as Python's int() does: floats lose their fraction, texts
// must be whole numbers.
func ToInt(v any) (int64, error) {
	switch t := v.(type) {
	case float64:
		return floatToInt(t)
	case string:
		return ParseInt(t, 10)
	case []byte:
		if i, err := ParseInt(string(t), 10); err == nil {
			return i, nil
		}
		return 0, Errorf("ValueError", "invalid literal for int() with base 10: %s", Repr(v))
	}
	if i, ok := asInt(v); ok {
		return i, nil
	}
	return 0, Errorf("TypeError",
		"int() argument must be a string, a bytes-like object or a real number, not '%s'", TypeName(v))
}

// floatToInt cuts the fraction. Python's numbers have no end, ours do, and say
// so.
func floatToInt(f float64) (int64, error) {
	switch {
	case math.IsNaN(f):
		return 0, Errorf("ValueError", "cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		return 0, Errorf("OverflowError", "cannot convert float infinity to integer")
	case f >= 1<<63 || f < -(1<<63):
		return 0, Errorf("OverflowError", "%s does not fit into 64 bits", reprFloat(f))
	}
	return int64(f), nil
}

// ParseInt reads a whole number of the given base, or of the base its prefix
// names when base is 0, by the rules of Python's int(text, base).
func ParseInt(text string, base int) (int64, error) {
	bad := func() error {
		return Errorf("ValueError", "invalid literal for int() with base %d: %s", base, Repr(text))
	}
	if base != 0 && (base < 2 || base > 36) {
		return 0, Errorf("ValueError", "int() base must be >= 2 and <= 36, or 0")
	}
	s := strings.ToLower(strings.TrimFunc(text, IsSpace))
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	prefixed := false
	for prefix, of := range map[string]int{"0x": 16, "0o": 8, "0b": 2} {
		if strings.HasPrefix(s, prefix) && (base == of || base == 0) {
			s, base, prefixed = strings.TrimPrefix(s[2:], "_"), of, true
			break
		}
	}
	if base == 0 {
		base = 10
		// Without a prefix a leading zero is refused, unless all are zeros.
		if !prefixed && len(s) > 1 && s[0] == '0' && strings.Trim(s, "0_") != "" {
			base = 0
			return 0, bad()
		}
	}
	s, ok := stripUnderscores(s)
	if !ok || s == "" || s[0] == '-' || s[0] == '+' {
		return 0, bad()
	}
	i, err := strconv.ParseInt(sign+s, base, 64)
	if err == nil {
		return i, nil
	}
	if n, isNum := err.(*strconv.NumError); isNum && n.Err == strconv.ErrRange { //nolint:errorlint // ParseInt documents this very type
		return 0, Errorf("OverflowError", "%s does not fit into 64 bits", Repr(text))
	}
	return 0, bad()
}

// stripUnderscores removes the underscores between digits and tells whether
// all of them stood there.
func stripUnderscores(s string) (string, bool) {
	if !strings.Contains(s, "_") {
		return s, true
	}
	digit := func(i int) bool {
		if i < 0 || i >= len(s) {
			return false
		}
		c := s[i] | 0x20
		return s[i] >= '0' && s[i] <= '9' || c >= 'a' && c <= 'z'
	}
	for i := range len(s) {
		if s[i] == '_' && (!digit(i-1) || !digit(i+1)) {
			return s, false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// ToBool converts as properties do: a text is true when it says true, 1, yes
// or on; everything else counts by [Truthy].
func ToBool(v any) bool {
	s, ok := v.(string)
	if !ok {
		return Truthy(v)
	}
	switch strings.ToLower(strings.TrimFunc(s, IsSpace)) {
	case "true", "1", "yes", "on":
		return true
	default:
		return false
	}
}

// Clone copies v with everything in it, except opaque handles, which are
// shared.
func Clone(v any) any {
	switch t := v.(type) {
	case []any:
		return cloneList(t)
	case Tuple:
		return Tuple(cloneList(t))
	case *Map:
		c := t.Clone()
		for i := range c.entries {
			c.entries[i].val = Clone(c.entries[i].val)
		}
		return c
	case []byte:
		return slices.Clone(t)
	default:
		return v
	}
}

func cloneList(items []any) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = Clone(e)
	}
	return out
}

// FromGo brings Go data into the model: all kinds of numbers, slices and maps
// with text keys (sorted, since Go maps have no order), json.Number and
// json.RawMessage. What has no place in the model stays as an opaque value; so
// do named types with a String method, which may hide what they hold.
//
// What is in the model already comes back as it is, not copied.
func FromGo(v any) any {
	if conforms(v) {
		return v
	}
	switch t := v.(type) {
	case *Map:
		if t == nil {
			return nil
		}
		c := t.Clone()
		for i := range c.entries {
			c.entries[i].val = FromGo(c.entries[i].val)
		}
		return c
	case Map:
		return FromGo(&t)
	case int:
		return int64(t)
	case json.Number:
		return numberFromText(t.String())
	case json.RawMessage:
		if parsed, err := Parse(t); err == nil {
			return parsed
		}
		return string(t)
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = FromGo(e)
		}
		return out
	case Tuple, fmt.Stringer, error:
		return t
	default:
		return fromReflect(v)
	}
}

// Normal is [FromGo] for the outermost value alone: lists and objects come
// back as they are, at no cost. It suits readers that look at parts one by one.
func Normal(v any) any {
	switch v.(type) {
	case nil, bool, int64, float64, string, []any, *Map, []byte, Tuple, *Set:
		return v
	default:
		return FromGo(v)
	}
}

// conforms tells whether nothing in v has to be converted.
func conforms(v any) bool {
	switch t := v.(type) {
	case nil, bool, int64, float64, string, []byte, *Set:
		return true
	case []any:
		for _, e := range t {
			if !conforms(e) {
				return false
			}
		}
		return t != nil
	case *Map:
		for _, e := range t.All() {
			if !conforms(e) {
				return false
			}
		}
		return t != nil
	default:
		return false
	}
}

// fromReflect converts by kind whatever the list of common types does not name.
func fromReflect(v any) any {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if u := r.Uint(); u > math.MaxInt64 {
			return float64(u)
		}
		return int64(r.Uint())
	case reflect.Float32:
		// Through the text, or 0.1 would show the noise of the wider type.
		f, _ := strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
		return f
	case reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Slice, reflect.Array:
		if r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
			return r.Bytes()
		}
		out := make([]any, r.Len())
		for i := range out {
			out[i] = FromGo(r.Index(i).Interface())
		}
		return out
	case reflect.Map:
		if r.Type().Key().Kind() != reflect.String {
			return v
		}
		keys := r.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		m := NewMap()
		for _, k := range keys {
			m.Set(k.String(), FromGo(r.MapIndex(k).Interface()))
		}
		return m
	case reflect.Pointer:
		if r.IsNil() {
			return nil
		}
		if e := r.Elem(); e.Kind() != reflect.Struct {
			return FromGo(e.Interface())
		}
		return v
	default:
		return v
	}
}

// ToGo turns objects into map[string]any and lists into []any at every depth,
// for libraries that know only those. The order of keys is lost.
func ToGo(v any) any {
	switch t := v.(type) {
	case *Map:
		if t == nil {
			return nil
		}
		out := make(map[string]any, t.Len())
		for k, e := range t.All() {
			out[k] = ToGo(e)
		}
		return out
	case []any:
		return toGoList(t)
	case Tuple:
		return toGoList(t)
	case *Set:
		return toGoList(t.Items())
	default:
		return v
	}
}

func toGoList(items []any) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = ToGo(e)
	}
	return out
}
