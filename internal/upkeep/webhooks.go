package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Webhooks sends events to webhooks. What is to be sent and how far that came is
// in the store; how fast each may be sent to is in this process alone. A receiver
// that is slow holds up no other.
type Webhooks struct {
	Webhooks *orchestrator.Webhooks
	Signals  *store.Signals
	Now      func() time.Time // monotonic
	Logger   *slog.Logger
	Lead     Lead

	sending sync.WaitGroup
	done    chan struct{} // somebody has sent what it took

	mu     sync.Mutex // guards what follows
	pace   map[fleet.ID]*webhookPace
	places places
	faults []error // since the last pass
}

// webhookPace is how fast a webhook may be sent to.
type webhookPace struct {
	busy   bool
	tokens float64
	at     time.Time // of the tokens
}

// The pauses of the loop.
const (
	webhooksPause = time.Second
	webhooksRest  = 50 * time.Millisecond
)

// webhookPlaces are how many webhooks are sent to at once: in all, of one tenant, and
// at one host.
func webhookPlaces() places { return newPlaces(128, 16, 8) }

// Run works until ctx ends, and then until the last call has.
func (h *Webhooks) Run(ctx context.Context) {
	wake, stop := h.Signals.Listen(store.TopicEvents)
	defer stop()
	h.done = make(chan struct{}, 1)
	defer h.sending.Wait()
	for ctx.Err() == nil {
		if _, ok := h.Lead.held(); ok {
			if err := h.RunOnce(ctx); err != nil && ctx.Err() == nil {
				h.Logger.Warn("chore failed", "chore", "webhooks", "error", err)
			}
		}
		wait(ctx, webhooksRest, nil)
		timer := time.NewTimer(webhooksPause - webhooksRest)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-h.done:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// RunOnce reads the log, and begins to send to each webhook that something is due
// for. It does not wait for the receivers; Wait does.
func (h *Webhooks) RunOnce(ctx context.Context) error {
	scope := store.System("webhooks")
	err := errors.Join(h.Webhooks.Follow(ctx, scope), h.Webhooks.DisableOverdue(ctx, scope))
	list, due := h.Webhooks.Due(ctx, scope)
	err = errors.Join(err, due)
	h.mu.Lock()
	defer h.mu.Unlock()
	err = errors.Join(append(h.faults, err)...)
	h.faults = nil
	if h.pace == nil {
		h.places = webhookPlaces()
	}
	next := make(map[fleet.ID]*webhookPace, len(list))
	now := h.Now()
	for id, p := range h.pace {
		if p.busy || now.Sub(p.at) < time.Second { // until its pace is whole again
			next[id] = p
		}
	}
	for i := range list {
		w := &list[i]
		p := h.pace[w.ID]
		if p == nil {
			p = &webhookPace{tokens: float64(w.RatePerSecond), at: now}
		}
		next[w.ID] = p
		if p.busy {
			continue
		}
		p.tokens = min(p.tokens+now.Sub(p.at).Seconds()*float64(w.RatePerSecond), float64(w.RatePerSecond))
		p.at = now
		to := string(w.Tenant) + " " + w.Host()
		if p.tokens < 1 || !h.places.take(w.Tenant, to) {
			continue
		}
		p.busy = true
		limit := int(p.tokens)
		h.sending.Go(func() {
			h.send(ctx, scope.In(w.Tenant), w.ID, limit, p, func() { h.places.free(w.Tenant, to) })
		})
	}
	h.pace = next
	return err
}

func (h *Webhooks) send(ctx context.Context, s store.Scope, id fleet.ID, limit int, p *webhookPace, free func()) {
	sent, err := h.Webhooks.Send(ctx, s, id, limit)
	h.mu.Lock()
	p.busy = false
	free()
	p.tokens -= float64(sent)
	if err != nil {
		h.faults = append(h.faults, fmt.Errorf("send to webhook %s: %w", id, err))
	}
	h.mu.Unlock()
	if sent == 0 || err != nil { // there is nothing to go on with at once
		return
	}
	select {
	case h.done <- struct{}{}:
	default:
	}
}

// Wait ends when nothing is being sent.
func (h *Webhooks) Wait() { h.sending.Wait() }
