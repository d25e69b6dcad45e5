package original

import (
	"encoding/json"
	"testing"
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
	} {
		t.Run(name, test)
	}
}
