package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Recalls stops work on lent slots when those for whom they are kept wait. It
// looks when something could be placed, as dispatch does.
type Recalls struct {
	Reservations *orchestrator.Reservations
	Signals      *store.Signals
	Logger       *slog.Logger
	Lead         Lead
}

// Run works until ctx ends.
func (r *Recalls) Run(ctx context.Context) {
	wake, stop := r.Signals.Listen(store.TopicReady)
	defer stop()
	every(ctx, r.Logger, "recalls", func() time.Duration { return 5 * time.Second }, wake, func(ctx context.Context) error {
		if _, ok := r.Lead.held(); !ok {
			return nil
		}
		_, err := r.Reservations.Recall(ctx, store.System("recalls"))
		return err
	})
}
