package fleet

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxCheckpoint bounds the bytes of a checkpoint.
const MaxCheckpoint = 64 << 10

// CapCheckpoints is the capability of a robot that can go on from a checkpoint.
// The orchestrator gives it by what the robot's program says of itself; nobody
// can set it.
const CapCheckpoints = "checkpoints"

// Listed are the capabilities that people and other programs deal with: what only
// the orchestrator and a robot's program agree on is left out.
func (c Capabilities) Listed() Capabilities { return c.Setting(CapCheckpoints, false) }

// Checkpoint is where an attempt that failed stands, or why nobody can go on
// from there. What is in Data only the robots' engine reads in full.
type Checkpoint struct {
	Epoch  int64
	Node   string // that failed, and runs next
	Data   json.RawMessage
	Reason string // there is no Data
}

// Resumption is the checkpoint that a job starts from.
type Resumption struct {
	From ID     `json:"job_id"` // whose checkpoint it is
	Node string `json:"node"`   // that runs first
	// Before are the nodes that ran in the earlier job, each once.
	Before []string        `json:"done_before"`
	Data   json.RawMessage `json:"-"`
}

// CheckpointHead reads what others than the engine need to know of a checkpoint.
func CheckpointHead(data []byte) (workflow, node string, before []string) {
	var head struct {
		Workflow string   `json:"workflow"`
		Node     string   `json:"node"`
		Before   []string `json:"before"`
	}
	if json.Unmarshal(data, &head) != nil {
		return "", "", nil
	}
	return head.Workflow, head.Node, head.Before
}

// Resumable says whether a job that ended can be gone on from the node where it
// failed: Node is that node, or Reason says in a sentence why not.
type Resumable struct {
	Node   string `json:"node,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Resumable says whether a job can be gone on from where it failed. A job that
// has not ended, or that completed, is not asked.
func (j *Job) Resumable(c Checkpoint) *Resumable {
	no := func(why string) *Resumable { return &Resumable{Reason: why} }
	switch {
	case !j.State.Final() || j.State == Completed:
		return nil
	case j.State != Failed:
		return no("Only a job that failed at a node can go on from there.")
	case j.Segments > 0 || j.Segment > 0:
		return no("A job that runs in several places starts from the start.")
	case c.Epoch != j.Epoch || c.Epoch == 0:
		return no("The last attempt left no checkpoint: it was lost or stopped, or its robot knows none.")
	case len(c.Data) == 0:
		return no(sentence(c.Reason))
	}
	if workflow, _, _ := CheckpointHead(c.Data); workflow != j.Workflow.Hash {
		return no("The checkpoint is of another version of the workflow.")
	}
	return &Resumable{Node: c.Node}
}

// sentence makes a clause one.
func sentence(clause string) string {
	if clause == "" {
		clause = "the robot gave no reason"
	}
	first, size := utf8.DecodeRuneInString(clause)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(clause[size:], ".") + "."
}

// Setting returns the set with a word in it or without it.
func (c Capabilities) Setting(word string, in bool) Capabilities {
	rest := slices.DeleteFunc(slices.Clone(c), func(w string) bool { return w == word })
	if in {
		return rest.Union(Capabilities{word})
	}
	return rest
}
