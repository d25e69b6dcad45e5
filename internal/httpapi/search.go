package httpapi

import (
	"cmp"
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// FindAnswer is what was found.
type FindAnswer struct {
	Found []fleet.Found `json:"found" doc:"Robots, workflows, jobs, schedules and queues, in this order. What one may not see is not found."`
}

type (
	findInput struct {
		Text  string `query:"q" doc:"The beginning of a name or an id, 1 to 100 characters. Names are found in small letters, in capitals and with one too."`
		Limit int    `query:"limit" doc:"How many of each kind, 1 to 20; 8 if left out."`
	}
	findReply struct{ Body FindAnswer }
)

func (a *API) searchRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/search", id: "search.get", summary: "Find robots, workflows, jobs, schedules and queues by the beginning of a name or an id",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.find)
}

func (a *API) find(ctx context.Context, in *findInput) (*findReply, error) {
	found, err := a.o.Orchestrator.Searches.Search(ctx, auth.From(ctx), in.Text, cmp.Or(in.Limit, fleet.SearchHits))
	if err != nil {
		return nil, err
	}
	return &findReply{FindAnswer{found}}, nil
}
