package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Recalls stops work on lent slots when those for whom they are kept wait. While
// a reservation takes slots back it looks when something could be placed, as
// dispatch does; otherwise it looks now and then whether one does.
type Recalls struct {
	Reservations *orchestrator.Reservations
	Signals      *store.Signals
	Logger       *slog.Logger
	Lead         Lead
}

const recallPause = 5 * time.Second

// Run works until ctx ends.
func (r *Recalls) Run(ctx context.Context) {
	wake, stop := r.Signals.Listen(store.TopicReady)
	defer stop()
	for ctx.Err() == nil {
		var ready <-chan struct{}
		if _, ok := r.Lead.held(); ok {
			_, watch, err := r.Reservations.Recall(ctx, store.System("recalls"))
			if err != nil && ctx.Err() == nil {
				r.Logger.Warn("chore failed", "chore", "recalls", "error", err)
			}
			if watch {
				ready = wake
			}
		}
		timer := time.NewTimer(recallPause)
		select {
		case <-ctx.Done():
		case <-ready:
		case <-timer.C:
		}
		timer.Stop()
	}
}
