package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// CommandReader finds what operators asked of robots. Its queries cost by what
// they return.
type CommandReader interface {
	Command(id fleet.ID) (fleet.Command, error)
	// Commands lists what was asked of a robot, the newest first.
	Commands(robot fleet.RobotID, p fleet.Page) (list []fleet.Command, next string, err error)
	// OpenCommands lists what a robot still has to do.
	OpenCommands(robot fleet.RobotID) ([]fleet.Command, error)
	// DueCommands lists open ones whose time is over by now, at most limit.
	DueCommands(now time.Time, limit int) ([]fleet.Command, error)
}

// CommandWriter changes them.
type CommandWriter interface {
	// AddCommand stores a new one and wakes whoever holds the robot's connection.
	// False if the robot has an open one of that kind.
	AddCommand(c fleet.Command) (bool, error)
	// MoveCommand writes a command that was changed; false if it was no longer in
	// the state that it was changed from.
	MoveCommand(c fleet.Command, from fleet.CommandState) (bool, error)
}
