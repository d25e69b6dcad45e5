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
	// A round trip that takes longer than this means a store that stalls: writes
	// are refused until it ends. With reachLook before it that is within 2 s.
	stallTime  = 1500 * time.Millisecond
	reachLook  = 500 * time.Millisecond
	reachAgain = 5 * time.Second // for one round trip, once one has failed
)

// Reach watches whether the store can be reached from here; it is the breaker
// before the database (ADR-0025). Writes are refused from the first round trip
// that fails, or that hangs; after CutOffTime the robots are sent to other
// members. Both end by themselves with the first one that succeeds. A store that
// is merely slow is no reason to send robots away, for no other member could
// serve it better: before that a round trip has all of CutOffTime.
type Reach struct {
	Probe  func(ctx context.Context) error // one round trip to the store
	Clock  func() time.Time                // monotonic
	Logger *slog.Logger
	CutOff func() // the robots must go elsewhere
	Back   func() // they may come again

	last time.Time // start of the last round trip that succeeded; zero: none was made

	mu      sync.Mutex
	fault   *fleet.Error
	stalled bool // the round trip under way takes too long
	cut     bool
}

// Run watches until ctx ends.
func (r *Reach) Run(ctx context.Context) { every(ctx, reachLook, func() { r.RunOnce(ctx) }) }

// RunOnce makes one round trip.
func (r *Reach) RunOnce(ctx context.Context) {
	start := r.Clock()
	if r.last.IsZero() {
		r.last = start // it was reached a moment ago, or there would be nothing to watch
	}
	r.mu.Lock()
	patience := CutOffTime
	if r.fault != nil {
		patience = reachAgain
	}
	r.mu.Unlock()
	pctx, cancel := context.WithTimeout(ctx, patience)
	slow := time.AfterFunc(stallTime, r.stall)
	err := r.Probe(pctx)
	cancel()
	slow.Stop()
	if err != nil && ctx.Err() != nil {
		return // we are stopping
	}
	if err == nil {
		r.last = start
	}
	r.mu.Lock()
	before, cut := r.fault, r.cut
	r.stalled = false
	if r.fault = nil; err != nil {
		r.fault = away("database_unreachable", "The database cannot be reached from this orchestrator.")
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

// stall is called when a round trip takes too long.
func (r *Reach) stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stalled = true
}

func away(reason, text string) *fleet.Error {
	e := fleet.Errorf(fleet.CodeUnavailable, reason, "%s", text).WithFix("Try again in a moment, or ask another orchestrator.")
	e.RetryAfter = time.Second
	return e
}

// Fault is why writes cannot be served; nil when they can.
func (r *Reach) Fault() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.fault != nil:
		return r.fault
	case r.stalled:
		return away("database_stalled", "The database does not answer.")
	}
	return nil
}
