package auth

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// SetupToken makes the secret by which the first administrator is made, as long
// as there is nobody.
func (o *People) SetupToken(ctx context.Context) (token Secret, life time.Duration, err error) {
	if token, err = newToken(o.random, fleet.TokenSetup); err != nil {
		return Secret{}, 0, err
	}
	now, anybody := o.now(), false
	err = o.store.Update(ctx, store.System("set-up"), func(tx store.Tx) error {
		if anybody, err = tx.AnyUser(); err != nil || anybody {
			return err
		}
		return tx.AddToken(fleet.Token{
			Hash: token.Hash(), Tenant: fleet.DefaultTenant, Kind: fleet.TokenSetup, CreatedAt: now, ExpiresAt: now.Add(o.rules.Setup),
		})
	})
	if err != nil || anybody {
		return Secret{}, 0, err
	}
	return token, o.rules.Setup, nil
}

// Setup makes the first administrator, who works across tenants.
func (o *People) Setup(ctx context.Context, token Secret, name, email string, password Secret, from Origin) (u fleet.User, err error) {
	refuse := fleet.Errorf(fleet.CodeUnauthenticated, "setup_token", "The set-up token does not count: it was used, it is older than %s, or somebody can sign in already.", o.rules.Setup).
		WithFix("Start the orchestrator anew: as long as there is nobody, it shows another one.")
	if token.Reveal() == "" {
		return u, fleet.Invalid("token", "token is needed; the orchestrator shows it at its start.")
	}
	if !tokenForm(token.Reveal(), fleet.TokenSetup) {
		return u, refuse
	}
	now := o.now()
	u = fleet.User{
		ID: o.ids.New(), Tenant: fleet.DefaultTenant, Name: name, Email: email, Role: fleet.RoleSuperAdmin, CreatedAt: now, UpdatedAt: now,
	}
	usable := func(r store.Reader) error {
		t, err := r.Token(token.Hash())
		if errors.Is(err, fleet.ErrNotFound) {
			return refuse
		}
		if err == nil && (t.Kind != fleet.TokenSetup || !t.UsedAt.IsZero() || !now.Before(t.ExpiresAt)) {
			return refuse
		}
		return err
	}
	// Looked at before anything costly is done for a stranger.
	if err := o.store.View(ctx, store.System("set-up"), usable); err != nil {
		return u, err
	}
	if err := u.Validate(); err != nil {
		return u, err
	}
	if u.Password, err = o.hash(ctx, u.Name, password); err != nil {
		return u, err
	}
	err = o.store.Update(ctx, store.System("set-up"), func(tx store.Tx) error {
		if err := usable(tx); err != nil {
			return err
		}
		anybody, err := tx.AnyUser()
		if err != nil {
			return err
		}
		used, err := tx.UseToken(token.Hash(), now)
		if err != nil {
			return err
		}
		if anybody || !used {
			return refuse
		}
		return o.put(tx, "first start", fleet.EventUserCreated, u, signInAudit("user.setup", from, &u, fleet.AuditDone))
	})
	return u, err
}
