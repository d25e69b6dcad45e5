package gateway

import (
	"encoding/json"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// What robots of the original say at the end of a job, in our words.

// notReported stands in results of robots that keep the outputs to themselves.
const notReported = "The robot does not report outputs."

// ownResult makes a result of ours: what the robot said stays, under the names
// that our clients read too. What it does not report is not made up.
func ownResult(raw json.RawMessage) (json.RawMessage, int64) {
	if fleet.Nesting(raw) > fleet.MaxNesting {
		raw = json.RawMessage(`{"notes":["The result was nested too deep to be kept."]}`)
	}
	said := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &said); err != nil || said == nil { // null, a list, a text
		said = map[string]json.RawMessage{}
		if len(raw) > 0 && string(raw) != "null" {
			said["value"] = raw
		}
	}
	set := func(name string, v any) {
		if _, there := said[name]; !there {
			said[name], _ = json.Marshal(v) // numbers, texts and truths always can be
		}
	}
	var ms, nodes float64
	_ = json.Unmarshal(said["duration_ms"], &ms)               // 0 if it is no number
	if json.Unmarshal(said["executed_nodes"], &nodes) != nil { // some send the list of them
		var list []json.RawMessage
		if json.Unmarshal(said["executed_nodes"], &list) == nil {
			nodes = float64(len(list))
		}
	}
	set("success", true)
	if said["executed_nodes"] != nil {
		set("nodes_executed", int64(nodes))
	}
	if said["variables"] == nil {
		set("notes", []string{notReported})
	}
	out, err := json.Marshal(said)
	if err != nil {
		return json.RawMessage(`{}`), int64(ms) // a raw part was no JSON: it was read a moment ago
	}
	return out, max(int64(ms), 0)
}

// oldCancelled is what the original's robot says of a job that its own end cut
// short. Nobody asked for that.
const oldCancelled = "Job cancelled"

// failure is a failure in the words of the original. Which class it is follows
// from the text alone: there is nothing else.
func failure(message string) fleet.Report {
	r := fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: fleet.ClassApplication, Type: errorType(message), Message: message}}
	if message == oldCancelled {
		r.Kind, r.By = fleet.ReportStopped, fleet.ByShutdown
		r.Error.Class = fleet.ClassInfrastructure
	}
	return r
}

// errorType is a word in front of the message that ends in Error or Exception.
func errorType(message string) string {
	word, _, _ := strings.Cut(message, ":")
	if len(word) <= 128 && !strings.ContainsAny(word, " \t\n") && (strings.HasSuffix(word, "Error") || strings.HasSuffix(word, "Exception")) {
		return word
	}
	return ""
}
