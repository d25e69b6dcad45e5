package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Job is a job with its inputs and its end.
type Job struct {
	fleet.Job
	Variables  json.RawMessage `json:"variables,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      *fleet.JobError `json:"error,omitempty"`
	DurationMS int64           `json:"duration_ms,omitempty"`
	Waiting    string          `json:"waiting_summary,omitempty"`
	Warnings   []string        `json:"warnings,omitempty"`
}

// SubmitRequest asks for a job. Document or WorkflowID names what to run.
type SubmitRequest struct {
	WorkflowID   fleet.ID           `json:"workflow_id,omitempty"`
	Version      int                `json:"version,omitempty"`
	Document     json.RawMessage    `json:"workflow_json,omitempty"`
	WorkflowName string             `json:"workflow_name,omitempty"`
	Name         string             `json:"name,omitempty"`
	Variables    json.RawMessage    `json:"variables,omitempty"` // an object
	Priority     *fleet.Priority    `json:"priority,omitempty"`
	Target       fleet.RobotID      `json:"target_robot_id,omitempty"`
	Environment  string             `json:"environment,omitempty"`
	Placement    *Placement         `json:"placement,omitempty"`
	NotBefore    *time.Time         `json:"not_before,omitempty"`
	DelaySeconds int64              `json:"delay_seconds,omitempty"`
	Deadline     *time.Time         `json:"deadline,omitempty"`
	QueueTimeout int64              `json:"queue_timeout_seconds,omitempty"`
	RunTimeout   int64              `json:"run_timeout_seconds,omitempty"`
	Retry        *fleet.RetryPolicy `json:"retry,omitempty"`
	RetrySafety  fleet.RetrySafety  `json:"retry_safety,omitempty"`
	DryRun       bool               `json:"dry_run,omitempty"`

	// IdempotencyKey makes the request safe to repeat across programs; the
	// client makes one when it is empty.
	IdempotencyKey string `json:"-"`
}

// Placement is what a job demands of its robot.
type Placement struct {
	Capabilities []string `json:"capabilities,omitempty"`
}

// SubmitJob stores a job. When it returns without an error, the job is kept.
func (c *Client) SubmitJob(ctx context.Context, r SubmitRequest) (job Job, err error) {
	key := r.IdempotencyKey
	if key == "" {
		key = newKey()
	}
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/jobs", key: key}, r, &job)
	return job, err
}

// BulkRow answers one entry of SubmitJobs.
type BulkRow struct {
	Index  int          `json:"index"`
	Status string       `json:"status"`
	JobID  fleet.ID     `json:"job_id"`
	Error  *fleet.Error `json:"error"`
}

// SubmitJobs stores up to a thousand jobs in one request. With atomic, one bad
// entry refuses all.
func (c *Client) SubmitJobs(ctx context.Context, rs []SubmitRequest, atomic bool) ([]BulkRow, error) {
	in := struct {
		Jobs   []SubmitRequest `json:"jobs"`
		Atomic bool            `json:"atomic"`
	}{rs, atomic}
	var out struct {
		Jobs []BulkRow `json:"jobs"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/jobs/bulk", key: newKey()}, in, &out)
	return out.Jobs, err
}

// GetJob returns one job.
func (c *Client) GetJob(ctx context.Context, id fleet.ID) (job Job, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/jobs/" + string(id)}, nil, &job)
	return job, err
}

// JobQuery selects jobs of a list.
type JobQuery struct {
	States   []fleet.State
	Robot    fleet.RobotID
	Workflow fleet.ID
	Limit    int
	Cursor   string
}

// JobPage is one part of a list, newest first.
type JobPage struct {
	Jobs  []fleet.Job `json:"jobs"`
	Total int64       `json:"total"`
	Next  string      `json:"next_cursor"`
}

// ListJobs returns a page of jobs.
func (c *Client) ListJobs(ctx context.Context, q JobQuery) (page JobPage, err error) {
	v := url.Values{}
	for _, s := range q.States {
		v.Add("status", string(s))
	}
	set(v, "robot_id", string(q.Robot))
	set(v, "workflow_id", string(q.Workflow))
	set(v, "cursor", q.Cursor)
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/jobs", query: v}, nil, &page)
	return page, err
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// ListAttempts returns the attempts of a job, oldest first.
func (c *Client) ListAttempts(ctx context.Context, id fleet.ID) ([]fleet.Attempt, error) {
	var out struct {
		Attempts []fleet.Attempt `json:"attempts"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/jobs/" + string(id) + "/attempts"}, nil, &out)
	return out.Attempts, err
}

// CancelRequest says how a job is to stop.
type CancelRequest struct {
	GraceSeconds *int64 `json:"grace_seconds,omitempty"`
	Force        bool   `json:"force,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

// CancelAnswer says what a cancel did. Cancelled is false for a job that had
// ended before.
type CancelAnswer struct {
	JobID     fleet.ID    `json:"job_id"`
	Cancelled bool        `json:"cancelled"`
	Previous  fleet.State `json:"previous_status"`
	Status    fleet.State `json:"status"`
	Message   string      `json:"message"`
}

// CancelJob asks for a job to be stopped.
func (c *Client) CancelJob(ctx context.Context, id fleet.ID, r CancelRequest) (a CancelAnswer, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/jobs/" + string(id) + "/cancel", key: newKey()}, r, &a)
	return a, err
}

// RetryAnswer names the new job.
type RetryAnswer struct {
	JobID    fleet.ID `json:"job_id"`
	New      fleet.ID `json:"new_job_id"`
	Original fleet.ID `json:"original_job_id"`
	Message  string   `json:"message"`
}

// RetryJob makes a new job from one that failed, was cancelled or timed out.
func (c *Client) RetryJob(ctx context.Context, id fleet.ID) (a RetryAnswer, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/jobs/" + string(id) + "/retry", key: newKey()}, nil, &a)
	return a, err
}

// Decision answers a job that needs a person.
type Decision struct {
	Decision string          `json:"decision"` // retry, complete, fail or cancel
	Reason   string          `json:"reason"`
	Output   json.RawMessage `json:"output,omitempty"`
}

// DecideJob answers a job that needs a person. version is that of the job as
// it was read; 0 does not ask for it.
func (c *Client) DecideJob(ctx context.Context, id fleet.ID, version int64, d Decision) (job Job, err error) {
	r := request{method: http.MethodPost, path: "/api/v1/jobs/" + string(id) + "/decide", key: newKey(), header: http.Header{}}
	if version > 0 {
		r.header.Set("If-Match", strconv.Quote(strconv.FormatInt(version, 10)))
	}
	err = c.call(ctx, r, d, &job)
	return job, err
}

// WaitJob waits until a job is final, or needs a person. onChange is told of
// each new state and of progress; it may be nil. An orchestrator that is away
// for a while is waited for.
func (c *Client) WaitJob(ctx context.Context, id fleet.ID, onChange func(Job)) (Job, error) {
	var last Job
	wait := 50 * time.Millisecond
	for {
		job, err := c.GetJob(ctx, id)
		switch {
		case err == nil:
			changed := job.Version != last.Version || job.Progress != last.Progress || job.CurrentNode != last.CurrentNode || job.Waiting != last.Waiting
			if changed {
				last, wait = job, 50*time.Millisecond
				if onChange != nil {
					onChange(job)
				}
			}
			if job.State.Final() || job.State == fleet.NeedsDecision {
				return job, nil
			}
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !errors.Is(err, fleet.ErrUnavailable) && !errors.Is(err, fleet.ErrExhausted):
			return last, err
		}
		if err := sleep(ctx, wait); err != nil {
			return last, err
		}
		wait = min(wait*5/4, time.Second)
	}
}
