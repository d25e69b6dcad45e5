package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// What a change would write a row for may have one from an earlier change.
func TestChangeWhileAnInstantHasItsRow(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.JitterSeconds = new(3600) })
	f.now = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	f.row(&s, "11:00")
	_, err := f.Schedules.Update(t.Context(), f.admin, string(s.ID), 0, ScheduleChange{JitterSeconds: new(0)})
	f.must(err)
	f.must(f.due("12:00:00"))
	f.wants(s.ID, "11:00 missed, 12:00 fired")
	if got := f.rows(s.ID)[1].Reason; got != "from before" {
		t.Errorf("the row says %q", got)
	}
}

// A change that is refused says why, and is not tried again and again.
func TestRefusedChangeSaysWhy(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Enabled = new(false) })
	own, err := f.Tenants.Get(t.Context(), f.admin, "default")
	f.must(err)
	own.Suspended = true
	_, err = f.Tenants.Put(t.Context(), f.admin, own)
	f.must(err)
	_, err = f.Schedules.Enable(t.Context(), f.admin, string(s.ID), true, "")
	f.is(err, fleet.CodeConflict, "tenant_suspended")
}
