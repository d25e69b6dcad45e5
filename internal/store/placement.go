package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// PlacementReader finds what placement knows beside jobs and robots.
type PlacementReader interface {
	// UsualRobots lists the usual robots of a workflow in the order in which they
	// are tried: the default, then by priority, then by id.
	UsualRobots(workflow fleet.ID) ([]fleet.UsualRobot, error)
	// UsualWorkflows lists the workflows that usually run on a robot. It looks
	// through what the tenant has said of all its workflows.
	UsualWorkflows(robot fleet.RobotID) ([]fleet.UsualRobot, error)
	// NodeOverrides lists where nodes of a workflow run, by node.
	NodeOverrides(workflow fleet.ID) ([]fleet.NodeOverride, error)
	// Ties returns the robots that sticky keys are tied to at a moment; a key
	// that is tied to none is left out.
	Ties(keys []TieKey, now time.Time) (map[TieKey]fleet.RobotID, error)
	Reservation(id fleet.ID) (fleet.Reservation, error)
	// Reservations lists all of the scope, the oldest first.
	Reservations() ([]fleet.Reservation, error)
	// Environments lists those of the scope of which something is set.
	Environments() ([]fleet.Environment, error)
	// Environment is what is set of one, without settings if nothing is.
	Environment(tenant fleet.TenantID, name string) (fleet.Environment, error)
	// Standing is Lanes, Reservations, Environments, Exclusives and what holds
	// tenants back, in one look.
	Standing() (Standing, error)
	// Holders lists the attempts that hold slots with what reservations ask of
	// their jobs. It costs by the slots in use.
	Holders() ([]Holder, error)
	// Shares tells what the tenants that have jobs waiting have had so far.
	Shares(now time.Time) ([]fleet.Share, error)
}

// PlacementWriter changes it. Ties follow from Apply.
type PlacementWriter interface {
	PutUsualRobot(tenant fleet.TenantID, u fleet.UsualRobot) error
	DeleteUsualRobot(workflow fleet.ID, robot fleet.RobotID) error
	PutNodeOverride(tenant fleet.TenantID, o fleet.NodeOverride) error
	DeleteNodeOverride(workflow fleet.ID, node string) error
	PutReservation(r fleet.Reservation) error
	DeleteReservation(id fleet.ID) error
	PutEnvironment(e fleet.Environment) error
}

// TenantReader finds tenants.
type TenantReader interface {
	Tenant(id fleet.TenantID) (fleet.Tenant, error)
	// TenantList lists those of the scope, by id.
	TenantList() ([]fleet.Tenant, error)
}

// TenantWriter changes them. There is no way to take one away: its history stays.
type TenantWriter interface {
	AddTenant(t fleet.Tenant) error
	PutTenant(t fleet.Tenant) error
}

// Standing is what every round of placement begins with.
type Standing struct {
	Lanes        []Lane
	Reservations []fleet.Reservation
	Environments []fleet.Environment
	Exclusives   []Exclusive
	Holds        []fleet.Hold // of the tenants that have one
}

// TieKey names a sticky key of a tenant.
type TieKey struct {
	Tenant fleet.TenantID
	Key    string
}

// Holder is an attempt that holds a slot.
type Holder struct {
	JobID    fleet.ID
	Epoch    int64
	State    fleet.State
	Started  time.Time // zero: offered only
	Tenant   fleet.TenantID
	RobotID  fleet.RobotID
	Workflow fleet.ID
	Priority fleet.Priority
	Labels   map[string]string
}
