package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The figures of one tenant for programs that scrape: what an orchestrator's own
// listener for metrics shows is of all tenants, and of that process.

// Snapshot is the fleet at a moment, in the form of the original. What no robot
// reports is null.
type Snapshot struct {
	At            time.Time `json:"timestamp"`
	Environment   string    `json:"environment"`
	QueueDepth    int64     `json:"queue_depth"`
	ActiveJobs    int64     `json:"active_jobs"`
	TotalRobots   int       `json:"total_robots"`
	BusyRobots    int       `json:"busy_robots"`
	IdleRobots    int       `json:"idle_robots"`
	Utilization   float64   `json:"fleet_utilization_percent"`
	Completed     int64     `json:"jobs_completed" doc:"In the last 24 hours, as all below."`
	Failed        int64     `json:"jobs_failed"`
	Cancelled     int64     `json:"jobs_cancelled"`
	SuccessRate   float64   `json:"job_success_rate"`
	MeanSeconds   float64   `json:"average_job_duration_seconds"`
	WaitSeconds   float64   `json:"average_queue_wait_seconds"`
	ProcessCPU    *float64  `json:"process_cpu_percent" doc:"Not told here."`
	ProcessMemory *float64  `json:"process_memory_mb" doc:"Not told here."`
	SystemCPU     *float64  `json:"system_cpu_percent" doc:"Not told here."`
	SystemMemory  *float64  `json:"system_memory_percent" doc:"Not told here."`
	Healing       int       `json:"healing_attempts" doc:"Nothing reports any."`
	Healed        int       `json:"healing_successes"`
	HealingRate   *float64  `json:"healing_success_rate"`
	TopNodes      []string  `json:"top_nodes" doc:"Steps are not counted: always empty."`
}

func (a *API) expositionRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/metrics/snapshot", id: "numbers.snapshot", summary: "The fleet at a moment, in the form of the original",
		may: need(fleet.NumbersRead), rate: rateFleet,
	}, a.snapshot)
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/metrics/prometheus", id: "numbers.prometheus", summary: "The tenant's figures in the text format of Prometheus",
		may: need(fleet.NumbersRead), rate: rateFleet,
		description: "Base units, no job ids. Figures of the process are on the listener of --metrics-listen.",
	}, nil, map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}},
	}}, a.prometheus)
}

type snapshotReply struct{ Body Snapshot }

func (a *API) snapshot(ctx context.Context, _ *struct{}) (*snapshotReply, error) {
	out, err := a.snapshotNow(ctx)
	return &snapshotReply{out}, err
}

func (a *API) snapshotNow(ctx context.Context) (Snapshot, error) {
	now, day, err := a.figures(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	return Snapshot{
		At: a.o.Now().UTC().Truncate(time.Millisecond), Environment: "all", QueueDepth: now.QueueDepth, ActiveJobs: now.ActiveJobs, TotalRobots: now.TotalRobots, BusyRobots: now.BusyRobots,
		IdleRobots: now.IdleRobots, Utilization: now.Utilization, Completed: day.Completed, Failed: day.Failed + day.TimedOut, Cancelled: day.Cancelled,
		SuccessRate: day.SuccessRate, MeanSeconds: day.MeanMS / 1000, WaitSeconds: day.MeanWaitMS / 1000, TopNodes: []string{},
	}, nil
}

func (a *API) figures(ctx context.Context) (now fleet.FleetNumbers, day fleet.Numbers, err error) {
	p := auth.From(ctx)
	if now, err = a.o.Orchestrator.Numbers.Fleet(ctx, p, "24h"); err != nil {
		return now, day, err
	}
	over, err := a.o.Orchestrator.Numbers.Overview(ctx, p, orchestrator.NumbersQuery{Range: "24h"})
	return now, over.Current, err
}

func (a *API) prometheus(w http.ResponseWriter, r *http.Request) error {
	now, day, err := a.figures(r.Context())
	if err != nil {
		return err
	}
	waits, err := a.o.Orchestrator.Numbers.Waits(r.Context(), auth.From(r.Context()), orchestrator.NumbersQuery{Range: "24h"})
	if err != nil {
		return err
	}
	var b strings.Builder
	family := func(name, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name) }
	one := func(name, help string, v float64) {
		family(name, help)
		fmt.Fprintf(&b, "%s %g\n", name, v)
	}
	family("fleet_tenant_robots", "Robots by status.")
	for _, s := range [...]struct {
		word string
		n    int
	}{
		{"online", now.OnlineRobots},
		{"busy", now.BusyRobots},
		{"offline", now.OfflineRobots},
		{"error", now.ErrorRobots},
		{"maintenance", now.MaintenanceRobots},
		{"paused", now.PausedRobots},
		{"draining", now.DrainingRobots},
	} {
		fmt.Fprintf(&b, "fleet_tenant_robots{status=%q} %d\n", s.word, s.n)
	}
	one("fleet_tenant_slots", "Slots in service.", float64(now.Slots))
	one("fleet_tenant_slots_taken", "Slots that attempts hold.", float64(now.TakenSlots))
	family("fleet_tenant_jobs", "Jobs that have not ended, by state; running with those that are being stopped.")
	for _, s := range [...]struct {
		word string
		n    int64
	}{{"pending", now.QueueDepth}, {"assigned", now.ActiveJobs - now.RunningJobs}, {"running", now.RunningJobs}} {
		fmt.Fprintf(&b, "fleet_tenant_jobs{state=%q} %d\n", s.word, s.n)
	}
	one("fleet_tenant_dead_letters", "Dead letters that nobody has looked after.", float64(now.DeadLetters))
	family("fleet_tenant_jobs_ended_24h", "Jobs that ended in the last 24 hours, by state.")
	for _, s := range [...]struct {
		word string
		n    int64
	}{{"completed", day.Completed}, {"failed", day.Failed}, {"timeout", day.TimedOut}, {"cancelled", day.Cancelled}} {
		fmt.Fprintf(&b, "fleet_tenant_jobs_ended_24h{state=%q} %d\n", s.word, s.n)
	}
	family("fleet_tenant_job_duration_seconds_24h", "Of completed jobs, by quantile.")
	family2 := func(name string, values ...float64) {
		for i, q := range [...]string{"0.5", "0.9", "0.99"} {
			fmt.Fprintf(&b, "%s{quantile=%q} %g\n", name, q, values[i]/1000)
		}
	}
	family2("fleet_tenant_job_duration_seconds_24h", day.P50MS, day.P90MS, day.P99MS)
	family("fleet_tenant_job_wait_seconds_24h", "From submission to first start, by quantile.")
	family2("fleet_tenant_job_wait_seconds_24h", day.WaitP50MS, day.WaitP90MS, day.WaitP99MS)
	family("fleet_tenant_waited_seconds_24h", "What the jobs that ended waited for, in all.")
	for i := range waits.Rows {
		fmt.Fprintf(&b, "fleet_tenant_waited_seconds_24h{waiting_on=%q} %g\n", waits.Rows[i].On, float64(waits.Rows[i].TotalMS)/1000)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = w.Write([]byte(b.String()))
	return err
}
