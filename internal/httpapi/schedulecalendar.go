package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// BackfillBody asks for the instants of a span in the past.
type BackfillBody struct {
	From        time.Time `json:"from"`
	Until       time.Time `json:"until" doc:"Does not belong to it, and is not after now."`
	MaxParallel int       `json:"max_parallel,omitempty" doc:"How many of its jobs may be there at once; 1 if left out."`
	Reverse     bool      `json:"reverse,omitempty" doc:"The newest instant first."`
	Again       bool      `json:"again,omitempty" doc:"Also instants that fired."`
	Note        string    `json:"note,omitempty"`
}

// BackfillList is those of a schedule.
type BackfillList struct {
	Backfills []fleet.Backfill `json:"backfills"`
}

// CalendarBody is what is to hold of a calendar; what is left out stays as it is.
type CalendarBody struct {
	Name        *string          `json:"name,omitempty"`
	Description *string          `json:"description,omitempty"`
	Timezone    *string          `json:"timezone,omitempty" doc:"A name of the IANA list; the tenant's if left out."`
	Hours       *[]fleet.DayTime `json:"hours,omitempty" doc:"Parts of weekdays that are allowed; none: all."`
	Holidays    *[]fleet.Holiday `json:"holidays,omitempty"`
	Blackouts   *[]fleet.Window  `json:"blackouts,omitempty" doc:"Never allowed, whatever else is said."`
	Extra       *[]fleet.Window  `json:"extra,omitempty" doc:"Allowed outside of the hours and on holidays."`
	ICal        string           `json:"ical,omitempty" doc:"An iCalendar file whose events become the blackouts."`
}

// CalendarList is all calendars by name.
type CalendarList struct {
	Calendars []fleet.WorkCalendar `json:"calendars"`
}

func (a *API) backfillRoutes(one string) {
	read, run := need(fleet.SchedulesRead), need(fleet.SchedulesRun)
	route(a, operation{
		method: http.MethodGet, path: one + "/backfills", id: "backfills.list", summary: "List the backfills of a schedule, the newest first", may: read, rate: rateRead,
	}, a.listBackfills)
	route(a, operation{
		method: http.MethodPost, path: one + "/backfills", id: "backfills.create", summary: "Run instants of the past", may: run, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[BackfillBody](plainBody, true),
	}, a.createBackfill)
	route(a, operation{
		method: http.MethodPost, path: one + "/backfills/{backfill}/cancel", id: "backfills.cancel", summary: "Keep a backfill from making more jobs", may: run, rate: rateWrite,
	}, a.cancelBackfill)
}

func (a *API) calendarRoutes() {
	calendars := Base + "/calendars"
	read, write := need(fleet.SchedulesRead), need(fleet.SchedulesWrite)
	route(a, operation{method: http.MethodGet, path: calendars, id: "calendars.list", summary: "List working calendars by name", may: read, rate: rateRead}, a.listCalendars)
	route(a, operation{
		method: http.MethodPost, path: calendars, id: "calendars.create", summary: "Make a working calendar", may: write, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[CalendarBody](plainBody, true),
	}, a.createCalendar)
	one := calendars + "/{id}"
	route(a, operation{method: http.MethodGet, path: one, id: "calendars.get", summary: "Get a working calendar, by its id or its name", may: read, rate: rateRead}, a.getCalendar)
	route(a, operation{
		method: http.MethodPut, path: one, id: "calendars.update", summary: "Change what is given of a working calendar", may: write, rate: rateWrite,
		body: jsonBody[CalendarBody](plainBody, true), description: "Its schedules go by the change at once.",
	}, a.updateCalendar)
	route(a, operation{
		method: http.MethodDelete, path: one, id: "calendars.delete", summary: "Delete a working calendar that no schedule keeps", may: write, rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteCalendar)
}

type (
	backfillsReply struct{ Body BackfillList }
	backfillReply  struct{ Body fleet.Backfill }
	backfillInput  struct {
		ID       string   `path:"id" doc:"The id of the schedule, or its name if no other bears it."`
		Backfill fleet.ID `path:"backfill"`
	}
	calendarInput struct {
		ID string `path:"id" doc:"The id or the name of the calendar."`
	}
	changeCalendarInput struct {
		ID      string `path:"id" doc:"The id or the name of the calendar."`
		IfMatch string `header:"If-Match" doc:"ETag of the calendar as it was read; 412 if it has changed since."`
	}
	calendarsReply struct{ Body CalendarList }
	calendarReply  struct {
		ETag string `header:"ETag"`
		Body fleet.WorkCalendar
	}
)

func showBackfill(b fleet.Backfill) fleet.Backfill {
	stamp(&b.From, &b.Until, &b.Cursor, &b.CreatedAt, &b.EndedAt)
	return b
}

func showCalendar(c fleet.WorkCalendar) fleet.WorkCalendar {
	stamp(&c.CreatedAt, &c.UpdatedAt)
	return c
}

func (a *API) listBackfills(ctx context.Context, in *scheduleInput) (*backfillsReply, error) {
	list, err := a.o.Orchestrator.Schedules.Backfills(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &backfillsReply{BackfillList{showAll(list, showBackfill)}}, nil
}

func (a *API) createBackfill(ctx context.Context, in *scheduleInput) (*backfillReply, error) {
	body, err := decode[BackfillBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	b, err := a.o.Orchestrator.Schedules.Backfill(ctx, auth.From(ctx), in.ID, orchestrator.BackfillRequest{
		From: body.From, Until: body.Until, MaxParallel: body.MaxParallel, Reverse: body.Reverse, Again: body.Again, Note: body.Note,
	})
	if err != nil {
		return nil, err
	}
	return &backfillReply{showBackfill(b)}, nil
}

func (a *API) cancelBackfill(ctx context.Context, in *backfillInput) (*backfillReply, error) {
	b, err := a.o.Orchestrator.Schedules.CancelBackfill(ctx, auth.From(ctx), in.ID, in.Backfill)
	if err != nil {
		return nil, err
	}
	return &backfillReply{showBackfill(b)}, nil
}

func (b *CalendarBody) change() orchestrator.CalendarChange {
	return orchestrator.CalendarChange{
		Name: b.Name, Description: b.Description, Timezone: b.Timezone, Hours: b.Hours, Holidays: b.Holidays, Blackouts: b.Blackouts, Extra: b.Extra, ICal: b.ICal,
	}
}

func (a *API) listCalendars(ctx context.Context, _ *struct{}) (*calendarsReply, error) {
	list, err := a.o.Orchestrator.Calendars.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &calendarsReply{CalendarList{showAll(list, showCalendar)}}, nil
}

func answerCalendar(c fleet.WorkCalendar, err error) (*calendarReply, error) {
	if err != nil {
		return nil, err
	}
	return &calendarReply{ETag: etag(c.Revision), Body: showCalendar(c)}, nil
}

func (a *API) createCalendar(ctx context.Context, _ *struct{}) (*calendarReply, error) {
	body, err := decode[CalendarBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return answerCalendar(a.o.Orchestrator.Calendars.Create(ctx, auth.From(ctx), body.change()))
}

func (a *API) getCalendar(ctx context.Context, in *calendarInput) (*calendarReply, error) {
	return answerCalendar(a.o.Orchestrator.Calendars.Get(ctx, auth.From(ctx), in.ID))
}

func (a *API) updateCalendar(ctx context.Context, in *changeCalendarInput) (*calendarReply, error) {
	revision, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[CalendarBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return answerCalendar(a.o.Orchestrator.Calendars.Update(ctx, auth.From(ctx), in.ID, revision, body.change()))
}

func (a *API) deleteCalendar(ctx context.Context, in *calendarInput) (*struct{}, error) {
	return nil, a.o.Orchestrator.Calendars.Delete(ctx, auth.From(ctx), in.ID)
}
