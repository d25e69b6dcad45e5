package fleet

import "encoding/json"

// The bounds of a list.
const (
	PageDefault = 100
	PageMax     = 500
)

// Page asks for a part of a list. Cursor is what the part before gave as
// NextCursor; empty starts at the beginning.
type Page struct {
	Limit  int
	Cursor string
}

// Normalize fills in the default and checks the bounds.
func (p Page) Normalize() (Page, error) {
	if p.Limit == 0 {
		p.Limit = PageDefault
	}
	if p.Limit < 1 || p.Limit > PageMax {
		return p, Invalid("limit", "limit must be between 1 and %d; got %d.", PageMax, p.Limit)
	}
	return p, nil
}

func marshalList[S ~[]E, E any](s S) ([]byte, error) {
	if len(s) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal([]E(s))
}
