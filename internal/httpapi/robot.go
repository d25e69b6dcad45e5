package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// RobotList is a page of robots, by id.
type RobotList struct {
	Robots []fleet.Robot `json:"robots"`
	Total  int64         `json:"total"`
	Next   string        `json:"next_cursor,omitempty"`
}

// RegisterBody makes a robot known or changes its name and limits. One that
// names its host comes from the original: it is that robot's sign of life, too.
type RegisterBody struct {
	Hostname     string   `json:"hostname,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	ID           string   `json:"robot_id" doc:"1 to 64 letters, digits, - or _."`
	Name         string   `json:"name,omitempty" doc:"The id if left out."`
	Environment  string   `json:"environment,omitempty" doc:"default if left out."`
	Slots        int      `json:"max_concurrent_jobs,omitempty" doc:"The most the robot may run at once; 0 is what the robot asks for."`
	Capabilities []string `json:"capabilities,omitempty" doc:"Until the robot connects and says its own."`
}

func (a *API) robotRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots", id: "robots.list", summary: "List robots with their status and load",
		may: need(fleet.RobotsRead), rate: rateRead, description: dashboardNote,
	}, a.listRobots)
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}", id: "robots.get", summary: "Get a robot",
		may: need(fleet.RobotsRead), rate: rateRead, description: dashboardNote,
	}, a.getRobot)
	route(a, operation{
		method: http.MethodPost, path: Base + "/robots/register", id: "robots.register", summary: "Make a robot known, or change its name and limits",
		may: need(fleet.RobotsManage).orSelf(), rate: rateWrite, body: jsonBody[RegisterBody](plainBody, true),
		description: "A robot's own key may register that robot; what a person has set stays.",
	}, a.registerRobot)
	route(a, operation{
		method: http.MethodPatch, path: Base + "/robots/{id}", id: "robots.update", summary: "Change what is known of a robot",
		may: need(fleet.RobotsManage), rate: rateWrite, body: jsonBody[RobotBody](plainBody, true),
		description: "Name, pool and tags are pinned by it: the robot cannot change them by connecting until they are unpinned.",
	}, a.updateRobot)
}

// RobotBody changes parts of a robot; what is left out stays.
type RobotBody struct {
	Name  *string                `json:"name,omitempty"`
	Slots *int                   `json:"max_concurrent_jobs,omitempty" doc:"The most the robot may run at once; 0 is what the robot asks for."`
	Pool  *string                `json:"pool,omitempty"`
	Tags  *[]string              `json:"tags,omitempty"`
	Facts map[string]*fleet.Fact `json:"facts,omitempty" doc:"By name; null takes one back."`
	Unpin []string               `json:"unpin,omitempty" doc:"name, pool or tags: the robot may say it again."`
}

func (a *API) updateRobot(ctx context.Context, in *robotInput) (*robotReply, error) {
	body, err := decode[RobotBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	robot, err := a.o.Orchestrator.Robots.Edit(ctx, auth.From(ctx), fleet.RobotID(in.ID), orchestrator.RobotChange{
		Name: body.Name, Slots: body.Slots, Pool: body.Pool, Tags: body.Tags, Facts: body.Facts, Unpin: body.Unpin,
	})
	if err != nil {
		return nil, err
	}
	return replyRobot(robot), nil
}

type listRobotsInput struct {
	PageInput
	Environment string `query:"environment"`
	Connected   bool   `query:"connected" doc:"Only robots that are connected."`
}

type listRobotsReply struct{ Body RobotList }

func (a *API) listRobots(ctx context.Context, in *listRobotsInput) (*listRobotsReply, error) {
	f := orchestrator.RobotFilter{Environment: in.Environment, Connected: in.Connected}
	page, err := a.o.Orchestrator.Robots.List(ctx, auth.From(ctx), f, in.page())
	if err != nil {
		return nil, err
	}
	return &listRobotsReply{RobotList{Robots: showAll(page.Robots, showRobot), Total: page.Total, Next: page.Next}}, nil
}

type robotInput struct {
	ID string `path:"id"`
}

// RobotObject is a robot, with the names that programs of the original read
// beside ours.
type RobotObject struct {
	fleet.Robot
	Max           int       `json:"max_concurrent_jobs"`
	LastHeartbeat time.Time `json:"last_heartbeat,omitzero"`
}

type robotReply struct{ Body RobotObject }

func replyRobot(r fleet.Robot) *robotReply {
	r = showRobot(r)
	return &robotReply{RobotObject{Robot: r, Max: r.Max(), LastHeartbeat: r.LastSeen}}
}

func (a *API) getRobot(ctx context.Context, in *robotInput) (*robotReply, error) {
	robot, err := a.o.Orchestrator.Robots.Get(ctx, auth.From(ctx), fleet.RobotID(in.ID))
	if err != nil {
		return nil, err
	}
	return replyRobot(robot), nil
}

func (a *API) registerRobot(ctx context.Context, _ *struct{}) (*robotReply, error) {
	body, err := lenient[RegisterBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Slots < 0 || body.Slots > fleet.MaxSlots {
		return nil, fleet.Invalid("max_concurrent_jobs", "max_concurrent_jobs must be between 0 and %d; got %d.", fleet.MaxSlots, body.Slots)
	}
	caps, err := fleet.NewCapabilities(body.Capabilities...)
	if err != nil {
		return nil, err
	}
	in := fleet.Robot{
		ID: fleet.RobotID(body.ID), Name: body.Name, Environment: body.Environment, SlotLimit: body.Slots, Capabilities: caps,
	}
	if body.Hostname != "" {
		if err := a.asOriginal(&in, body); err != nil {
			return nil, err
		}
	}
	p, robots := auth.From(ctx), a.o.Orchestrator.Robots
	robot, err := robots.Register(ctx, p, in)
	if err != nil {
		return nil, err
	}
	if body.Hostname != "" && a.o.Polling != nil {
		if err := a.o.Polling.PollRegistered(ctx, p, robot.ID); err != nil {
			return nil, err
		}
	}
	if robot, err = robots.Look(ctx, p, robot.ID); err != nil { // with its status
		return nil, err
	}
	return replyRobot(robot), nil
}
