package store

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Store is one database with everything in it.
type Store interface {
	// View reads one snapshot.
	View(ctx context.Context, s Scope, fn func(r Reader) error) error

	// Update runs fn in one transaction. fn may run more than once and must touch
	// nothing but tx: SQLite shares one commit among many callers, PostgreSQL
	// repeats conflicts. Events appended in fn become visible exactly when the
	// change does. When Update returns nil, the change is on disk.
	Update(ctx context.Context, s Scope, fn func(tx Tx) error) error

	Hot
	Logs

	// Signals of this process (and, where the database carries them, of others).
	Signals() *Signals

	// Health fails when the store cannot serve writes.
	Health(ctx context.Context) error

	// Close waits for what was accepted to be committed and releases the files.
	Close() error
}

// Hot holds the batch verbs of the main road. Each answers per element, and
// one bad element never fails its neighbours.
type Hot interface {
	// Enqueue stores jobs with their inputs, idempotency keys and events. An
	// element whose key is already there gives the stored answer (Replayed).
	Enqueue(ctx context.Context, s Scope, in []Submission) ([]Submitted, error)

	// Assign commits a plan. Each assignment holds only if its job is still
	// pending at the planned epoch and its robot still has the planned session
	// and a free slot; it raises the epoch. The ones that lost are returned, to
	// be planned again.
	Assign(ctx context.Context, s Scope, plan []Assignment, now time.Time) (won []Won, lost []Lost, err error)

	// Accept records that robots took their offers. An element that is not
	// accepted carries the reason; the robot must then forget the attempt.
	Accept(ctx context.Context, s Scope, in []Acceptance, now time.Time) ([]error, error)

	// Beat renews attempts of one robot each and stores its newest sample. The
	// answer sorts what the robot listed into renewed, stale and to cancel.
	Beat(ctx context.Context, s Scope, in []Beat, now time.Time) ([]BeatAnswer, error)

	// Report records reports of robots, in order. A report about an end counts
	// only if it comes from the robot that was given the job's newest epoch and
	// fleet's table allows the move; the verdicts say applied, duplicate, stale
	// or invalid. Acknowledge once Report has returned, not before.
	Report(ctx context.Context, s Scope, in []fleet.Report, now time.Time) ([]fleet.Verdict, error)

	// TailEvents returns events after a number, oldest first, at most limit.
	// With a system scope numbers are those of the named tenant.
	TailEvents(ctx context.Context, s Scope, tenant fleet.TenantID, after int64, limit int) ([]fleet.Event, error)
}

// Logs keeps the lines that attempts print, in a place of their own so that
// they never slow a decision down. Lines are soft: they are flushed in batches,
// and a crash may lose the newest ones that were not yet acknowledged.
type Logs interface {
	// AppendLogs stores batches. The records of steps in one are stored with its
	// lines, each once. A line that is already there is kept as it was,
	// so that a repeated batch changes nothing. A gap is answered with the line
	// that is expected; lines beyond the attempt's quota are counted, not kept.
	AppendLogs(ctx context.Context, s Scope, in []fleet.LogBatch) ([]fleet.LogAck, error)
	// LogJobs lists up to limit jobs that have lines and were submitted before a
	// time, after one in the order of ids. It does not know whether they have
	// ended.
	LogJobs(ctx context.Context, s Scope, after fleet.ID, before time.Time, limit int) ([]fleet.ID, error)
	// PruneLogs takes all lines and steps of jobs.
	PruneLogs(ctx context.Context, s Scope, jobs []fleet.ID) error
	// ReadLogs returns lines of a job from (epoch, line) on, in order.
	ReadLogs(ctx context.Context, s Scope, job fleet.ID, q LogQuery) ([]fleet.LogLine, error)
	// ReadSteps returns the steps of a job from (epoch, number) on, in the order of
	// their starts, each as it stands.
	ReadSteps(ctx context.Context, s Scope, job fleet.ID, q StepQuery) ([]fleet.Step, error)
}

// StepQuery selects steps.
type StepQuery struct {
	Epoch int64 // 0: from the first attempt on
	From  int64 // number inside the epoch to start at
	Limit int   // at most 5000
}

// LogQuery selects lines.
type LogQuery struct {
	Epoch int64  // 0: from the first attempt on
	From  int64  // line inside the epoch to start at; 0 and 1 are the first
	Limit int    // at most 5000
	Level string // least level; empty: all
}

// Submission is one job to store.
type Submission struct {
	Job  fleet.Job
	Data fleet.JobData
	Key  *IdempotencyKey // nil: none
	// Document, when set, is stored with the job, in the same commit: the job's
	// Workflow is then what the store makes of it. A replayed request, and one
	// that is refused, stores none.
	Document *Document
	// Parents are the jobs that it waits for; those of the same request come
	// before it. Graph is set for each job of a request that names others of it.
	Parents []fleet.ID
	Graph   bool
	// MaxChildren is how many jobs may wait for one parent; 0 is any number.
	MaxChildren int
	// Event carries the actor of job.submitted.
	Actor string
	// Audit tells of the request. Jobs of one request share it: the first that is
	// stored gives the row its object, and of several the row says how many were.
	Audit *fleet.AuditDraft
	// RetryOf, when set, makes the store append job.retried to the original and
	// refuse while an earlier retry of it is not final.
}

// Document is a workflow's document that was checked and may be run. Under its
// name it is the newest version if that has the same hash, and the next one
// otherwise.
type Document struct {
	Name      string
	Hash      string // SHA-256 of Body, in hexadecimal
	Body      []byte // in canonical form
	Requires  fleet.Capabilities
	Placement fleet.Placement
	Retry     *fleet.RetryChange
	Safety    fleet.RetrySafety
	NodeCount int
}

// IdempotencyKey makes a repeated request give the first one's answer.
type IdempotencyKey struct {
	Route     string
	Key       string
	Hash      string // SHA-256 of the request body
	ExpiresAt time.Time
}

// Submitted answers a Submission.
type Submitted struct {
	Job      fleet.Job
	Replayed bool  // the key was there: Job is the one of the first request
	Err      error // key with another body (invalid), retry in progress (conflict), …
}

// Assignment hands a job to a robot, as planned.
type Assignment struct {
	Tenant       fleet.TenantID
	JobID        fleet.ID
	Epoch        int64 // of the job when it was planned
	RobotID      fleet.RobotID
	SessionEpoch int64
	TokenHash    string
	AcceptWithin time.Duration // the offer lapses after it
}

// Won is an assignment that was committed, with all that the offer needs.
type Won struct {
	Assignment Assignment
	Job        fleet.Job
	Attempt    fleet.Attempt
	Variables  []byte
	Resumes    []byte // the checkpoint that it starts from; nil: it starts from the start
}

// Lost is an assignment that no longer held.
type Lost struct {
	Assignment Assignment
	Reason     string // job_changed, session_changed, no_slot, refused, robot_changed, secret_held
}

// Acceptance is a robot's answer to an offer.
type Acceptance struct {
	Tenant  fleet.TenantID
	RobotID fleet.RobotID
	JobID   fleet.ID
	Epoch   int64
}

// Beat is one heartbeat.
type Beat struct {
	Tenant       fleet.TenantID
	RobotID      fleet.RobotID
	SessionEpoch int64
	Attempts     []BeatAttempt
	Metrics      fleet.RobotMetrics
	Reported     fleet.Reported
	// Partial says that the list is not all that the robot holds (a progress
	// message): nothing is missing from it, and the sample is left as it was.
	Partial bool
}

// BeatAttempt is one attempt that the robot says it holds.
type BeatAttempt struct {
	JobID    fleet.ID
	Epoch    int64
	Progress int
	Node     string
	Message  string
}

// Ref names an attempt.
type Ref struct {
	JobID fleet.ID `json:"job_id"`
	Epoch int64    `json:"epoch"`
}

// BeatAnswer sorts the attempts of a Beat. Missing are live here but not in
// the beat: the robot does not hold them.
type BeatAnswer struct {
	Renewed []Ref
	Stale   []Ref
	Cancel  []Stop
	Missing []Ref
	// Current is false when the session is no longer the robot's newest.
	Current bool
	Mode    fleet.AdminMode
}

// Stop tells a robot to stop an attempt.
type Stop struct {
	Ref
	Reason fleet.StopReason
	Grace  time.Duration
	Force  bool
}
