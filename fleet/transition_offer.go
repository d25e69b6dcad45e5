package fleet

import "time"

// Due is T2: the time that a pending job waited for is over.
func (s Subject) Due(now time.Time) (*Move, error) {
	if s.Job.State != Pending || s.Job.Segments > 0 {
		return nil, s.refused(OnDue)
	}
	if s.Job.NotBefore.After(now) {
		return nil, Errorf(CodeConflict, "not_due", "Job %s waits until %s.", s.Job.ID, s.Job.NotBefore.Format(time.RFC3339))
	}
	m := s.begin("T2")
	m.Attempt = nil
	m.Job.NotBefore = time.Time{}
	m.Job.WaitingOn, m.Job.WaitingCode, m.Job.WaitingSince = WaitingRobot, "", now
	return m, nil
}

// Slot is the room on a robot that placement chose, as the store found it when
// the assignment was committed.
type Slot struct {
	RobotID      RobotID
	SessionEpoch int64
	Taken        int // live attempts before this one
	Max          int
	Mode         StartMode
	AcceptWithin time.Duration
	TokenHash    string
}

// Offer is T3: the job is handed to a robot under a new epoch. The guards on
// the robot (session current, free slot, no refusal) are the store's, which
// holds its row while it asks.
func (s Subject) Offer(slot Slot, now time.Time) (*Move, error) {
	if s.Job.State != Pending {
		return nil, s.refused(OnOffer)
	}
	if !s.Job.Ready(now) {
		return nil, Errorf(CodeConflict, "not_ready", "Job %s waits for %s.", s.Job.ID, s.Job.WaitingOn)
	}
	if !s.Job.ExpiresAt.IsZero() && !now.Before(s.Job.ExpiresAt) {
		return nil, Errorf(CodeConflict, "expired", "Job %s waited longer than it was allowed to.", s.Job.ID)
	}
	if slot.Taken >= slot.Max {
		return nil, Errorf(CodeConflict, "no_slot", "Robot %s has no free slot.", slot.RobotID)
	}
	m := s.begin("T3")
	j := &m.Job
	j.State, j.Epoch, j.RobotID, j.AssignedAt = Assigned, s.Job.Epoch+1, slot.RobotID, now
	j.WaitingOn, j.WaitingCode, j.WaitingSince = "", "", time.Time{}
	m.NewAttempt = true
	m.Attempt = &Attempt{
		JobID: j.ID, Epoch: j.Epoch, Tenant: j.Tenant, RobotID: slot.RobotID, SessionEpoch: slot.SessionEpoch,
		StartMode: slot.Mode, OfferedAt: now, AcceptBy: now.Add(slot.AcceptWithin), TokenHash: slot.TokenHash, RenewSeq: 1, SlotsAfter: slot.Taken + 1, SlotsMax: slot.Max,
	}
	return m.emit(EventJobAssigned, map[string]any{"robot_id": slot.RobotID}), nil
}

// holds says whether the named robot and epoch are the ones the job was last
// handed to, and the attempt is live (guards @e and @r).
func (s Subject) holds(robot RobotID, epoch int64) bool {
	return s.Attempt.Live() && s.Job.Epoch == epoch && s.Attempt.RobotID == robot
}

func (s Subject) notHeld(robot RobotID, epoch int64) error {
	return Errorf(CodeConflict, "stale_epoch", "Robot %s does not hold attempt %d of job %s.", robot, epoch, s.Job.ID)
}

// Accept is T4: the robot took the offer; the lease begins.
func (s Subject) Accept(robot RobotID, epoch int64, now time.Time) (*Move, error) {
	if !s.holds(robot, epoch) {
		return nil, s.notHeld(robot, epoch)
	}
	if s.Job.State != Assigned {
		return nil, s.refused(OnAccept)
	}
	m := s.begin("T4")
	m.Job.State, m.Job.StartedAt = Running, now
	if m.Job.FirstStartedAt.IsZero() {
		m.Job.FirstStartedAt = now
	}
	m.Attempt.StartedAt = now
	m.Attempt.RenewSeq++
	m.Renews = 1
	return m.emit(EventJobStarted, map[string]any{"robot_id": robot}), nil
}

// Reject is T6, and T23 while the job is being stopped: the robot does not
// take the offer. It costs no attempt budget. earlier is how often this robot
// has refused this job before.
func (s Subject) Reject(robot RobotID, epoch int64, reason RejectReason, detail string, earlier int, now time.Time) (*Move, error) {
	if !s.holds(robot, epoch) {
		return nil, s.notHeld(robot, epoch)
	}
	switch s.Job.State {
	case Cancelling:
		return s.stopped(OutcomeRejected, StoppedClean, nil, 0, now), nil
	case Assigned:
	default:
		return nil, s.refused(OnReject)
	}
	m := s.begin("T6")
	m.free(OutcomeRejected, now)
	if reason == RejectInvalid {
		e := JobError{Class: ClassInvalid, Code: "invalid_workflow", Type: "InvalidWorkflow", Message: detail}.Normalize()
		return m.fail(e, "invalid_workflow", now), nil
	}
	m.Job.RejectedBy++
	m.refuse(robot, reason, earlier, now)
	m.requeue(WaitingRobot, "", now)
	return m.emit(EventJobRequeued, map[string]any{
		"previous_robot_id": robot, "reason": reason, "detail": cutText(detail), "rejected_by_count": m.Job.RejectedBy,
	}), nil
}

// NotTaken is T7: the offer lapsed unanswered, or the session that was to
// carry it ended; why is one of the orchestrator's own words. Only where the
// robot cannot have begun.
func (s Subject) NotTaken(epoch int64, why RejectReason, earlier int, now time.Time) (*Move, error) {
	if s.Job.State != Assigned || s.Job.Epoch != epoch || !s.Attempt.Live() || !s.Attempt.StartMode.BeginsOnWord() {
		return nil, s.refused(OnNotTaken)
	}
	m := s.begin("T7")
	m.free(OutcomeNotTaken, now)
	m.refuse(s.Attempt.RobotID, why, earlier, now)
	m.requeue(WaitingRobot, "", now)
	return m.emit(EventJobRequeued, map[string]any{"previous_robot_id": s.Attempt.RobotID, "reason": why}), nil
}

// free ends the attempt and gives its slot back.
func (m *Move) free(outcome AttemptOutcome, now time.Time) {
	m.Attempt.Outcome, m.Attempt.EndedAt = outcome, now
	if m.Attempt.SlotFreeAt.IsZero() {
		m.Attempt.SlotFreeAt = now
	}
	m.Attempt.SilentSince = time.Time{}
}

// refuse leaves the robot out for this job for a while.
func (m *Move) refuse(robot RobotID, reason RejectReason, earlier int, now time.Time) {
	m.Refusal = &Refusal{
		JobID: m.Job.ID, Tenant: m.Job.Tenant, RobotID: robot, Reason: reason,
		Until: now.Add(RefusalPause(reason, earlier+1)), Count: earlier + 1,
	}
}

// requeue puts the job back among the waiting ones without moving its place.
func (m *Move) requeue(on WaitingOn, code WaitingCode, now time.Time) {
	j := &m.Job
	j.State = Pending
	j.WaitingOn, j.WaitingCode, j.WaitingSince = on, code, now
	j.StopReason, j.StopDeadline, j.StopForce = "", time.Time{}, false
	if m.From != Pending && m.From != Assigned { // it ran: this is another stay
		j.waits(now)
	}
}

// waits begins a stay among the waiting ones: the wait limit is that of each.
func (j *Job) waits(from time.Time) {
	if j.WaitLimit > 0 {
		j.ExpiresAt = from.Add(j.WaitLimit.Std())
	}
}

// end puts the job into a final state.
func (m *Move) end(state State, reason string, now time.Time) {
	j := &m.Job
	j.State, j.EndReason, j.EndedAt = state, reason, now
	j.WaitingOn, j.WaitingCode, j.WaitingSince = "", "", time.Time{}
	j.StopDeadline, j.NotBefore = time.Time{}, time.Time{}
}

// fail ends the job as failed; deadLetter is empty for failures that nobody
// need look after.
func (m *Move) fail(e JobError, deadLetter string, now time.Time) *Move {
	reason := map[ErrorClass]string{ClassBusiness: "business_error", ClassInfrastructure: "robot_lost"}[e.Class]
	if reason == "" {
		reason = "workflow_error"
	}
	m.end(Failed, reason, now)
	m.Job.ErrorClass, m.Job.ErrorCode = e.Class, e.Code
	m.Job.DeadLetter, m.Job.DeadLetterReason = deadLetter != "" && m.Job.Segment == 0, deadLetter // else the whole is it
	m.Data = m.keep(e)
	return m.emit(EventJobFailed, map[string]any{
		"error_class": e.Class, "error_code": e.Code, "message": e.Message, "node": e.Node, "dead_letter": m.Job.DeadLetter,
	})
}

// keep writes the error beside the duration that the move already holds.
func (m *Move) keep(e JobError) *DataChange {
	d := &DataChange{Error: &e}
	if m.Data != nil {
		d.DurationMS = m.Data.DurationMS
	}
	return d
}
