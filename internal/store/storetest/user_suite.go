package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// newUser is a person who has not signed in.
func (f *Fixture) newUser(name string) fleet.User {
	return fleet.User{
		ID: f.IDs.New(), Tenant: f.Tenant, Name: name, Email: "a@example.org", Role: fleet.RoleAdmin, Password: "$argon2id$…",
		Version: 1, CreatedAt: f.Now, UpdatedAt: f.Now,
	}
}

// newSignIn is a sign-in with its token.
func (f *Fixture) newSignIn(u fleet.User, hash string) (fleet.SignIn, fleet.Token) {
	s := fleet.SignIn{
		ID: f.IDs.New(), Tenant: u.Tenant, User: u.ID, Kind: fleet.SignInBrowser, CreatedAt: f.Now, SeenAt: f.Now,
		EndsAt: f.Now.Add(time.Hour), Address: "192.0.2.1", Agent: "a browser",
	}
	return s, fleet.Token{
		Hash: hash, Tenant: u.Tenant, User: u.ID, SignIn: s.ID, Kind: fleet.TokenCookie, CreatedAt: f.Now, ExpiresAt: f.Now.Add(time.Minute),
	}
}

// someone stores a person with a sign-in and all that goes with it.
func (f *Fixture) someone(name string) func(tx store.Tx) {
	u := f.newUser(name)
	s, token := f.newSignIn(u, "token of "+name)
	return func(tx store.Tx) {
		f.must(tx.AddUser(u))
		f.must(tx.AddSignIn(s, token))
		f.must(tx.PutSignInGuard(fleet.SignInGuard{Tenant: f.Tenant, Subject: "name:x", Failures: 1, Since: f.Now}))
	}
}

func userTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"people": func(f *Fixture) {
			ada, bob := f.newUser("Ada"), f.newUser("bob")
			bob.Role, bob.Issuer, bob.Subject, bob.Password = fleet.RoleViewer, "https://issuer.test", "b1", ""
			somebody := func() (yes bool) {
				f.System(func(r store.Reader) (err error) { yes, err = r.AnyUser(); return err })
				return yes
			}
			is(f, "somebody", somebody(), false)
			f.Update(func(tx store.Tx) error { return errors.Join(tx.AddUser(ada), tx.AddUser(bob)) })
			is(f, "somebody", somebody(), true)
			same := func(what string, want fleet.User, find func(r store.Reader) (fleet.User, error)) {
				f.Helper()
				for _, view := range []func(func(store.Reader) error){f.View, f.System} {
					view(func(r store.Reader) error {
						got, err := find(r)
						if d := cmp.Diff(want, got); d != "" {
							f.Errorf("%s (-want +got):\n%s", what, d)
						}
						return err
					})
				}
			}
			same("by id", ada, func(r store.Reader) (fleet.User, error) { return r.User(ada.ID) })
			same("by name", ada, func(r store.Reader) (fleet.User, error) { return r.UserByName(f.Tenant, fleet.NameKey(" ADA ")) })
			same("by issuer", bob, func(r store.Reader) (fleet.User, error) {
				return r.UserBySubject(f.Tenant, "https://issuer.test", "b1")
			})
			f.View(func(r store.Reader) error {
				_, err := r.UserBySubject(f.Tenant, "", "")
				is(f, "nobody vouches", errors.Is(err, fleet.ErrNotFound), true)
				list, next, err := r.Users(fleet.Page{Limit: 1})
				is(f, "first page", len(list) == 1 && list[0].ID == ada.ID && next != "", true)
				f.must(err)
				list, next, err = r.Users(fleet.Page{Limit: 1, Cursor: next})
				is(f, "second page", len(list) == 1 && list[0].ID == bob.ID && next == "", true)
				return err
			})
			f.System(func(r store.Reader) error {
				list, _, err := r.Users(fleet.Page{})
				is(f, "all tenants", len(list), 2)
				return err
			})
			twin := f.newUser("ADA")
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.AddUser(twin) })
			is(f, "the name is taken", errors.Is(err, &fleet.Error{Code: fleet.CodeConflict, Reason: "name_taken"}), true)

			admins := func() (n int) {
				f.Update(func(tx store.Tx) (err error) { n, err = tx.LockAdmins(f.Tenant); return err })
				return n
			}
			is(f, "admins", admins(), 1)
			ada.Disabled, ada.SignedInAt = true, f.Now
			f.Update(func(tx store.Tx) error { return tx.PutUser(ada) })
			ada.Version++
			same("changed", ada, func(r store.Reader) (fleet.User, error) { return r.User(ada.ID) })
			is(f, "admins", admins(), 0)

			o := f.Other("globex")
			o.View(func(r store.Reader) error {
				_, err := r.User(ada.ID)
				is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
				_, err = r.UserByName("globex", "ada")
				is(f, "a name of another tenant", errors.Is(err, fleet.ErrNotFound), true)
				list, _, err := r.Users(fleet.Page{})
				is(f, "their people", len(list), 0)
				return err
			})
			err = o.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error { return tx.DeleteUser(ada.ID) })
			is(f, "deleted by another tenant", errors.Is(err, fleet.ErrNotFound), true)
			f.Update(func(tx store.Tx) error { return tx.DeleteUser(ada.ID) })
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteUser(ada.ID) })
			is(f, "deleted twice", errors.Is(err, fleet.ErrNotFound), true)
		},
		"sign-ins": func(f *Fixture) {
			ada := f.newUser("Ada")
			s, token := f.newSignIn(ada, "h1")
			other, second := f.newSignIn(ada, "h2")
			known := fleet.Token{Hash: "h3", Tenant: f.Tenant, User: ada.ID, Kind: fleet.TokenKnown, CreatedAt: f.Now, ExpiresAt: f.Now.Add(time.Hour)}
			f.Update(func(tx store.Tx) error {
				return errors.Join(tx.AddUser(ada), tx.AddSignIn(s, token), tx.AddSignIn(other, second), tx.AddToken(known))
			})
			signed := func(hash string) (got store.Signed, err error) {
				err = f.Store.View(f.Context(), store.System("test"), func(r store.Reader) error { got, err = r.Signed(hash); return err })
				return got, err
			}
			got, err := signed("h1")
			f.must(err)
			if d := cmp.Diff(store.Signed{Token: token, SignIn: s, User: ada}, got); d != "" {
				f.Errorf("(-want +got):\n%s", d)
			}
			_, err = signed("h3")
			is(f, "a token without a sign-in", errors.Is(err, fleet.ErrNotFound), true)
			f.System(func(r store.Reader) error {
				got, err := r.Token("h3")
				is(f, "token", got, known)
				return err
			})
			got.Token.ExpiresAt = f.Now.Add(2 * time.Minute)
			f.Update(func(tx store.Tx) error { return tx.SeeSignIn(got, f.Now.Add(time.Minute)) })
			got, err = signed("h1")
			f.must(err)
			is(f, "seen", got.SignIn.SeenAt, f.Now.Add(time.Minute))
			is(f, "lives on", got.Token.ExpiresAt, f.Now.Add(2*time.Minute))
			for i, want := range []bool{true, false} {
				f.Update(func(tx store.Tx) error {
					ok, err := tx.UseToken("h1", f.Now)
					is(f, []string{"used", "used twice"}[i], ok, want)
					return err
				})
			}
			f.Update(func(tx store.Tx) error { return tx.EndTokens(ada.ID, s.ID, fleet.TokenCookie) })
			_, err = signed("h1")
			is(f, "its token is gone", errors.Is(err, fleet.ErrNotFound), true)
			list := func() (n int) {
				f.View(func(r store.Reader) error {
					list, err := r.SignIns(ada.ID)
					n = len(list)
					return err
				})
				return n
			}
			is(f, "sign-ins", list(), 2)
			o := f.Other("globex")
			o.Update(func(tx store.Tx) error {
				n, err := tx.EndSignIns(ada.ID, "", "")
				is(f, "ended by another tenant", n, 0)
				_, none := tx.Token("h2")
				is(f, "another tenant's token", errors.Is(none, fleet.ErrNotFound), true)
				return err
			})
			f.Update(func(tx store.Tx) error {
				n, err := tx.EndSignIns(ada.ID, "", other.ID)
				is(f, "all but one", n, 1)
				return err
			})
			_, err = signed("h2")
			f.must(err)
			knows := func() bool {
				_, err := f.token("h3")
				return err == nil
			}
			is(f, "a known browser, when others end", knows(), false)
			f.Update(func(tx store.Tx) error { return tx.AddToken(known) })
			f.Update(func(tx store.Tx) error {
				n, err := tx.EndSignIns(ada.ID, other.ID, "")
				is(f, "one", n, 1)
				return err
			})
			is(f, "a known browser, when one ends", knows(), true)
			f.Update(func(tx store.Tx) error { _, err := tx.EndSignIns(ada.ID, "", ""); return err })
			is(f, "a known browser, when all end", knows(), false)
			is(f, "sign-ins", list(), 0)
			f.Update(func(tx store.Tx) error { return tx.AddSignIn(s, token) })
			f.Update(func(tx store.Tx) error { return tx.DeleteUser(ada.ID) })
			is(f, "of a person who is gone", list(), 0)
		},
		"guards": func(f *Fixture) {
			read := func() (g fleet.SignInGuard) {
				f.Update(func(tx store.Tx) (err error) { g, err = tx.LockSignInGuard(f.Tenant, "name:ada", f.Now); return err })
				return g
			}
			want := fleet.SignInGuard{Tenant: f.Tenant, Subject: "name:ada", Since: f.Now}
			is(f, "nobody failed", read(), want)
			want.Fail(f.Now)
			f.Update(func(tx store.Tx) error { return tx.PutSignInGuard(want) })
			is(f, "one failure", read(), want)
			want.LockedUntil = f.Now.Add(time.Minute)
			f.Update(func(tx store.Tx) error { return tx.PutSignInGuard(want) })
			is(f, "locked", read(), want)
			f.Update(func(tx store.Tx) error {
				n, err := tx.PruneRest(f.Now.Add(time.Second), 10)
				is(f, "pruned", n, 1)
				return err
			})
			is(f, "forgotten", read(), fleet.SignInGuard{Tenant: f.Tenant, Subject: "name:ada", Since: f.Now})
		},
	}
}

func (f *Fixture) token(hash string) (t fleet.Token, err error) {
	err = f.Store.View(f.Context(), store.System("test"), func(r store.Reader) error { t, err = r.Token(hash); return err })
	return t, err
}
