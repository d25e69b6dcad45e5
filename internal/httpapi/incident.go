package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// IncidentList is a part of the incidents.
type IncidentList struct {
	Incidents    []fleet.Incident `json:"incidents"`
	Next         string           `json:"next_cursor,omitempty"`
	Open         int64            `json:"open" doc:"How many are open, whatever the filter."`
	Acknowledged int64            `json:"acknowledged" doc:"How many somebody looks after."`
}

// IncidentAnswer is an incident with what was told of it.
type IncidentAnswer struct {
	fleet.Incident
	Notices []fleet.Notice `json:"notices"`
}

// IncidentNoteBody is what somebody says of an incident.
type IncidentNoteBody struct {
	Note string `json:"note,omitempty"`
}

func (a *API) incidentRoutes() {
	incidents := Base + "/incidents"
	one := incidents + "/{id}"
	read, run := need(fleet.AlertsRead), need(fleet.AlertsRun)
	route(a, operation{method: http.MethodGet, path: incidents, id: "incidents.list", summary: "List incidents, the newest first", may: read, rate: rateRead, paged: true}, a.listIncidents)
	route(a, operation{method: http.MethodGet, path: one, id: "incidents.get", summary: "Get an incident with what was told of it", may: read, rate: rateRead}, a.getIncident)
	route(a, operation{
		method: http.MethodPost, path: one + "/acknowledge", id: "incidents.acknowledge", summary: "Say that you look after an incident: nobody else is told", may: run, rate: rateWrite,
		body: jsonBody[IncidentNoteBody](plainBody, false),
	}, a.acknowledgeIncident)
	route(a, operation{
		method: http.MethodPost, path: one + "/resolve", id: "incidents.resolve", summary: "End an incident; more of the same makes another one", may: run, rate: rateWrite,
		body: jsonBody[IncidentNoteBody](plainBody, false),
	}, a.resolveIncident)
}

type (
	incidentInput struct {
		ID fleet.ID `path:"id"`
	}
	incidentsInput struct {
		PageInput
		State string `query:"state" enum:"live,open,acknowledged,resolved" doc:"live: open and acknowledged."`
		Rule  string `query:"rule_id"`
		Kind  string `query:"kind"`
	}
	incidentsReply struct{ Body IncidentList }
	incidentReply  struct{ Body IncidentAnswer }
)

func showNotice(n fleet.Notice) fleet.Notice {
	stamp(&n.DueAt, &n.CreatedAt, &n.SentAt)
	return n
}

func (a *API) listIncidents(ctx context.Context, in *incidentsInput) (*incidentsReply, error) {
	f := orchestrator.IncidentQuery{State: in.State, Rule: fleet.ID(in.Rule), Kind: fleet.AlertKind(in.Kind)}
	list, err := a.o.Orchestrator.Alerts.Incidents(ctx, auth.From(ctx), f, in.page())
	if err != nil {
		return nil, err
	}
	return &incidentsReply{IncidentList{
		Incidents: showAll(list.Incidents, orchestrator.ShownIncident), Next: list.Next, Open: list.Counts.Open, Acknowledged: list.Counts.Acknowledged,
	}}, nil
}

// incidentNow shows an incident as it stands.
func (a *API) incidentNow(ctx context.Context, id fleet.ID) (*incidentReply, error) {
	i, told, err := a.o.Orchestrator.Alerts.Incident(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &incidentReply{IncidentAnswer{Incident: orchestrator.ShownIncident(i), Notices: showAll(told, showNotice)}}, nil
}

func (a *API) getIncident(ctx context.Context, in *incidentInput) (*incidentReply, error) {
	return a.incidentNow(ctx, in.ID)
}

func (a *API) acknowledgeIncident(ctx context.Context, in *incidentInput) (*incidentReply, error) {
	body, err := optional[IncidentNoteBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	if _, err := a.o.Orchestrator.Alerts.Acknowledge(ctx, auth.From(ctx), in.ID, body.Note); err != nil {
		return nil, err
	}
	return a.incidentNow(ctx, in.ID)
}

func (a *API) resolveIncident(ctx context.Context, in *incidentInput) (*incidentReply, error) {
	body, err := optional[IncidentNoteBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	if _, err := a.o.Orchestrator.Alerts.Resolve(ctx, auth.From(ctx), in.ID, body.Note); err != nil {
		return nil, err
	}
	return a.incidentNow(ctx, in.ID)
}
