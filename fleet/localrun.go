package fleet

import (
	"encoding/json"
	"time"
)

// LocalRun is one run of a workflow in the very program that serves the page:
// no robot, no lease, nothing that outlives the program. It has the states of a
// job.
type LocalRun struct {
	ID          ID              `json:"run_id"`
	Name        string          `json:"workflow_name"`
	File        string          `json:"file,omitempty"` // below the folder, if it came from one
	Host        string          `json:"host"`
	State       State           `json:"status"`
	Progress    int             `json:"progress"`
	CurrentNode string          `json:"current_node,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	StartedAt   time.Time       `json:"started_at,omitzero"`
	EndedAt     time.Time       `json:"ended_at,omitzero"`
	DurationMS  int64           `json:"duration_ms,omitempty"`
	Nodes       []NodeRun       `json:"nodes"` // in the order of their first execution
	Error       *JobError       `json:"error,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"` // the variables that it left
	Notes       []string        `json:"notes,omitempty"`  // what had to be mended in the document
	Version     int64           `json:"v"`                // rises with each change
}

// NodeRun is how a node of a run stands.
type NodeRun struct {
	ID         string    `json:"node_id"`
	Type       string    `json:"node_type,omitempty"`
	Status     string    `json:"status"` // running, completed, failed, skipped, cancelled
	Runs       int       `json:"runs"`   // executions, more than one in loops
	StartedAt  time.Time `json:"started_at,omitzero"`
	DurationMS int64     `json:"duration_ms"` // of the newest execution
	Error      string    `json:"error,omitempty"`
	Notes      []string  `json:"notes,omitempty"`
}

// LocalStart asks for a local run.
type LocalStart struct {
	Document  []byte
	Name      string // empty: the document's own
	File      string // for the record
	Variables json.RawMessage
	Timeout   time.Duration // 0: none
}

// LocalLog is a part of the log of a local run. Lines count from 1.
type LocalLog struct {
	Run   LocalRun
	Lines []LogLine
}

// LocalFile is a workflow file in the folder of the program that serves the
// page. Its path is relative, with slashes.
type LocalFile struct {
	Path       string    `json:"path"`
	Name       string    `json:"workflow_name,omitempty"` // as the document says
	Size       int64     `json:"size_bytes"`
	ModifiedAt time.Time `json:"modified_at"`
	ETag       string    `json:"etag,omitempty"` // of its content
	Text       string    `json:"text,omitempty"` // its content as it is, when one file is opened
}

// Link is how the program on an author's machine stands with its orchestrator.
type Link struct {
	State string    `json:"state" enum:"connected,connecting,refused,offline" doc:"refused: an orchestrator answers and the key does not count."`
	URL   string    `json:"url,omitempty" doc:"The address that answered last."`
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"message,omitempty" doc:"What to do, where it is not connected."`
	Tried []LinkTry `json:"tried" doc:"Each address in the order of trying."`
}

// LinkTry is one address and how it answered.
type LinkTry struct {
	URL    string `json:"url"`
	Source string `json:"source" doc:"Where the address comes from: given, --url, config.yaml, the name of an environment variable, default."`
	Result string `json:"result" doc:"ok, or what went wrong; empty: not tried yet."`
}
