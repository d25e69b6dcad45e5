package fleet

import "time"

// CommandKind is what an operator asked of a robot. Modes are done once they
// are stored; a restart, a shutdown and a self-test are carried out by the robot's
// process.
type CommandKind string

// The commands.
const (
	CommandPause       CommandKind = "pause"
	CommandDrain       CommandKind = "drain"
	CommandMaintenance CommandKind = "maintenance"
	CommandResume      CommandKind = "resume"
	CommandStart       CommandKind = "start"
	CommandStop        CommandKind = "stop"
	CommandRestart     CommandKind = "restart"
	CommandShutdown    CommandKind = "shutdown"
	CommandSelfTest    CommandKind = "self_test"
)

// CommandState is how far a command is.
type CommandState string

// The states. The last three are final.
const (
	CommandRequested CommandState = "requested" // stored; the robot has not been told
	CommandDelivered CommandState = "delivered" // told to the robot, or about to be
	CommandDone      CommandState = "done"
	CommandFailed    CommandState = "failed"  // told, and did not end in time or cannot be done
	CommandExpired   CommandState = "expired" // never told
)

// CommandLife is how long a robot's process has for a command.
const CommandLife = 10 * time.Minute

// Command is one wish of an operator. A robot has at most one open command of
// each kind.
type Command struct {
	ID         ID
	Tenant     TenantID
	RobotID    RobotID
	Kind       CommandKind
	State      CommandState
	By         string
	InstanceID string // the start of the robot's process that it is meant for; empty: the next that connects
	Message    string
	CreatedAt  time.Time
	Delivered  time.Time
	EndedAt    time.Time
	ExpiresAt  time.Time
}

// Deliver notes that a process of the robot is being told. A command that was
// delivered is delivered again to every further connection of that process,
// until it ends: the word may have been lost on its way.
func (c *Command) Deliver(instance string, now time.Time) (from CommandState, changed bool) {
	from = c.State
	if from != CommandRequested {
		return from, false
	}
	c.State, c.InstanceID, c.Delivered = CommandDelivered, instance, now
	return from, true
}

// Started ends a command that was meant for another start of the robot's
// process: that process is gone, which is what was asked for, but for a test of it.
func (c *Command) Started(instance string, now time.Time) (from CommandState, changed bool) {
	switch {
	case c.InstanceID == "" || c.InstanceID == instance:
		return c.State, false
	case c.Kind == CommandSelfTest:
		return c.end(CommandFailed, "The robot's process started anew before it had tested itself.", now)
	}
	return c.end(CommandDone, "The robot's process has started anew.", now)
}

// Left ends a shutdown whose robot said goodbye.
func (c *Command) Left(instance string, now time.Time) (from CommandState, changed bool) {
	if c.Kind != CommandShutdown || c.InstanceID != instance {
		return c.State, false
	}
	return c.end(CommandDone, "The robot's process has ended.", now)
}

// Passed ends a self-test that found nothing wrong. Of other commands a robot's
// word that it has begun is not the end.
func (c *Command) Passed(what string, now time.Time) (from CommandState, changed bool) {
	if c.Kind != CommandSelfTest {
		return c.State, false
	}
	return c.end(CommandDone, what, now)
}

// Refuse ends a command that the robot cannot carry out.
func (c *Command) Refuse(why string, now time.Time) (from CommandState, changed bool) {
	return c.end(CommandFailed, why, now)
}

// Expire ends a command whose time is over.
func (c *Command) Expire(now time.Time) (from CommandState, changed bool) {
	switch {
	case now.Before(c.ExpiresAt):
		return c.State, false
	case c.State == CommandRequested:
		return c.end(CommandExpired, "The robot did not connect in time.", now)
	}
	return c.end(CommandFailed, "The robot's process did not do it in time.", now)
}

// Open says whether the command has not ended.
func (c *Command) Open() bool { return c.State == CommandRequested || c.State == CommandDelivered }

func (c *Command) end(to CommandState, message string, now time.Time) (from CommandState, changed bool) {
	from = c.State
	if !c.Open() {
		return from, false
	}
	c.State, c.Message, c.EndedAt = to, message, now
	return from, true
}
