package store

import "github.com/casarerpa/fleet/fleet"

// SearchReader finds things by the beginning of their names and ids.
type SearchReader interface {
	// Search finds things of a kind in one tenant, each once. It costs by what it
	// returns, never by how much there is.
	Search(kind fleet.FoundKind, text string, limit int) ([]fleet.Found, error)
}
