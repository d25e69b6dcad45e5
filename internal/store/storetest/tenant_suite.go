package storetest

import (
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// putTenant writes a tenant, be it there or not.
func putTenant(tx store.Tx, t fleet.Tenant) error {
	if err := tx.PutTenant(t); !errors.Is(err, fleet.ErrNotFound) {
		return err
	}
	return tx.AddTenant(t)
}

func tenantTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"add and change": func(f *Fixture) {
			globex := f.Other("globex")
			x := fleet.NewTenant("globex")
			globex.Update(func(tx store.Tx) error { return tx.AddTenant(x) })
			is(f, "a second time", errors.Is(f.Store.Update(f.Context(), globex.Scope, func(tx store.Tx) error { return tx.AddTenant(x) }), fleet.ErrConflict), true)
			x.Name, x.Weight, x.Quotas = "Globex", 200, fleet.TenantQuotas{PendingJobs: 1, RunningJobs: 2, Robots: 3, SubmitRate: 4}
			globex.Update(func(tx store.Tx) error { return tx.PutTenant(x) })
			globex.View(func(r store.Reader) error {
				got, err := r.Tenant("globex")
				is(f, "tenant", got, x)
				f.must(err)
				list, err := r.TenantList()
				is(f, "its own list", fmt.Sprint(list), fmt.Sprint([]fleet.Tenant{x}))
				return err
			})
			f.View(func(r store.Reader) error {
				_, err := r.Tenant("globex")
				is(f, "of another tenant", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
			err := f.Store.Update(f.Context(), globex.Scope, func(tx store.Tx) error { return tx.PutTenant(fleet.NewTenant("nobody")) })
			is(f, "another one", err != nil, true)
			f.System(func(r store.Reader) error {
				list, err := r.TenantList()
				is(f, "all", list[len(list)-1].ID, fleet.TenantID("globex"))
				return err
			})
		},
		"what holds it": func(f *Fixture) {
			holds := func() (mine []fleet.Hold) {
				f.System(func(r store.Reader) error {
					s, err := r.Standing()
					mine = s.Holds
					return err
				})
				return mine
			}
			is(f, "nothing", len(holds()), 0)
			x := fleet.NewTenant(f.Tenant)
			x.Quotas.RunningJobs = 3
			f.Update(func(tx store.Tx) error { return putTenant(tx, x) })
			is(f, "a quota", fmt.Sprint(holds()), fmt.Sprint([]fleet.Hold{{Tenant: f.Tenant, Most: 3}}))
			session := f.Robot("r1", 5)
			f.Running(f.Spec(), "r1", session)
			f.Assign(f.Submit(f.Spec()), "r1", session)
			f.Submit(f.Spec())
			is(f, "with two that hold a slot", fmt.Sprint(holds()), fmt.Sprint([]fleet.Hold{{Tenant: f.Tenant, Most: 3, Running: 2}}))
			x.Quotas.RunningJobs, x.Suspended = 0, true
			f.Update(func(tx store.Tx) error { return tx.PutTenant(x) })
			is(f, "suspended", fmt.Sprint(holds()), fmt.Sprint([]fleet.Hold{{Tenant: f.Tenant, Suspended: true, Running: 2}}))
			x.Suspended = false
			f.Update(func(tx store.Tx) error { return tx.PutTenant(x) })
			is(f, "nothing again", len(holds()), 0)
		},
	}
}
