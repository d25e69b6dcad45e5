package issuer

import (
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Claims say what the claims of a token are worth here. Names of claims may be
// paths, such as realm_access.roles.
type Claims struct {
	Name  string // of the person; empty: preferred_username
	Email string // empty: email
	// Role is the claim whose values Roles maps. The greatest counts; without one
	// the person has none.
	Role  string
	Roles map[string]fleet.Role
	// Tenant is the claim whose values Tenants maps; empty: everybody belongs to
	// Default.
	Tenant  string
	Tenants map[string]fleet.TenantID
	Default fleet.TenantID
}

// identity reads a person out of claims that were checked.
func (c *Claims) identity(claims map[string]any) (fleet.Identity, error) {
	id := fleet.Identity{Name: first(claims, c.Name, "preferred_username"), Email: first(claims, c.Email, "email"), Tenant: c.Default}
	for _, value := range values(claims, c.Role) {
		if role, ok := c.Roles[value]; ok && rank(role) > rank(id.Role) {
			id.Role = role
		}
	}
	if id.Role == "" {
		return id, fleet.Errorf(fleet.CodeForbidden, "no_role", "The issuer knows this person, and nothing that it says of them gives a role here.").
			WithFix("Have an administrator map a value of the claim " + c.Role + " to a role.")
	}
	if c.Tenant != "" {
		id.Tenant = ""
		for _, value := range values(claims, c.Tenant) {
			tenant, ok := c.Tenants[value]
			if ok && id.Tenant != "" && id.Tenant != tenant {
				return id, fleet.Errorf(fleet.CodeForbidden, "no_tenant", "The issuer says that this person belongs to several tenants; an account has one.")
			}
			if ok {
				id.Tenant = tenant
			}
		}
	}
	if id.Tenant == "" {
		return id, fleet.Errorf(fleet.CodeForbidden, "no_tenant", "The issuer knows this person, and nothing that it says of them gives a tenant here.").
			WithFix("Have an administrator map a value of the claim " + c.Tenant + " to a tenant.")
	}
	return id, nil
}

func rank(role fleet.Role) int {
	for i, r := range fleet.Roles() {
		if r == role {
			return i + 1
		}
	}
	return 0
}

func first(claims map[string]any, name, usual string) string {
	if name == "" {
		name = usual
	}
	for _, v := range values(claims, name) {
		return v
	}
	return ""
}

// values are the texts of a claim: one, or a list of them. A claim that has the
// whole name goes before a path.
func values(claims map[string]any, name string) (out []string) {
	if name == "" {
		return nil
	}
	at, ok := claims[name]
	if !ok {
		at = claims
		for part := range strings.SplitSeq(name, ".") {
			object, _ := at.(map[string]any)
			at = object[part]
		}
	}
	switch v := at.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
