package wire

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

// The messages of a robot. Those marked (report) go through its journal and
// carry a report_id.
const (
	TypeHello         Type = "hello"
	TypeHeartbeat     Type = "heartbeat"
	TypeJobAccept     Type = "job_accept"
	TypeJobReject     Type = "job_reject"
	TypeJobStarted    Type = "job_started" // report
	TypeJobProgress   Type = "job_progress"
	TypeEffectBegin   Type = "effect_begin"  // report
	TypeEffectEnd     Type = "effect_end"    // report
	TypeCheckpoint    Type = "checkpoint"    // report
	TypeJobComplete   Type = "job_complete"  // report
	TypeJobFailed     Type = "job_failed"    // report
	TypeJobCancelled  Type = "job_cancelled" // report
	TypeLogBatch      Type = "log_batch"
	TypeSecretGet     Type = "secret_get"
	TypeCommandResult Type = "command_result"
	TypeDrain         Type = "drain" // both directions, with different payloads
	TypeDisconnect    Type = "disconnect"
)

// Phase is where a robot stands with an attempt.
type Phase string

// The phases that hello knows.
const (
	PhaseAccepted   Phase = "accepted"    // reserved, not begun
	PhaseRunning    Phase = "running"     // begun, not ended
	PhaseEffectOpen Phase = "effect_open" // running, inside a step that must not run twice
	PhaseFinished   Phase = "finished"    // ended; its report is in the journal
)

// Hello is the first message of a connection. Identity comes from the
// credential, never from here.
type Hello struct {
	InstanceID     string             `json:"instance_id"` // made at each start of the process
	BootID         string             `json:"boot_id"`     // of the machine
	JournalID      string             `json:"journal_id"`
	AgentVersion   string             `json:"agent_version"`
	OS             string             `json:"os"`
	Arch           string             `json:"arch"`
	Hostname       string             `json:"hostname"`
	Name           string             `json:"name,omitempty"`
	Protocols      []int              `json:"protocols"`
	Features       []string           `json:"features"`
	Capabilities   fleet.Capabilities `json:"capabilities"`
	Facts          map[string]any     `json:"facts,omitempty"`
	Tags           fleet.Capabilities `json:"tags"`
	Pool           string             `json:"pool,omitempty"`
	MaxJobs        int                `json:"max_concurrent_jobs"` // a wish
	Resume         *Resume            `json:"resume,omitempty"`
	LastReportID   int64              `json:"last_report_id"`
	AckedReportID  int64              `json:"acked_report_id"`
	Attempts       []HeldAttempt      `json:"attempts"`
	ReportedStatus fleet.Reported     `json:"status,omitempty"`
}

// Resume proves that the robot is the one that held the session before.
type Resume struct {
	SessionID fleet.ID `json:"session_id"`
	Token     string   `json:"token"`
}

// HeldAttempt is what a robot says of one attempt when it connects.
type HeldAttempt struct {
	Ref
	Phase Phase  `json:"phase"`
	Node  string `json:"node,omitempty"`
}

// Heartbeat renews the attempts it lists and carries the newest readings.
type Heartbeat struct {
	Attempts      []BeatAttempt  `json:"attempts"`
	CPUPercent    float64        `json:"cpu_percent"`
	MemoryPercent float64        `json:"memory_percent"`
	MemoryMB      float64        `json:"memory_mb"`
	DiskPercent   float64        `json:"disk_percent"`
	JournalFree   int64          `json:"journal_free"` // bytes
	Status        fleet.Reported `json:"status"`
	Lag           fleet.Duration `json:"lag_ms"` // how late the robot's own timer was
}

// BeatAttempt is one attempt in a heartbeat.
type BeatAttempt struct {
	Ref
	Progress int    `json:"progress"`
	Node     string `json:"node,omitempty"`
}

// JobAccept takes an offer. The robot must not begin before job_start.
type JobAccept struct {
	Ref
}

// JobReject refuses an offer; it costs the job nothing.
type JobReject struct {
	Ref
	Reason     fleet.RejectReason `json:"reason"`
	Detail     string             `json:"detail,omitempty"`
	RetryAfter fleet.Duration     `json:"retry_after_ms,omitempty"`
}

// JobStarted says that the first step is about to run.
type JobStarted struct {
	Ref
	At Time `json:"at"`
}

// JobProgress is a sample; the newest replaces those before.
type JobProgress struct {
	Ref
	Progress    int    `json:"progress"`
	CurrentNode string `json:"current_node,omitempty"`
	Message     string `json:"message,omitempty"`
}

// EffectBegin announces a step that must not run twice. The robot waits for
// the verdict go, skip or stop.
type EffectBegin struct {
	Ref
	Node      string `json:"node"`
	EffectKey string `json:"effect_key"`
}

// EffectEnd says how the announced step ended.
type EffectEnd struct {
	Ref
	Node      string          `json:"node"`
	EffectKey string          `json:"effect_key"`
	OK        bool            `json:"ok"`
	Outcome   json.RawMessage `json:"outcome,omitempty"`
}

// Checkpoint comes before the job_failed of its attempt and keeps what a job made
// anew may go on from: the node that failed is the next to run. Without one, Data
// is an empty object and Reason says why.
type Checkpoint struct {
	Ref
	Node   string          `json:"node"`
	Data   json.RawMessage `json:"data"`
	Reason string          `json:"reason,omitempty"`
}

// JobComplete is the end of an attempt that succeeded. Exactly one of Result
// and ResultRef is set.
type JobComplete struct {
	Ref
	Result    json.RawMessage  `json:"result,omitempty"`
	ResultRef *ResultRef       `json:"result_ref,omitempty"`
	Duration  fleet.Duration   `json:"duration_ms"`
	Stats     map[string]int64 `json:"stats,omitempty"`
}

// ResultRef names a result that was put to [ResultPath] before.
type ResultRef struct {
	SHA256 string `json:"sha256"` // hex
	Size   int64  `json:"size"`
}

// JobFailed is the end of an attempt that failed.
type JobFailed struct {
	Ref
	Error    fleet.JobError   `json:"error"`
	Duration fleet.Duration   `json:"duration_ms,omitempty"`
	Stats    map[string]int64 `json:"stats,omitempty"`
}

// JobCancelled is the end of an attempt that was stopped.
type JobCancelled struct {
	Ref
	By       fleet.StoppedBy     `json:"by"`
	How      fleet.CancelOutcome `json:"how"`
	Error    *fleet.JobError     `json:"error,omitempty"`
	Duration fleet.Duration      `json:"duration_ms,omitempty"`
}

// LogBatch carries lines of an attempt's log. Line numbers count from 1:
// Lines[i] is line FirstLine+i. Dropped counts the lines that the robot has
// left out of this attempt so far. Steps[i] is record FirstStep+i of the steps;
// they are sent only to an orchestrator that names [FeatureSteps].
type LogBatch struct {
	Ref
	FirstLine int64     `json:"first_line"`
	Lines     []LogLine `json:"lines"`
	Dropped   int64     `json:"dropped,omitempty"`
	FirstStep int64     `json:"first_step,omitempty"`
	Steps     []Step    `json:"steps,omitempty"`
}

// Step says how one execution of a node stands: once while it runs, unless it
// has ended before it could be sent, and once when it has ended.
type Step struct {
	Seq       int64            `json:"seq"` // inside the attempt, from 1 in the order of the starts
	Node      string           `json:"node_id"`
	NodeType  string           `json:"node_type"`
	Iteration string           `json:"iteration,omitempty"` // path of loop passes, such as 2.0
	Branch    string           `json:"branch,omitempty"`
	Status    fleet.StepStatus `json:"status"`
	At        Time             `json:"at"` // of its start
	Took      fleet.Duration   `json:"took_ms,omitempty"`
	Error     string           `json:"error,omitempty"`
}

// LogLine is one line.
type LogLine struct {
	At      Time   `json:"at"`
	Level   string `json:"level"`
	Node    string `json:"node_id,omitempty"`
	Message string `json:"message"`
}

// SecretGet asks for a secret that the workflow names.
type SecretGet struct {
	Ref
	Name string `json:"name"`
}

// CommandResult answers a command.
type CommandResult struct {
	CommandID string `json:"command_id"`
	OK        bool   `json:"ok"`
	Message   string `json:"message,omitempty"`
}

// RobotDrain says that the robot takes no more offers.
type RobotDrain struct {
	Reason string `json:"reason"`
}

// Disconnect says goodbye. Final: the process ends and holds nothing.
type Disconnect struct {
	Reason string `json:"reason"`
	Final  bool   `json:"final"`
}

// Type returns the word in the envelope.
func (*Hello) Type() Type { return TypeHello }

// Type returns the word in the envelope.
func (*Heartbeat) Type() Type { return TypeHeartbeat }

// Type returns the word in the envelope.
func (*JobAccept) Type() Type { return TypeJobAccept }

// Type returns the word in the envelope.
func (*JobReject) Type() Type { return TypeJobReject }

// Type returns the word in the envelope.
func (*JobStarted) Type() Type { return TypeJobStarted }

// Type returns the word in the envelope.
func (*JobProgress) Type() Type { return TypeJobProgress }

// Type returns the word in the envelope.
func (*EffectBegin) Type() Type { return TypeEffectBegin }

// Type returns the word in the envelope.
func (*EffectEnd) Type() Type { return TypeEffectEnd }

// Type returns the word in the envelope.
func (*Checkpoint) Type() Type { return TypeCheckpoint }

// Type returns the word in the envelope.
func (*JobComplete) Type() Type { return TypeJobComplete }

// Type returns the word in the envelope.
func (*JobFailed) Type() Type { return TypeJobFailed }

// Type returns the word in the envelope.
func (*JobCancelled) Type() Type { return TypeJobCancelled }

// Type returns the word in the envelope.
func (*LogBatch) Type() Type { return TypeLogBatch }

// Type returns the word in the envelope.
func (*SecretGet) Type() Type { return TypeSecretGet }

// Type returns the word in the envelope.
func (*CommandResult) Type() Type { return TypeCommandResult }

// Type returns the word in the envelope.
func (*RobotDrain) Type() Type { return TypeDrain }

// Type returns the word in the envelope.
func (*Disconnect) Type() Type { return TypeDisconnect }
