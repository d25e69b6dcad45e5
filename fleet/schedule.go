package fleet

import (
	"encoding/json"
	"time"
)

// Schedule starts jobs of a workflow at times. Each of its nominal instants is a
// [Fire], whatever became of it.
type Schedule struct {
	ID          ID       `json:"schedule_id"`
	Tenant      TenantID `json:"tenant_id"`
	Name        string   `json:"schedule_name"`
	Description string   `json:"description,omitempty"`
	WorkflowID  ID       `json:"workflow_id"`
	Version     int      `json:"version"` // of the workflow; 0: whatever is newest when a job is made
	JobTemplate

	Kind            ScheduleKind `json:"kind"`
	Cron            string       `json:"cron_expression,omitempty"`  // of kind cron
	IntervalSeconds int          `json:"interval_seconds,omitempty"` // of kind interval; counted from StartAt, or from when it was made
	RunAt           time.Time    `json:"run_at,omitzero"`            // of kind once
	Timezone        string       `json:"timezone"`                   // IANA name

	Enabled bool      `json:"enabled"`
	Note    string    `json:"note,omitempty"` // why it is disabled
	StartAt time.Time `json:"start_at,omitzero"`
	EndAt   time.Time `json:"end_at,omitzero"`
	MaxRuns int       `json:"max_runs,omitempty"` // fires with a job; 0: any number

	Misfire       Misfire `json:"misfire"`
	Overlap       Overlap `json:"overlap"`
	Calendars     []ID    `json:"calendars,omitempty"` // all of them must allow an instant
	Shift         Shift   `json:"shift,omitempty"`     // what becomes of one that they do not allow
	JitterSeconds int     `json:"jitter_seconds,omitempty"`
	// PauseAfterFailures disables the schedule after so many of its jobs in a row
	// have failed or timed out; 0: never.
	PauseAfterFailures int `json:"pause_after_failures,omitempty"`
	// A job that has not begun, or not ended, so long after its instant is told of.
	// Zero: never.
	StartWithinSeconds int `json:"start_within_seconds,omitempty"`
	EndWithinSeconds   int `json:"end_within_seconds,omitempty"`

	Revision  int64     `json:"revision"` // counts changes that somebody made; the ETag
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
	DeletedAt time.Time `json:"deleted_at,omitzero"`

	ScheduleState `json:"-"`
}

// ScheduleState is what changes while a schedule is at work.
type ScheduleState struct {
	// Cursor is the time up to which everything that was due has its row. It
	// moves forward, in the transaction that writes those rows.
	Cursor time.Time
	// Since is when the schedule was made, enabled, or given another time: instants
	// that are not after it are none of it.
	Since time.Time
	// DueAt is when the schedule is to be looked at again; zero: never by itself.
	DueAt     time.Time
	Runs      int64 // fires with a job
	Successes int64 // of their jobs that have ended
	Failures  int64
	Streak    int64 // failures since the last success
	LastRun   time.Time
	LastJob   ID
}

// JobTemplate is what all jobs of a schedule have in common.
type JobTemplate struct {
	Inputs              json.RawMessage   `json:"inputs,omitempty"`   // an object: the variables
	Priority            *Priority         `json:"priority,omitempty"` // nil: the workflow's, or the tenant's
	Environment         string            `json:"environment,omitempty"`
	Target              RobotID           `json:"target_robot_id,omitempty"`
	Placement           Placement         `json:"placement,omitzero"`
	Labels              map[string]string `json:"labels,omitempty"`
	QueueTimeoutSeconds int               `json:"queue_timeout_seconds,omitempty"`
	RunTimeoutSeconds   int               `json:"run_timeout_seconds,omitempty"`
	// ExecutionMode and Metadata are kept for those who wrote them.
	ExecutionMode string          `json:"execution_mode,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
}

// ScheduleKind says how the instants of a schedule are given.
type ScheduleKind string

// The kinds.
const (
	ScheduleCron     ScheduleKind = "cron"
	ScheduleInterval ScheduleKind = "interval"
	ScheduleOnce     ScheduleKind = "once"
)

// Misfire says what becomes of instants that nobody was there for: those that are
// looked at later than FireGrace.
type Misfire struct {
	Policy        MisfirePolicy `json:"policy"`
	WithinSeconds int           `json:"within_seconds"` // what is later is missed
	Max           int           `json:"max,omitempty"`  // of run_all: the newest so many run
}

// MisfirePolicy is the choice of it.
type MisfirePolicy string

// The policies.
const (
	MisfireSkip MisfirePolicy = "skip"
	MisfireOnce MisfirePolicy = "run_once" // one job for the newest
	MisfireAll  MisfirePolicy = "run_all"
)

// Overlap says what becomes of an instant while jobs of the schedule have not
// ended.
type Overlap struct {
	Policy OverlapPolicy `json:"policy"`
	Max    int           `json:"max,omitempty"` // of queue_all and parallel: jobs that have not ended
}

// OverlapPolicy is the choice of it.
type OverlapPolicy string

// The policies. A queued job is there at once and waits for those before it to
// end, however they end.
const (
	OverlapSkip     OverlapPolicy = "skip"
	OverlapQueueOne OverlapPolicy = "queue_one"
	OverlapQueueAll OverlapPolicy = "queue_all"
	OverlapCancel   OverlapPolicy = "cancel_previous"
	OverlapParallel OverlapPolicy = "parallel"
)

// Shift says what becomes of an instant that a calendar excludes.
type Shift string

// The shifts. Next and previous keep the time on the wall and change the day.
const (
	ShiftSkip     Shift = "skip"
	ShiftNext     Shift = "next"
	ShiftPrevious Shift = "previous"
)

// The bounds of schedules, and their defaults.
const (
	FireGrace           = 60 * time.Second // up to so late is on time
	DefaultCatchUp      = 3600
	MaxCatchUp          = 7 * 24 * 3600
	DefaultCatchUpRuns  = 10
	MaxCatchUpRuns      = 100
	MaxOverlap          = 100
	MaxJitter           = 3600
	MaxScheduleSeconds  = 30 * 24 * 3600 // of the limits of its jobs
	MaxFailuresInRow    = 1000
	MaxScheduleNote     = 500 // characters
	MaxScheduleMetadata = 64 << 10
	MaxScheduleRuns     = 1_000_000_000
	MaxCalendarsOfOne   = 10
)

// NewSchedule is a schedule with the defaults.
func NewSchedule() Schedule {
	return Schedule{
		Kind: ScheduleCron, Enabled: true, Misfire: Misfire{Policy: MisfireOnce, WithinSeconds: DefaultCatchUp}, Overlap: Overlap{Policy: OverlapSkip},
	}
}

// Anchor is where the spans of an interval are counted from.
func (s *Schedule) Anchor() time.Time {
	if !s.StartAt.IsZero() {
		return s.StartAt
	}
	return s.CreatedAt
}

// Jitter is the most by which an instant is put off.
func (s *Schedule) Jitter() time.Duration { return time.Duration(s.JitterSeconds) * time.Second }

// Within is how long after its instant a missed one is still run.
func (m Misfire) Within() time.Duration { return time.Duration(m.WithinSeconds) * time.Second }

// Spent says whether the schedule has made all jobs that it may.
func (s *Schedule) Spent() bool { return s.MaxRuns > 0 && s.Runs >= int64(s.MaxRuns) }

// Normal fills in what follows from the choices made.
func (s *Schedule) Normal() {
	switch {
	case s.Misfire.Policy != MisfireAll:
		s.Misfire.Max = 0
	case s.Misfire.Max == 0:
		s.Misfire.Max = DefaultCatchUpRuns
	}
	switch s.Overlap.Policy {
	case OverlapQueueAll, OverlapParallel:
		if s.Overlap.Max == 0 {
			s.Overlap.Max = MaxOverlap
		}
	case OverlapSkip, OverlapQueueOne, OverlapCancel:
		s.Overlap.Max = 0
	}
	if len(s.Calendars) == 0 {
		s.Shift = ""
	} else if s.Shift == "" {
		s.Shift = ShiftSkip
	}
	switch s.Kind {
	case ScheduleCron:
		s.IntervalSeconds, s.RunAt = 0, time.Time{}
	case ScheduleInterval:
		s.Cron, s.RunAt = "", time.Time{}
	case ScheduleOnce:
		s.Cron, s.IntervalSeconds = "", 0
	}
}

// Validate checks all that can be set, except what internal/calendar reads: the
// expression, the interval and the zone.
func (s *Schedule) Validate() error {
	if err := ValidateName("schedule_name", s.Name, 255); err != nil {
		return err
	}
	if err := s.ValidateNote(); err != nil {
		return err
	}
	if len([]rune(s.Description)) > MaxScheduleNote {
		return Invalid("description", "description may have at most %d characters.", MaxScheduleNote)
	}
	if !s.WorkflowID.Valid() {
		return Invalid("workflow_id", "A schedule needs the id of the workflow that it runs.")
	}
	if err := within([]bound{
		{"version", s.Version, 0, 1 << 30},
		{"max_runs", s.MaxRuns, 0, MaxScheduleRuns},
		{"misfire.within_seconds", s.Misfire.WithinSeconds, 0, MaxCatchUp},
		{"misfire.max", s.Misfire.Max, 0, MaxCatchUpRuns},
		{"overlap.max", s.Overlap.Max, 0, MaxOverlap},
		{"jitter_seconds", s.JitterSeconds, 0, MaxJitter},
		{"pause_after_failures", s.PauseAfterFailures, 0, MaxFailuresInRow},
		{"start_within_seconds", s.StartWithinSeconds, 0, MaxScheduleSeconds},
		{"end_within_seconds", s.EndWithinSeconds, 0, MaxScheduleSeconds},
		{"queue_timeout_seconds", s.QueueTimeoutSeconds, 0, MaxScheduleSeconds},
		{"run_timeout_seconds", s.RunTimeoutSeconds, 0, MaxScheduleSeconds},
	}); err != nil {
		return err
	}
	if err := s.words(); err != nil {
		return err
	}
	switch {
	case s.Kind == ScheduleCron && s.Cron == "":
		return Invalid("cron_expression", "A schedule of kind cron needs cron_expression.").WithFix("Write five fields, such as 0 9 * * 1-5, or give interval_seconds or run_at.")
	case s.Kind == ScheduleOnce && s.RunAt.IsZero():
		return Invalid("run_at", "A schedule of kind once needs run_at.")
	case !s.StartAt.IsZero() && !s.EndAt.IsZero() && !s.StartAt.Before(s.EndAt):
		return Invalid("end_at", "end_at must be after start_at.")
	case len(s.Calendars) > MaxCalendarsOfOne:
		return Invalid("calendars", "A schedule may have at most %d calendars; got %d.", MaxCalendarsOfOne, len(s.Calendars))
	}
	return s.JobTemplate.validate()
}

// ValidateNote checks the note alone: a schedule can be disabled whatever else is
// wrong with it by now.
func (s *Schedule) ValidateNote() error {
	if len([]rune(s.Note)) > MaxScheduleNote {
		return Invalid("note", "note may have at most %d characters.", MaxScheduleNote)
	}
	return nil
}

func (s *Schedule) words() error {
	switch s.Kind {
	case ScheduleCron, ScheduleInterval, ScheduleOnce:
	default:
		return Invalid("kind", "kind must be cron, interval or once; got %q.", clip(string(s.Kind), 40))
	}
	switch s.Misfire.Policy {
	case MisfireSkip, MisfireOnce, MisfireAll:
	default:
		return Invalid("misfire.policy", "misfire.policy must be skip, run_once or run_all; got %q.", clip(string(s.Misfire.Policy), 40))
	}
	switch s.Overlap.Policy {
	case OverlapSkip, OverlapQueueOne, OverlapQueueAll, OverlapCancel, OverlapParallel:
	default:
		return Invalid("overlap.policy", "overlap.policy must be skip, queue_one, queue_all, cancel_previous or parallel; got %q.", clip(string(s.Overlap.Policy), 40))
	}
	switch s.Shift {
	case "", ShiftSkip, ShiftNext, ShiftPrevious:
		return nil
	}
	return Invalid("shift", "shift must be skip, next or previous; got %q.", clip(string(s.Shift), 40))
}

func (t *JobTemplate) validate() error {
	for field, text := range map[string]json.RawMessage{"inputs": t.Inputs, "metadata": t.Metadata} {
		if len(text) == 0 {
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil || object == nil {
			return Invalid(field, "%s must be a JSON object.", field)
		}
		if Nesting(text) > MaxNesting {
			return Invalid(field, "%s may be nested %d deep.", field, MaxNesting)
		}
	}
	if len(t.Metadata) > MaxScheduleMetadata {
		return Invalid("metadata", "metadata may have at most %d bytes; got %d.", MaxScheduleMetadata, len(t.Metadata))
	}
	if len(t.ExecutionMode) > 64 {
		return Invalid("execution_mode", "execution_mode may have at most 64 characters.")
	}
	if t.Priority != nil {
		if err := t.Priority.Validate(); err != nil {
			return err
		}
	}
	if t.Environment != "" {
		if err := ValidateEnvironment(t.Environment); err != nil {
			return err
		}
	}
	return ValidateLabels("labels", t.Labels)
}
