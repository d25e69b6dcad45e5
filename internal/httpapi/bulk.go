package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// BulkBody asks the same of many robots.
type BulkBody struct {
	Kind     fleet.CommandKind `json:"kind" doc:"pause, drain, maintenance, resume, start, stop, restart or shutdown; tag and delete need the right to manage robots."`
	Selector fleet.Selector    `json:"selector,omitzero" doc:"Of the robots; {all: true} is all of them."`
	Robots   []fleet.RobotID   `json:"ids,omitempty" doc:"At most 10000 robots, instead of a selector."`
	Params   BulkParams        `json:"params,omitzero"`
	Waves    BulkWaves         `json:"waves,omitzero"`
}

// BulkParams are those of the single command.
type BulkParams struct {
	For        *int64 `json:"for_seconds,omitempty" doc:"Of a pause (3600 if left out) or maintenance; 0 is without an end."`
	Note       string `json:"note,omitempty"`
	Running    string `json:"running,omitempty" doc:"keep (default), requeue or cancel; of maintenance, restart and shutdown."`
	Deadline   int64  `json:"deadline_seconds,omitempty" doc:"Of a drain."`
	OnDeadline string `json:"on_deadline,omitempty" doc:"Of a drain."`
	Then       string `json:"then,omitempty" doc:"Of a drain."`
	Force      bool   `json:"force,omitempty" doc:"Of a stop."`

	AddTags    []string `json:"add_tags,omitempty" doc:"Of tag."`
	RemoveTags []string `json:"remove_tags,omitempty" doc:"Of tag."`
}

// BulkWaves says how many robots are asked at a time.
type BulkWaves struct {
	Size         int  `json:"size,omitempty" doc:"Robots of one wave; all if left out."`
	Percent      int  `json:"percent,omitempty" doc:"The same as a share of all; instead of size."`
	MinAvailable int  `json:"min_available,omitempty" doc:"How many robots of each pool stay at work."`
	StopPercent  *int `json:"stop_on_failure_percent,omitempty" doc:"Begin no more when more than this share has failed; 20 if left out."`
}

// BulkEntry is a bulk operation.
type BulkEntry struct {
	ID        fleet.ID          `json:"bulk_id"`
	Kind      fleet.CommandKind `json:"kind"`
	Status    fleet.BulkState   `json:"status" enum:"running,completed,stopped,cancelled"`
	Wave      int               `json:"wave"`
	Waves     int               `json:"waves"`
	Total     int               `json:"total"`
	Done      int               `json:"done"`
	Failed    int               `json:"failed"`
	Skipped   int               `json:"skipped"`
	By        string            `json:"requested_by,omitempty"`
	RetryOf   fleet.ID          `json:"retry_of,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Targets   []BulkTarget      `json:"targets,omitempty" doc:"Of a single operation."`
}

// BulkTarget is one robot, or one job, of an operation.
type BulkTarget struct {
	RobotID   fleet.RobotID         `json:"robot_id" doc:"Empty where the operation is about jobs."`
	JobID     fleet.ID              `json:"job_id,omitempty"`
	NewJobID  fleet.ID              `json:"new_job_id,omitempty" doc:"The job that a retry made."`
	Wave      int                   `json:"wave"`
	Status    fleet.BulkTargetState `json:"status" enum:"pending,running,done,failed,skipped"`
	Reason    string                `json:"reason,omitempty"`
	CommandID fleet.ID              `json:"command_id,omitempty"`
}

// BulkList is a page of operations, the newest first.
type BulkList struct {
	Operations []BulkEntry `json:"operations"`
	Next       string      `json:"next_cursor,omitempty"`
}

func (a *API) bulkRoutes() {
	const at = Base + "/bulk-operations"
	route(a, operation{
		method: http.MethodPost, path: at, id: "bulk.start", summary: "Ask the same of many robots, wave by wave",
		may: need(fleet.RobotsOperate), rate: rateWrite, status: http.StatusAccepted, body: jsonBody[BulkBody](bulkBody, true),
	}, a.startBulk)
	route(a, operation{
		method: http.MethodGet, path: at, id: "bulk.list", summary: "List bulk operations, the newest first",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.listBulks)
	route(a, operation{
		method: http.MethodGet, path: at + "/{id}", id: "bulk.get", summary: "Get a bulk operation with its robots",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.getBulk)
	route(a, operation{
		method: http.MethodPost, path: at + "/{id}/cancel", id: "bulk.cancel", summary: "Begin nothing more of a bulk operation",
		description: "Of robots it takes `robots:operate`.",
		may:         need(fleet.JobsRun), rate: rateWrite, body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.cancelBulk)
	route(a, operation{
		method: http.MethodPost, path: at + "/{id}/retry-failed", id: "bulk.retry", summary: "Ask again those that failed, in a new operation",
		description: "Of robots it takes `robots:operate`.",
		may:         need(fleet.JobsRun), rate: rateWrite, status: http.StatusAccepted, body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.retryBulk)
}

func showBulk(b fleet.Bulk) BulkEntry {
	e := BulkEntry{
		ID: b.ID, Kind: b.Kind, Status: b.State, Wave: b.Wave, Waves: b.Waves, Total: b.Total, Done: b.Done, Failed: b.Failed,
		Skipped: b.Skipped, By: b.By, RetryOf: b.RetryOf, CreatedAt: b.CreatedAt, EndedAt: b.EndedAt,
	}
	stamp(&e.CreatedAt, &e.EndedAt)
	return e
}

type bulkEntryReply struct{ Body BulkEntry }

func (a *API) startBulk(ctx context.Context, _ *struct{}) (*bulkEntryReply, error) {
	body, err := decode[BulkBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	in := orchestrator.BulkRequest{Selector: body.Selector, Robots: body.Robots, Percent: body.Waves.Percent, Bulk: fleet.Bulk{
		Kind: body.Kind, Running: fleet.OnDeadline(body.Params.Running), Size: body.Waves.Size, MinAvailable: body.Waves.MinAvailable, StopPercent: 20,
	}}
	if body.Waves.StopPercent != nil {
		in.Bulk.StopPercent = *body.Waves.StopPercent
	}
	if in.Bulk.Change, err = body.change(); err != nil {
		return nil, err
	}
	if in.Bulk.AddTags, err = fleet.NewCapabilities(body.Params.AddTags...); err != nil {
		return nil, err
	}
	if in.Bulk.RemoveTags, err = fleet.NewCapabilities(body.Params.RemoveTags...); err != nil {
		return nil, err
	}
	b, err := a.o.Orchestrator.Robots.StartBulk(ctx, auth.From(ctx), in)
	if err != nil {
		return nil, err
	}
	return &bulkEntryReply{showBulk(b)}, nil
}

// change is what the single command of that kind would ask for.
func (b *BulkBody) change() (c fleet.ModeChange, err error) {
	p := b.Params
	c = fleet.ModeChange{Mode: fleet.ModeActive, Note: p.Note}
	switch b.Kind { //nolint:exhaustive // the rest changes no mode, or is refused later
	case fleet.CommandPause:
		c.Mode, c.For = fleet.ModePaused, time.Hour
	case fleet.CommandMaintenance:
		c.Mode, c.Running = fleet.ModeMaintenance, fleet.OnDeadline(p.Running)
	case fleet.CommandStop:
		c.Mode, c.Note = fleet.ModePaused, cmp.Or(p.Note, "stopped")
		if p.Force {
			c.Running = fleet.CancelRunning
		}
	case fleet.CommandDrain:
		c.Mode, c.OnDeadline, c.Then = fleet.ModeDraining, fleet.OnDeadline(p.OnDeadline), fleet.AdminMode(p.Then)
		if c.Deadline, err = seconds("params.deadline_seconds", p.Deadline); err != nil {
			return c, err
		}
	}
	if p.For != nil && (b.Kind == fleet.CommandPause || b.Kind == fleet.CommandMaintenance) {
		c.For, err = seconds("params.for_seconds", *p.For)
	}
	return c, err
}

type bulksInput struct{ PageInput }

type bulksReply struct{ Body BulkList }

func (a *API) listBulks(ctx context.Context, in *bulksInput) (*bulksReply, error) {
	list, next, err := a.o.Orchestrator.Robots.Bulks(ctx, auth.From(ctx), in.page())
	if err != nil {
		return nil, err
	}
	out := BulkList{Operations: []BulkEntry{}, Next: next}
	for _, b := range list {
		out.Operations = append(out.Operations, showBulk(b))
	}
	return &bulksReply{out}, nil
}

func (a *API) getBulk(ctx context.Context, in *JobInput) (*bulkEntryReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	b, targets, err := a.o.Orchestrator.Robots.Bulk(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	e := showBulk(b)
	for _, t := range targets {
		e.Targets = append(e.Targets, BulkTarget{RobotID: t.RobotID, JobID: t.JobID, NewJobID: t.MadeID, Wave: t.Wave, Status: t.State, Reason: t.Reason, CommandID: t.CommandID})
	}
	return &bulkEntryReply{e}, nil
}

func (a *API) cancelBulk(ctx context.Context, in *JobInput) (*bulkEntryReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	b, err := a.o.Orchestrator.Robots.CancelBulk(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &bulkEntryReply{showBulk(b)}, nil
}

func (a *API) retryBulk(ctx context.Context, in *JobInput) (*bulkEntryReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	b, err := a.o.Orchestrator.Robots.RetryBulk(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &bulkEntryReply{showBulk(b)}, nil
}
