package app

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/issuer"
	"github.com/casarerpa/fleet/internal/outbound"
)

// signed shows the issuer to auth in auth's own words.
type signed struct{ i *issuer.Issuer }

// Knows implements auth.Verifier.
func (signed) Knows(text string) bool { return issuer.LooksSigned(text) }

// Verify implements auth.Verifier.
func (s signed) Verify(ctx context.Context, token string) (fleet.Identity, error) {
	return s.i.Verify(ctx, token)
}

// openIssuer makes the issuer of the configuration; nil: there is none. It is
// reached by the guarded way to outside, with a breaker before it.
func (a *App) openIssuer(c config.OIDC) (*issuer.Issuer, error) {
	if c.Issuer == "" {
		return nil, nil //nolint:nilnil // an installation without one
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	roles, err := c.Roles()
	if err != nil {
		return nil, err
	}
	tenants, err := c.Tenants()
	if err != nil {
		return nil, err
	}
	policy := outbound.Strict(c.Allow...)
	policy.Loopback = c.LocalIssuer()
	return issuer.New(issuer.Options{
		Name: c.Name, URL: c.Issuer, ClientID: c.ClientID, Secret: c.ClientSecret.Reveal(), Scopes: c.Scopes, Algorithm: c.Algorithm, Audience: c.Audience,
		Claims: issuer.Claims{Name: c.NameClaim, Role: c.RoleClaim, Roles: roles, Tenant: c.TenantClaim, Tenants: tenants, Default: fleet.DefaultTenant},
		Client: outbound.Client(policy, outbound.Options{Breakers: a.breakers}), Now: time.Now,
	}), nil
}
