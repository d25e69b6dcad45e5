package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ViewBody is what is to hold of a view; what is left out stays as it is.
type ViewBody struct {
	Page   *string            `json:"page,omitempty" doc:"The page that it is of, such as robots or jobs."`
	Name   *string            `json:"name,omitempty"`
	Query  *map[string]string `json:"query,omitempty" doc:"What is in the address of the page."`
	Shared *bool              `json:"shared,omitempty" doc:"Everybody in the tenant sees it; those who may run jobs change it. Else it is one's own."`
}

func (b *ViewBody) change() orchestrator.ViewChange {
	return orchestrator.ViewChange{Page: b.Page, Name: b.Name, Query: b.Query, Shared: b.Shared}
}

// ViewList is one's own views and the shared ones.
type ViewList struct {
	Views []fleet.View `json:"views"`
}

type (
	viewInput struct {
		ID string `path:"id"`
	}
	viewsInput struct {
		Page string `query:"page" doc:"Only those of a page."`
	}
	viewsReply struct{ Body ViewList }
	viewReply  struct{ Body fleet.View }
)

func (a *API) viewRoutes() {
	views := Base + "/views"
	may := need(fleet.JobsRead)
	route(a, operation{method: http.MethodGet, path: views, id: "views.list", summary: "List one's own views of lists and the shared ones", may: may, rate: rateRead}, a.listViews)
	route(a, operation{
		method: http.MethodPost, path: views, id: "views.create", summary: "Keep a view of a list, for oneself or shared", may: may, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[ViewBody](plainBody, true),
	}, a.createView)
	route(a, operation{
		method: http.MethodPut, path: views + "/{id}", id: "views.update", summary: "Change what is given of a view", may: may, rate: rateWrite, body: jsonBody[ViewBody](plainBody, true),
	}, a.updateView)
	route(a, operation{method: http.MethodDelete, path: views + "/{id}", id: "views.delete", summary: "Delete a view", may: may, rate: rateWrite}, a.deleteView)
}

func showView(v fleet.View) fleet.View {
	stamp(&v.CreatedAt, &v.UpdatedAt)
	return v
}

func (a *API) listViews(ctx context.Context, in *viewsInput) (*viewsReply, error) {
	list, err := a.o.Orchestrator.Views.List(ctx, auth.From(ctx), in.Page)
	if err != nil {
		return nil, err
	}
	return &viewsReply{ViewList{showAll(list, showView)}}, nil
}

func (a *API) createView(ctx context.Context, _ *struct{}) (*viewReply, error) {
	body, err := decode[ViewBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	v, err := a.o.Orchestrator.Views.Create(ctx, auth.From(ctx), body.change())
	if err != nil {
		return nil, err
	}
	return &viewReply{showView(v)}, nil
}

func (a *API) updateView(ctx context.Context, in *viewInput) (*viewReply, error) {
	body, err := decode[ViewBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	v, err := a.o.Orchestrator.Views.Update(ctx, auth.From(ctx), fleet.ID(in.ID), body.change())
	if err != nil {
		return nil, err
	}
	return &viewReply{showView(v)}, nil
}

func (a *API) deleteView(ctx context.Context, in *viewInput) (*doneReply, error) {
	if err := a.o.Orchestrator.Views.Delete(ctx, auth.From(ctx), fleet.ID(in.ID)); err != nil {
		return nil, err
	}
	return &doneReply{ScheduleDone{Status: "success", Message: "The view is deleted."}}, nil
}
