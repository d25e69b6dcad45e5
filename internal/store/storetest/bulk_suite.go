package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func bulkTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"a bulk operation and its robots": func(f *Fixture) {
			want := fleet.Bulk{
				ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.CommandPause, Change: fleet.ModeChange{Mode: fleet.ModePaused, For: time.Hour, Note: "why"},
				Size: 2, MinAvailable: 1, StopPercent: 20, State: fleet.BulkRunning, Wave: 1, Waves: 2, Total: 3, By: "ada", CreatedAt: f.Now,
			}
			var targets []fleet.BulkTarget
			for i, id := range []fleet.RobotID{"r2", "r1", "r3"} {
				targets = append(targets, fleet.BulkTarget{Bulk: want.ID, Position: i, RobotID: id, JobID: fleet.ID("j" + id), Wave: i/2 + 1, State: fleet.TargetPending})
			}
			f.Update(func(tx store.Tx) error { return tx.AddBulk(want, targets) })
			want.Version = 1
			read := func() (b fleet.Bulk) {
				f.View(func(r store.Reader) (err error) { b, err = r.Bulk(want.ID); return err })
				return b
			}
			if d := cmp.Diff(want, read()); d != "" {
				f.Errorf("(-want +got):\n%s", d)
			}
			list := func(wave int) (out []fleet.BulkTarget) {
				f.View(func(r store.Reader) (err error) { out, err = r.BulkTargets(want.ID, wave); return err })
				return out
			}
			if d := cmp.Diff(targets, list(0)); d != "" {
				f.Errorf("(-want +got):\n%s", d)
			}
			is(f, "of the second wave", len(list(2)), 1)
			done := targets[1]
			done.State, done.Reason, done.CommandID, done.MadeID = fleet.TargetDone, "well", "c", "m"
			f.Update(func(tx store.Tx) error { return tx.PutBulkTarget(f.Tenant, done) })
			is(f, "changed", list(1)[1], done)
			next := func(from int) (t fleet.BulkTarget) {
				f.View(func(r store.Reader) (err error) { t, err = r.NextBulkTarget(want.ID, from); return err })
				return t
			}
			is(f, "the next", next(0), targets[0])
			is(f, "none of the first wave", next(1), fleet.BulkTarget{})
			n := 0
			f.Update(func(tx store.Tx) (err error) { n, err = tx.SkipBulkTargets(f.Tenant, want.ID, "no"); return err })
			is(f, "skipped", n, 2)
			is(f, "not skipped", list(1)[1], done)
			is(f, "why", list(2)[0].Reason, "no")

			open := func() (n int) {
				f.System(func(r store.Reader) error {
					list, err := r.OpenBulks()
					n = len(list)
					return err
				})
				return n
			}
			is(f, "open", open(), 1)
			want.State, want.EndedAt = fleet.BulkCompleted, f.Now
			f.Update(func(tx store.Tx) error { return tx.PutBulk(want) })
			is(f, "open after its end", open(), 0)
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutBulk(want) })
			is(f, "read before it changed", errors.Is(err, fleet.ErrConflict), true)
			o := f.Other("globex")
			o.View(func(r store.Reader) error {
				_, err := r.Bulk(want.ID)
				is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
				targets, err := r.BulkTargets(want.ID, 0)
				is(f, "robots of another tenant's", len(targets), 0)
				list, _, lerr := r.Bulks(fleet.Page{})
				is(f, "list of another tenant", len(list), 0)
				return errors.Join(err, lerr)
			})
		},
	}
}
