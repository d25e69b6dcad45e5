package fleet

import "time"

// Fire is one nominal instant of a schedule, and what became of it.
type Fire struct {
	Tenant   TenantID  `json:"-"`
	Schedule ID        `json:"schedule_id"`
	At       time.Time `json:"fire_at"` // the instant that the rule says, whenever it came
	// Source names what asked for it: nothing for the schedule itself, the job's id
	// for one that somebody started by hand, or the backfill.
	Source  string      `json:"source,omitempty"`
	Kind    FireKind    `json:"kind"`
	DueAt   time.Time   `json:"due_at"` // with jitter, and after a shift
	Outcome FireOutcome `json:"outcome"`
	JobID   ID          `json:"job_id,omitempty"` // of its job; if skipped_overlap, of one that was in the way
	Reason  string      `json:"reason,omitempty"` // a sentence; empty if it simply fired
	Moved   bool        `json:"moved_by_dst,omitempty"`
	MadeAt  time.Time   `json:"made_at"`
	EndedAt time.Time   `json:"ended_at,omitzero"` // of its job
	End     State       `json:"job_status,omitempty"`
	// Late says which limit of time the job has broken.
	Late FireLate `json:"late,omitempty"`

	WatchAt time.Time `json:"-"` // when the next limit of time ends; zero: none
	// After are jobs that its job waits for.
	After []ID `json:"-"`
}

// FireKind says who wanted a fire.
type FireKind string

// The kinds.
const (
	FireScheduled FireKind = "schedule"
	FireManual    FireKind = "manual"
	FireBackfill  FireKind = "backfill"
)

// FireOutcome says what became of an instant.
type FireOutcome string

// The outcomes.
const (
	FireFired           FireOutcome = "fired"            // there is a job
	FireMissed          FireOutcome = "missed"           // nobody was there, and it is not made up for
	FireCollapsed       FireOutcome = "collapsed"        // another instant stands for it
	FireSkippedOverlap  FireOutcome = "skipped_overlap"  // jobs of the schedule had not ended
	FireSkippedCalendar FireOutcome = "skipped_calendar" // a calendar does not allow it
	FireRefused         FireOutcome = "refused"          // the job could not be made
)

// FireOutcomes lists them.
func FireOutcomes() []FireOutcome {
	return []FireOutcome{FireFired, FireMissed, FireCollapsed, FireSkippedOverlap, FireSkippedCalendar, FireRefused}
}

// FireLate is a limit of time that a job of a schedule has broken.
type FireLate string

// The limits.
const (
	LateStart FireLate = "start" // it had not begun in time
	LateEnd   FireLate = "end"   // it had not ended in time
)

// Watch says when the next limit of time of a fire ends that is made now.
func (s *Schedule) Watch(due time.Time) time.Time {
	var at time.Time
	for _, n := range []int{s.StartWithinSeconds, s.EndWithinSeconds} {
		if n > 0 {
			if t := due.Add(time.Duration(n) * time.Second); at.IsZero() || t.Before(at) {
				at = t
			}
		}
	}
	return at
}

// Watched says which limit a fire's job breaks at a moment, and when to look
// again; zero: no more.
func (s *Schedule) Watched(f *Fire, j *Job, now time.Time) (late FireLate, again time.Time) {
	if j.State.Final() {
		return f.Late, time.Time{}
	}
	late = f.Late
	if n := s.StartWithinSeconds; n > 0 && late == "" && j.FirstStartedAt.IsZero() {
		if at := f.DueAt.Add(time.Duration(n) * time.Second); now.Before(at) {
			again = at
		} else {
			late = LateStart
		}
	}
	if n := s.EndWithinSeconds; n > 0 && late != LateEnd {
		at := f.DueAt.Add(time.Duration(n) * time.Second)
		switch {
		case !now.Before(at):
			return LateEnd, time.Time{}
		case again.IsZero() || at.Before(again):
			again = at
		}
	}
	return late, again
}

// Backfill runs instants of a schedule that lie in the past, as its rule and its
// calendars have them now.
type Backfill struct {
	ID          ID            `json:"backfill_id"`
	Tenant      TenantID      `json:"-"`
	Schedule    ID            `json:"schedule_id"`
	From        time.Time     `json:"from"`  // belongs to it
	Until       time.Time     `json:"until"` // does not
	MaxParallel int           `json:"max_parallel"`
	Reverse     bool          `json:"reverse"` // the newest first
	Again       bool          `json:"again"`   // also instants that fired
	State       BackfillState `json:"status"`
	Total       int           `json:"total"` // instants
	Made        int           `json:"made"`  // jobs
	Left        int           `json:"left_out"`
	Running     int           `json:"running"` // jobs that have not ended
	// Cursor is the instant that was looked at last.
	Cursor    time.Time `json:"cursor,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Note      string    `json:"note,omitempty"`
	Reason    string    `json:"reason,omitempty"` // why it ended before its time; empty: somebody ended it, or it is done
}

// BackfillState says how a backfill stands.
type BackfillState string

// The states. A cancelled one makes no more jobs; those that it made go on.
const (
	BackfillRunning   BackfillState = "running"
	BackfillDone      BackfillState = "done"
	BackfillCancelled BackfillState = "cancelled"
)

// The bounds of backfills.
const (
	MaxBackfillRuns     = 10_000
	MaxBackfillParallel = 100
)
