package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The figures of the watch on the store.
const (
	CutOffTime = 10 * time.Second // without a round trip: the robots go elsewhere
	reachLook  = time.Second
	reachAgain = 5 * time.Second // for one round trip, once one has failed
)

// Reach watches whether the store can be reached from here. Writes are refused
// from the first round trip that fails; after CutOffTime the robots are sent to
// other members. Both end by themselves with the first one that succeeds. A
// store that is merely slow is no fault of this member, and no other could
// serve it better: a round trip has all of CutOffTime.
type Reach struct {
	Probe  func(ctx context.Context) error // one round trip to the store
	Clock  func() time.Time                // monotonic
	Logger *slog.Logger
	CutOff func() // the robots must go elsewhere
	Back   func() // they may come again

	last time.Time // start of the last round trip that succeeded; zero: none was made

	mu    sync.Mutex
	fault *fleet.Error
	cut   bool
}

// Run watches until ctx ends.
func (r *Reach) Run(ctx context.Context) { every(ctx, reachLook, func() { r.RunOnce(ctx) }) }

// RunOnce makes one round trip.
func (r *Reach) RunOnce(ctx context.Context) {
	start := r.Clock()
	if r.last.IsZero() {
		r.last = start // it was reached a moment ago, or there would be nothing to watch
	}
	patience := CutOffTime
	if r.Fault() != nil {
		patience = reachAgain
	}
	pctx, cancel := context.WithTimeout(ctx, patience)
	err := r.Probe(pctx)
	cancel()
	if err != nil && ctx.Err() != nil {
		return // we are stopping
	}
	if err == nil {
		r.last = start
	}
	r.mu.Lock()
	before, cut := r.fault, r.cut
	if r.fault = nil; err != nil {
		r.fault = fleet.Errorf(fleet.CodeUnavailable, "database_unreachable", "The database cannot be reached from this orchestrator.").
			WithFix("Try again in a moment, or ask another orchestrator.")
		r.fault.RetryAfter = time.Second
	}
	r.cut = err != nil && (cut || r.Clock().Sub(r.last) >= CutOffTime)
	now := r.cut
	r.mu.Unlock()
	switch {
	case err != nil && before == nil:
		r.Logger.Error("the database cannot be reached; writes are refused", "error", err)
	case err == nil && before != nil:
		r.Logger.Info("the database can be reached again")
	}
	switch {
	case now && !cut:
		r.Logger.Error("cut off from the database; the robots are sent to other orchestrators", "for", r.Clock().Sub(r.last).Round(time.Second))
		r.CutOff()
	case cut && !now:
		r.Back()
	}
}

// Fault is why writes cannot be served; nil when they can.
func (r *Reach) Fault() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		return nil
	}
	return r.fault
}
