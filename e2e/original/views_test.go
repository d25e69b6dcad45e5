package original

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// watch opens a live view with a key in a header.
func (w *world) watch(path, key string) *program {
	w.Helper()
	p := &program{world: w, flat: true}
	if status, err := p.dial(path, http.Header{"Authorization": {"Bearer " + key}}); err != nil {
		w.Fatalf("%s: %d %v", path, status, err)
	}
	return p
}

// until waits for a frame of a kind that is as wanted.
func (p *program) until(kind string, ok func(m map[string]any) bool) map[string]any {
	p.Helper()
	last := time.Now().Add(15 * time.Second)
	for time.Now().Before(last) {
		if m := p.hear(kind); ok(m) {
			return m
		}
	}
	p.Fatalf("no %s is as it should be", kind)
	return nil
}

func is(name string, want any) func(m map[string]any) bool {
	return func(m map[string]any) bool { return m[name] == want }
}

func isJob(id, status string) func(m map[string]any) bool {
	return func(m map[string]any) bool { return m["job_id"] == id && m["status"] == status }
}

// legacyTime fails unless a text is a time that the programs can read.
func legacyTime(t testing.TB, v any) {
	t.Helper()
	text, _ := v.(string)
	if at, err := time.Parse("2006-01-02T15:04:05.999999Z07:00", text); err != nil || at.IsZero() {
		t.Errorf("%v is no time", v)
	}
}

var viewPaths = map[string]string{
	"W2": "/ws/admin", "W3": "/ws/logs", "W3 of one": "/ws/logs/r1", "W4": "/ws/monitoring/live-jobs", "W5": "/ws/monitoring/robot-status",
	"W6": "/ws/monitoring/queue-metrics", "W7": "/api/v1/ws/jobs", "W8": "/api/v1/ws/robots", "W9": "/api/v1/ws/queue-depth", "W10": "/api/v1/metrics/stream",
}

// TestViews holds the rows about the live views.
func TestViews(t *testing.T) {
	beside(t)
	w := newWorld(t)
	a := w.registered("r1", 1)
	a.start()
	_, secret, err := w.app.Keys().NewServiceKey(t.Context(), auth.Local(), "viewer", fleet.RoleViewer, 0)
	w.must(err)
	viewer := secret.Reveal()

	for name, path := range viewPaths {
		t.Run("M17 D21 "+name+" is refused before the upgrade", func(t *testing.T) {
			for _, c := range []struct {
				header http.Header
				query  string
				status int
			}{
				{nil, "", 401},
				{http.Header{"Authorization": {"Bearer wrong"}}, "", 401},
				{http.Header{"X-Api-Key": {a.key}}, "", 403}, // D21: a robot watches nothing
				{nil, "?token=" + w.admin, 401},              // in the address it does not count here
			} {
				p := &program{world: w}
				if status, err := p.dial(path+c.query, c.header); err == nil || status != c.status {
					t.Errorf("%v %s: %d %v, want %d", c.header, path, status, err, c.status)
				}
			}
			if r := w.python("Authorization", "Bearer "+w.admin).call("GET", path, ""); r.status != 426 {
				t.Errorf("without an upgrade: %d %s", r.status, r.text)
			}
		})
	}

	t.Run("M17 a query credential is told that it does not count", func(t *testing.T) {
		r := w.python().want(401, "GET", "/ws/monitoring/live-jobs?token="+w.admin, "").object(t)
		if !strings.Contains(fmt.Sprint(r["detail"]), "address") && !strings.Contains(fmt.Sprint(r["detail"]), "query") {
			t.Errorf("%v", r["detail"])
		}
		p := &program{world: w}
		if status, _ := p.dial("/ws/admin", http.Header{"Authorization": {"Bearer " + viewer}}); status != 403 {
			t.Errorf("W2 is for admins: %d", status)
		}
	})

	t.Run("W4 M16 M20 live-jobs", func(t *testing.T) {
		p := w.watch("/ws/monitoring/live-jobs", viewer)
		q := p.hear("queue_metrics")
		has(t, q, "depth", "active_jobs", "completed_today", "failed_today", "timestamp")
		r := p.until("robot_status", is("robot_id", "r1"))
		has(t, r, "status", "cpu_percent", "memory_mb", "current_job", "name", "timestamp", "fleet_status")
		if r["status"] != "idle" || r["name"] != "Robot r1" || r["current_job"] != nil {
			t.Errorf("%v", r)
		}
		job := string(w.submit())
		u := p.until("job_update", isJob(job, "pending"))
		has(t, u, "progress", "current_node", "error_message", "workflow_id", "workflow_name", "robot_id", "robot_name", "timestamp", "fleet_status")
		legacyTime(t, u["timestamp"])
		a.work()
		p.until("job_update", isJob(job, "running"))
		p.until("robot_status", func(m map[string]any) bool { return m["current_job"] == job && m["status"] == "busy" })
		a.jobs.want(200, "PUT", "/api/v1/jobs/"+job+"/progress", `{"progress":40,"current_node":"s","message":""}`)
		u = p.until("job_update", func(m map[string]any) bool { return m["progress"] == 40.0 })
		if u["status"] != "running" || u["current_node"] != "s" || u["robot_id"] != "r1" || u["robot_name"] != "Robot r1" {
			t.Errorf("%v", u)
		}
		p.raw("ping")
		p.hear("pong")
		a.complete(job)
		if u = p.until("job_update", isJob(job, "completed")); u["progress"] != 100.0 {
			t.Errorf("%v", u)
		}
		p.until("robot_status", is("status", "idle"))
		p.until("queue_metrics", func(m map[string]any) bool { return m["depth"] == 0.0 && m["active_jobs"] == 0.0 })

		bad := string(w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} }))
		a.work()
		a.fail(bad, "no such invoice")
		if u = p.until("job_update", isJob(bad, "failed")); u["error_message"] != "no such invoice" {
			t.Errorf("%v", u)
		}
		// What a reconnect would hide is told anew: both ended while nobody looked.
		again := w.watch("/ws/monitoring/live-jobs", viewer)
		got := map[any]any{}
		for len(got) < 2 {
			u := again.hear("job_update")
			got[u["job_id"]] = u["status"]
			if u["job_id"] == bad && u["error_message"] != "no such invoice" {
				t.Errorf("%v", u)
			}
		}
		if got[job] != "completed" || got[bad] != "failed" {
			t.Errorf("%v", got)
		}
	})

	t.Run("W5 W6 robots alone and the queue alone", func(t *testing.T) {
		for path, kind := range map[string]string{"/ws/monitoring/robot-status": "robot_status", "/ws/monitoring/queue-metrics": "queue_metrics"} {
			p := w.watch(path, viewer)
			first := <-p.inbox
			if first["type"] != kind {
				t.Errorf("%s begins with %v", path, first)
			}
			p.raw("ping")
			for m := range p.inbox {
				if m["type"] == "pong" {
					break
				}
				if m["type"] != kind {
					t.Errorf("%s carries %v", path, m)
				}
			}
		}
	})

	t.Run("W7 M36 C10 the dashboard's jobs", func(t *testing.T) {
		p := w.watch("/api/v1/ws/jobs", viewer)
		job := string(w.submit(func(r *client.SubmitRequest) { r.Variables = map[string]any{"n": 1} }))
		data := func(status string) map[string]any {
			t.Helper()
			m := p.until("job_status", func(m map[string]any) bool {
				d, _ := m["data"].(map[string]any)
				return d["job_id"] == job && d["status"] == status
			})
			has(t, m, "ts", "tenant_id", "workspace_id")
			d := m["data"].(map[string]any)
			has(t, d, "workflow_id", "workflow_name", "priority", "environment", "assigned_robot_id", "input", "result", "error", "progress",
				"current_node", "created_at", "started_at", "completed_at", "retry_count", "max_retries")
			if d["workflow_id"] == "" {
				t.Errorf("%v", d)
			}
			legacyTime(t, d["created_at"])
			return d
		}
		if d := data("queued"); d["assigned_robot_id"] != nil || fmt.Sprint(d["input"]) != "map[n:1]" {
			t.Errorf("%v", d)
		}
		a.work()
		if d := data("running"); d["assigned_robot_id"] != "r1" {
			t.Errorf("%v", d)
		}
		a.complete(job)
		d := data("completed")
		if d["result"] == nil || d["progress"] != 100.0 {
			t.Errorf("%v", d)
		}
		legacyTime(t, d["completed_at"])
	})

	t.Run("W8 the dashboard's robots", func(t *testing.T) {
		p := w.watch("/api/v1/ws/robots", viewer)
		m := p.hear("robot_status")
		d := m["data"].(map[string]any)
		has(t, d, "robot_id", "status", "metrics")
		w.dialog().want(200, "POST", "/api/v1/robots/r1/pause", "")
		p.until("robot_status", func(m map[string]any) bool { return m["data"].(map[string]any)["status"] == "maintenance" })
		w.dialog().want(200, "POST", "/api/v1/robots/r1/resume", "")
		p.until("robot_status", func(m map[string]any) bool { return m["data"].(map[string]any)["status"] == "idle" })
	})

	t.Run("W9 W10 depth and metrics", func(t *testing.T) {
		p := w.watch("/api/v1/ws/queue-depth", viewer)
		has(t, p.hear("queue_depth")["data"].(map[string]any), "pending", "running", "by_environment")
		job := w.submit(func(r *client.SubmitRequest) { r.Environment = "production" })
		p.until("queue_depth", func(m map[string]any) bool {
			d := m["data"].(map[string]any)
			return d["pending"] == 1.0 && fmt.Sprint(d["by_environment"]) == "map[production:1]"
		})
		bound := w.dialog().want(201, "POST", "/api/v1/keys", `{"kind":"service","name":"bound","role":"viewer","environments":["lab"]}`).object(t)
		for _, path := range []string{"/api/v1/ws/queue-depth", "/api/v1/metrics/stream", "/ws/monitoring/queue-metrics"} { // these are figures of all environments
			q := &program{world: w}
			if status, _ := q.dial(path, http.Header{"Authorization": {"Bearer " + fmt.Sprint(bound["secret"])}}); status != 403 {
				t.Errorf("%s for a key of the environment lab: %d", path, status)
			}
		}
		m := w.watch("/api/v1/metrics/stream?interval=1", viewer)
		for range 2 { // at once, and a second later
			has(t, m.hear("metrics")["data"].(map[string]any), "timestamp", "environment", "queue_depth", "active_jobs", "total_robots", "busy_robots", "idle_robots",
				"fleet_utilization_percent", "jobs_completed", "jobs_failed", "jobs_cancelled", "job_success_rate", "average_job_duration_seconds",
				"average_queue_wait_seconds", "process_cpu_percent", "process_memory_mb", "system_cpu_percent", "system_memory_percent",
				"healing_attempts", "healing_successes", "healing_success_rate", "top_nodes")
		}
		w.python("Authorization", "Bearer "+viewer).want(422, "GET", "/api/v1/metrics/stream?interval=61", "")
		_, err := w.api.CancelJob(context.Background(), job, client.CancelRequest{})
		w.must(err)
	})

	t.Run("W2 D12 admin", func(t *testing.T) {
		p, all := w.watch("/ws/admin", w.admin), w.watch("/ws/admin", w.admin)
		first := p.hear("initial_state")
		has(t, first, "robots", "pending_jobs", "timestamp")
		has(t, first["robots"].([]any)[0].(map[string]any), "robot_id", "robot_name", "status", "capabilities")
		job := string(w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} }))
		a.work()
		a.jobs.want(200, "POST", "/api/v1/jobs/"+job+"/release", "")
		has(t, p.until("job_requeued", is("job_id", job)), "rejected_by", "reason", "timestamp")
		rc := w.robotClient("r9").connect(1)
		has(t, p.until("robot_connected", is("robot_id", "r9")), "robot_name", "capabilities", "tenant_id", "timestamp")
		got := rc.hear("job_assign")
		rc.say("job_accept", map[string]any{"job_id": got["job_id"]})
		w.reaches(fleet.ID(job), fleet.Running)
		rc.say("heartbeat", map[string]any{"status": "busy", "current_jobs": 1, "cpu_percent": 12.0, "active_job_ids": []any{job}})
		rc.say("job_complete", map[string]any{"job_id": got["job_id"], "result": map[string]any{"a": 1}, "duration_ms": 5})
		done := p.until("job_completed", is("job_id", job))
		if done["robot_id"] != "r9" || done["success"] != true || done["result"] == nil {
			t.Errorf("%v", done)
		}
		requeued := 0
		for m := range all.inbox { // D12: once, and each frame says what it is and when
			legacyTime(t, m["timestamp"])
			if m["type"] == "job_requeued" && m["job_id"] == job {
				requeued++
			}
			if m["type"] == "job_completed" && m["job_id"] == job {
				break
			}
			if m["type"] == nil {
				t.Errorf("%v", m)
			}
		}
		if requeued != 1 {
			t.Errorf("%d frames of one release", requeued)
		}
		_ = rc.ws.CloseNow()
		has(t, p.until("robot_disconnected", is("robot_id", "r9")), "orphaned_jobs", "timestamp")
		p.raw("ping")
		p.hear("pong")
	})

	t.Run("W3 M34 logs", func(t *testing.T) {
		rc := w.robotClient("r8").connect(1)
		all, one, none := w.watch("/ws/logs?min_level=DEBUG&tenant_id=x", viewer), w.watch("/ws/logs/r8?min_level=WARNING", viewer), w.watch("/ws/logs/r1", viewer)
		for _, p := range []*program{all, one, none} {
			p.raw("ping") // and no pong comes, which would be no JSON
		}
		job := string(w.submit(func(r *client.SubmitRequest) { r.Target = "r8" }))
		rc.hear("job_assign")
		rc.say("job_accept", map[string]any{"job_id": job})
		w.reaches(fleet.ID(job), fleet.Running)
		for i, level := range []string{"TRACE", "INFO", "ERROR"} {
			rc.say("log_entry", map[string]any{"job_id": job, "level": level, "message": fmt.Sprint("line ", i), "node_id": "s"})
		}
		rc.say("job_complete", map[string]any{"job_id": job, "result": map[string]any{}, "duration_ms": 5})
		for _, want := range []struct {
			p    *program
			line string
		}{{all, "line 1"}, {all, "line 2"}, {one, "line 2"}} {
			m := <-want.p.inbox
			has(t, m, "robot_id", "timestamp", "level", "message", "source")
			if m["type"] != "log_entry" || m["message"] != want.line || m["robot_id"] != "r8" {
				t.Errorf("%v, want %s", m, want.line)
			}
		}
		again := w.watch("/ws/logs", viewer) // the job has ended: its lines are read where they are kept
		for _, p := range []*program{one, none, again} {
			select {
			case m := <-p.inbox:
				t.Errorf("%v", m)
			default:
			}
		}
		w.python("Authorization", "Bearer "+viewer).want(422, "GET", "/ws/logs?min_level=LOUD", "")
		w.python("Authorization", "Bearer "+viewer).want(404, "GET", "/ws/logs/nobody", "")
	})

	t.Run("R35 D12 activity", func(t *testing.T) {
		d := w.dialog()
		r := d.want(200, "GET", "/api/v1/metrics/activity?limit=50", "").object(t)
		events := r["events"].([]any)
		if len(events) < 5 || r["total"].(float64) < float64(len(events)) {
			t.Fatalf("%v", r)
		}
		for _, e := range events {
			has(t, e.(map[string]any), "id", "type", "timestamp", "title", "details", "robot_id", "job_id")
		}
		first := events[0].(map[string]any)
		legacyTime(t, first["timestamp"])
		if again := d.want(200, "GET", "/api/v1/activity?limit=1", "").object(t)["events"].([]any); again[0].(map[string]any)["id"] != first["id"] {
			t.Errorf("%v, then %v", first, again)
		}
		for _, e := range d.want(200, "GET", "/api/v1/metrics/activity?event_type=job_completed", "").object(t)["events"].([]any) {
			if e.(map[string]any)["type"] != "job_completed" {
				t.Errorf("%v", e)
			}
		}
		since := strings.ReplaceAll(fmt.Sprint(first["timestamp"]), "Z", "") // Python may leave the zone out
		if list := d.want(200, "GET", "/api/v1/metrics/activity?limit=200&since="+since, "").object(t); len(list["events"].([]any)) > 5 {
			t.Errorf("%v", list)
		}
		d.want(422, "GET", "/api/v1/metrics/activity?event_type=lunch", "")
		d.want(422, "GET", "/api/v1/metrics/activity?limit=201", "")
	})

	t.Run("M17 the end of a credential ends the socket", func(t *testing.T) {
		p := w.watch("/ws/monitoring/robot-status", viewer)
		keys, err := w.api.ListKeys(t.Context())
		w.must(err)
		for _, k := range keys {
			if k.Name == "viewer" {
				w.must(w.api.RevokeKey(t.Context(), k.ID))
			}
		}
		p.endsWith(4401)
		q := &program{world: w}
		if status, _ := q.dial("/ws/monitoring/robot-status", http.Header{"Authorization": {"Bearer " + viewer}}); status != 401 {
			t.Errorf("%d", status)
		}
	})
}
