package value

import "math"

// Pow is x to the power of y. math.Pow may be wrong in its last digit, which
// shows in texts; Python rounds correctly nearly always, and so does this. It
// computes with pairs of floats that together carry about 106 bits.
func Pow(x, y float64) float64 {
	rough := math.Pow(x, y)
	abs := math.Abs(x)
	if rough == 0 || math.IsInf(rough, 0) || math.IsNaN(rough) || abs == 1 || y == 0 || y == 1 ||
		math.IsInf(y, 0) || math.Abs(rough) < 0x1p-1000 {
		return rough
	}
	r, k := logPair(abs).times(pair{y, 0}).exp()
	return math.Copysign(math.Ldexp(r.hi, k), rough)
}

// pair is the exact sum of two floats, the second far below the first.
type pair struct{ hi, lo float64 }

// ln2 is the natural logarithm of two.
func ln2() pair { return pair{math.Ln2, 2.319046813846299558e-17} }

// sumPair is the exact sum of two floats: the rounded sum and what it lost.
func sumPair(a, b float64) pair {
	s := a + b
	t := s - a
	return pair{s, (a - (s - t)) + (b - t)}
}

func (a pair) plus(b pair) pair {
	s := sumPair(a.hi, b.hi)
	t := sumPair(a.lo, b.lo)
	s = sumPair(s.hi, s.lo+t.hi)
	return sumPair(s.hi, s.lo+t.lo)
}

func (a pair) times(b pair) pair {
	p := a.hi * b.hi
	e := math.FMA(a.hi, b.hi, -p) + (a.hi*b.lo + a.lo*b.hi)
	return sumPair(p, e)
}

// exp gives e to the power of a as a pair times a power of two.
func (a pair) exp() (pair, int) {
	const halvings = 9
	k := math.Round(a.hi / math.Ln2)
	r := a.plus(ln2().times(pair{-k, 0}))
	r = pair{math.Ldexp(r.hi, -halvings), math.Ldexp(r.lo, -halvings)}
	// The series of e^r - 1 from its smallest term on. Squaring e^r would lose
	// the digits behind the one, so (1+s)^2 - 1 = 2s + s^2 is squared instead.
	s := pair{}
	for n := 9.0; n >= 1; n-- {
		s = pair{1, 0}.plus(s).times(r).times(reciprocal(n))
	}
	for range halvings {
		s = pair{2 * s.hi, 2 * s.lo}.plus(s.times(s))
	}
	return s.plus(pair{1, 0}), int(k)
}

// reciprocal is exact enough to not spoil the series it divides.
func reciprocal(n float64) pair {
	q := 1 / n
	return pair{q, math.FMA(-q, n, 1) / n}
}

// logPair is the natural logarithm of a positive number: one Newton step from
// what math.Log gives.
func logPair(x float64) pair {
	m, e := math.Frexp(x)
	guess := math.Log(m)
	inverse, k := pair{-guess, 0}.exp()
	inverse = pair{math.Ldexp(inverse.hi, k), math.Ldexp(inverse.lo, k)}
	// m·e^-guess is one and a tiny rest, and log(1+rest) nearly the rest.
	rest := inverse.times(pair{m, 0}).plus(pair{-1, 0})
	l := pair{guess, 0}.plus(rest).plus(pair{-rest.hi * rest.hi / 2, 0})
	return l.plus(ln2().times(pair{float64(e), 0}))
}
