package store

import "github.com/casarerpa/fleet/fleet"

// ViewReader reads views of lists.
type ViewReader interface {
	// KeptView finds one, whoever it belongs to.
	KeptView(id fleet.ID) (fleet.View, error)
	// KeptViews lists those of an owner and the shared ones, of one page or (empty)
	// of all, by page and name.
	KeptViews(owner, page string) ([]fleet.View, error)
}

// ViewWriter changes views.
type ViewWriter interface {
	// AddView stores a new one; fleet.ErrConflict if its name is taken.
	AddView(v fleet.View) error
	// PutView writes one that was read; fleet.ErrConflict if it has changed since,
	// or its name is taken.
	PutView(v fleet.View) error
	DeleteView(id fleet.ID) error
}
