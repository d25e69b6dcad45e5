package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// RollupHead says how far the events of a tenant are counted.
type RollupHead struct {
	Tenant  fleet.TenantID
	Seq     int64     // of the newest event that is counted
	At      time.Time // when that one was written
	Head    int64     // of the newest event
	Sampled time.Time // minute of the newest reading
}

// RollupQuery selects rows of one dimension whose buckets begin in a window.
type RollupQuery struct {
	Span     fleet.RollupSpan
	Dim      fleet.RollupDim
	Key      string // empty: all keys
	From, To time.Time
	Spread   bool // with the histograms
}

// RollupRow is one row.
type RollupRow struct {
	fleet.RollupKey
	fleet.Tally
}

// RollupReader reads what was counted. Its cost is that of the buckets and keys
// asked for, never of the jobs behind them.
type RollupReader interface {
	// RollupHeads lists the tenants that have events which are not counted yet;
	// system scope.
	RollupHeads() ([]RollupHead, error)
	// RollupHead is how far the scope's tenant is counted.
	RollupHead() (RollupHead, error)
	// JobFacts reads what is to be counted of jobs of one tenant; what is gone is
	// left out. Only jobs that have ended come with attempts, events and error.
	JobFacts(ids []fleet.ID) (map[fleet.ID]fleet.JobFacts, error)
	// Rollups lists rows by bucket and key.
	Rollups(q RollupQuery) ([]RollupRow, error)
	// RollupSums adds the rows of each key up, without histograms.
	RollupSums(q RollupQuery) ([]RollupRow, error)
	// RobotHours lists the hours of a robot in a window, with their minutes where
	// these are kept and asked for.
	RobotHours(robot fleet.RobotID, from, to time.Time, minutes bool) ([]fleet.RobotHour, error)
}

// RollupWriter counts.
type RollupWriter interface {
	// AddRollups adds to the rows and moves the head on from one event to another;
	// false, and nothing is added, if the head is not there any more: somebody else
	// was faster.
	AddRollups(from RollupHead, seq int64, at time.Time, rows fleet.Rollup) (bool, error)
	// AddReadings adds what was read in a minute; false if that minute, or a later
	// one, was read already.
	AddReadings(tenant fleet.TenantID, minute time.Time, rows fleet.Rollup) (bool, error)
	// AddRobotMinutes adds a minute to the hour of each robot; a minute that is
	// there stays as it is.
	AddRobotMinutes(tenant fleet.TenantID, at time.Time, robots map[fleet.RobotID]fleet.RobotMinute) error
	// PruneRobotHours takes up to limit hours before a time, and the minutes of up
	// to limit hours before another.
	PruneRobotHours(hours, minutes time.Time, limit int) (int, error)
	// PruneRollups takes up to limit rows of a span that begin before a time.
	PruneRollups(span fleet.RollupSpan, before time.Time, limit int) (int, error)
}
