package auth

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// SignInVouched signs in a browser whose person an issuer vouches for.
func (o *People) SignInVouched(ctx context.Context, id fleet.Identity, agent string, from Origin) (Session, error) {
	u, err := o.vouch(ctx, id, from, true)
	if err != nil {
		return Session{}, err
	}
	if u.Disabled {
		return Session{}, errors.Join(badSignIn(), o.failed(ctx, LoginRequest{Tenant: u.Tenant, Origin: from}, u))
	}
	return o.open(ctx, opening{user: u, kind: fleet.SignInBrowser, agent: agent, origin: from, how: "issuer"})
}

// vouch finds the person of an identity, or makes one, and at a sign-in has them
// be as the issuer says. Only issuer and subject say who it is: a name or an
// address that somebody has here gives nothing to somebody who has it there.
func (o *People) vouch(ctx context.Context, id fleet.Identity, from Origin, signsIn bool) (u fleet.User, err error) {
	find := func(r store.Reader) error { u, err = r.UserBySubject(id.Tenant, id.Issuer, id.Subject); return err }
	err = o.store.View(ctx, store.System("sign-in"), find)
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return u, err
	}
	email := id.Email
	if err == nil && (!signsIn || u.Role == id.Role && (email == "" || u.Email == email)) {
		return u, nil
	}
	names := []string{nameOf(id), nameOf(id) + " at " + hostOf(id.Issuer), "person " + id.Subject}
	fresh := fleet.User{ID: o.ids.New(), Tenant: id.Tenant, Email: email, Role: id.Role, Issuer: id.Issuer, Subject: id.Subject}
	for _, name := range names {
		fresh.Name = name
		if fresh.Email != "" && fresh.Validate() != nil {
			fresh.Email = ""
		}
		if fresh.Validate() != nil {
			continue
		}
		if u, err = o.asVouched(ctx, fresh, from); !errors.Is(err, &fleet.Error{Code: fleet.CodeConflict, Reason: "name_taken"}) {
			return u, err
		}
		// The name, or this very person, came in between: the next round finds it.
	}
	return u, err
}

// asVouched stores what an issuer says of a person.
func (o *People) asVouched(ctx context.Context, fresh fleet.User, from Origin) (u fleet.User, err error) {
	now, changed := o.now(), false
	fresh.CreatedAt, fresh.UpdatedAt = now, now
	err = o.store.Update(ctx, store.Tenant(fresh.Tenant), func(tx store.Tx) error {
		changed = false
		u, err = tx.UserBySubject(fresh.Tenant, fresh.Issuer, fresh.Subject)
		switch {
		case errors.Is(err, fleet.ErrNotFound):
			u = fresh
			d := signInAudit("user.create", from, &u, fleet.AuditDone)
			d.After, d.Reason = showUser(&u), "Vouched for by "+u.Issuer+"."
			err := o.put(tx, u.Name, fleet.EventUserCreated, u, d)
			u.Version = 1
			return err
		case err != nil:
			return err
		}
		before := showUser(&u)
		changed = u.Role != fresh.Role
		if u.Role = fresh.Role; fresh.Email != "" {
			u.Email = fresh.Email
		}
		u.UpdatedAt = now
		d := signInAudit("user.update", from, &u, fleet.AuditDone)
		d.Before, d.After, d.Reason = before, showUser(&u), "As "+u.Issuer+" says."
		if changed {
			if err := tx.Revoked(u.Tenant); err != nil {
				return err
			}
		}
		err := o.put(tx, u.Name, fleet.EventUserUpdated, u, d)
		u.Version++
		return err
	})
	if changed {
		o.forget()
	}
	return u, err
}

// nameOf is a name that an account can have.
func nameOf(id fleet.Identity) string {
	name := strings.TrimSpace(id.Name)
	if fleet.ValidateName("name", name, fleet.MaxUserName/2) != nil {
		return "person " + id.Subject
	}
	return name
}

func hostOf(issuer string) string {
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return issuer
}

// Verifier checks tokens of issuers.
type Verifier interface {
	// Knows says from its form whether a text can be such a token.
	Knows(text string) bool
	Verify(ctx context.Context, token string) (fleet.Identity, error)
}

// Vouched is the kind of credential that an issuer of the configuration signs.
type Vouched struct {
	people   *People
	verifier Verifier
}

// NewVouched takes tokens of these issuers.
func NewVouched(people *People, v Verifier) *Vouched { return &Vouched{people, v} }

// Knows implements Kind.
func (v *Vouched) Knows(text string) bool { return v.verifier.Knows(text) }

// Principal implements Kind. Such a token counts in a header alone.
func (v *Vouched) Principal(ctx context.Context, c Credential) (Principal, error) {
	if c.Way != WayHeader {
		return Principal{}, Unauthenticated()
	}
	generation := v.people.watch.Generation()
	id, err := v.verifier.Verify(ctx, c.Secret.Reveal())
	if errors.Is(err, fleet.ErrUnauthenticated) {
		return Principal{}, Unauthenticated()
	}
	if err != nil {
		return Principal{}, err
	}
	from := Origin{}
	if c.Address.IsValid() {
		from.Address = c.Address.String()
	}
	u, err := v.people.vouch(ctx, id, from, false)
	switch {
	case err != nil:
		return Principal{}, err
	case u.Disabled:
		return Principal{}, Unauthenticated()
	}
	u.Role = id.Role // as this token says: an older one must not change what others may
	p := principalOfUser(&u)
	p.Until, p.Generation = id.Expires, generation
	return p, nil
}
