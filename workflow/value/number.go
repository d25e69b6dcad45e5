package value

import (
	"math"
	"math/bits"
	"strconv"
)

// Round rounds x to ndigits decimals as Python's round does: it looks at the
// exact binary value, and an exact half goes to the even neighbour. Negative
// ndigits round to tens, hundreds and so on.
func Round(x float64, ndigits int) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) || ndigits > 330 {
		return x
	}
	if ndigits < -310 {
		return math.Copysign(0, x)
	}
	if ndigits >= 0 {
		// FormatFloat works on the exact decimal expansion.
		r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', ndigits, 64), 64)
		return r
	}
	exp := int(math.Floor(math.Log10(math.Abs(x))))
	// The logarithm may be off by one near a power of ten; 'e' tells.
	if s := strconv.FormatFloat(x, 'e', 17, 64); len(s) > 4 {
		exp = exponentOf(s)
	}
	if keep := exp + ndigits; keep >= 0 {
		r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', keep, 64), 64)
		return r
	}
	unit := math.Pow10(-ndigits)
	if math.Abs(x) > unit/2 {
		return math.Copysign(unit, x)
	}
	return math.Copysign(0, x)
}

// exponentOf reads the exponent of a number in 'e' notation.
func exponentOf(s string) int {
	for i := range len(s) {
		if s[i] == 'e' {
			n, _ := strconv.Atoi(s[i+1:])
			return n
		}
	}
	return 0
}

// RoundInt rounds x to a whole number, halves to even. The result is an int64,
// or a float64 when it has more than 64 bits.
func RoundInt(x float64) (any, error) {
	r := math.RoundToEven(x)
	if math.IsNaN(r) || math.IsInf(r, 0) {
		_, err := floatToInt(r)
		return nil, err
	}
	if i, err := floatToInt(r); err == nil {
		return i, nil
	}
	return r, nil
}

// FloorDiv is Python's a // b: whole numbers give a whole number, anything
// with a float a float, both rounded down.
func FloorDiv(a, b any) (any, error) {
	q, _, err := divmod("//", a, b)
	return q, err
}

// Mod is Python's a % b for numbers: the result has the sign of b.
func Mod(a, b any) (any, error) {
	_, r, err := divmod("%", a, b)
	return r, err
}

// DivMod is Python's divmod(a, b).
func DivMod(a, b any) (quotient, remainder any, err error) { return divmod("divmod()", a, b) }

// divmod tells operators apart by op, since each words its division by zero in
// its own way.
func divmod(op string, a, b any) (quotient, remainder any, err error) {
	x, xInt := asInt(a)
	y, yInt := asInt(b)
	if xInt && yInt {
		if y == 0 && op == "%" {
			return nil, nil, Errorf("ZeroDivisionError", "integer modulo by zero")
		}
		return divmodInt(x, y)
	}
	fx, xOK := asFloat(a)
	fy, yOK := asFloat(b)
	if !xOK || !yOK {
		return nil, nil, Errorf("TypeError", "unsupported operand type(s) for %s: '%s' and '%s'",
			op, TypeName(a), TypeName(b))
	}
	switch {
	case fy != 0:
	case op == "%":
		return nil, nil, Errorf("ZeroDivisionError", "float modulo")
	default:
		return nil, nil, Errorf("ZeroDivisionError", "float floor division by zero")
	}
	q, r := divmodFloat(fx, fy)
	return q, r, nil
}

// divmodInt rounds down where Go rounds to zero.
func divmodInt(x, y int64) (quotient, remainder any, err error) {
	if y == 0 {
		return nil, nil, Errorf("ZeroDivisionError", "integer division or modulo by zero")
	}
	if x == math.MinInt64 && y == -1 {
		return -float64(x), int64(0), nil
	}
	q, r := x/y, x%y
	if r != 0 && (r < 0) != (y < 0) {
		q--
		r += y
	}
	return q, r, nil
}

// divmodFloat keeps x == q*y + r as closely as floats can, with r of y's sign.
func divmodFloat(x, y float64) (q, r float64) {
	r = math.Mod(x, y)
	div := (x - r) / y
	if r != 0 {
		if (y < 0) != (r < 0) {
			r += y
			div--
		}
	} else {
		r = math.Copysign(0, y)
	}
	if div == 0 {
		return math.Copysign(0, x/y), r
	}
	q = math.Floor(div)
	if div-q > 0.5 {
		q++
	}
	return q, r
}

// AddInt adds exactly, and in floats when 64 bits are not enough.
func AddInt(a, b int64) any {
	if c := a + b; (c > a) == (b > 0) {
		return c
	}
	return float64(a) + float64(b)
}

// SubInt subtracts exactly, and in floats when 64 bits are not enough.
func SubInt(a, b int64) any {
	if c := a - b; (c < a) == (b > 0) {
		return c
	}
	return float64(a) - float64(b)
}

// MulInt multiplies exactly, and in floats when 64 bits are not enough.
func MulInt(a, b int64) any {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	switch {
	case hi == 0 && !negative && lo <= math.MaxInt64:
		return int64(lo)
	case hi == 0 && negative && lo <= 1<<63:
		return -int64(lo)
	}
	return float64(a) * float64(b)
}

// magnitude is exact for the smallest number too, which has no positive twin.
func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}
