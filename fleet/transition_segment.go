package fleet

import "time"

// A job whose nodes are placed in different places is cut into segments. The job
// itself is then a whole: it is never placed and has no attempts, and all that
// happens to it follows from its segments, each of which is a job that waits for
// the one before it.

// Turn finds the segment by which a whole stands: the first that has not
// completed, or the last. The segments come in their order; nil if there is none.
func Turn(segments []Job) *Job {
	for i := range segments {
		if segments[i].State != Completed {
			return &segments[i]
		}
	}
	if len(segments) == 0 {
		return nil
	}
	return &segments[len(segments)-1]
}

// SegmentTurn is how the segments of a whole stand.
type SegmentTurn struct {
	Segment    Job       // see Turn
	Error      *JobError // of that segment, if it did not end well
	Result     []byte    // of all, once they have completed
	DurationMS int64     // of all
}

// AfterSegment is T33: a segment has moved. It is nil when that changes nothing
// for the whole. The store commits it in the transaction of the segment's move.
func (s Subject) AfterSegment(t SegmentTurn, now time.Time) (*Move, error) {
	if s.Job.Segments == 0 || s.Job.State.Final() || s.Job.State == Assigned || s.Job.State == NeedsDecision {
		return nil, s.refused(OnSegment)
	}
	m := s.begin("T33")
	m.Attempt = nil
	at := &t.Segment
	switch at.State {
	case Running:
		return m.segmentRuns(at, now), nil
	case Cancelling:
		if at.StopReason != StopCancel { // it comes back, or it ends by its limit
			return nil, nil
		}
		return m.segmentStops(at, now), nil
	case Completed, Failed, Cancelled, TimedOut:
		return m.segmentEnds(t, now), nil
	case Pending, Assigned, NeedsDecision:
	}
	return nil, nil
}

// segmentRuns shows the robot that has the whole now.
func (m *Move) segmentRuns(at *Job, now time.Time) *Move {
	j := &m.Job
	switch {
	case m.From == Cancelling, m.From == Running && j.RobotID == at.RobotID:
		return nil
	case m.From == Running: // nothing new of the whole: no event
		j.RobotID = at.RobotID
		return m
	}
	j.State, j.RobotID, j.StartedAt, j.FirstStartedAt = Running, at.RobotID, now, now
	j.WaitingOn, j.WaitingCode, j.WaitingSince = "", "", time.Time{}
	return m.emit(EventJobStarted, map[string]any{"robot_id": at.RobotID})
}

func (m *Move) segmentStops(at *Job, now time.Time) *Move {
	j := &m.Job
	same := m.From == Cancelling && j.StopDeadline.Equal(at.StopDeadline) && j.StopForce == at.StopForce
	if same {
		return nil
	}
	j.State, j.StopReason, j.StopForce, j.StopDeadline, j.RobotID = Cancelling, StopCancel, at.StopForce, at.StopDeadline, at.RobotID
	j.WaitingOn, j.WaitingCode, j.WaitingSince = "", "", time.Time{}
	return m.emit(EventJobCancelRequested, map[string]any{"grace_ms": at.StopGrace(now).Milliseconds(), "stop_reason": StopCancel})
}

// segmentEnds ends the whole as the segment that decides has ended.
func (m *Move) segmentEnds(t SegmentTurn, now time.Time) *Move {
	j, at := &m.Job, &t.Segment
	j.CancelOutcome, j.CancelTooLate = at.CancelOutcome, at.CancelTooLate
	m.Data = &DataChange{Error: t.Error, DurationMS: t.DurationMS}
	if at.RobotID != "" {
		j.RobotID = at.RobotID
	}
	m.end(at.State, at.EndReason, now)
	j.ErrorClass, j.ErrorCode = at.ErrorClass, at.ErrorCode
	var e JobError
	if t.Error != nil {
		e = *t.Error
	}
	switch at.State { //nolint:exhaustive // the caller has looked: it is final
	case Completed:
		j.ErrorClass, j.ErrorCode, j.Progress = "", "", 100
		m.Data = &DataChange{Result: t.Result, ClearError: true, DurationMS: t.DurationMS}
		return m.emit(EventJobCompleted, map[string]any{"robot_id": j.RobotID, "success": true, "execution_time_ms": t.DurationMS})
	case Failed:
		j.DeadLetter, j.DeadLetterReason = at.DeadLetterReason != "", at.DeadLetterReason
		return m.emit(EventJobFailed, map[string]any{
			"error_class": j.ErrorClass, "error_code": j.ErrorCode, "message": e.Message, "node": e.Node, "dead_letter": j.DeadLetter,
		})
	case TimedOut:
		return m.emit(EventJobTimeout, map[string]any{"reason": at.EndReason})
	}
	return m.emit(EventJobCancelled, map[string]any{"reason": at.EndReason})
}

// RunLeft is how much of the run time of a whole is left behind a segment that
// has ended. Only the time of the attempt that ended it counts, as waiting does
// not; and however the clock was set meanwhile, something is left.
func (j *Job) RunLeft() time.Duration {
	used := max(j.EndedAt.Sub(j.StartedAt), 0)
	return max(j.RunTimeout.Std()-used, time.Second)
}

// SegmentSpec is a segment of a final job anew: part of the job that repeats it.
func (s Subject) SegmentSpec(id, whole ID, by string) JobSpec {
	spec := s.again(id, by)
	spec.RetryOf, spec.Parent, spec.Segment = "", whole, s.Job.Segment
	return spec
}
