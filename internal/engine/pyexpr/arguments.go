package pyexpr

import "github.com/casarerpa/fleet/workflow/value"

// arguments are what a function was called with.
type arguments struct {
	name  string // of the function, for messages
	list  []any
	named *value.Map
}

// builtin is a function or a method bound to its object.
type builtin struct {
	name string
	// isType marks functions that are types in Python, such as int.
	isType bool
	run    func(m *machine, a *arguments) (any, error)
}

// Equal tells whether both are the same type; other functions are never equal.
func (b *builtin) Equal(other *builtin) bool {
	return b == other || b.isType && other.isType && b.name == other.name
}

// TypeName is the type as Python names it.
func (b *builtin) TypeName() string {
	if b.isType {
		return "type"
	}
	return "builtin_function_or_method"
}

// String keeps the Go value out of texts.
func (b *builtin) String() string {
	if b.isType {
		return "<class '" + b.name + "'>"
	}
	return "<built-in function " + b.name + ">"
}

// take binds the arguments to params, in order and by name; the first least
// ones are required. Missing optional ones come as the absent value.
func (a *arguments) take(least int, params ...string) ([]any, error) {
	if len(a.list) > len(params) {
		return nil, fail("TypeError", "%s() takes at most %d arguments (%d given)", a.name, len(params), len(a.list))
	}
	out := make([]any, len(params))
	used := 0
	for i, p := range params {
		v, named := a.named.Get(p)
		if named {
			used++
		}
		switch {
		case i < len(a.list) && named:
			return nil, fail("TypeError", "%s() got multiple values for argument '%s'", a.name, p)
		case i < len(a.list):
			out[i] = a.list[i]
		case named:
			out[i] = v
		case i < least:
			return nil, fail("TypeError", "%s() missing required argument '%s' (pos %d)", a.name, p, i+1)
		default:
			out[i] = absent{}
		}
	}
	if used < a.named.Len() {
		for k := range a.named.All() {
			known := false
			for _, p := range params {
				known = known || p == k
			}
			if !known {
				return nil, fail("TypeError", "'%s' is an invalid keyword argument for %s()", k, a.name)
			}
		}
	}
	return out, nil
}

// absent is an optional argument that was not given.
type absent struct{}

func given(v any) bool {
	_, missing := v.(absent)
	return !missing
}

// one is the only argument of a function that takes exactly one.
func (a *arguments) one() (any, error) {
	if a.named.Len() > 0 {
		return nil, fail("TypeError", "%s() takes no keyword arguments", a.name)
	}
	if len(a.list) != 1 {
		return nil, fail("TypeError", "%s() takes exactly one argument (%d given)", a.name, len(a.list))
	}
	return a.list[0], nil
}

// between checks the number of arguments of a function without keywords.
func (a *arguments) between(least, most int) error {
	switch {
	case a.named.Len() > 0:
		return fail("TypeError", "%s() takes no keyword arguments", a.name)
	case len(a.list) < least:
		return fail("TypeError", "%s expected at least %d argument%s, got %d", a.name, least, plural(least), len(a.list))
	case len(a.list) > most:
		return fail("TypeError", "%s expected at most %d argument%s, got %d", a.name, most, plural(most), len(a.list))
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// wholeNumber converts an argument that must be an int.
func wholeNumber(v any) (int64, error) {
	if i, ok := asInt(v); ok {
		return i, nil
	}
	return 0, fail("TypeError", "'%s' object cannot be interpreted as an integer", value.TypeName(v))
}

// wholeOr is wholeNumber with a default for a missing argument.
func wholeOr(v any, missing int64) (int64, error) {
	if !given(v) {
		return missing, nil
	}
	return wholeNumber(v)
}

func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fail("TypeError", "must be str, not %s", value.TypeName(v))
	}
	return s, nil
}
