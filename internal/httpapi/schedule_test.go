package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// workflowID stores the empty workflow.
func (w *world) workflowID() string {
	w.Helper()
	a := w.do("developer", "PUT", "/api/v1/workflows", `{"workflow_json":`+doc+`}`)
	var stored struct {
		ID string `json:"workflow_id"`
	}
	w.must(json.Unmarshal([]byte(a.body), &stored))
	return stored.ID
}

func TestSchedules(t *testing.T) {
	w := newWorld(t)
	wf := w.workflowID()
	// As the original's dashboard makes one.
	made := w.do("developer", "POST", "/api/v1/schedules", `{"tenant_id":"default","workspace_id":"default","name":"daily report","workflow_id":"`+wf+
		`","cron_expression":"30 9 * * 1","timezone":"UTC","input":{"n":1},"priority":5}`)
	if made.status != http.StatusOK {
		t.Fatalf("%d %s", made.status, made.body)
	}
	var s map[string]any
	w.must(json.Unmarshal([]byte(made.body), &s))
	for name, want := range map[string]any{
		"schedule_id": s["id"], "schedule_name": "daily report", "name": "daily report", "workflow_id": wf, "cron_expression": "30 9 * * 1", "timezone": "UTC",
		"enabled": true, "priority": 5.0, "execution_mode": "lan", "run_count": 0.0, "success_count": 0.0, "failure_count": 0.0, "frequency": "weekly",
		"time_hour": 9.0, "time_minute": 30.0, "day_of_week": 0.0, "day_of_month": 1.0, "interval_seconds": 0.0, "last_run": nil, "last_run_at": nil, "next_run_at": s["next_run"],
	} {
		if got, there := s[name]; !there || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if input, _ := s["input"].(map[string]any); input["n"] != 1.0 || s["next_run"] == nil || s["workflow_name"] == "" {
		t.Errorf("%s", made.body)
	}
	id, _ := s["id"].(string)
	one := "/api/v1/schedules/" + id
	if a := w.do("viewer", "GET", "/api/v1/schedules", ""); !strings.HasPrefix(a.body, `[{`) {
		t.Errorf("a list for the fleet client: %.80s", a.body)
	}
	if a := w.do("viewer", "GET", "/api/v1/schedules?enabled=false", ""); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("an empty list: %s", a.body)
	}
	if a := w.do("viewer", "GET", "/api/v1/schedules", "", "Content-Type", "application/json"); !strings.HasPrefix(a.body, `{"schedules":[{`) || !strings.Contains(a.body, `"total":1`) {
		t.Errorf("a list for the dashboard: %.80s", a.body)
	}
	for limit, want := range map[string]int{"1000": 200, "1001": 422, "0": 422} { // as programs of the original ask
		if a := w.do("viewer", "GET", "/api/v1/schedules?limit="+limit, ""); a.status != want {
			t.Errorf("limit %s: %d %s", limit, a.status, a.body)
		}
	}
	for _, verb := range [][2]string{{"POST", "/run-now"}, {"POST", "/run"}, {"PUT", "/trigger"}} {
		if a := w.do("operator", verb[0], one+verb[1], ""); a.status != 200 || !strings.Contains(a.body, `"status":"success"`) || !strings.Contains(a.body, `"job_id":"`) {
			t.Errorf("%s: %d %s", verb, a.status, a.body)
		}
	}
	for _, c := range []scenario{
		{name: "get by name", as: "viewer", method: "GET", path: "/api/v1/schedules/daily%20report", status: 200, has: []string{id, `"run_count":3`}},
		{events: []fleet.EventKind{fleet.EventScheduleUpdated}, name: "edit", as: "developer", method: "PUT", path: one, body: `{"cron_expression":"@hourly"}`, status: 200, has: []string{`"hourly"`}},
		{events: []fleet.EventKind{fleet.EventScheduleDisabled}, name: "disable", as: "operator", method: "PUT", path: one + "/disable", body: `{"note":"inventory"}`, status: 200, has: []string{`"enabled":false`, "inventory", `"next_run":null`}},
		{events: []fleet.EventKind{fleet.EventJobSubmitted, fleet.EventScheduleFired}, name: "run a disabled one", as: "operator", method: "POST", path: one + "/run-now", status: 200, has: []string{"The schedule is disabled"}},
		{events: []fleet.EventKind{fleet.EventScheduleEnabled}, name: "enable", as: "operator", method: "PUT", path: one + "/enable", status: 200, has: []string{`"enabled":true`}},
		{name: "fires", as: "viewer", method: "GET", path: one + "/fires", status: 200, has: []string{`"kind":"manual"`, `"outcome":"fired"`}},
		{name: "fires of an outcome", as: "viewer", method: "GET", path: one + "/fires?outcome=missed", status: 200, has: []string{`"fires":[]`}},
		{name: "upcoming", as: "viewer", method: "GET", path: "/api/v1/schedules/upcoming?hours=2", status: 200, has: []string{id}},
		{name: "agenda", as: "viewer", method: "GET", path: "/api/v1/schedules/agenda?days=1&timezone=Europe/Berlin", status: 200, has: []string{id, `"timezone":"Europe/Berlin"`, `"together":[]`}},
		{name: "agenda of too many days", as: "viewer", method: "GET", path: "/api/v1/schedules/agenda?days=32", status: 422, has: []string{"days must be between 1 and 31"}},
		{name: "agenda of no zone", as: "viewer", method: "GET", path: "/api/v1/schedules/agenda?timezone=Nowhere", status: 422, has: []string{"timezone_unknown"}},
		{
			name: "preview", as: "viewer", method: "POST", path: "/api/v1/schedules/preview", status: 200,
			body: `{"cron_expression":"30 2 * * *","timezone":"Europe/Berlin","after":"2027-03-27T12:00:00Z","count":2}`,
			has:  []string{`"fire_at":"2027-03-28T01:00:00Z","at":"2027-03-28T01:00:00Z"`, `"moved_by_dst":true`, `2027-03-29T00:30:00Z`},
		},
		{name: "fields", as: "developer", method: "PUT", path: one, body: `{"cron_expression":"* * * * * *"}`, status: 422, has: []string{"cron_fields", "Seconds are not supported"}},
		{name: "never", as: "developer", method: "PUT", path: one, body: `{"cron_expression":"0 0 30 2 *"}`, status: 422, has: []string{"cron_never_fires"}},
		{name: "zone", as: "developer", method: "PUT", path: one, body: `{"timezone":"Europe/Berlim"}`, status: 422, has: []string{"timezone_unknown", "Did you mean Europe/Berlin?"}},
		{name: "interval", as: "developer", method: "PUT", path: one, body: `{"interval_seconds":5}`, status: 422, has: []string{"10 to"}},
		{name: "past", as: "developer", method: "PUT", path: one, body: `{"run_at":"2020-01-01T00:00:00Z"}`, status: 422, has: []string{"in the future"}},
		{name: "far", as: "developer", method: "PUT", path: one, body: `{"run_at":"2100-01-01T00:00:00Z"}`, status: 422, has: []string{"run_at", "at most 8 years"}},
		{name: "begins far", as: "developer", method: "PUT", path: one, body: `{"start_at":"2100-01-01T00:00:00Z"}`, status: 422, has: []string{"start_at", "at most 8 years"}},
		{name: "workflow", as: "developer", method: "PUT", path: one, body: `{"workflow_id":"` + id + `"}`, status: 404, has: []string{"workflow"}},
		{name: "calendar", as: "developer", method: "PUT", path: one, body: `{"calendars":["` + id + `"]}`, status: 422, has: []string{"calendars"}},
		{name: "policy", as: "developer", method: "PUT", path: one, body: `{"overlap":{"policy":"sometimes"}}`, status: 422, has: []string{"overlap.policy"}},
		{name: "match", as: "developer", method: "PUT", path: one, body: `{"note":"x"}`, headers: []string{"If-Match", `"1"`}, status: 412},
		{events: []fleet.EventKind{fleet.EventScheduleDeleted}, name: "delete", as: "developer", method: "DELETE", path: one, status: 200, has: []string{`"status":"success"`}},
		{name: "gone", as: "developer", method: "GET", path: one, status: 404},
	} {
		c.run(w)
	}
	actions := map[string]int{}
	for _, e := range w.audit(auth.Local()) {
		actions[e.Action]++
	}
	for action, n := range map[string]int{"schedule.created": 1, "schedule.updated": 1, "schedule.disabled": 1, "schedule.enabled": 1, "schedule.deleted": 1, "schedule.run": 4} {
		if actions[action] != n {
			t.Errorf("%d rows of %s, want %d", actions[action], action, n)
		}
	}
}

func TestCalendars(t *testing.T) {
	w := newWorld(t)
	wf := w.workflowID()
	for _, c := range []scenario{
		{
			events: []fleet.EventKind{fleet.EventCalendarCreated}, name: "create", as: "developer", method: "POST", path: "/api/v1/calendars", status: 201, has: []string{`"revision":1`},
			body: `{"name":"Werktage","timezone":"Europe/Berlin","hours":[{"weekday":0,"from":"08:00","until":"18:00"}],"holidays":[{"name":"Ostermontag","easter":1},{"date":"2026-12-24"}]}`,
		},
		{
			events: []fleet.EventKind{fleet.EventCalendarUpdated}, name: "ical", as: "developer", method: "PUT", path: "/api/v1/calendars/werktage", status: 200, has: []string{`"blackouts":[{"from":"2026-12-27T23:00:00Z"`},
			body: `{"ical":"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261228\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"}`,
		},
		{name: "the name is taken", as: "developer", method: "POST", path: "/api/v1/calendars", body: `{"name":"WERKTAGE"}`, status: 409},
		{name: "hours", as: "developer", method: "PUT", path: "/api/v1/calendars/werktage", body: `{"hours":[{"weekday":0,"from":"22:00","until":"06:00"}]}`, status: 422, has: []string{"over midnight"}},
		{name: "list", as: "viewer", method: "GET", path: "/api/v1/calendars", status: 200, has: []string{"Werktage"}},
	} {
		c.run(w)
	}
	var c struct {
		ID string `json:"calendar_id"`
	}
	w.must(json.Unmarshal([]byte(w.do("viewer", "GET", "/api/v1/calendars/Werktage", "").body), &c))
	for _, c := range []scenario{
		{
			events: []fleet.EventKind{fleet.EventScheduleCreated}, name: "a schedule keeps it", as: "developer", method: "POST", path: "/api/v1/schedules", status: 200, has: []string{`"shift":"next"`},
			body: `{"name":"s","workflow_id":"` + wf + `","cron_expression":"0 9 * * *","timezone":"Europe/Berlin","calendars":["` + c.ID + `"],"shift":"next"}`,
		},
		{name: "in use", as: "developer", method: "DELETE", path: "/api/v1/calendars/werktage", status: 409, has: []string{"calendar_in_use"}},
		{name: "shifted too often", as: "developer", method: "PUT", path: "/api/v1/schedules/s", body: `{"cron_expression":"*/5 * * * *"}`, status: 422, has: []string{"schedule_too_dense"}},
		{events: []fleet.EventKind{fleet.EventScheduleDeleted}, name: "delete the schedule", as: "developer", method: "DELETE", path: "/api/v1/schedules/s", status: 200},
		{events: []fleet.EventKind{fleet.EventCalendarDeleted}, name: "delete", as: "developer", method: "DELETE", path: "/api/v1/calendars/werktage", status: 204},
	} {
		c.run(w)
	}
}
