package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// ProcessBody is the body of a restart or shutdown; all of it may be left out.
type ProcessBody struct {
	Running string `json:"running,omitempty" doc:"keep (default), requeue or cancel what runs now. What is kept has the robot's own drain timeout to end."`
}

// CommandEntry is one thing that was asked of a robot.
type CommandEntry struct {
	ID          fleet.ID          `json:"command_id"`
	RobotID     fleet.RobotID     `json:"robot_id"`
	Command     fleet.CommandKind `json:"command"`
	Status      string            `json:"status" enum:"requested,delivered,done,failed,expired"`
	RequestedBy string            `json:"requested_by,omitempty"`
	Message     string            `json:"message,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	DeliveredAt time.Time         `json:"delivered_at,omitzero"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	ExpiresAt   time.Time         `json:"expires_at" doc:"When one that is not done fails. Modes do not expire."`
}

// CommandList is a page of commands, the newest first.
type CommandList struct {
	Commands []CommandEntry `json:"commands"`
	Next     string         `json:"next_cursor,omitempty"`
}

func (a *API) robotCommandRoutes() {
	for _, c := range []struct {
		kind fleet.CommandKind
		text string
	}{
		{fleet.CommandRestart, "Let a robot's process come to its end and start anew"},
		{fleet.CommandShutdown, "Let a robot's process come to its end"},
	} {
		route(a, operation{
			method: http.MethodPost, path: Base + "/robots/{id}/" + string(c.kind), id: "robots." + string(c.kind), summary: c.text,
			may: need(fleet.RobotsOperate), rate: rateWrite, body: jsonBody[ProcessBody](plainBody, false),
		}, func(ctx context.Context, in *robotInput) (*commandReply, error) {
			body, err := optional[ProcessBody](a, callOf(ctx).body)
			if err != nil {
				return nil, err
			}
			cmd, robot, err := a.o.Orchestrator.Robots.Command(ctx, auth.From(ctx), fleet.RobotID(in.ID), c.kind, fleet.OnDeadline(body.Running))
			if err != nil {
				return nil, err
			}
			return toldProcess(&robot, &cmd), nil
		})
	}
	route(a, operation{
		method: http.MethodPost, path: Base + "/robots/{id}/self-test", id: "robots.self_test", summary: "Let a robot test whether it could work",
		description: "The robot writes a file where it keeps its journal, reads it back and looks at the room that is left. What it found is the message of the command, and a check of the robot's health. A robot that is busy goes on meanwhile.",
		may:         need(fleet.RobotsOperate), rate: rateWrite,
	}, func(ctx context.Context, in *robotInput) (*commandReply, error) {
		cmd, robot, err := a.o.Orchestrator.Robots.Command(ctx, auth.From(ctx), fleet.RobotID(in.ID), fleet.CommandSelfTest, "")
		if err != nil {
			return nil, err
		}
		return toldProcess(&robot, &cmd), nil
	})
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}/commands", id: "robots.commands", summary: "List what was asked of a robot",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, a.listCommands)
}

func toldProcess(robot *fleet.Robot, cmd *fleet.Command) *commandReply {
	return &commandReply{RobotCommand{
		RobotID: robot.ID, ID: cmd.ID, Command: cmd.Kind, Status: string(cmd.State), Message: processMessage(robot, cmd),
		Mode: robot.Mode, Shown: robot.Status,
	}}
}

func processMessage(r *fleet.Robot, c *fleet.Command) string {
	if c.Message != "" {
		return c.Message
	}
	if !r.Connected {
		return "The robot is not connected; it is told when it connects within " + fleet.CommandLife.String() + "."
	}
	if c.Kind == fleet.CommandSelfTest {
		return "The robot is asked; its answer comes within a few seconds."
	}
	return "The robot is told; it takes no new work and its process ends when it holds nothing any more."
}

type commandsInput struct {
	ID string `path:"id"`
	PageInput
}

type commandsReply struct{ Body CommandList }

func (a *API) listCommands(ctx context.Context, in *commandsInput) (*commandsReply, error) {
	list, next, err := a.o.Orchestrator.Robots.Commands(ctx, auth.From(ctx), fleet.RobotID(in.ID), in.page())
	if err != nil {
		return nil, err
	}
	out := CommandList{Commands: []CommandEntry{}, Next: next}
	for _, c := range list {
		e := CommandEntry{
			ID: c.ID, RobotID: c.RobotID, Command: c.Kind, Status: string(c.State), RequestedBy: c.By, Message: c.Message,
			CreatedAt: c.CreatedAt, DeliveredAt: c.Delivered, EndedAt: c.EndedAt, ExpiresAt: c.ExpiresAt,
		}
		stamp(&e.CreatedAt, &e.DeliveredAt, &e.EndedAt, &e.ExpiresAt)
		out.Commands = append(out.Commands, e)
	}
	return &commandsReply{out}, nil
}
