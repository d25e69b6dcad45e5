package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Explanation says why a job waits, and what would let it start.
type Explanation struct {
	JobID          fleet.ID          `json:"job_id"`
	Status         fleet.State       `json:"status"`
	EvaluatedAt    time.Time         `json:"evaluated_at"`
	WaitingOn      fleet.WaitingOn   `json:"waiting_on,omitempty"`
	WaitingCode    fleet.WaitingCode `json:"waiting_code,omitempty"`
	WaitingSince   time.Time         `json:"waiting_since,omitzero"`
	WaitingSummary string            `json:"waiting_summary"`
	Blockers       []fleet.Blocker   `json:"blockers"`
	Estimate       *fleet.Estimate   `json:"estimate"`
	Position       struct {
		Higher int `json:"ahead_higher_priority"`
		Same   int `json:"ahead_same_priority"`
		Total  int `json:"total"`
	} `json:"position"`
	Counts struct {
		Robots  int            `json:"robots"`
		Fit     int            `json:"fit"`
		Free    int            `json:"fit_and_free"`
		ByFirst map[string]int `json:"by_first_reason"`
		ByAny   map[string]int `json:"by_any_reason"`
	} `json:"counts"`
	Robots      []ExplainedRobot `json:"robots"`
	RobotsTotal int              `json:"robots_total"`
	Changes     []struct {
		Change string          `json:"change"`
		Text   string          `json:"text"`
		Robots []fleet.RobotID `json:"robots"`
	} `json:"would_run_if"`
	Attempts []fleet.Attempt `json:"attempts"`
}

// ExplainedRobot is what every check says of one robot.
type ExplainedRobot struct {
	RobotID     fleet.RobotID `json:"robot_id"`
	Name        string        `json:"name"`
	Verdict     string        `json:"verdict"` // fits or blocked
	FirstReason string        `json:"first_reason,omitempty"`
	Checks      []struct {
		Code   string `json:"code"`
		OK     bool   `json:"ok"`
		Wanted string `json:"wanted"`
		Found  string `json:"found"`
	} `json:"checks"`
}

// ExplainJob asks why a job waits. limit is the most robots that are listed.
func (c *Client) ExplainJob(ctx context.Context, id fleet.ID, limit int) (out Explanation, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	err = c.get(ctx, at("jobs", string(id), "explain"), q, &out)
	return out, err
}

// PreviewJob asks what would become of a job if it were submitted now; nothing is
// stored. The workflow may be left out.
func (c *Client) PreviewJob(ctx context.Context, r SubmitRequest, limit int) (out Explanation, err error) {
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("placement", "preview"), query: q, body: body, safe: true}, &out)
	return out, err
}

// RobotChange changes parts of a robot; nil leaves a part as it is.
type RobotChange struct {
	Name  *string                `json:"name,omitempty"`
	Slots *int                   `json:"max_concurrent_jobs,omitempty"`
	Pool  *string                `json:"pool,omitempty"`
	Tags  *[]string              `json:"tags,omitempty"`
	Facts map[string]*fleet.Fact `json:"facts,omitempty"` // nil takes a fact back
	Unpin []string               `json:"unpin,omitempty"` // name, pool, tags
}

// UpdateRobot changes what is known of a robot.
func (c *Client) UpdateRobot(ctx context.Context, id fleet.RobotID, r RobotChange) (out fleet.Robot, err error) {
	err = c.write(ctx, http.MethodPatch, at("robots", string(id)), r, &out)
	return out, err
}

// DeleteRobot takes a robot out of the fleet for good, with its keys.
func (c *Client) DeleteRobot(ctx context.Context, id fleet.RobotID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("robots", string(id)), safe: true})
	return err
}

// RobotLogs returns the newest lines that a robot wrote after a time.
func (c *Client) RobotLogs(ctx context.Context, id fleet.RobotID, since time.Time, limit int) ([]RobotLine, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if !since.IsZero() {
		q.Set("since", since.UTC().Format(time.RFC3339Nano))
	}
	var out struct {
		Logs []RobotLine `json:"logs"`
	}
	err := c.get(ctx, at("robots", string(id), "logs"), q, &out)
	return out.Logs, err
}

// RobotLine is a line that a robot wrote in a job.
type RobotLine struct {
	At      time.Time `json:"timestamp"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Source  string    `json:"source"`
	JobID   fleet.ID  `json:"job_id"`
}

// write sends an object that does no harm when it is sent twice.
func (c *Client) write(ctx context.Context, method, path string, in, out any) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: method, path: path, body: body, safe: true}, out)
	return err
}

// ListAssignments returns the usual robots of a workflow in the order in which
// they are tried.
func (c *Client) ListAssignments(ctx context.Context, workflow fleet.ID) ([]fleet.UsualRobot, error) {
	var out struct {
		Assignments []fleet.UsualRobot `json:"assignments"`
	}
	err := c.get(ctx, at("workflows", string(workflow), "assignments"), nil, &out)
	return out.Assignments, err
}

// UsualWorkflow is a workflow that usually runs on a robot.
type UsualWorkflow struct {
	fleet.UsualRobot
	WorkflowName string `json:"workflow_name"`
}

// RobotAssignments returns the workflows that usually run on a robot.
func (c *Client) RobotAssignments(ctx context.Context, robot fleet.RobotID) ([]UsualWorkflow, error) {
	var out struct {
		Assignments []UsualWorkflow `json:"assignments"`
	}
	err := c.get(ctx, at("robots", string(robot), "assignments"), nil, &out)
	return out.Assignments, err
}

// AssignRobot makes a robot one of the usual ones of a workflow.
func (c *Client) AssignRobot(ctx context.Context, u fleet.UsualRobot) (out fleet.UsualRobot, err error) {
	body := map[string]any{"is_default": u.Default, "priority": u.Priority, "notes": u.Notes}
	err = c.write(ctx, http.MethodPut, at("workflows", string(u.WorkflowID), "assignments", string(u.RobotID)), body, &out)
	return out, err
}

// UnassignRobot takes a robot from the usual ones of a workflow.
func (c *Client) UnassignRobot(ctx context.Context, workflow fleet.ID, robot fleet.RobotID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("workflows", string(workflow), "assignments", string(robot)), safe: true})
	return err
}

// Reservation is one as it is stored, with what it cannot hold at present.
type Reservation struct {
	fleet.Reservation
	Warnings []string `json:"warnings,omitempty"`
}

// ListReservations returns all reservations, the oldest first.
func (c *Client) ListReservations(ctx context.Context) ([]fleet.Reservation, error) {
	var out struct {
		Reservations []fleet.Reservation `json:"reservations"`
	}
	err := c.get(ctx, at("reservations"), nil, &out)
	return out.Reservations, err
}

// GetReservation returns one reservation.
func (c *Client) GetReservation(ctx context.Context, id fleet.ID) (out fleet.Reservation, err error) {
	err = c.get(ctx, at("reservations", string(id)), nil, &out)
	return out, err
}

// CreateReservation keeps slots free. It is not repeated when its answer is
// lost: the second one would be refused for its name.
func (c *Client) CreateReservation(ctx context.Context, r fleet.Reservation) (out Reservation, err error) {
	body, err := encode(reservationBody(r))
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("reservations"), body: body}, &out)
	return out, err
}

// UpdateReservation replaces a reservation.
func (c *Client) UpdateReservation(ctx context.Context, r fleet.Reservation) (out Reservation, err error) {
	err = c.write(ctx, http.MethodPut, at("reservations", string(r.ID)), reservationBody(r), &out)
	return out, err
}

// DeleteReservation lets the slots of a reservation go.
func (c *Client) DeleteReservation(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("reservations", string(id)), safe: true})
	return err
}

// ListEnvironments returns the environments that robots live in or that are set.
func (c *Client) ListEnvironments(ctx context.Context) ([]fleet.Environment, error) {
	var out struct {
		Environments []fleet.Environment `json:"environments"`
	}
	err := c.get(ctx, at("environments"), nil, &out)
	return out.Environments, err
}

// GetEnvironment returns what is set of an environment.
func (c *Client) GetEnvironment(ctx context.Context, name string) (out fleet.Environment, err error) {
	err = c.get(ctx, at("environments", name), nil, &out)
	return out, err
}

// PutEnvironment sets what holds for an environment.
func (c *Client) PutEnvironment(ctx context.Context, e fleet.Environment) (out fleet.Environment, err error) {
	body := map[string]any{
		"strict": e.Strict, "production": e.Production, "age_step_seconds": e.AgeStepSeconds, "note": e.Note, "lost_after_seconds": e.LostAfterSeconds,
		"heartbeat_seconds": e.HeartbeatSeconds, "suspect_seconds": e.SuspectSeconds, "lease_seconds": e.LeaseSeconds,
	}
	err = c.write(ctx, http.MethodPut, at("environments", e.Name), body, &out)
	return out, err
}

func reservationBody(r fleet.Reservation) map[string]any {
	body := map[string]any{
		"name": r.Name, "selector": r.Selector, "slots": r.Slots, "for": r.For, "lend": r.Lend, "enabled": r.Enabled, "note": r.Note,
	}
	if len(r.Windows) > 0 {
		body["windows"] = r.Windows
	}
	if r.Cron != "" {
		body["cron"], body["length_seconds"], body["timezone"] = r.Cron, r.LengthSeconds, r.Timezone
	}
	if r.Recall != "" {
		body["recall"], body["recall_grace_seconds"] = r.Recall, r.RecallGraceSeconds
	}
	return body
}
