package orchestrator

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// rooms remembers for a moment which tenants have room for many more jobs, so
// that not every submit counts those that wait. Near the limit nothing is
// remembered, and each one counts.
type rooms struct {
	moments[fleet.TenantID, struct{}]
}

// In a moment no orchestrator takes as many jobs as are enough: more than twice
// what the fastest store was seen to accept in bulk.
const (
	roomMoment = 100 * time.Millisecond
	roomEnough = 10_000
)

func (r *rooms) ample(t fleet.TenantID, now time.Time) bool {
	_, ok := r.get(t, now)
	return ok
}

func (r *rooms) put(t fleet.TenantID, now time.Time) {
	r.moments.put(t, struct{}{}, now.Add(roomMoment))
}
