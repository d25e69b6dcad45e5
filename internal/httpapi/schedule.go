package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ScheduleBody is what is to hold of a schedule; what is left out stays as it is,
// or is the default of a new one. Each time has its own member: cron_expression,
// interval_seconds or run_at.
type ScheduleBody struct {
	ScheduleName *string   `json:"schedule_name,omitempty"`
	Name         *string   `json:"name,omitempty" doc:"The same as schedule_name."`
	Description  *string   `json:"description,omitempty"`
	WorkflowID   *fleet.ID `json:"workflow_id,omitempty"`
	Version      *int      `json:"version,omitempty" doc:"Of the workflow; 0, the default, is whatever is newest when a job is made."`

	Inputs              json.RawMessage    `json:"inputs,omitempty" opaque:"true" doc:"The variables of its jobs, an object."`
	Input               json.RawMessage    `json:"input,omitempty" opaque:"true" doc:"The same as inputs."`
	Priority            *fleet.Priority    `json:"priority,omitempty"`
	Environment         *string            `json:"environment,omitempty"`
	Target              *fleet.RobotID     `json:"target_robot_id,omitempty"`
	Placement           *fleet.Placement   `json:"placement,omitempty"`
	Labels              *map[string]string `json:"labels,omitempty"`
	QueueTimeoutSeconds *int               `json:"queue_timeout_seconds,omitempty" doc:"How long a job may wait; 0: any time."`
	RunTimeoutSeconds   *int               `json:"run_timeout_seconds,omitempty" doc:"How long a job may run; 0: as its environment says."`
	ExecutionMode       *string            `json:"execution_mode,omitempty" doc:"Kept as a note."`
	Metadata            json.RawMessage    `json:"metadata,omitempty" opaque:"true" doc:"Kept as a note, an object."`

	Kind            *fleet.ScheduleKind `json:"kind,omitempty" enum:"cron,interval,once" doc:"Follows from the time that is given."`
	Cron            *string             `json:"cron_expression,omitempty" doc:"Five fields, or an alias such as @daily."`
	IntervalSeconds *int                `json:"interval_seconds,omitempty" doc:"10 to 31622400, counted from start_at."`
	RunAt           *time.Time          `json:"run_at,omitempty" doc:"A single time, at most 8 years away."`
	Timezone        *string             `json:"timezone,omitempty" doc:"A name of the IANA list; the tenant's if left out."`
	Enabled         *bool               `json:"enabled,omitempty"`
	Note            *string             `json:"note,omitempty" doc:"Why it is disabled."`
	StartAt         *time.Time          `json:"start_at,omitempty" doc:"No instant before it, at most 8 years away; 0001-01-01T00:00:00Z takes it away."`
	EndAt           *time.Time          `json:"end_at,omitempty" doc:"No instant at or after it."`
	MaxRuns         *int                `json:"max_runs,omitempty" doc:"After so many jobs it is over; 0: never."`

	Misfire            *orchestrator.MisfireChange `json:"misfire,omitempty" doc:"What becomes of instants that nobody was there for, that is, which are more than 60 seconds late."`
	Overlap            *orchestrator.OverlapChange `json:"overlap,omitempty"`
	Calendars          *[]fleet.ID                 `json:"calendars,omitempty" doc:"Ids of calendars that must all allow an instant."`
	Shift              *fleet.Shift                `json:"shift,omitempty" enum:"skip,next,previous" doc:"What becomes of an instant that they do not allow; next and previous change the day."`
	JitterSeconds      *int                        `json:"jitter_seconds,omitempty" doc:"Each instant is put off by a fixed time below it."`
	PauseAfterFailures *int                        `json:"pause_after_failures,omitempty" doc:"Disabled after so many failures in a row; 0: never."`
	StartWithinSeconds *int                        `json:"start_within_seconds,omitempty" doc:"A job that has not begun so long after its time is told of; 0: never."`
	EndWithinSeconds   *int                        `json:"end_within_seconds,omitempty" doc:"Likewise of one that has not ended."`

	TenantID    json.RawMessage `json:"tenant_id,omitempty" opaque:"true" doc:"Programs of the original send it; the tenant is that of the credential."`
	WorkspaceID json.RawMessage `json:"workspace_id,omitempty" opaque:"true" doc:"Likewise left aside."`
}

func (b *ScheduleBody) change() orchestrator.ScheduleChange {
	if b.ScheduleName == nil {
		b.ScheduleName = b.Name
	}
	if len(b.Inputs) == 0 {
		b.Inputs = b.Input
	}
	return orchestrator.ScheduleChange{
		Name: b.ScheduleName, Description: b.Description, WorkflowID: b.WorkflowID, Version: b.Version, Inputs: b.Inputs, Priority: b.Priority,
		Environment: b.Environment, Target: b.Target, Placement: b.Placement, Labels: b.Labels, QueueTimeoutSeconds: b.QueueTimeoutSeconds,
		RunTimeoutSeconds: b.RunTimeoutSeconds, ExecutionMode: b.ExecutionMode, Metadata: b.Metadata, Kind: b.Kind, Cron: b.Cron,
		IntervalSeconds: b.IntervalSeconds, RunAt: b.RunAt, Timezone: b.Timezone, Enabled: b.Enabled, Note: b.Note, StartAt: b.StartAt, EndAt: b.EndAt,
		MaxRuns: b.MaxRuns, Misfire: b.Misfire, Overlap: b.Overlap, Calendars: b.Calendars, Shift: b.Shift, JitterSeconds: b.JitterSeconds,
		PauseAfter: b.PauseAfterFailures, StartWithin: b.StartWithinSeconds, EndWithin: b.EndWithinSeconds,
	}
}

// ScheduleNoteBody says why.
type ScheduleNoteBody struct {
	Note string `json:"note,omitempty"`
}

func (a *API) scheduleRoutes() {
	schedules := Base + "/schedules"
	read, run, write := need(fleet.SchedulesRead), need(fleet.SchedulesRun), need(fleet.SchedulesWrite)
	route(a, operation{
		method: http.MethodGet, path: schedules, id: "schedules.list", summary: "List schedules, the newest first", may: read, rate: rateRead, times: 2,
		description: "A bare array. For a caller that sends Content-Type: application/json, or asks for view=list, an object with the total and the next cursor.",
	}, a.listSchedules)
	route(a, operation{
		method: http.MethodPost, path: schedules, id: "schedules.create", summary: "Make a schedule", may: write, rate: rateWrite, body: jsonBody[ScheduleBody](plainBody, true),
	}, a.createSchedule)
	route(a, operation{
		method: http.MethodGet, path: schedules + "/upcoming", id: "schedules.upcoming", summary: "List the next runs of all schedules, the soonest first", may: read, rate: rateRead,
	}, a.upcomingSchedules)
	route(a, operation{
		method: http.MethodGet, path: schedules + "/agenda", id: "schedules.agenda", summary: "Count the runs of all schedules by day and hour, and those that come at once", may: read, rate: rateRead,
	}, a.scheduleAgenda)
	route(a, operation{
		method: http.MethodPost, path: schedules + "/preview", id: "schedules.preview", summary: "List the next runs of a schedule that is not there yet, or of one as it would be", may: read, rate: rateRead,
		reads: true, body: jsonBody[PreviewScheduleBody](plainBody, true),
	}, a.previewSchedule)
	one := schedules + "/{id}"
	route(a, operation{method: http.MethodGet, path: one, id: "schedules.get", summary: "Get a schedule, by its id or its name", may: read, rate: rateRead}, a.getSchedule)
	route(a, operation{
		method: http.MethodPut, path: one, id: "schedules.update", summary: "Change what is given of a schedule", may: write, rate: rateWrite, body: jsonBody[ScheduleBody](plainBody, true),
		description: "What was due before has its row; what was submitted goes on. After another time, or after it was enabled, nothing that is past is made up for.",
	}, a.updateSchedule)
	route(a, operation{method: http.MethodDelete, path: one, id: "schedules.delete", summary: "Delete a schedule; its jobs go on", may: write, rate: rateWrite}, a.deleteSchedule)
	route(a, operation{method: http.MethodPost, path: one + "/run-now", id: "schedules.run", summary: "Start a job of a schedule at once", may: run, rate: rateSubmit}, a.runSchedule)
	route(a, operation{method: http.MethodPost, path: one + "/run", id: "schedules.run_as", summary: "The same as run-now, for programs of the original", may: run, rate: rateSubmit}, a.runSchedule)
	route(a, operation{method: http.MethodPut, path: one + "/trigger", id: "schedules.trigger", summary: "The same as run-now, for programs of the original", may: run, rate: rateSubmit}, a.runSchedule)
	route(a, operation{
		method: http.MethodPut, path: one + "/enable", id: "schedules.enable", summary: "Let a schedule go on", may: run, rate: rateWrite, body: jsonBody[ScheduleNoteBody](plainBody, false),
	}, a.enableSchedule(true))
	route(a, operation{
		method: http.MethodPut, path: one + "/disable", id: "schedules.disable", summary: "Let a schedule start nothing more, with a note", may: run, rate: rateWrite, body: jsonBody[ScheduleNoteBody](plainBody, false),
	}, a.enableSchedule(false))
	route(a, operation{
		method: http.MethodGet, path: one + "/fires", id: "schedules.fires", summary: "What became of the instants of a schedule, the newest first", may: read, rate: rateRead, paged: true,
	}, a.listFires)
	a.backfillRoutes(one)
	a.calendarRoutes()
}

type (
	scheduleInput struct {
		ID string `path:"id" doc:"The id of the schedule, or its name if no other bears it."`
	}
	changeScheduleInput struct {
		ID      string `path:"id" doc:"The id of the schedule, or its name if no other bears it."`
		IfMatch string `header:"If-Match" doc:"ETag of the schedule as it was read; 412 if it has changed since."`
	}
	listSchedulesInput struct {
		Workflow    string `query:"workflow_id"`
		Enabled     string `query:"enabled" enum:"true,false"`
		Limit       int    `query:"limit" default:"100" doc:"1 to 1000."`
		Cursor      string `query:"cursor"`
		View        string `query:"view" enum:"array,list" doc:"list: an object with the total and the next cursor."`
		ContentType string `header:"Content-Type" doc:"application/json asks for an object, as the dashboard of the original does."`
	}
	schedulesReply struct{ Body SchedulesAnswer }
	scheduleReply  struct {
		ETag string `header:"ETag"`
		Body ScheduleAnswer
	}
	upcomingInput struct {
		Hours int `query:"hours" default:"24" doc:"1 to 744."`
		Limit int `query:"limit" default:"100"`
	}
	upcomingReply struct{ Body UpcomingList }
	agendaInput   struct {
		From     string `query:"from" doc:"From when on, in the next 400 days; now if left out or past. Without a zone it is UTC."`
		Days     int    `query:"days" default:"7" doc:"1 to 31."`
		Timezone string `query:"timezone" doc:"IANA name, on whose clocks days and hours are; UTC if left out."`
	}
	agendaReply  struct{ Body AgendaAnswer }
	previewReply struct{ Body SchedulePreview }
	doneReply    struct{ Body ScheduleDone }
	firesInput   struct {
		PageInput
		ID      string `path:"id" doc:"The id of the schedule, or its name if no other bears it."`
		Outcome string `query:"outcome" enum:"fired,missed,collapsed,skipped_overlap,skipped_calendar,refused"`
	}
	firesReply struct{ Body FireList }
)

// SchedulesAnswer is a bare array of schedules, or an object around it.
type SchedulesAnswer struct {
	Schedules []ScheduleAnswer `json:"schedules"`
	Total     int64            `json:"total"`
	Next      string           `json:"next_cursor,omitempty"`
	bare      bool
}

// MarshalJSON writes what was asked for.
func (s SchedulesAnswer) MarshalJSON() ([]byte, error) {
	if s.bare {
		return json.Marshal(s.Schedules)
	}
	type object SchedulesAnswer
	return json.Marshal(object(s))
}

// Schema is either form.
func (SchedulesAnswer) Schema(r huma.Registry) *huma.Schema {
	array := r.Schema(reflectType[[]ScheduleAnswer](), true, "ScheduleArray")
	object := r.Schema(reflectType[ScheduleList](), true, "ScheduleList")
	return &huma.Schema{OneOf: []*huma.Schema{array, object}}
}

// ScheduleList is schedules with how many there are.
type ScheduleList struct {
	Schedules []ScheduleAnswer `json:"schedules"`
	Total     int64            `json:"total"`
	Next      string           `json:"next_cursor,omitempty"`
}

func (a *API) listSchedules(ctx context.Context, in *listSchedulesInput) (*schedulesReply, error) {
	f := orchestrator.ScheduleFilter{Workflow: fleet.ID(in.Workflow)}
	if in.Enabled != "" {
		yes := in.Enabled == "true"
		f.Enabled = &yes
	}
	list, next, total, err := a.o.Orchestrator.Schedules.List(ctx, auth.From(ctx), f, fleet.Page{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := SchedulesAnswer{Schedules: make([]ScheduleAnswer, len(list)), Total: total, Next: next, bare: in.View != "list" && !typed(in.ContentType)}
	for i := range list {
		out.Schedules[i] = showSchedule(&list[i])
	}
	return &schedulesReply{out}, nil
}

func (a *API) createSchedule(ctx context.Context, _ *struct{}) (*scheduleReply, error) {
	body, warnings, err := known[ScheduleBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.o.Orchestrator.Schedules.Create(ctx, auth.From(ctx), body.change())
	if err != nil {
		return nil, err
	}
	return a.scheduleNow(ctx, s, warnings)
}

// scheduleNow answers with a schedule as it is after a change.
func (a *API) scheduleNow(ctx context.Context, s fleet.Schedule, warnings []string) (*scheduleReply, error) {
	out, err := a.getSchedule(ctx, &scheduleInput{string(s.ID)})
	if err == nil {
		out.Body.Warnings = warnings
	}
	return out, err
}

func (a *API) getSchedule(ctx context.Context, in *scheduleInput) (*scheduleReply, error) {
	v, err := a.o.Orchestrator.Schedules.Get(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &scheduleReply{ETag: etag(v.Revision), Body: showSchedule(&v)}, nil
}

func (a *API) updateSchedule(ctx context.Context, in *changeScheduleInput) (*scheduleReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, warnings, err := known[ScheduleBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.o.Orchestrator.Schedules.Update(ctx, auth.From(ctx), in.ID, revision, body.change())
	if err != nil {
		return nil, err
	}
	return a.scheduleNow(ctx, s, warnings)
}

func (a *API) deleteSchedule(ctx context.Context, in *scheduleInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Schedules.Delete(ctx, auth.From(ctx), in.ID); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The schedule is deleted; its jobs go on."}}, nil
}

func (a *API) runSchedule(ctx context.Context, in *scheduleInput) (*doneReply, error) {
	job, warnings, err := a.o.Orchestrator.Schedules.RunNow(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "A job of the schedule is there.", JobID: job.ID, Warnings: warnings}}, nil
}

func (a *API) enableSchedule(enabled bool) func(context.Context, *scheduleInput) (*scheduleReply, error) {
	return func(ctx context.Context, in *scheduleInput) (*scheduleReply, error) {
		body, err := optional[ScheduleNoteBody](a, callOf(ctx).body)
		if err != nil {
			return nil, err
		}
		s, err := a.o.Orchestrator.Schedules.Enable(ctx, auth.From(ctx), in.ID, enabled, body.Note)
		if err != nil {
			return nil, err
		}
		return a.scheduleNow(ctx, s, nil)
	}
}

func (a *API) upcomingSchedules(ctx context.Context, in *upcomingInput) (*upcomingReply, error) {
	list, whole, err := a.o.Orchestrator.Schedules.Upcoming(ctx, auth.From(ctx), time.Duration(in.Hours)*time.Hour, in.Limit)
	if err != nil {
		return nil, err
	}
	stamp(&whole)
	out := UpcomingList{Upcoming: make([]UpcomingRun, len(list)), Whole: whole}
	for i, u := range list {
		stamp(&u.At, &u.Nominal)
		out.Upcoming[i] = UpcomingRun{ScheduleID: u.Schedule, ScheduleName: u.Name, WorkflowID: u.Workflow, NextRun: u.At, FireAt: u.Nominal}
	}
	return &upcomingReply{out}, nil
}

func (a *API) scheduleAgenda(ctx context.Context, in *agendaInput) (*agendaReply, error) {
	from, err := looseTime("from", in.From)
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Schedules.Agenda(ctx, auth.From(ctx), from, in.Days, in.Timezone)
	if err != nil {
		return nil, err
	}
	return &agendaReply{showAgenda(out)}, nil
}

func (a *API) previewSchedule(ctx context.Context, _ *struct{}) (*previewReply, error) {
	body, err := decode[PreviewScheduleBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	n := 10
	if body.Count != nil {
		n = *body.Count
	}
	var after time.Time
	if body.After != nil {
		after = *body.After
	}
	runs, zone, err := a.o.Orchestrator.Schedules.Preview(ctx, auth.From(ctx), body.ScheduleID, body.change(), after, n)
	if err != nil {
		return nil, err
	}
	return &previewReply{showPreview(runs, zone)}, nil
}

func (a *API) listFires(ctx context.Context, in *firesInput) (*firesReply, error) {
	list, next, err := a.o.Orchestrator.Schedules.Fires(ctx, auth.From(ctx), in.ID, fleet.FireOutcome(in.Outcome), in.page())
	if err != nil {
		return nil, err
	}
	return &firesReply{FireList{Fires: showAll(list, showFire), Next: next}}, nil
}
