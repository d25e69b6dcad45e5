package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// PauseBody is the body of a pause; all of it may be left out.
type PauseBody struct {
	For  *int64 `json:"for_seconds,omitempty" doc:"How long; 3600 if left out, 0 is until somebody resumes it."`
	Note string `json:"note,omitempty"`
}

// DrainBody is the body of a drain; all of it may be left out.
type DrainBody struct {
	Deadline   int64  `json:"deadline_seconds,omitempty" doc:"How long it may take; for ever if left out."`
	OnDeadline string `json:"on_deadline,omitempty" doc:"keep, requeue (default) or cancel what still runs then."`
	Then       string `json:"then,omitempty" doc:"maintenance (default), paused, active, or shutdown: its process ends and it is in maintenance."`
	Note       string `json:"note,omitempty"`
}

// MaintenanceBody is the body of a maintenance; all of it may be left out.
type MaintenanceBody struct {
	For     int64  `json:"for_seconds,omitempty" doc:"How long; until somebody resumes it if left out."`
	Running string `json:"running,omitempty" doc:"keep (default), requeue or cancel what runs now."`
	Note    string `json:"note,omitempty"`
}

// StopBody is the body of a stop; all of it may be left out.
type StopBody struct {
	Force bool `json:"force,omitempty" doc:"Cancel what runs now."`
}

// RobotCommand answers what an operator asked of a robot.
type RobotCommand struct {
	RobotID fleet.RobotID     `json:"robot_id"`
	ID      fleet.ID          `json:"command_id"`
	Command fleet.CommandKind `json:"command"`
	Status  string            `json:"status" enum:"requested,delivered,done,failed,expired"`
	Message string            `json:"message"`
	Mode    fleet.AdminMode   `json:"mode"`
	Shown   fleet.RobotStatus `json:"robot_status"`
}

func (a *API) robotModeRoutes() {
	for _, c := range []struct {
		word fleet.CommandKind
		text string
		body bodyRule
		read func(raw []byte) (fleet.ModeChange, error)
	}{
		{"pause", "Give a robot no new work for a while; what runs goes on", jsonBody[PauseBody](plainBody, false), a.readPause},
		{"drain", "Give a robot no new work and let it come to its end", jsonBody[DrainBody](plainBody, false), a.readDrain},
		{"maintenance", "Take a robot out of service", jsonBody[MaintenanceBody](plainBody, false), a.readMaintenance},
		{"resume", "Put a robot back into service", bodyRule{limit: plainBody, schema: anyObject("Empty.")}, a.readResume},
		{"start", "The same as resume", bodyRule{limit: plainBody, schema: anyObject("Empty.")}, a.readResume},
		{"stop", "Pause a robot without an end", jsonBody[StopBody](plainBody, false), a.readStop},
	} {
		route(a, operation{
			method: http.MethodPost, path: Base + "/robots/{id}/" + string(c.word), id: "robots." + string(c.word), summary: c.text,
			may: need(fleet.RobotsOperate), rate: rateWrite, body: c.body,
		}, func(ctx context.Context, in *robotInput) (*commandReply, error) {
			change, err := c.read(callOf(ctx).body)
			if err != nil {
				return nil, err
			}
			done, robot, err := a.o.Orchestrator.Robots.SetMode(ctx, auth.From(ctx), fleet.RobotID(in.ID), c.word, change)
			if err != nil {
				return nil, err
			}
			return &commandReply{RobotCommand{
				RobotID: robot.ID, ID: done.ID, Command: c.word, Status: string(done.State), Message: modeMessage(&robot), Mode: robot.Mode, Shown: robot.Status,
			}}, nil
		})
	}
}

type commandReply struct{ Body RobotCommand }

func (a *API) readPause(raw []byte) (c fleet.ModeChange, err error) {
	body, err := optional[PauseBody](a, raw)
	c = fleet.ModeChange{Mode: fleet.ModePaused, For: time.Hour, Note: body.Note}
	if err == nil && body.For != nil {
		c.For, err = seconds("for_seconds", *body.For)
	}
	return c, err
}

func (a *API) readDrain(raw []byte) (c fleet.ModeChange, err error) {
	body, err := optional[DrainBody](a, raw)
	if err != nil {
		return c, err
	}
	c = fleet.ModeChange{
		Mode: fleet.ModeDraining, Note: body.Note, OnDeadline: fleet.OnDeadline(body.OnDeadline), Then: fleet.AdminMode(body.Then),
	}
	c.Deadline, err = seconds("deadline_seconds", body.Deadline)
	return c, err
}

func (a *API) readMaintenance(raw []byte) (c fleet.ModeChange, err error) {
	body, err := optional[MaintenanceBody](a, raw)
	if err != nil {
		return c, err
	}
	c = fleet.ModeChange{Mode: fleet.ModeMaintenance, Note: body.Note, Running: fleet.OnDeadline(body.Running)}
	c.For, err = seconds("for_seconds", body.For)
	return c, err
}

func (a *API) readResume(raw []byte) (fleet.ModeChange, error) {
	_, err := optional[struct{}](a, raw)
	return fleet.ModeChange{Mode: fleet.ModeActive}, err
}

func (a *API) readStop(raw []byte) (fleet.ModeChange, error) {
	body, err := optional[StopBody](a, raw)
	c := fleet.ModeChange{Mode: fleet.ModePaused, Note: "stopped"}
	if body.Force {
		c.Running = fleet.CancelRunning
	}
	return c, err
}

func modeMessage(r *fleet.Robot) string {
	switch {
	case r.Mode == fleet.ModeActive && !r.Connected:
		return "The robot is wanted again; it is not connected."
	case r.Mode == fleet.ModeActive:
		return "The robot takes new work."
	case r.Mode == fleet.ModeDraining:
		return fmt.Sprintf("The robot takes no new work; %d jobs run to their end.", r.Taken)
	case !r.ModeUntil.IsZero():
		return fmt.Sprintf("The robot is in mode %s until %s.", r.Mode, r.ModeUntil.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("The robot is in mode %s until it is resumed.", r.Mode)
}
