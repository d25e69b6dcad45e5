package fleet

import "time"

// ParentEnd is what the end of a parent means for a job that waits for it.
type ParentEnd struct {
	Parent    ID
	State     State
	Parents   Parents
	Variables []byte // filled in from the parents' results; nil: as they are
	BadInput  string // why they could not be; the job fails
	// RunLeft is what the segments before left of the run time; 0: not a segment.
	RunLeft time.Duration
}

// AfterParent is T30: a parent has ended. It is nil when that decides nothing
// yet. The store commits it in the transaction of the parent's own end.
func (s Subject) AfterParent(p ParentEnd, now time.Time) (*Move, error) {
	j := &s.Job
	if j.State != Pending || (j.WaitingOn != WaitingDependencies && j.WaitingOn != WaitingHold) {
		return nil, s.refused(OnParents)
	}
	met, unmet := j.Rule.Judge(p.Parents)
	m := s.begin("T30")
	m.Attempt = nil
	m.Job.DepsOpen = p.Parents.Open
	switch {
	case met && p.BadInput != "":
		m.Job.DepsOpen = 0
		return m.fail(JobError{Class: ClassInvalid, Code: "input_invalid", Type: "InputInvalid", Message: p.BadInput}.Normalize(), "input_invalid", now), nil
	case met:
		return m.release(p, now), nil
	case unmet && j.OnUnmet == UnmetHold:
		if j.WaitingOn == WaitingHold {
			return nil, nil
		}
		m.requeue(WaitingHold, CodeUnmet, now)
		return m.emit(EventJobUnmet, map[string]any{"parent_id": p.Parent, "parent_state": p.State}), nil
	case unmet:
		m.end(Cancelled, "dependency_unmet", now)
		return m.emit(EventJobCancelled, map[string]any{"reason": "dependency_unmet", "parent_id": p.Parent, "parent_state": p.State}), nil
	}
	return nil, nil
}

// release lets the job run: now, or when its own time has come.
func (m *Move) release(p ParentEnd, now time.Time) *Move {
	j := &m.Job
	j.DepsOpen = 0
	if j.AvailableAt.After(now) {
		j.NotBefore = j.AvailableAt
		m.requeue(WaitingTime, CodeNotBefore, now)
	} else {
		j.AvailableAt = now
		m.requeue(WaitingRobot, "", now)
	}
	j.waits(j.AvailableAt)
	if p.Variables != nil {
		m.Inputs = p.Variables
	}
	if p.RunLeft > 0 {
		j.RunTimeout = Duration(p.RunLeft)
	}
	about := map[string]any{"parent_id": p.Parent, "parent_state": p.State}
	if !j.NotBefore.IsZero() {
		about["not_before"] = j.NotBefore.UTC()
	}
	return m.emit(EventJobReleased, about)
}
