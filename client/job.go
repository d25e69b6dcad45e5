package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// SubmitRequest asks for a job. Workflow or WorkflowID says what to run.
type SubmitRequest struct {
	WorkflowID   fleet.ID        `json:"workflow_id,omitempty"`
	Version      int             `json:"version,omitempty"`       // 0: the newest
	Workflow     json.RawMessage `json:"workflow_json,omitempty"` // in any dialect
	WorkflowName string          `json:"workflow_name,omitempty"`
	Name         string          `json:"name,omitempty"`
	Variables    any             `json:"variables,omitempty"` // becomes a JSON object

	Priority     *fleet.Priority      `json:"priority,omitempty"` // nil: 10
	Target       fleet.RobotID        `json:"target_robot_id,omitempty"`
	Environment  string               `json:"environment,omitempty"`
	Placement    *fleet.Placement     `json:"placement,omitempty"`
	Labels       map[string]string    `json:"labels,omitempty"`
	Ref          string               `json:"ref,omitempty"` // within a bulk request
	DependsOn    []Dependency         `json:"depends_on,omitempty"`
	Rule         fleet.DependencyRule `json:"dependency_rule,omitempty"`
	OnUnmet      fleet.OnUnmet        `json:"on_unmet,omitempty"`
	NotBefore    *time.Time           `json:"not_before,omitempty"`
	Deadline     *time.Time           `json:"deadline,omitempty"`
	DelaySeconds int64                `json:"delay_seconds,omitempty"`
	QueueTimeout int64                `json:"queue_timeout_seconds,omitempty"`
	RunTimeout   int64                `json:"run_timeout_seconds,omitempty"`
	Retry        *RetryChange         `json:"retry,omitempty"`
	RetrySafety  fleet.RetrySafety    `json:"retry_safety,omitempty"`
	DryRun       bool                 `json:"dry_run,omitempty"`

	// IdempotencyKey makes a repeated request give the first one's job. The
	// client makes one for each call if it is empty.
	IdempotencyKey string `json:"-"`
}

// Dependency names a job to wait for: a stored one, or one of the same bulk
// request by its ref.
type Dependency struct {
	Job fleet.ID `json:"job,omitempty"`
	Ref string   `json:"ref,omitempty"`
}

// JobGraph is a job with everything that waits for it or that it waits for.
type JobGraph struct {
	Jobs  []fleet.Job `json:"jobs"`
	Edges []struct {
		Parent fleet.ID `json:"parent_id"`
		Child  fleet.ID `json:"child_id"`
	} `json:"edges"`
	More bool `json:"more"`
}

// JobGraph walks the dependencies around a job.
func (c *Client) JobGraph(ctx context.Context, id fleet.ID) (out JobGraph, err error) {
	err = c.get(ctx, at("jobs", string(id), "graph"), nil, &out)
	return out, err
}

// JobDetail is a job with all that is known about it.
type JobDetail struct {
	fleet.Job
	fleet.JobData
	Parts          []fleet.Job `json:"segment_jobs,omitempty"`    // its segments, if it is cut into some
	WaitingSummary string      `json:"waiting_summary,omitempty"` // why it, or the segment whose turn it is, waits
	WaitMS         int64       `json:"wait_ms,omitempty"`         // from creation to the first start
	TotalMS        int64       `json:"total_ms,omitempty"`        // from creation to the end

	PrioritySource fleet.PrioritySource `json:"priority_source,omitempty"`     // who said how urgent it is; empty: not known any more
	PriorityBy     string               `json:"priority_changed_by,omitempty"` // of a change: who that was

	Resumable *fleet.Resumable  `json:"resumable,omitempty"`    // it failed: whether a retry can go on from there
	Resumed   *fleet.Resumption `json:"resumed_from,omitempty"` // it goes on where another one failed

	Nodes     int       `json:"nodes_total,omitempty"`         // of its workflow version
	TypicalMS int64     `json:"typical_ms,omitempty"`          // in the middle of the newest completed runs of its workflow
	Runs      int       `json:"typical_runs,omitempty"`        // how many those are
	AcceptBy  time.Time `json:"accept_by,omitzero"`            // the offer that is open lapses then
	LeavesAt  time.Time `json:"leaves_robot_at,omitzero"`      // its robot is silent; if it stays so, the job leaves it about then
	Alike     string    `json:"failure_fingerprint,omitempty"` // failures that are like it have the same

	Open []OpenEffect `json:"open_effects,omitempty"` // while a person is asked: steps that nobody knows the end of
}

// OpenEffect is a step that must not run twice and that nobody told the end of.
type OpenEffect struct {
	Node    string    `json:"node_id"`
	Key     string    `json:"effect_key"` // tells the executions of a node apart
	Epoch   int64     `json:"epoch"`      // the attempt that announced it
	BegunAt time.Time `json:"begun_at"`
}

// SubmittedJob answers a submit.
type SubmittedJob struct {
	fleet.Job
	Warnings []string `json:"warnings"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Replayed bool     `json:"-"` // an earlier request with the same key made the job
}

// SubmitJob stores a job. When it returns, the job is on the server's disk.
func (c *Client) SubmitJob(ctx context.Context, r SubmitRequest) (SubmittedJob, error) {
	var out SubmittedJob
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	got, err := c.call(ctx, request{
		method: http.MethodPost, path: at("jobs"), body: body, header: idempotent(r.IdempotencyKey), safe: true,
	}, &out)
	if err != nil {
		return out, err
	}
	out.Replayed = got.header.Get("Idempotent-Replay") == "true"
	return out, nil
}

// BulkRow answers one job of many.
type BulkRow struct {
	Index  int
	Status string // created, replayed, checked, refused
	JobID  fleet.ID
	Err    error // of a refused one
}

// UnmarshalJSON reads the row's problem as an error.
func (r *BulkRow) UnmarshalJSON(b []byte) error {
	var in struct {
		Index  int      `json:"index"`
		Status string   `json:"status"`
		JobID  fleet.ID `json:"job_id"`
		Error  *problem `json:"error"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*r = BulkRow{Index: in.Index, Status: in.Status, JobID: in.JobID}
	if in.Error != nil {
		r.Err = fill(&Error{Err: &fleet.Error{Code: fleet.CodeInternal}}, *in.Error)
	}
	return nil
}

// SubmitJobs stores many jobs, with an answer for each. With atomic, one bad
// request refuses all; such a call is not repeated when its answer is lost.
func (c *Client) SubmitJobs(ctx context.Context, rs []SubmitRequest, atomic bool) ([]BulkRow, error) {
	body, err := encode(struct {
		Jobs   []SubmitRequest `json:"jobs"`
		Atomic bool            `json:"atomic,omitempty"`
	}{rs, atomic})
	if err != nil {
		return nil, err
	}
	var out struct {
		Jobs []BulkRow `json:"jobs"`
	}
	_, err = c.call(ctx, request{
		method: http.MethodPost, path: at("jobs", "bulk"), body: body, header: idempotent(""), safe: !atomic,
	}, &out)
	return out.Jobs, err
}

// JobQuery selects jobs of a list; empty fields select all.
type JobQuery struct {
	Status     []string // states, queued (pending) or claimed (assigned, running)
	RobotID    fleet.RobotID
	WorkflowID fleet.ID
	RetryOf    fleet.ID
	Page       fleet.Page

	Robots     []fleet.RobotID  // any of these
	Workflows  []fleet.ID       // any of these
	Why        []string         // what pending jobs wait for: waiting codes, or time, backoff, dependencies, hold, robot, reservation
	Triggers   []string         // manual, schedule, api, trigger, chain, retry
	Priorities []fleet.Priority // any of these
	Text       string           // a part of the id, the names, the robot or who submitted it
	From, To   time.Time        // made at From or later, and before To
}

func (q *JobQuery) values() url.Values {
	v := pageQuery(q.Page)
	for name, list := range map[string][]string{
		"status": q.Status, "robot_id": words(q.RobotID, q.Robots), "workflow_id": words(q.WorkflowID, q.Workflows), "why": q.Why, "trigger": q.Triggers,
	} {
		for _, word := range list {
			v.Add(name, word)
		}
	}
	for _, p := range q.Priorities {
		v.Add("priority", strconv.Itoa(int(p)))
	}
	set(v, "retry_of", q.RetryOf)
	set(v, "q", q.Text)
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			v.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return v
}

// words are one and some more of them.
func words[T ~string](one T, more []T) (out []string) {
	for _, x := range append([]T{one}, more...) {
		if x != "" {
			out = append(out, string(x))
		}
	}
	return out
}

// JobHistogram counts jobs over time by their state.
type JobHistogram struct {
	From        time.Time   `json:"from"`
	To          time.Time   `json:"to"`
	StepMS      int64       `json:"step_ms"`
	By          string      `json:"counted_by"` // created, or ended: then jobs that have not ended are in no bucket
	Buckets     []JobBucket `json:"buckets"`
	Counted     int64       `json:"counted"`
	Whole       bool        `json:"whole"` // no job of the filter is missing
	CountedFrom time.Time   `json:"counted_from,omitzero"`
}

// JobBucket is one bucket.
type JobBucket struct {
	At     time.Time             `json:"at"`
	Counts map[fleet.State]int64 `json:"counts"`
}

// JobHistogram counts the jobs of a query; its page is of no concern.
func (c *Client) JobHistogram(ctx context.Context, q JobQuery, buckets int) (out JobHistogram, err error) {
	q.Page = fleet.Page{}
	v := q.values()
	set(v, "buckets", buckets)
	err = c.get(ctx, at("jobs", "histogram"), v, &out)
	return out, err
}

// JobPage is a part of a list, newest first.
type JobPage struct {
	Jobs  []fleet.Job `json:"jobs"`
	Total int64       `json:"total"` // -1 where counting would cost too much
	Next  string      `json:"next_cursor"`
}

// ListJobs returns a page of jobs.
func (c *Client) ListJobs(ctx context.Context, q JobQuery) (out JobPage, err error) {
	err = c.get(ctx, at("jobs"), q.values(), &out)
	return out, err
}

func pageQuery(p fleet.Page) url.Values {
	v := url.Values{}
	set(v, "limit", p.Limit)
	set(v, "cursor", p.Cursor)
	return v
}

// GetJob returns one job.
func (c *Client) GetJob(ctx context.Context, id fleet.ID) (out JobDetail, err error) {
	err = c.get(ctx, at("jobs", string(id)), nil, &out)
	return out, err
}

// JobAttempts returns the attempts of a job, oldest first.
func (c *Client) JobAttempts(ctx context.Context, id fleet.ID) ([]fleet.Attempt, error) {
	var out struct {
		Attempts []fleet.Attempt `json:"attempts"`
	}
	err := c.get(ctx, at("jobs", string(id), "attempts"), nil, &out)
	return out.Attempts, err
}

// CancelRequest asks for a job to be stopped.
type CancelRequest struct {
	GraceSeconds *int64 `json:"grace_seconds,omitempty"` // nil: 60
	Force        bool   `json:"force,omitempty"`
	Reason       string `json:"reason,omitempty"`
	Cascade      bool   `json:"cascade,omitempty"` // and all that hangs on it
}

// CancelAnswer says what a cancel did.
type CancelAnswer struct {
	JobID     fleet.ID    `json:"job_id"`
	Cancelled bool        `json:"cancelled"` // false: the job had ended before
	Previous  fleet.State `json:"previous_status"`
	Status    fleet.State `json:"status"`
	Message   string      `json:"message"`

	Dependents int `json:"dependents_cancelled"` // others, with Cascade
}

// CancelJob stops a job. A job that had ended before is no error.
func (c *Client) CancelJob(ctx context.Context, id fleet.ID, r CancelRequest) (out CancelAnswer, err error) {
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("jobs", string(id), "cancel"), body: body, safe: true}, &out)
	return out, err
}

// RetryAnswer names the new job.
type RetryAnswer struct {
	JobID    fleet.ID `json:"job_id"` // of the new job
	NewJobID fleet.ID `json:"new_job_id"`
	Original fleet.ID `json:"original_job_id"`
	Message  string   `json:"message"`

	Dependents []fleet.ID `json:"dependent_job_ids"` // made anew, parents first
}

// RetryRequest says what else comes back with a job.
type RetryRequest struct {
	Dependents bool   `json:"with_dependents,omitempty"` // what was cancelled because of it
	Robot      string `json:"robot,omitempty"`           // same, any, or the id of one; empty: what the job asked for
	From       string `json:"from,omitempty"`            // start or failed_node; empty: start
}

// RetryJob makes a new job from one that failed, was cancelled or timed out.
func (c *Client) RetryJob(ctx context.Context, id fleet.ID, r RetryRequest) (out RetryAnswer, err error) {
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("jobs", string(id), "retry"), body: body}, &out)
	return out, err
}

// Decision is a person's answer to a job that needs one.
type Decision struct {
	Decision string          `json:"decision"` // retry, complete, fail, cancel
	Reason   string          `json:"reason"`
	Output   json.RawMessage `json:"output,omitempty"` // with complete
	// Effects says of each open step whether it was done. Left out with retry:
	// none was.
	Effects []fleet.EffectAnswer `json:"effects,omitempty"`
	// Version is that of the job as it was read; fleet.ErrConflict if it has
	// changed since. 0 asks for nothing.
	Version int64 `json:"-"`
}

// DecideJob answers a job that needs a decision.
func (c *Client) DecideJob(ctx context.Context, id fleet.ID, d Decision) (out fleet.Job, err error) {
	body, err := encode(d)
	if err != nil {
		return out, err
	}
	r := request{method: http.MethodPost, path: at("jobs", string(id), "decide"), body: body}
	if d.Version > 0 {
		r.header = http.Header{"If-Match": {`"` + strconv.FormatInt(d.Version, 10) + `"`}}
	}
	_, err = c.call(ctx, r, &out)
	return out, err
}

// RetryChange changes parts of the default retry policy.
type RetryChange struct {
	Max       *int            `json:"max,omitempty"`
	MaxLost   *int            `json:"max_lost,omitempty"`
	Delay     *fleet.Duration `json:"delay_ms,omitempty"`
	Factor    *float64        `json:"factor,omitempty"`
	Ceiling   *fleet.Duration `json:"max_delay_ms,omitempty"`
	Jitter    *float64        `json:"jitter,omitempty"`
	OnTimeout *bool           `json:"on_timeout,omitempty"`

	// What follows an error of one class, where it is set apart.
	Application    *fleet.RetryRuleChange `json:"application,omitempty"`
	Business       *fleet.RetryRuleChange `json:"business,omitempty"`
	Infrastructure *fleet.RetryRuleChange `json:"infrastructure,omitempty"`
	Timeout        *fleet.RetryRuleChange `json:"timeout,omitempty"`
}
