package fleet

import (
	"encoding/json"
	"time"
)

// Decision is a person's answer to a job that needs one.
type Decision struct {
	By     string
	Do     string // retry, complete, fail or cancel
	Reason string
	Result []byte
	// Effects says of the steps that were left open whether they were done. If it
	// says anything, it speaks of every one of them.
	Effects []EffectAnswer
}

// EffectAnswer says of a step that must not run twice whether it was done.
type EffectAnswer struct {
	Node string `json:"node_id"`
	// Key tells the executions of a node apart; empty is all that are open.
	Key  string `json:"effect_key,omitempty"`
	Done bool   `json:"done"`
	// Outputs of a step that was done, an object: they stand for those that it
	// would have had. A step without any leaves its outputs empty.
	Outputs json.RawMessage `json:"outputs,omitempty"`
}

// Decide is T28. The caller has checked the right and the version, and brings
// the steps that are open. The move settles them: one that was done is skipped
// by the next attempt, one that was not may run. Of a job that runs again
// without a word about its steps none was done.
func (s Subject) Decide(d Decision, open []Effect, now time.Time) (*Move, error) {
	if s.Job.State != NeedsDecision {
		return nil, s.refused(OnDecide)
	}
	if d.Reason == "" {
		return nil, Invalid("reason", "A decision needs a reason: it is kept with the job.")
	}
	settled, err := d.settle(open, now)
	if err != nil {
		return nil, err
	}
	m := s.begin("T28")
	m.Attempt, m.Effects = nil, settled
	data := map[string]any{"by": d.By, "decision": d.Do, "reason": cutText(d.Reason)}
	for i := range settled {
		put := "steps_not_done"
		if settled[i].State == EffectDone {
			put = "steps_done"
		}
		if list, _ := data[put].([]string); len(list) < maxToldSteps {
			data[put] = append(list, settled[i].Name())
		}
	}
	switch d.Do {
	case "retry":
		m.requeue(WaitingRobot, "", now)
	case "complete":
		m.end(Completed, "decided", now)
		m.Data = &DataChange{Result: d.Result, ClearError: true}
	case "fail":
		m.end(Failed, "decided", now)
		m.Job.ErrorClass = ClassApplication
	case "cancel":
		m.end(Cancelled, "decided", now)
	default:
		return nil, Invalid("decision", "decision must be retry, complete, fail or cancel; got %q.", clip(d.Do, 40))
	}
	return m.emit(EventJobDecided, data), nil
}

// maxToldSteps bounds how many steps an event names.
const maxToldSteps = 100

// Name is what people call an announced step: its node, and which execution of
// it if that is not plain.
func (e *Effect) Name() string {
	if e.Key == "" || e.Key == e.Node {
		return e.Node
	}
	return e.Node + " (" + e.Key + ")"
}

// settle holds the answers against what is open: each speaks of a step that
// still is, and none is left out.
func (d Decision) settle(open []Effect, now time.Time) ([]Effect, error) {
	if len(d.Effects) == 0 && d.Do != "retry" {
		return nil, nil // nobody will ask
	}
	out, said := make([]Effect, 0, len(open)), make([]int, len(d.Effects))
	for _, e := range open {
		e.State, e.EndedAt = EffectFailed, now
		answers := 0
		for i := range d.Effects {
			a := &d.Effects[i]
			if a.Node != e.Node || a.Key != "" && a.Key != e.Key {
				continue
			}
			answers++
			said[i]++
			if a.Done {
				var err error
				if e.Outcome, err = a.outcome(); err != nil {
					return nil, err
				}
				e.State = EffectDone
			}
		}
		switch {
		case answers > 1:
			return nil, Invalid("effects", "effects says more than once whether %s was done.", clip(e.Name(), 200))
		case answers == 0 && len(d.Effects) > 0:
			return nil, Invalid("effects", "effects must say of each open step whether it was done; it says nothing of %s.", clip(e.Name(), 200))
		}
		out = append(out, e)
	}
	for i, a := range d.Effects {
		switch {
		case said[i] == 0:
			return nil, Errorf(CodeConflict, "effect_not_open", "The step %s is not open, or not any more: the robot may have told since how it ended.", clip((&Effect{Node: a.Node, Key: a.Key}).Name(), 200)).
				WithFix("Look at the job again.")
		case !a.Done && len(a.Outputs) > 0:
			return nil, Invalid("effects", "A step that was not done has no outputs; %s has.", clip(a.Node, 200))
		}
	}
	return out, nil
}

// outcome is what the next attempt is told in place of running the step.
func (a *EffectAnswer) outcome() ([]byte, error) {
	if len(a.Outputs) == 0 {
		return nil, nil
	}
	var outputs map[string]json.RawMessage
	if err := json.Unmarshal(a.Outputs, &outputs); err != nil || outputs == nil {
		return nil, Invalid("effects", "The outputs of %s must be an object.", clip(a.Node, 200))
	}
	out, err := json.Marshal(map[string]any{"outputs": a.Outputs})
	switch {
	case err != nil:
		return nil, Internal(err)
	case len(out) > MaxEffectOutcome:
		return nil, Invalid("effects", "The outputs of %s may have %d bytes; got %d.", clip(a.Node, 200), MaxEffectOutcome, len(out))
	case Nesting(out) > MaxNesting:
		return nil, Invalid("effects", "The outputs of %s are nested too deeply.", clip(a.Node, 200))
	}
	return out, nil
}
