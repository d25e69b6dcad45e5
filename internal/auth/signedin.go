package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Knows says whether a text has the form of what a sign-in is known by.
func (o *People) Knows(text string) bool {
	for _, kind := range []fleet.TokenKind{fleet.TokenCookie, fleet.TokenAccess, fleet.TokenTicket, fleet.TokenKey} {
		if tokenForm(text, kind) {
			return true
		}
	}
	return false
}

// seenEvery is how often it is written down that a sign-in was used.
const seenEvery = time.Minute

// Principal finds whose sign-in it is. A cookie counts as a cookie only, an
// access token never as one, and a ticket opens one stream.
func (o *People) Principal(ctx context.Context, c Credential) (Principal, error) {
	text := c.Secret.Reveal()
	var kind fleet.TokenKind
	switch {
	case tokenForm(text, fleet.TokenCookie) && c.Way == WayCookie:
		kind = fleet.TokenCookie
	case tokenForm(text, fleet.TokenAccess) && (c.Way == WayHeader || c.Way == WayQuery):
		kind = fleet.TokenAccess
	case tokenForm(text, fleet.TokenTicket) && c.Way == WayTicket:
		return o.useTicket(ctx, c.Secret)
	case tokenForm(text, fleet.TokenKey) && c.Way == WayCookie:
		return o.byKey(ctx, c)
	default:
		return Principal{}, Unauthenticated()
	}
	s, generation, err := o.signed(ctx, c.Secret.Hash())
	if err != nil {
		return Principal{}, err
	}
	now := o.now()
	if s.Token.Kind != kind || !now.Before(s.Token.ExpiresAt) || !now.Before(s.SignIn.EndsAt) || s.User.Disabled {
		return Principal{}, Unauthenticated()
	}
	if now.Sub(s.SignIn.SeenAt) >= seenEvery {
		o.see(ctx, cachedSignIn{signed: s, generation: generation}, now)
	}
	return principalOfSignIn(s, generation), nil
}

func principalOfSignIn(s store.Signed, generation int64) Principal {
	p := principalOfUser(&s.User)
	p.SignInID, p.Generation, p.Until = s.SignIn.ID, generation, s.SignIn.EndsAt
	if s.Token.Kind != fleet.TokenTicket {
		p.Until = earlier(p.Until, s.Token.ExpiresAt)
	}
	return p
}

func principalOfUser(u *fleet.User) Principal {
	p := newPrincipal(u.Name, u.Tenant, u.Role)
	p.UserID, p.home = u.ID, u.Tenant
	return p
}

// signed looks a token up, at most once in a moment unless something was revoked.
func (o *People) signed(ctx context.Context, hash string) (s store.Signed, generation int64, err error) {
	now := o.now()
	generation = o.watch.Generation() // before the look: what changes after it is looked for again
	if c, ok := o.recall(hash, now, generation); ok {
		return c.signed, generation, nil
	}
	err = o.store.View(ctx, store.System("auth"), func(r store.Reader) error { s, err = r.Signed(hash); return err })
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return s, generation, Unauthenticated()
	case err != nil:
		return s, generation, err
	}
	o.remember(hash, cachedSignIn{signed: s, generation: generation}, now)
	return s, generation, nil
}

// recall gives what was looked up a moment ago, if nothing was revoked since.
func (o *People) recall(hash string, now time.Time, generation int64) (cachedSignIn, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := o.cache[hash]
	return c, ok && now.Before(c.until) && c.generation == generation
}

func (o *People) remember(hash string, c cachedSignIn, now time.Time) {
	c.until = now.Add(cacheFor)
	o.mu.Lock()
	if len(o.cache) >= cacheSize {
		clear(o.cache)
	}
	o.cache[hash] = c
	o.mu.Unlock()
}

// see notes that a sign-in is in use, and lets a browser's live on. A database
// that cannot be written at this moment keeps nobody out.
func (o *People) see(ctx context.Context, c cachedSignIn, now time.Time) {
	s := &c.signed
	if s.Token.Kind == fleet.TokenCookie || s.Token.Kind == fleet.TokenKey {
		s.Token.ExpiresAt = earlier(now.Add(o.rules.BrowserIdle), s.SignIn.EndsAt)
	}
	s.SignIn.SeenAt = now
	if err := o.store.Update(ctx, store.Tenant(s.Token.Tenant), func(tx store.Tx) error { return tx.SeeSignIn(*s, now) }); err == nil {
		o.remember(s.Token.Hash, c, now)
	}
}

// useTicket lets a ticket open its one stream.
func (o *People) useTicket(ctx context.Context, ticket Secret) (Principal, error) {
	now, generation := o.now(), o.watch.Generation()
	var s store.Signed
	err := o.store.Update(ctx, store.System("auth"), func(tx store.Tx) (err error) {
		if s, err = tx.Signed(ticket.Hash()); err != nil {
			return err
		}
		if s.Token.Kind != fleet.TokenTicket || !now.Before(s.Token.ExpiresAt) || !now.Before(s.SignIn.EndsAt) || s.User.Disabled {
			return Unauthenticated()
		}
		fresh, err := tx.UseToken(s.Token.Hash, now)
		if err == nil && !fresh {
			return Unauthenticated()
		}
		return err
	})
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return Principal{}, Unauthenticated()
	case err != nil:
		return Principal{}, fmt.Errorf("use a ticket: %w", err)
	}
	p := principalOfSignIn(s, generation)
	p.Ticket = true
	return p, nil
}

// Again looks once more at whoever opened a stream with a ticket, which is used
// up: the sign-in must be there, and the person as they may be now.
func (o *People) Again(ctx context.Context, p Principal) (Principal, error) {
	generation, now := o.watch.Generation(), o.now()
	var s store.Signed
	err := o.store.View(ctx, store.Tenant(p.home), func(r store.Reader) (err error) {
		list, err := r.SignIns(p.UserID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(s fleet.SignIn) bool { return s.ID == p.SignInID && now.Before(s.EndsAt) })
		if i < 0 {
			return Unauthenticated()
		}
		s.SignIn, s.Token.Kind = list[i], fleet.TokenTicket
		s.User, err = r.User(p.UserID)
		return err
	})
	switch {
	case errors.Is(err, fleet.ErrNotFound), err == nil && s.User.Disabled:
		return Principal{}, Unauthenticated()
	case err != nil:
		return Principal{}, err
	}
	again := principalOfSignIn(s, generation)
	again.Ticket, again.Origin = true, p.Origin
	return again, nil
}
