package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
)

const absent = "01939c3e-7b1a-7c3d-8e4f-0123456789ab"

// scenario is one request and all that is promised about it.
type scenario struct {
	name    string
	as      string
	method  string
	path    string
	body    string
	headers []string
	status  int
	has     []string // texts in the body
	lacks   []string
	events  []fleet.EventKind // written by it
}

func (s scenario) run(w *world) answer {
	w.Helper()
	_, before := w.events(0)
	a := w.do(s.as, s.method, s.path, s.body, s.headers...)
	if a.status != s.status {
		w.Errorf("%s: status %d, want %d: %s", s.name, a.status, s.status, a.body)
	}
	for _, text := range s.has {
		if !strings.Contains(a.body, text) {
			w.Errorf("%s: %q is missing in %s", s.name, text, a.body)
		}
	}
	for _, text := range s.lacks {
		if strings.Contains(a.body, text) {
			w.Errorf("%s: %q must not be in %s", s.name, text, a.body)
		}
	}
	if got, _ := w.events(before); !cmp.Equal(got, s.events) {
		w.Errorf("%s: events %v, want %v", s.name, got, s.events)
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "application/problem") {
		for _, member := range []string{`"request_id":"`, `"detail":"`, `"message":"`, `"success":false`, `"code":"`} {
			if !strings.Contains(a.body, member) {
				w.Errorf("%s: the problem lacks %s: %s", s.name, member, a.body)
			}
		}
	}
	return a
}

// TestScenarios holds every route to what it promises, refusals included.
func TestScenarios(t *testing.T) {
	w := newWorld(t)
	submit := func(more string) string { return `{"workflow_json":` + doc + more + `}` }
	unauthenticated := []string{"AUTH_TOKEN_INVALID"}
	for _, s := range []scenario{
		// Who may.
		{name: "no key", method: "GET", path: "/api/v1/jobs", status: 401, has: unauthenticated},
		{name: "unknown key", method: "GET", path: "/api/v1/jobs", headers: []string{"Authorization", "Bearer crpa_00000000000000000000000000000000_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, status: 401, has: unauthenticated},
		{name: "no bearer", method: "GET", path: "/api/v1/jobs", headers: []string{"Authorization", "Basic YTpi"}, status: 401},
		{name: "a wrong key is refused where none is needed", method: "GET", path: "/api/v1/openapi.json", headers: []string{"X-Api-Key", "cfu_x"}, status: 401},
		{name: "two keys", as: "viewer", method: "GET", path: "/api/v1/jobs", headers: []string{"X-Api-Key", w.keys["admin"]}, status: 401, has: []string{"different principals"}},
		{name: "one key twice", as: "viewer", method: "GET", path: "/api/v1/jobs", headers: []string{"X-Api-Key", w.keys["viewer"]}, status: 200},
		{name: "the other header", method: "GET", path: "/api/v1/jobs", headers: []string{"X-Api-Key", w.keys["viewer"]}, status: 200, has: []string{`"jobs":[]`}, lacks: []string{"next_cursor"}},
		{name: "robot key on a user's route", as: "bot-1", method: "GET", path: "/api/v1/jobs", status: 403, has: []string{"jobs:read"}},
		{name: "robot key on its own robot's page", as: "bot-1", method: "GET", path: "/api/v1/robots/bot-2", status: 403},
		{name: "viewer may not run", as: "viewer", method: "POST", path: "/api/v1/jobs", body: submit(""), status: 403, has: []string{"jobs:run"}},
		{name: "operator may not bring a workflow", as: "operator", method: "POST", path: "/api/v1/jobs", body: submit(""), status: 403, has: []string{"workflows:write"}},
		{name: "user on a robot's route", as: "admin", method: "GET", path: "/api/v1/robot/workflows/" + strings.Repeat("a", 64), status: 403},
		{name: "settings", as: "admin", method: "GET", path: "/api/v1/settings", status: 200, has: []string{`"name":"limit-body"`, `"value":"1MiB"`, `"source":"default"`, `"name":"retention-jobs-days"`, `"source":"given"`, `"environment":["FLEET_LIMIT_BODY"]`}},
		{name: "viewer sees no settings", as: "viewer", method: "GET", path: "/api/v1/settings", status: 403, has: []string{"system:read"}},
		{name: "viewer sees no orchestrators", as: "viewer", method: "GET", path: "/api/v1/members", status: 403, has: []string{"system:read"}},
		{name: "admin sees orchestrators", as: "admin", method: "GET", path: "/api/v1/members", status: 200, has: []string{`"members":[]`}},
		{name: "developer makes no keys", as: "developer", method: "POST", path: "/api/v1/keys", body: `{"kind":"robot","robot_id":"x"}`, status: 403},
		{name: "me", as: "viewer", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"role":"viewer"`, `"jobs:read"`, `"local":false`}},
		{name: "me as a robot", as: "bot-1", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"robot_id":"bot-1"`}},

		// Where.
		{name: "unknown route", as: "admin", method: "GET", path: "/api/v1/nothing", status: 404, has: []string{"route_not_found"}},
		{name: "unknown method", as: "admin", method: "PATCH", path: "/api/v1/jobs", status: 405, has: []string{"GET, HEAD, POST"}},
		{name: "long URL", as: "admin", method: "GET", path: "/api/v1/jobs?cursor=" + strings.Repeat("x", 9000), status: 414},
		{name: "many parameters", as: "admin", method: "GET", path: "/api/v1/jobs?" + strings.Repeat("a=b&", 200), status: 422},

		// Bodies.
		{name: "no body", as: "developer", method: "POST", path: "/api/v1/jobs", status: 400, has: []string{"needs a body"}},
		{name: "no JSON", as: "developer", method: "POST", path: "/api/v1/jobs", body: "workflow", status: 400, has: []string{"unreadable_json", "line 1, column 1"}},
		{name: "cut off", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"name":`, status: 400, has: []string{"ends in the middle"}},
		{name: "comma at the end", as: "developer", method: "POST", path: "/api/v1/jobs", body: "{\n\"name\":\"a\",\n}", status: 400, has: []string{"line 3, column 1"}},
		{name: "two objects", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{} {}`, status: 400, has: []string{"more after the end"}},
		{name: "a list", as: "developer", method: "POST", path: "/api/v1/jobs", body: `[]`, status: 400, has: []string{"must be a JSON object"}},
		{name: "doubled member", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"name":"a","name":"b"}`, status: 400, has: []string{`the member \"name\" stands twice`, "column 13"}},
		{name: "doubled member under another spelling", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"name":"a","n\u0061me":"b"}`, status: 400, has: []string{"stands twice"}},
		{name: "doubled deep inside", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"variables":{"a":[{"b":1,"b":2}]}}`, status: 400, has: []string{"stands twice"}},
		{name: "doubled in the document", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":{"nodes":{},"nodes":{}}}`, status: 400, has: []string{"unreadable_json"}},
		{name: "too deep", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"variables":{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`, status: 400, has: []string{"nested deeper than 64"}},
		{name: "document too deep", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`, status: 400, has: []string{"nested deeper than 64"}},
		{name: "no UTF-8", as: "developer", method: "POST", path: "/api/v1/jobs", body: "{\"name\":\"\xff\"}", status: 400, has: []string{"UTF-8"}},
		{name: "unknown fields, all of them named", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"prio":1,"placement":{"near":"me"}`), status: 422, has: []string{"unknown_field", `"field":"prio"`, `"field":"placement.near"`}},
		{name: "tenant is nobody's to say", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"tenant_id":"acme"`), status: 422, has: []string{"unknown_field"}},
		{name: "wrong types, all of them named", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"name":1,"dry_run":"yes","not_before":"tomorrow","retry":{"max":"3"},"placement":[]`), status: 422, has: []string{
			"name must be a text; got a number.", "dry_run must be true or false; got a text.", "not_before must be a time", "retry.max must be a whole number; got a text.", "placement must be an object; got a list.",
		}},
		{name: "wrong content type", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(""), headers: []string{"Content-Type", "text/plain"}, status: 415, has: []string{"application/json"}},
		{name: "wrong charset", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(""), headers: []string{"Content-Type", "application/json; charset=latin1"}, status: 415},
		{name: "compressed", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(""), headers: []string{"Content-Encoding", "gzip"}, status: 415},
		{name: "too large", as: "admin", method: "POST", path: "/api/v1/keys", body: `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, has: []string{"too_large", "1048576"}},
		{name: "inputs too large", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"inputs":{"a":["` + strings.Repeat("x", 500<<10) + `","` + strings.Repeat("x", 500<<10) + `"]}`), status: 422, has: []string{"variables may have at most"}},

		// Submits.
		{name: "priority 21", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"priority":21`), status: 422, has: []string{`"detail":"priority must be between 0 and 20; got 21."`, `"field":"priority"`, "VALIDATION_ERROR", "invalid_field"}},
		{name: "no such priority", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"priority":"urgent"`), status: 422, has: []string{"critical, high, normal, low"}},
		{name: "nothing to run", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{}`, status: 422, has: []string{"workflow_json or workflow_id"}},
		{name: "two things to run", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"workflow_id":"` + absent + `"`), status: 422},
		{name: "unknown workflow", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_id":"` + absent + `"}`, status: 404, has: []string{"workflow_not_found"}},
		{name: "no id of a workflow", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_id":"7"}`, status: 422},
		{name: "unknown robot", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"target_robot_id":"bot-9"`), status: 422, has: []string{"There is no robot bot-9."}},
		{name: "two names for inputs", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"inputs":{},"variables":{}`), status: 422, has: []string{"two names for one thing"}},
		{name: "inputs are an object", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"inputs":[]`), status: 422, has: []string{"must be a JSON object"}},
		{name: "a time without offset", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"deadline":"2026-11-24T12:00:00"`), status: 422, has: []string{"with its offset"}},
		{name: "seconds beyond any clock", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"run_timeout_seconds":99999999999999`), status: 422, has: []string{"run_timeout_seconds"}},
		{name: "two timeouts", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"run_timeout_seconds":5,"timeout":6`), status: 422},
		{name: "unknown node", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":{"nodes":{"s":{"node_id":"s","node_type":"StartNode"},"x":{"node_id":"x","node_type":"TeleportNode"}},"connections":[]}}`, status: 422, has: []string{"workflow_invalid", "TeleportNode", "UNKNOWN_NODE_TYPE"}},
		{name: "workflow of a wrong kind", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":7}`, status: 422, has: []string{"workflow_json must be"}},
		{name: "dry run", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"dry_run":true`), status: 200, has: []string{`"dry_run":true`}},
		{name: "submitted", as: "developer", method: "POST", path: "/api/v1/jobs", body: submit(`,"priority":"high","inputs":{"n":1}`), status: 201, has: []string{`"priority":5`, `"status":"pending"`, `"warnings":[]`}, events: []fleet.EventKind{fleet.EventWorkflowCreated, fleet.EventJobSubmitted}},
		{name: "submitted as a text", as: "developer", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":` + quote(doc) + `,"workflow_name":"other"}`, status: 201, has: []string{`"workflow_name":"other"`}, events: []fleet.EventKind{fleet.EventWorkflowCreated, fleet.EventJobSubmitted}},

		// Absent things.
		{name: "absent job", as: "viewer", method: "GET", path: "/api/v1/jobs/" + absent, status: 404, has: []string{"job_not_found"}},
		{name: "no id", as: "viewer", method: "GET", path: "/api/v1/jobs/7", status: 404, has: []string{"job_not_found"}},
		{name: "absent log", as: "viewer", method: "GET", path: "/api/v1/jobs/" + absent + "/log", status: 404},
		{name: "absent attempts", as: "viewer", method: "GET", path: "/api/v1/jobs/" + absent + "/attempts", status: 404},
		{name: "absent robot", as: "viewer", method: "GET", path: "/api/v1/robots/bot-9", status: 404, has: []string{"robot_not_found"}},
		{name: "absent workflow", as: "viewer", method: "GET", path: "/api/v1/workflows/" + absent, status: 404},
		{name: "absent version", as: "viewer", method: "GET", path: "/api/v1/workflows/" + absent + "/versions/2", status: 404},
		{name: "cancel of an absent job", as: "operator", method: "POST", path: "/api/v1/jobs/" + absent + "/cancel", status: 404},
		{name: "absent key", as: "admin", method: "DELETE", path: "/api/v1/keys/" + absent, status: 404},

		// Lists and events.
		{name: "page too long", as: "viewer", method: "GET", path: "/api/v1/jobs?limit=501", status: 422, has: []string{"limit must be between 1 and 500; got 501."}},
		{name: "page of a word", as: "viewer", method: "GET", path: "/api/v1/jobs?limit=all", status: 422, has: []string{`"field":"limit"`}},
		{name: "unknown state", as: "viewer", method: "GET", path: "/api/v1/jobs?status=done", status: 422, has: []string{"status must be"}},
		{name: "broken cursor", as: "viewer", method: "GET", path: "/api/v1/jobs?cursor=%00x", status: 422},
		{name: "unknown event", as: "viewer", method: "GET", path: "/api/v1/events?type=job.flew", status: 422, has: []string{"topic_unknown"}},
		{name: "unknown parameter", as: "viewer", method: "GET", path: "/api/v1/events?since=1", status: 422},
		{name: "a cursor of another store", as: "viewer", method: "GET", path: "/api/v1/events?after=100000", status: 410, has: []string{"cursor_expired"}},
		{name: "the same as a stream", as: "viewer", method: "GET", path: "/api/v1/events?after=100000", headers: []string{"Accept", "text/event-stream"}, status: 410},
		{name: "robot key on events", as: "bot-1", method: "GET", path: "/api/v1/events", status: 403},
		{name: "long wait", as: "viewer", method: "GET", path: "/api/v1/events?wait_ms=30001", status: 422},

		// Health.
		{name: "health", method: "GET", path: "/health", status: 200, has: []string{`"status":"healthy"`}, lacks: []string{"version"}},
		{name: "health for a viewer", as: "viewer", method: "GET", path: "/health", status: 200, lacks: []string{"version"}},
		{name: "health for an admin", as: "admin", method: "GET", path: "/health", status: 200, has: []string{`"version":"test"`}},
		{name: "live", method: "GET", path: "/health/live", status: 200},
		{name: "ready", method: "GET", path: "/health/ready", status: 200},
		{name: "document", method: "GET", path: "/api/v1/openapi.json", status: 200, has: []string{"/api/v1/jobs"}},
	} {
		s.run(w)
	}
	if log := w.logged(); strings.Contains(log, w.keys["viewer"]) || strings.Contains(log, "crpa_") {
		t.Error("a key is in the log")
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// TestAnswerHeaders looks at what every answer carries.
func TestAnswerHeaders(t *testing.T) {
	w := newWorld(t)
	a := w.do("viewer", "GET", "/api/v1/jobs", "", "X-Request-Id", "mine-1")
	for name, want := range map[string]string{
		"X-Request-Id": "mine-1", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "application/json",
		"RateLimit-Policy": `"default";q=600;w=60`,
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := w.do("", "GET", "/api/v1/jobs", "", "X-Request-Id", "bad id").header; got.Get("X-Request-Id") == "bad id" || got.Get("WWW-Authenticate") == "" {
		t.Errorf("headers %v", got)
	}
	a = w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)
	job := read[SubmittedJob](w, a)
	if got := a.header.Get("Location"); got != "/api/v1/jobs/"+string(job.ID) || a.header.Get("ETag") != `"1"` || a.header.Get("Idempotent-Replay") != "" {
		t.Errorf("headers %v", a.header)
	}
}

// TestLocal is the developer's own machine: no key is needed, a wrong one is
// refused, and pages from elsewhere are kept out.
func TestLocal(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Local = true })
	for _, s := range []scenario{
		{name: "no key", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"local":true`, "keys:manage"}},
		{name: "a wrong key", method: "GET", path: "/api/v1/me", headers: []string{"X-Api-Key", "no"}, status: 401},
		{name: "a key is who it is", as: "viewer", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"local":false`}},
		{name: "own page", method: "GET", path: "/api/v1/me", headers: []string{"Origin", "http://localhost:5173"}, status: 200},
		{name: "foreign page", method: "GET", path: "/api/v1/me", headers: []string{"Origin", "https://evil.example"}, status: 403, has: []string{"origin_not_allowed"}},
		{name: "sandboxed page", method: "GET", path: "/api/v1/me", headers: []string{"Origin", "null"}, status: 403},
		{name: "page that looks like ours", method: "GET", path: "/api/v1/me", headers: []string{"Origin", "http://localhost.evil.example"}, status: 403},
		{name: "rebound name", method: "GET", path: "/api/v1/me", headers: []string{"Host", "evil.example"}, status: 403, has: []string{"host_not_allowed"}},
		{name: "rebound name on health", method: "GET", path: "/health", headers: []string{"Host", "evil.example:8000"}, status: 403},
	} {
		s.run(w)
	}
}

// TestRates shows that a key's budget is its own and says when to come back.
func TestRates(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Requests, o.Limits.Addresses, o.Limits.Submits = 5, 5, 3 })
	var last answer
	for range 6 {
		last = w.do("viewer", "GET", "/api/v1/me", "")
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") != "12" || !strings.Contains(last.body, "RATE_LIMIT_EXCEEDED") {
		t.Errorf("the sixth: %d %v %s", last.status, last.header, last.body)
	}
	if a := w.do("admin", "GET", "/api/v1/me", ""); a.status != 200 {
		t.Errorf("another key: %d", a.status)
	}
	if a := w.do("developer", "POST", "/api/v1/jobs/bulk", `{"jobs":[{"workflow_json":`+doc+`},{},{}]}`); a.status != 200 {
		t.Errorf("bulk: %d %s", a.status, a.body)
	}
	if a := w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`); a.status != 429 || !strings.Contains(a.body, "quota_exceeded") {
		t.Errorf("beyond the tenant's quota: %d %s", a.status, a.body)
	}
	for range 5 {
		last = w.do("", "GET", "/api/v1/me", "")
	}
	if last.status != 401 {
		t.Errorf("the fifth guess: %d", last.status)
	}
	if a := w.do("", "GET", "/api/v1/me", ""); a.status != 429 {
		t.Errorf("the sixth guess: %d", a.status)
	}
}
