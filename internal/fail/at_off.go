//go:build !failpoints

package fail

// Enabled says whether this binary has failpoints.
const Enabled = false

// At does nothing in a binary without failpoints.
func At(Point) error { return nil }

// Hits returns nothing in a binary without failpoints.
func Hits() map[Point]int { return nil }
