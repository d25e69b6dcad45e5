package fleet

// Prioritize is T34: a job that waits is more or less urgent from now on. Nil and
// no error means that it is so already. Its place among those of one priority
// stays that of its submission.
func (s Subject) Prioritize(to Priority, by string) (*Move, error) {
	if err := to.Validate(); err != nil {
		return nil, err
	}
	if s.Job.State != Pending {
		return nil, s.settled()
	}
	if s.Job.Priority == to {
		return nil, nil
	}
	m := s.begin("T34")
	m.Attempt, m.Asks = nil, true
	m.Job.Priority = to
	return m.emit(EventJobPriority, map[string]any{"from": s.Job.Priority, "to": to, "by": by}), nil
}

// Retarget is T35: a job that waits asks for another robot from now on; empty is
// any. Nil and no error means that it does so already. Whether the robot can run
// it has been looked at before.
func (s Subject) Retarget(to RobotID, by string) (*Move, error) {
	switch {
	case s.Job.State != Pending:
		return nil, s.settled()
	case s.Job.Segments > 0:
		return nil, Invalid("target_robot_id", "Job %s runs in %d parts, each on a robot of its own.", s.Job.ID, s.Job.Segments)
	case s.Job.Parent != "":
		return nil, Invalid("target_robot_id", "Job %s is a part of job %s; its nodes say where it runs.", s.Job.ID, s.Job.Parent)
	case s.Job.Target == to:
		return nil, nil
	}
	m := s.begin("T35")
	m.Attempt, m.Asks = nil, true
	m.Job.Target = to
	about := map[string]any{"by": by}
	if s.Job.Target != "" {
		about["from_robot_id"] = s.Job.Target
	}
	if to != "" {
		about["to_robot_id"] = to
	}
	return m.emit(EventJobMoved, about), nil
}

// settled explains that what a job asks for can no longer be changed.
func (s Subject) settled() error {
	if s.Job.State.Final() {
		return Errorf(CodeConflict, "invalid_state", "Job %s has ended: it is %s. Only a job that waits can be changed.", s.Job.ID, s.Job.State)
	}
	return Errorf(CodeConflict, "invalid_state", "Job %s is %s. Only a job that waits can be changed.", s.Job.ID, s.Job.State)
}
