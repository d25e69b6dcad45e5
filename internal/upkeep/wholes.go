package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Wholes ends jobs that are cut into segments and were left behind by an
// orchestrator that knows no segments, while versions are mixed. All others
// follow their segments at once. It costs by the wholes that are open.
type Wholes struct {
	Jobs   *orchestrator.Jobs
	Logger *slog.Logger
	Lead   Lead
}

// Run works until ctx ends.
func (w *Wholes) Run(ctx context.Context) {
	every(ctx, w.Logger, "wholes", 0, func() time.Duration { return time.Minute }, nil, func(ctx context.Context) error {
		if _, ok := w.Lead.held(); !ok {
			return nil
		}
		return w.Jobs.FollowWholes(ctx, store.System("wholes"))
	})
}
