package storetest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func vaultTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"secrets": func(f *Fixture) {
			o := f.Other("globex")
			for _, x := range []*Fixture{f, o} {
				x.Update(func(tx store.Tx) error {
					f.must(tx.PutSecret(fleet.Secret{Tenant: x.Tenant, Name: "erp", Description: "of " + string(x.Tenant)}))
					f.must(tx.PutSealed(store.Sealed{Tenant: x.Tenant, Name: "erp", Version: 1, KeyVersion: 1, Text: "all"}))
					return tx.PutSealed(store.Sealed{Tenant: x.Tenant, Name: "erp", Place: fleet.Place{RobotID: "r1"}, Version: 2, KeyVersion: 2, Text: "of r1"})
				})
			}
			f.View(func(r store.Reader) error {
				s, err := r.Secret("erp")
				is(f, "secret", s.Description, "of "+string(f.Tenant))
				f.must(err)
				_, err = r.Secret("crm")
				is(f, "another", errors.Is(err, fleet.ErrNotFound), true)
				list, err := r.Secrets()
				is(f, "list", len(list), 1)
				f.must(err)
				values, err := r.Sealed("erp")
				is(f, "values", fmt.Sprint(values), fmt.Sprint([]store.Sealed{
					{Tenant: f.Tenant, Name: "erp", Version: 1, KeyVersion: 1, Text: "all"},
					{Tenant: f.Tenant, Name: "erp", Place: fleet.Place{RobotID: "r1"}, Version: 2, KeyVersion: 2, Text: "of r1"},
				}))
				return err
			})
			f.System(func(r store.Reader) error {
				old, err := r.SealedBefore(2, 10)
				is(f, "with an older key", len(old), 2)
				return err
			})
			f.Update(func(tx store.Tx) error {
				changed := store.Sealed{Tenant: f.Tenant, Name: "erp", Version: 1, KeyVersion: 2, Text: "anew"}
				ok, err := tx.ReplaceSealed(changed, "something else")
				is(f, "overtaken", ok, false)
				f.must(err)
				ok, err = tx.ReplaceSealed(changed, "all")
				is(f, "rewrapped", ok, true)
				f.must(err)
				f.must(tx.DeleteSealed("erp", fleet.Place{RobotID: "r1"}))
				is(f, "twice", errors.Is(tx.DeleteSealed("erp", fleet.Place{RobotID: "r1"}), fleet.ErrNotFound), true)
				return nil
			})
			f.Update(func(tx store.Tx) error { return tx.DeleteSecret("erp") })
			f.View(func(r store.Reader) error {
				values, err := r.Sealed("erp")
				is(f, "its values are gone", len(values), 0)
				return err
			})
			o.View(func(r store.Reader) error {
				values, err := r.Sealed("erp")
				is(f, "the other's are not", len(values), 2)
				return err
			})
			err := f.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error { return tx.PutSealed(store.Sealed{Tenant: f.Tenant, Name: "erp"}) })
			is(f, "another tenant writes", err != nil, true)
		},
		"assets": func(f *Fixture) {
			a := fleet.Asset{Tenant: f.Tenant, Name: "url", Type: fleet.AssetText, Value: json.RawMessage(`"https://erp"`), Values: []fleet.AssetValue{{Place: fleet.Place{Environment: "lab"}, Value: json.RawMessage(`"https://lab"`)}}}
			f.Update(func(tx store.Tx) error { return tx.PutAsset(a) })
			a.Description = "where the ERP is"
			f.Update(func(tx store.Tx) error { return tx.PutAsset(a) })
			f.View(func(r store.Reader) error {
				got, err := r.Asset("url")
				is(f, "asset", fmt.Sprint(got), fmt.Sprint(a))
				f.must(err)
				list, err := r.Assets()
				is(f, "list", len(list), 1)
				return err
			})
			f.Other("globex").View(func(r store.Reader) error {
				_, err := r.Asset("url")
				is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
			f.Update(func(tx store.Tx) error { return tx.DeleteAsset("url") })
			is(f, "twice", errors.Is(f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteAsset("url") }), fleet.ErrNotFound), true)
		},
	}
}
