package fleet

import "time"

// Attempt is one hand-out of a job to a robot. It has no state of its own: an
// empty Outcome means that it is live, and the job's state says the rest.
type Attempt struct {
	JobID        ID        `json:"job_id"`
	Epoch        int64     `json:"epoch"`
	Tenant       TenantID  `json:"-"`
	RobotID      RobotID   `json:"robot_id"`
	SessionEpoch int64     `json:"session_epoch"`
	StartMode    StartMode `json:"start_mode"`

	OfferedAt   time.Time `json:"offered_at"`
	AcceptBy    time.Time `json:"-"`                   // the offer lapses then
	StartedAt   time.Time `json:"started_at,omitzero"` // accept committed
	RunningAt   time.Time `json:"running_at,omitzero"` // the robot's own job_started
	EndedAt     time.Time `json:"ended_at,omitzero"`
	SilentSince time.Time `json:"silent_since,omitzero"`
	SlotFreeAt  time.Time `json:"-"` // empty while the slot is taken

	RenewSeq    int64          `json:"-"` // rises with every renewal; the sweeper watches it
	Progress    int            `json:"progress"`
	CurrentNode string         `json:"current_node,omitempty"`
	Message     string         `json:"message,omitempty"`
	Outcome     AttemptOutcome `json:"outcome,omitempty"`
	SlotsAfter  int            `json:"-"` // slots taken once this attempt had its own
	SlotsMax    int            `json:"-"`
	TokenHash   string         `json:"-"`
}

// Live says whether the attempt has not ended.
func (a *Attempt) Live() bool { return a != nil && a.Outcome == "" }

// StartMode says how an attempt was handed out.
type StartMode string

// The modes. Two-step robots begin only when they are told after their accept
// was committed; the others begin when they hear of the job.
const (
	StartTwoStep StartMode = "two_step"
	StartOneStep StartMode = "one_step"
	StartClaim   StartMode = "claim"
	StartRegrant StartMode = "regrant"
)

// BeginsOnWord says whether the robot cannot have begun before its accept was
// committed: it is told to begin, or is told of the job, only after that.
func (m StartMode) BeginsOnWord() bool { return m == StartTwoStep || m == StartClaim }

// NeverBegan says whether it is certain that no step of the attempt ran. A
// two-step robot says when it begins. A polling robot shows it by its first sign
// of life after the claim: without one, the claim's answer did not reach it. Of
// the others nothing is certain.
func (a *Attempt) NeverBegan() bool {
	switch a.StartMode {
	case StartTwoStep:
		return a.RunningAt.IsZero()
	case StartClaim:
		return a.RenewSeq <= 2 // the offer and its accept
	case StartOneStep, StartRegrant:
	}
	return false
}

// EffectsUnknown says that the robot does not announce steps that must not run
// twice.
func (a *Attempt) EffectsUnknown() bool { return a != nil && a.StartMode != StartTwoStep }

// AttemptOutcome is how an attempt ended.
type AttemptOutcome string

// The outcomes.
const (
	OutcomeCompleted   AttemptOutcome = "completed"
	OutcomeFailed      AttemptOutcome = "failed"
	OutcomeCancelled   AttemptOutcome = "cancelled"
	OutcomeTimeout     AttemptOutcome = "timeout"
	OutcomeRejected    AttemptOutcome = "rejected"
	OutcomeNotTaken    AttemptOutcome = "not_taken"
	OutcomeReleased    AttemptOutcome = "released"
	OutcomeLost        AttemptOutcome = "lost"
	OutcomeUnconfirmed AttemptOutcome = "unconfirmed"
)

// RejectReason is why a robot did not take an offer.
type RejectReason string

// The reasons. NoAnswer, Cut and Released are the orchestrator's own words.
const (
	RejectAtCapacity RejectReason = "at_capacity"
	RejectNoSpace    RejectReason = "no_space"
	RejectIncapable  RejectReason = "incapable"
	RejectDraining   RejectReason = "draining"
	RejectInvalid    RejectReason = "invalid"
	RejectNoAnswer   RejectReason = "no_answer"
	RejectCut        RejectReason = "connection_lost" // it may never have heard of the offer
	RejectReleased   RejectReason = "released"
	RejectLost       RejectReason = "lost"
	RejectOther      RejectReason = "other_robot" // the job's retry rule asks for another one
)

// Refusal leaves a robot out for a job for a while.
type Refusal struct {
	JobID   ID           `json:"job_id"`
	Tenant  TenantID     `json:"-"`
	RobotID RobotID      `json:"robot_id"`
	Until   time.Time    `json:"until"`
	Reason  RejectReason `json:"reason"`
	Count   int          `json:"count"`
}

// Effect is a step that must not run twice: written down before it starts.
type Effect struct {
	JobID   ID          `json:"job_id"`
	Tenant  TenantID    `json:"-"`
	Node    string      `json:"node"`
	Key     string      `json:"effect_key"`
	Epoch   int64       `json:"epoch"`
	State   EffectState `json:"state"`
	Outcome []byte      `json:"outcome,omitempty"` // JSON, at most MaxEffectOutcome
	BegunAt time.Time   `json:"begun_at"`
	EndedAt time.Time   `json:"ended_at,omitzero"`
}

// MaxEffectOutcome bounds what is kept of an effect's outcome.
const MaxEffectOutcome = 64 << 10

// EffectState is how an announced effect stands.
type EffectState string

// The states of an effect.
const (
	EffectOpen   EffectState = "open"
	EffectDone   EffectState = "done"
	EffectFailed EffectState = "failed"
)
