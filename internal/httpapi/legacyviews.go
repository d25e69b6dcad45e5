package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// The sockets of the original's dialog, dashboard, log viewer and scripts: the
// same log and the same rows as in our own stream, in their frames.

func (a *API) legacyViewRoutes() {
	for _, v := range [...]struct {
		path, id, name, summary string
		may                     fleet.Permission
	}{
		{"/ws/monitoring/live-jobs", "views.live_jobs", "live-jobs", "Jobs, robots and the queue, live, in the form of the original", fleet.JobsRead},
		{"/ws/monitoring/robot-status", "views.robot_status", "robot-status", "Robots, live, in the form of the original", fleet.RobotsRead},
		{"/ws/monitoring/queue-metrics", "views.queue_metrics", "queue-metrics", "The queue, live, in the form of the original", fleet.NumbersRead},
		{"/ws/admin", "views.admin", "admin", "What happens to robots and jobs, live, in the form of the original", fleet.AdminStream},
		{"/ws/logs", "views.logs", "logs", "The lines that robots write, live, in the form of the original", fleet.JobsRead},
		{"/ws/logs/{robot_id}", "views.robot_logs", "logs", "The lines that a robot writes, live, in the form of the original", fleet.JobsRead},
		{Base + "/ws/jobs", "views.jobs", "jobs", "Jobs, live, in the form of the original's dashboard", fleet.JobsRead},
		{Base + "/ws/robots", "views.robots", "robots", "Robots, live, in the form of the original's dashboard", fleet.RobotsRead},
		{Base + "/ws/queue-depth", "views.queue_depth", "queue-depth", "The queue, live, in the form of the original's dashboard", fleet.NumbersRead},
		{Base + "/metrics/stream", "views.metrics", "metrics", "The figures of /metrics/snapshot at each interval, over a WebSocket", fleet.NumbersRead},
	} {
		params := []*huma.Param{}
		if strings.Contains(v.path, "{robot_id}") {
			params = append(params, &huma.Param{Name: "robot_id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
		switch v.name {
		case "logs":
			params = append(params, queryParam("min_level", huma.TypeString, "TRACE, DEBUG (if left out), INFO, WARNING, ERROR or CRITICAL."))
		case "metrics":
			params = append(params, queryParam("interval", huma.TypeInteger, "1 to 60 seconds; 5 if left out."))
		}
		a.routePlain(operation{
			method: http.MethodGet, path: v.path, id: v.id, summary: v.summary, may: need(v.may), rate: rateRead, stream: true,
			description: "A WebSocket. It begins with the present state in the frames that also tell of changes, so that whoever was cut off misses nothing. " +
				"The guide to live streams lists the frames.",
		}, params, map[string]*huma.Response{"101": {Description: "The WebSocket is open."}}, func(w http.ResponseWriter, r *http.Request) error {
			return a.legacyView(w, r, v.name, v.may)
		})
	}
}

func (a *API) legacyView(w http.ResponseWriter, r *http.Request, name string, may fleet.Permission) error {
	if a.o.Live == nil {
		return noLive()
	}
	return a.live(w, r, may, func(w http.ResponseWriter, r *http.Request, who auth.Principal, still func() (auth.Principal, bool), stop <-chan struct{}) error {
		return a.o.Live.View(w, r, name, a.viewNumbers(name, who), who, still, stop)
	})
}

// viewNumbers reads what a view shows of the numbers; nil: whoever looks has no
// right to them. Those who look at the same time look once.
func (a *API) viewNumbers(name string, who auth.Principal) func(context.Context) (map[string]any, error) {
	if !who.May(fleet.NumbersRead) {
		return nil
	}
	read := a.queueNumbers
	switch name {
	case "queue-depth":
		read = a.queueDepth
	case "metrics":
		read = a.metricsNow
	}
	key := name + "\n" + string(who.Tenant)
	return func(ctx context.Context) (map[string]any, error) {
		return a.looks.get(ctx, key, a.o.Now(), func(ctx context.Context) (map[string]any, error) { return read(auth.With(ctx, who)) })
	}
}

func (a *API) queueNumbers(ctx context.Context) (map[string]any, error) {
	q, err := a.o.Orchestrator.Numbers.Queue(ctx, auth.From(ctx))
	return map[string]any{"depth": q.Depth, "active_jobs": q.Active, "completed_today": q.CompletedToday, "failed_today": q.FailedToday}, err
}

func (a *API) queueDepth(ctx context.Context) (map[string]any, error) {
	q, err := a.o.Orchestrator.Numbers.Queue(ctx, auth.From(ctx))
	return map[string]any{"pending": q.Depth, "running": q.Active, "by_environment": q.ByEnvironment}, err
}

func (a *API) metricsNow(ctx context.Context) (out map[string]any, err error) {
	s, err := a.snapshotNow(ctx)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}

// lookAge is how old numbers may be that several look at.
const lookAge = 500 * time.Millisecond

// looks keeps what was read last, so that a hundred readers cost what one does.
type looks struct {
	mu sync.Mutex
	of map[string]*look
}

type look struct {
	mu    sync.Mutex
	at    time.Time
	value map[string]any
}

// get returns what was read a moment ago, or reads. Nobody may change it.
func (l *looks) get(ctx context.Context, key string, now time.Time, read func(context.Context) (map[string]any, error)) (map[string]any, error) {
	l.mu.Lock()
	if l.of == nil {
		l.of = map[string]*look{}
	}
	one := l.of[key]
	if one == nil {
		one = &look{}
		l.of[key] = one
	}
	l.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if age := now.Sub(one.at); one.value != nil && age >= 0 && age < lookAge {
		return one.value, nil
	}
	value, err := read(ctx)
	if err != nil {
		return nil, err
	}
	one.at, one.value = now, value
	return value, nil
}
