package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// LiveReader reads what streams show of the present. Every method costs one or
// two statements, however many rows it returns.
type LiveReader interface {
	// JobsOf returns jobs as Job does; those that are not there are left out.
	JobsOf(ids []fleet.ID) ([]fleet.Job, error)
	// RobotsOf returns robots of the scope's tenant as Robot does; those that are
	// not there are left out.
	RobotsOf(ids []fleet.RobotID) ([]fleet.Robot, error)
	// SeenSince lists the robots that gave a sign of life at a time or later, by
	// id; the zero time lists all robots.
	SeenSince(t time.Time) ([]fleet.Robot, error)
	// Running lists the live attempts with how far they are.
	Running() ([]Running, error)
}

// Running is how far a live attempt is.
type Running struct {
	Ref
	RobotID     fleet.RobotID
	Environment string // of the job
	Progress    int
	Node        string
}
