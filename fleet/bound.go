package fleet

// bound is a number that somebody set, with the least and the most that it may be.
type bound struct {
	field           string
	value, from, to int
}

// within names the first number that is out of its bounds.
func within(list []bound) error {
	for _, b := range list {
		if b.value < b.from || b.value > b.to {
			return Invalid(b.field, "%s must be between %d and %d; got %d.", b.field, b.from, b.to, b.value)
		}
	}
	return nil
}
