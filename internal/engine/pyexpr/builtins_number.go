package pyexpr

import (
	"math"
	"math/big"
	"math/rand/v2"

	"github.com/casarerpa/fleet/workflow/value"
)

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
