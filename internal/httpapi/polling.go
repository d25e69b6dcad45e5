package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// Polling are the robots that poll: their claims wait among the robots that
// placement sees, and what they say of their jobs goes the way of all reports.
type Polling interface {
	// Claim waits for a job; nil: there is none.
	Claim(ctx context.Context, p auth.Principal, wish orchestrator.ClaimWish) (*orchestrator.Grant, error)
	// PollHeartbeat returns the jobs that are to stop.
	PollHeartbeat(ctx context.Context, p auth.Principal, id fleet.RobotID, b orchestrator.PollBeat) ([]fleet.ID, error)
	PollStatus(ctx context.Context, p auth.Principal, id fleet.RobotID, w orchestrator.Word) error
	PollRegistered(ctx context.Context, p auth.Principal, id fleet.RobotID) error
	// PollRenew says whether the job is being stopped, and whether the robot has
	// said that it looks at that.
	PollRenew(ctx context.Context, p auth.Principal, job fleet.ID, sample *orchestrator.Sample) (stop, heeds bool, err error)
	// PollReporting holds off conclusions from silence until done is called.
	PollReporting(p auth.Principal, job fleet.ID) (done func())
	PollComplete(ctx context.Context, p auth.Principal, job fleet.ID, result json.RawMessage) error
	PollFail(ctx context.Context, p auth.Principal, job fleet.ID, message string) (final bool, err error)
	PollRelease(ctx context.Context, p auth.Principal, job fleet.ID) error
}

// held is how long a result waits for a store that is away: its robot says it
// three times within seconds, or once, and then never again.
const held = 25 * time.Second

// ClaimBody is the body of a claim; all of it may be left out.
type ClaimBody struct {
	Environment string   `json:"environment,omitempty" doc:"Only jobs that may run there; default is any."`
	Limit       int      `json:"limit,omitempty" doc:"At most one job is given whatever it says."`
	Lease       int      `json:"visibility_timeout_seconds,omitempty"`
	Features    []string `json:"features,omitempty" doc:"poll_cancel: the robot heeds cancel_requested in answers."`
}

// ClaimedJob is a job that a polling robot is to run now.
type ClaimedJob struct {
	JobID        fleet.ID        `json:"job_id"`
	WorkflowID   fleet.ID        `json:"workflow_id"`
	WorkflowName string          `json:"workflow_name"`
	WorkflowJSON string          `json:"workflow_json" doc:"The document, as a text."`
	Priority     fleet.Priority  `json:"priority"`
	Environment  string          `json:"environment"`
	Variables    json.RawMessage `json:"variables"`
	CreatedAt    time.Time       `json:"created_at"`
	ClaimedAt    time.Time       `json:"claimed_at"`
	RetryCount   int             `json:"retry_count"`
	MaxRetries   int             `json:"max_retries"`
	Epoch        int64           `json:"epoch"`
}

// CompleteBody is the body of a completion.
type CompleteBody struct {
	Result json.RawMessage `json:"result,omitempty"`
}

// FailBody is the body of a failure.
type FailBody struct {
	Message string `json:"error_message,omitempty" doc:"Any text; beyond 64 KiB it is cut with a mark."`
}

// ExtendBody is the body of an extension.
type ExtendBody struct {
	Seconds int `json:"extension_seconds,omitempty"`
}

// ProgressBody is the body of a progress message.
type ProgressBody struct {
	Progress float64 `json:"progress,omitempty" doc:"0 to 100."`
	Node     string  `json:"current_node,omitempty"`
	Message  string  `json:"message,omitempty"`
}

// EndedJob answers the end of a job.
type EndedJob struct {
	JobID     fleet.ID `json:"job_id"`
	Completed bool     `json:"completed,omitempty"`
	Released  bool     `json:"released,omitempty"`
	Status    string   `json:"status,omitempty" enum:"pending,failed" doc:"Of a failure: pending as long as it was not the end."`
}

// RenewedJob answers a sign that a job goes on.
type RenewedJob struct {
	JobID    fleet.ID `json:"job_id"`
	Extended bool     `json:"extended,omitempty"`
	Progress *float64 `json:"progress,omitempty"`
	Cancel   bool     `json:"cancel_requested,omitempty" doc:"The job is to stop."`
}

func (a *API) pollingRoutes() {
	claimed := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ClaimedJob](), true, "")
	a.routePlain(operation{
		method: http.MethodPost, path: Base + "/jobs/claim", id: "robot.claim", summary: "Wait for a job (robots that poll)",
		description: "Held open until there is a job, for as long as limit-claim-hold says; then null.",
		may:         need(fleet.RobotsConnect), rate: rateRobot, body: jsonBody[ClaimBody](plainBody, false), stream: true,
		patience: time.Duration(a.o.Limits.ClaimHold) * time.Second, away: nothing,
	}, nil, map[string]*huma.Response{"200": {Description: "A job, or null", Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{claimed, {Type: "null"}}}},
	}}}, a.claimJob)
	for _, o := range []struct {
		word, text string
		body       bodyRule
		do         func(ctx context.Context, in *JobPath) (*endedReply, error)
	}{
		{"complete", "Say that a claimed job has completed", jsonBody[CompleteBody](resultBody, false), a.completeJob},
		{"fail", "Say that a claimed job has failed", jsonBody[FailBody](resultBody, false), a.failJob},
		{"release", "Give a claimed job back unharmed", bodyRule{limit: plainBody, schema: anyObject("Empty.")}, a.releaseJob},
	} {
		route(a, operation{
			method: http.MethodPost, path: Base + "/jobs/{id}/" + o.word, id: "robot." + o.word, summary: o.text,
			may: need(fleet.RobotsConnect), rate: rateRobot, body: o.body, patience: held, cut: o.word == "fail",
		}, o.do)
	}
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/{id}/extend-lease", id: "robot.extend", summary: "Say that a claimed job goes on",
		may: need(fleet.RobotsConnect), rate: rateRobot, body: jsonBody[ExtendBody](plainBody, false), patience: held,
	}, a.extendLease)
	route(a, operation{
		method: http.MethodPut, path: Base + "/jobs/{id}/progress", id: "robot.progress", summary: "Say how far a claimed job is",
		may: need(fleet.RobotsConnect), rate: rateRobot, body: jsonBody[ProgressBody](plainBody, false), patience: held,
	}, a.jobProgress)
}

// robotKey wants the key of a robot: a claim names no robot, the key does.
func robotKey(p auth.Principal) error {
	if p.RobotID != "" {
		return nil
	}
	return fleet.Errorf(fleet.CodeForbidden, "no_robot_key", "Jobs are claimed with the key of a robot; %s names none.", p.Name).
		WithFix("Make one with 'fleet key create robot ID', or in the original's fleet dialog, and give it to the robot.")
}

func nothing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("null")) // a caller that is gone has lost nothing
}

func (a *API) claimJob(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	p := auth.From(ctx)
	if a.o.Polling == nil {
		return noPolling()
	}
	body, err := lenient[ClaimBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return err
	}
	if body.Lease != 0 && (body.Lease < 5 || body.Lease > 3600) {
		return fleet.Invalid("visibility_timeout_seconds", "visibility_timeout_seconds must be between 5 and 3600; got %d.", body.Lease)
	}
	if len(body.Environment) > 64 {
		return fleet.Invalid("environment", "environment may have at most 64 characters; got %d.", len(body.Environment))
	}
	var g *orchestrator.Grant
	err = a.patiently(ctx, func() (err error) {
		g, err = a.o.Polling.Claim(ctx, p, orchestrator.ClaimWish{Environment: body.Environment, Features: body.Features, Hold: max(time.Until(callOf(ctx).until), time.Millisecond)})
		return err
	})
	switch {
	case ctx.Err() != nil && g == nil:
		return nil // nobody hears it
	case err != nil && fleet.AsError(err).Code == fleet.CodeUnavailable:
		nothing(w, r) // five refusals in a row would silence the robot for a minute
		return nil
	case err != nil:
		return err
	case g == nil:
		nothing(w, r)
		return nil
	}
	out := ClaimedJob{
		JobID: g.Job.ID, WorkflowID: g.Job.Workflow.ID, WorkflowName: g.Job.Workflow.Name, WorkflowJSON: string(g.Document),
		Priority: g.Job.Priority, Environment: g.Job.Environment, Variables: g.Variables, CreatedAt: g.Job.CreatedAt, ClaimedAt: g.Job.StartedAt,
		RetryCount: g.Job.RetriesUsed, MaxRetries: g.Job.Retry.Max, Epoch: g.Job.Epoch,
	}
	if len(out.Variables) == 0 {
		out.Variables = json.RawMessage("{}")
	}
	stamp(&out.CreatedAt, &out.ClaimedAt)
	text, err := json.Marshal(out)
	if err != nil {
		g.Back()
		return fleet.Internal(err)
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err = w.Write(text); err == nil {
		err = http.NewResponseController(w).Flush()
	}
	if err != nil || ctx.Err() != nil { // an answer cut short cannot be read
		g.Back()
	}
	return nil
}

// JobPath names a job.
type JobPath struct {
	ID string `path:"id"`
}

type endedReply struct{ Body EndedJob }

type renewedReply struct{ Body RenewedJob }

// ending takes the end of a job from its robot, and holds it while the store is
// away.
func (a *API) ending(ctx context.Context, id string, do func(p auth.Principal, job fleet.ID) error) error {
	p := auth.From(ctx)
	if a.o.Polling == nil {
		return noPolling()
	}
	job := fleet.ID(id)
	done := a.o.Polling.PollReporting(p, job)
	defer done()
	return a.patiently(ctx, func() error { return do(p, job) })
}

func (a *API) completeJob(ctx context.Context, in *JobPath) (*endedReply, error) {
	body, err := lenient[CompleteBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if fleet.Nesting(body.Result) > fleet.MaxNesting {
		return nil, fleet.Invalid("result", "A result may be nested at most %d deep.", fleet.MaxNesting)
	}
	err = a.ending(ctx, in.ID, func(p auth.Principal, job fleet.ID) error { return a.o.Polling.PollComplete(ctx, p, job, body.Result) })
	return &endedReply{EndedJob{JobID: fleet.ID(in.ID), Completed: true}}, err
}

func (a *API) failJob(ctx context.Context, in *JobPath) (*endedReply, error) {
	raw := callOf(ctx).body
	body, err := lenient[FailBody](raw, a.o.Limits)
	if err != nil { // it failed all the same: what cannot be read is kept as it is
		body.Message = strings.ToValidUTF8(string(raw), "�") // its length is bounded where it is kept
	}
	out := EndedJob{JobID: fleet.ID(in.ID), Status: "pending"}
	err = a.ending(ctx, in.ID, func(p auth.Principal, job fleet.ID) error {
		final, err := a.o.Polling.PollFail(ctx, p, job, body.Message)
		if final {
			out.Status = "failed"
		}
		return err
	})
	return &endedReply{out}, err
}

func (a *API) releaseJob(ctx context.Context, in *JobPath) (*endedReply, error) {
	err := a.ending(ctx, in.ID, func(p auth.Principal, job fleet.ID) error { return a.o.Polling.PollRelease(ctx, p, job) })
	return &endedReply{EndedJob{JobID: fleet.ID(in.ID), Released: true}}, err
}

// renewing takes a sign that a job goes on.
func (a *API) renewing(ctx context.Context, id string, sample *orchestrator.Sample) (out RenewedJob, err error) {
	p := auth.From(ctx)
	if a.o.Polling == nil {
		return out, noPolling()
	}
	out.JobID = fleet.ID(id)
	var heeds bool
	err = a.patiently(ctx, func() error {
		out.Cancel, heeds, err = a.o.Polling.PollRenew(ctx, p, out.JobID, sample)
		return err
	})
	if err == nil && out.Cancel && !heeds {
		err = fleet.Errorf(fleet.CodeConflict, "invalid_state", "Job %s is being stopped.", id)
	}
	return out, err
}

func (a *API) extendLease(ctx context.Context, in *JobPath) (*renewedReply, error) {
	body, err := lenient[ExtendBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Seconds != 0 && (body.Seconds < 5 || body.Seconds > 3600) {
		return nil, fleet.Invalid("extension_seconds", "extension_seconds must be between 5 and 3600; got %d.", body.Seconds)
	}
	out, err := a.renewing(ctx, in.ID, nil)
	out.Extended = true
	return &renewedReply{out}, err
}

func (a *API) jobProgress(ctx context.Context, in *JobPath) (*renewedReply, error) {
	body, err := lenient[ProgressBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if !(body.Progress >= 0 && body.Progress <= 100) {
		return nil, fleet.Invalid("progress", "progress must be between 0 and 100; got %g.", body.Progress)
	}
	out, err := a.renewing(ctx, in.ID, &orchestrator.Sample{Progress: int(body.Progress), Node: body.Node, Message: body.Message})
	out.Progress = &body.Progress
	return &renewedReply{out}, err
}
