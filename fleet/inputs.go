package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MaxInputs is how many bytes the inputs of a job may have when they are handed
// to a robot: what fits one message of the protocol beside all else.
const MaxInputs = 1<<20 - 64<<10

// FromJob is an input that is filled from the outputs of a parent: a value of
// the form {"from_job": ID, "pointer": "/invoice/id"}.
type FromJob struct {
	Job     ID     `json:"from_job"`
	Pointer string `json:"pointer"`
}

// fromJob reads a value of that form; ok is false for any other.
func fromJob(raw json.RawMessage) (f FromJob, ok bool) {
	if !bytes.Contains(raw, []byte(`"from_job"`)) {
		return f, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return f, dec.Decode(&f) == nil && f.Job != ""
}

// InputsFrom lists what the variables of a job take from other jobs, by the
// variable's name. Only values at the first level count.
func InputsFrom(variables []byte) (map[string]FromJob, error) {
	if !bytes.Contains(variables, []byte(`"from_job"`)) {
		return nil, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(variables, &values); err != nil {
		return nil, Invalid("variables", "variables must be a JSON object.")
	}
	out := map[string]FromJob{}
	for name, raw := range values {
		if f, ok := fromJob(raw); ok {
			if f.Pointer != "" && f.Pointer[0] != '/' {
				return nil, Invalid("variables."+clip(name, 80), "pointer must be empty or begin with /; got %q.", clip(f.Pointer, 80))
			}
			out[name] = f
		}
	}
	return out, nil
}

// Outputs are what a job hands on: the variables that its workflow ended with
// or, where the result has no object of that name, the result itself.
func Outputs(result json.RawMessage) json.RawMessage {
	var ended struct {
		Variables json.RawMessage `json:"variables"`
	}
	if json.Unmarshal(result, &ended) == nil && len(ended.Variables) > 0 && ended.Variables[0] == '{' {
		return ended.Variables
	}
	return result
}

// FillInputs puts outputs of parents where the variables ask for them. problem
// says in a sentence what could not be filled.
func FillInputs(variables []byte, result func(ID) (json.RawMessage, error)) (filled []byte, problem string, err error) {
	from, err := InputsFrom(variables)
	if err != nil || len(from) == 0 {
		return variables, "", err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(variables, &values); err != nil {
		return nil, "", err
	}
	outputs := map[ID]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		f := from[name]
		doc, read := outputs[f.Job]
		if !read {
			if doc, err = result(f.Job); err != nil {
				return nil, "", err
			}
			doc = Outputs(doc)
			outputs[f.Job] = doc
		}
		value, ok := Pointer(doc, f.Pointer)
		if !ok {
			return nil, fmt.Sprintf("The input %s takes %q from job %s, whose outputs have no such value.", clip(name, 80), clip(f.Pointer, 80), f.Job), nil
		}
		values[name] = value
	}
	if filled, err = json.Marshal(values); err != nil {
		return nil, "", err
	}
	switch {
	case len(filled) > MaxInputs:
		return nil, fmt.Sprintf("With the outputs of the jobs before, the inputs have %d bytes; at most %d may be handed to a robot. Hand on a file's name instead.", len(filled), MaxInputs), nil
	case Nesting(filled) > MaxNesting:
		return nil, fmt.Sprintf("With the outputs of the jobs before, the inputs are nested more than %d deep.", MaxNesting), nil
	}
	return filled, "", nil
}

// RenameInputs puts ids where the variables name jobs of the same request.
func RenameInputs(variables []byte, id func(ref string) (ID, bool)) ([]byte, error) {
	from, err := InputsFrom(variables)
	if err != nil || len(from) == 0 {
		return variables, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(variables, &values); err != nil {
		return nil, err
	}
	for name, f := range from {
		if to, ok := id(string(f.Job)); ok {
			f.Job = to
			if values[name], err = json.Marshal(f); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(values)
}

// Pointer finds a value in a JSON document by its JSON Pointer (RFC 6901).
func Pointer(doc json.RawMessage, pointer string) (json.RawMessage, bool) {
	if len(doc) == 0 {
		return nil, false
	}
	if pointer == "" {
		return doc, true
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch doc = bytes.TrimSpace(doc); doc[0] {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(doc, &m) != nil || m[token] == nil {
				return nil, false
			}
			doc = m[token]
		case '[':
			var l []json.RawMessage
			i, err := strconv.Atoi(token)
			if json.Unmarshal(doc, &l) != nil || err != nil || i < 0 || i >= len(l) || token != strconv.Itoa(i) {
				return nil, false
			}
			doc = l[i]
		default:
			return nil, false
		}
	}
	return doc, true
}
