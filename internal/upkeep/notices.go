package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Notices sends what is to be told of incidents. It is a loop of its own: a
// receiver that does not answer holds up nobody who looks for alerts, no other
// channel, and no other tenant.
type Notices struct {
	Alerts *orchestrator.Alerts
	Logger *slog.Logger
	Lead   Lead

	sending sync.WaitGroup
	done    chan struct{} // somebody has sent a notice

	mu     sync.Mutex // guards what follows
	busy   map[fleet.ID]bool
	places places
	faults []error // since the last pass
}

// The pauses of the loop, and how many notices are under way at once.
const (
	noticesPause = time.Second
	noticesRest  = 50 * time.Millisecond
)

func noticePlaces() places { return newPlaces(64, 8, 2) }

// Run works until ctx ends, and then until the last call has.
func (n *Notices) Run(ctx context.Context) {
	n.done = make(chan struct{}, 1)
	defer n.sending.Wait()
	every(ctx, n.Logger, "notices", noticesRest, func() time.Duration { return noticesPause }, n.done, func(ctx context.Context) error {
		if _, ok := n.Lead.held(); !ok {
			return nil
		}
		return n.RunOnce(ctx)
	})
}

// RunOnce begins to send what is due, as far as there is room. It does not wait for
// the receivers; Wait does.
func (n *Notices) RunOnce(ctx context.Context) error {
	scope := store.System("notices")
	list, err := n.Alerts.DueNotices(ctx, scope)
	n.mu.Lock()
	defer n.mu.Unlock()
	err = errors.Join(append(n.faults, err)...)
	n.faults = nil
	if n.busy == nil {
		n.busy, n.places = map[fleet.ID]bool{}, noticePlaces()
	}
	for _, due := range list {
		to := string(due.Tenant) + " " + string(due.Channel)
		if n.busy[due.ID] || !n.places.take(due.Tenant, to) {
			continue
		}
		n.busy[due.ID] = true
		n.sending.Go(func() {
			sent, err := n.Alerts.Send(ctx, scope, due)
			n.mu.Lock()
			n.places.free(due.Tenant, to)
			delete(n.busy, due.ID)
			if err != nil && ctx.Err() == nil {
				n.faults = append(n.faults, err)
			}
			n.mu.Unlock()
			if !sent { // there is nothing to go on with at once
				return
			}
			select {
			case n.done <- struct{}{}:
			default:
			}
		})
	}
	return err
}

// Wait ends when nothing is being sent.
func (n *Notices) Wait() { n.sending.Wait() }
