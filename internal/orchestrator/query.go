package orchestrator

import "github.com/casarerpa/fleet/internal/store"

// JobFilter selects jobs of a list. It and those below are the store's,
// named here so that a transport need not know the store.
type JobFilter = store.JobFilter

// RobotFilter selects robots of a list.
type RobotFilter = store.RobotFilter

// LogQuery selects lines of a job's log.
type LogQuery = store.LogQuery

// EventFilter selects events.
type EventFilter = store.EventFilter

// Sample is what a robot says of an attempt that it holds.
type Sample = store.BeatAttempt
