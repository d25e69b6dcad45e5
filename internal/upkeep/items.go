package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Items looks after the items of transaction queues: it abandons those whose
// holder is gone, puts in line those whose time has come, and tells of those
// whose deadline has passed. Events wake it, since a job that ends may leave
// items behind.
type Items struct {
	Queues  *orchestrator.Queues
	Signals *store.Signals
	Logger  *slog.Logger
	Lead    Lead
}

// The pauses of the loop: the slow look, and the least time between two that
// events asked for.
const (
	itemsPause = time.Second
	itemsRest  = 200 * time.Millisecond
)

// Run works until ctx ends.
func (i *Items) Run(ctx context.Context) {
	wake, stop := i.Signals.Listen(store.TopicEvents)
	defer stop()
	every(ctx, i.Logger, "items", itemsRest, func() time.Duration { return itemsPause }, wake, func(ctx context.Context) error {
		if _, ok := i.Lead.held(); !ok {
			return nil
		}
		return i.Queues.Upkeep(ctx, store.System("items"))
	})
}
