package auth

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Principal is whoever is asking.
type Principal struct {
	Name        string // for events: "key deploy-bot", "robot bot-1", "local developer"
	Tenant      fleet.TenantID
	Role        fleet.Role
	RobotID     fleet.RobotID    // robot keys
	Environment string           // robot keys: where the robot lives
	KeyID       fleet.ID         // of the key that was sent; empty: none was needed, or a sign-in
	UserID      fleet.ID         // of a person who signed in
	SignInID    fleet.ID         // of the sign-in by which that person asks
	Ticket      bool             // a stream was opened with a ticket, and nothing else may be
	OwnerID     fleet.ID         // of the user who answers for the key that was sent
	Enrolment   *fleet.Enrolment // of a machine that is to become a robot
	// Environments are the only ones whose jobs and robots the principal may see
	// and touch; empty: all. The scope carries them into every statement.
	Environments []string
	Until        time.Time // when the credential ends by itself; zero: never
	// Generation is Keys.Generation when the credential was looked up. Once that
	// has risen, who holds a connection open for the principal asks again.
	Generation  int64
	Origin      Origin
	permissions []fleet.Permission
	home        fleet.TenantID // of a person, whatever tenant they act for
	itself      bool           // nobody asks: it is the orchestrator itself
	chosen      bool           // who works across tenants has named one
}

// Origin is where a request came from. Transports fill it in, for the audit.
type Origin struct {
	Address   string // of the client, as far as it can be believed
	RequestID string
	Reason    string // as the client gives it
}

// Actor names the principal for the audit.
func (p Principal) Actor() fleet.Actor {
	a := fleet.Actor{Kind: fleet.ActorSystem, Name: p.Name}
	switch {
	case p.RobotID != "":
		a.Kind, a.ID = fleet.ActorRobot, string(p.RobotID)
	case p.UserID != "":
		a.Kind, a.ID = fleet.ActorUser, string(p.UserID)
	case p.KeyID != "":
		a.Kind, a.ID = fleet.ActorKey, string(p.KeyID)
	case p.Tenant != "" && !p.itself:
		a.Kind = fleet.ActorUser // the developer at the machine itself
	}
	return a
}

// Audit begins the audit row of an act of the principal. The caller adds what
// changed.
func (p Principal) Audit(action string, kind fleet.SubjectKind, id string) fleet.AuditDraft {
	return fleet.AuditDraft{
		Actor: p.Actor(), Address: p.Origin.Address, RequestID: p.Origin.RequestID, Reason: p.Origin.Reason,
		Action: action, Object: fleet.AuditObject{Kind: kind, ID: id},
	}
}

// Owner is the user who answers for what the principal makes; empty: nobody but
// the tenant does.
func (p Principal) Owner() fleet.ID {
	if p.UserID != "" {
		return p.UserID
	}
	return p.OwnerID
}

// Self is whose things somebody keeps for themselves: a person's, or those of a key
// of nobody.
func (p Principal) Self() string { return cmp.Or(string(p.Owner()), string(p.KeyID), p.Name) }

// newPrincipal gives a principal the permissions of its role.
func newPrincipal(name string, tenant fleet.TenantID, role fleet.Role) Principal {
	return Principal{Name: name, Tenant: tenant, Role: role, permissions: role.Permissions()}
}

// Local is the developer at the machine itself, for programs that listen on
// loopback only.
func Local() Principal {
	return newPrincipal("local developer", fleet.DefaultTenant, fleet.RoleSuperAdmin)
}

// Robot is a robot that runs inside this process.
func Robot(tenant fleet.TenantID, id fleet.RobotID, environment string) Principal {
	p := newPrincipal("robot "+string(id), tenant, fleet.RoleRobot)
	p.RobotID, p.Environment = id, environment
	return p
}

// Schedule is a schedule that starts its jobs: nobody asks.
func Schedule(tenant fleet.TenantID, name string) Principal {
	p := newPrincipal("schedule "+name, tenant, fleet.RoleOperator)
	p.itself = true
	return p
}

// Trigger is a trigger that starts its jobs.
func Trigger(tenant fleet.TenantID, name string) Principal {
	p := newPrincipal("trigger "+name, tenant, fleet.RoleOperator)
	p.itself = true
	return p
}

// Webhook is a webhook that is disabled by what its receiver answers.
func Webhook(tenant fleet.TenantID, name string) Principal {
	p := newPrincipal("webhook "+name, tenant, fleet.RoleViewer)
	p.itself = true
	return p
}

// Channel is a channel of alerts that signs in to send its notices.
func Channel(tenant fleet.TenantID, name string) Principal {
	p := newPrincipal("channel "+name, tenant, fleet.RoleViewer)
	p.itself = true
	return p
}

// Bulk is whoever asked for a bulk operation, while it is carried out: it may do
// with jobs what its operation is for.
func Bulk(tenant fleet.TenantID, by string) Principal {
	p := newPrincipal(by, tenant, fleet.RoleOperator)
	p.itself = true
	return p
}

// Scope is whose rows the principal may touch.
func (p Principal) Scope() store.Scope {
	if p.Tenant == "" {
		return store.Scope{}
	}
	return store.Tenant(p.Tenant).Within(p.Environments)
}

// Reach is whose rows the principal may read in lists: those of its tenant, or
// of all tenants for one who works across them and has named none.
func (p Principal) Reach() store.Scope {
	if p.Everywhere() {
		return store.System("every tenant")
	}
	return p.Scope()
}

// Everywhere says whether the principal works across tenants and has named none.
func (p Principal) Everywhere() bool { return p.May(fleet.TenantsManage) && !p.chosen }

// Covers says whether the principal may act for a tenant.
func (p Principal) Covers(t fleet.TenantID) bool {
	return p.Tenant != "" && (t == p.Tenant || p.May(fleet.TenantsManage))
}

// In is the principal acting for a tenant that it covers; nobody, for another.
func (p Principal) In(t fleet.TenantID) Principal {
	if !p.Covers(t) {
		return Principal{}
	}
	p.Tenant, p.chosen = t, true
	return p
}

// WholeTenant fails for a principal that is bound to environments, where things
// of all of them are asked for at once.
func (p Principal) WholeTenant() error {
	if len(p.Environments) == 0 {
		return nil
	}
	return fleet.Errorf(fleet.CodeForbidden, "environment_bound", "%s is limited to the environments %s, and this is about all of them.",
		p.Name, strings.Join(p.Environments, ", ")).WithFix("Use a key without environments.")
}

// Place is the environment in which the principal makes something that names
// one, or none: whoever is bound to a single one need not say which.
func (p Principal) Place(environment string) (string, error) {
	switch {
	case len(p.Environments) == 0 && environment == "":
		return fleet.DefaultEnvironment, nil
	case len(p.Environments) == 0 || slices.Contains(p.Environments, environment):
		return environment, nil
	case len(p.Environments) == 1 && environment == "":
		return p.Environments[0], nil
	}
	if environment == "" {
		environment = fleet.DefaultEnvironment
	}
	return "", fleet.Errorf(fleet.CodeForbidden, "environment_bound", "%s is limited to the environments %s; %q is none of them.",
		p.Name, strings.Join(p.Environments, ", "), environment).WithFix("Name one of them as environment.")
}

// May says whether the principal has a permission.
func (p Principal) May(perm fleet.Permission) bool { return slices.Contains(p.permissions, perm) }

// Permissions lists what the principal may do.
func (p Principal) Permissions() []fleet.Permission { return slices.Clone(p.permissions) }

// Require fails unless the principal has a permission.
func (p Principal) Require(perm fleet.Permission) error {
	switch {
	case p.Tenant == "":
		return Unauthenticated()
	case !p.May(perm):
		return fleet.Errorf(fleet.CodeForbidden, "forbidden", "%s lacks the permission %s.", p.Name, perm)
	}
	return nil
}

// Itself fails unless the principal may act as a robot: by that robot's own key,
// or as somebody who may act for any.
func (p Principal) Itself(id fleet.RobotID) error {
	if err := p.Require(fleet.RobotsSelf); err != nil {
		return err
	}
	if p.RobotID != "" && p.RobotID != id {
		return fleet.Errorf(fleet.CodeForbidden, "other_robot", "This key is that of robot %s, not of %s.", p.RobotID, id).
			WithFix("Use the key that was made for robot " + string(id) + ".")
	}
	return nil
}

// Unauthenticated is the one answer to every credential that does not count.
func Unauthenticated() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthenticated, "unauthenticated",
		"The request carries no valid key.").WithFix("Send a key as 'Authorization: Bearer KEY' or as 'X-Api-Key: KEY'.")
}

type contextKey struct{}

// With puts the principal into a context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal of a context; the zero one may do nothing.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
