package orchestrator

import "github.com/casarerpa/fleet/internal/store"

// JobFilter and its sisters are the filters of lists, in the words of the use cases, so that a
// transport need not know the store.
type (
	JobFilter   = store.JobFilter
	RobotFilter = store.RobotFilter
	LogQuery    = store.LogQuery
	EventFilter = store.EventFilter
)
