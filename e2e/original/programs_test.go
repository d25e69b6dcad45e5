package original

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// The programs of the original, each with all of its calls in its own order, its
// headers and its way of reading answers. The robots among them are in the files
// on polling and on sockets; what is read of single routes is in those on routes.

// step is one call of a program and what it reads of the answer.
type step struct {
	method, path, body string
	status             int      // 200 if 0
	reads              []string // members that the program breaks without; a[] is in each element
	array              bool     // the answer is a bare array
}

// play makes the calls of a program.
func (c *caller) play(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		if s.status == 0 {
			s.status = 200
		}
		r := c.want(s.status, s.method, s.path, s.body)
		var rows []any
		m := map[string]any{}
		switch {
		case s.array:
			if err := json.Unmarshal([]byte(r.text), &rows); err != nil || rows == nil {
				t.Errorf("%s %s: no bare array: %s", s.method, s.path, r.text)
			}
		case s.status == 200:
			if m = r.object(t); len(m) == 0 {
				t.Errorf("%s %s: an empty object reads as a failure", s.method, s.path)
			}
		}
		for _, name := range s.reads {
			list, member, each := strings.Cut(name, "[].")
			switch {
			case s.array:
				for _, row := range rows {
					has(t, row.(map[string]any), name)
				}
			case each:
				for _, row := range m[list].([]any) {
					has(t, row.(map[string]any), member)
				}
			default:
				has(t, m, name)
			}
		}
	}
}

var robotRowNames = []string{"robot_id", "name", "status", "environment", "current_job", "current_jobs", "max_concurrent_jobs", "last_seen", "capabilities", "tags", "cpu_percent", "memory_mb"}

// TestPrograms plays the programs in one world.
func TestPrograms(t *testing.T) {
	beside(t)
	w := newWorld(t)
	a := w.registered("r1", 2)
	a.start()
	ran := string(w.submit())
	workflow := string(w.job(fleet.ID(a.work().JobID)).Workflow.ID)
	a.complete(ran)
	plan := w.dialog().want(200, "POST", "/api/v1/schedules", fmt.Sprintf(`{"workflow_id":%q,"name":"plan","cron_expression":"0 0 1 1 *"}`, workflow)).object(t)["id"].(string)

	t.Run("M1 M3 M7 C3 C4 C6 C12 R3 R15 R16 R17 R18 R33 R34 R35 A1 fleet client", func(t *testing.T) {
		d := w.dialog()
		d.play(t, []step{
			{method: "GET", path: "/health", reads: []string{"status"}},
			{method: "GET", path: "/api/v1/metrics/robots", array: true, reads: robotRowNames},
			{method: "GET", path: "/api/v1/metrics/robots?status=idle", array: true},
			{method: "GET", path: "/api/v1/metrics/robots/r1", reads: robotRowNames},
			{method: "POST", path: "/api/v1/robots/register", body: `{"robot_id":"r7","name":"Seven","hostname":"h7","capabilities":["browser"],"environment":"default","max_concurrent_jobs":1,"tags":[],"tenant_id":null}`, reads: []string{"robot_id"}},
			{method: "PUT", path: "/api/v1/robots/r7/status", body: `{"status":"paused"}`, reads: []string{"status"}},
			{method: "PUT", path: "/api/v1/robots/r7/status", body: `{"status":"idle"}`, reads: []string{"status"}},
			{method: "PUT", path: "/api/v1/robots/r7", body: `{"name":"Seventh"}`, reads: []string{"name"}},
			{method: "POST", path: "/api/v1/robots/r7/heartbeat", body: `{"cpu_percent":null}`, reads: []string{"ok", "timestamp"}},
			{method: "GET", path: "/api/v1/robot-api-keys?limit=200&offset=0", reads: []string{"keys", "api_keys", "total"}},
		})
		made := d.want(200, "POST", "/api/v1/robot-api-keys", `{"robot_id":"r7","name":"desk","description":null,"expires_at":null}`).object(t)
		key, _ := made["key"].(map[string]any)
		if !strings.HasPrefix(fmt.Sprint(made["api_key"]), "crpa_") || made["id"] == nil || key["id"] != made["id"] || key["expires_at"] != nil {
			t.Errorf("%v", made)
		}
		has(t, key, "id", "key_id", "robot_id", "robot_name", "key_name", "name", "description", "status", "created_at", "expires_at", "last_used_at", "last_used_ip", "key_prefix", "revoked")
		d.want(422, "POST", "/api/v1/robot-api-keys", `{"robot_id":"r7","name":"desk","expires_at":"2099-01-01T00:00:00Z","expires_in_days":3}`)
		d.want(422, "POST", "/api/v1/robot-api-keys", `{"name":"desk"}`)
		d.want(404, "POST", "/api/v1/robot-api-keys", `{"robot_id":"nobody","name":"desk"}`)
		id := fmt.Sprint(made["id"])
		next := d.want(200, "POST", "/api/v1/robot-api-keys/"+id+"/rotate", "").object(t)
		if next["api_key"] == made["api_key"] || next["id"] == nil || next["key"] == nil {
			t.Errorf("%v", next)
		}
		active := d.want(200, "GET", "/api/v1/robot-api-keys?robot_id=r7&status=active", "").object(t)["keys"].([]any)
		if len(active) != 1 || active[0].(map[string]any)["id"] != next["id"] { // D8: never without one
			t.Errorf("%v", active)
		}
		for _, k := range d.want(200, "GET", "/api/v1/robot-api-keys?robot_id=r7", "").object(t)["api_keys"].([]any) {
			legacyTime(t, k.(map[string]any)["expires_at"]) // M37, C4
		}
		d.play(t, []step{
			{method: "POST", path: "/api/v1/robot-api-keys/" + fmt.Sprint(next["id"]) + "/revoke", body: `{"reason":null}`, reads: []string{"revoked", "key_id"}},
			{method: "DELETE", path: "/api/v1/robot-api-keys/" + id, reads: []string{"revoked", "key_id"}},
			{method: "GET", path: "/api/v1/metrics/jobs?limit=50", array: true, reads: []string{"job_id", "workflow_name", "robot_name", "status", "created_at", "duration", "progress"}},
			{method: "GET", path: "/api/v1/metrics/jobs/" + ran, reads: []string{"job_id", "node_executions"}},
			{method: "POST", path: "/api/v1/jobs/" + ran + "/cancel", reads: []string{"cancelled"}},
			{method: "GET", path: "/api/v1/metrics/fleet", reads: []string{"total_robots", "active_robots", "busy_robots", "idle_robots", "offline_robots", "active_jobs", "queue_depth", "total_jobs_today", "average_job_duration_seconds"}},
			{method: "GET", path: "/api/v1/metrics/analytics?days=7", reads: []string{"fleet", "jobs", "success_rate", "average_duration_ms", "robot_utilization", "error_distribution", "slowest_workflows", "p50_duration_ms", "p90_duration_ms", "p99_duration_ms"}},
			{method: "GET", path: "/api/v1/metrics/activity?limit=50", reads: []string{"events[].id", "events[].title", "total"}},
			{method: "GET", path: "/api/v1/schedules", array: true, reads: []string{"id", "name", "workflow_name", "frequency", "cron_expression", "enabled", "next_run", "last_run", "run_count", "success_count", "time_hour", "time_minute", "day_of_week", "day_of_month", "interval_seconds"}},
			{method: "POST", path: "/api/v1/schedules/" + plan + "/run-now", reads: []string{"job_id"}},
			{method: "POST", path: "/api/v1/schedules/none/run-now", status: 404},
			{method: "DELETE", path: "/api/v1/robots/r7", reads: []string{"deleted"}},
			{method: "DELETE", path: "/api/v1/robots/r7", status: 404}, // which is success for it
		})
		a.complete(a.work().JobID)
	})

	t.Run("M2 M15 R11 R12 R13 R24 A2 Canvas robot controller", func(t *testing.T) {
		c := w.canvas()
		c.play(t, []step{
			{method: "GET", path: "/health"},
			{method: "GET", path: "/api/v1/metrics/robots", array: true, reads: robotRowNames},
			{method: "POST", path: "/api/v1/workflows", body: `{"workflow_name":"Untitled Workflow","workflow_json":` + idle + `,"trigger_type":"manual","execution_mode":"lan","priority":10,"metadata":{"robot_id":"r1","variables":{}}}`, reads: []string{"job_id", "schedule_id"}},
			{method: "POST", path: "/api/v1/robots/r1/pause", reads: []string{"command"}},
			{method: "POST", path: "/api/v1/robots/r1/resume", reads: []string{"command"}},
			{method: "POST", path: "/api/v1/robots/r1/stop", body: `{"force": false}`, reads: []string{"command"}},
			{method: "POST", path: "/api/v1/robots/r1/start", reads: []string{"command"}},
			{method: "POST", path: "/api/v1/robots/r1/restart", reads: []string{"command"}},
			{method: "GET", path: "/api/v1/robots/r1/logs?limit=100", reads: []string{"logs"}},
			{method: "GET", path: "/api/v1/robots/r1/metrics", reads: []string{"cpu_percent", "metrics"}},
			{method: "GET", path: "/api/v1/metrics/fleet", reads: []string{"total_robots", "active_robots", "busy_robots", "offline_robots", "active_jobs", "queue_depth"}},
			{method: "GET", path: "/api/v1/metrics/robots?status=idle", array: true},
		})
		a.complete(a.work().JobID)
	})

	t.Run("R24 A3 Canvas submit", func(t *testing.T) {
		body := `{"workflow_name":"file","workflow_json":` + idle + `,"execution_mode":"internet","trigger_type":"manual","priority":10,"metadata":{"submitted_from":"canvas","canvas_file":"C:\\a\\file.json"}}`
		w.canvas().play(t, []step{{method: "POST", path: "/api/v1/workflows", body: body, reads: []string{"job_id", "workflow_id", "schedule_id"}}})
		a.complete(a.work().JobID)
		bare := w.python("Content-Type", "application/json") // as it comes, without any credential
		if r := bare.want(401, "POST", "/api/v1/workflows", body).object(t); r["detail"] == "" || r["message"] == "" {
			t.Errorf("%v", r)
		}
	})

	t.Run("R37 R38 R39 A4 analytics panel", func(t *testing.T) {
		c := w.python("Accept", "application/json", "Authorization", "Bearer "+w.admin) // behind a proxy that adds the key
		c.play(t, []step{
			{method: "GET", path: "/health"},
			{method: "GET", path: "/api/v1/analytics/process-mining/workflows", array: true, reads: []string{"workflow_id", "trace_count"}},
		})
		// Numbers are counted a moment later; until then there are no runs to tell of.
		asked := time.Now()
		w.eventually(func() bool {
			if time.Since(asked) < 500*time.Millisecond { // as often as the rate allows
				return false
			}
			asked = time.Now()
			return c.call("GET", "/api/v1/analytics/bottlenecks/"+workflow+"?days=7", "").status == 200
		})
		c.play(t, []step{
			{method: "GET", path: "/api/v1/analytics/bottlenecks/" + workflow + "?days=7", reads: []string{"bottlenecks", "node_stats", "slowest_nodes", "failing_nodes", "recommendations", "total_executions"}},
			{method: "GET", path: "/api/v1/analytics/execution/" + workflow + "?days=14", reads: []string{"duration_trend", "success_rate_trend", "time_distribution", "insights", "summary"}},
			{method: "GET", path: "/api/v1/analytics/execution/" + workflow + "/timeline?days=7&granularity=day", reads: []string{"data_points", "granularity"}},
			{method: "GET", path: "/api/v1/analytics/bottlenecks/none?days=7", status: 404},
		})
	})

	t.Run("R6 R14 R21 R33 R45 C1 C7 A5 web dashboard", func(t *testing.T) {
		p := w.dashboard()
		p.play(t, []step{
			{method: "GET", path: "/api/v1/robots", reads: []string{"robots[].robot_id", "robots[].current_job_ids", "robots[].metrics"}},
			{method: "GET", path: "/api/v1/metrics/robot/r1?days=7", reads: []string{"robot_id", "name", "jobs_completed", "jobs_failed", "average_execution_time_ms", "uptime_percent"}},
			{method: "GET", path: "/api/v1/jobs?limit=100", reads: []string{"jobs[].job_id", "jobs[].workflow_id", "jobs[].status", "jobs[].created_at"}},
			{method: "GET", path: "/api/v1/robot-api-keys", reads: []string{"api_keys[].key_id", "api_keys[].expires_at", "api_keys[].revoked"}},
			{method: "POST", path: "/api/v1/robot-api-keys", body: `{"tenant_id":"default","name":"page","robot_id":"r1","expires_in_days":30}`, reads: []string{"api_key", "id"}},
			{method: "GET", path: "/api/v1/dlq", reads: []string{"entries", "total", "pending", "limit", "offset"}},
		})
		for _, r := range []string{"1h", "24h", "7d", "30d"} {
			m := p.want(200, "GET", "/api/v1/metrics/fleet?time_range="+r, "").object(t)
			for _, name := range []string{"active_robots", "success_rate", "total_jobs", "avg_execution_time", "completed_jobs", "running_jobs", "failed_jobs", "queued_jobs", "total_robots", "idle_robots", "dlq_count"} {
				if _, number := m[name].(float64); !number {
					t.Errorf("%s: %s is %v", r, name, m[name])
				}
			}
		}
		made := p.want(200, "POST", "/api/v1/schedules", fmt.Sprintf(`{"tenant_id":"default","workspace_id":"default","name":"page","workflow_id":%q,"cron_expression":"0 9 * * *","timezone":"UTC","input":{},"priority":5}`, workflow)).object(t)
		schedule := "/api/v1/schedules/" + fmt.Sprint(made["schedule_id"])
		p.play(t, []step{
			{method: "GET", path: "/api/v1/schedules", reads: []string{"schedules[].schedule_id", "schedules[].next_run_at", "schedules[].last_run_at", "schedules[].priority", "total"}},
			{method: "PUT", path: schedule, body: `{"enabled":false}`, reads: []string{"enabled"}},
			{method: "PUT", path: schedule, body: `{"enabled":true}`, reads: []string{"enabled"}},
			{method: "POST", path: schedule + "/run", reads: []string{"job_id"}},
			{method: "DELETE", path: schedule, reads: []string{"status"}},
		})
		waits := a.work().JobID
		p.play(t, []step{
			{method: "GET", path: "/api/v1/jobs?limit=100&status=running", reads: []string{"jobs[].assigned_robot_id"}},
			{method: "POST", path: "/api/v1/jobs/" + waits + "/cancel", reads: []string{"cancelled"}},
		})
		a.complete(waits)
		letters := []string{}
		for range 3 {
			job := string(w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} }))
			a.work()
			a.fail(job, "no")
			w.reaches(fleet.ID(job), fleet.Failed)
			letters = append(letters, job)
		}
		p.play(t, []step{
			{method: "GET", path: "/api/v1/jobs?limit=100&status=failed", reads: []string{"jobs[].error"}},
			{method: "POST", path: "/api/v1/dlq/" + letters[0] + "/retry", reads: []string{"new_job_id"}},
			{method: "DELETE", path: "/api/v1/dlq/" + letters[1], reads: []string{"deleted"}},
			{method: "POST", path: "/api/v1/jobs/" + letters[2] + "/retry", reads: []string{"new_job_id"}},
		})
		for range 2 {
			a.complete(a.work().JobID)
		}
		for _, path := range []string{"/api/v1/ws/queue-depth", "/api/v1/ws/robots", "/api/v1/ws/jobs"} {
			if first := <-w.watch(path, w.admin).inbox; first["type"] == nil || first["data"] == nil || first["ts"] == nil {
				t.Errorf("%s: %v", path, first)
			}
		}
	})

	t.Run("R9 A11 load file", func(t *testing.T) {
		c := w.python("Authorization", "Bearer test-api-key")
		c.want(401, "POST", "/api/v1/robots/heartbeat", `{"robot_id":"r1","status":"idle"}`)
		c.want(401, "POST", "/api/v1/jobs/claim", `{"robot_id":"r1","capabilities":["browser"]}`)
		r := c.want(200, "GET", "/api/v1/health", "")
		if r.header.Get("X-Correlation-ID") == "" {
			t.Errorf("%v", r.header)
		}
		own := w.python("Authorization", "Bearer "+a.key)
		own.want(200, "POST", "/api/v1/robots/heartbeat", `{"robot_id":"r1","status":"idle"}`)
		own.want(200, "POST", "/api/v1/jobs/claim", `{"robot_id":"r1","capabilities":["browser"]}`)
	})

	t.Run("M19 M33 C8 C20 errors, ids, no redirects", func(t *testing.T) {
		d := w.dialog()
		for path, status := range map[string]int{"/api/v1/metrics/robots/nobody": 404, "/api/v1/nothing": 404, "/api/v1/metrics/jobs?limit=0": 422} {
			r := d.want(status, "GET", path, "")
			m := r.object(t)
			has(t, m, "type", "title", "status", "detail", "code", "request_id", "success", "message", "error", "data", "meta")
			inner, _ := m["error"].(map[string]any)
			if m["success"] != false || m["detail"] != m["message"] || inner["code"] == nil || inner["message"] == nil {
				t.Errorf("%s", r.text)
			}
		}
		q := w.python("X-Request-ID", "req_0123456789abcdef", "X-Correlation-ID", "c-1")
		if r := q.want(200, "GET", "/health", ""); r.header.Get("X-Request-ID") != "req_0123456789abcdef" || r.header.Get("X-Correlation-ID") != "c-1" {
			t.Errorf("%v", r.header)
		}
		for _, path := range []string{"/api/v1/jobs/", "/api/v1//jobs", "/api/v1/robots/../jobs", "/health/"} {
			if r := d.call("GET", path, ""); r.status >= 300 && r.status < 400 {
				t.Errorf("%s: %d to %s", path, r.status, r.header.Get("Location"))
			}
		}
		if m := d.want(200, "GET", "/api/v1/jobs", "").object(t); m["data"] != nil {
			t.Errorf("an envelope: %v", m)
		}
	})

	t.Run("R50 R51 R52 R53 signing in", func(t *testing.T) {
		c := w.python()
		_, err := w.api.CreateUser(t.Context(), client.UserRequest{Name: "ann", Role: fleet.RoleOperator, Password: "correct horse battery staple"})
		w.must(err)
		c.want(401, "POST", "/api/v1/auth/login", `{"username":"ann","password":"wrong password!!","tenant_id":"default"}`)
		r := c.want(200, "POST", "/api/v1/auth/login", `{"username":"ann","password":"correct horse battery staple"}`).object(t)
		has(t, r, "access_token", "refresh_token", "token_type", "expires_in")
		again := c.want(200, "POST", "/api/v1/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, r["refresh_token"])).object(t)
		me := w.python("Authorization", "Bearer "+fmt.Sprint(again["access_token"]))
		m := me.want(200, "GET", "/api/v1/auth/me", "").object(t)
		has(t, m, "user_id", "roles", "tenant_id", "dev_mode")
		if !strings.Contains(fmt.Sprint(m["roles"]), "operator") { // a refresh drops no role
			t.Errorf("%v", m)
		}
		has(t, me.want(200, "POST", "/api/v1/auth/logout", "").object(t), "message")
		me.want(401, "GET", "/api/v1/auth/me", "")
	})

	t.Run("P11 M9 what results do not say, and the same result twice", func(t *testing.T) {
		job := string(w.submit())
		c := a.work()
		if r := a.jobs.call("POST", "/api/v1/jobs/"+c.JobID+"/complete", `{"result":{"executed_nodes":3,"duration_ms":10,"recovered":false}}`); r.status != 200 {
			t.Errorf("%d %s", r.status, r.text)
		}
		got, err := w.api.GetJob(t.Context(), fleet.ID(job))
		w.must(err)
		var kept map[string]any
		w.must(json.Unmarshal(got.Result, &kept))
		if _, told := kept["outputs"]; told || got.State != fleet.Completed { // not reported is not the same as empty
			t.Errorf("%s", got.Result)
		}
		// Complete twice: the same once more is success, another result is not.
		a.jobs.want(200, "POST", "/api/v1/jobs/"+job+"/complete", `{"result":{"executed_nodes":3,"duration_ms":10,"recovered":false}}`)
		a.jobs.want(409, "POST", "/api/v1/jobs/"+job+"/complete", `{"result":{"executed_nodes":4}}`)
	})

	t.Run("D5 C11 M10 M17 M25 M32 the bad habits of all of them", func(t *testing.T) {
		own := w.agent("r1", a.key)
		own.presence.want(403, "GET", "/api/v1/metrics/robots/r2", "") // under another robot's key, and whether it is there or not
		own.presence.want(200, "POST", own.path("/heartbeat"), `{"cpu_percent":null,"memory_percent":null,"current_job_count":null,"x":{"y":[null]}}`)
		job := w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} })
		own.work()
		if r := own.fail(string(job), strings.Repeat("x", 1<<20)); r.status != 200 {
			t.Errorf("%d %s", r.status, r.text)
		}
		for _, path := range []string{"/ws/monitoring/live-jobs", "/ws/admin", "/ws/logs", "/ws/robot/r1"} {
			p := &program{world: w}
			if status, err := p.dial(path, http.Header{"Authorization": {"Bearer crpa_" + strings.Repeat("0", 60)}}); err == nil || status != 401 {
				t.Errorf("%s with a wrong key: %d %v", path, status, err)
			}
		}
		req := own.jobs
		req.form = "text/plain" // of an empty body
		for _, path := range []string{"/api/v1/jobs/claim"} {
			req.want(200, "POST", path, "")
		}
	})
}
