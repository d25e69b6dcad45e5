package httpapi

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// TestJobLife follows one job from submit to its result, and looks at every
// page of it on the way.
func TestJobLife(t *testing.T) {
	w := newWorld(t)
	id := w.submit(`{"workflow_json":` + doc + `,"name":"march","variables":{"n":1}}`)
	path := "/api/v1/jobs/" + string(id)
	pending := read[JobDetail](w, w.do("viewer", "GET", path, ""))
	if pending.State != fleet.Pending || pending.WaitingSummary == "" || pending.WaitingCode != fleet.CodeNoRobot {
		t.Errorf("pending: %+v", pending)
	}
	ref := w.start(id)
	w.lines(ref, 1, "first", "second")
	running := w.do("viewer", "GET", path, "")
	if got := read[JobDetail](w, running); got.State != fleet.Running || got.RobotID != "bot-1" || got.WaitingSummary != "" {
		t.Errorf("running: %s", running.body)
	}
	if running.header.Get("ETag") == `"1"` {
		t.Error("the ETag did not change")
	}
	for _, s := range []scenario{
		{name: "claimed", as: "viewer", method: "GET", path: "/api/v1/jobs?status=claimed&status=queued", status: 200, has: []string{string(id), `"total":1`}},
		{name: "queued", as: "viewer", method: "GET", path: "/api/v1/jobs?status=queued", status: 200, lacks: []string{string(id)}},
		{name: "by robot", as: "viewer", method: "GET", path: "/api/v1/jobs?robot_id=bot-1", status: 200, has: []string{string(id)}},
		{name: "attempts", as: "viewer", method: "GET", path: path + "/attempts", status: 200, has: []string{`"epoch":1`, `"start_mode":"`}},
		{name: "log", as: "viewer", method: "GET", path: path + "/log", status: 200, has: []string{"first", "second", `"next_line":3`, `"final":false`}},
		{name: "rest of the log", as: "viewer", method: "GET", path: path + "/log?epoch=1&from_line=2", status: 200, has: []string{"second"}, lacks: []string{"first"}},
		{name: "log of a level", as: "viewer", method: "GET", path: path + "/log?level=warn", status: 200, lacks: []string{"first"}},
		{name: "log of no level", as: "viewer", method: "GET", path: path + "/log?level=loud", status: 422},
		{name: "log before its beginning", as: "viewer", method: "GET", path: path + "/log?from_line=-1", status: 422},
		{name: "robot", as: "viewer", method: "GET", path: "/api/v1/robots/bot-1", status: 200, has: []string{`"current_jobs":1`, string(id), `"status":"online"`}},
		{name: "robots", as: "viewer", method: "GET", path: "/api/v1/robots?connected=true", status: 200, has: []string{`"bot-1"`, `"total":1`}},
	} {
		s.run(w)
	}
	w.complete(ref)
	done := w.do("viewer", "GET", path, "")
	if got := read[JobDetail](w, done); got.State != fleet.Completed || string(got.Result) != `{"sum":3}` || string(got.Variables) != `{"n":1}` || got.Progress != 100 {
		t.Errorf("completed: %s", done.body)
	}
	scenario{name: "end of the log", as: "viewer", method: "GET", path: path + "/log?epoch=1&from_line=3&wait_ms=20000", status: 200, has: []string{`"final":true`, `"lines":[]`}}.run(w)
	if bad := regexp.MustCompile(`"[a-z_]+_at":"[^"]*(\.\d{4,}|[+-]\d\d:\d\d)`).FindString(done.body); bad != "" {
		t.Errorf("a time with more than milliseconds, or not in UTC: %s", bad)
	}
}

// TestCancelAndRetry is what a person may do to a job, twice each.
func TestCancelAndRetry(t *testing.T) {
	w := newWorld(t)
	waiting := "/api/v1/jobs/" + string(w.submit(`{"workflow_json":`+doc+`}`))
	busyID := w.submit(`{"workflow_json":` + doc + `}`)
	busy := "/api/v1/jobs/" + string(busyID)
	ref := w.start(busyID)
	for _, s := range []scenario{
		{name: "grace of a day", as: "operator", method: "POST", path: waiting + "/cancel", body: `{"grace_seconds":86400}`, status: 422, has: []string{"between 0 and 3600; got 86400"}},
		{name: "unknown field", as: "operator", method: "POST", path: waiting + "/cancel", body: `{"hard":true}`, status: 422},
		{name: "retry too early", as: "operator", method: "POST", path: waiting + "/retry", status: 400, has: []string{"invalid_state", "INVALID_STATE_TRANSITION"}},
		{name: "decide on nothing", as: "operator", method: "POST", path: waiting + "/decide", body: `{"decision":"retry","reason":"x"}`, status: 409},
		{name: "decide as a developer", as: "developer", method: "POST", path: waiting + "/decide", body: `{"decision":"retry","reason":"x"}`, status: 403},
		{name: "cancel", as: "operator", method: "POST", path: waiting + "/cancel", status: 200, has: []string{`"cancelled":true`, `"previous_status":"pending"`, `"status":"cancelled"`}, events: []fleet.EventKind{fleet.EventJobCancelled}},
		{name: "cancelled twice", as: "operator", method: "POST", path: waiting + "/cancel", status: 200, has: []string{`"cancelled":false`, `"previous_status":"cancelled"`, "had ended before"}},
		{name: "cancel of a running job", as: "operator", method: "POST", path: busy + "/cancel", body: `{"grace_seconds":2,"reason":"month end"}`, status: 200, has: []string{`"status":"cancelling"`, "was told to stop"}, events: []fleet.EventKind{fleet.EventJobCancelRequested}},
		{name: "retry", as: "operator", method: "POST", path: waiting + "/retry", status: 200, has: []string{`"new_job_id":"`, `"original_job_id":"`}, events: []fleet.EventKind{fleet.EventJobSubmitted}},
		{name: "retried twice", as: "operator", method: "POST", path: waiting + "/retry", status: 409, has: []string{"retry_in_progress"}},
		{name: "list of retries", as: "viewer", method: "GET", path: "/api/v1/jobs?retry_of=" + waiting[len("/api/v1/jobs/"):], status: 200, has: []string{`"retry_of":"`}},
	} {
		s.run(w)
	}
	w.report(ref, fleet.Report{Kind: fleet.ReportStopped, By: fleet.ByRequest, How: fleet.StoppedClean})
	if got := read[JobDetail](w, w.do("viewer", "GET", busy, "")); got.State != fleet.Cancelled || got.CancelOutcome != fleet.StoppedClean {
		t.Errorf("%+v", got.Job)
	}
}

// TestDecide shows that an answer made on an old reading is refused.
func TestDecide(t *testing.T) {
	w := newWorld(t)
	id := w.submit(`{"workflow_json":` + doc + `}`)
	ref := w.start(id)
	begin := fleet.Report{Kind: fleet.ReportEffectBegin, JobID: id, Epoch: ref.Epoch, Node: "pay", EffectKey: "1"}
	if _, err := w.core.Attempts.Report(t.Context(), w.robot, []fleet.Report{begin}); err != nil {
		t.Fatal(err)
	}
	w.report(ref, fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: fleet.ClassApplication, Message: "broke"}})
	path := "/api/v1/jobs/" + string(id)
	read := w.do("operator", "GET", path, "")
	if !strings.Contains(read.body, `"status":"needs_decision"`) || !strings.Contains(read.body, `"open_effects":[{"node_id":"pay","effect_key":"1","epoch":1,"begun_at":"`) {
		t.Fatalf("%s", read.body)
	}
	decide := func(name, body, match string, status int, has ...string) {
		t.Helper()
		s := scenario{name: name, as: "operator", method: "POST", path: path + "/decide", body: body, headers: []string{"If-Match", match}, status: status, has: has}
		if status == http.StatusOK {
			s.events = []fleet.EventKind{fleet.EventJobDecided}
		}
		s.run(w)
	}
	tag := read.header.Get("ETag")
	decide("no tag", `{"decision":"fail","reason":"x"}`, "yes", 422, "If-Match")
	decide("old tag", `{"decision":"fail","reason":"x"}`, `"1"`, 412, "version_changed")
	decide("no reason", `{"decision":"fail"}`, tag, 422, "reason")
	decide("no such word", `{"decision":"wait","reason":"x"}`, tag, 422, "retry, complete, fail or cancel")
	decide("no word of a step", `{"decision":"retry","reason":"x","effects":[{"node_id":"mail","done":true}]}`, tag, 422, "nothing of pay")
	decide("a step that is not open", `{"decision":"retry","reason":"x","effects":[{"node_id":"pay","done":true},{"node_id":"mail","done":true}]}`, tag, 409, "effect_not_open")
	decide("outputs that are none", `{"decision":"retry","reason":"x","effects":[{"node_id":"pay","done":true,"outputs":[]}]}`, tag, 422, "must be an object")
	decide("output without end", `{"decision":"fail","reason":"x","output":{}}`, tag, 422, "output")
	decide("done", `{"decision":"complete","reason":"the bank has it","output":{"paid":true},"effects":[{"node_id":"pay","effect_key":"1","done":true}]}`, tag, 200, `"status":"completed"`)
	decide("twice", `{"decision":"complete","reason":"x"}`, tag, 412, "version_changed")
}

// TestIdempotency repeats a submit, at once and with another body.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	body := `{"workflow_json":` + doc + `,"name":"a"}`
	answers := make([]answer, 10)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.do("developer", "POST", "/api/v1/jobs", body, "Idempotency-Key", "k1") })
	}
	all.Wait()
	created, ids := 0, map[fleet.ID]bool{}
	for _, a := range answers {
		switch {
		case a.status == 201 && a.header.Get("Idempotent-Replay") == "":
			created++
		case a.status != 200 || a.header.Get("Idempotent-Replay") != "true":
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
		ids[read[SubmittedJob](w, a).ID] = true
	}
	if created != 1 || len(ids) != 1 {
		t.Errorf("%d created, ids %v", created, ids)
	}
	for _, s := range []scenario{
		{name: "blanks and order do not count", body: "{ \"name\" : \"a\",\n\"workflow_json\":" + doc + "}", status: 200},
		{name: "another body", body: `{"workflow_json":` + doc + `,"name":"b"}`, status: 422, has: []string{"idempotency_key_reused"}},
		{name: "no key of that form", body: body, headers: []string{"Idempotency-Key", strings.Repeat("k", 256)}, status: 422},
	} {
		s.as, s.method, s.path = "developer", "POST", "/api/v1/jobs"
		if s.headers == nil {
			s.headers = []string{"Idempotency-Key", "k1"}
		}
		s.run(w)
	}
}

// TestBulk answers each job for itself, or all of them at once.
func TestBulk(t *testing.T) {
	w := newWorld(t)
	good, bad := `{"workflow_json":`+doc+`}`, `{"workflow_json":`+doc+`,"priority":21}`
	post := func(body string, headers ...string) answer {
		t.Helper()
		return w.do("developer", "POST", "/api/v1/jobs/bulk", body, headers...)
	}
	a := post(`{"jobs":[`+good+`,`+bad+`,7,`+good+`]}`, "Idempotency-Key", "b1")
	got := read[BulkAnswer](w, a)
	if a.status != 200 || got.Created != 2 || got.Refused != 2 || got.Jobs[3].Index != 3 || got.Jobs[3].JobID == "" || got.Jobs[1].Error.Status != 422 || got.Jobs[2].Error.Status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
	again := read[BulkAnswer](w, post(`{"jobs":[`+good+`,`+bad+`,7,`+good+`]}`, "Idempotency-Key", "b1"))
	if again.Created != 0 || again.Jobs[0].Status != "replayed" || again.Jobs[0].JobID != got.Jobs[0].JobID {
		t.Errorf("again: %+v", again)
	}
	before := read[JobList](w, w.do("viewer", "GET", "/api/v1/jobs", "")).Total
	if a := post(`{"atomic":true,"jobs":[` + good + `,` + bad + `]}`); a.status != 422 || !strings.Contains(a.body, "Entry 1: priority must be") {
		t.Errorf("atomic: %d %s", a.status, a.body)
	}
	if a := post(`{"atomic":true,"jobs":[` + good + `,{"workflow_json":{}}]}`); a.status != 422 {
		t.Errorf("atomic with a bad workflow: %d %s", a.status, a.body)
	}
	if after := read[JobList](w, w.do("viewer", "GET", "/api/v1/jobs", "")).Total; after != before {
		t.Errorf("a refused atomic bulk left %d jobs", after-before)
	}
	both := `{"atomic":true,"jobs":[` + good + `,` + good + `]}`
	first := read[BulkAnswer](w, post(both, "Idempotency-Key", "b2"))
	if first.Created != 2 {
		t.Errorf("atomic: %+v", first)
	}
	repeated := read[BulkAnswer](w, post(both, "Idempotency-Key", "b2"))
	if repeated.Created != 0 || repeated.Jobs[0].JobID != first.Jobs[0].JobID || repeated.Jobs[1].JobID != first.Jobs[1].JobID {
		t.Errorf("atomic, asked again with its key: %+v, first %+v", repeated, first)
	}
	before = read[JobList](w, w.do("viewer", "GET", "/api/v1/jobs", "")).Total
	other := `{"atomic":true,"jobs":[` + good + `,{"workflow_json":` + doc + `,"priority":3}]}`
	if a := post(other, "Idempotency-Key", "b2"); a.status != 422 {
		t.Errorf("atomic, another request with that key: %d %s", a.status, a.body)
	}
	if after := read[JobList](w, w.do("viewer", "GET", "/api/v1/jobs", "")).Total; after != before {
		t.Errorf("a refused atomic bulk left %d jobs", after-before)
	}
	for _, body := range []string{`{"jobs":[]}`, `{"jobs":{}}`, `{}`, `{"jobs":[` + strings.Repeat("{},", 1000) + `{}]}`} {
		if a := post(body); a.status != 422 {
			t.Errorf("%.40s: %d %s", body, a.status, a.body)
		}
	}
}

// TestPaging walks a list while rows are added: none twice, none missed.
func TestPaging(t *testing.T) {
	w := newWorld(t)
	want := map[fleet.ID]bool{}
	for range 7 {
		want[w.submit(`{"workflow_json":`+doc+`}`)] = true
	}
	cursor := ""
	for range 10 {
		page := read[JobList](w, w.do("viewer", "GET", "/api/v1/jobs?limit=2&cursor="+cursor, ""))
		for _, j := range page.Jobs {
			if !want[j.ID] {
				t.Errorf("%s twice, or new", j.ID)
			}
			delete(want, j.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
		w.submit(`{"workflow_json":` + doc + `}`)
	}
	if len(want) > 0 {
		t.Errorf("missed %v", want)
	}
}

// TestWorkflows stores, reads and checks documents.
func TestWorkflows(t *testing.T) {
	w := newWorld(t)
	put := func(name, text string) StoredWorkflow {
		t.Helper()
		a := w.do("developer", "PUT", "/api/v1/workflows", `{"workflow_name":`+quote(name)+`,"workflow_json":`+text+`}`)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return read[StoredWorkflow](w, a)
	}
	first := put("invoices", doc)
	if again := put("invoices", quote(doc)); again.Version != 1 || again.WorkflowID != first.WorkflowID {
		t.Errorf("the same content: %+v", again)
	}
	other := strings.Replace(doc, `"s":{`, `"t":{"node_id":"t","node_type":"EndNode"},"s":{`, 1)
	if next := put("invoices", other); next.Version != 2 || next.WorkflowID != first.WorkflowID {
		t.Errorf("other content: %+v", next)
	}
	path := "/api/v1/workflows/" + string(first.WorkflowID)
	for _, s := range []scenario{
		{name: "list", method: "GET", path: "/api/v1/workflows", status: 200, has: []string{`"invoices"`, `"version":2`}},
		{name: "get", method: "GET", path: path, status: 200, has: []string{`"version":2`}},
		{name: "versions", method: "GET", path: path + "/versions", status: 200, has: []string{`"version":1`, `"version":2`}},
		{name: "version", method: "GET", path: path + "/versions/1", status: 200, has: []string{`"workflow_json":{`, "StartNode"}, lacks: []string{"EndNode"}},
		{name: "latest", method: "GET", path: path + "/versions/latest", status: 200, has: []string{"EndNode"}},
		{name: "no version", method: "GET", path: path + "/versions/zero", status: 404},
		{name: "viewer stores nothing", method: "PUT", path: "/api/v1/workflows", body: `{"workflow_json":` + doc + `}`, status: 403},
		{name: "valid", method: "POST", path: "/api/v1/workflows/validate", body: doc, status: 200, has: []string{`"valid":true`, `"errors":[]`}},
		{name: "valid in a wrapper", method: "POST", path: "/api/v1/workflows/validate", body: `{"workflow":` + doc + `}`, status: 200, has: []string{`"valid":true`}},
		{name: "not valid", method: "POST", path: "/api/v1/workflows/validate", body: `{"nodes":{"x":{"node_id":"x","node_type":"TeleportNode"}},"connections":[]}`, status: 200, has: []string{`"valid":false`, "UNKNOWN_NODE_TYPE", `"node_id":"x"`}},
		{name: "nodes of a wrong kind", method: "POST", path: "/api/v1/workflows/validate", body: `{"nodes":7}`, status: 200, has: []string{`"valid":false`, "must be an object"}},
		{name: "no JSON", method: "POST", path: "/api/v1/workflows/validate", body: `{"nodes"}`, status: 400},
	} {
		s.as = "viewer"
		s.run(w)
	}
	scenario{name: "no document", as: "developer", method: "PUT", path: "/api/v1/workflows", body: `{}`, status: 422, has: []string{"workflow_json is missing"}}.run(w)
	scenario{name: "by id and version", as: "operator", method: "POST", path: "/api/v1/jobs", body: fmt.Sprintf(`{"workflow_id":%q,"version":1}`, first.WorkflowID), status: 201, has: []string{`"version":1`}, events: []fleet.EventKind{fleet.EventJobSubmitted}}.run(w)
	scenario{name: "no such version", as: "operator", method: "POST", path: "/api/v1/jobs", body: fmt.Sprintf(`{"workflow_id":%q,"version":9}`, first.WorkflowID), status: 404}.run(w)
}

// TestJobBulkFrom takes the two words for where a retry begins, and no other.
func TestJobBulkFrom(t *testing.T) {
	w := newWorld(t)
	id := read[SubmittedJob](w, w.do("developer", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)).ID
	for from, status := range map[string]int{"start": 202, "failed_node": 202, "middle": 422} {
		body := `{"kind":"job_retry","ids":["` + string(id) + `"],"params":{"from":"` + from + `"}}`
		if a := w.do("developer", "POST", "/api/v1/jobs/bulk-actions", body); a.status != status || status == 422 && !strings.Contains(a.body, "params.from") {
			t.Errorf("%s: %d %s", from, a.status, a.body)
		}
	}
	if d := read[JobDetail](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(id), "")); d.PrioritySource != fleet.PriorityOfTenant {
		t.Errorf("the priority is from %q", d.PrioritySource)
	}
}
