package fleet

import "slices"

// Permission is a right that code asks for. Roles are sets of them; nothing
// compares role names.
type Permission string

// The permissions. Each stands once in the table of roles below.
const (
	JobsRead       Permission = "jobs:read"
	JobsRun        Permission = "jobs:run"
	JobsDecide     Permission = "jobs:decide"
	JobsPurge      Permission = "jobs:purge" // delete dead letters
	RobotsRead     Permission = "robots:read"
	RobotsOperate  Permission = "robots:operate" // commands, modes, bulk operations
	RobotsManage   Permission = "robots:manage"  // create, edit, delete; environments
	RobotsEnrol    Permission = "robots:enrol"   // become a robot; enrolment tokens alone have it
	RobotsSelf     Permission = "robots:self"    // look-up, register, status, heartbeat of the key's own robot
	RobotsConnect  Permission = "robots:connect" // the channel of the key's own robot, and its attempts
	WorkflowsRead  Permission = "workflows:read"
	WorkflowsWrite Permission = "workflows:write" // weighs as much as a shell on every robot
	SchedulesRead  Permission = "schedules:read"  // triggers too
	SchedulesRun   Permission = "schedules:run"   // enable, disable, run now
	SchedulesWrite Permission = "schedules:write"
	QueuesRead     Permission = "queues:read"
	QueuesRun      Permission = "queues:run" // items
	QueuesWrite    Permission = "queues:write"
	NumbersRead    Permission = "numbers:read" // metrics and analytics
	EventsRead     Permission = "events:read"
	AlertsRead     Permission = "alerts:read"   // rules, channels, silences, incidents
	AlertsRun      Permission = "alerts:run"    // acknowledge, resolve, silence
	AlertsManage   Permission = "alerts:manage" // rules and channels

	ReservationsManage Permission = "reservations:manage"
	KeysManage         Permission = "keys:manage" // enrolment too
	UsersManage        Permission = "users:manage"
	AssetsRead         Permission = "assets:read"
	AssetsManage       Permission = "assets:manage"
	SecretsManage      Permission = "secrets:manage" // write-only
	SecretsReveal      Permission = "secrets:reveal" // no role has it
	WebhooksManage     Permission = "webhooks:manage"
	AuditRead          Permission = "audit:read"
	AdminStream        Permission = "admin:stream" // the original's /ws/admin
	SystemRead         Permission = "system:read"
	SystemManage       Permission = "system:manage" // leader, brake, settings
	TenantsManage      Permission = "tenants:manage"
)

// InEnvironment says whether a right is about things that each live in one
// environment. A key that is limited to environments has no other rights:
// what belongs to the whole tenant would tell of, or reach into, the rest.
func (p Permission) InEnvironment() bool {
	switch p { //nolint:exhaustive // the rest is of the whole tenant
	case JobsRead, JobsRun, JobsDecide, RobotsRead, RobotsOperate, WorkflowsRead:
		return true
	}
	return false
}

// Role is a named set of permissions.
type Role string

// The roles.
const (
	RoleRobot      Role = "robot"
	RoleViewer     Role = "viewer"
	RoleOperator   Role = "operator"
	RoleDeveloper  Role = "developer"
	RoleAdmin      Role = "admin"
	RoleSuperAdmin Role = "super_admin" // works across tenants
)

// Roles lists the roles that a person or a program can be given, from the least
// to the most.
func Roles() []Role {
	return []Role{RoleViewer, RoleOperator, RoleDeveloper, RoleAdmin, RoleSuperAdmin}
}

// rolePermissions holds viewer ⊂ operator ⊂ admin ⊂ super_admin and viewer ⊂
// developer ⊂ admin; each line adds to those that it includes.
var rolePermissions = func() map[Role][]Permission {
	viewer := []Permission{JobsRead, RobotsRead, WorkflowsRead, SchedulesRead, QueuesRead, NumbersRead, EventsRead, AlertsRead, AssetsRead}
	run := []Permission{JobsRun, SchedulesRun, QueuesRun, AlertsRun}
	operate := []Permission{JobsDecide, RobotsOperate}
	write := []Permission{WorkflowsWrite, SchedulesWrite, QueuesWrite}
	admin := slices.Concat(viewer, run, operate, write, []Permission{
		JobsPurge, RobotsManage, RobotsSelf, ReservationsManage, KeysManage, UsersManage, AssetsManage, SecretsManage,
		WebhooksManage, AlertsManage, AuditRead, AdminStream, SystemRead,
	})
	return map[Role][]Permission{
		RoleRobot:      {RobotsSelf, RobotsConnect},
		RoleViewer:     viewer,
		RoleOperator:   slices.Concat(viewer, run, operate),
		RoleDeveloper:  slices.Concat(viewer, run, write),
		RoleAdmin:      admin,
		RoleSuperAdmin: slices.Concat(admin, []Permission{SystemManage, TenantsManage}),
	}
}()

// Permissions returns what a role may do; an unknown role may do nothing.
func (r Role) Permissions() []Permission { return slices.Clone(rolePermissions[r]) }
