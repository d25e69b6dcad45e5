package httpapi

import (
	"strings"
	"testing"
)

// The dashboard of the original is known by a content type on a GET, and by
// asking for nothing but what it knows: whoever asks for more gets what was asked
// for, whatever the headers.
func TestDashboardIsKnownByWhatItAsks(t *testing.T) {
	w := newWorld(t)
	for path, view := range map[string]bool{
		"/api/v1/jobs": true,
		"/api/v1/jobs?status=queued&limit=20&offset=0":  true,
		"/api/v1/jobs?status=pending&status=running":    false,
		"/api/v1/jobs?workflow_id=" + nowhereID:         false,
		"/api/v1/jobs?robot_id=r1&limit=5":              false,
		"/api/v1/robots?environment=lab":                true,
		"/api/v1/robots?limit=5&cursor=x":               false,
		"/api/v1/robots?status=idle&connected=true":     false,
		"/api/v1/jobs?status=running&retry_of=nothing":  false,
		"/api/v1/jobs?tenant_id=default&workspace_id=x": true,
	} {
		got, _ := w.direct("viewer", "GET", path, "", "Content-Type", "application/json")
		if has := strings.Contains(got.body, `"next_cursor":null`); has != view {
			t.Errorf("%s: the view of the dashboard: %v, want %v: %.200s", path, has, view, got.body)
		}
	}
}
