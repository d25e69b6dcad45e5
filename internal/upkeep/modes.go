package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Modes ends pauses whose time is over and drains that are done. It costs by
// the robots that are in a mode.
type Modes struct {
	Robots *orchestrator.Robots
	Logger *slog.Logger
	Lead   Lead
}

// Run works until ctx ends.
func (m *Modes) Run(ctx context.Context) {
	every(ctx, m.Logger, "modes", func() time.Duration { return time.Second }, nil, func(ctx context.Context) error {
		if _, ok := m.Lead.held(); !ok {
			return nil
		}
		return m.Robots.KeepModes(ctx, store.System("modes"))
	})
}
