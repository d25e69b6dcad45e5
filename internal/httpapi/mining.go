package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// What the analytics panel of the original asks.

func (a *API) miningRoutes() {
	get := func(path, id, summary, description string) operation {
		return operation{method: http.MethodGet, path: Base + "/analytics/" + path, id: id, summary: summary, description: description, may: need(fleet.NumbersRead), rate: rateAnalytics}
	}
	route(a, get("process-mining/workflows", "mining.workflows", "List the workflows that have runs", "A bare array; runs of the last 90 days."), a.miningWorkflows)
	route(a, get("bottlenecks/{workflow}", "mining.bottlenecks", "What holds a workflow up",
		"What single steps took is not kept, so the lists of nodes are empty and note says so. 404 without runs."), a.miningBottlenecks)
	route(a, get("execution/{workflow}", "mining.execution", "How the runs of a workflow go", "Beside the time of equal length before. 404 without runs."), a.miningExecution)
	route(a, get("execution/{workflow}/timeline", "mining.timeline", "The runs of a workflow by hour or day", "Buckets without a run are left out. 404 without runs."), a.miningTimeline)
}

type miningWorkflowsReply struct{ Body []fleet.TraceCount }

func (a *API) miningWorkflows(ctx context.Context, _ *struct{}) (*miningWorkflowsReply, error) {
	out, err := a.o.Orchestrator.Numbers.Traces(ctx, auth.From(ctx))
	return &miningWorkflowsReply{out}, err
}

type miningBottlenecksInput struct {
	Workflow string `path:"workflow"`
	Days     int    `query:"days" default:"7" doc:"1 to 90."`
}

type miningBottlenecksReply struct{ Body fleet.Bottlenecks }

func (a *API) miningBottlenecks(ctx context.Context, in *miningBottlenecksInput) (*miningBottlenecksReply, error) {
	out, err := a.o.Orchestrator.Numbers.Bottlenecks(ctx, auth.From(ctx), fleet.ID(in.Workflow), in.Days)
	return &miningBottlenecksReply{out}, err
}

type miningExecutionInput struct {
	Workflow string `path:"workflow"`
	Days     int    `query:"days" default:"14" doc:"1 to 90."`
}

type miningExecutionReply struct{ Body fleet.Execution }

func (a *API) miningExecution(ctx context.Context, in *miningExecutionInput) (*miningExecutionReply, error) {
	out, err := a.o.Orchestrator.Numbers.Execution(ctx, auth.From(ctx), fleet.ID(in.Workflow), in.Days)
	return &miningExecutionReply{out}, err
}

type miningTimelineInput struct {
	Workflow    string `path:"workflow"`
	Days        int    `query:"days" default:"7" doc:"1 to 30."`
	Granularity string `query:"granularity" default:"day" doc:"hour or day."`
}

type miningTimelineReply struct{ Body fleet.Timeline }

func (a *API) miningTimeline(ctx context.Context, in *miningTimelineInput) (*miningTimelineReply, error) {
	out, err := a.o.Orchestrator.Numbers.Timeline(ctx, auth.From(ctx), fleet.ID(in.Workflow), in.Days, in.Granularity)
	return &miningTimelineReply{out}, err
}
