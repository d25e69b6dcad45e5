package client

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// DeadLetter is a job that failed with no retry left.
type DeadLetter struct {
	ID            fleet.ID         `json:"id"`
	WorkflowID    fleet.ID         `json:"workflow_id"`
	WorkflowName  string           `json:"workflow_name"`
	ErrorMessage  string           `json:"error_message,omitempty"` // of a single one
	ErrorClass    fleet.ErrorClass `json:"error_class"`
	ErrorCode     string           `json:"error_code,omitempty"`
	Reason        string           `json:"reason"`
	RetryCount    int              `json:"retry_count"`
	LastFailedAt  time.Time        `json:"last_failed_at"`
	ReprocessedAt time.Time        `json:"reprocessed_at,omitzero"`
	ReprocessedBy string           `json:"reprocessed_by,omitempty"`
}

// DeadLetterPage is a part of the list, the newest first.
type DeadLetterPage struct {
	Entries []DeadLetter `json:"entries"`
	Total   int64        `json:"total"`
	Next    string       `json:"next_cursor"`
}

// ListDeadLetters returns a page; all also those that were looked after.
func (c *Client) ListDeadLetters(ctx context.Context, all bool, page fleet.Page) (out DeadLetterPage, err error) {
	v := pageQuery(page)
	set(v, "all", all)
	err = c.get(ctx, at("dlq"), v, &out)
	return out, err
}

// DeadLetterStats counts dead letters.
type DeadLetterStats struct {
	Total       int64 `json:"total"`
	Pending     int64 `json:"pending"`
	Reprocessed int64 `json:"reprocessed"`
}

// CountDeadLetters counts dead letters.
func (c *Client) CountDeadLetters(ctx context.Context) (out DeadLetterStats, err error) {
	err = c.get(ctx, at("dlq", "stats"), nil, &out)
	return out, err
}

// GetDeadLetter returns one with its error.
func (c *Client) GetDeadLetter(ctx context.Context, id fleet.ID) (out DeadLetter, err error) {
	err = c.get(ctx, at("dlq", string(id)), nil, &out)
	return out, err
}

// RetryDeadLetter repeats the job of a dead letter and returns the new one's id.
func (c *Client) RetryDeadLetter(ctx context.Context, id fleet.ID) (fleet.ID, error) {
	var out struct {
		JobID fleet.ID `json:"job_id"`
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: at("dlq", string(id), "retry")}, &out)
	return out.JobID, err
}

// DeleteDeadLetter takes one from the list; its job stays.
func (c *Client) DeleteDeadLetter(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("dlq", string(id)), safe: true})
	return err
}

// PurgeDeadLetters takes those from the list that were looked after so long ago.
func (c *Client) PurgeDeadLetters(ctx context.Context, days int) (int, error) {
	var out struct {
		Purged int `json:"purged"`
	}
	err := c.write(ctx, http.MethodPost, at("dlq", "purge"), map[string]any{"older_than_days": days}, &out)
	return out.Purged, err
}

// DeadLetterGroup is dead letters that are alike.
type DeadLetterGroup struct {
	Fingerprint string `json:"fingerprint"`
	fleet.Failure
	Count  int       `json:"count"`
	First  time.Time `json:"first_failed_at"`
	Last   time.Time `json:"last_failed_at"`
	Sample fleet.ID  `json:"sample_job_id"`
}

// DeadLetterGroups lists those that nobody has looked after by what they failed
// of, the largest group first.
func (c *Client) DeadLetterGroups(ctx context.Context) ([]DeadLetterGroup, error) {
	var out struct {
		Groups []DeadLetterGroup `json:"groups"`
	}
	err := c.get(ctx, at("dlq", "groups"), nil, &out)
	return out.Groups, err
}

// GroupRetry says what became of the jobs of a group.
type GroupRetry struct {
	Made    []fleet.ID `json:"job_ids"`
	Refused []struct {
		JobID fleet.ID `json:"job_id"`
		Why   string   `json:"why"`
	} `json:"refused"`
	Left    int    `json:"left"`
	Message string `json:"message"`
}

// RetryDeadLetterGroup repeats the jobs of dead letters that are alike.
func (c *Client) RetryDeadLetterGroup(ctx context.Context, fingerprint string) (out GroupRetry, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("dlq", "groups", fingerprint, "retry")}, &out)
	return out, err
}
