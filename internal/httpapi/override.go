package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// OverrideBody says where a node of a workflow runs.
type OverrideBody struct {
	RobotID   string          `json:"robot_id,omitempty" doc:"Only on this robot."`
	Requires  []string        `json:"required_capabilities,omitempty"`
	Placement fleet.Placement `json:"placement,omitzero" doc:"What else is demanded or wished."`
	SameAs    string          `json:"same_as,omitempty" doc:"The node beside which it runs."`
	Reason    string          `json:"reason,omitempty" doc:"For people; at most 500 characters."`
	Active    *bool           `json:"is_active,omitempty" doc:"true if left out. One that is not active is kept and does nothing."`
}

// OverrideList is where nodes of a workflow run, by node.
type OverrideList struct {
	Overrides []fleet.NodeOverride `json:"node_overrides"`
}

func (a *API) overrideRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}/node-overrides", id: "node_overrides.list", summary: "List where nodes of a workflow run",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.listOverrides)
	route(a, operation{
		method: http.MethodGet, path: Base + "/workflows/{id}/node-overrides/{node_id}", id: "node_overrides.get", summary: "Get where a node of a workflow runs",
		may: need(fleet.WorkflowsRead), rate: rateRead,
	}, a.getOverride)
	route(a, operation{
		method: http.MethodPut, path: Base + "/workflows/{id}/node-overrides/{node_id}", id: "node_overrides.put", summary: "Say where a node of a workflow runs",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, body: jsonBody[OverrideBody](plainBody, true),
		description: "Adds to `settings.fleet.nodes` of the document. Nodes in different places cut the workflow into segments, each a job of its own; a cut inside a loop, a try or one of several branches is refused.",
	}, a.putOverride)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/workflows/{id}/node-overrides/{node_id}", id: "node_overrides.delete", summary: "Let a node run where the rest of its workflow runs",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteOverride)
}

type overrideInput struct {
	WorkflowInput
	NodeID string `path:"node_id"`
}

type overridesReply struct{ Body OverrideList }

type overrideReply struct{ Body fleet.NodeOverride }

func showOverride(o fleet.NodeOverride) fleet.NodeOverride {
	stamp(&o.CreatedAt)
	return o
}

func (a *API) listOverrides(ctx context.Context, in *WorkflowInput) (*overridesReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Jobs.NodeOverrides(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &overridesReply{OverrideList{showAll(list, showOverride)}}, nil
}

func (a *API) getOverride(ctx context.Context, in *overrideInput) (*overrideReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Jobs.NodeOverrides(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.NodeID == in.NodeID {
			return &overrideReply{showOverride(o)}, nil
		}
	}
	return nil, fleet.NotFound("node_override", in.NodeID)
}

func (a *API) putOverride(ctx context.Context, in *overrideInput) (*overrideReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := decode[OverrideBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	o, err := a.o.Orchestrator.Jobs.PutNodeOverride(ctx, auth.From(ctx), fleet.NodeOverride{
		WorkflowID: id, NodeID: in.NodeID, RobotID: fleet.RobotID(body.RobotID), Requires: body.Requires, Placement: body.Placement,
		SameAs: body.SameAs, Reason: body.Reason, Active: body.Active == nil || *body.Active,
	})
	if err != nil {
		return nil, err
	}
	return &overrideReply{showOverride(o)}, nil
}

func (a *API) deleteOverride(ctx context.Context, in *overrideInput) (*struct{}, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, a.o.Orchestrator.Jobs.DeleteNodeOverride(ctx, auth.From(ctx), id, in.NodeID)
}
