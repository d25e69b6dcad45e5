package fleet

import "slices"

// State is where a job stands in its life.
type State string

// The states. The last four are final: a job that entered one never leaves it.
const (
	Pending       State = "pending"
	Assigned      State = "assigned"
	Running       State = "running"
	Cancelling    State = "cancelling"
	NeedsDecision State = "needs_decision"
	Completed     State = "completed"
	Failed        State = "failed"
	Cancelled     State = "cancelled"
	TimedOut      State = "timeout"
)

// States lists every state in the order of a job's life.
func States() []State {
	return []State{Pending, Assigned, Running, Cancelling, NeedsDecision, Completed, Failed, Cancelled, TimedOut}
}

// Final says whether the state is an end.
func (s State) Final() bool {
	return s == Completed || s == Failed || s == Cancelled || s == TimedOut
}

// Live says whether an attempt is under way in this state.
func (s State) Live() bool { return s == Assigned || s == Running || s == Cancelling }

// StopReason is why a job is being stopped.
type StopReason string

// The reasons; cancel wins over the others when both are asked for.
const (
	StopCancel  StopReason = "cancel"
	StopTimeout StopReason = "timeout"
	StopRecall  StopReason = "recall"
	StopDrain   StopReason = "drain"
)

// CancelOutcome says how sure we are that a stopped attempt has stopped.
type CancelOutcome string

// The outcomes of a stop.
const (
	StoppedClean       CancelOutcome = "clean"
	StoppedForced      CancelOutcome = "forced"
	StoppedUnconfirmed CancelOutcome = "unconfirmed"
)

// Rule names a row of the transition table.
type Rule string

// Transition is one row of the table: what happened, from which states, and
// which states may follow. Where several may, the guard of the rule's function
// decides.
type Transition struct {
	Rule  Rule
	Cause Cause
	From  []State
	To    []State
}

// Cause is what happened to a job.
type Cause string

// The causes. Each has exactly one function that applies it.
const (
	OnDue       Cause = "due"       // a waiting time is over
	OnOffer     Cause = "offer"     // placement chose a robot
	OnAccept    Cause = "accept"    // the robot took it
	OnReject    Cause = "reject"    // the robot refused it
	OnNotTaken  Cause = "not_taken" // the offer lapsed
	OnSilent    Cause = "silent"    // no renewal for the suspect time
	OnLost      Cause = "lost"      // no renewal for the lost time, or proof
	OnStopped   Cause = "stopped"   // the robot says that the attempt was stopped
	OnRelease   Cause = "release"   // the robot gives it back
	OnComplete  Cause = "complete"
	OnFail      Cause = "fail"
	OnCancel    Cause = "cancel"
	OnRunLimit  Cause = "run_limit"  // ran for longer than allowed
	OnWaitLimit Cause = "wait_limit" // waited for longer than allowed
	OnStopLimit Cause = "stop_limit" // the grace of a stop is over
	OnDecide    Cause = "decide"     // a person answered
	OnParents   Cause = "parents"    // a parent ended
	OnRenew     Cause = "renew"      // a robot renews the attempt that it lost
	OnSegment   Cause = "segment"    // a segment moved
	OnPriority  Cause = "priority"   // somebody changed its urgency
	OnTarget    Cause = "target"     // somebody changed the robot that it asks for
)

// Table is the life of a job. A pair of state and cause that is not in it
// changes nothing, and a test walks every pair to prove that.
func Table() []Transition {
	s := func(states ...State) []State { return states }
	return []Transition{
		{"T2", OnDue, s(Pending), s(Pending)},
		{"T3", OnOffer, s(Pending), s(Assigned)},
		{"T4", OnAccept, s(Assigned), s(Running)},
		{"T6", OnReject, s(Assigned), s(Pending, Failed)},
		{"T7", OnNotTaken, s(Assigned), s(Pending)},
		{"T9", OnSilent, s(Running), s(Running)},
		{"T10", OnLost, s(Running, Assigned), s(Pending, Failed, NeedsDecision)},
		{"T11", OnStopped, s(Running), s(Pending, Failed, NeedsDecision, TimedOut)},
		{"T10", OnStopped, s(Assigned), s(Pending)}, // proof that it never began
		{"T12", OnRelease, s(Running, Assigned), s(Pending, Failed, NeedsDecision)},
		{"T13", OnComplete, s(Running), s(Completed)},
		{"T14", OnFail, s(Running), s(Pending, Failed, NeedsDecision, TimedOut)},
		{"T17", OnCancel, s(Pending, NeedsDecision), s(Cancelled)},
		{"T18", OnCancel, s(Assigned), s(Cancelled, Cancelling)},
		{"T19", OnCancel, s(Running, Cancelling), s(Cancelling)},
		{"T20", OnRunLimit, s(Running), s(Cancelling)},
		{"T22", OnWaitLimit, s(Pending), s(TimedOut)},
		{"T23", OnStopped, s(Cancelling), s(Cancelled, TimedOut, Pending)},
		{"T23", OnFail, s(Cancelling), s(Cancelled, TimedOut, Pending, Failed)},
		{"T23", OnRelease, s(Cancelling), s(Cancelled, TimedOut, Pending)},
		{"T23", OnReject, s(Cancelling), s(Cancelled, TimedOut, Pending)},
		{"T24", OnComplete, s(Cancelling), s(Completed)},
		{"T25", OnStopLimit, s(Cancelling), s(Cancelled, TimedOut)},
		{"T25", OnLost, s(Cancelling), s(Cancelled, TimedOut, Pending, Failed, NeedsDecision)},
		{"T26", OnComplete, s(Pending, NeedsDecision), s(Completed)},
		{"T30", OnParents, s(Pending), s(Pending, Cancelled, Failed)},
		{"T33", OnSegment, s(Pending), s(Running, Cancelling, Completed, Failed, Cancelled, TimedOut)},
		{"T33", OnSegment, s(Running), s(Running, Cancelling, Completed, Failed, Cancelled, TimedOut)},
		{"T33", OnSegment, s(Cancelling), s(Cancelling, Completed, Failed, Cancelled, TimedOut)},
		{"T34", OnPriority, s(Pending), s(Pending)},
		{"T35", OnTarget, s(Pending), s(Pending)},
		{"T27", OnRenew, s(Pending), s(Running)},
		{"T28", OnDecide, s(NeedsDecision), s(Pending, Completed, Failed, Cancelled)},
	}
}

// Allowed says whether the table lets a cause take a job from one state to
// another, and by which rule.
func Allowed(t Cause, from, to State) (Rule, bool) {
	for _, row := range Table() {
		if row.Cause == t && slices.Contains(row.From, from) && slices.Contains(row.To, to) {
			return row.Rule, true
		}
	}
	return "", false
}

// Subject is a job with all that a decision about it may depend on: its newest
// attempt and whether a step that must not run twice is open in it.
type Subject struct {
	Job        Job
	Attempt    *Attempt // the one with the job's epoch; nil before the first
	EffectOpen bool
}

// Move is a decided change of one job: the guard under which it holds, and the
// job, the attempt and the event as they shall be. The store commits all of it
// or nothing, and nothing if the guard no longer holds.
type Move struct {
	Rule    Rule
	From    State // guard
	Epoch   int64 // guard
	Version int64 // guard

	Job        Job
	Attempt    *Attempt // nil: untouched
	NewAttempt bool     // insert Attempt instead of changing it
	Renews     int      // signs of life that the move counts; Attempt has them already
	Refusal    *Refusal // left out for a while
	Data       *DataChange
	Inputs     []byte      // the job's variables anew; nil leaves them
	Asks       bool        // write the priority and the target too
	Effects    []Effect    // steps that were open, as they are settled
	Event      *EventDraft // nil only for T8 and T2 without a new reason
}

// DataChange writes the wide part of a job.
type DataChange struct {
	Result     []byte // JSON object; nil leaves it
	Error      *JobError
	ClearError bool
	DurationMS int64
}

// begin starts a move from the subject as it is.
func (s Subject) begin(rule Rule) *Move {
	m := &Move{Rule: rule, From: s.Job.State, Epoch: s.Job.Epoch, Version: s.Job.Version, Job: s.Job}
	if s.Attempt != nil {
		a := *s.Attempt
		m.Attempt = &a
	}
	return m
}

// emit gives the move its event; every event counts the job's version up.
func (m *Move) emit(kind EventKind, data map[string]any) *Move {
	m.Job.Version = m.Version + 1
	m.Event = &EventDraft{
		Kind: kind, Subject: SubjectJob, SubjectID: string(m.Job.ID), SubjectSeq: m.Job.Version,
		From: m.From, To: m.Job.State, Epoch: m.Job.Epoch, Data: data,
	}
	return m
}

// refused explains that a cause does not fit the job's state.
func (s Subject) refused(t Cause) error {
	return Errorf(CodeConflict, "invalid_state", "Job %s is %s; %s does not apply to it.", s.Job.ID, s.Job.State, t)
}
