package client

import (
	"context"
	"net/url"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// NumbersQuery selects a window, and one thing in it or all. Empty fields are
// left to the orchestrator: seven days that end now, in the tenant's zone.
type NumbersQuery struct {
	Range       string // such as 24h or 7d
	From, To    time.Time
	Timezone    string
	Workflow    fleet.ID
	Robot       fleet.RobotID
	Environment string
	Trigger     string
}

func (q NumbersQuery) values() url.Values {
	v := url.Values{}
	set(v, "range", q.Range)
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	set(v, "timezone", q.Timezone)
	set(v, "workflow_id", q.Workflow)
	set(v, "robot_id", q.Robot)
	set(v, "environment", q.Environment)
	set(v, "trigger", q.Trigger)
	return v
}

// FleetNumbers is the fleet at a glance; the range is 1h, 24h, 7d or 30d.
func (c *Client) FleetNumbers(ctx context.Context, timeRange string) (out fleet.FleetNumbers, err error) {
	v := url.Values{}
	set(v, "time_range", timeRange)
	err = c.get(ctx, at("metrics", "fleet"), v, &out)
	return out, err
}

// Analytics is the last 1 to 90 days in numbers; 0 is 7.
func (c *Client) Analytics(ctx context.Context, days int) (out fleet.FleetAnalytics, err error) {
	v := url.Values{}
	set(v, "days", days)
	err = c.get(ctx, at("metrics", "analytics"), v, &out)
	return out, err
}

// NumbersOverview compares a window with the one before it.
func (c *Client) NumbersOverview(ctx context.Context, q NumbersQuery) (out fleet.NumbersOverview, err error) {
	err = c.get(ctx, at("analytics", "overview"), q.values(), &out)
	return out, err
}

// NumbersSeries shows a window bucket by bucket; the step is 5m, 1h, 1d, or empty.
func (c *Client) NumbersSeries(ctx context.Context, q NumbersQuery, step string) (out fleet.NumbersSeries, err error) {
	v := q.values()
	set(v, "step", step)
	err = c.get(ctx, at("analytics", "throughput"), v, &out)
	return out, err
}

// NumbersTable shows a window by workflow, robot, environment or trigger. The
// order is jobs, slowest, degraded, failures, waits or utilization.
func (c *Client) NumbersTable(ctx context.Context, q NumbersQuery, by fleet.RollupDim, sort string, limit int) (out fleet.NumbersTable, err error) {
	v := q.values()
	set(v, "sort", sort)
	set(v, "limit", limit)
	err = c.get(ctx, at("analytics", string(by)+"s"), v, &out)
	return out, err
}

// NumbersWaits shows what jobs waited for.
func (c *Client) NumbersWaits(ctx context.Context, q NumbersQuery) (out fleet.WaitTable, err error) {
	err = c.get(ctx, at("analytics", "waiting"), q.values(), &out)
	return out, err
}

// NumbersFailures groups the failures that are alike.
func (c *Client) NumbersFailures(ctx context.Context, q NumbersQuery, limit int) (out fleet.FailureTable, err error) {
	v := q.values()
	set(v, "limit", limit)
	err = c.get(ctx, at("analytics", "failures"), v, &out)
	return out, err
}

// NumbersHeat shows how busy the slots were by weekday and hour.
func (c *Client) NumbersHeat(ctx context.Context, q NumbersQuery) (out fleet.HeatMap, err error) {
	err = c.get(ctx, at("analytics", "heatmap"), q.values(), &out)
	return out, err
}

// RobotHealth tells how well a robot does, check by check.
func (c *Client) RobotHealth(ctx context.Context, id fleet.RobotID) (out fleet.RobotHealth, err error) {
	err = c.get(ctx, at("robots", string(id), "health"), nil, &out)
	return out, err
}

// HealthPage is a part of the fleet with the health of each robot.
type HealthPage struct {
	Robots []fleet.RobotHealth `json:"robots"`
	Total  int64               `json:"total"`
	Next   string              `json:"next_cursor"`
}

// FleetHealth tells how well robots do, page by page. Where robots are named it is
// of these alone, with the jobs that they run.
func (c *Client) FleetHealth(ctx context.Context, page fleet.Page, robots ...fleet.RobotID) (out HealthPage, err error) {
	v := pageQuery(page)
	for _, id := range robots {
		v.Add("robot_id", string(id))
	}
	err = c.get(ctx, at("fleet", "health"), v, &out)
	return out, err
}

// FleetState tells of the fleet what the rows of its robots do not: whose
// connection does not hold, and the room of each capability. With success it
// tells of each robot how its jobs of 24 hours ended.
func (c *Client) FleetState(ctx context.Context, success bool) (out fleet.FleetHealth, err error) {
	v := url.Values{}
	if success {
		v.Set("success", "true")
	}
	err = c.get(ctx, at("fleet", "health", "summary"), v, &out)
	return out, err
}

// RobotHistory tells how a robot was; the range is 15m, 1h, 6h, 24h, 7d, 30d or
// 90d.
func (c *Client) RobotHistory(ctx context.Context, id fleet.RobotID, span string) (out fleet.RobotHistory, err error) {
	var body struct {
		History fleet.RobotHistory `json:"history"`
	}
	v := url.Values{}
	v.Set("range", span)
	err = c.get(ctx, at("robots", string(id), "metrics"), v, &body)
	return body.History, err
}

// Bottlenecks tells what holds a workflow up; 0 days are 7.
func (c *Client) Bottlenecks(ctx context.Context, workflow fleet.ID, days int) (out fleet.Bottlenecks, err error) {
	v := url.Values{}
	set(v, "days", days)
	err = c.get(ctx, at("analytics", "bottlenecks", string(workflow)), v, &out)
	return out, err
}

// Execution tells how the runs of a workflow go; 0 days are 14.
func (c *Client) Execution(ctx context.Context, workflow fleet.ID, days int) (out fleet.Execution, err error) {
	v := url.Values{}
	set(v, "days", days)
	err = c.get(ctx, at("analytics", "execution", string(workflow)), v, &out)
	return out, err
}
