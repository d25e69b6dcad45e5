package client

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
)

// ListSettings returns the limits that hold and how long history is kept, as the
// orchestrator that answers was started.
func (c *Client) ListSettings(ctx context.Context) ([]fleet.Setting, error) {
	var out struct {
		Settings []fleet.Setting `json:"settings"`
	}
	err := c.get(ctx, at("settings"), nil, &out)
	return out.Settings, err
}
