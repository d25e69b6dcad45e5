package original

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// canvas is the Canvas: it has a Bearer key alone, and says JSON on every call.
func (w *world) canvas() *caller {
	return w.python("Authorization", "Bearer "+w.admin)
}

// dashboard is the original's web page: it says that a GET carries JSON.
func (w *world) dashboard() *caller {
	c := w.python("Authorization", "Bearer "+w.admin, "User-Agent", "Mozilla/5.0")
	c.json = true
	return c
}

// TestSubmitting holds the rows about submissions, and what the Canvas and the
// dashboard read and change beside them.
func TestSubmitting(t *testing.T) {
	beside(t)
	w := newWorld(t)
	a := w.registered("r1", 2)
	a.start()
	w.registered("r2", 1)
	c := w.canvas()
	body := func(change string) string {
		return `{"workflow_name":"Invoices","workflow_json":` + idle + `,"trigger_type":"manual","execution_mode":"lan","priority":10,"schedule_cron":null` + change + `}`
	}

	t.Run("R24 M13 M14 D14 submit", func(t *testing.T) {
		r := c.want(200, "POST", "/api/v1/workflows", body(`,"metadata":{"robot_id":"r1","variables":{"n":7},"submitted_from":"canvas","canvas_file":"a.json"}`)).object(t)
		has(t, r, "workflow_id", "job_id", "schedule_id", "message")
		legacyTime(t, r["created_at"])
		if r["status"] != "success" || r["schedule_id"] != nil {
			t.Errorf("%v", r)
		}
		job := w.job(fleet.ID(r["job_id"].(string)))
		if job.Target != "r1" || string(job.Variables) != `{"n":7}` || job.Workflow.Name != "Invoices" || string(job.Workflow.ID) != r["workflow_id"] {
			t.Errorf("%+v %s", job, job.Variables)
		}
		if got := a.work(); got.JobID != r["job_id"] || got.Variables["n"] != 7.0 {
			t.Errorf("%s", got.Raw)
		}
		a.complete(r["job_id"].(string))
		bad := map[string]string{
			body(`,"metadata":{"robot_id":"nobody"}`):                            "robot",
			strings.Replace(body(""), `"lan"`, `"moon"`, 1):                      "execution_mode",
			strings.Replace(body(""), `"manual"`, `"magic"`, 1):                  "trigger_type",
			strings.Replace(body(""), `"priority":10`, `"priority":21`, 1):       "priority",
			strings.Replace(body(""), `"Invoices"`, `""`, 1):                     "workflow_name",
			strings.Replace(body(""), `"nodes":{`, `"nodes":[{`, 1):              "",
			strings.Replace(body(""), `"connections":[]`, `"connections":{}`, 1): "connections",
		}
		for text, word := range bad {
			r := c.call("POST", "/api/v1/workflows", text)
			if word == "" { // no JSON at all
				if r.status != 400 {
					t.Errorf("%d %s", r.status, r.text)
				}
				continue
			}
			if r.status != 422 || !strings.Contains(r.text, word) {
				t.Errorf("%s: %d %s", word, r.status, r.text)
			}
		}
		c.want(400, "POST", "/api/v1/workflows", strings.Replace(body(""), `"manual"`, `"scheduled"`, 1))
		// D24: words that sound dangerous are no fault
		c.want(200, "POST", "/api/v1/workflows", strings.Replace(body(""), `"Invoices"`, `"eval exec import os"`, 1))
		a.complete(a.work().JobID)
	})

	t.Run("M30 D13 priority 0 goes first", func(t *testing.T) {
		for _, p := range []int{20, 10, 0} {
			c.want(200, "POST", "/api/v1/workflows", strings.Replace(body(`,"metadata":{"robot_id":"r1"}`), `"priority":10`, fmt.Sprint(`"priority":`, p), 1))
		}
		for _, want := range []fleet.Priority{0, 10, 20} {
			got := a.work()
			if p := w.job(fleet.ID(got.JobID)).Priority; p != want {
				t.Errorf("%d, want %d", p, want)
			}
			a.complete(got.JobID)
		}
	})

	t.Run("R24 an answer that nobody heard", func(t *testing.T) {
		text := strings.Replace(body(""), "Invoices", "Once", 1)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
		w.must(err)
		_, err = fmt.Fprintf(conn, "POST /api/v1/workflows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", w.admin, len(text), text)
		w.must(err)
		answered, err := io.ReadAll(io.LimitReader(conn, 12))
		w.must(err)
		_ = conn.Close() // it was stored, and the program asks again all the same
		if string(answered) != "HTTP/1.1 200" {
			t.Errorf("%q", answered)
		}
		for range 2 {
			c.want(200, "POST", "/api/v1/workflows", text) // other requests with the same words are other jobs
		}
		for range 3 {
			a.complete(a.work().JobID)
		}
	})

	t.Run("R25 upload", func(t *testing.T) {
		var form bytes.Buffer
		f := multipart.NewWriter(&form)
		part, err := f.CreateFormFile("file", "monthly.json")
		w.must(err)
		_, _ = part.Write([]byte(idle))
		w.must(f.Close())
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/api/v1/workflows/upload?priority=3&execution_mode=internet", bytes.NewReader(form.Bytes()))
		w.must(err)
		req.Header = http.Header{"Authorization": {"Bearer " + w.admin}, "Content-Type": {f.FormDataContentType()}}
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		defer resp.Body.Close()
		var got struct {
			JobID fleet.ID `json:"job_id"`
		}
		w.must(json.NewDecoder(resp.Body).Decode(&got))
		if job := w.job(got.JobID); resp.StatusCode != 200 || job.Priority != 3 || job.Environment != "internet" {
			t.Errorf("%d %+v", resp.StatusCode, job)
		}
		a.complete(a.work().JobID)
		form.Reset()
		f = multipart.NewWriter(&form)
		_, _ = f.CreateFormFile("file", "a.exe")
		w.must(f.Close())
		up := w.canvas()
		up.form = f.FormDataContentType()
		up.want(400, "POST", "/api/v1/workflows/upload", form.String())
		up.want(400, "POST", "/api/v1/workflows/upload", "--nothing")
	})

	t.Run("R26 a workflow", func(t *testing.T) {
		r := c.want(200, "POST", "/api/v1/workflows", strings.Replace(body(""), "Invoices", "Short lived", 1)).object(t)
		a.complete(a.work().JobID)
		path := "/api/v1/workflows/" + r["workflow_id"].(string)
		got := c.want(200, "GET", path, "").object(t)
		has(t, got, "workflow_id", "workflow_name", "version", "description", "created_at", "updated_at")
		if doc, ok := got["workflow_json"].(map[string]any); !ok || doc["nodes"] == nil {
			t.Errorf("%v", got["workflow_json"])
		}
		if d := c.want(200, "DELETE", path, "").object(t); d["status"] != "success" || d["message"] == "" {
			t.Errorf("%v", d)
		}
		c.want(404, "GET", path, "")
		c.want(404, "DELETE", path, "")
		w.job(fleet.ID(r["job_id"].(string))) // stays
	})

	t.Run("R7 C18 edit a robot", func(t *testing.T) {
		d := w.dialog()
		if r := d.want(200, "PUT", "/api/v1/robots/r2", `{}`).object(t); r["name"] != "Robot r2" {
			t.Errorf("%v", r)
		}
		r := d.want(200, "PUT", "/api/v1/robots/r2", `{"name":"Desk 2","hostname":"desk","capabilities":["browser","gpu"],"environment":"lab","max_concurrent_jobs":5,"tags":["Front Office"],"tenant_id":"x"}`).object(t)
		has(t, r, "robot_id", "status", "current_job_ids", "last_seen", "created_at", "metrics")
		if r["name"] != "Desk 2" || r["hostname"] != "desk" || r["environment"] != "lab" || r["slot_limit"] != 5.0 || fmt.Sprint(r["capabilities"]) != "[browser gpu]" || fmt.Sprint(r["tags"]) != "[front-office]" {
			t.Errorf("%v", r)
		}
		// What an admin has set stands when the robot says its own.
		own := w.agent("r2", w.key("r2"))
		own.presence.want(200, "POST", "/api/v1/robots/register", `{"robot_id":"r2","name":"x","hostname":"box","capabilities":["desktop"],"environment":"default","max_concurrent_jobs":1,"tags":[]}`)
		if r := d.want(200, "GET", "/api/v1/metrics/robots/r2", "").object(t); r["name"] != "Desk 2" || fmt.Sprint(r["capabilities"]) != "[browser gpu]" || r["environment"] != "lab" {
			t.Errorf("%v", r)
		}
		d.want(404, "PUT", "/api/v1/robots/nobody", `{}`)
		d.want(422, "PUT", "/api/v1/robots/r2", `{"max_concurrent_jobs":0}`)
		own.presence.want(403, "PUT", "/api/v1/robots/r2", `{}`)
	})

	t.Run("R6 R21 C1 C14 M37 the dashboard's lists", func(t *testing.T) {
		page := w.dashboard()
		r := page.want(200, "GET", "/api/v1/robots?status=idle", "").object(t)
		robots := r["robots"].([]any)
		if len(robots) != 2 || r["total"] != 2.0 {
			t.Fatalf("%v", r)
		}
		row := robots[0].(map[string]any)
		has(t, row, "robot_id", "name", "current_job_ids", "max_concurrent_jobs", "last_seen", "capabilities", "tags", "metrics")
		if row["status"] != "idle" {
			t.Errorf("%v", row["status"])
		}
		if s := c.want(200, "GET", "/api/v1/robots/r1", "").object(t)["status"]; s != "online" { // ours beside it
			t.Errorf("%v", s)
		}
		one := page.want(200, "GET", "/api/v1/robots/r1", "").object(t)
		has(t, one, "robot_id", "name", "current_job_ids", "max_concurrent_jobs", "last_seen", "capabilities", "tags", "metrics")
		if one["status"] != "idle" || one["fleet_status"] != "online" {
			t.Errorf("%v", one)
		}
		job := string(w.submit())
		list := func(query string) []any {
			t.Helper()
			m := page.want(200, "GET", "/api/v1/jobs?limit=100"+query, "").object(t)
			has(t, m, "total", "next_cursor")
			return m["jobs"].([]any)
		}
		waiting := list("&status=queued")
		if len(waiting) != 1 {
			t.Fatalf("%v", waiting)
		}
		j := waiting[0].(map[string]any)
		has(t, j, "job_id", "workflow_id", "workflow_name", "status", "priority", "environment", "assigned_robot_id", "input", "result", "error", "progress",
			"current_node", "created_at", "started_at", "completed_at", "retry_count", "max_retries")
		legacyTime(t, j["created_at"])
		if j["job_id"] != job || j["status"] != "queued" {
			t.Errorf("%v", j)
		}
		if got := list("&status=completed&offset=1"); len(got) == 0 || len(got) >= len(list("&status=completed")) {
			t.Errorf("%v", got)
		}
		if got := list("&environment=nowhere"); len(got) != 0 {
			t.Errorf("%v", got)
		}
		page.want(422, "GET", "/api/v1/jobs?status=asleep", "")
		if s := c.want(200, "GET", "/api/v1/jobs?status=queued", "").object(t)["jobs"].([]any); s[0].(map[string]any)["status"] != "pending" {
			t.Errorf("%v", s)
		}
		a.complete(a.work().JobID)
	})

	t.Run("R22 D7 cancel", func(t *testing.T) {
		job := string(w.submit())
		r := c.want(200, "POST", "/api/v1/jobs/"+job+"/cancel", "").object(t)
		if r["cancelled"] != true || r["job_id"] != job || r["previous_status"] != "pending" || r["status"] != "cancelled" || r["message"] == "" {
			t.Errorf("%v", r)
		}
		if r = c.want(200, "POST", "/api/v1/jobs/"+job+"/cancel", "").object(t); r["cancelled"] != false {
			t.Errorf("%v", r)
		}
		c.want(404, "POST", "/api/v1/jobs/00000000-0000-7000-8000-000000000000/cancel", "")
	})

	t.Run("R23 R45 R46 R47 R49 M11 C2 C9 D6 D8 retry", func(t *testing.T) {
		fails := func() string {
			job := string(w.submit(func(r *client.SubmitRequest) {
				r.RetrySafety, r.Retry, r.Variables = "always", &client.RetryChange{Max: new(0)}, map[string]any{"n": 1}
			}))
			a.work()
			a.fail(job, "no")
			w.reaches(fleet.ID(job), fleet.Failed)
			return job
		}
		job := fails()
		r := c.want(200, "POST", "/api/v1/jobs/"+job+"/retry", "").object(t)
		if r["job_id"] != r["new_job_id"] || r["job_id"] == job || r["original_job_id"] != job || r["message"] == "" {
			t.Errorf("%v", r)
		}
		if again := c.call("POST", "/api/v1/jobs/"+job+"/retry", ""); again.status != 409 { // D8: two clicks make one job
			t.Errorf("%d %s", again.status, again.text)
		}
		if got := a.work(); got.JobID != r["job_id"] { // D6: it is claimed like any other
			t.Errorf("%s", got.Raw)
		}
		a.complete(r["job_id"].(string))
		done := c.want(400, "POST", "/api/v1/jobs/"+r["job_id"].(string)+"/retry", "").object(t) // it completed
		if inner := done["error"].(map[string]any); inner["code"] != "INVALID_STATE_TRANSITION" {
			t.Errorf("%v", done)
		}

		job = fails()
		page := w.dashboard()
		l := page.want(200, "GET", "/api/v1/dlq?pending_only=true&limit=50&offset=0", "").object(t)
		has(t, l, "total", "pending", "limit", "offset")
		var e map[string]any
		for _, x := range l["entries"].([]any) {
			if m := x.(map[string]any); m["job_id"] == job {
				e = m
			}
		}
		has(t, e, "id", "workflow_id", "workflow_name", "error_message", "error_details", "error_stack", "input", "retry_count", "created_at")
		if e["error_message"] != "no" || fmt.Sprint(e["input"]) != "map[n:1]" || e["workflow_id"] == "" {
			t.Errorf("%v", e)
		}
		has(t, page.want(200, "GET", "/api/v1/dlq/"+job, "").object(t), "entry_id", "error_message")
		s := page.want(200, "GET", "/api/v1/dlq/stats", "").object(t)
		has(t, s, "total", "pending", "reprocessed", "workflow_id")
		r = page.want(200, "POST", "/api/v1/dlq/"+job+"/retry?reprocessed_by=me", "").object(t)
		if r["job_id"] != r["new_job_id"] || r["dlq_entry_id"] != job || r["original_job_id"] != job {
			t.Errorf("%v", r)
		}
		a.complete(a.work().JobID)
		p := page.want(200, "POST", "/api/v1/dlq/purge?older_than_days=30", "").object(t)
		if p["purged_count"] != 0.0 || p["older_than_days"] != 30.0 || p["message"] == "" {
			t.Errorf("%v", p)
		}
		page.want(422, "POST", "/api/v1/dlq/purge?older_than_days=400", "")
	})

	t.Run("R19 R20 D17 rows of jobs", func(t *testing.T) {
		job := string(w.submit())
		a.work()
		a.complete(job)
		var rows []map[string]any
		w.must(json.Unmarshal([]byte(w.dialog().want(200, "GET", "/api/v1/metrics/jobs?limit=1&tenant_id=x", "").text), &rows))
		if len(rows) != 1 || rows[0]["job_id"] != job || rows[0]["status"] != "completed" || rows[0]["progress"] != 100.0 {
			t.Fatalf("%v", rows)
		}
		has(t, w.dialog().want(200, "GET", "/api/v1/metrics/jobs/"+job, "").object(t), "error_type", "retry_count", "node_executions", "duration_ms", "duration")
		w.dialog().want(404, "GET", "/api/v1/metrics/jobs/none", "")
	})
}
