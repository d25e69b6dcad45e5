package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// RobotLogs are lines that a robot wrote, the newest last.
type RobotLogs struct {
	Logs []RobotLogEntry `json:"logs"`
}

// RobotLogEntry is one line of a robot.
type RobotLogEntry struct {
	At      time.Time `json:"timestamp"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Source  string    `json:"source" doc:"The node, or else the workflow."`
	JobID   fleet.ID  `json:"job_id"`
}

// RobotFigures is how a robot does: its machine, its jobs, its connection. What
// is not measured is 0.
type RobotFigures struct {
	RobotFigureList
	RobotID       fleet.RobotID   `json:"robot_id"`
	Status        string          `json:"status"`
	ConnectedAt   *time.Time      `json:"connected_at"`
	LastHeartbeat *time.Time      `json:"last_heartbeat"`
	Current       []RobotJob      `json:"current_jobs_data"`
	Metrics       RobotFigureList `json:"metrics" doc:"The numbers once more."`
	// History is there if a range is asked for.
	History *fleet.RobotHistory `json:"history,omitempty" doc:"If range is given: means and peaks by the minute up to 24h, by the hour beyond."`
}

// RobotFigureList is the numbers.
type RobotFigureList struct {
	CPU       float64 `json:"cpu_percent"`
	Memory    float64 `json:"memory_percent"`
	MemoryMB  float64 `json:"memory_mb"`
	Disk      float64 `json:"disk_percent"`
	Total     int     `json:"total_jobs" doc:"Of the newest 500 jobs of the robot, as the three below."`
	Succeeded int     `json:"successful_jobs"`
	Failed    int     `json:"failed_jobs"`
	AverageMS int64   `json:"avg_job_duration_ms"`
	LatencyMS float64 `json:"latency_ms" doc:"Not measured."`
	Sent      int64   `json:"bytes_sent" doc:"Not measured."`
	Received  int64   `json:"bytes_received" doc:"Not measured."`
}

// RobotJob is a job that a robot runs now.
type RobotJob struct {
	ID        fleet.ID    `json:"id"`
	Workflow  string      `json:"workflow_name"`
	Status    fleet.State `json:"status"`
	Progress  int         `json:"progress"`
	StartedAt *time.Time  `json:"started_at"`
}

func (a *API) robotFigureRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}/logs", id: "robots.logs", summary: "Read the newest lines that a robot wrote",
		may: need(fleet.RobotsRead), rate: rateRead, times: 2,
	}, a.robotLogs)
	route(a, operation{
		method: http.MethodGet, path: Base + "/robots/{id}/metrics", id: "robots.metrics", summary: "How a robot does",
		may: need(fleet.RobotsRead), rate: rateOneRobot,
	}, a.robotMetrics)
}

// RobotLogsInput selects lines.
type RobotLogsInput struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" default:"100"`
	Since string `query:"since" doc:"Lines after this time; without a zone it is UTC."`
}

type robotLogsReply struct{ Body RobotLogs }

func (a *API) robotLogs(ctx context.Context, in *RobotLogsInput) (*robotLogsReply, error) {
	since, err := looseTime("since", in.Since)
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Robots.Logs(ctx, auth.From(ctx), fleet.RobotID(in.ID), since, in.Limit)
	if err != nil {
		return nil, err
	}
	out := RobotLogs{Logs: []RobotLogEntry{}}
	for _, l := range list {
		e := RobotLogEntry{At: l.At, Level: strings.ToUpper(l.Level), Message: l.Message, Source: l.Node, JobID: l.Job.ID}
		if e.Source == "" {
			e.Source = l.Job.Workflow.Name
		}
		stamp(&e.At)
		out.Logs = append(out.Logs, e)
	}
	return &robotLogsReply{out}, nil
}

// looseTime reads a time of a query: Python may send one without a zone, and a
// plus sign that was not escaped has become a blank.
func looseTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	text = strings.Replace(text, " ", "+", 1)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02+15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fleet.Invalid(field, "%s must be a time such as 2026-11-24T12:00:00Z; got %q.", field, clip(text, 80))
}

type robotMetricsReply struct{ Body RobotFigures }

type robotMetricsInput struct {
	ID    string `path:"id"`
	Range string `query:"range" doc:"15m, 1h, 6h, 24h, 7d, 30d or 90d; without it no history is told."`
}

func (a *API) robotMetrics(ctx context.Context, in *robotMetricsInput) (*robotMetricsReply, error) {
	f, err := a.o.Orchestrator.Robots.Figures(ctx, auth.From(ctx), fleet.RobotID(in.ID))
	if err != nil {
		return nil, err
	}
	m := f.Robot.Metrics
	out := RobotFigures{
		RobotFigureList: RobotFigureList{
			CPU: m.CPUPercent, Memory: m.MemoryPercent, MemoryMB: m.MemoryMB, Disk: m.DiskPercent,
			Total: f.Jobs, Succeeded: f.Completed, Failed: f.Failed, AverageMS: f.Average.Milliseconds(),
		},
		RobotID: f.Robot.ID, Status: fleet.LegacyStatus(f.Robot.Status), Current: []RobotJob{},
		ConnectedAt: shown(f.Session.OpenedAt), LastHeartbeat: shown(f.Robot.LastSeen),
	}
	out.Metrics = out.RobotFigureList
	for _, j := range f.Current {
		out.Current = append(out.Current, RobotJob{
			ID: j.ID, Workflow: j.Workflow.Name, Status: j.State, Progress: j.Progress, StartedAt: shown(j.StartedAt),
		})
	}
	if in.Range != "" {
		h, err := a.o.Orchestrator.Robots.History(ctx, auth.From(ctx), fleet.RobotID(in.ID), in.Range)
		if err != nil {
			return nil, err
		}
		stamp(&h.From, &h.To)
		out.History = &h
	}
	return &robotMetricsReply{out}, nil
}

// shown is a time as answers have it; nil if there is none.
func shown(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	stamp(&t)
	return &t
}
