package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// EnvironmentBody is all that can be set of an environment.
type EnvironmentBody struct {
	Strict         bool   `json:"strict,omitempty" doc:"Jobs and robots of it match only each other, not those of default."`
	Production     bool   `json:"production,omitempty" doc:"A badge says so, and the interface has people type its name before they do what cannot be undone there."`
	AgeStepSeconds int    `json:"age_step_seconds,omitempty" doc:"Each so much of waiting lowers the number of a job's priority by 1, not below 1; 0 never."`
	LostAfter      int    `json:"lost_after_seconds,omitempty" doc:"What a robot runs is taken away after so long a silence, 15 to 86400; 0 is the server's. Holds for robots that connect from then on; those of the original that poll or speak the flat dialect have at least the server's."`
	Heartbeat      int    `json:"heartbeat_seconds,omitempty" doc:"0 is a ninth of lost_after_seconds."`
	Suspect        int    `json:"suspect_seconds,omitempty" doc:"No new work after so long a silence; 0 is a third."`
	Lease          int    `json:"lease_seconds,omitempty" doc:"For how long a robot may go on without word from here; it stops itself after five sixths of it. 0 is two thirds."`
	Note           string `json:"note,omitempty"`
}

// EnvironmentList is the environments of the tenant, by name.
type EnvironmentList struct {
	Environments []fleet.Environment `json:"environments"`
}

func (a *API) environmentRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/environments", id: "environments.list", summary: "List environments, by name",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.listEnvironments)
	route(a, operation{
		method: http.MethodGet, path: Base + "/environments/{name}", id: "environments.get", summary: "Get what is set of an environment",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.getEnvironment)
	route(a, operation{
		method: http.MethodPut, path: Base + "/environments/{name}", id: "environments.put", summary: "Set what holds for an environment",
		may: need(fleet.RobotsManage), rate: rateWrite, body: jsonBody[EnvironmentBody](plainBody, true),
	}, a.putEnvironment)
}

func showEnvironment(e fleet.Environment) fleet.Environment {
	stamp(&e.UpdatedAt)
	return e
}

type environmentsReply struct{ Body EnvironmentList }

func (a *API) listEnvironments(ctx context.Context, _ *struct{}) (*environmentsReply, error) {
	list, err := a.o.Orchestrator.Environments.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &environmentsReply{EnvironmentList{showAll(list, showEnvironment)}}, nil
}

type environmentInput struct {
	Name string `path:"name"`
}

type environmentReply struct{ Body fleet.Environment }

func (a *API) getEnvironment(ctx context.Context, in *environmentInput) (*environmentReply, error) {
	e, err := a.o.Orchestrator.Environments.Get(ctx, auth.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	return &environmentReply{showEnvironment(e)}, nil
}

func (a *API) putEnvironment(ctx context.Context, in *environmentInput) (*environmentReply, error) {
	body, err := decode[EnvironmentBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	e, err := a.o.Orchestrator.Environments.Put(ctx, auth.From(ctx), fleet.Environment{
		Name: in.Name, Strict: body.Strict, Production: body.Production, AgeStepSeconds: body.AgeStepSeconds, Note: body.Note,
		LostAfterSeconds: body.LostAfter, HeartbeatSeconds: body.Heartbeat, SuspectSeconds: body.Suspect, LeaseSeconds: body.Lease,
	})
	if err != nil {
		return nil, err
	}
	return &environmentReply{showEnvironment(e)}, nil
}
