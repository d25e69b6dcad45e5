package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Audits writes the counts of refusals, which each orchestrator keeps for
// itself, and signs checkpoints where the chains have grown, which one does.
type Audits struct {
	Audits *orchestrator.Audits
	Logger *slog.Logger
	Lead   Lead
	// Offer keeps a checkpoint outside of the database.
	Offer func(c auditchain.Checkpoint) error
}

// Run works until ctx ends.
func (a *Audits) Run(ctx context.Context) {
	every(ctx, a.Logger, "audits", 0, func() time.Duration { return 10 * time.Second }, nil, func(ctx context.Context) error {
		err := a.Audits.KeepDenials(ctx)
		if _, ok := a.Lead.held(); ok {
			err = errors.Join(err, a.Audits.Checkpoints(ctx, store.System("audits"), a.Offer))
		}
		return err
	})
}
