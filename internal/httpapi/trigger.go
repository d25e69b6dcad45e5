package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// TriggerBody is what is to hold of a trigger; what is left out stays as it is.
// Its kind follows from the rule that is given.
type TriggerBody struct {
	Name        *string   `json:"name,omitempty"`
	Description *string   `json:"description,omitempty"`
	WorkflowID  *fleet.ID `json:"workflow_id,omitempty"`
	Version     *int      `json:"version,omitempty" doc:"Of the workflow; 0, the default, is whatever is newest when a job is made."`

	Inputs              json.RawMessage    `json:"inputs,omitempty" opaque:"true" doc:"The variables of its jobs, an object. A value {\"pointer\": \"/a/b\"}, with \"default\" beside it if need be, is taken from what the trigger was told."`
	Priority            *fleet.Priority    `json:"priority,omitempty"`
	Environment         *string            `json:"environment,omitempty"`
	Target              *fleet.RobotID     `json:"target_robot_id,omitempty"`
	Placement           *fleet.Placement   `json:"placement,omitempty"`
	Labels              *map[string]string `json:"labels,omitempty"`
	QueueTimeoutSeconds *int               `json:"queue_timeout_seconds,omitempty" doc:"How long a job may wait; 0: any time."`
	RunTimeoutSeconds   *int               `json:"run_timeout_seconds,omitempty" doc:"How long a job may run; 0: as its environment says."`

	Kind               *fleet.TriggerKind  `json:"kind,omitempty" enum:"webhook,queue,event,file,email"`
	Webhook            *fleet.WebhookRule  `json:"webhook,omitempty"`
	Queue              *fleet.QueueRule    `json:"queue,omitempty"`
	Event              *fleet.EventRule    `json:"event,omitempty"`
	File               *fleet.FileRule     `json:"file,omitempty"`
	Email              *fleet.EmailRule    `json:"email,omitempty"`
	Enabled            *bool               `json:"enabled,omitempty"`
	CooldownSeconds    *int                `json:"cooldown_seconds,omitempty" doc:"The least time between two jobs."`
	MaxActive          *int                `json:"max_active,omitempty" doc:"Jobs of it that have not ended; 0: any number."`
	Filter             *[]fleet.Comparison `json:"filter,omitempty" doc:"Conditions on what the trigger is told, by JSON Pointers as path; all must hold."`
	PauseAfterFailures *int                `json:"pause_after_failures,omitempty" doc:"Disabled after so many failures in a row; 0: never."`
}

func (b *TriggerBody) change() orchestrator.TriggerChange {
	return orchestrator.TriggerChange{
		Name: b.Name, Description: b.Description, WorkflowID: b.WorkflowID, Version: b.Version, Inputs: b.Inputs, Priority: b.Priority,
		Environment: b.Environment, Target: b.Target, Placement: b.Placement, Labels: b.Labels, QueueTimeoutSeconds: b.QueueTimeoutSeconds,
		RunTimeoutSeconds: b.RunTimeoutSeconds, Kind: b.Kind, Webhook: b.Webhook, Queue: b.Queue, Event: b.Event, File: b.File, Email: b.Email, Enabled: b.Enabled,
		CooldownSeconds: b.CooldownSeconds, MaxActive: b.MaxActive, Filter: b.Filter, PauseAfter: b.PauseAfterFailures,
	}
}

// TriggerAnswer is a trigger with how it stands.
type TriggerAnswer struct {
	fleet.Trigger
	Address  string         `json:"address,omitempty" doc:"Of kind webhook: where it is called, below the address of the orchestrator."`
	Active   int64          `json:"active_jobs" doc:"Jobs of it that have not ended."`
	Backlog  *fleet.Backlog `json:"backlog,omitempty" doc:"Of kind queue: what it looks at."`
	Fired    int64          `json:"fired_count" doc:"Jobs that it has started."`
	Success  int64          `json:"success_count" doc:"Of those that have ended."`
	Failures int64          `json:"failure_count"`
	Streak   int64          `json:"failures_in_a_row"`
	LastAt   *time.Time     `json:"last_fired_at"`
	LastJob  fleet.ID       `json:"last_job_id,omitempty"`
	Fault    string         `json:"fault,omitempty" doc:"Of kinds file and email: why it cannot look now."`
}

// TriggerList is all triggers of a tenant.
type TriggerList struct {
	Triggers []TriggerAnswer `json:"triggers"`
}

// FiringList is a part of what became of the occasions of a trigger.
type FiringList struct {
	Firings []fleet.Firing `json:"firings"`
	Next    string         `json:"next_cursor,omitempty"`
}

// TriggerTry says what would become of an occasion.
type TriggerTry struct {
	Outcome fleet.FiringOutcome `json:"outcome" enum:"accepted,filtered,cooling,full,duplicate,disabled,refused"`
	Reason  string              `json:"reason,omitempty"`
	Jobs    int64               `json:"jobs" doc:"How many jobs would start now."`
	Inputs  json.RawMessage     `json:"inputs,omitempty" doc:"Their variables."`
}

// TriggerTryBody is what the trigger would be told.
type TriggerTryBody struct {
	Payload json.RawMessage `json:"payload,omitempty" opaque:"true" doc:"The body of a web call, or an event as GET /events shows it. One of a queue looks at its queue, one of mail without a payload at the newest message."`
}

func (a *API) triggerRoutes() {
	triggers := Base + "/triggers"
	one := triggers + "/{id}"
	read, run, write := need(fleet.SchedulesRead), need(fleet.SchedulesRun), need(fleet.SchedulesWrite)
	route(a, operation{method: http.MethodGet, path: triggers, id: "triggers.list", summary: "List triggers by name", may: read, rate: rateRead}, a.listTriggers)
	route(a, operation{
		method: http.MethodPost, path: triggers, id: "triggers.create", summary: "Make a trigger", may: write, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[TriggerBody](plainBody, true),
	}, a.createTrigger)
	route(a, operation{method: http.MethodGet, path: one, id: "triggers.get", summary: "Get a trigger, by its id or its name", may: read, rate: rateRead}, a.getTrigger)
	route(a, operation{
		method: http.MethodPut, path: one, id: "triggers.update", summary: "Change what is given of a trigger", may: write, rate: rateWrite, body: jsonBody[TriggerBody](plainBody, true),
	}, a.updateTrigger)
	route(a, operation{method: http.MethodDelete, path: one, id: "triggers.delete", summary: "Delete a trigger; its jobs go on", may: write, rate: rateWrite}, a.deleteTrigger)
	route(a, operation{
		method: http.MethodPut, path: one + "/enable", id: "triggers.enable", summary: "Let a trigger fire; what came before is not made up for", may: run, rate: rateWrite,
		body: jsonBody[ScheduleNoteBody](plainBody, false),
	}, a.enableTrigger(true))
	route(a, operation{
		method: http.MethodPut, path: one + "/disable", id: "triggers.disable", summary: "Let a trigger start nothing more, with a note", may: run, rate: rateWrite,
		body: jsonBody[ScheduleNoteBody](plainBody, false),
	}, a.enableTrigger(false))
	route(a, operation{
		method: http.MethodPost, path: one + "/test", id: "triggers.test", summary: "Say what a trigger would do now, and do nothing", may: run, rate: rateRead, reads: true,
		body: jsonBody[TriggerTryBody](plainBody, false),
	}, a.tryTrigger)
	route(a, operation{
		method: http.MethodGet, path: one + "/fires", id: "triggers.fires", summary: "What became of the occasions of a trigger, the newest first", may: read, rate: rateRead, paged: true,
	}, a.listFirings)
	a.hookRoutes()
	a.watchRoutes()
}

type (
	triggerInput struct {
		ID string `path:"id" doc:"The id of the trigger, or its name."`
	}
	changeTriggerInput struct {
		ID      string `path:"id" doc:"The id of the trigger, or its name."`
		IfMatch string `header:"If-Match" doc:"ETag of the trigger as it was read; 412 if it has changed since."`
	}
	firingsInput struct {
		PageInput
		ID      string `path:"id" doc:"The id of the trigger, or its name."`
		Outcome string `query:"outcome" enum:"accepted,filtered,cooling,full,duplicate,disabled,refused"`
	}
	triggersReply struct{ Body TriggerList }
	triggerReply  struct {
		ETag string `header:"ETag"`
		Body TriggerAnswer
	}
	firingsReply struct{ Body FiringList }
	tryReply     struct{ Body TriggerTry }
)

func showTrigger(v orchestrator.TriggerView) TriggerAnswer {
	t := v.Trigger
	stamp(&t.CreatedAt, &t.UpdatedAt)
	out := TriggerAnswer{
		Trigger: t, Active: v.Active, Backlog: v.Backlog, Fired: t.Fired, Success: t.Successes, Failures: t.Failures, Streak: t.Streak,
		LastAt: optionalTime(t.LastFired), LastJob: t.LastJob, Fault: t.Fault,
	}
	if w := t.Webhook; w != nil {
		if out.Address = "/hooks/" + string(t.ID); w.Path != "" {
			out.Address = "/webhooks/" + w.Address(t.Tenant)
		}
	}
	return out
}

func showFiring(f fleet.Firing) fleet.Firing {
	stamp(&f.At, &f.Ended)
	return f
}

func (a *API) listTriggers(ctx context.Context, _ *struct{}) (*triggersReply, error) {
	list, err := a.o.Orchestrator.Triggers.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	out := TriggerList{Triggers: make([]TriggerAnswer, len(list))}
	for i := range list {
		out.Triggers[i] = showTrigger(list[i])
	}
	return &triggersReply{out}, nil
}

// triggerNow shows a trigger that was just changed.
func (a *API) triggerNow(ctx context.Context, t fleet.Trigger) (*triggerReply, error) {
	v, err := a.o.Orchestrator.Triggers.Get(ctx, auth.From(ctx), string(t.ID))
	if err != nil {
		return nil, err
	}
	return &triggerReply{ETag: etag(v.Revision), Body: showTrigger(v)}, nil
}

func (a *API) createTrigger(ctx context.Context, _ *struct{}) (*triggerReply, error) {
	body, err := decode[TriggerBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	t, err := a.o.Orchestrator.Triggers.Create(ctx, auth.From(ctx), body.change())
	if err != nil {
		return nil, err
	}
	return a.triggerNow(ctx, t)
}

func (a *API) getTrigger(ctx context.Context, in *triggerInput) (*triggerReply, error) {
	v, err := a.o.Orchestrator.Triggers.Get(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &triggerReply{ETag: etag(v.Revision), Body: showTrigger(v)}, nil
}

func (a *API) updateTrigger(ctx context.Context, in *changeTriggerInput) (*triggerReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[TriggerBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	t, err := a.o.Orchestrator.Triggers.Update(ctx, auth.From(ctx), in.ID, revision, body.change())
	if err != nil {
		return nil, err
	}
	return a.triggerNow(ctx, t)
}

func (a *API) deleteTrigger(ctx context.Context, in *triggerInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Triggers.Delete(ctx, auth.From(ctx), in.ID); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The trigger is deleted; its jobs go on."}}, nil
}

func (a *API) enableTrigger(enabled bool) func(context.Context, *triggerInput) (*triggerReply, error) {
	return func(ctx context.Context, in *triggerInput) (*triggerReply, error) {
		body, err := optional[ScheduleNoteBody](a, callOf(ctx).body)
		if err != nil {
			return nil, err
		}
		t, err := a.o.Orchestrator.Triggers.Enable(ctx, auth.From(ctx), in.ID, enabled, body.Note)
		if err != nil {
			return nil, err
		}
		return a.triggerNow(ctx, t)
	}
}

func (a *API) tryTrigger(ctx context.Context, in *triggerInput) (*tryReply, error) {
	body, err := optional[TriggerTryBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	t, err := a.o.Orchestrator.Triggers.Try(ctx, auth.From(ctx), in.ID, body.Payload)
	if err != nil {
		return nil, err
	}
	return &tryReply{TriggerTry{Outcome: t.Outcome, Reason: t.Reason, Jobs: t.Jobs, Inputs: t.Inputs}}, nil
}

func (a *API) listFirings(ctx context.Context, in *firingsInput) (*firingsReply, error) {
	list, next, err := a.o.Orchestrator.Triggers.Firings(ctx, auth.From(ctx), in.ID, fleet.FiringOutcome(in.Outcome), in.page())
	if err != nil {
		return nil, err
	}
	return &firingsReply{FiringList{Firings: showAll(list, showFiring), Next: next}}, nil
}
