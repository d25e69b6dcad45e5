package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// RobotCommand answers what an operator asked of a robot.
type RobotCommand struct {
	RobotID fleet.RobotID      `json:"robot_id"`
	ID      fleet.ID           `json:"command_id"`
	Command fleet.CommandKind  `json:"command"`
	Status  fleet.CommandState `json:"status"` // requested, delivered; done, failed or expired
	Message string             `json:"message"`
	Mode    fleet.AdminMode    `json:"mode"`
	Shown   fleet.RobotStatus  `json:"robot_status"`
}

// PauseRobot gives a robot no new work for so many seconds, 0 until it is resumed.
func (c *Client) PauseRobot(ctx context.Context, id fleet.RobotID, seconds int64, note string) (RobotCommand, error) {
	return c.command(ctx, id, "pause", map[string]any{"for_seconds": seconds, "note": note})
}

// Drain says how a robot comes to its end.
type Drain struct {
	Seconds    int64            `json:"deadline_seconds,omitempty"` // 0: for ever
	OnDeadline fleet.OnDeadline `json:"on_deadline,omitempty"`      // requeue
	Then       fleet.AdminMode  `json:"then,omitempty"`             // maintenance
	Note       string           `json:"note,omitempty"`
}

// DrainRobot gives a robot no new work and lets it come to its end.
func (c *Client) DrainRobot(ctx context.Context, id fleet.RobotID, d Drain) (RobotCommand, error) {
	return c.command(ctx, id, "drain", d)
}

// Maintenance says how a robot leaves service.
type Maintenance struct {
	Seconds int64            `json:"for_seconds,omitempty"` // 0: until it is resumed
	Running fleet.OnDeadline `json:"running,omitempty"`     // keep
	Note    string           `json:"note,omitempty"`
}

// MaintainRobot takes a robot out of service.
func (c *Client) MaintainRobot(ctx context.Context, id fleet.RobotID, m Maintenance) (RobotCommand, error) {
	return c.command(ctx, id, "maintenance", m)
}

// ResumeRobot puts a robot back into service.
func (c *Client) ResumeRobot(ctx context.Context, id fleet.RobotID) (RobotCommand, error) {
	return c.command(ctx, id, "resume", map[string]any{})
}

// StopRobot pauses a robot without an end; force also cancels what it runs.
func (c *Client) StopRobot(ctx context.Context, id fleet.RobotID, force bool) (RobotCommand, error) {
	return c.command(ctx, id, "stop", map[string]any{"force": force})
}

func (c *Client) command(ctx context.Context, id fleet.RobotID, word string, body any) (out RobotCommand, err error) {
	err = c.write(ctx, http.MethodPost, at("robots", string(id), word), body, &out)
	return out, err
}
