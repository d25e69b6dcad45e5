package httpapi

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// QueueFiguresList is how the queues stand, by name.
type QueueFiguresList struct {
	Queues []fleet.QueueFigures `json:"queues"`
}

type queueDepthInput struct {
	ID    string `path:"id" doc:"The id or the name of the queue."`
	Range string `query:"range" doc:"A number of hours or days that end now, such as 24h (if nothing is given) or 7d."`
}

type (
	queueDepthReply   struct{ Body fleet.QueueDepth }
	queueFiguresReply struct{ Body QueueFiguresList }
)

func (a *API) queueCourse(ctx context.Context, in *queueDepthInput) (*queueDepthReply, error) {
	out, err := a.o.Orchestrator.Queues.Depth(ctx, auth.From(ctx), in.ID, in.Range)
	stamp(&out.From, &out.To)
	return &queueDepthReply{out}, err
}

func (a *API) queueFigures(ctx context.Context, _ *struct{}) (*queueFiguresReply, error) {
	list, err := a.o.Orchestrator.Queues.Figures(ctx, auth.From(ctx))
	for k := range list {
		stamp(&list[k].SLA.Tightest)
	}
	return &queueFiguresReply{QueueFiguresList{list}}, err
}
