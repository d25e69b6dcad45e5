package client

import (
	"context"
	"net/url"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// StepQuery selects steps of a job.
type StepQuery struct {
	Epoch int64 // attempt to start in; 0: the first
	From  int64 // number of a step in that attempt to start at
	Limit int   // 0: 1000
}

// StepPage is a part of a job's steps and where to go on.
type StepPage struct {
	JobID     fleet.ID     `json:"job_id"`
	Status    fleet.State  `json:"status"`
	Steps     []fleet.Step `json:"steps"`
	NextEpoch int64        `json:"next_epoch"`
	NextStep  int64        `json:"next_step"`
}

// NodeTime is what one node did in one attempt, all its passes together.
type NodeTime struct {
	JobID     fleet.ID         `json:"job_id"`
	Epoch     int64            `json:"epoch"`
	Node      string           `json:"node_id"`
	NodeType  string           `json:"node_type"`
	Status    fleet.StepStatus `json:"status"`
	Passes    int              `json:"passes"`
	Failed    int              `json:"failed"`
	TotalMS   int64            `json:"total_ms"`
	StartedAt time.Time        `json:"started_at"`
	EndedAt   time.Time        `json:"ended_at,omitzero"`
	Error     string           `json:"error,omitempty"`
}

// Timeline says when what happened in a job.
type Timeline struct {
	Job      fleet.Job       `json:"job"`
	Now      time.Time       `json:"now"`
	Parts    []fleet.Job     `json:"segment_jobs"`
	Attempts []fleet.Attempt `json:"attempts"`
	Nodes    []NodeTime      `json:"nodes"`
	Steps    int             `json:"steps"`
	Cut      bool            `json:"cut"`
}

// LogMatch is a line that a search found.
type LogMatch struct {
	Epoch int64  `json:"epoch"`
	Line  int64  `json:"line"`
	Level string `json:"level"`
	Node  string `json:"node_id,omitempty"`
}

// LogFound says how the lines of a log are spread, and where the matches are.
type LogFound struct {
	Lines      int64            `json:"lines"`
	Levels     map[string]int64 `json:"levels"`
	FirstError *LogMatch        `json:"first_error,omitempty"`
	Matches    []LogMatch       `json:"matches"`
	Found      int64            `json:"found"`
}

// LogSearch is what a search looks for; what is empty matches every line.
type LogSearch struct {
	Text  string
	Level string
	Node  string
	Limit int // of the matches; 0: 1000
}

// JobSteps returns steps of a job: each execution of a node.
func (c *Client) JobSteps(ctx context.Context, id fleet.ID, q StepQuery) (out StepPage, err error) {
	v := url.Values{}
	set(v, "epoch", q.Epoch)
	set(v, "from_step", q.From)
	set(v, "limit", q.Limit)
	err = c.get(ctx, at("jobs", string(id), "steps"), v, &out)
	return out, err
}

// JobTimeline returns when what happened in a job.
func (c *Client) JobTimeline(ctx context.Context, id fleet.ID) (out Timeline, err error) {
	err = c.get(ctx, at("jobs", string(id), "timeline"), nil, &out)
	return out, err
}

// SearchJobLog looks through all lines of a job's log.
func (c *Client) SearchJobLog(ctx context.Context, id fleet.ID, s LogSearch) (out LogFound, err error) {
	v := url.Values{}
	set(v, "q", s.Text)
	set(v, "level", s.Level)
	set(v, "node_id", s.Node)
	set(v, "limit", s.Limit)
	err = c.get(ctx, at("jobs", string(id), "log", "search"), v, &out)
	return out, err
}
