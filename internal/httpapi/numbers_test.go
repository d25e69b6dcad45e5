package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/upkeep"
)

// counted lets the chore count all that has happened.
func (w *world) counted() {
	w.Helper()
	r := &upkeep.Rollups{Store: w.store, Now: time.Now, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Logger: slog.New(slog.DiscardHandler)}
	_, err := r.RunOnce(w.Context())
	w.must(err)
	w.must(r.Read(w.Context()))
}

func (w *world) get(path string) map[string]any {
	w.Helper()
	a := w.do("viewer", "GET", "/api/v1"+path, "")
	if a.status != http.StatusOK {
		w.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	return read[map[string]any](w, a)
}

// history is 6 completed, 3 failed, 1 timed out, 2 cancelled and 5 pending jobs.
func (w *world) history() {
	w.Helper()
	job := func() fleet.ID { return w.submit(`{"workflow_json":` + doc + `,"retry":{"max":0}}`) }
	for range 6 {
		w.complete(w.start(job()))
	}
	for range 3 {
		w.fail(w.start(job()))
	}
	ref := w.start(job())
	w.report(ref, fleet.Report{Kind: fleet.ReportStopped, By: fleet.ByTimeout, How: fleet.StoppedClean})
	for range 2 {
		a := w.do("operator", "POST", "/api/v1/jobs/"+string(job())+"/cancel", "")
		if a.status != http.StatusOK {
			w.Fatalf("cancel: %d %s", a.status, a.body)
		}
	}
	for range 5 {
		job()
	}
}

// TestOriginalR33R34Numbers: the names that the original's readers look for, each
// a number or a list and never null, and the sums of the specification.
func TestOriginalR33R34Numbers(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/metrics/fleet", "/metrics/analytics"} { // of nothing
		for name, v := range w.get(path) {
			if v == nil && name != "self_healing_success_rate" {
				t.Errorf("%s of nothing: %s is null", path, name)
			}
		}
	}
	w.history()
	w.counted()
	is := func(path string, want map[string]float64) {
		t.Helper()
		got := w.get(path)
		for name, v := range want {
			at := any(got)
			for part := range strings.SplitSeq(name, ".") {
				m, _ := at.(map[string]any)
				at = m[part]
			}
			if at != v {
				t.Errorf("%s: %s is %v, want %v", path, name, at, v)
			}
		}
	}
	is("/metrics/fleet?time_range=1h", map[string]float64{
		"total_robots": 1, "offline_robots": 0, "idle_robots": 1, "online_robots": 1, "active_robots": 0, "busy_robots": 0, "error_robots": 0, "maintenance_robots": 0,
		"total_jobs_today": 17, "active_jobs": 0, "queue_depth": 5, "queued_jobs": 5, "total_jobs": 17, "completed_jobs": 6, "failed_jobs": 4, "running_jobs": 0,
		"success_rate": 60, "dlq_count": 0,
	})
	is("/metrics/analytics", map[string]float64{
		"total_jobs": 17, "sample": 10, "success_rate": 60, "failure_rate": 40, "fleet.total_robots": 1, "fleet.queue_depth": 5, "fleet.active_robots": 0,
		"jobs.completed_today": 6, "jobs.completed": 6, "jobs.failed": 4, "jobs.running": 0, "jobs.pending": 5, "jobs.active_jobs": 0,
	})
	got := read[fleet.FleetAnalytics](w, w.do("viewer", "GET", "/api/v1/metrics/analytics?days=1", ""))
	if len(got.Slowest) != 1 || got.Slowest[0].Runs != 6 || got.SelfHealing != nil || len(got.Utilization) != 1 {
		t.Errorf("analytics: %+v", got)
	}
	if fmt.Sprint(got.Errors) != "[{UnknownError 3} {TimeoutError 1}]" {
		t.Errorf("errors: %v", got.Errors)
	}
	if at := w.do("viewer", "GET", "/api/v1/metrics/analytics?days=0", ""); at.status != 422 || !strings.Contains(at.body, "days must be between 1 and 90; got 0.") {
		t.Errorf("days 0: %d %s", at.status, at.body)
	}
	if at := w.do("viewer", "GET", "/api/v1/metrics/fleet?time_range=1y", ""); at.status != 422 {
		t.Errorf("a range that is none: %d %s", at.status, at.body)
	}
}

func TestNumbers(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.counted()
	over := read[fleet.NumbersOverview](w, w.do("viewer", "GET", "/api/v1/analytics/overview?range=24h", ""))
	if n := over.Current; n.Ended != 12 || n.Sample != 10 || n.SuccessRate != 60 || n.Completed != 6 || n.Cancelled != 2 || n.Waited != 10 || over.Change.Jobs != 12 || over.Behind != 0 || over.AsOf.IsZero() || n.QueueDepth != 5 {
		t.Errorf("overview: %+v", over)
	}
	if !strings.Contains(over.Definitions["success_rate"], "completed + failed + timeout") {
		t.Errorf("definitions: %v", over.Definitions)
	}
	series := read[fleet.NumbersSeries](w, w.do("viewer", "GET", "/api/v1/analytics/throughput?range=2h&step=5m", ""))
	sum := int64(0)
	for _, p := range series.Points {
		sum += p.Ended
	}
	if sum != 12 || len(series.Points) < 24 || len(series.Points) > 25 {
		t.Errorf("throughput: %d in %d points", sum, len(series.Points))
	}
	for _, by := range []string{"workflows", "robots", "environments", "triggers"} {
		for _, sort := range []string{"jobs", "slowest", "failures", "waits", "utilization", "degraded"} {
			table := read[fleet.NumbersTable](w, w.do("viewer", "GET", "/api/v1/analytics/"+by+"?sort="+sort, ""))
			if want := map[bool]int{true: 0, false: 1}[sort == "degraded"]; len(table.Rows) != want {
				t.Errorf("%s by %s: %+v", by, sort, table.Rows)
			}
		}
	}
	robots := read[fleet.NumbersTable](w, w.do("viewer", "GET", "/api/v1/analytics/robots", ""))
	if r := robots.Rows[0]; r.Key != "bot-1" || r.Ended != 10 || r.AvailableSeconds != 600 {
		t.Errorf("robot: %+v", r)
	}
	waits := read[fleet.WaitTable](w, w.do("viewer", "GET", "/api/v1/analytics/waiting", ""))
	if len(waits.Rows) != 1 || waits.Rows[0].On != fleet.WaitingRobot || waits.Rows[0].Waits != 12 {
		t.Errorf("waits: %+v", waits.Rows)
	}
	fails := read[fleet.FailureTable](w, w.do("viewer", "GET", "/api/v1/analytics/failures", ""))
	if fails.Failures != 4 || len(fails.Rows) != 2 || fails.Rows[0].Count != 3 || fails.Rows[0].Message != "no such invoice" || fails.Rows[0].Share != 75 || fails.Rows[0].Job == "" {
		t.Errorf("failures: %+v", fails)
	}
	heat := read[fleet.HeatMap](w, w.do("viewer", "GET", "/api/v1/analytics/heatmap?timezone=Asia/Kolkata", ""))
	ended := int64(0)
	for _, c := range heat.Cells {
		ended += c.Ended
	}
	if len(heat.Cells) != 168 || ended != 12 || heat.Timezone != "Asia/Kolkata" {
		t.Errorf("heat: %d in %d cells", ended, len(heat.Cells))
	}
	for _, bad := range []string{
		"overview?range=0h", "overview?range=x", "overview?range=9999d", "overview?range=7d&from=2026-01-01", "overview?to=2026-01-01", "overview?from=2026-02-01&to=2026-01-01",
		"overview?workflow_id=a&robot_id=b", "overview?timezone=Nowhere", "throughput?step=2m", "throughput?range=700d&step=5m&x", "workflows?sort=best", "workflows?limit=0",
		"failures?limit=9999", "heatmap?environment=lab", "heatmap?range=120d",
	} {
		a := w.do("viewer", "GET", "/api/v1/analytics/"+bad, "")
		if ok := strings.HasPrefix(bad, "throughput?range=700d"); a.status != 422 && !ok {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
}

// TestNumbersOfTwoTenants: nothing of one is counted for another.
func TestNumbersOfTwoTenants(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.must(w.store.Update(w.Context(), store.System("test").In("globex"), func(tx store.Tx) error {
		rows := fleet.Rollup{}
		j := fleet.Job{ID: "x", Tenant: "globex", Workflow: fleet.JobWorkflow{ID: "foreign", Name: "foreign"}, State: fleet.Failed, CreatedAt: time.Now(), StartedAt: time.Now(), EndedAt: time.Now()}
		rows.Ended(&fleet.JobFacts{Job: j})
		_, err := tx.AddRollups(store.RollupHead{Tenant: "globex"}, 1, time.Now(), rows)
		return err
	}))
	w.counted()
	for _, path := range []string{"overview", "workflows", "failures", "throughput", "waiting", "heatmap", "robots"} {
		if a := w.do("admin", "GET", "/api/v1/analytics/"+path, ""); strings.Contains(a.body, "foreign") || a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if got := read[fleet.NumbersOverview](w, w.do("admin", "GET", "/api/v1/analytics/overview", "")); got.Current.Ended != 12 {
		t.Errorf("counted %d", got.Current.Ended)
	}
}

// TestNumbersNeedTheirRight: a key that is limited to environments has none, since
// numbers are of the whole tenant.
func TestNumbersNeedTheirRight(t *testing.T) {
	w := newWorld(t)
	if a := w.do("bot-1", "GET", "/api/v1/analytics/overview", ""); a.status != 403 {
		t.Errorf("a robot: %d", a.status)
	}
	if auth.Local().Require(fleet.NumbersRead) != nil || fleet.NumbersRead.InEnvironment() {
		t.Error("numbers:read is of the whole tenant")
	}
}
