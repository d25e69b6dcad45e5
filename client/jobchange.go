package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// AnyRobot is the robot of MoveJob that lets any suitable robot run the job.
const AnyRobot fleet.RobotID = "any"

// PrioritizeJob makes a job that waits more or less urgent; 0 goes first.
func (c *Client) PrioritizeJob(ctx context.Context, id fleet.ID, to fleet.Priority) (out fleet.Job, err error) {
	err = c.write(ctx, http.MethodPost, at("jobs", string(id), "priority"), map[string]any{"priority": to}, &out)
	return out, err
}

// MoveJob lets a job that waits ask for another robot, or for AnyRobot.
func (c *Client) MoveJob(ctx context.Context, id fleet.ID, to fleet.RobotID) (out fleet.Job, err error) {
	err = c.write(ctx, http.MethodPost, at("jobs", string(id), "move"), map[string]any{"target_robot_id": to}, &out)
	return out, err
}
