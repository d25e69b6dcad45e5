package original

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// has fails unless an object holds all members.
func has(t testing.TB, m map[string]any, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, ok := m[n]; !ok {
			t.Errorf("%s is missing in %v", n, m)
		}
	}
}

// TestRobotRoutes holds the rows about the routes that robots and those who look
// after them call.
func TestRobotRoutes(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"R1 R2 M1 health": func(t *testing.T) {
			w := newWorld(t)
			for _, c := range []*caller{w.python(), w.dialog(), w.python("Authorization", "Bearer wrong", "X-Api-Key", "other")} {
				for _, path := range []string{"/health", "/health/live", "/api/v1/health"} {
					r := c.want(200, "GET", path, "").object(t)
					if at, number := r["timestamp"].(float64); r["status"] != "healthy" || r["service"] == nil || !number || at < 1e9 {
						t.Errorf("%s: %v", path, r)
					}
				}
				if r := c.want(200, "GET", "/health/ready", "").object(t); r["ready"] != true || r["status"] != "up" {
					t.Errorf("%v", r)
				}
			}
			w.registered("r1", 1).start()
			w.submit(func(r *client.SubmitRequest) { r.Environment = "nowhere" })
			r := w.dialog().want(200, "GET", "/health/ready", "").object(t)
			has(t, r, "uptime_seconds", "version")
			if r["database"] != "up" || r["robots_connected"] != 1.0 || r["pending_jobs"] != 1.0 {
				t.Errorf("%v", r)
			}
			if r := w.python().want(200, "GET", "/health/ready", "").object(t); r["database"] != nil || r["pending_jobs"] != nil {
				t.Errorf("anybody is told %v", r)
			}
		},
		"R4 M4 M26 look-up": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 2)
			for _, c := range []*caller{a.presence, w.dialog()} {
				r := c.want(200, "GET", "/api/v1/metrics/robots/r1", "").object(t)
				has(t, r, "robot_id", "id", "name", "hostname", "status", "environment", "cpu_percent", "memory_mb", "memory_percent",
					"current_job", "current_job_id", "current_jobs", "max_concurrent_jobs", "last_seen", "last_heartbeat", "capabilities", "tags", "fleet_status")
				if r["capabilities"] == nil || r["tags"] == nil || r["name"] != "Robot r1" || r["max_concurrent_jobs"] != 2.0 {
					t.Errorf("%v", r)
				}
			}
			w.dialog().want(404, "GET", "/api/v1/metrics/robots/nobody", "")
			w.python().want(401, "GET", "/api/v1/metrics/robots/r1", "")
		},
		"R5 M28 register": func(t *testing.T) {
			w := newWorld(t)
			d := w.dialog()
			body := `{"robot_id":%q,"name":"Desk","hostname":"host","capabilities":["browser"],"environment":"production","max_concurrent_jobs":2,"tags":["A b"],"tenant_id":"x"}`
			r := d.want(200, "POST", "/api/v1/robots/register", fmt.Sprintf(body, "robot-a-00000001")).object(t)
			has(t, r, "robot_id", "name", "hostname", "status", "environment", "max_concurrent_jobs", "capabilities", "tags", "current_job_ids", "last_seen", "last_heartbeat", "created_at", "metrics")
			if r["status"] != "online" || r["max_concurrent_jobs"] != 2.0 || r["environment"] != "production" || w.row("robot-a-00000001")["status"] != "idle" {
				t.Errorf("%v", r)
			}
			r = d.want(200, "POST", "/api/v1/robots/register", fmt.Sprintf(body, "robot-b-ab12cd34")).object(t)
			if r["name"] != "Desk (ab12cd34)" || r["hostname"] != "host-ab12cd34" {
				t.Errorf("%v", r)
			}
			r = d.want(200, "POST", "/api/v1/robots/register", fmt.Sprintf(body, "robot-a-00000001")).object(t)
			if r["name"] != "Desk" { // the same once more is the same
				t.Errorf("%v", r)
			}
			for _, bad := range []string{`{"robot_id":"a b","name":"x","hostname":"h"}`, `{"robot_id":"r","name":"","hostname":"h"}`, `{"robot_id":"r","name":"x","hostname":"h","max_concurrent_jobs":101}`} {
				d.want(422, "POST", "/api/v1/robots/register", bad)
			}
		},
		"M19 C8 what errors say to old readers": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			job := string(w.submit())
			a.work()
			a.complete(job)
			d, nobody := w.dialog(), w.python()
			for _, c := range []struct {
				who          *caller
				method, path string
				body         string
				status       int
				code         string
			}{
				{d, "POST", "/api/v1/workflows", `{`, 400, "INVALID_INPUT"},
				{d, "POST", "/api/v1/workflows", `{"workflow_name":"x","workflow_json":{"nodes":{},"connections":[]},"trigger_type":"scheduled"}`, 400, "INVALID_INPUT"},
				{d, "POST", "/api/v1/jobs/" + job + "/retry", "", 400, "INVALID_STATE_TRANSITION"},
				{d, "GET", "/api/v1/metrics/robots/nobody", "", 404, "RESOURCE_NOT_FOUND"},
				{d, "GET", "/api/v1/no/such/route", "", 404, "RESOURCE_NOT_FOUND"},
				{nobody, "GET", "/api/v1/metrics/robots", "", 401, "AUTH_TOKEN_INVALID"},
				{nobody, "POST", "/api/v1/auth/login", `{"username":"x","password":"not the password"}`, 401, "AUTH_INVALID_CREDENTIALS"},
				{d, "POST", "/api/v1/jobs/claim", claimBody, 403, "AUTH_INSUFFICIENT_PERMISSIONS"},
				{a.jobs, "POST", "/api/v1/jobs/" + job + "/fail", `{"error_message":"x"}`, 409, "RESOURCE_CONFLICT"},
				{d, "POST", "/api/v1/robots/register", `{"robot_id":"a b","name":"x","hostname":"h"}`, 422, "VALIDATION_ERROR"},
			} {
				r := c.who.want(c.status, c.method, c.path, c.body)
				m := r.object(t)
				inner, _ := m["error"].(map[string]any)
				details, _ := inner["details"].(map[string]any)
				faults, listed := details["validation_errors"].([]any)
				if inner["code"] != c.code && !(c.status == 409 && inner["code"] == "INVALID_STATE_TRANSITION") {
					t.Errorf("%s %s: %v, want %s", c.method, c.path, inner["code"], c.code)
				}
				if m["detail"] == "" || m["detail"] != m["message"] || inner["message"] != m["detail"] || m["success"] != false || m["data"] != nil || !listed ||
					!strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") || m["request_id"] != r.header.Get("X-Request-ID") {
					t.Errorf("%s", r.text)
				}
				if meta, _ := m["meta"].(map[string]any); meta["request_id"] != m["request_id"] {
					t.Errorf("%v", meta)
				} else {
					legacyTime(t, meta["timestamp"])
				}
				if c.status == 422 && (len(faults) != 1 || faults[0].(map[string]any)["field"] != "body.robot_id" || inner["field"] != "robot_id") {
					t.Errorf("%v", inner)
				}
			}
		},
		"R8 status": func(t *testing.T) {
			w := newWorld(t)
			w.registered("r1", 1)
			d := w.dialog()
			for word, want := range map[string]string{"maintenance": "maintenance", "paused": "paused"} {
				if r := d.want(200, "PUT", "/api/v1/robots/r1/status", `{"status":"`+word+`"}`).object(t); r["status"] != want {
					t.Errorf("%s: %v", word, r["status"])
				}
				if r := d.want(200, "PUT", "/api/v1/robots/r1/status", `{"status":"online"}`).object(t); r["status"] != "online" {
					t.Errorf("after %s: %v", word, r["status"])
				}
			}
			if r := d.want(200, "PUT", "/api/v1/robots/r1/status", `{"status":"error"}`).object(t); r["status"] != "error" {
				t.Errorf("%v", r["status"])
			}
			d.want(200, "PUT", "/api/v1/robots/r1/status", `{"status":"offline"}`)
			if s := w.row("r1")["status"]; s != "offline" {
				t.Errorf("%v", s)
			}
			d.want(422, "PUT", "/api/v1/robots/r1/status", `{"status":"sleeping"}`)
			d.want(404, "PUT", "/api/v1/robots/nobody/status", `{"status":"idle"}`)
		},
		"R9 M25 heartbeat": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			for _, body := range []string{
				`{}`, "", `null`, `{"cpu_percent":null,"memory_percent":null,"current_job_count":null,"max_concurrent_jobs":null}`,
				`{"cpu_percent":1,"memory_percent":2.5e1,"disk_percent":"n/a","more":{"a":[1]}}`,
			} {
				a.presence.want(200, "POST", a.path("/heartbeat"), body)
			}
			if r := w.row("r1"); r["cpu_percent"] != 1.0 || r["memory_percent"] != 25.0 {
				t.Errorf("%v", r)
			}
		},
		"R10 M5 M6 D9 deleted is not found": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			a.start()
			job := w.submit()
			a.work()
			r := w.dialog().want(200, "DELETE", "/api/v1/robots/r1", "").object(t)
			if r["deleted"] != true || r["robot_id"] != "r1" {
				t.Errorf("%v", r)
			}
			w.dialog().want(404, "DELETE", "/api/v1/robots/r1", "")
			// The machine may still work on it, so nobody else gets it before its lease has ended.
			if j := w.job(job); j.State != fleet.Running || j.LostUsed != 0 {
				t.Errorf("its job is %s, lost %d", j.State, j.LostUsed)
			}
			a.presence.want(404, "GET", "/api/v1/metrics/robots/r1", "")
			a.beat(0)
			a.presence.want(404, "PUT", a.path("/status"), `{"status":"idle"}`)
			a.jobs.want(401, "POST", "/api/v1/jobs/claim", claimBody)
			a.presence.want(401, "POST", "/api/v1/robots/register", `{"robot_id":"r1","name":"x","hostname":"x"}`)
			if a.linked {
				t.Error("the agent believes that it is still linked")
			}
			w.dialog().want(404, "GET", "/api/v1/metrics/robots/r1", "")
			w.registered("r1", 1)                        // an admin makes it again
			if s := w.row("r1")["status"]; s != "busy" { // with what it still holds
				t.Errorf("%v", s)
			}
		},
		"M5 a key that ended says nothing of the robot": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			keys, err := w.api.ListKeys(t.Context())
			w.must(err)
			for _, k := range keys {
				if k.RobotID == "r1" {
					w.must(w.api.RevokeKey(t.Context(), k.ID))
				}
			}
			a.presence.want(401, "GET", "/api/v1/metrics/robots/r1", "")
			a.presence.want(401, "POST", a.path("/heartbeat"), "{}")
		},
		"R11 M15 commands": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			a.start()
			c := w.python("Authorization", "Bearer "+w.admin)
			for _, word := range []string{"pause", "resume", "start", "restart", "stop"} {
				body := ""
				if word == "stop" {
					body = `{"force": false}`
				}
				r := c.want(200, "POST", "/api/v1/robots/r1/"+word, body).object(t)
				has(t, r, "robot_id", "command_id", "command", "status", "message")
				if word == "restart" && (r["status"] != "failed" || !strings.Contains(fmt.Sprint(r["message"]), "polls")) {
					t.Errorf("%v", r)
				}
			}
			w.submit()
			if got := a.claim(); got != nil {
				t.Errorf("a stopped robot got %s", got.Raw)
			}
			c.want(200, "POST", "/api/v1/robots/r1/start", "")
			a.work()
		},
		"R12 R13 logs and metrics": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			w.submit()
			c := a.work()
			d := w.python("Authorization", "Bearer "+w.admin)
			r := d.want(200, "GET", "/api/v1/robots/r1/metrics", "").object(t)
			has(t, r, "cpu_percent", "memory_percent", "memory_mb", "disk_percent", "total_jobs", "successful_jobs", "failed_jobs",
				"avg_job_duration_ms", "latency_ms", "bytes_sent", "bytes_received", "connected_at", "last_heartbeat", "current_jobs_data", "metrics")
			current := r["current_jobs_data"].([]any)
			if len(current) != 1 {
				t.Fatalf("%v", current)
			}
			has(t, current[0].(map[string]any), "id", "workflow_name", "status", "progress", "started_at")
			a.complete(c.JobID)
			if r = d.want(200, "GET", "/api/v1/robots/r1/metrics", "").object(t); r["total_jobs"] != 1.0 || r["successful_jobs"] != 1.0 {
				t.Errorf("%v", r)
			}
			since := strings.ReplaceAll(time.Now().Add(-time.Hour).Format("2006-01-02T15:04:05.999999"), "+", "%2B")
			logs := d.want(200, "GET", "/api/v1/robots/r1/logs?limit=100&since="+since, "").object(t)["logs"]
			if list, ok := logs.([]any); !ok || len(list) != 0 {
				t.Errorf("%v", logs)
			}
			d.want(404, "GET", "/api/v1/robots/nobody/logs", "")
			d.want(404, "GET", "/api/v1/robots/nobody/metrics", "")
		},
		"R27 M2 M8 M20 D2 claim": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			for _, c := range []*caller{a.jobs, a.presence, w.python("Authorization", "Bearer "+a.key)} {
				r := c.want(200, "POST", "/api/v1/jobs/claim", claimBody)
				if r.text != "null" {
					t.Errorf("%s", r.text)
				}
			}
			w.submit(func(r *client.SubmitRequest) { r.Variables = map[string]any{"n": 1, "text": "{}"} })
			c := a.work()
			var m map[string]any
			w.must(json.Unmarshal(c.Raw, &m))
			has(t, m, "job_id", "workflow_id", "workflow_name", "workflow_json", "priority", "environment", "variables", "created_at", "claimed_at", "retry_count", "max_retries")
			if c.Variables["n"] != 1.0 || !json.Valid([]byte(*c.Document)) || m["max_retries"] != 3.0 {
				t.Errorf("%v", m)
			}
			for _, k := range []string{"", "Bearer nonsense"} {
				w.python("Authorization", k).want(401, "POST", "/api/v1/jobs/claim", claimBody)
			}
			r := w.dialog().want(403, "POST", "/api/v1/jobs/claim", claimBody)
			if d, _ := r.object(t)["detail"].(string); d == "" {
				t.Errorf("%s", r.text)
			}
			a.jobs.want(422, "POST", "/api/v1/jobs/claim", `{"visibility_timeout_seconds":4}`)
		},
		"C19 an agent with the admin key": func(t *testing.T) {
			w := newWorld(t)
			w.registered("r1", 1)
			a := w.agent("r1", w.admin)
			a.start()
			a.beat(0)
			if !a.linked || w.row("r1")["status"] != "idle" {
				t.Error("presence does not work")
			}
			if r := a.jobs.want(403, "POST", "/api/v1/jobs/claim", claimBody); !strings.Contains(r.text, "key") {
				t.Errorf("%s", r.text)
			}
		},
		"R28 R29 R30 R31 R32 M9 of somebody else": func(t *testing.T) {
			w := newWorld(t)
			a, b := w.registered("r1", 1), w.registered("r2", 1)
			w.submit()
			c := a.work()
			for path, status := range map[string]int{"/api/v1/jobs/" + c.JobID: 409, "/api/v1/jobs/01939c3e-7b1a-7c3d-8e4f-0123456789ab": 404} {
				b.jobs.want(status, "POST", path+"/complete", result)
				b.jobs.want(status, "POST", path+"/fail", `{"error_message":"x"}`)
				b.jobs.want(status, "POST", path+"/release", "")
				b.jobs.want(status, "POST", path+"/extend-lease", `{"extension_seconds":30}`)
				b.jobs.want(status, "PUT", path+"/progress", `{"progress":1}`)
			}
			r := a.jobs.want(200, "PUT", "/api/v1/jobs/"+c.JobID+"/progress", `{"progress":42.5,"current_node":"n1","message":"half"}`).object(t)
			if r["progress"] != 42.5 {
				t.Errorf("%v", r)
			}
			if j := w.job(fleet.ID(c.JobID)); j.Progress != 42 || j.CurrentNode != "n1" {
				t.Errorf("%d in %q", j.Progress, j.CurrentNode)
			}
			w.python().want(401, "POST", "/api/v1/jobs/"+c.JobID+"/complete", result)
		},
		"M10 D5 any text of a failure": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			for _, message := range []string{"", strings.Repeat("x", 1<<20), "\x00\u2028 \"", strings.Repeat("é", 200_000)} {
				job := w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} })
				c := a.work()
				if r := a.fail(c.JobID, message); r.status != 200 || r.object(t)["status"] != "failed" {
					t.Errorf("%d %.100s", r.status, r.text)
				}
				j := w.job(job)
				if j.State != fleet.Failed || j.Error == nil || len(j.Error.Message) == 0 || len(j.Error.Message) > fleet.MaxErrorText {
					t.Errorf("of %.20q: %s, %+.200v", message, j.State, j.Error)
				}
			}
			w.submit()
			c := a.work()
			a.jobs.want(200, "POST", "/api/v1/jobs/"+c.JobID+"/fail", `{"error_message":{"no":"text"}}`)
		},
		"M23 D18 silence": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			w.restart()
			w.submit()
			c := a.work()
			for _, call := range []func(){
				func() { a.extend(c.JobID) },
				func() { a.jobs.call("PUT", "/api/v1/jobs/"+c.JobID+"/progress", `{"progress":1}`) },
			} {
				w.restart()
				call()
				if s := w.row("r1")["status"]; s != "busy" {
					t.Errorf("%v", s)
				}
			}
		},
		"D17 C7 R33 the numbers of the fleet": func(t *testing.T) {
			w := newWorld(t)
			a, b := w.registered("r1", 1), w.registered("r2", 1)
			a.start()
			b.start()
			runs := w.submit(func(r *client.SubmitRequest) { r.Target = "r1" })
			a.work()
			w.submit(func(r *client.SubmitRequest) { r.Environment = "nowhere" })
			want := func(now map[string]float64) (m map[string]any) {
				t.Helper()
				if !w.calmly(10*time.Second, func() bool { // ends are counted a moment later
					m = w.dialog().want(200, "GET", "/api/v1/metrics/fleet?time_range=24h", "").object(t)
					for name, n := range now {
						if m[name] != n {
							return false
						}
					}
					return true
				}) {
					t.Errorf("%v, want %v", m, now)
				}
				return m
			}
			want(map[string]float64{
				"total_robots": 2, "active_robots": 1, "busy_robots": 1, "idle_robots": 1, "online_robots": 1, "offline_robots": 0, "active_jobs": 1, "running_jobs": 1,
				"queue_depth": 1, "queued_jobs": 1, "total_jobs_today": 2, "total_jobs": 2, "success_rate": 0, "avg_execution_time": 0, "dlq_count": 0,
			})
			a.complete(string(runs))
			bad := w.submit(func(r *client.SubmitRequest) {
				r.Target, r.RetrySafety, r.Retry = "r1", "always", &client.RetryChange{Max: new(0)}
			})
			a.work()
			a.fail(string(bad), "no")
			m := want(map[string]float64{ // a rate is of what ended
				"active_jobs": 0, "active_robots": 0, "idle_robots": 2, "completed_jobs": 1, "failed_jobs": 1, "success_rate": 50, "dlq_count": 1, "queue_depth": 1, "total_jobs": 3,
			})
			took, seconds := m["avg_execution_time"].(float64), m["average_job_duration_seconds"].(float64)
			if took <= 0 || took > 60_000 || math.Abs(seconds*1000-took) > 0.001 { // milliseconds here, seconds there, and no whole ones
				t.Errorf("%v ms, %v s", took, seconds)
			}
		},
		"M27 M26 words of jobs": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 4)
			d, page := w.dialog(), w.dashboard()
			shown := func(id fleet.ID, python, dashboard, ours string) map[string]any {
				t.Helper()
				var rows []map[string]any
				w.must(json.Unmarshal([]byte(d.want(200, "GET", "/api/v1/metrics/jobs?status="+python, "").text), &rows))
				var row map[string]any
				for _, r := range rows {
					for _, name := range []string{"progress", "duration_ms", "duration"} {
						if _, number := r[name].(float64); !number { // the table raises on null
							t.Errorf("%s is %v", name, r[name])
						}
					}
					if r["job_id"] == string(id) {
						row = r
					}
				}
				if row == nil || row["status"] != python || row["fleet_status"] != ours {
					t.Errorf("%s is not shown as %s: %v", ours, python, row)
				}
				found := false
				for _, j := range page.want(200, "GET", "/api/v1/jobs?limit=100&status="+dashboard, "").object(t)["jobs"].([]any) {
					m := j.(map[string]any)
					found = found || m["job_id"] == string(id) && m["status"] == dashboard
				}
				if !found {
					t.Errorf("%s is not %s for the dashboard", ours, dashboard)
				}
				return row
			}
			job := w.submit()
			shown(job, "pending", "queued", "pending")
			a.work()
			shown(job, "running", "running", "running")
			_, err := w.api.CancelJob(t.Context(), job, client.CancelRequest{})
			w.must(err)
			shown(job, "running", "running", "cancelling")
			a.complete(string(job))
			shown(job, "completed", "completed", "completed")
			asks := w.submit(document(writes, ""))
			a.work()
			a.fail(string(asks), "Job cancelled") // and nobody knows whether it paid
			if row := shown(asks, "running", "running", "needs_decision"); row["error_message"] == "" || row["error_message"] == nil {
				t.Errorf("nobody is told what is asked: %v", row)
			}
			w.robotClient("rc").connect(1) // takes an offer, and says nothing yet
			offered := w.submit(func(r *client.SubmitRequest) { r.Target = "rc" })
			w.reaches(offered, fleet.Assigned)
			shown(offered, "running", "assigned", "assigned")
			for _, path := range []string{"/api/v1/metrics/jobs?status=asleep", "/api/v1/metrics/jobs?status=needs_decision"} {
				if e := d.want(422, "GET", path, "").object(t); !strings.Contains(fmt.Sprint(e["detail"]), "pending") { // the words are listed
					t.Errorf("%v", e["detail"])
				}
			}
		},
		"M29 environments of the original": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 9) // lives in production
			for _, environment := range []string{"lan", "internet", "default", "production"} {
				job := w.submit(func(r *client.SubmitRequest) { r.Environment = environment })
				if c := a.work(); c.JobID != string(job) {
					t.Errorf("%s: %s", environment, c.Raw)
				}
			}
			lab := w.submit(func(r *client.SubmitRequest) { r.Environment = "lab" })
			if c := a.claim(); c != nil {
				t.Errorf("%s", c.Raw)
			}
			// The claim's own narrows further.
			w.submit(func(r *client.SubmitRequest) { r.Environment = "production" })
			if r := a.jobs.want(200, "POST", "/api/v1/jobs/claim", `{"environment":"lab"}`); r.text != "null" {
				t.Errorf("%s", r.text)
			}
			_, err := w.api.CancelJob(context.Background(), lab, client.CancelRequest{})
			w.must(err)
		},
		"M31 M32 bodies": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			w.submit()
			c := a.parse(a.jobs.want(200, "POST", "/api/v1/jobs/claim", `{"limit":1,"tenant_id":"t","workspace_id":null,"capabilities":["a"],"x":{"y":1}}`))
			if c == nil {
				t.Fatal("no job")
			}
			a.jobs.want(200, "POST", "/api/v1/jobs/"+c.JobID+"/extend-lease", "")
			a.jobs.want(200, "POST", "/api/v1/jobs/"+c.JobID+"/complete", `{"extra":1}`)
			a.jobs.want(200, "POST", "/api/v1/jobs/claim", "")
			d := w.python("Authorization", "Bearer "+w.admin, "Content-Type", "application/json")
			d.want(200, "GET", "/api/v1/metrics/robots/r1", "")
		},
	} {
		t.Run(name, test)
	}
}

// calmly is eventually for what may be asked a few times a second only.
func (w *world) calmly(within time.Duration, ok func() bool) bool {
	w.Helper()
	for last := time.Now().Add(within); !ok(); {
		if time.Now().After(last) || !pause(w.Context(), 400*time.Millisecond) {
			return false
		}
	}
	return true
}

// TestSilence holds D18 and M23: who is silent is shown as that, in one group of
// the numbers, and any call of a robot breaks its silence.
func TestSilence(t *testing.T) {
	beside(t)
	w := newWorld(t, func(w *world) { w.timing = fleet.NewTiming(15 * time.Second) }) // the least
	w.registered("dead", 1).start()
	w.registered("never", 1) // registered, and never heard of again
	a := w.registered("busy", 1)
	a.start()
	job := w.submit(func(r *client.SubmitRequest) { r.Target = "busy" })
	a.work()
	groups := func() (m map[string]any, sum float64) {
		t.Helper()
		m = w.dialog().want(200, "GET", "/api/v1/metrics/fleet", "").object(t)
		for _, name := range []string{"idle_robots", "busy_robots", "offline_robots", "error_robots", "maintenance_robots"} {
			sum += m[name].(float64)
		}
		return m, sum
	}
	if !w.calmly(time.Minute, func() bool {
		a.extend(string(job)) // alone keeps it alive
		return w.row("dead")["status"] == "offline" && w.row("never")["status"] == "offline"
	}) {
		t.Errorf("the dead one is %v, the one never heard of %v", w.row("dead")["status"], w.row("never")["status"])
	}
	a.extend(string(job))
	m, sum := groups()
	if m["total_robots"] != 3.0 || sum != 3.0 || m["offline_robots"] != 2.0 || m["busy_robots"] != 1.0 || m["online_robots"] != m["idle_robots"] { // each in one group
		t.Errorf("%v", m)
	}
}
