package client

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
)

// Attention tells what needs a person now, the worst first.
func (c *Client) Attention(ctx context.Context) (out fleet.Attention, err error) {
	err = c.get(ctx, at("attention"), nil, &out)
	return out, err
}
