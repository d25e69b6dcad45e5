package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Modes ends pauses whose time is over and drains that are done, and takes bulk
// operations further. It costs by the robots that are in a mode and the
// operations that are open.
type Modes struct {
	Robots *orchestrator.Robots
	Logger *slog.Logger
	Lead   Lead
}

// Run works until ctx ends.
func (m *Modes) Run(ctx context.Context) {
	every(ctx, m.Logger, "modes", 0, func() time.Duration { return time.Second }, nil, func(ctx context.Context) error {
		if _, ok := m.Lead.held(); !ok {
			return nil
		}
		s := store.System("modes")
		return errors.Join(m.Robots.KeepModes(ctx, s), m.Robots.KeepBulks(ctx, s))
	})
}
