package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// Jobs as the original's fleet dialog reads them: a bare array, in its words.

// JobRow is a job in the form of the original.
type JobRow struct {
	JobID        fleet.ID       `json:"job_id"`
	ID           fleet.ID       `json:"id"`
	WorkflowID   fleet.ID       `json:"workflow_id"`
	WorkflowName string         `json:"workflow_name"`
	RobotID      *fleet.RobotID `json:"robot_id"`
	RobotName    string         `json:"robot_name"`
	Status       string         `json:"status" enum:"pending,running,completed,failed,cancelled,timeout"`
	FleetStatus  fleet.State    `json:"fleet_status" doc:"The state in our own words."`
	Progress     int            `json:"progress"`
	CurrentNode  string         `json:"current_node"`
	CreatedAt    *time.Time     `json:"created_at"`
	StartedAt    *time.Time     `json:"started_at"`
	ClaimedAt    *time.Time     `json:"claimed_at" doc:"The same as started_at."`
	CompletedAt  *time.Time     `json:"completed_at" doc:"The end, however it ended."`
	DurationMS   int64          `json:"duration_ms" doc:"Of the last attempt; while it runs, until now."`
	Duration     float64        `json:"duration" doc:"The same in seconds."`
	ErrorMessage string         `json:"error_message"`
}

// JobRowDetail is one job in the form of the original.
type JobRowDetail struct {
	JobRow
	ErrorType  string         `json:"error_type"`
	RetryCount int            `json:"retry_count" doc:"Attempts that began, but the first."`
	Nodes      []NodeRowEntry `json:"node_executions" doc:"Steps are not kept one by one yet: always empty."`
}

// NodeRowEntry is one step of a job in the form of the original.
type NodeRowEntry struct {
	NodeID       string     `json:"node_id"`
	NodeName     string     `json:"node_name"`
	NodeType     string     `json:"node_type"`
	Status       string     `json:"status"`
	StartedAt    *time.Time `json:"started_at"`
	CompletedAt  *time.Time `json:"completed_at"`
	DurationMS   int64      `json:"duration_ms"`
	ErrorMessage string     `json:"error_message"`
}

func (a *API) legacyJobRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/jobs", id: "jobs.rows", summary: "List the newest jobs in the form of the original",
		may: need(fleet.JobsRead), rate: rateJobs,
		description: "A bare array; an empty one if there are none. A status selects the rows that show this word.",
	}, a.jobRows)
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/jobs/{id}", id: "jobs.row", summary: "Get a job in the form of the original",
		may: need(fleet.JobsRead), rate: rateOneJob,
	}, a.jobRow)
}

type jobRowsInput struct {
	Limit    int    `query:"limit" default:"50" doc:"1 to 500."`
	Status   string `query:"status" doc:"pending (or queued), running (or claimed), completed, failed, cancelled or timeout."`
	Workflow string `query:"workflow_id"`
	Robot    string `query:"robot_id"`
}

// rowStates are the states that show a word.
func rowStates(word string) []fleet.State {
	switch word {
	case "queued":
		word = "pending"
	case "claimed":
		word = "running"
	}
	var out []fleet.State
	for _, s := range fleet.States() {
		if fleet.LegacyState(s) == word {
			out = append(out, s)
		}
	}
	return out
}

type jobRowsReply struct{ Body []JobRow }

func (a *API) jobRows(ctx context.Context, in *jobRowsInput) (*jobRowsReply, error) {
	if in.Limit < 1 || in.Limit > fleet.PageMax {
		return nil, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", fleet.PageMax, in.Limit)
	}
	f := orchestrator.JobFilter{Robot: fleet.RobotID(in.Robot), Workflow: fleet.ID(in.Workflow)}
	if in.Status != "" {
		if f.States = rowStates(in.Status); len(f.States) == 0 {
			return nil, fleet.Invalid("status", "status must be pending, queued, running, claimed, completed, failed, cancelled or timeout; got %q.", clip(in.Status, 40))
		}
	}
	list, err := a.o.Orchestrator.Jobs.Rows(ctx, auth.From(ctx), f, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &jobRowsReply{Body: make([]JobRow, 0, len(list))}
	for i := range list {
		out.Body = append(out.Body, a.showJobRow(&list[i]))
	}
	return out, nil
}

type jobRowInput struct {
	ID string `path:"id"`
}

type jobRowReply struct{ Body JobRowDetail }

func (a *API) jobRow(ctx context.Context, in *jobRowInput) (*jobRowReply, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return nil, fleet.NotFound("job", in.ID)
	}
	row, attempts, err := a.o.Orchestrator.Jobs.Row(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	out := JobRowDetail{JobRow: a.showJobRow(&row), RetryCount: max(attempts-1, 0), Nodes: []NodeRowEntry{}}
	if row.Error != nil {
		out.ErrorType = row.Error.ErrorType()
	}
	return &jobRowReply{out}, nil
}

func (a *API) showJobRow(r *orchestrator.JobRow) JobRow {
	j := &r.Job
	row := JobRow{
		JobID: j.ID, ID: j.ID, WorkflowID: j.Workflow.ID, WorkflowName: j.Workflow.Name, RobotName: r.RobotName, Status: fleet.LegacyState(j.State), FleetStatus: j.State,
		Progress: j.Progress, CurrentNode: j.CurrentNode, CreatedAt: shown(j.CreatedAt), StartedAt: shown(j.StartedAt), ClaimedAt: shown(j.StartedAt), CompletedAt: shown(j.EndedAt),
		DurationMS: j.RunMS(),
	}
	if j.RobotID != "" {
		row.RobotID = &j.RobotID
	}
	if j.State == fleet.Completed {
		row.Progress = 100
	}
	if slices.Contains([]fleet.State{fleet.Running, fleet.Cancelling}, j.State) && !j.StartedAt.IsZero() {
		row.DurationMS = max(a.o.Now().Sub(j.StartedAt).Milliseconds(), 0)
	}
	row.Duration = float64(row.DurationMS) / 1000
	switch {
	case r.Error != nil:
		row.ErrorMessage = r.Error.Message
	case j.State == fleet.NeedsDecision:
		row.ErrorMessage = fleet.LegacyQuestion(j.ID)
	}
	return row
}
