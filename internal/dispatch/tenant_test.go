package dispatch

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

func (w *world) tenant(change func(*fleet.Tenant)) {
	w.Helper()
	t := fleet.NewTenant(fleet.DefaultTenant)
	change(&t)
	_, err := w.core.Tenants.Put(w.Context(), auth.Local(), t)
	w.must(err)
}

// As many jobs of a tenant hold a slot as its quota says, and the next one
// starts when one of them ends. Nothing starts while it is suspended.
func TestTenantQuota(t *testing.T) {
	w := newWorld(t)
	robot := w.robot("a", 9, "default")
	w.tenant(func(x *fleet.Tenant) { x.Quotas.RunningJobs = 2 })
	w.submit()
	w.submit()
	third := w.submit()
	won, _ := w.round()
	if len(won) != 2 {
		t.Fatalf("%d started", len(won))
	}
	w.waits(third, fleet.CodeTenantQuota)
	w.end(robot, won[0])
	w.takes(third, "a")
	held := w.submit()
	w.end(robot, won[1])
	w.tenant(func(x *fleet.Tenant) { x.Suspended = true })
	w.waits(held, fleet.CodeSuspended)
	if got, err := w.core.Jobs.Get(t.Context(), auth.Local(), held.ID); err != nil || got.Job.WaitingOn != fleet.WaitingHold {
		t.Errorf("waits on %s, %v", got.Job.WaitingOn, err)
	}
	w.tenant(func(*fleet.Tenant) {})
	w.takes(held, "a")
}
