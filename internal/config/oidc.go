package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// OIDC is an OpenID issuer by which people sign in.
type OIDC struct {
	Issuer       string         `help:"address of the OpenID issuer by which people sign in, as it calls itself; empty: none" placeholder:"URL" env:"ISSUER"`
	Name         string         `help:"its name in the routes: /api/v1/auth/oidc/NAME/start" default:"sso" env:"NAME"`
	ClientID     string         `name:"client-id" help:"what it calls this installation" placeholder:"ID" env:"CLIENT_ID"`
	ClientSecret Secret         `name:"client-secret" help:"what this installation shows it, or file:/path; without it PKCE alone" placeholder:"SECRET" env:"CLIENT_SECRET" secret:""`
	Scopes       []string       `help:"what it is asked for" default:"openid,profile,email" placeholder:"WORD" env:"SCOPES"`
	Algorithm    string         `help:"what it signs with: ${enum}" enum:"RS256,ES256,EdDSA" default:"RS256" env:"ALGORITHM"`
	Audience     string         `help:"audience of tokens that programs bring as Bearer; default: client-id" placeholder:"TEXT" env:"AUDIENCE"`
	RoleClaim    string         `name:"role-claim" help:"claim that gives roles; realm_access.roles is a path" default:"groups" placeholder:"NAME" env:"ROLE_CLAIM"`
	Role         []string       `help:"role for a value of that claim (repeatable); without one nobody may sign in" placeholder:"VALUE=ROLE" env:"ROLE"`
	TenantClaim  string         `name:"tenant-claim" help:"claim that gives the tenant; default: everybody belongs to the tenant default" placeholder:"NAME" env:"TENANT_CLAIM"`
	Tenant       []string       `help:"tenant for a value of that claim (repeatable)" placeholder:"VALUE=TENANT" env:"TENANT"`
	NameClaim    string         `name:"name-claim" help:"claim that gives the name" default:"preferred_username" placeholder:"NAME" env:"NAME_CLAIM"`
	PublicURL    string         `name:"public-url" help:"address of this installation for browsers; default: that of the request" placeholder:"URL" env:"PUBLIC_URL"`
	Allow        []netip.Prefix `help:"network in which the issuer may be although it is private" placeholder:"CIDR" env:"ALLOW"`
}

// oidcName is what a name in the routes may be.
var oidcName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// Validate checks the form; whether the issuer answers is found out by asking.
func (c OIDC) Validate() error {
	if c.Issuer == "" {
		return nil
	}
	if err := checkIssuer("oidc-issuer", c.Issuer); err != nil {
		return err
	}
	if c.PublicURL != "" {
		if err := checkIssuer("oidc-public-url", c.PublicURL); err != nil {
			return err
		}
	}
	switch {
	case c.ClientID == "":
		return fleet.Invalid("oidc-client-id", "oidc-client-id is needed with oidc-issuer.")
	case !oidcName.MatchString(c.Name):
		return fleet.Invalid("oidc-name", "oidc-name must be 1 to 32 small letters, digits and dashes; got %q.", c.Name)
	case c.TenantClaim == "" && len(c.Tenant) > 0:
		return fleet.Invalid("oidc-tenant-claim", "oidc-tenant maps values of a claim; oidc-tenant-claim names none.")
	}
	if _, err := c.Roles(); err != nil {
		return err
	}
	_, err := c.Tenants()
	return err
}

// checkIssuer wants https, or http on this machine.
func checkIssuer(field, text string) error {
	u, err := url.Parse(text)
	host := ""
	if err == nil {
		host = u.Hostname() + ":0"
		if strings.Contains(u.Hostname(), ":") {
			host = "[" + u.Hostname() + "]:0"
		}
	}
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && !(u.Scheme == "http" && Loopback(host))) {
		return fleet.Invalid(field, "%s must be https://HOST, or http:// on this machine, without user and query; got %q.", field, text)
	}
	return nil
}

// LocalIssuer says whether the issuer is at this machine itself.
func (c OIDC) LocalIssuer() bool { return strings.HasPrefix(c.Issuer, "http://") }

// Roles is the mapping of the claim's values.
func (c OIDC) Roles() (map[string]fleet.Role, error) {
	out := map[string]fleet.Role{}
	for _, text := range c.Role {
		value, role, ok := cutLast(text)
		if !ok || len(fleet.Role(role).Permissions()) == 0 || fleet.Role(role) == fleet.RoleRobot {
			return nil, fleet.Invalid("oidc-role", "oidc-role must be VALUE=ROLE, and the role viewer, operator, developer, admin or super_admin; got %q.", text)
		}
		out[value] = fleet.Role(role)
	}
	return out, nil
}

// Tenants is the mapping of the claim's values.
func (c OIDC) Tenants() (map[string]fleet.TenantID, error) {
	out := map[string]fleet.TenantID{}
	for _, text := range c.Tenant {
		value, tenant, ok := cutLast(text)
		id, err := fleet.ParseTenantID(tenant)
		if !ok || err != nil {
			return nil, fleet.Invalid("oidc-tenant", "oidc-tenant must be VALUE=TENANT; got %q.", text)
		}
		out[value] = id
	}
	return out, nil
}

// cutLast cuts at the last =: values of claims may hold some.
func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, '=')
	if i < 1 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}
