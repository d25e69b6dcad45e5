package httpapi

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// RobotHealthList is a part of the fleet with the health of each robot.
type RobotHealthList struct {
	Robots []fleet.RobotHealth `json:"robots"`
	Total  int64               `json:"total"`
	Next   string              `json:"next_cursor"`
}

// RobotSum is what a robot did in some days, in the form of the original.
type RobotSum struct {
	RobotID   fleet.RobotID `json:"robot_id"`
	Name      string        `json:"name"`
	Completed int64         `json:"jobs_completed"`
	Failed    int64         `json:"jobs_failed" doc:"Failed and timed out."`
	MeanMS    float64       `json:"average_execution_time_ms"`
	Uptime    float64       `json:"uptime_percent" doc:"Minutes in which it was connected, of those since it is known."`
}

func (a *API) robotHealthRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}/health", id: "robots.health", summary: "How well a robot does, check by check",
		may: need(fleet.RobotsRead), rate: rateRead, description: "The worst of its checks. A check that is unknown was not measured; a robot that is offline is unknown.",
	}, a.robotHealth)
	route(a, operation{
		method: http.MethodGet, path: Base + "/fleet/health", id: "robots.fleet_health", summary: "How well all robots do", may: need(fleet.RobotsRead), rate: rateRead,
		description: "Page by page, by id. Where robots are named it is of these alone, at most 100, with the jobs that they run; a robot that is not there is left out.",
	}, a.fleetHealth)
	route(a, operation{
		method: http.MethodGet, path: Base + "/fleet/health/summary", id: "robots.fleet_state", summary: "What the rows of robots do not tell of a fleet",
		may: need(fleet.RobotsRead), rate: rateRead, times: 2,
		description: "Whose connection does not hold, and for each capability the slots of connected robots with the jobs that wait for it. " +
			"Slots are used, free, or held: on robots that take no new work for now.",
	}, a.fleetState)
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/robot/{id}", id: "robots.sum", summary: "What a robot did in some days, in the form of the original",
		may: need(fleet.RobotsRead), rate: rateOneRobot,
	}, a.robotSum)
}

type robotHealthReply struct{ Body fleet.RobotHealth }

func (a *API) robotHealth(ctx context.Context, in *robotInput) (*robotHealthReply, error) {
	out, err := a.o.Orchestrator.Robots.Health(ctx, auth.From(ctx), fleet.RobotID(in.ID))
	return &robotHealthReply{out}, err
}

type fleetHealthReply struct{ Body RobotHealthList }

type fleetHealthInput struct {
	PageInput
	Robots []fleet.RobotID `query:"robot_id,explode" doc:"A robot; may be repeated."`
}

func (a *API) fleetHealth(ctx context.Context, in *fleetHealthInput) (*fleetHealthReply, error) {
	who, robots := auth.From(ctx), a.o.Orchestrator.Robots
	out, err := orchestrator.HealthPage{}, error(nil)
	if len(in.Robots) > 0 {
		out, err = robots.HealthOf(ctx, who, in.Robots)
	} else {
		out, err = robots.FleetHealth(ctx, who, in.page())
	}
	for i := range out.Robots {
		for k := range out.Robots[i].Jobs {
			stamp(&out.Robots[i].Jobs[k].StartedAt)
		}
	}
	return &fleetHealthReply{RobotHealthList{Robots: out.Robots, Total: out.Total, Next: out.Next}}, err
}

type fleetStateInput struct {
	Success bool `query:"success" doc:"Tell of each robot, too, how its jobs of 24 hours ended."`
}

type fleetStateReply struct{ Body fleet.FleetHealth }

func (a *API) fleetState(ctx context.Context, in *fleetStateInput) (*fleetStateReply, error) {
	out, err := a.o.Orchestrator.Robots.FleetState(ctx, auth.From(ctx), in.Success)
	stamp(&out.At)
	return &fleetStateReply{out}, err
}

type robotSumInput struct {
	ID   string `path:"id"`
	Days int    `query:"days" default:"7" doc:"1 to 90."`
}

type robotSumReply struct{ Body RobotSum }

func (a *API) robotSum(ctx context.Context, in *robotSumInput) (*robotSumReply, error) {
	robot, sum, uptime, err := a.o.Orchestrator.Robots.Did(ctx, auth.From(ctx), fleet.RobotID(in.ID), in.Days)
	return &robotSumReply{RobotSum{
		RobotID: robot.ID, Name: robot.Name, Completed: sum.Completed, Failed: sum.Failed + sum.TimedOut, MeanMS: sum.MeanRunMS(), Uptime: uptime,
	}}, err
}
