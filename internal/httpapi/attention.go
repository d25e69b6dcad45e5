package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

func (a *API) attentionRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/attention", id: "attention.list", summary: "What needs a person now, the worst first",
		may: need(fleet.JobsRead), rate: rateFleet,
		description: "Jobs that need a decision, are held, or wait for more than 5 minutes, by their reason; robots in error or silent; missed runs; queues whose deadlines are at risk; " +
			"workflows whose failures doubled within a day; triggers that failures disabled; keys that end within 7 days. Each entry is a sentence, how many it is about, and what to do first. " +
			"Kinds that the caller may not read are left out. The answer is at most 2 seconds old.",
	}, a.listAttention)
}

type attentionReply struct{ Body fleet.Attention }

func (a *API) listAttention(ctx context.Context, _ *struct{}) (*attentionReply, error) {
	out, err := a.o.Orchestrator.Attention.List(ctx, auth.From(ctx))
	out.Entries = slices.Clone(out.Entries) // others are given the same answer
	stamp(&out.CheckedAt)
	for i := range out.Entries {
		stamp(&out.Entries[i].Since)
	}
	return &attentionReply{out}, err
}
