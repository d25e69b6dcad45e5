package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// ActivityEntry is an event in a sentence. It never changes.
type ActivityEntry struct {
	ID      fleet.ID        `json:"id"`
	Type    string          `json:"type"` // job_failed, robot_offline, …
	At      time.Time       `json:"timestamp"`
	Title   string          `json:"title"`
	Details json.RawMessage `json:"details"`
	Robot   fleet.RobotID   `json:"robot_id"`
	Job     fleet.ID        `json:"job_id"`
}

// ActivityList is what happened, newest first. Total counts all that match among
// the newest 50,000 events.
type ActivityList struct {
	Events []ActivityEntry `json:"events"`
	Total  int64           `json:"total"`
}

// ActivityQuery selects entries; empty fields select all.
type ActivityQuery struct {
	Type  string
	Since time.Time // exclusive
	Limit int       // 1 to 200; 0: 50
}

// Activity reads the newest entries of the activity feed.
func (c *Client) Activity(ctx context.Context, q ActivityQuery) (out ActivityList, err error) {
	v := url.Values{}
	set(v, "event_type", q.Type)
	set(v, "limit", q.Limit)
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	err = c.get(ctx, at("metrics", "activity"), v, &out)
	return out, err
}
