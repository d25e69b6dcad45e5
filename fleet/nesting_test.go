package fleet

import "testing"

func TestNesting(t *testing.T) {
	for text, want := range map[string]int{
		``: 0, `1`: 0, `{}`: 1, `[[],{"a":[1]}]`: 3, `{"[[[":"{{{"}`: 1, `"\"[["`: 0, `["\\",[]]`: 2, `]]]`: 0,
	} {
		if got := Nesting([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
