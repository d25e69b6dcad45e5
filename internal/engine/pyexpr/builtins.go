package pyexpr

import (
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// builtin finds a function by name in the set of this evaluation.
func (m *machine) builtin(name string) *builtin {
	switch m.env.Builtins {
	case NoBuiltins:
		return nil
	case ConditionBuiltins:
		switch name {
		case "rand":
			return &builtin{name: name, run: randFloat}
		case "randint":
			return &builtin{name: name, run: randInt}
		}
	case EvalBuiltins:
	}
	return function(name)
}

// function finds one of the functions that every set with functions has.
func function(name string) *builtin {
	var run func(*machine, *arguments) (any, error)
	isType := false
	switch name {
	case "abs":
		run = builtinAbs
	case "all", "any":
		run = builtinAllAny
	case "ascii", "repr":
		run = builtinRepr
	case "bin", "oct", "hex":
		run = builtinDigits
	case "bool":
		run, isType = builtinBool, true
	case "bytes":
		run, isType = builtinBytes, true
	case "chr":
		run = builtinChr
	case "dict":
		run, isType = builtinDict, true
	case "divmod":
		run = builtinDivmod
	case "enumerate":
		run, isType = builtinEnumerate, true
	case "filter", "map":
		run, isType = builtinFilterMap, true
	case "float":
		run, isType = builtinFloat, true
	case "format":
		run = builtinFormat
	case "int":
		run, isType = builtinInt, true
	case "isinstance":
		run = builtinIsinstance
	case "len":
		run = builtinLen
	case "list", "tuple", "set", "frozenset":
		run, isType = builtinCollect, true
	case "min", "max":
		run = builtinMinMax
	case "ord":
		run = builtinOrd
	case "pow":
		run = builtinPow
	case "range":
		run, isType = builtinRange, true
	case "reversed":
		run, isType = builtinReversed, true
	case "round":
		run = builtinRound
	case "sorted":
		run = builtinSorted
	case "str":
		run, isType = builtinStr, true
	case "sum":
		run = builtinSum
	case "type":
		run, isType = builtinType, true
	case "zip":
		run, isType = builtinZip, true
	default:
		return nil
	}
	return &builtin{name: name, isType: isType, run: run}
}

// builtinAllAny stops at the first element that decides, so that a generator
// behind it is not walked further than in Python.
func builtinAllAny(m *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	stop := a.name == "any"
	result := !stop
	err = m.iterate(v, func(e any) (bool, error) {
		if m.truthy(e) == stop {
			result = stop
			return false, nil
		}
		return true, nil
	})
	return result, err
}

// builtinRepr is repr and ascii; their first letters are the conversions r and
// a.
func builtinRepr(m *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	return m.format(v, a.name[0], "")
}

func builtinBool(m *machine, a *arguments) (any, error) {
	if err := a.between(0, 1); err != nil || len(a.list) == 0 {
		return false, err
	}
	return m.truthy(a.list[0]), nil
}

// builtinBytes leaves bytes(n) out: a size from outside would be an easy way to
// ask for memory.
func builtinBytes(m *machine, a *arguments) (any, error) {
	p, err := a.take(0, "source", "encoding")
	if err != nil {
		return nil, err
	}
	switch t := p[0].(type) {
	case absent:
		return []byte{}, nil
	case string:
		if !given(p[1]) {
			return nil, fail("TypeError", "string argument without an encoding")
		}
		return []byte(t), m.chargeText(len(t))
	case int64:
		return nil, fail("TypeError", "bytes of a given length cannot be made here")
	}
	items, err := m.collect(p[0])
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(items))
	for i, e := range items {
		n, err := wholeNumber(e)
		if err != nil {
			return nil, err
		}
		if n < 0 || n > 255 {
			return nil, fail("ValueError", "bytes must be in range(0, 256)")
		}
		out[i] = byte(n)
	}
	return out, nil
}

func builtinChr(_ *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	i, err := wholeNumber(v)
	if err != nil {
		return nil, err
	}
	if i < 0 || i > utf8.MaxRune {
		return nil, fail("ValueError", "chr() arg not in range(0x110000)")
	}
	return string(rune(i)), nil
}

func builtinFormat(m *machine, a *arguments) (any, error) {
	if err := a.between(1, 2); err != nil {
		return nil, err
	}
	spec := ""
	if len(a.list) == 2 {
		var err error
		if spec, err = text(a.list[1]); err != nil {
			return nil, err
		}
	}
	return m.format(a.list[0], 0, spec)
}

func builtinLen(m *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	n, err := m.length(v)
	return int64(n), err
}

func builtinOrd(_ *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	s, ok := v.(string)
	if !ok {
		return nil, fail("TypeError", "ord() expected string of length 1, but %s found", value.TypeName(v))
	}
	r, size := utf8.DecodeRuneInString(s)
	if s == "" || size != len(s) {
		return nil, fail("TypeError", "ord() expected a character, but string of length %d found", utf8.RuneCountInString(s))
	}
	return int64(r), nil
}

// builtinRange stays lazy: only what is taken from a range costs steps.
func builtinRange(_ *machine, a *arguments) (any, error) {
	if err := a.between(1, 3); err != nil {
		return nil, err
	}
	var n [3]int64
	for i, v := range a.list {
		var err error
		if n[i], err = wholeNumber(v); err != nil {
			return nil, err
		}
	}
	switch len(a.list) {
	case 1:
		return rangeValue{0, n[0], 1}, nil
	case 2:
		return rangeValue{n[0], n[1], 1}, nil
	}
	if n[2] == 0 {
		return nil, fail("ValueError", "range() arg 3 must not be zero")
	}
	return rangeValue{n[0], n[1], n[2]}, nil
}

// builtinStr decodes bytes when an encoding is named; without one it shows them
// as a literal.
func builtinStr(m *machine, a *arguments) (any, error) {
	p, err := a.take(0, "object", "encoding")
	if err != nil || !given(p[0]) {
		return "", err
	}
	if b, ok := p[0].([]byte); ok && given(p[1]) {
		return string(b), m.chargeText(len(b))
	}
	return m.format(p[0], 's', "")
}

// builtinType answers with the very function that makes the type, so that
// type(x) == int holds.
func builtinType(_ *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	name := value.TypeName(v)
	if b := function(name); b != nil && b.isType {
		return b, nil
	}
	return &builtin{name: name, isType: true, run: func(*machine, *arguments) (any, error) {
		return nil, fail("TypeError", "cannot create '%s' instances", name)
	}}, nil
}

func builtinIsinstance(_ *machine, a *arguments) (any, error) {
	if err := a.between(2, 2); err != nil {
		return nil, err
	}
	types := []any{a.list[1]}
	if t, ok := a.list[1].(value.Tuple); ok {
		types = t
	}
	have := value.TypeName(a.list[0])
	for _, t := range types {
		b, ok := t.(*builtin)
		if !ok || !b.isType {
			return nil, fail("TypeError", "isinstance() arg 2 must be a type, a tuple of types, or a union")
		}
		// A boolean is an integer too.
		if b.name == have || have == "bool" && b.name == "int" {
			return true, nil
		}
	}
	return false, nil
}
