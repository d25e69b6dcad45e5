package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
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

// What somebody asked for if nothing has changed is not done to what somebody
// else has made of it, whenever that was.
func TestIfMatchHoldsUntilTheCommit(t *testing.T) {
	for name, at := range map[string]func(f *timed, other func()){
		"before it is read":   func(f *timed, other func()) { f.bad.view = other },
		"after it was found":  func(f *timed, other func()) { f.bad.view = func() { f.bad.view = other } },
		"before it is stored": func(f *timed, other func()) { f.bad.update = other },
	} {
		t.Run(name, func(t *testing.T) {
			f := newTimed(t)
			s := f.schedule(nil)
			hit := false
			at(f, func() {
				hit = true
				_, err := f.Schedules.Update(t.Context(), f.admin, string(s.ID), 0, ScheduleChange{Description: new("of the other")})
				f.must(err)
			})
			_, err := f.Schedules.Update(t.Context(), f.admin, string(s.ID), s.Revision, ScheduleChange{Description: new("mine")})
			f.is(err, fleet.CodeConflict, "version_changed")
			got, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
			f.must(err)
			if !hit || got.Description != "of the other" {
				t.Errorf("hit %v, it says %q", hit, got.Description)
			}
		})
	}
}

// jobs fires some instants and lets their jobs begin.
func (f *timed) jobs(s fleet.Schedule, clocks ...string) (out []store.Ref) {
	f.Helper()
	for _, clock := range clocks {
		f.must(f.due(clock))
		out = append(out, f.start(f.get(f.rows(s.ID)[0].JobID).Job))
	}
	return out
}

func (f *timed) counted() {
	f.Helper()
	f.must(f.Schedules.CountEnds(f.Context(), f.admin.Scope()))
}

// Failures that are counted while somebody changes the schedule stay counted.
func TestChangeKeepsTheFailuresInARow(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Overlap = overlap(fleet.OverlapParallel) })
	refs := f.jobs(s, "11:00:00", "12:00:00")
	f.fail(refs[0], fleet.ClassBusiness)
	f.counted()
	f.bad.update = func() {
		f.fail(refs[1], fleet.ClassBusiness)
		f.counted()
	}
	got, err := f.Schedules.Update(t.Context(), f.admin, string(s.ID), 0, ScheduleChange{Description: new("changed")})
	f.must(err)
	if got.Streak != 2 {
		t.Errorf("%d failures in a row are answered", got.Streak)
	}
	v, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
	f.must(err)
	if v.Streak != 2 || v.Failures != 2 {
		t.Errorf("%d failures, %d in a row", v.Failures, v.Streak)
	}
}

// A success that is counted before the schedule is disabled keeps it enabled.
func TestSuccessKeepsItEnabled(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *ScheduleChange) { c.Overlap, c.PauseAfter = overlap(fleet.OverlapParallel), new(1) })
	refs := f.jobs(s, "11:00:00", "12:00:00")
	f.fail(refs[0], fleet.ClassBusiness)
	f.bad.update = func() { // the one that counts the failure
		f.bad.update = func() { // the one that disables
			f.complete(refs[1])
			f.counted()
		}
	}
	f.counted()
	got, err := f.Schedules.Get(t.Context(), f.admin, string(s.ID))
	f.must(err)
	if !got.Enabled || got.Streak != 0 {
		t.Errorf("enabled %v, note %q, %d failures in a row", got.Enabled, got.Note, got.Streak)
	}
	if n := f.audited("schedule.disabled"); n != 0 {
		t.Errorf("audited %d times", n)
	}
}
