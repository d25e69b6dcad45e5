package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzQuery sends any query to the lists: cursors, filters, limits and whatever
// else. The answer is a page or an error of the caller's.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"limit=1", "limit=-1", "limit=99999999999999999999", "cursor=x", "cursor=%00", "cursor=MDE5MzljM2UtN2IxYS03YzNkLThlNGYtMDEyMzQ1Njc4OWFi",
		"status=pending&status=running", "status=%ff", "robot_id=%2e%2e%2f", "workflow_id=' or 1=1", "type=job.submitted,robot.connected", "after=9223372036854775808",
		"sort=name;drop", "tenant_id=other", "limit=1&limit=2", "=&=&&", "%zz", "a;b", strings.Repeat("status=failed&", 50), "since=2026-13-45", "pool=\u202e",
	} {
		for i := range lists {
			f.Add(uint8(i), seed) //nolint:gosec // the lists are few
		}
	}
	w := newWorld(f, wide)
	for range 3 {
		w.submit(`{"workflow_json":` + doc + `}`)
	}
	f.Fuzz(func(t *testing.T, list uint8, query string) {
		w.TB = t
		query = strings.Map(func(r rune) rune { // what no client can put into a request line
			if r <= ' ' || r == '#' || r > '~' {
				return -1
			}
			return r
		}, query)
		if strings.Contains(query, "wait") || strings.Contains(query, "follow") {
			return // these wait, as they are asked to
		}
		a, _ := w.direct("admin", http.MethodGet, lists[int(list)%len(lists)]+"?"+query, "")
		if a.status == http.StatusTooManyRequests {
			t.Errorf("limited: %s", a.body)
		}
	})
}

// lists are what can be asked for in parts, or through a filter.
var lists = []string{
	"/api/v1/jobs", "/api/v1/robots", "/api/v1/workflows", "/api/v1/events", "/api/v1/dlq", "/api/v1/bulk-operations", "/api/v1/reservations", "/api/v1/keys", "/api/v1/environments",
}
