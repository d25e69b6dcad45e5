package storetest

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func attentionTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"jobs that are held": func(f *Fixture) {
			s := f.Robot("r1", 4)
			spec := f.Spec()
			spec.Retry.Max = 0
			a := f.Running(spec, "r1", s)
			held, free := f.child(fleet.AllCompleted, fleet.UnmetHold, a.ID), f.Submit(f.Spec())
			f.ends(a, fleet.ReportFailed)
			f.waits(held.ID, fleet.WaitingHold)
			since := f.Job(held.ID).WaitingSince
			list := func(f *Fixture, before time.Time) (out []store.HeldJob) {
				f.View(func(r store.Reader) (err error) { out, err = r.HeldJobs(before, 10); return err })
				return out
			}
			if got := list(f, since.Add(time.Second)); len(got) != 1 || got[0].ID != held.ID || !got[0].Since.Equal(since) || got[0].Workflow != held.Workflow.Name {
				f.Errorf("held: %+v, want %s since %s and not %s", got, held.ID, since, free.ID)
			}
			is(f, "held since just now", len(list(f, since)), 0)
			is(f, "of another tenant", len(list(f.Other("globex"), since.Add(time.Second))), 0)
			f.View(func(r store.Reader) error {
				none, err := r.HeldJobs(since.Add(time.Second), 0)
				is(f, "at most none", len(none), 0)
				return err
			})
		},
		"runs that were missed": func(f *Fixture) {
			s := f.Schedule(nil)
			fire := func(at time.Time, outcome fleet.FireOutcome) fleet.Fire {
				return fleet.Fire{Tenant: f.Tenant, Schedule: s.ID, At: at, Kind: fleet.FireScheduled, DueAt: at, Outcome: outcome, MadeAt: at.Add(time.Hour)}
			}
			old, late := f.Now.Add(-48*time.Hour), f.Now.Add(-3*time.Hour)
			f.Update(func(tx store.Tx) error {
				return tx.AddFires([]fleet.Fire{fire(old, fleet.FireMissed), fire(late, fleet.FireMissed), fire(late.Add(time.Minute), fleet.FireCollapsed)})
			})
			list := func(f *Fixture) (out []store.MissedFire) {
				f.View(func(r store.Reader) (err error) { out, err = r.MissedFires(f.Now.Add(-24*time.Hour), 10); return err })
				return out
			}
			if got := list(f); len(got) != 1 || got[0].Schedule != s.ID || !got[0].At.Equal(late) || !got[0].Found.Equal(late.Add(time.Hour)) {
				f.Errorf("missed: %+v", got)
			}
			is(f, "of another tenant", len(list(f.Other("globex"))), 0)
		},
		"keys that end soon": func(f *Fixture) {
			soon := f.putKey("soon", func(k *fleet.Key) { k.ExpiresAt = f.Now.Add(48 * time.Hour) })
			first := f.putKey("first", nil)
			f.putKey("late", func(k *fleet.Key) { k.ExpiresAt = f.Now.Add(30 * 24 * time.Hour) })
			f.putKey("never", func(k *fleet.Key) { k.ExpiresAt = time.Time{} })
			f.putKey("over", func(k *fleet.Key) { k.ExpiresAt = f.Now })
			f.putKey("revoked", func(k *fleet.Key) { k.RevokedAt = f.Now })
			list := func(f *Fixture, limit int) (out []fleet.ID) {
				f.View(func(r store.Reader) error {
					keys, err := r.ExpiringKeys(f.Now, f.Now.Add(fleet.KeyWarning), limit)
					for _, k := range keys {
						out = append(out, k.ID)
					}
					return err
				})
				return out
			}
			if got := list(f, 10); len(got) != 2 || got[0] != first.ID || got[1] != soon.ID {
				f.Errorf("ending: %v, want %s and %s", got, first.ID, soon.ID)
			}
			is(f, "at most one", len(list(f, 1)), 1)
			is(f, "of another tenant", len(list(f.Other("globex"), 10)), 0)
		},
	}
}
