package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// JobGraph is a job with everything that waits for it or that it waits for.
type JobGraph struct {
	Jobs  []fleet.Job `json:"jobs" doc:"The job itself first."`
	Edges []JobEdge   `json:"edges"`
	More  bool        `json:"more" doc:"There are more than are shown."`
}

// JobEdge says that one job waits for another.
type JobEdge struct {
	Parent fleet.ID `json:"parent_id"`
	Child  fleet.ID `json:"child_id"`
}

func (a *API) graphRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/graph", id: "jobs.graph", summary: "The jobs that wait for each other around a job",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.jobGraph)
}

type graphReply struct{ Body JobGraph }

func (a *API) jobGraph(ctx context.Context, in *JobInput) (*graphReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	g, err := a.o.Orchestrator.Jobs.Graph(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	out := JobGraph{Jobs: showAll(g.Jobs, showJob), Edges: []JobEdge{}, More: g.More}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, JobEdge{e[0], e[1]})
	}
	return &graphReply{out}, nil
}
