package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Reader reads one snapshot, inside the scope it was opened with.
type Reader interface {
	JobReader
	RobotReader
	WorkflowReader
	EventReader
	KeyReader
	EnrolmentReader
	SweepReader
	PlacementReader
	TenantReader
	AuditReader
	VaultReader
	QueueReader
	ItemReader
	ScheduleReader
	TriggerReader
	AlertReader
	WebhookReader
	SearchReader
	ViewReader
	DependencyReader
	DeadLetterReader
	ArtifactReader
	CommandReader
	BulkReader
	ClusterReader
	UserReader
	SignInReader
	LiveReader
	AttentionReader
	RollupReader
}

// Tx reads and writes one transaction.
type Tx interface {
	Reader
	JobWriter
	HistoryWriter
	RobotWriter
	WorkflowWriter
	KeyWriter
	EnrolmentWriter
	EventWriter
	PlacementWriter
	TenantWriter
	AuditWriter
	VaultWriter
	QueueWriter
	ItemWriter
	ScheduleWriter
	TriggerWriter
	ArtifactWriter
	AlertWriter
	WebhookWriter
	ViewWriter
	CommandWriter
	BulkWriter
	ClusterWriter
	UserWriter
	SignInWriter
	RollupWriter
	Pruner
	// MoveChild lets a job that waits for one job wait for another instead.
	MoveChild(child, from, to fleet.ID) error
	// MarkReprocessed says who looked after a dead letter; false if somebody had.
	MarkReprocessed(job fleet.ID, by string, now time.Time) (bool, error)
	DeleteDeadLetter(job fleet.ID) error
	// PurgeDeadLetters takes away those that were looked after before a time.
	PurgeDeadLetters(before time.Time) (int, error)
}

// JobReader finds jobs. Missing ones, and those of other tenants, are
// fleet.ErrNotFound.
type JobReader interface {
	Job(id fleet.ID) (fleet.Job, error) // with progress, node and silence of its attempt
	JobData(id fleet.ID) (fleet.JobData, error)
	// Checkpoint is what the newest attempt that said so left of a job, if any, and
	// the checkpoint that the job itself starts from, or nil.
	Checkpoint(id fleet.ID) (left fleet.Checkpoint, starts *fleet.Resumption, err error)
	// Subject is the job with its newest attempt, for a decision.
	Subject(id fleet.ID) (fleet.Subject, error)
	Jobs(f JobFilter, p fleet.Page) (JobPage, error)
	// JobIDs lists the newest jobs of a filter without Keep and RetryOf, each with
	// its state: at most limit of each state, robot and workflow that it names.
	JobIDs(f JobFilter, limit int) ([]JobState, error)
	// LongestRunning lists the running jobs, those that began first before others.
	// It costs by what runs.
	LongestRunning(limit int) ([]fleet.Job, error)
	// RetriedAs finds for each of some jobs the newest one that repeats it.
	RetriedAs(ids []fleet.ID) (map[fleet.ID]fleet.ID, error)
	Attempts(job fleet.ID) ([]fleet.Attempt, error)
	// RunTimes tells how long the newest completed runs of a workflow took.
	RunTimes(tenant fleet.TenantID, workflow fleet.ID, limit int) ([]time.Duration, error)
	// HeldBy lists the live attempts of a robot, as subjects.
	HeldBy(robot fleet.RobotID) ([]fleet.Subject, error)
	// TakenSlots lists attempts that are over but whose slot is taken until their
	// robot shows that it is free; an empty robot is all.
	TakenSlots(robot fleet.RobotID) ([]TakenSlot, error)
	// Refusals counts how often a robot refused a job so far.
	Refusals(job fleet.ID, robot fleet.RobotID) (int, error)
	Effect(job fleet.ID, node, key string) (fleet.Effect, error)
	// OpenEffects lists the announced steps of a job that nobody told the end of,
	// MaxOpenEffects at most.
	OpenEffects(job fleet.ID) ([]fleet.Effect, error)
}

// MaxOpenEffects bounds how many steps of one job can be asked about at once; a
// workflow has as many under way as it has branches.
const MaxOpenEffects = 1000

// JobState is a job with its state.
type JobState struct {
	ID    fleet.ID
	State fleet.State
}

// TakenSlot is the slot of an attempt that is over.
type TakenSlot struct {
	Ref
	Tenant   fleet.TenantID
	RobotID  fleet.RobotID
	LastSeen time.Time // of the robot
	// LostAfter is with what the robot was welcomed; 0: the server's own holds.
	LostAfter time.Duration
}

// DependencyReader finds which jobs wait for which.
type DependencyReader interface {
	// Parents lists what a job waits or waited for, in the order of its request.
	Parents(child fleet.ID) ([]fleet.ID, error)
	// Children lists the jobs that wait or waited for a job, by id.
	Children(parent fleet.ID) ([]fleet.ID, error)
	// Segments lists the parts of a job that is cut into segments, in their order.
	Segments(whole fleet.ID) ([]fleet.Job, error)
}

// DeadLetterReader finds jobs that failed for good. They come with Apply.
type DeadLetterReader interface {
	DeadLetter(job fleet.ID) (fleet.DeadLetter, error)
	// DeadLetters lists them, newest first; all also those looked after.
	DeadLetters(all bool, p fleet.Page) (DeadLetterPage, error)
}

// DeadLetterPage is a part of the list with the counts of all.
type DeadLetterPage struct {
	Letters            []fleet.DeadLetter
	Next               string
	Total, Reprocessed int64
}

// JobFilter selects jobs of a list; empty fields select all.
type JobFilter struct {
	States   []fleet.State
	Robot    fleet.RobotID
	Workflow fleet.ID
	RetryOf  fleet.ID

	Robots    []fleet.RobotID // any of these; instead of Robot
	Workflows []fleet.ID      // any of these; instead of Workflow
	From, To  time.Time       // made at From or later, and before To
	// Keep chooses among the jobs that all of the above select. At most JobsLooked
	// of them are looked at for one page.
	Keep func(*fleet.Job) bool
}

// JobsLooked bounds what one page of a list with JobFilter.Keep looks at.
const JobsLooked = 5000

// JobPage is one part of a list, newest first.
type JobPage struct {
	Jobs  []fleet.Job
	Next  string // cursor; empty at the end
	Total int64  // of the filter; -1 where counting would cost too much
	// Looked is when the last job was made that was looked at, where a page ends
	// because as many were looked at as may be. There may be more behind Next.
	Looked time.Time
}

// JobWriter changes jobs. Apply is the only way in which a job's state is
// ever written.
type JobWriter interface {
	// Apply commits a move under its guard: fleet.ErrConflict if the job is no
	// longer as the move found it. It writes the attempt, the refusal, the data,
	// the timers and the event with it, and raises the signals that follow.
	Apply(m *fleet.Move) error
	// TakeBack applies that an offer was not taken, because the session that it was
	// made in has ended. An attempt that does not begin on a word is left alone.
	TakeBack(sub fleet.Subject, now time.Time) error
	// Enqueue stores jobs with their keys as Hot.Enqueue does, each with its own
	// answer; a caller that wants all or none returns an answer's error. Numbers
	// of jobs are in the answers once Update has returned.
	Enqueue(in []Submission) ([]Submitted, error)
	// Insert stores a new job (T1) with its event.
	Insert(j fleet.Job, d fleet.JobData, actor string) (fleet.Job, error)
	// FollowSegments lets a whole stand as its segments do, as Apply of a segment's
	// move does by itself.
	FollowSegments(whole fleet.ID) error
	// Renew raises an attempt's renewal number (T8); false if it is not live.
	Renew(ref Ref, robot fleet.RobotID) (bool, error)
	// FreeSlot gives back the slot of an attempt that is over and whose robot has
	// shown that it is free; false if there was nothing to give back.
	FreeSlot(ref Ref, robot fleet.RobotID, now time.Time) (bool, error)
	// Started notes the robot's own word that it began.
	Started(ref Ref, at time.Time) error
	PutEffect(e fleet.Effect) error
	// ClearRefusals forgets what a robot refused: it came back anew.
	ClearRefusals(robot fleet.RobotID) error
}

// HistoryWriter keeps what ended elsewhere.
type HistoryWriter interface {
	// AddEnded stores a job that ended elsewhere, with its times, its result and
	// one event, job.imported, which says of no change: nobody waits for it, and it
	// is counted with those of its state. fleet.ErrConflict if there is such a job.
	AddEnded(j fleet.Job, d fleet.JobData, actor string) error
}

// RobotReader finds robots.
type RobotReader interface {
	Robot(id fleet.RobotID) (fleet.Robot, error) // with taken slots and current job ids
	Robots(f RobotFilter, p fleet.Page) (RobotPage, error)
	// InMode lists the robots that are paused, draining or in maintenance, with
	// what they hold. It costs by what it returns.
	InMode() ([]fleet.Robot, error)
	Session(id fleet.ID) (fleet.Session, error)
	// OpenSession returns the robot's newest session that is not closed.
	OpenSession(robot fleet.RobotID) (fleet.Session, error)
	Journal(robot fleet.RobotID, journal string) (fleet.Journal, error)
}

// RobotFilter selects robots of a list.
type RobotFilter struct {
	Member      fleet.ID // owner of the session; empty: all
	Connected   bool     // only connected ones
	Environment string
}

// RobotPage is one part of a list, by id.
type RobotPage struct {
	Robots []fleet.Robot
	Next   string
	Total  int64
}

// RobotWriter changes robots and their sessions.
type RobotWriter interface {
	PutRobot(r fleet.Robot) error // insert or change of the registry columns
	// OpenSessionAs closes the robot's open session, raises its session epoch and
	// stores the new session under that number, which it returns.
	OpenSessionAs(s fleet.Session) (epoch int64, err error)
	// CloseSession ends a session. It touches the robot only while that session
	// is still its newest, and says whether it was. Then it also writes
	// robot.disconnected and takes back what was offered under it and not taken.
	CloseSession(id fleet.ID, reason, actor string, now time.Time) (wasCurrent bool, err error)
	// CloseMember ends all sessions of an orchestrator that is gone in the same way;
	// an empty id means those of all, for a store that has one orchestrator at a time.
	CloseMember(member fleet.ID, now time.Time) (int, error)
	PutJournal(j fleet.Journal) error
	DeleteRobot(id fleet.RobotID, now time.Time) error
}

// WorkflowReader finds workflows.
type WorkflowReader interface {
	Workflow(id fleet.ID) (fleet.Workflow, error)
	WorkflowByName(name string) (fleet.Workflow, error)
	WorkflowVersion(id fleet.ID, version int) (fleet.WorkflowVersion, error)
	WorkflowVersions(id fleet.ID) ([]fleet.WorkflowVersion, error)
	Workflows(p fleet.Page) ([]fleet.Workflow, string, error)
	// Body returns a document by its hash.
	Body(hash string) ([]byte, error)
	// Bodies reads many at once; what is not there is left out.
	Bodies(hashes []string) (map[string][]byte, error)
}

// WorkflowWriter changes workflows. Bodies are stored once by hash and never
// change.
type WorkflowWriter interface {
	PutBody(hash string, body []byte) error
	PutWorkflow(w fleet.Workflow) error
	AddWorkflowVersion(v fleet.WorkflowVersion) error
	// PutDocument stores a document under its name, with the event that tells of
	// a new version, and returns the workflow whose newest version it is now.
	PutDocument(tenant fleet.TenantID, d *Document, actor string, now time.Time) (fleet.Workflow, error)
}

// EventReader reads the log.
type EventReader interface {
	// Events returns events after a number, oldest first.
	Events(f EventFilter) ([]fleet.Event, error)
	// Head is the number of the newest event of the scope's tenant, and Oldest
	// that of the oldest one which is kept (0: there is none).
	Head() (int64, error)
	Oldest() (int64, error)
	// EventCounts counts the events after a number and after a time, by kind. It
	// costs by what it counts.
	EventCounts(after int64, since time.Time) (map[fleet.EventKind]int64, error)
	// Tenants lists the tenants that have rows; system scope only.
	Tenants() ([]fleet.TenantID, error)
}

// EventFilter selects events.
type EventFilter struct {
	After     int64
	Limit     int
	Kinds     []fleet.EventKind
	Subject   fleet.SubjectKind
	SubjectID string
}

// EventWriter appends facts that are not moves of jobs; those write their own.
type EventWriter interface {
	Append(tenant fleet.TenantID, e fleet.EventDraft) error
}

// SweepReader feeds dispatch and the chores. Its queries cost by what they
// return, never by the backlog or by history. System scope only.
type SweepReader interface {
	// Lanes lists the classes of ready jobs with how many wait in each.
	Lanes() ([]Lane, error)
	// Ready returns the jobs of a lane that may be placed, in placement order
	// (priority, deadline, available_at, seq), at most limit.
	Ready(lane Lane, limit int) ([]ReadyJob, error)
	// ReadyFrom is Ready without the jobs of a more urgent priority.
	ReadyFrom(lane Lane, from fleet.Priority, limit int) ([]ReadyJob, error)
	// Rooms returns the named robots in the order asked, with taken slots but
	// without job ids; a robot that is not there has an empty id.
	Rooms(robots []RobotRef) ([]fleet.Robot, error)
	// ActiveRefusals returns the refusals of the named jobs that still hold.
	ActiveRefusals(jobs []fleet.ID, now time.Time) ([]fleet.Refusal, error)
	// Due returns timers that have run out, oldest first.
	Due(now time.Time, limit int) ([]Timer, error)
	// NextTimer is the time of the earliest timer; zero if there is none.
	NextTimer() (time.Time, error)
	// LiveAttempts lists all live attempts, for the lease sweep, after a cursor.
	LiveAttempts(after Ref, limit int) ([]LiveAttempt, error)
	// StaleWholes lists jobs that are cut into segments and go on although all of
	// these have ended, as an orchestrator may leave them that knows no segments.
	StaleWholes(limit int) ([]WholeRef, error)
	// Counts returns how many jobs are in each non-final state, all tenants.
	Counts() (map[fleet.State]int64, error)
}

// WholeRef names a job that is cut into segments.
type WholeRef struct {
	Tenant fleet.TenantID
	ID     fleet.ID
}

// Lane is a class of ready jobs that the same robots can take.
type Lane struct {
	ID          int64
	Tenant      fleet.TenantID
	Environment string
	Requires    fleet.Capabilities
	Target      fleet.RobotID
	Placement   fleet.Placement // the rest of the demands
	Waiting     int64
}

// ReadyJob is one job of a lane as placement needs it.
type ReadyJob struct {
	ID          fleet.ID
	Epoch       int64
	Priority    fleet.Priority
	Deadline    time.Time
	AvailableAt time.Time
	Seq         int64
	Since       time.Time
	Workflow    fleet.ID
	Labels      map[string]string
	StickyKey   string
}

// TimerKind says what runs out.
type TimerKind string

// The kinds of timers. A job has at most one of each.
const (
	TimerDue    TimerKind = "due"    // pending: NotBefore
	TimerExpire TimerKind = "expire" // pending: ExpiresAt
	TimerAccept TimerKind = "accept" // assigned: offered_at + accept
	TimerStop   TimerKind = "stop"   // cancelling: StopDeadline
)

// Timer is something that happens to a job by itself.
type Timer struct {
	Kind   TimerKind
	Tenant fleet.TenantID
	JobID  fleet.ID
	Epoch  int64
	At     time.Time
}

// LiveAttempt is what the lease sweep watches.
type LiveAttempt struct {
	Ref
	Tenant     fleet.TenantID
	RobotID    fleet.RobotID
	State      fleet.State
	RenewSeq   int64
	RunTimeout time.Duration
	Silent     bool
	Connected  bool
	// With what its robot was welcomed; 0: the server's own times hold.
	LostAfter, SuspectAfter time.Duration
}

// RobotRef names a robot of any tenant.
type RobotRef struct {
	Tenant  fleet.TenantID
	RobotID fleet.RobotID
}
