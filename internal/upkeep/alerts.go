package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Alerts looks for what people are to know of: in the logs of facts, in what has
// become due, and once a minute at how things stand.
type Alerts struct {
	Alerts  *orchestrator.Alerts
	Signals *store.Signals
	Now     func() time.Time
	Logger  *slog.Logger
	Lead    Lead

	looked time.Time // when it last looked at how things stand
}

// The pauses of the loop.
const (
	alertsPause = 2 * time.Second // behind the signals
	alertsRest  = time.Second     // the least time between two passes
)

// Run works until ctx ends.
func (a *Alerts) Run(ctx context.Context) {
	wake, stop := a.Signals.Listen(store.TopicEvents)
	defer stop()
	every(ctx, a.Logger, "alerts", alertsRest, func() time.Duration { return alertsPause }, wake, func(ctx context.Context) error {
		if _, ok := a.Lead.held(); !ok {
			return nil
		}
		return a.RunOnce(ctx)
	})
}

// RunOnce looks for all that there is to find.
func (a *Alerts) RunOnce(ctx context.Context) error {
	scope := store.System("alerts")
	err := a.Alerts.Follow(ctx, scope)
	if now := a.Now(); now.Sub(a.looked).Abs() >= fleet.AlertSampleEvery {
		a.looked = now
		err = errors.Join(err, a.Alerts.Look(ctx, scope))
	}
	return errors.Join(err, a.Alerts.Due(ctx, scope))
}
