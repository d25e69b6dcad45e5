package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/store"
)

// echoLook is the slow look behind the signals.
const echoLook = time.Second

// Echo raises here, once a second, the signals of robots that must stop
// something. A cancel may be accepted by one member while the robot is
// connected to another, and the signal between them may be lost; without the
// echo a robot would hear of it only with its next heartbeat.
type Echo struct {
	Store  store.Store
	Logger *slog.Logger
}

// Run works until ctx ends.
func (e *Echo) Run(ctx context.Context) {
	every(ctx, echoLook, func() {
		if err := e.RunOnce(ctx); err != nil && ctx.Err() == nil {
			e.Logger.Debug("robots that must stop something not read", "error", err)
		}
	})
}

// RunOnce looks once.
func (e *Echo) RunOnce(ctx context.Context) error {
	var robots []store.RobotRef
	err := e.Store.View(ctx, scope(), func(r store.Reader) (err error) { robots, err = r.Stopping(); return err })
	for _, x := range robots {
		e.Store.Signals().Raise(store.RobotTopic(string(x.Tenant), string(x.RobotID)))
	}
	return err
}
