package store

import "github.com/casarerpa/fleet/fleet"

// Scope says whose rows a statement may touch. Its zero value touches nothing:
// every method refuses it. There are two makers, and a law test knows who may
// call the second.
type Scope struct {
	tenant fleet.TenantID
	system string
}

// Tenant is the scope of one customer. Only auth makes it, from a principal.
func Tenant(id fleet.TenantID) Scope { return Scope{tenant: id} }

// System is the scope of a named chore that works for all tenants. Every row
// it reads carries its tenant, and every row it writes names one.
func System(chore string) Scope { return Scope{system: chore} }

// One returns the tenant of a scope that has exactly one.
func (s Scope) One() (fleet.TenantID, bool) { return s.tenant, s.tenant != "" }

// Covers says whether rows of a tenant may be touched.
func (s Scope) Covers(t fleet.TenantID) bool {
	return t != "" && (s.system != "" || s.tenant == t)
}

// In narrows a scope to one of the tenants that it covers; it touches nothing if
// it does not cover that one.
func (s Scope) In(t fleet.TenantID) Scope {
	if !s.Covers(t) {
		return Scope{}
	}
	return Scope{tenant: t}
}

// Valid is an error for the zero Scope.
func (s Scope) Valid() error {
	if s.tenant == "" && s.system == "" {
		return fleet.Errorf(fleet.CodeInternal, "no_scope", "a store method was called without a scope")
	}
	return nil
}

// Filter is the scope as SQL arguments: everything, or one tenant.
func (s Scope) Filter() (all bool, tenant string) { return s.system != "", string(s.tenant) }
