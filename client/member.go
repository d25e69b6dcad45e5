package client

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
)

// ListMembers returns the orchestrators that share the database, as the one
// that answers sees them.
func (c *Client) ListMembers(ctx context.Context) ([]fleet.Member, error) {
	var out struct {
		Members []fleet.Member `json:"members"`
	}
	err := c.get(ctx, at("members"), nil, &out)
	return out.Members, err
}
