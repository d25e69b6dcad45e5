package fleet

// MaxGraph is how many jobs are shown of one graph.
const MaxGraph = 10_000

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

// Parents counts the parents of a job by how they ended.
type Parents struct {
	Open, Completed, Failed, Cancelled int
}

// Add counts parents of one state.
func (p *Parents) Add(s State, n int) {
	switch s {
	case Completed:
		p.Completed += n
	case Failed, TimedOut:
		p.Failed += n
	case Cancelled:
		p.Cancelled += n
	case Pending, Assigned, Running, Cancelling, NeedsDecision:
		p.Open += n
	}
}

// Judge says whether the rule is met, and whether it can no longer be.
func (r DependencyRule) Judge(p Parents) (met, unmet bool) {
	switch r {
	case AllFinished:
		return p.Open == 0, false
	case AnyCompleted:
		return p.Completed > 0, p.Open == 0 && p.Completed == 0
	case AnyFailed:
		return p.Failed > 0, p.Open == 0 && p.Failed == 0
	case AllCompleted, "":
	}
	bad := p.Failed+p.Cancelled > 0
	return p.Open == 0 && !bad, bad
}

// Validate checks the words of a dependency.
func (r DependencyRule) Validate() error {
	switch r {
	case "", AllCompleted, AllFinished, AnyCompleted, AnyFailed:
		return nil
	}
	return Invalid("dependency_rule", "dependency_rule must be all_completed, all_finished, any_completed or any_failed; got %q.", clip(string(r), 40))
}

// Validate checks the word.
func (u OnUnmet) Validate() error {
	switch u {
	case "", UnmetCancel, UnmetHold:
		return nil
	}
	return Invalid("on_unmet", "on_unmet must be cancel or hold; got %q.", clip(string(u), 40))
}
