package httpapi

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The presence of the original's robots: look-up, register, status, heartbeat.
// "Not found" tells such a program that its robot was deleted for good, and
// nothing else may be answered so.

// RobotRow is a robot as the original's programs list it.
type RobotRow struct {
	RobotID       fleet.RobotID      `json:"robot_id"`
	ID            fleet.RobotID      `json:"id"`
	Name          string             `json:"name"`
	Hostname      string             `json:"hostname"`
	Status        string             `json:"status" enum:"idle,busy,offline,error,maintenance"`
	FleetStatus   fleet.RobotStatus  `json:"fleet_status" doc:"The status in our own words."`
	Environment   string             `json:"environment"`
	CPU           float64            `json:"cpu_percent"`
	MemoryMB      float64            `json:"memory_mb"`
	Memory        float64            `json:"memory_percent"`
	CurrentJob    *fleet.ID          `json:"current_job"`
	CurrentJobID  *fleet.ID          `json:"current_job_id"`
	CurrentJobs   int                `json:"current_jobs"`
	Max           int                `json:"max_concurrent_jobs"`
	LastSeen      *time.Time         `json:"last_seen"`
	LastHeartbeat *time.Time         `json:"last_heartbeat"`
	Capabilities  fleet.Capabilities `json:"capabilities"`
	Tags          fleet.Capabilities `json:"tags"`
}

// showRow is a robot with its status derived as a row.
func showRow(r fleet.Robot) RobotRow {
	r = showRobot(r)
	row := RobotRow{
		RobotID: r.ID, ID: r.ID, Name: r.Name, Hostname: r.Hostname, Status: fleet.LegacyStatus(r.Status), FleetStatus: r.Status, Environment: r.Environment,
		CPU: r.Metrics.CPUPercent, MemoryMB: r.Metrics.MemoryMB, Memory: r.Metrics.MemoryPercent, CurrentJobs: r.Taken, Max: max(r.Max(), 1),
		Capabilities: r.Capabilities, Tags: r.Tags,
	}
	if row.Name == "" {
		row.Name = string(r.ID)
	}
	if len(r.CurrentJobIDs) > 0 {
		row.CurrentJob, row.CurrentJobID = &r.CurrentJobIDs[0], &r.CurrentJobIDs[0]
	}
	if !r.LastSeen.IsZero() {
		row.LastSeen, row.LastHeartbeat = &r.LastSeen, &r.LastSeen
	}
	return row
}

// StatusBody is the body of a status message.
type StatusBody struct {
	Status string `json:"status" enum:"idle,online,busy,offline,error,maintenance,paused"`
}

// HeartbeatReply answers a heartbeat.
type HeartbeatReply struct {
	OK     bool       `json:"ok"`
	At     time.Time  `json:"timestamp"`
	Cancel []fleet.ID `json:"cancel_requested" doc:"Jobs that are to stop."`
}

func (a *API) polledRobotRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/robots/{id}", id: "robots.row", summary: "Get a robot in the form of the original",
		may: need(fleet.RobotsRead).orSelf(), rate: rateOneRobot,
	}, a.robotRow)
	route(a, operation{
		method: http.MethodPut, path: Base + "/robots/{id}/status", id: "robots.status", summary: "Say how a robot is",
		may: need(fleet.RobotsManage).orSelf(), rate: rateRobot, body: jsonBody[StatusBody](plainBody, true),
		description: "By a robot's own key it is a report and changes no mode. Others set the mode: maintenance, paused, or idle and online to end it.",
	}, a.robotStatus)
	route(a, operation{
		method: http.MethodPost, path: Base + "/robots/{id}/heartbeat", id: "robots.heartbeat", summary: "A robot's sign of life",
		may: need(fleet.RobotsManage).orSelf(), rate: rateRobot, body: bodyRule{limit: plainBody, schema: anyObject("Readings of the machine; each may be null.")},
	}, func(ctx context.Context, in *robotInput) (*heartbeatReply, error) {
		return a.robotHeartbeat(ctx, fleet.RobotID(in.ID))
	})
	route(a, operation{
		method: http.MethodPost, path: Base + "/robots/heartbeat", id: "robots.heartbeat_of", summary: "A robot's sign of life, with robot_id in the body",
		may: need(fleet.RobotsManage).orSelf(), rate: rateRobot, body: bodyRule{limit: plainBody, schema: anyObject("robot_id, and readings of the machine.")},
	}, func(ctx context.Context, _ *struct{}) (*heartbeatReply, error) { return a.robotHeartbeat(ctx, "") })
	route(a, operation{
		method: http.MethodDelete, path: Base + "/robots/{id}", id: "robots.delete", summary: "Take a robot out of the fleet for good",
		may: need(fleet.RobotsManage), rate: rateWrite,
		description: "Its keys end with it, and what it holds goes to other robots. Only a registration makes it again.",
	}, a.deleteRobot)
}

// DeletedRobot answers the end of a robot.
type DeletedRobot struct {
	Deleted bool          `json:"deleted"`
	RobotID fleet.RobotID `json:"robot_id"`
}

type deletedReply struct{ Body DeletedRobot }

func (a *API) deleteRobot(ctx context.Context, in *robotInput) (*deletedReply, error) {
	if err := a.o.Orchestrator.Robots.Delete(ctx, auth.From(ctx), fleet.RobotID(in.ID)); err != nil {
		return nil, err
	}
	a.o.Keys.Forget()
	return &deletedReply{DeletedRobot{Deleted: true, RobotID: fleet.RobotID(in.ID)}}, nil
}

type rowReply struct{ Body RobotRow }

func (a *API) robotRow(ctx context.Context, in *robotInput) (*rowReply, error) {
	robot, err := a.o.Orchestrator.Robots.Look(ctx, auth.From(ctx), fleet.RobotID(in.ID))
	if err != nil {
		return nil, err
	}
	return &rowReply{showRow(robot)}, nil
}

// asOriginal fills in what a registration of the original says, and holds it to
// the original's bounds.
func (a *API) asOriginal(in *fleet.Robot, body RegisterBody) (err error) {
	if in.Name == "" || len([]rune(in.Name)) > 128 {
		return fleet.Invalid("name", "name must have 1 to 128 characters; got %d.", len([]rune(in.Name)))
	}
	if len([]rune(body.Hostname)) > 256 {
		return fleet.Invalid("hostname", "hostname must have 1 to 256 characters; got %d.", len([]rune(body.Hostname)))
	}
	in.Hostname, in.WishedSlots = body.Hostname, max(body.Slots, 1)
	in.Tags, err = fleet.NewCapabilities(words(body.Tags)...)
	return err
}

// words gives tags of people the form of our words: what no tag may hold becomes
// a dash.
func words(list []string) []string {
	out := make([]string, 0, len(list))
	for _, w := range list {
		w = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r) {
				return r
			}
			return '-'
		}, strings.ToLower(strings.TrimSpace(w)))
		if w = strings.TrimLeft(w, "-_."); w != "" {
			out = append(out, w[:min(len(w), 64)])
		}
	}
	return out
}

func (a *API) robotStatus(ctx context.Context, in *robotInput) (*robotReply, error) {
	body, err := lenient[StatusBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	word := orchestrator.Word(body.Status)
	if !word.Known() {
		return nil, fleet.Invalid("status", "status must be idle, online, busy, offline, error, maintenance or paused; got %q.", clip(body.Status, 40))
	}
	if a.o.Polling == nil {
		return nil, noPolling()
	}
	p, id := auth.From(ctx), fleet.RobotID(in.ID)
	if err := a.o.Polling.PollStatus(ctx, p, id, word); err != nil {
		return nil, err
	}
	robot, err := a.o.Orchestrator.Robots.Look(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return replyRobot(robot), nil
}

func noPolling() error {
	return fleet.Errorf(fleet.CodeUnavailable, "no_polling", "This orchestrator serves no robots that poll.")
}

type heartbeatReply struct{ Body HeartbeatReply }

func (a *API) robotHeartbeat(ctx context.Context, id fleet.RobotID) (*heartbeatReply, error) {
	body, err := lenient[map[string]any](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if id == "" {
		text, _ := body["robot_id"].(string)
		id = fleet.RobotID(text)
		if _, err := fleet.ParseRobotID(text); err != nil {
			return nil, err
		}
	}
	p := auth.From(ctx)
	if err := p.Itself(id); err != nil {
		return nil, err
	}
	if a.o.Polling == nil {
		return nil, noPolling()
	}
	b := orchestrator.PollBeat{Running: -1}
	b.Metrics.CPUPercent, _ = figure(body, "cpu_percent")
	b.Metrics.MemoryPercent, _ = figure(body, "memory_percent")
	b.Metrics.MemoryMB, _ = figure(body, "memory_mb")
	b.Metrics.DiskPercent, _ = figure(body, "disk_percent")
	if n, given := figure(body, "current_job_count"); given && n >= 0 {
		b.Running = int(math.Ceil(min(n, fleet.MaxSlots)))
	}
	if n, given := figure(body, "max_concurrent_jobs"); given && n >= 1 {
		b.Slots = int(min(n, fleet.MaxSlots))
	}
	stop, err := a.o.Polling.PollHeartbeat(ctx, p, id, b)
	if err != nil {
		return nil, err
	}
	return &heartbeatReply{HeartbeatReply{OK: true, At: a.o.Now().UTC().Truncate(time.Millisecond), Cancel: append([]fleet.ID{}, stop...)}}, nil
}
