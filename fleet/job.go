package fleet

import (
	"encoding/json"
	"time"
)

// Job is one requested execution of a workflow version. The struct is the
// narrow row that decisions need; inputs, result and error text are [JobData].
type Job struct {
	ID       ID          `json:"job_id"`
	Tenant   TenantID    `json:"tenant_id"`
	Seq      int64       `json:"seq"` // submission number in the tenant
	Name     string      `json:"name,omitempty"`
	Workflow JobWorkflow `json:"workflow"`

	State        State       `json:"status"`
	WaitingOn    WaitingOn   `json:"waiting_on,omitempty"`
	WaitingCode  WaitingCode `json:"waiting_code,omitempty"`
	WaitingSince time.Time   `json:"waiting_since,omitzero"`

	Epoch        int64 `json:"epoch"`   // number of the newest attempt; 0 before the first; a restore lifts it
	EpochSkipped int64 `json:"-"`       // numbers that a restore left out
	Version      int64 `json:"version"` // counts the job's events; the ETag

	RobotID     RobotID      `json:"robot_id,omitempty"` // of the newest attempt
	Target      RobotID      `json:"target_robot_id,omitempty"`
	Priority    Priority     `json:"priority"`
	Environment string       `json:"environment"`
	Requires    Capabilities `json:"requires"`
	// What else placement must or may look at; target, environment and
	// capabilities stand above.
	Placement Placement         `json:"placement,omitzero"`
	Labels    map[string]string `json:"labels,omitempty"`

	// What it comes after, and the whole of which it is a part.
	Rule       DependencyRule `json:"dependency_rule,omitempty"`
	OnUnmet    OnUnmet        `json:"on_unmet,omitempty"`
	DepsOpen   int            `json:"dependencies_open,omitempty"` // parents whose end it still needs
	Children   int            `json:"dependents,omitempty"`        // jobs that wait or waited for it
	FillInputs bool           `json:"-"`                           // its variables take values from parents
	WaitLimit  Duration       `json:"-"`                           // of each stay among the waiting ones
	Parent     ID             `json:"parent_job_id,omitempty"`     // it is a segment of that job
	Segment    int            `json:"segment,omitempty"`           // its number in it, from 1
	Segments   int            `json:"segments,omitempty"`          // how many it is cut into; 0: it runs by itself

	CreatedAt      time.Time `json:"created_at"`
	AvailableAt    time.Time `json:"available_at"`        // orders; moved by delay and back-off
	NotBefore      time.Time `json:"not_before,omitzero"` // guards; also set when a lost job comes back
	Deadline       time.Time `json:"deadline,omitzero"`
	ExpiresAt      time.Time `json:"expires_at,omitzero"` // wait limit
	AssignedAt     time.Time `json:"assigned_at,omitzero"`
	FirstStartedAt time.Time `json:"first_started_at,omitzero"`
	StartedAt      time.Time `json:"started_at,omitzero"`
	EndedAt        time.Time `json:"ended_at,omitzero"`

	RunTimeout  Duration    `json:"run_timeout_ms"`
	Retry       RetryPolicy `json:"retry"`
	RetrySafety RetrySafety `json:"retry_safety"`
	RetriesUsed int         `json:"retries_used"`
	LostUsed    int         `json:"lost_used"`
	RejectedBy  int         `json:"rejected_by_count"`

	StopReason    StopReason    `json:"stop_reason,omitempty"`
	StopDeadline  time.Time     `json:"stop_deadline,omitzero"`
	StopForce     bool          `json:"stop_force,omitempty"`
	CancelOutcome CancelOutcome `json:"cancel_outcome,omitempty"`
	CancelTooLate bool          `json:"cancel_too_late,omitempty"`

	EndReason        string     `json:"end_reason,omitempty"`
	ErrorClass       ErrorClass `json:"error_class,omitempty"`
	ErrorCode        string     `json:"error_code,omitempty"`
	DeadLetter       bool       `json:"dead_letter,omitempty"`
	DeadLetterReason string     `json:"dead_letter_reason,omitempty"`
	RetryOf          ID         `json:"retry_of,omitempty"`
	SubmittedBy      string     `json:"submitted_by,omitempty"`
	Schedule         ID         `json:"schedule_id,omitempty"` // that made it
	FireAt           time.Time  `json:"fire_at,omitzero"`      // for which instant; not of one by hand or of a backfill

	// Shown with the job; taken from its live attempt.
	Progress    int    `json:"progress"`
	CurrentNode string `json:"current_node,omitempty"`
	Silent      bool   `json:"robot_silent,omitempty"`
}

// JobWorkflow pins what a job runs.
type JobWorkflow struct {
	ID      ID     `json:"workflow_id"`
	Name    string `json:"workflow_name"`
	Version int    `json:"version"`
	Hash    string `json:"hash"` // SHA-256 of the document's canonical form, hex
}

// JobData is the wide part of a job, kept away from the rows that decisions
// touch. Variables and Result are JSON objects.
type JobData struct {
	Variables   json.RawMessage `json:"variables,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
	Error       *JobError       `json:"error,omitempty"`
	DurationMS  int64           `json:"duration_ms,omitempty"`
	Traceparent string          `json:"-"`
	// Resumes is the checkpoint that a new job starts from. It is read by itself.
	Resumes *Resumption `json:"-"`
	// PrioritySource is told with a new job, and kept with its first event alone.
	PrioritySource PrioritySource `json:"-"`
}

// JobError is what a robot, or the orchestrator, says of a failed attempt.
type JobError struct {
	Class     ErrorClass `json:"class"`
	Code      string     `json:"code,omitempty"`
	Type      string     `json:"type,omitempty"`
	Message   string     `json:"message"`
	Node      string     `json:"node,omitempty"`
	Stack     string     `json:"stack,omitempty"`
	Retryable *bool      `json:"retryable,omitempty"`
}

// MaxErrorText bounds the message and the stack that are kept.
const MaxErrorText = 64 << 10

// Normalize cuts over-long texts with a mark and fills an empty message, so
// that a failure is never refused for its words.
func (e JobError) Normalize() JobError {
	if e.Message == "" {
		e.Message = "The robot gave no message."
	}
	e.Message, e.Stack = cutText(e.Message), cutText(e.Stack)
	if e.Class == "" {
		e.Class = ClassApplication
	}
	return e
}

func cutText(s string) string {
	const mark = " […cut]"
	if len(s) <= MaxErrorText {
		return s
	}
	end := MaxErrorText - len(mark)
	for end > 0 && s[end]&0xc0 == 0x80 { // not inside a character
		end--
	}
	return s[:end] + mark
}

// HandedOut says whether a robot was ever offered the job. Its number alone does
// not tell: a restore lifts those of all jobs that have not ended.
func (j *Job) HandedOut() bool { return j.Epoch > j.EpochSkipped }

// Ready says whether placement may look at the job now.
func (j *Job) Ready(now time.Time) bool {
	return j.State == Pending && !j.NotBefore.After(now) &&
		(j.WaitingOn == WaitingRobot || j.WaitingOn == WaitingReservation)
}

// JobSpec is a request for a job after its workflow was found and checked.
type JobSpec struct {
	ID          ID
	Tenant      TenantID
	Name        string
	Workflow    JobWorkflow
	Priority    Priority
	Environment string
	Requires    Capabilities
	Target      RobotID
	Placement   Placement // without what has a field of its own
	Labels      map[string]string
	NotBefore   time.Time
	Deadline    time.Time
	WaitLimit   time.Duration // 0: none
	RunTimeout  time.Duration
	Retry       RetryPolicy
	RetrySafety RetrySafety
	RetryOf     ID
	SubmittedBy string
	Schedule    ID
	FireAt      time.Time

	DependsOn  []ID // it waits for these
	Rule       DependencyRule
	OnUnmet    OnUnmet
	FillInputs bool // variables take values from them

	Parent   ID // it is a segment of that job
	Segment  int
	Segments int // it is a whole of so many; its segments have the times and dependencies
}

// NewJob is transition T1: the job as it is first stored, pending, with the
// first reason for its wait.
func NewJob(s JobSpec, now time.Time) Job {
	j := Job{
		ID: s.ID, Tenant: s.Tenant, Name: s.Name, Workflow: s.Workflow, State: Pending, Version: 1,
		Target: s.Target, Priority: s.Priority, Environment: s.Environment, Requires: s.Requires,
		Placement: s.Placement.Rest(), Labels: s.Labels,
		CreatedAt: now, AvailableAt: now, Deadline: s.Deadline, RunTimeout: Duration(s.RunTimeout),
		Retry: s.Retry, RetrySafety: s.RetrySafety, RetryOf: s.RetryOf, SubmittedBy: s.SubmittedBy, Schedule: s.Schedule, FireAt: s.FireAt,
		WaitingOn: WaitingRobot, WaitingSince: now, Parent: s.Parent, Segment: s.Segment, Segments: s.Segments,
	}
	if j.Environment == "" {
		j.Environment = DefaultEnvironment
	}
	if j.RetrySafety == "" {
		j.RetrySafety = RetryUntilEffect
	}
	if s.Segments > 0 { // its one number is never handed out
		j.Epoch, j.EpochSkipped = 1, 1
		j.Target, j.Placement = "", Placement{}
		j.WaitingOn, j.WaitingCode = WaitingDependencies, CodeSegments
		return j
	}
	if limit := s.Placement.WaitLimit(); limit > 0 && (s.WaitLimit == 0 || limit < s.WaitLimit) {
		s.WaitLimit = limit
	}
	if s.NotBefore.After(now) {
		j.AvailableAt, j.NotBefore = s.NotBefore, s.NotBefore
		j.WaitingOn, j.WaitingCode = WaitingTime, CodeNotBefore
	}
	if len(s.DependsOn) > 0 { // its times count from its release
		j.WaitingOn, j.WaitingCode = WaitingDependencies, CodeParentsRunning
		j.NotBefore, j.WaitLimit = time.Time{}, Duration(s.WaitLimit)
		j.Rule, j.OnUnmet, j.FillInputs, j.DepsOpen = s.Rule, s.OnUnmet, s.FillInputs, len(s.DependsOn)
		return j
	}
	j.WaitLimit = Duration(s.WaitLimit)
	j.waits(j.AvailableAt)
	return j
}
