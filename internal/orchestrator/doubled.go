package orchestrator

import (
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// How often one robot's second machine is told of, and of how many robots that is
// remembered.
const (
	doubledEvery = time.Hour
	doubledMost  = 10_000
)

// doubled remembers of which robots it was told that two machines use their id.
type doubled struct {
	mu sync.Mutex
	at map[RobotRef]time.Time
}

// first says whether it was not told of a robot within the last hour, and notes
// that it is now.
func (d *doubled) first(tenant fleet.TenantID, id fleet.RobotID, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ref := RobotRef{Tenant: tenant, RobotID: id}
	if at, there := d.at[ref]; there && now.Sub(at) < doubledEvery {
		return false
	}
	if d.at == nil || len(d.at) >= doubledMost {
		d.at = map[RobotRef]time.Time{}
	}
	d.at[ref] = now
	return true
}
