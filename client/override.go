package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// ListNodeOverrides returns where nodes of a workflow run, by node.
func (c *Client) ListNodeOverrides(ctx context.Context, workflow fleet.ID) ([]fleet.NodeOverride, error) {
	var out struct {
		Overrides []fleet.NodeOverride `json:"node_overrides"`
	}
	err := c.get(ctx, at("workflows", string(workflow), "node-overrides"), nil, &out)
	return out.Overrides, err
}

// GetNodeOverride returns where a node of a workflow runs.
func (c *Client) GetNodeOverride(ctx context.Context, workflow fleet.ID, node string) (out fleet.NodeOverride, err error) {
	err = c.get(ctx, at("workflows", string(workflow), "node-overrides", node), nil, &out)
	return out, err
}

// PlaceNode says where a node of a workflow runs.
func (c *Client) PlaceNode(ctx context.Context, o fleet.NodeOverride) (out fleet.NodeOverride, err error) {
	body := map[string]any{
		"robot_id": o.RobotID, "required_capabilities": o.Requires, "same_as": o.SameAs, "reason": o.Reason, "is_active": o.Active,
	}
	if o.Requires == nil {
		delete(body, "required_capabilities")
	}
	if !o.Placement.IsZero() {
		body["placement"] = o.Placement
	}
	err = c.write(ctx, http.MethodPut, at("workflows", string(o.WorkflowID), "node-overrides", o.NodeID), body, &out)
	return out, err
}

// UnplaceNode lets a node run where the rest of its workflow runs.
func (c *Client) UnplaceNode(ctx context.Context, workflow fleet.ID, node string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("workflows", string(workflow), "node-overrides", node), safe: true})
	return err
}
