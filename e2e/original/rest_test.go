package original

import (
	"context"
	"encoding/json"
	"fmt"
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
