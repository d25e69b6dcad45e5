package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// CancelBody is the body of a cancel; all of it may be left out.
type CancelBody struct {
	Grace  *int64 `json:"grace_seconds,omitempty" doc:"0 to 3600; 60 if left out. Then the process is killed."`
	Force  bool   `json:"force,omitempty" doc:"Do not wait for the step to end."`
	Reason string `json:"reason,omitempty"`

	Cascade bool `json:"cascade,omitempty" doc:"Stop also what waits or waited for the job, directly or over others."`
}

// CancelAnswer says what a cancel did.
type CancelAnswer struct {
	JobID     fleet.ID    `json:"job_id"`
	Cancelled bool        `json:"cancelled" doc:"Whether the cancel was taken; false for a job that had ended before."`
	Previous  fleet.State `json:"previous_status"`
	Status    fleet.State `json:"status"`
	Message   string      `json:"message"`

	Dependents int `json:"dependents_cancelled,omitempty" doc:"With cascade: how many others were stopped."`
}

// RetryBody is the body of a retry; all of it may be left out.
type RetryBody struct {
	Dependents bool   `json:"with_dependents,omitempty" doc:"Make also those jobs anew that were cancelled because this one did not end as they need."`
	Robot      string `json:"robot,omitempty" doc:"same: the robot that had the job last. any: no certain one, even if the job asked for one. Else the id of a robot; left out: what the job asked for."`
	From       string `json:"from,omitempty" enum:"start,failed_node" doc:"start, or left out: all of the workflow. failed_node: go on with the node that failed; what ran before it does not run again. 409 not_resumable says why that cannot be."`
}

// RetryAnswer names the new job.
type RetryAnswer struct {
	JobID    fleet.ID `json:"job_id" doc:"Of the new job."`
	NewJobID fleet.ID `json:"new_job_id" doc:"The same."`
	Original fleet.ID `json:"original_job_id"`
	Letter   fleet.ID `json:"dlq_entry_id,omitempty" doc:"Of the dead letter that was looked after."`
	Message  string   `json:"message"`

	Dependents []fleet.ID `json:"dependent_job_ids,omitempty" doc:"With with_dependents: the jobs that were made anew, parents first."`
}

// DecideBody is a person's answer to a job that needs one.
type DecideBody struct {
	Decision string          `json:"decision" enum:"retry,complete,fail,cancel"`
	Reason   string          `json:"reason" doc:"Why; kept with the event."`
	Output   json.RawMessage `json:"output,omitempty" doc:"The result, with complete; an object."`

	Effects []fleet.EffectAnswer `json:"effects,omitempty" doc:"Of each open step whether it was done: the next attempt skips one that was, and may run one that was not. Left out with retry: none was done."`
}

func (a *API) jobActionRoutes() {
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/cancel", id: "jobs.cancel", summary: "Stop a job",
		may: need(fleet.JobsRun), rate: rateWrite, body: jsonBody[CancelBody](plainBody, false),
		description: "A job that has ended is answered with `cancelled: false`. A second cancel is the same cancel; a shorter grace or force sharpens it.",
	}, a.cancelJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/retry", id: "jobs.retry", summary: "Make a new job from one that failed, was cancelled or timed out",
		may: need(fleet.JobsRun), rate: rateSubmit, body: jsonBody[RetryBody](plainBody, false),
		description: "Jobs that are held because of this one wait for the new one. Those that were cancelled because of it come back with `with_dependents`. With `from: failed_node` the new job goes on where this one failed; `resumable` of the job says whether that can be.",
	}, a.retryJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/priority", id: "jobs.priority", summary: "Make a job that waits more or less urgent",
		may: need(fleet.JobsRun), rate: rateWrite, body: jsonBody[PriorityBody](plainBody, true),
		description: "A job that no longer waits is refused with 409. A job that runs in parts changes with all parts that still wait, whichever of them is named. To ask for what is so already changes nothing.",
	}, a.prioritizeJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/move", id: "jobs.move", summary: "Let a job that waits ask for another robot, or for any",
		may: need(fleet.JobsRun), rate: rateWrite, body: jsonBody[MoveBody](plainBody, true),
		description: "A job that no longer waits is refused with 409, and a robot that can never run it with 400. One that is busy or offline is waited for. A job that runs in parts is not moved: its nodes say where each part runs.",
	}, a.moveJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/decide", id: "jobs.decide", summary: "Answer a job that needs a decision",
		may: need(fleet.JobsDecide), rate: rateWrite, body: jsonBody[DecideBody](plainBody, true),
		description: "`open_effects` of the job lists the steps that must not run twice and that nobody knows the end of. With `If-Match` the answer is refused with 412 if the job has changed since it was read, and with 409 if it speaks of a step that is not open any more.",
	}, a.decideJob)
}

type cancelReply struct{ Body CancelAnswer }

func (a *API) cancelJob(ctx context.Context, in *JobInput) (*cancelReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := optional[CancelBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	jobs := a.o.Orchestrator.Jobs
	req := fleet.CancelRequest{Reason: body.Reason, Grace: jobs.DefaultGrace(), Force: body.Force}
	if body.Grace != nil {
		if *body.Grace < 0 || *body.Grace > 3600 {
			return nil, fleet.Invalid("grace_seconds", "grace_seconds must be between 0 and 3600; got %d.", *body.Grace)
		}
		req.Grace = time.Duration(*body.Grace) * time.Second
	}
	cancel := jobs.Cancel
	if body.Cascade {
		cancel = jobs.CancelBranch
	}
	answer, err := cancel(ctx, auth.From(ctx), id, req)
	if err != nil {
		return nil, err
	}
	return &cancelReply{CancelAnswer{
		JobID: id, Cancelled: answer.Accepted, Previous: answer.Previous, Status: answer.Job.State, Message: cancelMessage(answer.Previous, answer.Job),
		Dependents: answer.Dependents,
	}}, nil
}

func cancelMessage(previous fleet.State, job fleet.Job) string {
	switch {
	case previous.Final():
		return "The job had ended before: " + string(previous) + "."
	case job.State == fleet.Cancelled:
		return "The job is cancelled."
	}
	return "The robot was told to stop; the job is cancelled by " + job.StopDeadline.UTC().Format(time.RFC3339) + " at the latest."
}

type retryReply struct {
	Location string `header:"Location"`
	Body     RetryAnswer
}

func (a *API) retryJob(ctx context.Context, in *JobInput) (*retryReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := optional[RetryBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	p := auth.From(ctx)
	if err := a.limitSubmits(ctx, p, 1); err != nil {
		return nil, err
	}
	jobs := a.o.Orchestrator.Jobs
	job, dependents, err := jobs.Retry(ctx, p, id, orchestrator.RetryHow{Dependents: body.Dependents, Robot: body.Robot, From: body.From})
	if e, ok := errors.AsType[*fleet.Error](err); ok && e.Reason == "invalid_state" {
		e := *e
		e.Status = http.StatusBadRequest // as programs of the original know it
		return nil, &e
	}
	if err != nil {
		return nil, err
	}
	return &retryReply{
		Location: Base + "/jobs/" + string(job.ID),
		Body:     RetryAnswer{JobID: job.ID, NewJobID: job.ID, Original: id, Message: "The job runs again as " + string(job.ID) + ".", Dependents: dependents},
	}, nil
}

type decideInput struct {
	JobInput
	IfMatch string `header:"If-Match" doc:"ETag of the job as it was read; 412 if it has changed since."`
}

type decideReply struct {
	ETag string `header:"ETag"`
	Body fleet.Job
}

func (a *API) decideJob(ctx context.Context, in *decideInput) (*decideReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[DecideBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	d := fleet.Decision{Do: body.Decision, Reason: body.Reason, Result: body.Output, Effects: body.Effects}
	switch {
	case len(d.Result) > 0 && (d.Do != "complete" || d.Result[0] != '{'):
		return nil, fleet.Invalid("output", "output must be an object and goes with the decision complete.")
	case d.Do == "complete" && len(d.Result) == 0:
		d.Result = []byte("{}")
	}
	job, err := a.o.Orchestrator.Jobs.Decide(ctx, auth.From(ctx), id, version, d)
	if err != nil {
		return nil, err
	}
	return &decideReply{ETag: etag(job.Version), Body: showJob(job)}, nil
}

// ifMatch reads the version that an edit was made on; 0 is any.
func ifMatch(text string) (int64, error) {
	if text == "" || text == "*" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, fleet.Invalid("If-Match", "If-Match must be the ETag of the job; got %q.", clip(text, 40))
	}
	return n, nil
}
