package client

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// CommandEntry is one thing that was asked of a robot.
type CommandEntry struct {
	ID          fleet.ID           `json:"command_id"`
	RobotID     fleet.RobotID      `json:"robot_id"`
	Command     fleet.CommandKind  `json:"command"`
	Status      fleet.CommandState `json:"status"`
	RequestedBy string             `json:"requested_by"`
	Message     string             `json:"message"`
	CreatedAt   time.Time          `json:"created_at"`
	DeliveredAt time.Time          `json:"delivered_at"`
	EndedAt     time.Time          `json:"ended_at"`
	ExpiresAt   time.Time          `json:"expires_at"`
}

// CommandPage is a part of the list, the newest first.
type CommandPage struct {
	Commands []CommandEntry `json:"commands"`
	Next     string         `json:"next_cursor"`
}

// RobotCommands returns a page of what was asked of a robot.
func (c *Client) RobotCommands(ctx context.Context, id fleet.RobotID, page fleet.Page) (out CommandPage, err error) {
	err = c.get(ctx, at("robots", string(id), "commands"), pageQuery(page), &out)
	return out, err
}

// WaitCommand asks twice a second until a command has ended.
func (c *Client) WaitCommand(ctx context.Context, robot fleet.RobotID, id fleet.ID) (e CommandEntry, err error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		page, err := c.RobotCommands(ctx, robot, fleet.Page{Limit: fleet.PageMax})
		if err != nil {
			return e, err
		}
		found := false
		for _, e = range page.Commands {
			if found = e.ID == id; found {
				break
			}
		}
		if !found {
			return CommandEntry{}, fmt.Errorf("robot %s has no command %s", robot, id)
		}
		if !e.EndedAt.IsZero() {
			return e, nil
		}
		select {
		case <-ctx.Done():
			return e, ctx.Err()
		case <-tick.C:
		}
	}
}

// RestartRobot lets the robot's process come to its end and start anew. The
// command is done when the new process has connected; running says what becomes
// of what it holds now, empty is to keep it.
func (c *Client) RestartRobot(ctx context.Context, id fleet.RobotID, running fleet.OnDeadline) (RobotCommand, error) {
	return c.command(ctx, id, "restart", processBody(running))
}

// TestRobot lets a robot test whether it could work. What it found is the message
// of the command when it has ended.
func (c *Client) TestRobot(ctx context.Context, id fleet.RobotID) (RobotCommand, error) {
	return c.command(ctx, id, "self-test", struct{}{})
}

// ShutdownRobot lets the robot's process come to its end.
func (c *Client) ShutdownRobot(ctx context.Context, id fleet.RobotID, running fleet.OnDeadline) (RobotCommand, error) {
	return c.command(ctx, id, "shutdown", processBody(running))
}

func processBody(running fleet.OnDeadline) any {
	return struct {
		Running fleet.OnDeadline `json:"running,omitempty"`
	}{running}
}
