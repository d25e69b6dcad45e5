package orchestrator

import (
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// rooms remembers for a moment which tenants have room for many more jobs, so
// that not every submit counts those that wait. Near the limit nothing is
// remembered, and each one counts.
type rooms struct {
	mu    sync.Mutex
	until map[fleet.TenantID]time.Time
}

// In a moment no orchestrator takes as many jobs as are enough: more than twice
// what the fastest store was seen to accept in bulk.
const (
	roomMoment = 100 * time.Millisecond
	roomEnough = 10_000
	roomMost   = 4096 // tenants
)

func (r *rooms) ample(t fleet.TenantID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until[t])
}

func (r *rooms) put(t fleet.TenantID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil || len(r.until) >= roomMost {
		r.until = map[fleet.TenantID]time.Time{}
	}
	r.until[t] = now.Add(roomMoment)
}
