package pyexpr

import (
	"math"
	"math/big"
	"math/rand/v2"
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

// random falls back to the process's source, which is safe to share.
func (m *machine) random() float64 {
	if m.env.Rand != nil {
		return m.env.Rand.Float64()
	}
	return rand.Float64() //nolint:gosec // chance for workflows, no secret
}

// randFloat is rand(): from 0 up to below 1.
func randFloat(m *machine, a *arguments) (any, error) {
	if err := a.between(0, 0); err != nil {
		return nil, err
	}
	return m.random(), nil
}

// randInt with one argument counts from 0 up to below it; with two, both ends
// can come.
func randInt(m *machine, a *arguments) (any, error) {
	if err := a.between(1, 2); err != nil {
		return nil, err
	}
	low, high := int64(0), int64(0)
	last, ok := asFloat(a.list[len(a.list)-1])
	if !ok {
		return nil, fail("TypeError", "'%s' object cannot be interpreted as an integer", value.TypeName(a.list[0]))
	}
	if len(a.list) == 1 {
		return value.ToInt(math.Trunc(m.random() * last))
	}
	var err error
	if low, err = wholeNumber(a.list[0]); err == nil {
		high, err = wholeNumber(a.list[1])
	}
	if err != nil {
		return nil, err
	}
	if high < low {
		return nil, fail("ValueError", "empty range for randrange() (%d, %d, %d)", low, high+1, high+1-low)
	}
	span := float64(high) - float64(low) + 1
	return min(high, low+int64(m.random()*span)), nil
}

func builtinAbs(_ *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	if i, ok := asInt(v); ok {
		if i < 0 {
			return value.SubInt(0, i), nil
		}
		return i, nil
	}
	if f, ok := v.(float64); ok {
		return math.Abs(f), nil
	}
	return nil, fail("TypeError", "bad operand type for abs(): '%s'", value.TypeName(v))
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

// builtinDigits is bin, oct and hex, which are formats with their prefix on.
func builtinDigits(_ *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	i, err := wholeNumber(v)
	if err != nil {
		return nil, err
	}
	return value.FormatValue(i, "#"+map[string]string{"bin": "b", "oct": "o", "hex": "x"}[a.name])
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

// builtinDivmod gives quotient and remainder, both rounded down.
func builtinDivmod(_ *machine, a *arguments) (any, error) {
	if err := a.between(2, 2); err != nil {
		return nil, err
	}
	q, r, err := value.DivMod(a.list[0], a.list[1])
	return value.Tuple{q, r}, err
}

// builtinFloat leaves all rules and messages to the values' own conversion.
func builtinFloat(_ *machine, a *arguments) (any, error) {
	if err := a.between(0, 1); err != nil {
		return nil, err
	}
	if len(a.list) == 0 {
		return 0.0, nil
	}
	return value.ToFloat(a.list[0])
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

// builtinInt keeps a float that does not fit into 64 bits as a float: its value
// is whole already, only its type differs from Python's.
func builtinInt(_ *machine, a *arguments) (any, error) {
	p, err := a.take(0, "x", "base")
	if err != nil {
		return nil, err
	}
	if !given(p[1]) {
		if !given(p[0]) {
			return int64(0), nil
		}
		i, err := value.ToInt(p[0])
		if f, ok := p[0].(float64); ok && err != nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			// Python would keep all digits; the float is the nearest we have.
			return math.Trunc(f), nil
		}
		return i, err
	}
	s, ok := p[0].(string)
	if !ok {
		return nil, fail("TypeError", "int() can't convert non-string with explicit base")
	}
	base, err := wholeNumber(p[1])
	if err != nil {
		return nil, err
	}
	return value.ParseInt(s, int(max(min(base, 99), -1)))
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

// builtinPow with three arguments counts modulo the third, which needs
// integers.
func builtinPow(m *machine, a *arguments) (any, error) {
	if err := a.between(2, 3); err != nil {
		return nil, err
	}
	if len(a.list) == 2 {
		return m.binary("**", a.list[0], a.list[1])
	}
	var n [3]int64
	for i, v := range a.list {
		var ok bool
		if n[i], ok = asInt(v); !ok {
			return nil, fail("TypeError", "pow() 3rd argument not allowed unless all arguments are integers")
		}
	}
	return powMod(n[0], n[1], n[2])
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

// builtinRound gives an int without ndigits and a float with it, as Python does
// for floats. Digits beyond any float's are capped.
func builtinRound(_ *machine, a *arguments) (any, error) {
	p, err := a.take(1, "number", "ndigits")
	if err != nil {
		return nil, err
	}
	digits, whole := int64(0), !given(p[1]) || p[1] == nil
	if !whole {
		if digits, err = wholeNumber(p[1]); err != nil {
			return nil, err
		}
		digits = max(min(digits, 1000), -1000)
	}
	if i, ok := asInt(p[0]); ok {
		if whole || digits >= 0 {
			return i, nil
		}
		return roundInt(i, int(-digits)), nil
	}
	f, ok := p[0].(float64)
	switch {
	case !ok:
		return nil, fail("TypeError", "type %s doesn't define __round__ method", value.TypeName(p[0]))
	case whole:
		return value.RoundInt(f)
	default:
		return value.Round(f, int(digits)), nil
	}
}

// roundInt rounds to tens, hundreds and so on, halves to even.
func roundInt(i int64, zeros int) any {
	if zeros > 18 {
		return int64(0)
	}
	unit := int64(1)
	for range zeros {
		unit *= 10
	}
	rest := i % unit
	down := i - rest
	if rest < 0 {
		rest += unit
		down -= unit
	}
	if rest > unit-rest || rest == unit-rest && (down/unit)%2 != 0 {
		return value.AddInt(down, unit)
	}
	return down
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

// powMod refuses negative exponents: modular inverses have no use in a
// workflow.
func powMod(x, y, mod int64) (any, error) {
	switch {
	case mod == 0:
		return nil, fail("ValueError", "pow() 3rd argument cannot be 0")
	case y < 0:
		return nil, fail("ValueError", "base is not invertible for the given modulus")
	}
	return expMod(x, y, mod), nil
}

// expMod computes through big integers, since the square of a 64 bit number
// would not fit.
func expMod(x, y, mod int64) int64 {
	r := new(big.Int).Exp(big.NewInt(x), big.NewInt(y), new(big.Int).Abs(big.NewInt(mod)))
	// The result has the sign of the modulus.
	if mod < 0 && r.Sign() != 0 {
		r.Add(r, big.NewInt(mod))
	}
	return r.Int64()
}
