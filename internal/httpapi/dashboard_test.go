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

// The dashboard shows what its key may see: of some environments, of a tenant, or
// of all tenants.
func TestDashboardShowsWhatItsKeyMaySee(t *testing.T) {
	w := newWorld(t)
	w.twoTenants()
	w.keys["prod"] = read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"prod","role":"viewer","environments":["prod"]}`)).Secret
	for _, environment := range []string{"prod", "lab"} {
		w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"bot-`+environment+`","environment":"`+environment+`"}`)
	}
	prod := string(w.submit(`{"workflow_json":` + doc + `,"environment":"prod"}`))
	lab := string(w.submit(`{"workflow_json":` + doc + `,"environment":"lab"}`))
	acme := string(read[JobDetail](w, w.do("acme", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)).ID)
	for _, c := range []struct {
		as, path string
		has      []string
		lacks    []string
	}{
		{"prod", "/api/v1/jobs", []string{prod}, []string{lab, acme}},
		{"prod", "/api/v1/jobs?environment=lab", nil, []string{prod, lab, acme}},
		{"prod", "/api/v1/robots", []string{"bot-prod"}, []string{"bot-lab"}},
		{"prod", "/api/v1/metrics/jobs", []string{prod}, []string{lab, acme}},
		{"prod", "/api/v1/metrics/robots", []string{"bot-prod"}, []string{"bot-lab"}},
		{"admin", "/api/v1/jobs", []string{prod, lab}, []string{acme}},
		{"admin", "/api/v1/jobs?environment=lab", []string{lab}, []string{prod, acme}},
		{"acme", "/api/v1/jobs", []string{acme}, []string{prod, lab}},
		{"super", "/api/v1/jobs", []string{prod, lab, acme}, nil},
		{"super", "/api/v1/jobs?environment=prod", []string{prod}, []string{lab, acme}},
		{"super", "/api/v1/jobs?tenant_id=acme", []string{acme}, []string{prod, lab}},
		{"admin", "/api/v1/robots/bot-lab", []string{`"status":"offline"`, `"fleet_status":"offline"`}, nil},
	} {
		got, _ := w.direct(c.as, "GET", c.path, "", "Content-Type", "application/json")
		if got.status != 200 {
			t.Errorf("%s %s: %d %s", c.as, c.path, got.status, got.body)
		}
		for _, text := range c.has {
			if !strings.Contains(got.body, text) {
				t.Errorf("%s %s lacks %s: %.300s", c.as, c.path, text, got.body)
			}
		}
		for _, text := range c.lacks {
			if strings.Contains(got.body, text) {
				t.Errorf("%s %s shows %s", c.as, c.path, text)
			}
		}
	}
	if got, _ := w.direct("prod", "GET", "/api/v1/robots/bot-lab", "", "Content-Type", "application/json"); got.status != 404 {
		t.Errorf("a robot of another environment: %d %s", got.status, got.body)
	}
}
