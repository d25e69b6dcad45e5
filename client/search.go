package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
)

// Search finds robots, workflows, jobs, schedules and queues by the beginning of
// a name or an id, at most so many of each (0: 8).
func (c *Client) Search(ctx context.Context, text string, limit int) ([]fleet.Found, error) {
	q := url.Values{"q": {text}}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	var out struct {
		Found []fleet.Found `json:"found"`
	}
	err := c.get(ctx, at("search"), q, &out)
	return out.Found, err
}
