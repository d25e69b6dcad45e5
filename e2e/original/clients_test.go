package original

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// TestClientRoutes holds the rows about the routes that the fleet dialog and the
// Canvas call.
func TestClientRoutes(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"R3 M3 M4 M26 M27 all robots": func(t *testing.T) {
			w := newWorld(t)
			rows := func(query string) []map[string]any {
				t.Helper()
				var list []map[string]any
				text := w.dialog().want(200, "GET", "/api/v1/metrics/robots"+query, "").text
				if err := json.Unmarshal([]byte(text), &list); err != nil || list == nil {
					t.Fatalf("%s is no bare array: %s", query, text)
				}
				return list
			}
			if list := rows(""); len(list) != 0 {
				t.Errorf("%v", list)
			}
			w.registered("r1", 2)
			w.registered("r2", 1)
			list := rows("")
			if len(list) != 2 {
				t.Fatalf("%v", list)
			}
			for _, r := range list {
				has(t, r, "robot_id", "id", "name", "hostname", "status", "environment", "cpu_percent", "memory_mb", "memory_percent",
					"current_job", "current_job_id", "current_jobs", "max_concurrent_jobs", "last_seen", "last_heartbeat", "capabilities", "tags", "fleet_status")
				if r["capabilities"] == nil || r["tags"] == nil || r["name"] == "" || r["status"] != "idle" || r["fleet_status"] != "online" {
					t.Errorf("%v", r)
				}
			}
			for query, n := range map[string]int{"?status=idle": 2, "?status=online": 2, "?status=busy": 0, "?status=maintenance": 0, "?tenant_id=default&unknown=1": 2} {
				if list := rows(query); len(list) != n {
					t.Errorf("%s: %v", query, list)
				}
			}
			w.dialog().want(200, "POST", "/api/v1/robots/r1/pause", "")
			if list := rows("?status=maintenance"); len(list) != 1 || list[0]["robot_id"] != "r1" || list[0]["fleet_status"] != "paused" {
				t.Errorf("a paused robot is in maintenance: %v", list)
			}
			e := w.dialog().want(422, "GET", "/api/v1/metrics/robots?status=asleep", "").object(t)
			has(t, e, "detail", "message", "error")
			w.python().want(401, "GET", "/api/v1/metrics/robots", "")
		},
		"R48 C9 M37 a dead letter": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			job := w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always"; r.Retry = &client.RetryChange{Max: new(0)} })
			c := a.work()
			a.jobs.want(200, "POST", "/api/v1/jobs/"+c.JobID+"/fail", `{"error_message":"no"}`)
			w.reaches(job, fleet.Failed)
			list := w.dialog().want(200, "GET", "/api/v1/dlq?pending_only=true&limit=50&offset=0", "").object(t)
			entries, _ := list["entries"].([]any)
			if len(entries) != 1 || list["total"] != 1.0 || list["pending"] != 1.0 {
				t.Fatalf("%v", list)
			}
			e, _ := entries[0].(map[string]any)
			for _, name := range []string{"id", "entry_id", "job_id", "original_job_id"} {
				if e[name] != string(job) {
					t.Errorf("%s is %v", name, e[name])
				}
			}
			for _, name := range []string{"failed_at", "last_failed_at", "created_at", "original_created_at"} {
				text, _ := e[name].(string)
				if at, err := time.Parse(time.RFC3339, text); err != nil || at.IsZero() {
					t.Errorf("%s is %v", name, e[name])
				}
			}
			gone := w.dialog().want(200, "DELETE", "/api/v1/dlq/"+string(job), "").object(t)
			if gone["dlq_entry_id"] != string(job) || gone["deleted"] != true || gone["message"] == "" {
				t.Errorf("%v", gone)
			}
			w.dialog().want(404, "DELETE", "/api/v1/dlq/"+string(job), "")
		},
	} {
		t.Run(name, test)
	}
}
