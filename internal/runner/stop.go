package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// Why a run ends whose Stop was closed: between two nodes, or by force in the
// middle of one. errors.Is finds ErrStopped in both.
var (
	ErrStopped = errors.New("the run was asked to stop")
	ErrForced  = fmt.Errorf("%w and had to be forced", ErrStopped)
)

// stoppable makes a run end when stop is closed: its gate refuses the next
// node, and after the grace its context ends. The goroutine that watches ends
// with letGo.
func stoppable(ctx context.Context, gate engine.Gate, stop <-chan struct{}, grace time.Duration) (context.Context, engine.Gate, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-stop:
		case <-ended:
			return
		}
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(ErrForced)
		case <-ended:
		}
	}()
	letGo := func() {
		close(ended)
		<-watched
		cancel(nil)
	}
	return ctx, &stopGate{next: gate, stop: stop}, letGo
}

// stopGate refuses every node once the run was asked to stop.
type stopGate struct {
	next engine.Gate // may be nil
	stop <-chan struct{}
}

// Enter refuses after stop, else asks the next gate.
func (g *stopGate) Enter(ctx context.Context, nodeID string) error {
	select {
	case <-g.stop:
		return ErrStopped
	default:
	}
	if g.next == nil {
		return nil
	}
	return g.next.Enter(ctx, nodeID)
}

// Begin asks the next gate.
func (g *stopGate) Begin(ctx context.Context, nodeID, key string) (map[string]any, bool, error) {
	if g.next == nil {
		return nil, false, nil
	}
	return g.next.Begin(ctx, nodeID, key)
}

// End tells the next gate.
func (g *stopGate) End(ctx context.Context, nodeID, key string, ok bool, outcome map[string]any) error {
	if g.next == nil {
		return nil
	}
	return g.next.End(ctx, nodeID, key, ok, outcome)
}

var _ engine.Gate = (*stopGate)(nil)
