package client

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// BulkRequest asks the same of many robots.
type BulkRequest struct {
	Kind     fleet.CommandKind `json:"kind"`
	Selector *fleet.Selector   `json:"selector,omitempty"`
	Robots   []fleet.RobotID   `json:"ids,omitempty"` // instead of a selector
	Params   map[string]any    `json:"params,omitempty"`
	Waves    BulkWaves         `json:"waves"`
}

// BulkWaves says how many robots are asked at a time; 0 is all of them.
type BulkWaves struct {
	Size         int  `json:"size,omitempty"`
	Percent      int  `json:"percent,omitempty"`
	MinAvailable int  `json:"min_available,omitempty"`
	StopPercent  *int `json:"stop_on_failure_percent,omitempty"` // 20
}

// Bulk is a bulk operation.
type Bulk struct {
	ID        fleet.ID          `json:"bulk_id"`
	Kind      fleet.CommandKind `json:"kind"`
	Status    fleet.BulkState   `json:"status"`
	Wave      int               `json:"wave"`
	Waves     int               `json:"waves"`
	Total     int               `json:"total"`
	Done      int               `json:"done"`
	Failed    int               `json:"failed"`
	Skipped   int               `json:"skipped"`
	By        string            `json:"requested_by"`
	RetryOf   fleet.ID          `json:"retry_of,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Targets   []BulkTarget      `json:"targets,omitempty"` // of a single one
}

// BulkTarget is one robot of an operation.
type BulkTarget struct {
	RobotID   fleet.RobotID         `json:"robot_id"`
	JobID     fleet.ID              `json:"job_id"`     // instead of a robot
	NewJobID  fleet.ID              `json:"new_job_id"` // the job that a retry made
	Wave      int                   `json:"wave"`
	Status    fleet.BulkTargetState `json:"status"`
	Reason    string                `json:"reason"`
	CommandID fleet.ID              `json:"command_id"`
}

// BulkPage is a part of the list, the newest first.
type BulkPage struct {
	Operations []Bulk `json:"operations"`
	Next       string `json:"next_cursor"`
}

// StartBulk asks the same of many robots, wave by wave.
func (c *Client) StartBulk(ctx context.Context, r BulkRequest) (out Bulk, err error) {
	err = c.write(ctx, http.MethodPost, at("bulk-operations"), r, &out)
	return out, err
}

// JobBulkRequest asks the same of many jobs: of those named, or of all of a filter.
type JobBulkRequest struct {
	Kind   fleet.CommandKind `json:"kind"` // fleet.BulkCancelJobs or fleet.BulkRetryJobs
	Jobs   []fleet.ID        `json:"ids,omitempty"`
	Filter *JobFilter        `json:"filter,omitempty"`
	Params map[string]any    `json:"params,omitempty"` // of a cancel: grace_seconds, force, reason; of a retry: from
}

// JobFilter selects jobs as JobQuery does.
type JobFilter struct {
	Status     []string         `json:"status,omitempty"`
	Robots     []fleet.RobotID  `json:"robot_id,omitempty"`
	Workflows  []fleet.ID       `json:"workflow_id,omitempty"`
	Why        []string         `json:"why,omitempty"`
	Triggers   []string         `json:"trigger,omitempty"`
	Priorities []fleet.Priority `json:"priority,omitempty"`
	Text       string           `json:"q,omitempty"`
	From       time.Time        `json:"from,omitzero"`
	To         time.Time        `json:"to,omitzero"`
}

// ActOnJobs asks the same of many jobs; GetBulk has the result of each.
func (c *Client) ActOnJobs(ctx context.Context, r JobBulkRequest) (out Bulk, err error) {
	err = c.write(ctx, http.MethodPost, at("jobs", "bulk-actions"), r, &out)
	return out, err
}

// ListBulks returns a page of operations.
func (c *Client) ListBulks(ctx context.Context, page fleet.Page) (out BulkPage, err error) {
	err = c.get(ctx, at("bulk-operations"), pageQuery(page), &out)
	return out, err
}

// GetBulk returns one with its robots.
func (c *Client) GetBulk(ctx context.Context, id fleet.ID) (out Bulk, err error) {
	err = c.get(ctx, at("bulk-operations", string(id)), nil, &out)
	return out, err
}

// CancelBulk begins nothing more of an operation.
func (c *Client) CancelBulk(ctx context.Context, id fleet.ID) (out Bulk, err error) {
	err = c.write(ctx, http.MethodPost, at("bulk-operations", string(id), "cancel"), map[string]any{}, &out)
	return out, err
}

// RetryBulk asks those again that failed, in a new operation.
func (c *Client) RetryBulk(ctx context.Context, id fleet.ID) (out Bulk, err error) {
	err = c.write(ctx, http.MethodPost, at("bulk-operations", string(id), "retry-failed"), map[string]any{}, &out)
	return out, err
}

// WaitBulk asks twice a second until an operation has ended.
func (c *Client) WaitBulk(ctx context.Context, id fleet.ID) (Bulk, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := c.GetBulk(ctx, id)
		if err != nil || !b.EndedAt.IsZero() {
			return b, err
		}
		select {
		case <-ctx.Done():
			return b, ctx.Err()
		case <-tick.C:
		}
	}
}
