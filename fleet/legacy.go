package fleet

// The words that programs of the original know, where ours say more. No final
// state has the word of one that is not, nor the reverse.

// LegacyState is a state in the words of the original's fleet dialog.
func LegacyState(s State) string {
	switch s { //nolint:exhaustive // the others are the same
	case Assigned, Cancelling, NeedsDecision:
		return string(Running)
	}
	return string(s)
}

// DashboardState is a state in the words of the original's web dashboard.
func DashboardState(s State) string {
	switch s { //nolint:exhaustive // the others are the same
	case Pending:
		return "queued"
	case Cancelling, NeedsDecision:
		return string(Running)
	}
	return string(s)
}

// LegacyStatus is the status of a robot in the words of the original.
func LegacyStatus(s RobotStatus) string {
	switch s {
	case RobotOnline:
		return "idle"
	case RobotPaused, RobotDraining:
		return string(RobotMaintenance)
	case RobotBusy, RobotOffline, RobotError, RobotMaintenance:
	}
	return string(s)
}

// LegacyQuestion is what programs that know no state needs_decision show as the
// error of such a job.
func LegacyQuestion(id ID) string {
	return "A step that must not run twice was under way when the robot was lost. Somebody has to decide: fleet job decide " + string(id)
}
