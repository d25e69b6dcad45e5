package auth

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// LoginRequest is somebody at the door.
type LoginRequest struct {
	Tenant   fleet.TenantID // empty: the default one
	Name     string
	Password Secret
	Kind     fleet.SignInKind
	Known    Secret // of a browser that somebody has signed in with before
	Agent    string // as the program calls itself
	Origin   Origin
}

// Session is what a sign-in hands out, this once.
type Session struct {
	SignIn   fleet.SignIn
	User     fleet.User
	Cookie   Secret // browsers
	Known    Secret // browsers
	Access   Secret // programs
	Refresh  Secret
	Expires  time.Duration // of Access
	KnownFor time.Duration // of Known
}

// maxAgent bounds what is kept of how a program calls itself.
const maxAgent = 200

// badSignIn is the one answer to every sign-in that fails.
func badSignIn() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "credential_invalid", "Name or password is wrong, or the account may not sign in.")
}

// Login checks a name and a password. Whether somebody has the name can be told
// neither from the answer nor from how long it takes.
func (o *People) Login(ctx context.Context, in LoginRequest) (out Session, err error) {
	if in.Tenant == "" {
		in.Tenant = fleet.DefaultTenant
	}
	key := fleet.NameKey(in.Name)
	if key == "" || in.Password.Reveal() == "" {
		return out, fleet.Invalid("username", "username and password are both needed.")
	}
	if _, err := fleet.ParseTenantID(string(in.Tenant)); err != nil || len(key) > 4*fleet.MaxUserName || len(in.Password.Reveal()) > fleet.MaxPassword {
		return out, badSignIn()
	}
	u, subject, err := o.find(ctx, &in, key)
	if err != nil {
		return out, err
	}
	if err := o.attempt(ctx, in.Tenant, subject); err != nil {
		return out, err
	}
	stored := u.Password
	if u.Disabled {
		stored = ""
	}
	ok, weak, err := o.passwords.Check(ctx, stored, in.Password)
	if err != nil {
		return out, err
	}
	if !ok {
		return out, errors.Join(badSignIn(), o.failed(ctx, in, u))
	}
	again := ""
	if weak { // a hash of another cost; this is the one moment when the password is here
		if again, err = o.passwords.Hash(ctx, in.Password); err != nil {
			return out, err
		}
	}
	return o.open(ctx, opening{user: u, tenant: in.Tenant, subject: subject, rehash: again, kind: in.Kind, agent: in.Agent, origin: in.Origin, how: "password"})
}

// find looks for the person and for whose failures count: those of a browser
// that this person has signed in with are its own, so that a stranger who locks
// the name does not lock out its owner. Of a name only a hash is kept: people
// type passwords there. A tenant that does not exist gets no rows of its own.
func (o *People) find(ctx context.Context, in *LoginRequest, key string) (u fleet.User, subject string, err error) {
	subject = "name:" + NewSecret(string(in.Tenant)+"/"+key).Hash()
	err = o.store.View(ctx, store.System("sign-in"), func(r store.Reader) error {
		found, err := r.UserByName(in.Tenant, key)
		if errors.Is(err, fleet.ErrNotFound) {
			if _, err := r.Tenant(in.Tenant); errors.Is(err, fleet.ErrNotFound) {
				in.Tenant = fleet.DefaultTenant
			} else if err != nil {
				return err
			}
			return nil
		}
		if err != nil {
			return err
		}
		u = found
		if !tokenForm(in.Known.Reveal(), fleet.TokenKnown) {
			return nil
		}
		known, err := r.Token(in.Known.Hash())
		if errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		if err == nil && known.Kind == fleet.TokenKnown && known.User == u.ID && known.Tenant == u.Tenant && o.now().Before(known.ExpiresAt) {
			subject = "browser:" + known.Hash
		}
		return err
	})
	return u, subject, err
}

// attempt counts a failure before the password is looked at, and is taken back
// by one that is right: so many at once get no more tries than one after another.
func (o *People) attempt(ctx context.Context, tenant fleet.TenantID, subject string) error {
	now := o.now()
	return o.store.Update(ctx, store.System("sign-in"), func(tx store.Tx) error {
		g, err := tx.LockSignInGuard(tenant, subject, now)
		if err != nil {
			return err
		}
		if g.Locked(now) {
			e := fleet.Errorf(fleet.CodeExhausted, "sign_in_locked", "After several failures nobody can sign in under this name from here for a while.")
			e.RetryAfter = g.LockedUntil.Sub(now)
			return e
		}
		g.Fail(now)
		return tx.PutSignInGuard(g)
	})
}

// failed leaves the audit row of a sign-in that was refused. What was typed as a
// name may be a password, so only names that exist are kept.
func (o *People) failed(ctx context.Context, in LoginRequest, u fleet.User) error {
	return o.store.Update(ctx, store.System("sign-in"), func(tx store.Tx) error {
		return tx.Audit(in.Tenant, signInAudit("user.sign_in", in.Origin, &u, fleet.AuditDenied))
	})
}

func signInAudit(action string, from Origin, u *fleet.User, outcome fleet.AuditOutcome) fleet.AuditDraft {
	name := u.Name
	if u.ID == "" {
		name = "unknown"
	}
	return fleet.AuditDraft{
		Actor:   fleet.Actor{Kind: fleet.ActorUser, ID: string(u.ID), Name: name},
		Address: from.Address, RequestID: from.RequestID, Action: action, Outcome: outcome,
		Object: fleet.AuditObject{Kind: fleet.SubjectUser, ID: string(u.ID), Name: name},
	}
}

// opening is a sign-in that is about to be.
type opening struct {
	user    fleet.User
	tenant  fleet.TenantID
	subject string // of the guard; empty: there is none
	rehash  string
	kind    fleet.SignInKind
	agent   string
	origin  Origin
	how     string
}

// open stores a sign-in, if the person is still as they were a moment ago.
func (o *People) open(ctx context.Context, in opening) (out Session, err error) {
	now := o.now()
	u := in.user
	s := fleet.SignIn{
		ID: o.ids.New(), Tenant: u.Tenant, User: u.ID, Kind: in.kind, CreatedAt: now, SeenAt: now,
		Address: in.origin.Address, Agent: cut(in.agent, maxAgent),
	}
	out = Session{SignIn: s, Expires: o.rules.Access, KnownFor: o.rules.Known}
	var tokens []fleet.Token
	add := func(secret *Secret, kind fleet.TokenKind, signIn fleet.ID, life time.Duration) {
		if err != nil {
			return
		}
		if *secret, err = newToken(o.random, kind); err == nil {
			tokens = append(tokens, fleet.Token{
				Hash: secret.Hash(), Tenant: u.Tenant, User: u.ID, SignIn: signIn, Kind: kind, CreatedAt: now, ExpiresAt: now.Add(life),
			})
		}
	}
	if in.kind == fleet.SignInBrowser {
		out.SignIn.EndsAt = now.Add(o.rules.BrowserLife)
		add(&out.Cookie, fleet.TokenCookie, s.ID, o.rules.BrowserIdle)
		add(&out.Known, fleet.TokenKnown, "", o.rules.Known)
	} else {
		out.SignIn.EndsAt = now.Add(o.rules.TokenLife)
		add(&out.Access, fleet.TokenAccess, s.ID, o.rules.Access)
		add(&out.Refresh, fleet.TokenRefresh, s.ID, o.rules.Refresh)
	}
	if err != nil {
		return Session{}, err
	}
	err = o.store.Update(ctx, store.Tenant(u.Tenant), func(tx store.Tx) error {
		now, err := tx.User(u.ID)
		if errors.Is(err, fleet.ErrNotFound) || err == nil && (now.Disabled || now.Password != u.Password) {
			return badSignIn()
		}
		if err != nil {
			return err
		}
		if in.rehash != "" {
			now.Password = in.rehash
		}
		now.SignedInAt = s.CreatedAt
		out.User = now
		if err := tx.PutUser(now); err != nil {
			return err
		}
		if in.subject != "" {
			if err := tx.PutSignInGuard(fleet.SignInGuard{Tenant: u.Tenant, Subject: in.subject, Since: s.CreatedAt}); err != nil {
				return err
			}
		}
		if err := tx.AddSignIn(out.SignIn, tokens...); err != nil {
			return err
		}
		d := signInAudit("user.sign_in", in.origin, &now, fleet.AuditDone)
		d.After = map[string]any{"how": in.how, "session_id": string(s.ID)}
		return tx.Audit(u.Tenant, d)
	})
	if err != nil {
		return Session{}, err
	}
	return out, nil
}

func cut(text string, n int) string {
	for i := range text {
		if i > n {
			return text[:i]
		}
	}
	return text
}

// badToken is the one answer to every refresh token that does not count.
func badToken() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "credential_expired", "The refresh token does not count, or not any more.").WithFix("Sign in again.")
}

// Refresh gives the next pair of tokens for a refresh token, once. A refresh
// token that comes a second time was copied: then the whole sign-in ends.
func (o *People) Refresh(ctx context.Context, token Secret, from Origin) (out Session, err error) {
	if token.Reveal() == "" {
		return out, fleet.Invalid("refresh_token", "refresh_token is needed.")
	}
	if !tokenForm(token.Reveal(), fleet.TokenRefresh) {
		return out, badToken()
	}
	access, err := newToken(o.random, fleet.TokenAccess)
	if err != nil {
		return out, err
	}
	refresh, err := newToken(o.random, fleet.TokenRefresh)
	if err != nil {
		return out, err
	}
	now := o.now()
	out = Session{Access: access, Refresh: refresh, Expires: o.rules.Access}
	var signed store.Signed
	err = o.store.View(ctx, store.System("sign-in"), func(r store.Reader) error { signed, err = r.Signed(token.Hash()); return err })
	if errors.Is(err, fleet.ErrNotFound) {
		return Session{}, badToken()
	}
	if err != nil {
		return Session{}, err
	}
	refused := false
	err = o.store.Update(ctx, store.Tenant(signed.Token.Tenant), func(tx store.Tx) error {
		refused = false
		s, err := tx.Signed(token.Hash())
		if errors.Is(err, fleet.ErrNotFound) {
			return badToken()
		}
		if err != nil {
			return err
		}
		t, u := s.Token, s.User
		if t.Kind != fleet.TokenRefresh || !now.Before(t.ExpiresAt) || !now.Before(s.SignIn.EndsAt) || u.Disabled {
			return badToken()
		}
		fresh, err := tx.UseToken(t.Hash, now)
		if err != nil {
			return err
		}
		if !fresh {
			refused = true
			if _, err := tx.EndSignIns(u.ID, s.SignIn.ID, ""); err != nil {
				return err
			}
			if err := tx.Revoked(u.Tenant); err != nil {
				return err
			}
			d := signInAudit("user.token_reused", from, &u, fleet.AuditDenied)
			d.Reason = "A refresh token came a second time, so the sign-in ended."
			return tx.Audit(u.Tenant, d)
		}
		if err := tx.EndTokens(u.ID, s.SignIn.ID, fleet.TokenAccess); err != nil {
			return err
		}
		s.SignIn.SeenAt = now
		out.SignIn, out.User = s.SignIn, u
		pair := fleet.Token{Tenant: u.Tenant, User: u.ID, SignIn: s.SignIn.ID, CreatedAt: now}
		for _, more := range []struct {
			secret Secret
			kind   fleet.TokenKind
			life   time.Duration
		}{{access, fleet.TokenAccess, o.rules.Access}, {refresh, fleet.TokenRefresh, o.rules.Refresh}} {
			pair.Hash, pair.Kind, pair.ExpiresAt = more.secret.Hash(), more.kind, earlier(now.Add(more.life), s.SignIn.EndsAt)
			if err := tx.AddToken(pair); err != nil {
				return err
			}
		}
		return tx.SeeSignIn(s, now)
	})
	switch {
	case err != nil:
		return Session{}, err
	case refused:
		o.forget()
		return Session{}, badToken()
	}
	o.clear() // the access token before
	return out, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Logout ends the sign-in by which a request came.
func (o *People) Logout(ctx context.Context, p Principal) error {
	if p.SignInID != "" && p.UserID == "" {
		return o.endKeySignIn(ctx, p)
	}
	if err := p.person(); err != nil {
		return err
	}
	if p.SignInID == "" {
		return fleet.Errorf(fleet.CodeForbidden, "not_signed_in", "A token of an issuer ends by itself; there is no sign-in here to end.")
	}
	err := o.EndSignIn(ctx, p, p.SignInID)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	return err
}

// Ticket makes a ticket that opens one stream as the person who asks.
func (o *People) Ticket(ctx context.Context, p Principal) (ticket Secret, life time.Duration, err error) {
	if err := p.person(); err != nil {
		return ticket, 0, err
	}
	if p.SignInID == "" {
		return ticket, 0, fleet.Errorf(fleet.CodeForbidden, "not_signed_in", "Only a sign-in asks for tickets; a token of an issuer goes into the header.")
	}
	if ticket, err = newToken(o.random, fleet.TokenTicket); err != nil {
		return ticket, 0, err
	}
	now := o.now()
	err = o.store.Update(ctx, store.Tenant(p.home), func(tx store.Tx) error {
		return tx.AddToken(fleet.Token{
			Hash: ticket.Hash(), Tenant: p.home, User: p.UserID, SignIn: p.SignInID, Kind: fleet.TokenTicket, CreatedAt: now, ExpiresAt: now.Add(o.rules.Ticket),
		})
	})
	return ticket, o.rules.Ticket, err
}
