package storetest

import (
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// KeepView stores a view; without an owner it is shared.
func (f *Fixture) KeepView(owner, name string) fleet.View {
	f.Helper()
	v := fleet.View{
		ID: f.IDs.New(), Tenant: f.Tenant, Page: "robots", Name: name, Owner: owner, Query: map[string]string{"q": "ü"}, Revision: 1, CreatedAt: f.Now, UpdatedAt: f.Now,
	}
	f.must(v.Validate())
	f.Update(func(tx store.Tx) error { return tx.AddView(v) })
	return v
}

func viewTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"own and shared": func(f *Fixture) {
			shared, own := f.KeepView("", "Nachts"), f.KeepView("ada", "nachts")
			f.KeepView("bob", "Nachts")
			names := func(owner, page string) (out string) {
				f.View(func(r store.Reader) error {
					list, err := r.KeptViews(owner, page)
					for _, v := range list {
						out += v.Name + ":" + v.Owner + " "
					}
					return err
				})
				return out
			}
			is(f, "of ada", names("ada", "robots"), "Nachts: nachts:ada ")
			is(f, "of ada, everywhere", names("ada", ""), "Nachts: nachts:ada ")
			is(f, "of another page", names("ada", "jobs"), "")
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				again := own
				again.ID = f.IDs.New()
				return tx.AddView(again)
			})
			is(f, "a second one", errors.Is(err, fleet.ErrConflict), true)
			f.View(func(r store.Reader) error {
				v, err := r.KeptView(shared.ID)
				is(f, "shared", v.Shared, true)
				is(f, "query", v.Query["q"], "ü")
				return err
			})
			own.Name, own.Owner = "nachts", "" // to be shared under a name that is taken
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutView(own) })
			is(f, "shared under a name that is taken", errors.Is(err, fleet.ErrConflict), true)
			own.Name = "tags"
			f.Update(func(tx store.Tx) error { return tx.PutView(own) })
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutView(own) })
			is(f, "changed twice from one reading", errors.Is(err, fleet.ErrConflict), true)
			is(f, "of bob", names("bob", "robots"), "Nachts: Nachts:bob tags: ")
			f.Other("zeta").Update(func(tx store.Tx) error { return tx.DeleteView(own.ID) })
			f.Update(func(tx store.Tx) error { return tx.DeleteView(shared.ID) })
			is(f, "after one was deleted", names("bob", "robots"), "Nachts:bob tags: ")
		},
	}
}
