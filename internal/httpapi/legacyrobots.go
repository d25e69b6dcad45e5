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
