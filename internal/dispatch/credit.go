package dispatch

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// credit keeps tenants that had nothing to run from being owed for it: one that
// comes back starts beside the least served of those that wait. It lives in
// memory: after a restart all start side by side.
type credit struct {
	raised  map[fleet.TenantID]time.Duration // what served is raised by
	waiting map[fleet.TenantID]bool          // in the round before
}

// of takes the shares of a round and returns by how much each is raised.
func (c *credit) of(shares []fleet.Share) map[fleet.TenantID]time.Duration {
	if c.raised == nil {
		c.raised, c.waiting = map[fleet.TenantID]time.Duration{}, map[fleet.TenantID]bool{}
	}
	load := func(s fleet.Share) time.Duration { return (s.Served + c.raised[s.Tenant]) / time.Duration(s.Weight) }
	least, some := time.Duration(0), false
	for _, s := range shares {
		if c.waiting[s.Tenant] && (!some || load(s) < least) {
			least, some = load(s), true
		}
	}
	for _, s := range shares {
		if c.waiting[s.Tenant] {
			continue
		}
		if !some { // all are new: they start side by side at the most served of them
			for _, other := range shares {
				least = max(least, load(other))
			}
			some = true
		}
		if owed := (least - load(s)) * time.Duration(s.Weight); owed > 0 {
			c.raised[s.Tenant] += owed
		}
	}
	clear(c.waiting)
	for _, s := range shares {
		c.waiting[s.Tenant] = true
	}
	return c.raised
}
