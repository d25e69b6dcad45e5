package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Searches find things of a tenant.
type Searches struct{ *core }

// Search finds things by the beginning of their names and ids, at most so many of
// each kind. What somebody may not see is not found.
func (s *Searches) Search(ctx context.Context, p auth.Principal, text string, limit int) (out []fleet.Found, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	if text, err = fleet.SearchText(text); err != nil {
		return nil, err
	}
	if limit < 1 || limit > fleet.MaxSearchHits {
		return nil, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", fleet.MaxSearchHits, limit)
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		out = []fleet.Found{}
		for _, kind := range fleet.FoundKinds() {
			if !p.May(kind.Permission()) {
				continue
			}
			list, err := r.Search(kind, text, limit)
			if err != nil {
				return err
			}
			out = append(out, list...)
		}
		return nil
	})
	return out, err
}
