package fleet

import (
	"encoding/json"
	"fmt"
)

// Awaits are the variables of a segment until the one before it hands over its
// own. They name an input that nothing fills: an orchestrator that knows no
// segments, as there may be one while versions are mixed, fails the segment
// because of it and does not let it run without its variables.
func Awaits(before ID) []byte {
	return fmt.Appendf(nil, `{"__handed_over__":{"from_job":%q,"pointer":"/all variables, by an orchestrator that knows segments"}}`, before)
}

// HandOver makes the variables of a segment from the result of the one before
// it: all that its workflow ended with. problem says in a sentence why they
// cannot be handed to a robot.
func HandOver(result json.RawMessage) (variables []byte, problem string) {
	variables = Outputs(result)
	switch {
	case len(variables) == 0:
		return []byte("{}"), ""
	case variables[0] != '{':
		return nil, "The segment before ended without variables that could be handed over: its result is no object."
	case len(variables) > MaxInputs:
		return nil, fmt.Sprintf("The variables of the segment before have %d bytes; at most %d may be handed to a robot. Hand on a file's name instead, or clear what is not needed.", len(variables), MaxInputs)
	case Nesting(variables) > MaxNesting:
		return nil, fmt.Sprintf("The variables of the segment before are nested more than %d deep.", MaxNesting)
	}
	return variables, ""
}

// JoinResults makes the result of a whole from those of its segments: the
// variables are those of the last, since each has all that the ones before it had.
func JoinResults(results []json.RawMessage) json.RawMessage {
	const most = 1000
	if len(results) == 0 {
		return nil
	}
	last := results[len(results)-1]
	joined := map[string]json.RawMessage{}
	if json.Unmarshal(last, &joined) != nil {
		return last
	}
	var nodes, took int64
	var cut bool
	path := []string{}
	notes := []string{}
	for _, r := range results {
		var one struct {
			Nodes int64    `json:"nodes_executed"`
			Took  int64    `json:"duration_ms"`
			Path  []string `json:"execution_path"`
			Cut   bool     `json:"execution_path_cut"`
			Notes []string `json:"notes"`
		}
		if json.Unmarshal(r, &one) != nil {
			return last
		}
		nodes, took, cut = nodes+one.Nodes, took+one.Took, cut || one.Cut
		path, notes = append(path, one.Path...), append(notes, one.Notes...)
	}
	if len(path) > most {
		path, cut = path[:most], true
	}
	put := func(name string, v any, wanted bool) {
		if _, there := joined[name]; !there && !wanted {
			return
		}
		if text, err := json.Marshal(v); err == nil {
			joined[name] = text
		}
	}
	put("nodes_executed", nodes, false)
	put("duration_ms", took, false)
	put("execution_path", path, false)
	put("execution_path_cut", cut, cut)
	put("notes", notes, len(notes) > 0)
	text, err := json.Marshal(joined)
	if err != nil {
		return last
	}
	return text
}
