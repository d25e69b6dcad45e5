package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// ScheduleReader finds schedules and their fires. Missing ones, those that were
// deleted and those of other tenants are fleet.ErrNotFound.
type ScheduleReader interface {
	Schedule(id fleet.ID) (fleet.Schedule, error)
	// SchedulesNamed lists those that bear a name, at most limit.
	SchedulesNamed(name string, limit int) ([]fleet.Schedule, error)
	// Schedules lists those of the scope, the newest first, with how many there are.
	Schedules(f ScheduleFilter, p fleet.Page) (SchedulePage, error)
	CountSchedules(f ScheduleFilter) (int64, error)
	// DueSchedules lists those that are to be looked at, the longest due first,
	// after one of an earlier list.
	DueSchedules(now time.Time, after DueRef, limit int) ([]fleet.Schedule, error)
	// NextSchedule is when the next one is to be looked at; zero: none.
	NextSchedule() (time.Time, error)
	// LiveFires lists for each schedule its jobs that have not ended, the oldest
	// first, at most MaxLiveFires of the newest.
	LiveFires(schedules []fleet.ID) ([][]fleet.ID, error)
	// LastEnds tells for each schedule how the newest of its jobs that have ended
	// did so, the oldest instant first, at most limit of each.
	LastEnds(schedules []fleet.ID, limit int) ([][]fleet.State, error)
	// LiveBackfill counts those of a backfill.
	LiveBackfill(schedule, backfill fleet.ID) (int, error)

	// Fires lists those of a schedule, the newest instant first.
	Fires(f FireFilter, p fleet.Page) (list []fleet.Fire, next string, err error)
	// FiredAt lists the instants of a span, ends included, that have a row of the
	// schedule itself, with what became of them.
	FiredAt(schedule fleet.ID, from, until time.Time) (map[time.Time]fleet.FireOutcome, error)
	// WatchedFires lists those whose limit of time has ended, of all schedules, the
	// earliest first, after one of an earlier list.
	WatchedFires(now time.Time, after WatchRef, limit int) ([]fleet.Fire, error)
	// NextWatch is when the next limit of time ends; zero: none is set.
	NextWatch() (time.Time, error)
	// ScheduleEnds lists ends of jobs of schedules that were not counted yet, by
	// their jobs, after one of an earlier list.
	ScheduleEnds(after fleet.ID, limit int) ([]ScheduleEnd, error)

	// Backfills lists those of a schedule, the newest first.
	Backfills(schedule fleet.ID) ([]fleet.Backfill, error)
	// RunningBackfills lists those of all schedules of the scope that make jobs.
	RunningBackfills() ([]fleet.Backfill, error)

	WorkCalendar(id fleet.ID) (fleet.WorkCalendar, error)
	// WorkCalendars lists those of the scope, by name.
	WorkCalendars() ([]fleet.WorkCalendar, error)
}

// ScheduleWriter changes them.
type ScheduleWriter interface {
	AddSchedule(s fleet.Schedule) error
	// PutSchedule writes one with where its work has got to; fleet.ErrConflict if
	// it has changed since it was read, or its cursor is no longer where it was.
	// What is counted of it stays as it is, but reset has its failures in a row
	// begin anew.
	PutSchedule(s fleet.Schedule, was time.Time, reset bool) error
	// ScheduleToChange is Schedule with a lock.
	ScheduleToChange(id fleet.ID) (fleet.Schedule, error)
	// MoveSchedules moves cursors, each only if neither its schedule nor its cursor
	// has changed since they were read. It says which were moved: who writes the
	// rows of an instant moves the cursor over it in the same transaction.
	MoveSchedules(moves []ScheduleMove) ([]bool, error)
	// RanByHand counts a job that does not come from the cursor.
	RanByHand(tenant fleet.TenantID, schedule, job fleet.ID, now time.Time) error
	// AddFires writes rows; fleet.ErrConflict if one is there already.
	AddFires(list []fleet.Fire) error
	// CountEnds takes ends out of the list of ScheduleEnds and counts them, each
	// once. It returns the schedules whose failures in a row were raised, with how
	// many these are.
	CountEnds(list []ScheduleEnd) (map[fleet.ID]int64, error)
	// WatchFire says which limit of time a fire's job has broken, and when the next
	// one ends; false if the row has changed since it was read.
	WatchFire(f *fleet.Fire, late fleet.FireLate, again time.Time) (bool, error)
	// LookAgain has the enabled schedules that keep a calendar looked at at once.
	LookAgain(calendar fleet.ID, now time.Time) error

	PutBackfill(b fleet.Backfill) error
	// BackfillToChange finds one, and keeps others from changing it.
	BackfillToChange(schedule, id fleet.ID) (fleet.Backfill, error)

	// PutWorkCalendar writes one; fleet.ErrConflict if its name is taken, or if it
	// has changed since it was read. Revision 0 is a new one.
	PutWorkCalendar(c fleet.WorkCalendar) error
	DeleteWorkCalendar(id fleet.ID) error

	// PruneFires takes up to limit fires that are older and whose jobs have ended,
	// and PruneSchedules deleted schedules that have no fires any more.
	PruneFires(before time.Time, limit int) (int, error)
	PruneSchedules(limit int) (int, error)
}

// MaxLiveFires bounds what LiveFires tells of one schedule.
const MaxLiveFires = fleet.MaxOverlap + 1

// ScheduleFilter selects schedules of a list; empty fields select all.
type ScheduleFilter struct {
	Workflow fleet.ID
	Enabled  *bool
	Calendar fleet.ID
}

// SchedulePage is a part of a list.
type SchedulePage struct {
	Schedules []fleet.Schedule
	Next      string
}

// DueRef is a place in the list of what is due.
type DueRef struct {
	At time.Time
	ID fleet.ID
}

// WatchRef is a place in the list of watched fires.
type WatchRef struct {
	At       time.Time // when its limit ends
	Schedule fleet.ID
	FireAt   time.Time
	Source   string
}

// WatchRefOf is the place of a fire.
func WatchRefOf(f *fleet.Fire) WatchRef { return WatchRef{f.WatchAt, f.Schedule, f.At, f.Source} }

// FireFilter selects fires of a schedule.
type FireFilter struct {
	Schedule fleet.ID
	Outcome  fleet.FireOutcome // empty: all
}

// ScheduleMove moves the cursor of a schedule.
type ScheduleMove struct {
	Tenant   fleet.TenantID
	ID       fleet.ID
	Revision int64
	From, To time.Time
	DueAt    time.Time
	Runs     int // jobs that it made
	LastRun  time.Time
	LastJob  fleet.ID
}

// ScheduleEnd is the end of a job of a schedule.
type ScheduleEnd struct {
	Tenant   fleet.TenantID
	Schedule fleet.ID
	Job      fleet.ID
	State    fleet.State
	At       time.Time
}
