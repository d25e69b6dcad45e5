package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// TestOriginalR19R20JobRows: a bare array in the original's words, no number and
// no list ever null, filters by the word that is shown.
func TestOriginalR19R20JobRows(t *testing.T) {
	w := newWorld(t)
	if a := w.do("viewer", "GET", "/api/v1/metrics/jobs", ""); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("of nothing: %s", a.body)
	}
	w.history()
	running := w.start(w.submit(`{"workflow_json":` + doc + `}`))
	rows := func(query string) []map[string]any {
		t.Helper()
		a := w.do("viewer", "GET", "/api/v1/metrics/jobs"+query, "")
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		return read[[]map[string]any](w, a)
	}
	for query, want := range map[string]int{
		"": 18, "?limit=4": 4, "?status=pending": 5, "?status=queued": 5, "?status=running": 1, "?status=claimed": 1, "?status=completed": 6, "?status=failed": 3, "?status=timeout": 1, "?status=cancelled": 2,
		"?robot_id=bot-1": 11, "?robot_id=bot-2": 0,
	} {
		if got := rows(query); len(got) != want {
			t.Errorf("%s: %d rows, want %d", query, len(got), want)
		}
	}
	for _, row := range rows("") {
		for _, name := range []string{"job_id", "id", "workflow_id", "workflow_name", "robot_name", "status", "fleet_status", "progress", "current_node", "created_at", "duration_ms", "duration", "error_message"} {
			if row[name] == nil {
				t.Errorf("%s is null or missing: %v", name, row)
			}
		}
		if _, ok := row["claimed_at"]; !ok || row["claimed_at"] != row["started_at"] {
			t.Errorf("claimed_at: %v", row)
		}
	}
	failed := rows("?status=failed")[0]
	detail := w.get("/metrics/jobs/" + failed["job_id"].(string))
	if detail["error_message"] != "no such invoice" || detail["error_type"] != "UnknownError" || detail["retry_count"] != 0.0 || len(detail["node_executions"].([]any)) != 0 {
		t.Errorf("detail: %v", detail)
	}
	if d := w.get("/metrics/jobs/" + string(running.JobID)); d["status"] != "running" || d["fleet_status"] != "running" || d["robot_name"] != "bot-1" {
		t.Errorf("running: %v", d)
	}
	if a := w.do("viewer", "GET", "/api/v1/metrics/jobs/none", ""); a.status != 404 {
		t.Errorf("none: %d", a.status)
	}
	for _, query := range []string{"?status=done", "?limit=0", "?limit=501"} {
		if a := w.do("viewer", "GET", "/api/v1/metrics/jobs"+query, ""); a.status != 422 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// TestOriginalR13R14RobotNumbers: what the Canvas and the dashboard read of one
// robot, with the history beside it.
func TestOriginalR13R14RobotNumbers(t *testing.T) {
	w := newWorld(t)
	w.history()
	_, err := w.core.Attempts.Beat(w.Context(), w.robot, store.Beat{SessionEpoch: w.epoch, Metrics: fleet.RobotMetrics{CPUPercent: 41.5, MemoryPercent: 30, DiskPercent: 20}})
	w.must(err)
	w.counted()
	got := w.get("/robots/bot-1/metrics?range=1h")
	h, _ := got["history"].(map[string]any)
	points, _ := h["points"].([]any)
	if got["cpu_percent"] != 41.5 || got["metrics"] == nil || len(points) != 1 || points[0].(map[string]any)["cpu_percent"] != 41.5 || h["step_seconds"] != 60.0 {
		t.Errorf("metrics: %v", got)
	}
	if h := w.get("/robots/bot-1/metrics?range=7d")["history"].(map[string]any); h["step_seconds"] != 3600.0 || len(h["points"].([]any)) != 1 {
		t.Errorf("by the hour: %v", h)
	}
	if _, there := w.get("/robots/bot-1/metrics")["history"]; there {
		t.Error("a history that nobody asked for")
	}
	if a := w.do("viewer", "GET", "/api/v1/robots/bot-1/metrics?range=2d", ""); a.status != 422 {
		t.Errorf("a range that is none: %d", a.status)
	}
	sum := w.get("/metrics/robot/bot-1?days=7")
	if sum["jobs_completed"] != 6.0 || sum["jobs_failed"] != 4.0 || sum["name"] != "bot-1" || sum["uptime_percent"] == nil || sum["average_execution_time_ms"] == nil {
		t.Errorf("sum: %v", sum)
	}
	if a := w.do("viewer", "GET", "/api/v1/metrics/robot/nobody", ""); a.status != 404 {
		t.Errorf("nobody: %d", a.status)
	}
	health := read[fleet.RobotHealth](w, w.do("viewer", "GET", "/api/v1/robots/bot-1/health", ""))
	if health.State != fleet.HealthHealthy || len(health.Checks) < 8 || health.Reasons == nil {
		t.Errorf("health: %+v", health)
	}
	all := read[RobotHealthList](w, w.do("viewer", "GET", "/api/v1/fleet/health", ""))
	if len(all.Robots) != 1 || all.Total != 1 {
		t.Errorf("all: %+v", all)
	}
}

// TestOriginalR36Snapshot: the fleet at a moment, as an object and as text.
func TestOriginalR36Snapshot(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.counted()
	got := w.get("/metrics/snapshot")
	if got["queue_depth"] != 5.0 || got["jobs_completed"] != 6.0 || got["jobs_failed"] != 4.0 || got["jobs_cancelled"] != 2.0 || got["job_success_rate"] != 60.0 || got["total_robots"] != 1.0 || got["healing_success_rate"] != nil {
		t.Errorf("snapshot: %v", got)
	}
	a := w.do("viewer", "GET", "/api/v1/metrics/prometheus", "")
	for _, line := range []string{`fleet_tenant_jobs{state="pending"} 5`, `fleet_tenant_jobs_ended_24h{state="completed"} 6`, `fleet_tenant_robots{status="online"} 1`, `fleet_tenant_waited_seconds_24h{waiting_on="robot"}`} {
		if !strings.Contains(a.body, line) {
			t.Errorf("%q is missing in\n%s", line, a.body)
		}
	}
}

// TestOriginalR37R38R39Mining: the analytics panel finds all that it reads, told
// from what is stored and from nothing else.
func TestOriginalR37R38R39Mining(t *testing.T) {
	w := newWorld(t)
	if a := w.do("viewer", "GET", "/api/v1/analytics/process-mining/workflows", ""); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("of nothing: %s", a.body)
	}
	w.history()
	w.counted()
	list := read[[]fleet.TraceCount](w, w.do("viewer", "GET", "/api/v1/analytics/process-mining/workflows", ""))
	if len(list) != 1 || list[0].Count != 12 {
		t.Fatalf("workflows: %+v", list)
	}
	id := string(list[0].WorkflowID)
	slow := w.get("/analytics/bottlenecks/" + id + "?days=7")
	if slow["total_executions"] != 12.0 || slow["analysis_period_days"] != 7.0 || slow["note"] == "" || slow["workflow_id"] != id {
		t.Errorf("bottlenecks: %v", slow)
	}
	for _, name := range []string{"bottlenecks", "node_stats", "slowest_nodes", "failing_nodes", "recommendations"} {
		if _, ok := slow[name].([]any); !ok {
			t.Errorf("%s is no list", name)
		}
	}
	run := read[fleet.Execution](w, w.do("viewer", "GET", "/api/v1/analytics/execution/"+id, ""))
	ended := int64(0)
	for _, n := range run.Distribution.Hours {
		ended += n
	}
	if ended != 12 || run.Success.Direction != "stable" || run.Success.Current != 60 || run.Summary.Sample != 10 || run.Insights == nil || run.Distribution.PeakDay != (int(time.Now().UTC().Weekday())+6)%7 {
		t.Errorf("execution: %+v", run)
	}
	for _, by := range []string{"hour", "day"} {
		line := read[fleet.Timeline](w, w.do("viewer", "GET", "/api/v1/analytics/execution/"+id+"/timeline?granularity="+by, ""))
		sum := int64(0)
		for _, p := range line.Points {
			sum += p.Executions
			if p.SuccessRate < 0 || p.SuccessRate > 1 {
				t.Errorf("rate %g", p.SuccessRate)
			}
		}
		if sum != 12 {
			t.Errorf("timeline by %s: %+v", by, line)
		}
	}
	for path, status := range map[string]int{
		"bottlenecks/none": 404, "execution/none": 404, "execution/none/timeline": 404, "bottlenecks/" + id + "?days=0": 422, "execution/" + id + "?days=91": 422,
		"execution/" + id + "/timeline?days=31": 422, "execution/" + id + "/timeline?granularity=week": 422,
	} {
		if a := w.do("viewer", "GET", "/api/v1/analytics/"+path, ""); a.status != status {
			t.Errorf("%s: %d, want %d", path, a.status, status)
		}
	}
}
