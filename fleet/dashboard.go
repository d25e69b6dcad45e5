package fleet

import (
	"encoding/json"
	"time"
)

// DashboardJob is a job as the original's web dashboard reads it. It puts a job
// that it does not know into its table as it is, so nothing may be missing.
type DashboardJob struct {
	JobID        ID              `json:"job_id"`
	WorkflowID   ID              `json:"workflow_id"`
	WorkflowName string          `json:"workflow_name"`
	Status       string          `json:"status" enum:"queued,assigned,running,completed,failed,cancelled,timeout"`
	FleetStatus  State           `json:"fleet_status" doc:"The state in our own words."`
	Priority     Priority        `json:"priority"`
	Environment  string          `json:"environment"`
	RobotID      *RobotID        `json:"assigned_robot_id"`
	Input        json.RawMessage `json:"input"`
	Result       json.RawMessage `json:"result" doc:"Null if there is none, or it has more than 64 KiB."`
	Error        *string         `json:"error"`
	Progress     *int            `json:"progress"`
	CurrentNode  string          `json:"current_node"`
	CreatedAt    time.Time       `json:"created_at"`
	StartedAt    *time.Time      `json:"started_at"`
	CompletedAt  *time.Time      `json:"completed_at"`
	RetryCount   int             `json:"retry_count"`
	MaxRetries   int             `json:"max_retries"`
}

// dashboardPart is the most of an input or a result that is shown in a row.
const dashboardPart = 64 << 10

// NewDashboardJob shows a job in a state that it was in.
func NewDashboardJob(j *Job, state State, d *JobData) DashboardJob {
	ms := func(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
	out := DashboardJob{
		JobID: j.ID, WorkflowID: j.Workflow.ID, WorkflowName: j.Workflow.Name, Status: DashboardState(state), FleetStatus: state,
		Priority: j.Priority, Environment: j.Environment, Input: json.RawMessage("{}"), CreatedAt: ms(j.CreatedAt),
		RetryCount: j.RetriesUsed, MaxRetries: j.Retry.Max,
	}
	if n := len(d.Variables); n > 0 && n <= dashboardPart {
		out.Input = d.Variables
	}
	if state != Pending {
		if j.RobotID != "" {
			id := j.RobotID
			out.RobotID = &id
		}
		if !j.StartedAt.IsZero() {
			out.StartedAt = new(ms(j.StartedAt))
		}
	}
	switch {
	case state == Completed:
		out.Progress = new(100)
	case state.Live():
		out.Progress, out.CurrentNode = new(j.Progress), j.CurrentNode
	}
	if state == NeedsDecision {
		out.Error = new(LegacyQuestion(j.ID))
	}
	if state.Final() {
		out.CompletedAt = new(ms(j.EndedAt))
		if n := len(d.Result); n > 0 && n <= dashboardPart {
			out.Result = d.Result
		}
		if d.Error != nil {
			out.Error = new(d.Error.Message)
		}
	}
	return out
}
