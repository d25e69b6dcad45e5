package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A browser may sign in with the key of a program or a person. Its cookie stands
// for that key: it may do what the key may, counts from where the key does, and
// ends with it. The sign-in and its cookie are kept as those of people are, with
// the key's id in the place of a user's.

// KeyLogin is a browser that shows a key at the door.
type KeyLogin struct {
	Key    Secret
	Agent  string // as the browser calls itself
	Origin Origin
}

// badKey is the one answer to every key that lets nobody in.
func badKey() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "credential_invalid", "The key is wrong, has ended, or does not count from here.")
}

// publicPart is how much of a key tells it from others, and nothing of its secret.
const publicPart = len(servicePrefix) + 12

// LoginWithKey opens a browser's sign-in that stands for a key. Failures count
// against the key that was meant, as those of people do against their names.
func (o *People) LoginWithKey(ctx context.Context, in KeyLogin) (out Session, p Principal, err error) {
	text := in.Key.Reveal()
	switch {
	case o.keys == nil:
		return out, p, badKey()
	case isRobotKey(text):
		return out, p, fleet.Invalid("key", "This is the key of a robot, and robots do not sign in to pages.").
			WithFix("Use the key of a program or a person, which begins with " + servicePrefix + ". A robot starts with its own: fleet robot run --key-file FILE.")
	case !wellFormed(text): // mistyped, or something else: no look-up
		return out, p, badKey()
	}
	subject := "key:" + NewSecret(text[:publicPart]).Hash()
	if err := o.attempt(ctx, fleet.DefaultTenant, subject); err != nil {
		return out, p, err
	}
	found, err := o.keys.find(ctx, in.Key)
	if errors.Is(err, fleet.ErrUnauthenticated) {
		return out, p, errors.Join(badKey(), o.refusedKey(ctx, in.Origin, nil))
	}
	if err != nil {
		return out, p, err
	}
	from, _ := netip.ParseAddr(in.Origin.Address) // one that is not known is outside of every range
	if now := o.now(); !found.key.Usable(now) || !found.key.Admits(from) {
		return out, p, errors.Join(badKey(), o.refusedKey(ctx, in.Origin, &found.key))
	}
	out, err = o.openForKey(ctx, &found.key, subject, in)
	if err != nil {
		return Session{}, p, err
	}
	o.keys.used(&found.key, o.now(), from)
	return out, principalOf(&found), nil
}

// refusedKey leaves the audit row of a key that let nobody in; nil: there is none
// such, and of what was typed nothing is kept.
func (o *People) refusedKey(ctx context.Context, from Origin, key *fleet.Key) error {
	tenant := fleet.DefaultTenant
	if key != nil {
		tenant = key.Tenant
	}
	return o.store.Update(ctx, store.System("sign-in"), func(tx store.Tx) error {
		return tx.Audit(tenant, keySignIn("key.sign_in", from, key, fleet.AuditDenied))
	})
}

func keySignIn(action string, from Origin, key *fleet.Key, outcome fleet.AuditOutcome) fleet.AuditDraft {
	d := fleet.AuditDraft{
		Actor: fleet.Actor{Kind: fleet.ActorKey, Name: "unknown"}, Address: from.Address, RequestID: from.RequestID, Action: action, Outcome: outcome,
		Object: fleet.AuditObject{Kind: fleet.SubjectKey, Name: "unknown"},
	}
	if key != nil {
		d.Actor.ID, d.Actor.Name = string(key.ID), "key "+key.Name
		d.Object.ID, d.Object.Name = string(key.ID), key.Name
	}
	return d
}

// openForKey stores the sign-in, if the key still counts.
func (o *People) openForKey(ctx context.Context, key *fleet.Key, subject string, in KeyLogin) (out Session, err error) {
	if out.Cookie, err = newToken(o.random, fleet.TokenKey); err != nil {
		return out, err
	}
	now := o.now()
	end := now.Add(o.rules.BrowserLife)
	if !key.ExpiresAt.IsZero() {
		end = earlier(end, key.ExpiresAt)
	}
	out.SignIn = fleet.SignIn{
		ID: o.ids.New(), Tenant: key.Tenant, User: key.ID, Kind: fleet.SignInBrowser, CreatedAt: now, SeenAt: now, EndsAt: end,
		Address: in.Origin.Address, Agent: cut(in.Agent, maxAgent),
	}
	token := fleet.Token{
		Hash: out.Cookie.Hash(), Tenant: key.Tenant, User: key.ID, SignIn: out.SignIn.ID, Kind: fleet.TokenKey, CreatedAt: now,
		ExpiresAt: earlier(now.Add(o.rules.BrowserIdle), end),
	}
	err = o.store.Update(ctx, store.System("sign-in"), func(tx store.Tx) error {
		again, err := tx.Key(key.ID)
		if err != nil {
			return err
		}
		if !again.Usable(now) {
			return badKey()
		}
		if err := tx.PutSignInGuard(fleet.SignInGuard{Tenant: fleet.DefaultTenant, Subject: subject, Since: now}); err != nil {
			return err
		}
		if err := tx.AddSignIn(out.SignIn, token); err != nil {
			return err
		}
		d := keySignIn("key.sign_in", in.Origin, key, fleet.AuditDone)
		d.After = map[string]any{"session_id": string(out.SignIn.ID)}
		return tx.Audit(key.Tenant, d)
	})
	return out, err
}

// byKey finds whose cookie it is that stands for a key.
func (o *People) byKey(ctx context.Context, c Credential) (Principal, error) {
	s, err := o.keyed(ctx, c.Secret.Hash())
	if err != nil {
		return Principal{}, err
	}
	now, key := o.now(), &s.key.key
	if s.signed.Token.Kind != fleet.TokenKey || !now.Before(s.signed.Token.ExpiresAt) || !now.Before(s.signed.SignIn.EndsAt) ||
		!key.Usable(now) || !key.Admits(c.Address) {
		return Principal{}, Unauthenticated()
	}
	if now.Sub(s.signed.SignIn.SeenAt) >= seenEvery {
		o.see(ctx, s, now)
	}
	o.keys.used(key, now, c.Address)
	p := principalOf(s.key)
	p.SignInID, p.Generation, p.home = s.signed.SignIn.ID, s.generation, key.Tenant
	p.Until = earlier(s.signed.SignIn.EndsAt, s.signed.Token.ExpiresAt)
	if !key.ExpiresAt.IsZero() { // it may have been rotated since
		p.Until = earlier(p.Until, key.ExpiresAt)
	}
	return p, nil
}

// keyed looks up a cookie with its key, at most once in a moment unless something
// was revoked.
func (o *People) keyed(ctx context.Context, hash string) (c cachedSignIn, err error) {
	if o.keys == nil {
		return c, Unauthenticated()
	}
	now, generation := o.now(), o.watch.Generation()
	if c, ok := o.recall(hash, now, generation); ok {
		return c, nil
	}
	c = cachedSignIn{generation: generation, key: &cached{generation: generation}}
	s := &c.signed
	err = o.store.View(ctx, store.System("auth"), func(r store.Reader) (err error) { s.Token, err = r.Token(hash); return err })
	if err == nil {
		err = o.store.View(ctx, store.Tenant(s.Token.Tenant), func(r store.Reader) error {
			list, err := r.SignIns(s.Token.User)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list, func(of fleet.SignIn) bool { return of.ID == s.Token.SignIn })
			if i < 0 {
				return Unauthenticated()
			}
			s.SignIn, s.User.ID = list[i], s.Token.User
			c.key.key, err = r.Key(s.Token.User)
			return err
		})
	}
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return c, Unauthenticated()
	case err != nil:
		return c, err
	}
	if key := &c.key.key; key.OwnerID != "" {
		if c.key.owner, err = o.OwnerPermissions(ctx, key.Tenant, key.OwnerID); err != nil {
			return c, err
		}
	}
	o.remember(hash, c, now)
	return c, nil
}

// endKeySignIn ends the sign-in by which a key asks.
func (o *People) endKeySignIn(ctx context.Context, p Principal) error {
	err := o.store.Update(ctx, store.Tenant(p.home), func(tx store.Tx) error {
		n, err := tx.EndSignIns(p.KeyID, p.SignInID, "")
		if err != nil || n == 0 {
			return err
		}
		if err := tx.Revoked(p.home); err != nil {
			return err
		}
		return tx.Audit(p.home, p.Audit("key.sign_out", fleet.SubjectKey, string(p.KeyID)))
	})
	o.forget()
	return err
}
