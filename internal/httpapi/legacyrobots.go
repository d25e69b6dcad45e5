package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The list of robots as the original's fleet dialog and robot picker read it: a
// bare array of all of them, in the original's words.

func (a *API) legacyRobotRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/robots", id: "robots.rows", summary: "List all robots in the form of the original",
		may: need(fleet.RobotsRead), rate: rateRobots,
		description: "A bare array; an empty one if there are none. A status selects the rows that show this word; online means idle.",
	}, a.robotRows)
	route(a, operation{
		method: http.MethodPut, path: Base + "/robots/{id}", id: "robots.edit", summary: "Change what is known of a robot, in the form of the original",
		may: need(fleet.RobotsManage), rate: rateWrite, body: jsonBody[LegacyRobotBody](plainBody, false),
		description: "What is left out or null stays. What is set here the robot itself does not change any more.",
	}, a.legacyEditRobot)
}

// LegacyRobotBody is what the original's fleet dialog changes of a robot.
type LegacyRobotBody struct {
	Name         *string   `json:"name,omitempty"`
	Hostname     *string   `json:"hostname,omitempty"`
	Capabilities *[]string `json:"capabilities,omitempty"`
	Environment  *string   `json:"environment,omitempty"`
	Slots        *int      `json:"max_concurrent_jobs,omitempty" doc:"1 to 100."`
	Tags         *[]string `json:"tags,omitempty"`
}

func (a *API) legacyEditRobot(ctx context.Context, in *robotInput) (*robotReply, error) {
	body, err := lenient[LegacyRobotBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Slots != nil && (*body.Slots < 1 || *body.Slots > fleet.MaxSlots) {
		return nil, fleet.Invalid("max_concurrent_jobs", "max_concurrent_jobs must be between 1 and %d; got %d.", fleet.MaxSlots, *body.Slots)
	}
	c := orchestrator.RobotChange{Name: body.Name, Slots: body.Slots, Hostname: body.Hostname, Capabilities: body.Capabilities, Environment: body.Environment}
	if body.Tags != nil {
		tags := words(*body.Tags)
		c.Tags = &tags
	}
	robot, err := a.o.Orchestrator.Robots.Edit(ctx, auth.From(ctx), fleet.RobotID(in.ID), c)
	if err != nil {
		return nil, err
	}
	return replyRobot(robot), nil
}

type robotRowsInput struct {
	Status string `query:"status" doc:"idle, online, busy, offline, error or maintenance; all if left out."`
}

type rowsReply struct{ Body []RobotRow }

func (a *API) robotRows(ctx context.Context, in *robotRowsInput) (*rowsReply, error) {
	word := in.Status
	if word == "online" {
		word = "idle"
	}
	if word != "" && !slices.Contains([]string{"idle", "busy", "offline", "error", "maintenance"}, word) {
		return nil, fleet.Invalid("status", "status must be idle, online, busy, offline, error or maintenance; got %q.", clip(in.Status, 40))
	}
	out := &rowsReply{Body: []RobotRow{}}
	page := fleet.Page{Limit: fleet.PageMax}
	for {
		part, err := a.o.Orchestrator.Robots.List(ctx, auth.From(ctx), orchestrator.RobotFilter{}, page)
		if err != nil {
			return nil, err
		}
		for _, r := range part.Robots {
			if row := showRow(r); word == "" || row.Status == word {
				out.Body = append(out.Body, row)
			}
		}
		if page.Cursor = part.Next; page.Cursor == "" {
			return out, nil
		}
	}
}
