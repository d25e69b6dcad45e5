package wire

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

// The messages of an orchestrator.
const (
	TypeWelcome      Type = "welcome"
	TypeHeartbeatAck Type = "heartbeat_ack"
	TypeJobAssign    Type = "job_assign"
	TypeJobStart     Type = "job_start"
	TypeJobCancel    Type = "job_cancel"
	TypeJobForget    Type = "job_forget"
	TypeReportAck    Type = "report_ack"
	TypeLogAck       Type = "log_ack"
	TypeSecret       Type = "secret"
	TypeDrainAck     Type = "drain_ack"
	TypePause        Type = "pause"
	TypeResume       Type = "resume"
	TypeRestart      Type = "restart"
	TypeSelfTest     Type = "self_test"
	TypeShutdown     Type = "shutdown"
	TypeConfig       Type = "config"
	TypeGoaway       Type = "goaway"
	TypeError        Type = "error" // both directions
)

// Want is what the orchestrator wants of an attempt that a robot holds.
type Want string

// The wants.
const (
	WantContinue Want = "continue" // go on; serves as job_start too
	WantCancel   Want = "cancel"   // stop it and report
	WantForget   Want = "forget"   // final: stop it, drop it, free the slot
	WantReport   Want = "report"   // it has ended there: send the report
)

// Welcome answers hello. The durations hold for the whole session.
type Welcome struct {
	SessionID         fleet.ID        `json:"session_id"`
	SessionEpoch      int64           `json:"session_epoch"`
	ResumeToken       string          `json:"resume_token"` // single use
	RobotID           fleet.RobotID   `json:"robot_id"`
	Tenant            fleet.TenantID  `json:"tenant"`
	Environment       string          `json:"environment"`
	StoreGeneration   int64           `json:"store_generation"`
	CommittedReportID int64           `json:"committed_report_id"`
	Heartbeat         fleet.Duration  `json:"heartbeat_ms"`
	Lease             fleet.Duration  `json:"lease_ms"`
	Fence             fleet.Duration  `json:"fence_ms"`
	AcceptWithin      fleet.Duration  `json:"accept_within_ms"`
	StopGrace         fleet.Duration  `json:"stop_grace_ms"`
	Limits            Limits          `json:"limits"`
	GrantedMax        int             `json:"granted_max"`
	Mode              fleet.AdminMode `json:"mode"`
	Desired           []Desired       `json:"desired"`
	ServerVersion     string          `json:"server_version"`
	Features          []string        `json:"features"`
	ServerTime        Time            `json:"server_time"`
}

// Limits are bounds that the orchestrator sets; zero means this package's.
type Limits struct {
	Frame        int   `json:"frame,omitempty"`
	ResultInline int   `json:"result_inline,omitempty"`
	Result       int64 `json:"result,omitempty"`
	LogWindow    int64 `json:"log_window,omitempty"` // lines on their way without an ack
	LogBytes     int64 `json:"log_bytes,omitempty"`  // per attempt
}

// Desired is what is wanted of one attempt.
type Desired struct {
	Ref
	Want         Want             `json:"want"`
	Reason       string           `json:"reason,omitempty"`
	Cause        fleet.StopReason `json:"cause,omitempty"`         // cancel
	Grace        fleet.Duration   `json:"grace_ms,omitempty"`      // cancel
	Force        bool             `json:"force,omitempty"`         // cancel
	AttemptToken string           `json:"attempt_token,omitempty"` // continue
}

// HeartbeatAck answers a heartbeat for each attempt that it listed. Stale is
// final, as job_forget is.
type HeartbeatAck struct {
	Echo      string          `json:"echo"` // id of the heartbeat
	Renewed   []Ref           `json:"renewed"`
	Stale     []Ref           `json:"stale"`
	Cancel    []CancelRef     `json:"cancel"`
	Heartbeat fleet.Duration  `json:"heartbeat_ms"`
	Mode      fleet.AdminMode `json:"mode"`
}

// CancelRef names an attempt that is to stop.
type CancelRef struct {
	Ref
	Reason string           `json:"reason,omitempty"`
	Cause  fleet.StopReason `json:"cause,omitempty"`
	Grace  fleet.Duration   `json:"grace_ms"`
	Force  bool             `json:"force,omitempty"`
}

// JobAssign offers a job. Exactly one of Workflow and WorkflowRef is set; the
// second is the hash under which the document is found at [WorkflowPath].
type JobAssign struct {
	Ref
	Number       int               `json:"attempt"` // how many attempts the job has had, this one included
	WorkflowID   fleet.ID          `json:"workflow_id"`
	WorkflowName string            `json:"workflow_name"`
	WorkflowHash string            `json:"workflow_hash"`
	Workflow     json.RawMessage   `json:"workflow,omitempty"`
	WorkflowRef  string            `json:"workflow_ref,omitempty"`
	Variables    json.RawMessage   `json:"variables,omitempty"`
	Priority     fleet.Priority    `json:"priority"`
	Timeout      fleet.Duration    `json:"timeout_ms"`
	AcceptWithin fleet.Duration    `json:"accept_within_ms"`
	Lease        fleet.Duration    `json:"lease_ms"`
	RetrySafety  fleet.RetrySafety `json:"retry_safety"`
	Secrets      []string          `json:"secrets,omitempty"`    // names
	Checkpoint   json.RawMessage   `json:"checkpoint,omitempty"` // to go on from; it holds the variables
	Traceparent  string            `json:"traceparent,omitempty"`
}

// JobStart lets the robot begin. Echo is the id of its job_accept; the lease
// counts from when that was sent.
type JobStart struct {
	Ref
	Lease        fleet.Duration `json:"lease_ms"`
	Echo         string         `json:"echo,omitempty"`
	AttemptToken string         `json:"attempt_token,omitempty"`
}

// JobCancel asks to stop an attempt: between nodes or inside one, at the
// latest after Grace; with Force at once.
type JobCancel struct {
	Ref
	Reason string           `json:"reason,omitempty"`
	Cause  fleet.StopReason `json:"cause,omitempty"`
	Grace  fleet.Duration   `json:"grace_ms"`
	Force  bool             `json:"force,omitempty"`
}

// ForgetReason is why an attempt is of no more use.
type ForgetReason string

// The reasons.
const (
	ForgetFenced   ForgetReason = "fenced"   // a higher epoch exists
	ForgetUnknown  ForgetReason = "unknown"  // never handed to this robot
	ForgetFinished ForgetReason = "finished" // the job has ended
)

// JobForget is a final answer: stop, drop from the journal, free the slot.
type JobForget struct {
	Ref
	Reason ForgetReason `json:"reason"`
}

// ReportAck says that every report up to Upto is committed, and what became of
// those that were answered just now.
type ReportAck struct {
	Upto     int64           `json:"upto"`
	Verdicts []fleet.Verdict `json:"verdicts"`
}

// LogAck answers a log batch. Window is how many lines from NextLine on may be
// on their way; 0 means that no more lines are wanted, only their count.
// NextStep is the record of a step that is expected next, if any were sent.
type LogAck struct {
	Ref
	NextLine int64 `json:"next_line"`
	Window   int64 `json:"window"`
	NextStep int64 `json:"next_step,omitempty"`
}

// Secret answers secret_get.
type Secret struct {
	Ref
	Name  string `json:"name"`
	Value string `json:"value"`
}

// DrainAck answers a robot's drain.
type DrainAck struct{}

// Pause asks the robot to take no offers.
type Pause struct {
	CommandID string `json:"command_id"`
}

// ResumeWork ends a pause.
type ResumeWork struct {
	CommandID string `json:"command_id"`
}

// Restart asks the robot to drain and start anew.
type Restart struct {
	CommandID string `json:"command_id"`
}

// SelfTest asks the robot whether it could work. Its answer is a command_result.
type SelfTest struct {
	CommandID string `json:"command_id"`
}

// Shutdown asks the robot's process to end: after its work if Graceful.
type Shutdown struct {
	CommandID string `json:"command_id"`
	Graceful  bool   `json:"graceful"`
}

// Drain asks the robot to take no more offers and to say when it is empty.
type Drain struct {
	CommandID string `json:"command_id"`
}

// Config changes durations of the session; zero leaves one as it is.
type Config struct {
	Heartbeat  fleet.Duration `json:"heartbeat_ms,omitempty"`
	Lease      fleet.Duration `json:"lease_ms,omitempty"`
	Fence      fleet.Duration `json:"fence_ms,omitempty"`
	StopGrace  fleet.Duration `json:"stop_grace_ms,omitempty"`
	GrantedMax int            `json:"granted_max,omitempty"`
}

// Goaway asks the robot to connect anew. To is another address, if any.
type Goaway struct {
	Reason         string         `json:"reason"`
	ReconnectAfter fleet.Duration `json:"reconnect_after_ms"`
	To             string         `json:"to,omitempty"`
}

// Error answers a message that could not be acted on.
type Error struct {
	Code       string         `json:"code"`
	Message    string         `json:"message"`
	InReplyTo  string         `json:"in_reply_to,omitempty"`
	RetryAfter fleet.Duration `json:"retry_after_ms,omitempty"`
	Fatal      bool           `json:"fatal,omitempty"`
}

// Type returns the word in the envelope.
func (*Welcome) Type() Type { return TypeWelcome }

// Type returns the word in the envelope.
func (*HeartbeatAck) Type() Type { return TypeHeartbeatAck }

// Type returns the word in the envelope.
func (*JobAssign) Type() Type { return TypeJobAssign }

// Type returns the word in the envelope.
func (*JobStart) Type() Type { return TypeJobStart }

// Type returns the word in the envelope.
func (*JobCancel) Type() Type { return TypeJobCancel }

// Type returns the word in the envelope.
func (*JobForget) Type() Type { return TypeJobForget }

// Type returns the word in the envelope.
func (*ReportAck) Type() Type { return TypeReportAck }

// Type returns the word in the envelope.
func (*LogAck) Type() Type { return TypeLogAck }

// Type returns the word in the envelope.
func (*Secret) Type() Type { return TypeSecret }

// Type returns the word in the envelope.
func (*DrainAck) Type() Type { return TypeDrainAck }

// Type returns the word in the envelope.
func (*Pause) Type() Type { return TypePause }

// Type returns the word in the envelope.
func (*ResumeWork) Type() Type { return TypeResume }

// Type returns the word in the envelope.
func (*Restart) Type() Type { return TypeRestart }

// Type implements Message.
func (*SelfTest) Type() Type { return TypeSelfTest }

// Type returns the word in the envelope.
func (*Shutdown) Type() Type { return TypeShutdown }

// Type returns the word in the envelope.
func (*Drain) Type() Type { return TypeDrain }

// Type returns the word in the envelope.
func (*Config) Type() Type { return TypeConfig }

// Type returns the word in the envelope.
func (*Goaway) Type() Type { return TypeGoaway }

// Type returns the word in the envelope.
func (*Error) Type() Type { return TypeError }
