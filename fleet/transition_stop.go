package fleet

import "time"

// Silence is T9: the robot has not renewed the attempt for the suspect time.
// The job goes on; the flag is shown and an event tells once.
func (s Subject) Silence(epoch int64, now time.Time) (*Move, error) {
	if s.Job.State != Running || s.Job.Epoch != epoch || !s.Attempt.Live() || !s.Attempt.SilentSince.IsZero() {
		return nil, s.refused(OnSilent)
	}
	m := s.begin("T9")
	m.Attempt.SilentSince = now
	return m.emit(EventJobSilent, map[string]any{"robot_id": s.Attempt.RobotID}), nil
}

// Loss says how an attempt was lost.
type Loss struct {
	Epoch  int64
	Reason string // a few words for the event: silent, not held, robot deleted
	// NeverStarted is proof by the robot that no step of the attempt ran; such a
	// loss costs no budget.
	NeverStarted bool
	// Again lets the same robot have the job at once, as it never heard of it.
	Again bool
	// EffectsUnknown says that the robot announces no effects although the
	// workflow has steps that must not run twice: one of them may have run.
	EffectsUnknown bool
	Chance         float64
}

// Lose is T10, and T25 or T23's return while the job is being stopped: the
// attempt is taken away from a robot that no longer has it.
func (s Subject) Lose(l Loss, now time.Time) (*Move, error) {
	if !s.Attempt.Live() || s.Job.Epoch != l.Epoch {
		return nil, s.notHeld(s.Job.RobotID, l.Epoch)
	}
	switch s.Job.State {
	case Running, Assigned:
		return s.lose("T10", l, now), nil
	case Cancelling:
		if s.Job.StopReason == StopCancel || s.Job.StopReason == StopTimeout {
			return s.unconfirmed(true, now), nil
		}
		return s.lose("T25", l, now), nil
	case Pending, NeedsDecision, Completed, Failed, Cancelled, TimedOut:
	}
	return nil, s.refused(OnLost)
}

func (s Subject) lose(rule Rule, l Loss, now time.Time) *Move {
	m := s.begin(rule)
	m.free(OutcomeLost, now)
	e := JobError{
		Class: ClassInfrastructure, Code: "robot_lost", Type: "RobotLost",
		Message: "Robot " + string(s.Attempt.RobotID) + " was lost while it held the job: " + l.Reason + ".",
	}
	m.Data = &DataChange{Error: &e}
	switch {
	case l.NeverStarted:
		if !l.Again {
			m.refuse(s.Attempt.RobotID, RejectLost, 0, now)
		}
		m.requeue(WaitingRobot, "", now)
		m.Data = nil
		return m.emit(EventJobRequeued, map[string]any{"previous_robot_id": s.Attempt.RobotID, "reason": l.Reason})
	case (s.EffectOpen || l.EffectsUnknown) && s.Job.RetrySafety == RetryUntilEffect:
		return m.park("robot_lost_in_effect", now)
	case s.Job.RetrySafety == RetryNever:
		return m.fail(e, "robot_lost", now)
	case s.Job.LostUsed < s.Job.Retry.Rule(ClassInfrastructure).Max:
		m.comeBack(s.Attempt.RobotID, l.Reason, l.Chance, now)
		if s.Attempt.StartMode == StartOneStep {
			// It cannot tell two attempts of a job apart: it gets this one again only
			// after it has connected anew, which clears its refusals.
			m.Refusal = &Refusal{JobID: m.Job.ID, Tenant: m.Job.Tenant, RobotID: s.Attempt.RobotID, Reason: RejectLost, Until: now.Add(MaxRefusal), Count: 1}
		}
		return m
	}
	return m.fail(e, "robot_lost", now)
}

// Release is T12, and T23 while the job is being stopped: the robot gives the
// attempt back unharmed.
func (s Subject) Release(robot RobotID, epoch int64, earlier int, now time.Time) (*Move, error) {
	if !s.holds(robot, epoch) {
		return nil, s.notHeld(robot, epoch)
	}
	switch {
	case s.Job.State == Cancelling:
		return s.stopped(OutcomeReleased, StoppedClean, nil, 0, now), nil
	case s.EffectOpen:
		return s.lose("T12", Loss{Reason: "released inside a step that must not run twice"}, now), nil
	}
	m := s.begin("T12")
	m.free(OutcomeReleased, now)
	m.refuse(robot, RejectReleased, earlier, now)
	m.requeue(WaitingRobot, "", now)
	return m.emit(EventJobRequeued, map[string]any{"previous_robot_id": robot, "reason": RejectReleased}), nil
}

// StopConfirm is how much longer than the grace the orchestrator waits for the
// robot's word that an attempt has stopped. Without it a stop without grace
// would end before anybody could have answered.
const StopConfirm = 5 * time.Second

// StopGrace is how long from now on an attempt that is being stopped may still
// take, as its robot is told.
func (j *Job) StopGrace(now time.Time) time.Duration {
	return max(j.StopDeadline.Add(-StopConfirm).Sub(now), 0)
}

// CancelRequest asks for a job to be stopped.
type CancelRequest struct {
	By     string // who asked, for the event
	Reason string
	Grace  time.Duration
	Force  bool // do not wait for the step to end
}

// Cancel is T17, T18 and T19. Nil and no error means that the job is final, or
// that an equal or sharper stop is already under way: nothing to change.
func (s Subject) Cancel(r CancelRequest, now time.Time) (*Move, error) {
	if r.Grace < 0 || r.Grace > time.Hour {
		return nil, Invalid("grace_seconds", "grace_seconds must be between 0 and 3600; got %g.", r.Grace.Seconds())
	}
	if r.Force {
		r.Grace = 0
	}
	if s.Job.Segments > 0 {
		return nil, s.refused(OnCancel) // it follows its segments
	}
	data := map[string]any{"by": r.By}
	if r.Reason != "" {
		data["reason"] = cutText(r.Reason)
	}
	switch s.Job.State {
	case Pending, NeedsDecision:
		m := s.begin("T17")
		m.Attempt = nil
		m.end(Cancelled, "cancelled_by_user", now)
		m.Job.CancelOutcome = StoppedClean
		return m.emit(EventJobCancelled, data), nil
	case Assigned:
		if s.Attempt.StartMode.BeginsOnWord() {
			// The robot begins only on our word, so an accept under way now
			// finds no row and nothing starts.
			m := s.begin("T18")
			m.free(OutcomeCancelled, now)
			m.end(Cancelled, "cancelled_by_user", now)
			m.Job.CancelOutcome = StoppedClean
			return m.emit(EventJobCancelled, data), nil
		}
		return s.stop("T18", StopCancel, r.Grace, r.Force, data, now), nil
	case Running:
		return s.stop("T19", StopCancel, r.Grace, r.Force, data, now), nil
	case Cancelling:
		deadline := now.Add(r.Grace + StopConfirm)
		sharper := deadline.Before(s.Job.StopDeadline) || r.Force && !s.Job.StopForce || s.Job.StopReason != StopCancel
		if !sharper {
			return nil, nil
		}
		m := s.stop("T19", StopCancel, r.Grace, r.Force, data, now)
		if s.Job.StopDeadline.Before(deadline) {
			m.Job.StopDeadline = s.Job.StopDeadline
		}
		return m, nil
	case Completed, Failed, Cancelled, TimedOut:
	}
	return nil, nil
}

// stop begins a stop of a live attempt.
func (s Subject) stop(rule Rule, why StopReason, grace time.Duration, force bool, data map[string]any, now time.Time) *Move {
	m := s.begin(rule)
	m.Job.State, m.Job.StopReason, m.Job.StopForce = Cancelling, why, force || s.Job.StopForce
	m.Job.StopDeadline = now.Add(grace + StopConfirm)
	data["grace_ms"], data["stop_reason"] = grace.Milliseconds(), why
	return m.emit(EventJobCancelRequested, data)
}

// RunLimit is T20: the attempt has run for its whole time, measured as a
// duration by whoever calls.
func (s Subject) RunLimit(epoch int64, grace time.Duration, now time.Time) (*Move, error) {
	if s.Job.State != Running || s.Job.Epoch != epoch {
		return nil, s.refused(OnRunLimit)
	}
	return s.stop("T20", StopTimeout, grace, false, map[string]any{}, now), nil
}

// WaitLimit is T22: the job waited longer than it was allowed to.
func (s Subject) WaitLimit(now time.Time) (*Move, error) {
	if s.Job.State != Pending || s.Job.ExpiresAt.IsZero() || now.Before(s.Job.ExpiresAt) {
		return nil, s.refused(OnWaitLimit)
	}
	m := s.begin("T22")
	m.Attempt = nil
	return m.timedOut("queue_timeout", &JobError{
		Class: ClassTimeout, Code: "wait_limit", Type: "TimeoutError",
		Message: "No robot took the job within its wait limit.",
	}, now), nil
}

// StopLimit is T25: the grace of a stop is over and nobody confirmed it.
// Recalls and drains do not end this way: an unconfirmed attempt never goes
// back to the waiting ones.
func (s Subject) StopLimit(epoch int64, now time.Time) (*Move, error) {
	if s.Job.State != Cancelling || s.Job.Segments > 0 || s.Job.Epoch != epoch || now.Before(s.Job.StopDeadline) ||
		(s.Job.StopReason != StopCancel && s.Job.StopReason != StopTimeout) {
		return nil, s.refused(OnStopLimit)
	}
	return s.unconfirmed(s.Attempt.StartMode == StartTwoStep, now), nil
}

// unconfirmed ends a stop that the robot did not answer. A robot of the original
// that is still heard goes on with what it was not able to stop: its slot stays
// taken until it shows that it is free.
func (s Subject) unconfirmed(free bool, now time.Time) *Move {
	m := s.begin("T25")
	m.free(OutcomeUnconfirmed, now)
	if !free {
		m.Attempt.SlotFreeAt = time.Time{}
	}
	m.Job.CancelOutcome = StoppedUnconfirmed
	if s.Job.StopReason == StopTimeout {
		return m.timedOut("run_timeout", &JobError{
			Class: ClassTimeout, Code: "run_timeout", Type: "TimeoutError", Message: "The run took longer than " + s.Job.RunTimeout.String() + ", and the robot did not confirm that it stopped.",
		}, now)
	}
	m.end(Cancelled, "cancelled_by_user", now)
	return m.emit(EventJobCancelled, map[string]any{"outcome": StoppedUnconfirmed})
}

// stopped is T23: the robot has stopped the attempt; the job goes where the
// reason of the stop leads.
func (s Subject) stopped(outcome AttemptOutcome, how CancelOutcome, e *JobError, chance float64, now time.Time) *Move {
	m := s.begin("T23")
	m.free(outcome, now)
	m.Job.CancelOutcome = how
	switch s.Job.StopReason {
	case StopRecall, StopDrain:
		m.requeue(WaitingRobot, "", now)
		return m.emit(EventJobRequeued, map[string]any{"previous_robot_id": s.Attempt.RobotID, "reason": s.Job.StopReason})
	case StopTimeout:
		if s.retryable(JobError{Class: ClassTimeout}) {
			return m.again(s.Attempt.RobotID, ClassTimeout, map[string]any{}, chance, now)
		}
		return m.timedOut("run_timeout", &JobError{
			Class: ClassTimeout, Code: "run_timeout", Type: "TimeoutError", Message: "The run took longer than " + s.Job.RunTimeout.String() + ".",
		}, now)
	case StopCancel:
	}
	m.end(Cancelled, "cancelled_by_user", now)
	if e != nil {
		kept := e.Normalize()
		m.Data = &DataChange{Error: &kept}
	}
	return m.emit(EventJobCancelled, map[string]any{"outcome": how})
}

// RetrySpec is T31: what a new job made from a final one asks for.
func (s Subject) RetrySpec(id ID, by string) (JobSpec, error) {
	j := s.Job
	switch {
	case !j.State.Final():
		return JobSpec{}, Errorf(CodeConflict, "invalid_state", "Job %s is %s; only a job that failed, was cancelled or timed out can be retried.", j.ID, j.State)
	case j.State == Completed:
		return JobSpec{}, Errorf(CodeConflict, "invalid_state", "Job %s completed; submit its workflow again instead of retrying it.", j.ID)
	}
	if j.Workflow.Hash == "" {
		return JobSpec{}, Errorf(CodeConflict, "document_unknown", "Job %s ran elsewhere, and the document that it ran is not here.", j.ID).
			WithFix("Submit the workflow " + clip(j.Workflow.Name, 80) + " instead.")
	}
	if j.Segment > 0 {
		return JobSpec{}, Errorf(CodeConflict, "segment_of_job", "Job %s is segment %d of job %s.", j.ID, j.Segment, j.Parent).WithFix("Retry job " + string(j.Parent) + ".")
	}
	return s.again(id, by), nil
}

// again asks for the same once more.
func (s Subject) again(id ID, by string) JobSpec {
	j := s.Job
	return JobSpec{
		ID: id, Tenant: j.Tenant, Name: j.Name, Workflow: j.Workflow, Priority: j.Priority, Environment: j.Environment,
		Requires: j.Requires, Target: j.Target, Placement: j.Placement, Labels: j.Labels, RunTimeout: j.RunTimeout.Std(), Retry: j.Retry,
		RetrySafety: j.RetrySafety, RetryOf: j.ID, SubmittedBy: by,
		Segments: j.Segments,
	}
}
