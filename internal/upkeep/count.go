package upkeep

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Counts is how many jobs of all tenants are in each state that is not final.
func Counts(ctx context.Context, s store.Store) (counts map[fleet.State]int64, err error) {
	err = s.View(ctx, store.System("counts"), func(r store.Reader) (err error) {
		counts, err = r.Counts()
		return err
	})
	return counts, err
}
