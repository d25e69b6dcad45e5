package data

import (
	"math"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// Python's words for what mathematics refuses.
const (
	mathDomain   = "math domain error"
	mathRange    = "math range error"
	zeroDivision = "Division by zero"
)

// mathOperation computes in floats, whatever comes in; only rounding down, up
// or to the nearest gives a whole number, as in Python.
func mathOperation(c *engine.Call) error {
	a, err := c.Float("a", 0)
	if err != nil {
		return err
	}
	b, err := c.Float("b", 0)
	if err != nil {
		return err
	}
	result, err := calculate(strings.ToLower(c.Text("operation")), a, b)
	if err != nil {
		return err
	}
	if c.Has("round_digits") {
		digits, err := c.Int("round_digits", 0)
		if err != nil {
			return err
		}
		// Rounding keeps the kind of number, as Python's round with digits does.
		if f, ok := result.(float64); ok {
			result = value.Round(f, int(max(-400, min(400, digits))))
		}
	}
	c.Set("result", result)
	if name := c.Text("output_var"); name != "" {
		c.SetVar(name, result)
	}
	return nil
}

// calculate checks what Go would let pass: Go divides by zero and goes on,
// authors expect an error that a CatchNode can name.
func calculate(operation string, a, b float64) (any, error) {
	switch operation {
	case "add", "":
		return a + b, nil
	case "subtract":
		return a - b, nil
	case "multiply":
		return a * b, nil
	case "divide":
		if b == 0 {
			return nil, engine.Failed(zeroDivision)
		}
		return a / b, nil
	case "floor_divide":
		if b == 0 {
			return nil, engine.Failed(zeroDivision)
		}
		return value.FloorDiv(a, b)
	case "modulo":
		return value.Mod(a, b)
	case "power":
		return power(a, b)
	case "min": // Python's min keeps the first of equals, and of NaN
		if b < a {
			return b, nil
		}
		return a, nil
	case "max":
		if b > a {
			return b, nil
		}
		return a, nil
	case "abs":
		return math.Abs(a), nil
	case "negate":
		return -a, nil
	case "floor":
		return whole(math.Floor(a))
	case "ceil":
		return whole(math.Ceil(a))
	case "round":
		return value.RoundInt(a)
	case "sqrt":
		return checked(math.Sqrt(a), a)
	case "sin":
		return checked(math.Sin(a), a)
	case "cos":
		return checked(math.Cos(a), a)
	case "tan":
		return checked(math.Tan(a), a)
	case "exp":
		return checked(math.Exp(a), a)
	case "log":
		return logarithm(a, b)
	case "log10":
		if a <= 0 {
			return nil, engine.Failed(mathDomain)
		}
		return math.Log10(a), nil
	}
	return nil, engine.Failed("Unknown operation: " + operation)
}

// checked turns what the processor answers into Python's errors: NaN of a
// number is a domain error, infinity of a finite number a range error.
func checked(result float64, args ...float64) (any, error) {
	infinite := func(x float64) bool { return math.IsInf(x, 0) }
	switch {
	case math.IsNaN(result) && !slices.ContainsFunc(args, math.IsNaN):
		return nil, engine.Failed(mathDomain)
	case infinite(result) && !slices.ContainsFunc(args, infinite):
		return nil, engine.Failed(mathRange)
	}
	return result, nil
}

// power refuses what has no real answer, in Python's words.
func power(a, b float64) (any, error) {
	if a == 0 && b < 0 {
		return nil, engine.Failed(mathDomain)
	}
	return checked(math.Pow(a, b), a, b)
}

// logarithm is natural when no base is given.
func logarithm(a, base float64) (any, error) {
	if a <= 0 || base < 0 {
		return nil, engine.Failed(mathDomain)
	}
	if base == 0 {
		return math.Log(a), nil
	}
	if base == 1 {
		return nil, engine.Failed("float division by zero")
	}
	return math.Log(a) / math.Log(base), nil
}

// whole is a float without fraction as a whole number.
func whole(x float64) (any, error) {
	n, err := value.RoundInt(x)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// comparison compares like Python, without making one type of two: the text 10
// is not the number 10, and to order them is an error.
func comparison(c *engine.Call) error {
	a, b := c.Param("a"), c.Param("b")
	result, err := compared(c.Text("operator"), a, b)
	if err != nil {
		return err
	}
	c.Set("result", result)
	return nil
}

func compared(operator string, a, b any) (bool, error) {
	// The editor shows labels such as "greater than (>)".
	if _, sign, ok := strings.Cut(operator, "("); ok {
		operator = strings.TrimSuffix(sign, ")")
	}
	switch operator {
	case "==", "":
		return value.Equal(a, b), nil
	case "!=":
		return !value.Equal(a, b), nil
	case ">", "<", ">=", "<=":
		return value.Order(operator, a, b)
	}
	return false, engine.Failed("Unknown operator: " + operator)
}
