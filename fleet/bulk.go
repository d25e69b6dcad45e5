package fleet

import "time"

// BulkState is how far a bulk operation is.
type BulkState string

// The states. All but the first are final.
const (
	BulkRunning   BulkState = "running"
	BulkCompleted BulkState = "completed"
	BulkStopped   BulkState = "stopped" // too many failed
	BulkCancelled BulkState = "cancelled"
)

// BulkTargetState is how far one robot of a bulk operation is.
type BulkTargetState string

// The states. The last three are final.
const (
	TargetPending BulkTargetState = "pending"
	TargetRunning BulkTargetState = "running"
	TargetDone    BulkTargetState = "done"
	TargetFailed  BulkTargetState = "failed"
	TargetSkipped BulkTargetState = "skipped"
)

// What is done to many robots beside commands: it changes what is known of them.
const (
	BulkTag    CommandKind = "tag"
	BulkDelete CommandKind = "delete"
)

// Manages says whether it changes what is known of a robot, rather than what it
// does.
func (k CommandKind) Manages() bool { return k == BulkTag || k == BulkDelete }

// MaxBulkTargets bounds the robots of one operation.
const MaxBulkTargets = 10_000

// Bulk asks the same of many robots, wave by wave. Its targets are fixed when
// it is made.
type Bulk struct {
	ID           ID           `json:"bulk_id"`
	Tenant       TenantID     `json:"-"`
	Kind         CommandKind  `json:"kind"`
	Change       ModeChange   `json:"change"`             // of modes
	Jobs         JobChange    `json:"jobs"`               // of jobs
	Running      OnDeadline   `json:"running"`            // of restart and shutdown
	AddTags      Capabilities `json:"add_tags,omitempty"` // of tag
	RemoveTags   Capabilities `json:"remove_tags,omitempty"`
	Size         int          `json:"wave_size"`
	MinAvailable int          `json:"min_available"`
	StopPercent  int          `json:"stop_on_failure_percent"`
	State        BulkState    `json:"state"`
	Stop         BulkState    `json:"stop"` // what it will be once nothing runs; empty: it goes on
	Wave         int          `json:"wave"` // the present one, from 1
	Waves        int          `json:"waves"`
	Total        int          `json:"total"`
	Done         int          `json:"done"`
	Failed       int          `json:"failed"`
	Skipped      int          `json:"skipped"`
	By           string       `json:"by"`
	RetryOf      ID           `json:"retry_of"`
	CreatedAt    time.Time    `json:"created_at"`
	EndedAt      time.Time    `json:"ended_at"`
	Version      int64        `json:"-"` // rises with each change
}

// The kinds of bulk operations that are about jobs.
const (
	BulkCancelJobs   CommandKind = "job_cancel"
	BulkRetryJobs    CommandKind = "job_retry"
	BulkPriorityJobs CommandKind = "job_priority"
	BulkMoveJobs     CommandKind = "job_move"
)

// JobChange is what a bulk operation asks of jobs.
type JobChange struct {
	Grace    Duration `json:"grace_ms"`        // of a cancel
	Force    bool     `json:"force"`           // of a cancel
	Reason   string   `json:"reason"`          // of a cancel
	Priority Priority `json:"priority"`        // of a change of it
	Target   RobotID  `json:"target_robot_id"` // of a move; empty: any
	Onward   bool     `json:"onward"`          // of a retry: from the node that failed, where that can be
}

// OfJobs says whether the targets are jobs and not robots.
func (k CommandKind) OfJobs() bool {
	return k == BulkCancelJobs || k == BulkRetryJobs || k == BulkPriorityJobs || k == BulkMoveJobs
}

// Right is what somebody must have to start, cancel or repeat an operation.
func (k CommandKind) Right() Permission {
	if k.OfJobs() {
		return JobsRun
	}
	return RobotsOperate
}

// BulkTarget is one robot, or one job, of a bulk operation.
type BulkTarget struct {
	Bulk      ID
	Position  int
	RobotID   RobotID
	JobID     ID // instead of a robot
	MadeID    ID // the job that a retry made
	Wave      int
	State     BulkTargetState
	Reason    string
	CommandID ID
}

// Process says whether the robot's process carries the command out, so that it
// needs a connection and ends later.
func (k CommandKind) Process() bool { return k == CommandRestart || k == CommandShutdown }

// Away says whether a robot is out of service while, or after, it is done.
func (k CommandKind) Away() bool { return k != CommandResume && k != CommandStart && k != BulkTag }

// Settle counts a target that has ended, and stops the operation when too many
// have failed.
func (b *Bulk) Settle(to BulkTargetState) {
	switch to {
	case TargetDone:
		b.Done++
	case TargetFailed:
		b.Failed++
	case TargetSkipped:
		b.Skipped++
	case TargetPending, TargetRunning:
	}
	if ended := b.Done + b.Failed; b.Stop == "" && b.Failed > 0 && b.Failed*100 > b.StopPercent*max(ended, b.Size) {
		b.Stop = BulkStopped
	}
}

// Next goes on to the next wave, or ends; call it when nothing of the present
// one is left.
func (b *Bulk) Next(now time.Time) {
	switch {
	case b.Stop != "":
		b.State, b.EndedAt = b.Stop, now
	case b.Wave >= b.Waves:
		b.State, b.EndedAt = BulkCompleted, now
	default:
		b.Wave++
	}
}

// Validate checks what a person may set.
func (b *Bulk) Validate() error {
	switch b.Kind {
	case CommandPause, CommandDrain, CommandMaintenance, CommandResume, CommandStart, CommandStop, CommandRestart, CommandShutdown, BulkTag, BulkDelete:
	default:
		return Invalid("kind", "kind must be pause, drain, maintenance, resume, start, stop, restart, shutdown, tag or delete; got %q.", clip(string(b.Kind), 40))
	}
	switch {
	case b.Kind == BulkTag && len(b.AddTags)+len(b.RemoveTags) == 0:
		return Invalid("params.add_tags", "Name a tag to add or to remove.")
	case b.Size < 1 || b.Size > MaxBulkTargets:
		return Invalid("waves.size", "waves.size must be between 1 and %d; got %d.", MaxBulkTargets, b.Size)
	case b.MinAvailable < 0 || b.MinAvailable > MaxBulkTargets:
		return Invalid("waves.min_available", "waves.min_available must be between 0 and %d; got %d.", MaxBulkTargets, b.MinAvailable)
	case b.StopPercent < 0 || b.StopPercent > 100:
		return Invalid("waves.stop_on_failure_percent", "waves.stop_on_failure_percent must be between 0 and 100; got %d.", b.StopPercent)
	}
	return (&ModeChange{Mode: ModeActive, Running: b.Running}).Validate()
}
