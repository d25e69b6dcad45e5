package fleet

// DependencyRule says which ends of its parents release a job.
type DependencyRule string

// The rules. Failed means failed or timeout; cancelled is neither completed nor
// failed.
const (
	AllCompleted DependencyRule = "all_completed" // default
	AllFinished  DependencyRule = "all_finished"
	AnyCompleted DependencyRule = "any_completed"
	AnyFailed    DependencyRule = "any_failed"
)

// OnUnmet says what becomes of a job whose rule can no longer come true.
type OnUnmet string

// The choices.
const (
	UnmetCancel OnUnmet = "cancel" // default
	UnmetHold   OnUnmet = "hold"
)
