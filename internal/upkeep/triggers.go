package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Triggers follows the logs of tenants that have triggers: whatever is added to
// one wakes it. Queues are looked at after each event that can change what they
// want, and once when this process begins to do the chores or after a fault,
// since whoever did them before may have stopped between the two.
type Triggers struct {
	Triggers *orchestrator.Triggers
	Signals  *store.Signals
	Logger   *slog.Logger
	Lead     Lead

	term int64 // in which all queues were looked at; 0: in none
}

// The pauses of the loop.
const (
	triggersPause = time.Second           // behind the signals
	triggersRest  = 20 * time.Millisecond // the least time between two looks
)

// Run works until ctx ends.
func (t *Triggers) Run(ctx context.Context) {
	wake, stop := t.Signals.Listen(store.TopicEvents)
	defer stop()
	every(ctx, t.Logger, "triggers", triggersRest, func() time.Duration { return triggersPause }, wake, func(ctx context.Context) error {
		term, ok := t.Lead.held()
		if !ok {
			t.term = 0
			return nil
		}
		return t.RunOnce(ctx, term+1)
	})
}

// RunOnce follows what there is to follow. term counts from 1.
func (t *Triggers) RunOnce(ctx context.Context, term int64) error {
	scope := store.System("triggers")
	err := t.Triggers.Follow(ctx, scope)
	if t.term != term {
		err = errors.Join(err, t.Triggers.LookAll(ctx, scope))
	}
	if t.term = term; err != nil {
		t.term = 0
	}
	return err
}
