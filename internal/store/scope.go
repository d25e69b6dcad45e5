package store

import (
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Scope says whose rows a statement may touch. Its zero value touches nothing:
// every method refuses it. There are two makers, and a law test knows who may
// call the second.
type Scope struct {
	tenant fleet.TenantID
	system string
	within string // environments, each between line breaks; empty: all
}

// Tenant is the scope of one customer. Only auth makes it, from a principal.
func Tenant(id fleet.TenantID) Scope { return Scope{tenant: id} }

// System is the scope of a named chore that works for all tenants. Every row
// it reads carries its tenant, and every row it writes names one.
func System(chore string) Scope { return Scope{system: chore} }

// Within narrows a scope to the jobs and robots of some environments; none named
// leaves it as it is. What belongs to no environment is not touched by it: who
// is bound to environments has no right to ask for that.
func (s Scope) Within(environments []string) Scope {
	if len(environments) > 0 {
		s.within = "\n" + strings.Join(environments, "\n") + "\n"
	}
	return s
}

// Sees says whether what lives in an environment may be touched.
func (s Scope) Sees(environment string) bool {
	return s.within == "" || strings.Contains(s.within, "\n"+environment+"\n") && !strings.Contains(environment, "\n")
}

// Bounds is what Within narrowed to, as an argument of a statement; empty: all.
func (s Scope) Bounds() string { return s.within }

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
	return Scope{tenant: t, within: s.within}
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
