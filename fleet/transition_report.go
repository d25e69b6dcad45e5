package fleet

import (
	"encoding/json"
	"time"
)

// Report is one entry of a robot's journal: something that happened to an
// attempt and must not be forgotten. Robot and tenant come from the credential.
type Report struct {
	Kind      ReportKind
	Tenant    TenantID
	RobotID   RobotID
	JournalID string
	ReportID  int64
	JobID     ID
	Epoch     int64

	Result     json.RawMessage // complete
	Error      *JobError       // fail; the text of a stop
	By         StoppedBy       // stopped
	How        CancelOutcome   // stopped: clean or forced
	DurationMS int64
	Node       string // effects
	EffectKey  string
	OK         bool
	Outcome    json.RawMessage // of an effect; what a checkpoint holds
	Reason     string          // there is no checkpoint

	// Chance is a number in [0,1) that places a retry pause inside its jitter.
	Chance float64
	// EffectsUnknown says that the robot announces no effects although the
	// workflow has steps that must not run twice.
	EffectsUnknown bool
}

// ReportKind says what a report tells.
type ReportKind string

// The kinds.
const (
	ReportStarted     ReportKind = "started"
	ReportComplete    ReportKind = "complete"
	ReportFailed      ReportKind = "failed"
	ReportStopped     ReportKind = "stopped"
	ReportEffectBegin ReportKind = "effect_begin"
	ReportEffectEnd   ReportKind = "effect_end"
	ReportCheckpoint  ReportKind = "checkpoint"
)

// StoppedBy is why a robot stopped an attempt.
type StoppedBy string

// The causes of a stop on the robot's side.
const (
	ByRequest   StoppedBy = "request"
	ByTimeout   StoppedBy = "timeout"
	BySelfFence StoppedBy = "self_fence"
	ByShutdown  StoppedBy = "shutdown"
)

// Verdict is the final answer to a report.
type Verdict struct {
	ReportID int64           `json:"report_id"`
	Verdict  VerdictKind     `json:"verdict"`
	Outcome  json.RawMessage `json:"outcome,omitempty"` // of a skipped effect
	Reason   string          `json:"reason,omitempty"`
}

// VerdictKind is the word of a verdict.
type VerdictKind string

// The verdicts. Go, skip and stop answer effect_begin.
const (
	VerdictApplied   VerdictKind = "applied"
	VerdictDuplicate VerdictKind = "duplicate"
	VerdictStale     VerdictKind = "stale"
	VerdictInvalid   VerdictKind = "invalid"
	VerdictGo        VerdictKind = "go"
	VerdictSkip      VerdictKind = "skip"
	VerdictStop      VerdictKind = "stop"
)

// Judge decides a report about the end of an attempt: the verdict, and the
// move if it is applied. Reports that were heard before, come from an older
// epoch, or from a robot that was never given the attempt change nothing.
func (s Subject) Judge(r Report, now time.Time) (VerdictKind, *Move) {
	switch {
	case r.Epoch > s.Job.Epoch || r.Epoch < 1:
		return VerdictInvalid, nil
	case r.Epoch < s.Job.Epoch:
		return VerdictStale, nil
	case s.Attempt == nil || s.Attempt.RobotID != r.RobotID: // none: its epoch was lifted by a restore
		return VerdictInvalid, nil
	}
	if !s.Attempt.Live() {
		if r.Kind == ReportComplete && s.late() {
			return VerdictApplied, s.lateComplete(r, now)
		}
		if s.Attempt.Outcome == outcomeOf(r) {
			return VerdictDuplicate, nil
		}
		return VerdictStale, nil
	}
	var m *Move
	switch r.Kind {
	case ReportComplete:
		m = s.complete(r, now)
	case ReportFailed:
		m = s.failed(r, now)
	case ReportStopped:
		m = s.robotStopped(r, now)
	case ReportStarted, ReportEffectBegin, ReportEffectEnd, ReportCheckpoint:
		return VerdictInvalid, nil // not about an end
	}
	if m == nil {
		return VerdictInvalid, nil
	}
	return VerdictApplied, m
}

// EndsAs is the outcome that an attempt has after the report, if the report
// is applied while the attempt runs.
func (r Report) EndsAs() AttemptOutcome { return outcomeOf(r) }

func outcomeOf(r Report) AttemptOutcome {
	switch {
	case r.Kind == ReportComplete:
		return OutcomeCompleted
	case r.Kind == ReportFailed && r.Error != nil && r.Error.Class == ClassTimeout,
		r.Kind == ReportStopped && r.By == ByTimeout:
		return OutcomeTimeout
	case r.Kind == ReportFailed:
		return OutcomeFailed
	case r.Kind == ReportStopped && r.By != ByRequest:
		return OutcomeLost
	default:
		return OutcomeCancelled
	}
}

// complete is T13 and T24.
func (s Subject) complete(r Report, now time.Time) *Move {
	if s.Job.State != Running && s.Job.State != Cancelling {
		return nil // an offer that was not accepted cannot have run
	}
	m := s.begin("T13")
	if s.Job.State == Cancelling {
		m.Rule, m.Job.CancelTooLate = "T24", true
	}
	return m.completed(r, now, false)
}

func (m *Move) completed(r Report, now time.Time, late bool) *Move {
	m.free(OutcomeCompleted, now)
	m.end(Completed, "completed", now)
	m.Job.ErrorClass, m.Job.ErrorCode, m.Job.Progress = "", "", 100
	m.Data = &DataChange{Result: r.Result, ClearError: true, DurationMS: r.DurationMS}
	data := map[string]any{"robot_id": r.RobotID, "success": true, "execution_time_ms": r.DurationMS}
	if late {
		data["late"] = true
	}
	return m.emit(EventJobCompleted, data)
}

// late says whether a result of the lost newest attempt still counts: nobody
// was given the job since.
func (s Subject) late() bool {
	return (s.Job.State == Pending || s.Job.State == NeedsDecision) && s.Attempt.Outcome == OutcomeLost
}

// lateComplete is T26.
func (s Subject) lateComplete(r Report, now time.Time) *Move {
	m := s.begin("T26")
	return m.completed(r, now, true)
}

// failed is T14, T15 and T21, and T23 or T24 while the job is being stopped.
func (s Subject) failed(r Report, now time.Time) *Move {
	e := JobError{}
	if r.Error != nil {
		e = *r.Error
	}
	e = e.Normalize()
	if s.Job.State == Cancelling {
		// A two-step robot answers a stop it has seen with a stop: this failure
		// was written down before, and counts if it would have been the end.
		if s.Attempt.StartMode == StartTwoStep && !s.retryable(e) {
			m := s.begin("T24")
			m.Job.CancelTooLate = true
			m.free(outcomeOf(r), now)
			return m.fail(e, m.deadLetter(e), now)
		}
		return s.stopped(outcomeOf(r), StoppedClean, &e, r.Chance, now)
	}
	if s.Job.State != Running {
		return nil
	}
	m := s.begin("T14")
	m.free(outcomeOf(r), now)
	m.Data = &DataChange{Error: &e, DurationMS: r.DurationMS}
	switch {
	case s.EffectOpen && s.Job.RetrySafety == RetryUntilEffect && s.retryable(e):
		return m.park("effect_open", now)
	case s.retryable(e) && e.Class == ClassInfrastructure:
		return m.comeBack(s.Attempt.RobotID, "infrastructure", r.Chance, now)
	case s.retryable(e):
		return m.again(s.Attempt.RobotID, e.Class, map[string]any{"message": e.Message, "node": e.Node}, r.Chance, now)
	case e.Class == ClassTimeout:
		return m.timedOut("run_timeout", &e, now)
	}
	return m.fail(e, m.deadLetter(e), now)
}

// retryable says whether the class has budget left.
func (s Subject) retryable(e JobError) bool {
	if e.Retryable != nil && !*e.Retryable {
		return false
	}
	switch e.Class {
	case ClassApplication, ClassTimeout, ClassBusiness:
		return s.Job.RetriesUsed < s.Job.Retry.Rule(e.Class).Max
	case ClassInfrastructure:
		return s.Job.LostUsed < s.Job.Retry.Rule(e.Class).Max
	case ClassInvalid, ClassCancelled:
	}
	return false
}

// again returns a job to the waiting ones for a further attempt after an error,
// behind those that came in the meantime.
func (m *Move) again(robot RobotID, class ErrorClass, data map[string]any, chance float64, now time.Time) *Move {
	rule := m.Job.Retry.Rule(class)
	m.Job.RetriesUsed++
	pause := rule.Pause(m.Job.RetriesUsed, chance)
	m.requeue(WaitingBackoff, CodeRetryDelay, now)
	m.Job.AvailableAt, m.Job.NotBefore = now.Add(pause), now.Add(pause)
	m.Job.waits(m.Job.AvailableAt)
	m.elsewhere(robot, rule.OtherRobot, m.Job.NotBefore)
	data["retry"], data["of"], data["in_ms"] = m.Job.RetriesUsed, rule.Max, pause.Milliseconds()
	return m.emit(EventJobRetryScheduled, data)
}

// never is the end of a refusal that ends with its job.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Lasting says whether a refusal ends with its job and not before.
func (r Refusal) Lasting() bool { return r.Until.Equal(never) }

// elsewhere leaves the robot of the last attempt out, from the start of the
// next on, as the job's rule asks.
func (m *Move) elsewhere(robot RobotID, rule OtherRobot, from time.Time) {
	f := Refusal{JobID: m.Job.ID, Tenant: m.Job.Tenant, RobotID: robot, Reason: RejectOther, Count: 1}
	switch rule {
	case PreferOther:
		f.Until = from.Add(OtherSpan)
	case RequireOther:
		f.Until = never
	default:
		return
	}
	m.Refusal = &f
}

func (m *Move) deadLetter(e JobError) string {
	switch e.Class {
	case ClassBusiness, ClassCancelled:
		return ""
	case ClassInvalid:
		return "invalid_workflow"
	case ClassInfrastructure:
		return "robot_lost"
	case ClassApplication, ClassTimeout:
		if e.Retryable != nil && !*e.Retryable {
			return "permanent_error"
		}
	}
	return "max_retries_exceeded"
}

// robotStopped is T11 and T21 for a running job, T23 for one being stopped.
func (s Subject) robotStopped(r Report, now time.Time) *Move {
	how := r.How
	if how == "" {
		how = StoppedClean
	}
	switch {
	case s.Job.State == Cancelling:
		return s.stopped(outcomeOf(r), how, r.Error, r.Chance, now)
	case s.Job.State == Assigned:
		return s.lose("T10", Loss{Reason: "stopped before it began", Chance: r.Chance, NeverStarted: true}, now)
	case s.Job.State != Running:
		return nil
	case r.By == ByTimeout:
		e := JobError{Class: ClassTimeout, Code: "run_timeout", Type: "TimeoutError", Message: "The run took longer than " + s.Job.RunTimeout.String() + "."}
		r.Error = &e
		r.Kind = ReportFailed
		m := s.failed(r, now)
		m.Job.CancelOutcome = how
		return m
	}
	return s.lose("T11", Loss{Reason: "the robot stopped it: " + string(r.By), Chance: r.Chance, EffectsUnknown: r.EffectsUnknown}, now)
}

// timedOut ends the job by its limit.
func (m *Move) timedOut(reason string, e *JobError, now time.Time) *Move {
	m.end(TimedOut, reason, now)
	m.Job.ErrorClass, m.Job.ErrorCode = ClassTimeout, reason
	m.Data = &DataChange{Error: e}
	return m.emit(EventJobTimeout, map[string]any{"reason": reason})
}

// park leaves the decision to a person: a step that must not run twice may
// have run.
func (m *Move) park(reason string, now time.Time) *Move {
	m.Job.State = NeedsDecision
	m.Job.StopReason, m.Job.StopDeadline, m.Job.StopForce = "", time.Time{}, false
	m.Job.WaitingSince = now
	return m.emit(EventJobNeedsDecision, map[string]any{"reason": reason})
}

// comeBack returns a job to the waiting ones after its robot was lost: from
// its own budget, soon unless its rule has a pause, and without losing its place.
func (m *Move) comeBack(robot RobotID, reason string, chance float64, now time.Time) *Move {
	rule := m.Job.Retry.Rule(ClassInfrastructure)
	m.Job.LostUsed++
	m.requeue(WaitingBackoff, CodeRetryDelay, now)
	pause := time.Duration(chance * float64(LostSpread))
	if rule.Delay > 0 {
		pause = rule.Pause(m.Job.LostUsed, chance)
	}
	m.Job.NotBefore = now.Add(pause)
	m.Job.waits(m.Job.NotBefore)
	m.elsewhere(robot, rule.OtherRobot, m.Job.NotBefore)
	return m.emit(EventJobRequeued, map[string]any{
		"previous_robot_id": m.Job.RobotID, "reason": reason, "lost": m.Job.LostUsed, "of": rule.Max, "in_ms": pause.Milliseconds(),
	})
}
