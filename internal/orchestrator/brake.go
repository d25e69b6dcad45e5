package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Brake tells each tenant how many of its attempts fell silent at a moment at which
// so many did that none was taken away.
func (a *Attempts) Brake(ctx context.Context, s store.Scope, silent map[fleet.TenantID]int) error {
	var faults []error
	for _, tenant := range slices.Sorted(maps.Keys(silent)) {
		err := a.Store.Update(ctx, s.In(tenant), func(tx store.Tx) error {
			return tx.Append(tenant, fleet.EventDraft{
				Kind: fleet.EventBrake, Subject: fleet.SubjectFleet, SubjectID: "fleet", Actor: "reap", Data: map[string]any{"silent": silent[tenant]},
			})
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("tell tenant %s of the brake: %w", tenant, err))
		}
	}
	return errors.Join(faults...)
}
