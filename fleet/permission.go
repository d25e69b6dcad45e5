package fleet

// Permission is a right that code asks for. Roles are sets of them; nothing
// compares role names.
type Permission string

// The permissions that exist today.
const (
	JobsRead       Permission = "jobs:read"
	JobsRun        Permission = "jobs:run"
	JobsDecide     Permission = "jobs:decide"
	RobotsRead     Permission = "robots:read"
	RobotsOperate  Permission = "robots:operate"
	RobotsConnect  Permission = "robots:connect" // the channel of the key's own robot
	WorkflowsRead  Permission = "workflows:read"
	WorkflowsWrite Permission = "workflows:write" // weighs as much as a shell on every robot
	EventsRead     Permission = "events:read"
	KeysManage     Permission = "keys:manage"
	SystemRead     Permission = "system:read"
)

// Role is a named set of permissions.
type Role string

// The roles.
const (
	RoleRobot     Role = "robot"
	RoleViewer    Role = "viewer"
	RoleOperator  Role = "operator"
	RoleDeveloper Role = "developer"
	RoleAdmin     Role = "admin"
)

// Permissions returns what a role may do; an unknown role may do nothing.
func (r Role) Permissions() []Permission {
	read := []Permission{JobsRead, RobotsRead, WorkflowsRead, EventsRead}
	switch r {
	case RoleRobot:
		return []Permission{RobotsConnect}
	case RoleViewer:
		return read
	case RoleOperator:
		return append(read, JobsRun, JobsDecide, RobotsOperate)
	case RoleDeveloper:
		return append(read, JobsRun, WorkflowsWrite)
	case RoleAdmin:
		return append(read, JobsRun, JobsDecide, RobotsOperate, WorkflowsWrite, KeysManage, SystemRead)
	}
	return nil
}
