package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// JobBulkBody asks the same of many jobs.
type JobBulkBody struct {
	Kind   fleet.CommandKind `json:"kind" enum:"job_cancel,job_retry,job_priority,job_move"`
	Jobs   []fleet.ID        `json:"ids,omitempty" doc:"At most 10000 jobs."`
	Filter *JobFilterBody    `json:"filter,omitempty" doc:"Instead of ids: all jobs that match now and of which this can be asked; {} is all of them."`
	Params JobBulkParams     `json:"params,omitzero"`
}

// JobBulkParams are those of the single request.
type JobBulkParams struct {
	Grace  *int64 `json:"grace_seconds,omitempty" doc:"Of a cancel: 0 to 3600; 60 if left out."`
	Force  bool   `json:"force,omitempty" doc:"Of a cancel: do not wait for the step to end."`
	Reason string `json:"reason,omitempty" doc:"Of a cancel."`

	From string `json:"from,omitempty" enum:"start,failed_node" doc:"Of job_retry. start, or left out: all of the workflow. failed_node: each job goes on with the node that failed where it can, and begins from the start where it cannot."`

	Priority *fleet.Priority `json:"priority,omitempty" doc:"Of job_priority: 0 to 20, 0 goes first."`
	Target   string          `json:"target_robot_id,omitempty" doc:"Of job_move: the id of a robot, or any."`
}

// JobFilterBody selects jobs as the query of their list does.
type JobFilterBody struct {
	Status   []string         `json:"status,omitempty"`
	Robot    []string         `json:"robot_id,omitempty"`
	Workflow []string         `json:"workflow_id,omitempty"`
	Why      []string         `json:"why,omitempty"`
	Trigger  []string         `json:"trigger,omitempty"`
	Priority []fleet.Priority `json:"priority,omitempty"`
	Text     string           `json:"q,omitempty"`
	From     string           `json:"from,omitempty"`
	To       string           `json:"to,omitempty"`
}

func (b *JobFilterBody) query() (orchestrator.JobQuery, error) {
	in := JobFilterInput{Status: b.Status, Robot: b.Robot, Workflow: b.Workflow, Why: b.Why, Trigger: b.Trigger, Text: b.Text, From: b.From, To: b.To}
	for _, p := range b.Priority {
		in.Priority = append(in.Priority, strconv.Itoa(int(p)))
	}
	return in.query()
}

func (a *API) jobBulkRoutes() {
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/bulk-actions", id: "jobs.act_many", summary: "Cancel, retry or change many jobs",
		may: need(fleet.JobsRun), rate: rateWrite, status: http.StatusAccepted, body: jsonBody[JobBulkBody](bulkBody, true),
		description: "The jobs are fixed when it is asked; each is asked as it would be alone, and has its own result in `GET /bulk-operations/{id}`. The first 100 are done before the answer.",
	}, a.actOnJobs)
}

func (a *API) actOnJobs(ctx context.Context, _ *struct{}) (*bulkEntryReply, error) {
	body, err := decode[JobBulkBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	jobs := a.o.Orchestrator.Jobs
	in := orchestrator.JobBulk{Kind: body.Kind, Jobs: body.Jobs, Change: fleet.JobChange{
		Grace: fleet.Duration(jobs.DefaultGrace()), Force: body.Params.Force, Reason: body.Params.Reason,
	}}
	if g := body.Params.Grace; g != nil {
		if *g < 0 || *g > 3600 {
			return nil, fleet.Invalid("params.grace_seconds", "params.grace_seconds must be between 0 and 3600; got %d.", *g)
		}
		in.Change.Grace = fleet.Duration(time.Duration(*g) * time.Second)
	}
	switch body.Kind { //nolint:exhaustive // the rest need nothing more
	case fleet.BulkRetryJobs:
		switch body.Params.From {
		case "", orchestrator.RetryFromStart:
		case orchestrator.RetryFromFailed:
			in.Change.Onward = true
		default:
			return nil, fleet.Invalid("params.from", "params.from must be start or failed_node; got %.40q.", body.Params.From)
		}
	case fleet.BulkPriorityJobs:
		if body.Params.Priority == nil {
			return nil, fleet.Invalid("params.priority", "params.priority must be between 0 and 20.")
		}
		in.Change.Priority = *body.Params.Priority
	case fleet.BulkMoveJobs:
		if in.Change.Target, err = targetOf("params.target_robot_id", body.Params.Target); err != nil {
			return nil, err
		}
	}
	if body.Filter != nil {
		q, err := body.Filter.query()
		if err != nil {
			return nil, err
		}
		in.Query = &q
	}
	b, err := jobs.StartBulk(ctx, auth.From(ctx), in)
	if err != nil {
		return nil, err
	}
	return &bulkEntryReply{showBulk(b)}, nil
}
