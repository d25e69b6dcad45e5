package auth

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// SignInRules say how long sign-ins last, and what a password costs.
type SignInRules struct {
	BrowserIdle time.Duration // a browser that asks nothing for so long is signed out
	BrowserLife time.Duration // and after this, whatever it does
	Access      time.Duration // an access token
	Refresh     time.Duration // a refresh token
	TokenLife   time.Duration // a chain of refresh tokens
	Ticket      time.Duration // opens a stream
	Setup       time.Duration // makes the first admin
	Known       time.Duration // a browser stays known
	Hashes      int           // passwords that are hashed at a time
	Cost        PasswordCost
}

// DefaultSignInRules are the rules unless the configuration says otherwise.
func DefaultSignInRules() SignInRules {
	const day = 24 * time.Hour
	return SignInRules{
		BrowserIdle: 12 * time.Hour, BrowserLife: 7 * day, Access: time.Hour, Refresh: 7 * day, TokenLife: 30 * day,
		Ticket: 30 * time.Second, Setup: time.Hour, Known: 180 * day, Hashes: 4, Cost: DefaultPasswordCost(),
	}
}

// People are the use cases of those who sign in, and of those who look after
// them. It is a Kind of credential: cookies, access tokens and tickets.
type People struct {
	store     store.Store
	ids       *fleet.IDs
	random    io.Reader
	now       func() time.Time
	rules     SignInRules
	passwords *Passwords

	watch Watch
	keys  *Keys // nil: nobody signs in with one

	mu    sync.Mutex
	cache map[string]cachedSignIn // by hash; only what exists
}

type cachedSignIn struct {
	signed     store.Signed
	until      time.Time
	generation int64
	key        *cached // that it stands for; nil: it is a person's
}

// Watch knows that some credential counts less than before, here or at another
// orchestrator; Keys is it.
type Watch interface {
	Generation() int64
	Forget()
}

// unwatched is for an orchestrator that nobody shares the store with.
type unwatched struct{}

func (unwatched) Generation() int64 { return 0 }
func (unwatched) Forget()           {}

// With has changes of people tell of themselves, and be told of; and browsers sign
// in with keys.
func (o *People) With(k *Keys) *People {
	o.watch, o.keys = k, k
	return o
}

// NewPeople takes its time, chance and ids as arguments.
func NewPeople(s store.Store, ids *fleet.IDs, random io.Reader, now func() time.Time, rules SignInRules) *People {
	return &People{
		store: s, ids: ids, random: random, now: now, rules: rules, passwords: NewPasswords(rules.Cost, rules.Hashes, random),
		watch: unwatched{}, cache: map[string]cachedSignIn{},
	}
}

// UserChange is what is to be different about a person; nil stays as it is.
type UserChange struct {
	Name     *string
	Email    *string
	Role     *fleet.Role
	Disabled *bool
}

// Create makes a person, with a password or, for one whom an issuer vouches for
// later, without.
func (o *People) Create(ctx context.Context, p Principal, u fleet.User, password Secret) (fleet.User, error) {
	if err := p.Require(fleet.UsersManage); err != nil {
		return u, err
	}
	u.ID, u.Tenant, u.CreatedAt = o.ids.New(), p.Tenant, o.now()
	u.UpdatedAt, u.Issuer, u.Subject, u.SignedInAt = u.CreatedAt, "", "", time.Time{}
	if err := u.Validate(); err != nil {
		return u, err
	}
	if err := p.gives(u.Role); err != nil {
		return u, err
	}
	var err error
	if u.Password, err = o.hash(ctx, u.Name, password); err != nil {
		return u, err
	}
	err = o.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		d := p.Audit("user.create", fleet.SubjectUser, string(u.ID))
		d.Object.Name, d.After = u.Name, showUser(&u)
		return o.put(tx, p.Name, fleet.EventUserCreated, u, d)
	})
	return u, err
}

func (o *People) hash(ctx context.Context, name string, password Secret) (string, error) {
	if err := fleet.ValidatePassword(name, password.Reveal()); err != nil {
		return "", err
	}
	return o.passwords.Hash(ctx, password)
}

// put stores a person with the event and the audit row of the change.
func (o *People) put(tx store.Tx, actor string, kind fleet.EventKind, u fleet.User, d fleet.AuditDraft) error {
	write := tx.PutUser
	if kind == fleet.EventUserCreated {
		write = tx.AddUser
	}
	if err := write(u); err != nil {
		return err
	}
	if err := tx.Append(u.Tenant, userEvent(kind, actor, &u)); err != nil {
		return err
	}
	return tx.Audit(u.Tenant, d)
}

func userEvent(kind fleet.EventKind, actor string, u *fleet.User) fleet.EventDraft {
	return fleet.EventDraft{
		Kind: kind, Subject: fleet.SubjectUser, SubjectID: string(u.ID), Actor: actor,
		Data: map[string]any{"name": u.Name, "role": string(u.Role), "disabled": u.Disabled},
	}
}

func showUser(u *fleet.User) map[string]any {
	return map[string]any{"name": u.Name, "email": u.Email, "role": string(u.Role), "disabled": u.Disabled}
}

// List returns people in the order in which they were made.
func (o *People) List(ctx context.Context, p Principal, page fleet.Page) (list []fleet.User, next string, err error) {
	if err := p.Require(fleet.UsersManage); err != nil {
		return nil, "", err
	}
	err = o.store.View(ctx, p.Reach(), func(r store.Reader) error { list, next, err = r.Users(page); return err })
	return list, next, err
}

// Get returns a person.
func (o *People) Get(ctx context.Context, p Principal, id fleet.ID) (u fleet.User, err error) {
	if err := p.Require(fleet.UsersManage); err != nil {
		return u, err
	}
	err = o.store.View(ctx, p.Reach(), func(r store.Reader) error { u, err = r.User(id); return err })
	return u, err
}

// Change changes a person. Who changes one needs all rights that this one has
// and all that the change gives away; the last administrator stays one.
func (o *People) Change(ctx context.Context, p Principal, id fleet.ID, c UserChange) (fleet.User, error) {
	return o.edit(ctx, p, id, func(tx store.Tx, u *fleet.User) (action string, err error) {
		admin := administers(u)
		if c.Name != nil {
			u.Name = *c.Name
		}
		if c.Email != nil {
			u.Email = *c.Email
		}
		if c.Disabled != nil {
			u.Disabled = *c.Disabled
		}
		if c.Role != nil && *c.Role != u.Role {
			if u.Issuer != "" {
				return "", vouched("role", u)
			}
			if u.Role = *c.Role; u.Validate() == nil {
				if err := p.gives(u.Role); err != nil {
					return "", err
				}
			}
		}
		if err := u.Validate(); err != nil {
			return "", err
		}
		if admin && !administers(u) {
			if err := lastAdmin(tx, u); err != nil {
				return "", err
			}
		}
		if u.Disabled {
			if _, err := tx.EndSignIns(u.ID, "", ""); err != nil {
				return "", err
			}
		}
		return "user.update", nil
	})
}

// edit runs one change of a person under the guard of both sides' rights.
func (o *People) edit(ctx context.Context, p Principal, id fleet.ID, change func(store.Tx, *fleet.User) (string, error)) (out fleet.User, err error) {
	target, err := o.Get(ctx, p, id)
	if err != nil {
		return out, err
	}
	p = p.In(target.Tenant)
	err = o.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		if err := p.gives(u.Role); err != nil {
			return err
		}
		before := showUser(&u)
		action, err := change(tx, &u)
		if err != nil {
			return err
		}
		u.UpdatedAt = o.now()
		d := p.Audit(action, fleet.SubjectUser, string(id))
		d.Object.Name, d.Before, d.After = u.Name, before, showUser(&u)
		if action == "user.password" {
			d.Before, d.After = nil, map[string]any{"password": "changed"}
		}
		out = u
		if err := tx.Revoked(u.Tenant); err != nil {
			return err
		}
		return o.put(tx, p.Name, fleet.EventUserUpdated, u, d)
	})
	o.forget()
	return out, err
}

// Delete takes a person with all sign-ins.
func (o *People) Delete(ctx context.Context, p Principal, id fleet.ID) error {
	target, err := o.Get(ctx, p, id)
	if err != nil {
		return err
	}
	p = p.In(target.Tenant)
	err = o.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		if err := p.gives(u.Role); err != nil {
			return err
		}
		if administers(&u) {
			if err := lastAdmin(tx, &u); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(id); err != nil {
			return err
		}
		if err := tx.Revoked(u.Tenant); err != nil {
			return err
		}
		if err := tx.Append(u.Tenant, userEvent(fleet.EventUserDeleted, p.Name, &u)); err != nil {
			return err
		}
		d := p.Audit("user.delete", fleet.SubjectUser, string(id))
		d.Object.Name, d.Before = u.Name, showUser(&u)
		return tx.Audit(u.Tenant, d)
	})
	o.forget()
	return err
}

// SetPassword gives a person another password; every sign-in of theirs ends.
func (o *People) SetPassword(ctx context.Context, p Principal, id fleet.ID, password Secret) error {
	target, err := o.Get(ctx, p, id)
	if err != nil {
		return err
	}
	hash, err := o.hash(ctx, target.Name, password)
	if err != nil {
		return err
	}
	_, err = o.edit(ctx, p, id, func(tx store.Tx, u *fleet.User) (string, error) {
		if u.Issuer != "" {
			return "", vouched("password", u)
		}
		u.Password = hash
		_, err := tx.EndSignIns(u.ID, "", "")
		return "user.password", err
	})
	return err
}

// ChangePassword changes one's own; every other sign-in ends.
func (o *People) ChangePassword(ctx context.Context, p Principal, old, password Secret) error {
	u, err := o.self(ctx, p)
	if err != nil {
		return err
	}
	if u.Issuer != "" {
		return vouched("password", &u)
	}
	subject := "user:" + string(u.ID)
	if err := o.attempt(ctx, u.Tenant, subject); err != nil {
		return err
	}
	ok, _, err := o.passwords.Check(ctx, u.Password, old)
	switch {
	case err != nil:
		return err
	case !ok:
		return fleet.Invalid("current_password", "current_password is not the one that counts now.")
	}
	hash, err := o.hash(ctx, u.Name, password)
	if err != nil {
		return err
	}
	checked := u.Password
	err = o.store.Update(ctx, store.Tenant(u.Tenant), func(tx store.Tx) error {
		u, err := tx.User(u.ID)
		if err != nil {
			return err
		}
		if u.Password != checked {
			return fleet.Errorf(fleet.CodeConflict, "password_changed", "The password was changed by somebody else in the meantime.")
		}
		u.Password, u.UpdatedAt = hash, o.now()
		if _, err := tx.EndSignIns(u.ID, "", p.SignInID); err != nil {
			return err
		}
		if err := tx.Revoked(u.Tenant); err != nil {
			return err
		}
		if err := tx.PutSignInGuard(fleet.SignInGuard{Tenant: u.Tenant, Subject: subject, Since: o.now()}); err != nil {
			return err
		}
		d := p.Audit("user.password", fleet.SubjectUser, string(u.ID))
		d.Object.Name, d.After = u.Name, map[string]any{"password": "changed"}
		return o.put(tx, p.Name, fleet.EventUserUpdated, u, d)
	})
	o.forget()
	return err
}

// SignIns lists one's own sign-ins.
func (o *People) SignIns(ctx context.Context, p Principal) (list []fleet.SignIn, err error) {
	if err := p.person(); err != nil {
		return nil, err
	}
	now := o.now()
	err = o.store.View(ctx, store.Tenant(p.home), func(r store.Reader) error {
		all, err := r.SignIns(p.UserID)
		list = nil
		for _, s := range all {
			if now.Before(s.EndsAt) {
				list = append(list, s)
			}
		}
		return err
	})
	return list, err
}

// EndSignIn ends one of one's own sign-ins.
func (o *People) EndSignIn(ctx context.Context, p Principal, id fleet.ID) error {
	if err := p.person(); err != nil {
		return err
	}
	err := o.store.Update(ctx, store.Tenant(p.home), func(tx store.Tx) error {
		n, err := tx.EndSignIns(p.UserID, id, "")
		if err != nil {
			return err
		}
		if n == 0 {
			return fleet.NotFound("session", string(id))
		}
		if err := tx.Revoked(p.home); err != nil {
			return err
		}
		return tx.Audit(p.home, p.Audit("user.sign_out", fleet.SubjectUser, string(p.UserID)))
	})
	o.forget()
	return err
}

// self is the person who asks.
func (o *People) self(ctx context.Context, p Principal) (u fleet.User, err error) {
	if err := p.person(); err != nil {
		return u, err
	}
	err = o.store.View(ctx, store.Tenant(p.home), func(r store.Reader) error { u, err = r.User(p.UserID); return err })
	if errors.Is(err, fleet.ErrNotFound) {
		err = Unauthenticated()
	}
	return u, err
}

// person refuses programs: they have neither password nor sign-ins.
func (p Principal) person() error {
	switch {
	case p.Tenant == "":
		return Unauthenticated()
	case p.UserID == "":
		return fleet.Errorf(fleet.CodeForbidden, "not_signed_in", "Only a person who signed in can do this; %s is none.", p.Name)
	}
	return nil
}

// gives refuses to hand out, or to touch, what the principal lacks itself.
func (p Principal) gives(role fleet.Role) error {
	for _, perm := range role.Permissions() {
		if err := p.Require(perm); err != nil {
			return err
		}
	}
	return nil
}

func administers(u *fleet.User) bool {
	return !u.Disabled && (u.Role == fleet.RoleAdmin || u.Role == fleet.RoleSuperAdmin)
}

// lastAdmin refuses to lose the only administrator of a tenant.
func lastAdmin(tx store.Tx, u *fleet.User) error {
	n, err := tx.LockAdmins(u.Tenant)
	if err == nil && n <= 1 {
		err = fleet.Errorf(fleet.CodeConflict, "last_admin", "User %s is the last administrator of tenant %s.", u.Name, u.Tenant).
			WithFix("Make somebody else an administrator first.")
	}
	return err
}

func vouched(what string, u *fleet.User) error {
	return fleet.Errorf(fleet.CodeConflict, "vouched_for", "The %s of %s comes from %s.", what, u.Name, u.Issuer).WithFix("Change it there.")
}

// forget makes the next look at every sign-in a true one, and has those ask
// again who hold a connection open.
func (o *People) forget() {
	o.clear()
	o.watch.Forget()
}

func (o *People) clear() {
	o.mu.Lock()
	clear(o.cache)
	o.mu.Unlock()
}

// OwnerPermissions is what somebody may do who answers for a key. Who is gone or
// disabled answers for none.
func (o *People) OwnerPermissions(ctx context.Context, tenant fleet.TenantID, user fleet.ID) ([]fleet.Permission, error) {
	var u fleet.User
	err := o.store.View(ctx, store.Tenant(tenant), func(r store.Reader) (err error) { u, err = r.User(user); return err })
	switch {
	case errors.Is(err, fleet.ErrNotFound), err == nil && u.Disabled:
		return nil, Unauthenticated()
	case err != nil:
		return nil, err
	}
	return u.Role.Permissions(), nil
}
