package fleet

import "time"

// Regrant is T27: a robot of the original renews its attempt although that was
// taken away, and nobody was given the job since. It never stopped, so giving
// the job to another robot would double it: it gets the job back as a new
// attempt, and what its loss cost is given back.
func (s Subject) Regrant(slot Slot, now time.Time) (*Move, error) {
	a := s.Attempt
	switch {
	case s.Job.State != Pending || s.Job.Segments > 0:
		return nil, s.refused(OnRenew)
	case a == nil || a.Outcome != OutcomeLost || a.StartMode == StartTwoStep || a.RobotID != slot.RobotID:
		return nil, s.notHeld(slot.RobotID, s.Job.Epoch)
	case slot.Taken >= slot.Max:
		return nil, Errorf(CodeConflict, "no_slot", "Robot %s has no free slot.", slot.RobotID)
	}
	m := s.begin("T27")
	j := &m.Job
	j.State, j.Epoch, j.RobotID, j.AssignedAt, j.StartedAt = Running, s.Job.Epoch+1, slot.RobotID, now, now
	j.WaitingOn, j.WaitingCode, j.WaitingSince, j.NotBefore = "", "", time.Time{}, time.Time{}
	j.LostUsed = max(j.LostUsed-1, 0)
	m.NewAttempt = true
	m.Attempt = &Attempt{
		JobID: j.ID, Epoch: j.Epoch, Tenant: j.Tenant, RobotID: slot.RobotID, SessionEpoch: slot.SessionEpoch, StartMode: StartRegrant,
		OfferedAt: now, StartedAt: now, RenewSeq: 3, SlotsAfter: slot.Taken + 1, SlotsMax: slot.Max,
	}
	return m.emit(EventJobStarted, map[string]any{"robot_id": slot.RobotID, "regranted": true}), nil
}
