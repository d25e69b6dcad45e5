package original

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// scheduleNames are the names of a schedule that one of the programs reads.
var scheduleNames = []string{
	"schedule_id", "id", "workflow_id", "workflow_name", "schedule_name", "name", "cron_expression", "timezone", "enabled", "priority", "execution_mode",
	"input", "next_run", "next_run_at", "last_run", "last_run_at", "run_count", "success_count", "failure_count", "created_at", "updated_at", "frequency",
	"time_hour", "time_minute", "day_of_week", "day_of_month", "interval_seconds",
}

// scheduled checks a schedule as all of its readers find it.
func scheduled(t testing.TB, m map[string]any) map[string]any {
	t.Helper()
	has(t, m, scheduleNames...)
	for a, b := range map[string]string{"id": "schedule_id", "name": "schedule_name", "next_run_at": "next_run", "last_run_at": "last_run"} { // C5
		if m[a] != m[b] {
			t.Errorf("%s is %v, %s is %v", a, m[a], b, m[b])
		}
	}
	for _, name := range []string{"next_run", "last_run"} {
		if m[name] != nil {
			legacyTime(t, m[name])
		}
	}
	legacyTime(t, m["created_at"])
	legacyTime(t, m["updated_at"])
	for _, name := range []string{"priority", "run_count", "success_count", "failure_count", "time_hour", "time_minute", "day_of_week", "day_of_month", "interval_seconds"} {
		n, whole := m[name].(float64)
		if !whole || n != float64(int(n)) || name == "day_of_week" && (n < 0 || n > 6) { // a text or 7 crashes the tab
			t.Errorf("%s is %v", name, m[name])
		}
	}
	if _, object := m["input"].(map[string]any); !object {
		t.Errorf("input is %v", m["input"])
	}
	return m
}

// keyOf makes a service key of a role.
func (w *world) keyOf(role fleet.Role) *caller {
	w.Helper()
	_, secret, err := w.app.Keys().NewServiceKey(w.Context(), auth.Local(), string(role), role, 0)
	w.must(err)
	return w.python("Authorization", "Bearer "+secret.Reveal())
}

// stored stores the empty workflow under a name.
func (w *world) stored(name string) string {
	w.Helper()
	r := w.canvas().want(200, "PUT", "/api/v1/workflows", fmt.Sprintf(`{"workflow_name":%q,"workflow_json":%s}`, name, idle))
	return r.object(w)["workflow_id"].(string)
}

// fired waits until a schedule has made so many jobs, and knows how so many of
// them ended; it returns it.
func (w *world) fired(id string, runs, successes, failures float64) map[string]any {
	w.Helper()
	var m map[string]any
	if !w.eventually(func() bool {
		m = w.dialog().want(200, "GET", "/api/v1/schedules/"+id, "").object(w)
		return m["run_count"] == runs && m["success_count"] == successes && m["failure_count"] == failures
	}) {
		w.Errorf("%v runs, %v successes, %v failures; want %v, %v, %v", m["run_count"], m["success_count"], m["failure_count"], runs, successes, failures)
	}
	return m
}

// fires are the instants of a schedule that have a job, the oldest first.
func (w *world) fires(id string) (out []time.Time) {
	w.Helper()
	rows := w.dialog().want(200, "GET", "/api/v1/schedules/"+id+"/fires?limit=100&outcome=fired", "").object(w)["fires"].([]any)
	for _, row := range slices.Backward(rows) {
		at, err := time.Parse(time.RFC3339, row.(map[string]any)["fire_at"].(string))
		w.must(err)
		out = append(out, at)
	}
	return out
}

// TestSchedules holds the rows about schedules.
func TestSchedules(t *testing.T) {
	beside(t)
	w := newWorld(t)
	a := w.registered("r1", 1)
	a.start()
	workflow := w.stored("Invoices")
	canvas, d, page := w.canvas(), w.dialog(), w.dashboard()
	create := func(change string) map[string]any {
		t.Helper()
		if !strings.Contains(change, `"workflow_id"`) {
			change += fmt.Sprintf(`,"workflow_id":%q`, workflow)
		}
		return scheduled(t, d.want(200, "POST", "/api/v1/schedules", "{"+strings.TrimPrefix(change, ",")+"}").object(t))
	}

	t.Run("R40 C1 M3 the list in both forms", func(t *testing.T) {
		if r := d.want(200, "GET", "/api/v1/schedules", ""); r.text != "[]" {
			t.Errorf("an empty list is %s", r.text)
		}
		if m := page.want(200, "GET", "/api/v1/schedules", "").object(t); fmt.Sprint(m["schedules"]) != "[]" || m["total"] != 0.0 {
			t.Errorf("%v", m)
		}
		one := create(`,"schedule_name":"one","cron_expression":"0 9 * * *"`)
		two := create(`,"schedule_name":"two","cron_expression":"0 10 * * *","enabled":false`)
		list := func(query string) (ids []any) {
			t.Helper()
			var rows []map[string]any
			w.must(json.Unmarshal([]byte(d.want(200, "GET", "/api/v1/schedules"+query, "").text), &rows))
			for _, r := range rows {
				ids = append(ids, scheduled(t, r)["id"])
			}
			return ids
		}
		for query, want := range map[string][]any{
			"": {two["id"], one["id"]}, "?enabled=true": {one["id"]}, "?enabled=false": {two["id"]}, "?limit=1": {two["id"]}, "?limit=1000": {two["id"], one["id"]},
			"?workflow_id=" + workflow + "&tenant_id=x&unknown=1": {two["id"], one["id"]}, "?workflow_id=00000000-0000-7000-8000-000000000000": nil, // M31
		} {
			if got := list(query); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		m := page.want(200, "GET", "/api/v1/schedules", "").object(t)
		rows := m["schedules"].([]any)
		if len(rows) != 2 || m["total"] != 2.0 {
			t.Fatalf("%v", m)
		}
		for _, r := range rows {
			scheduled(t, r.(map[string]any))
		}
		for _, query := range []string{"?limit=0", "?limit=1001", "?enabled=maybe"} {
			d.want(422, "GET", "/api/v1/schedules"+query, "")
		}
		w.python().want(401, "GET", "/api/v1/schedules", "")
		w.python("X-Api-Key", a.key).want(403, "GET", "/api/v1/schedules", "")
		for _, m := range []map[string]any{one, two} {
			d.want(200, "DELETE", "/api/v1/schedules/"+m["id"].(string), "")
		}
	})

	t.Run("R41 R42 C5 M31 made, changed and deleted", func(t *testing.T) {
		// As the dashboard makes one, and a script with what it knows beside.
		m := scheduled(t, page.want(200, "POST", "/api/v1/schedules", fmt.Sprintf(`{"tenant_id":"default","workspace_id":"default","name":"page","workflow_id":%q,
			"cron_expression":"30 9 * * 1","timezone":"UTC","input":{"n":1},"priority":5}`, workflow)).object(t))
		if m["name"] != "page" || m["priority"] != 5.0 || fmt.Sprint(m["input"]) != "map[n:1]" || m["workflow_name"] != "Invoices" || m["frequency"] != "weekly" ||
			m["day_of_week"] != 0.0 || m["time_hour"] != 9.0 || m["time_minute"] != 30.0 || m["enabled"] != true {
			t.Errorf("%v", m)
		}
		s := create(`,"schedule_name":"script","cron_expression":"0 8 * * *","execution_mode":"internet","metadata":{"by":"script"},"workflow_name":"Invoices","capabilities":["browser"]`)
		if s["priority"] != 10.0 || s["timezone"] != "UTC" || s["execution_mode"] != "internet" || fmt.Sprint(s["metadata"]) != "map[by:script]" {
			t.Errorf("%v", s)
		}
		if told := fmt.Sprint(s["warnings"]); !strings.Contains(told, "workflow_name") || !strings.Contains(told, "capabilities") {
			t.Errorf("what was left aside is not told: %v", told)
		}
		one := "/api/v1/schedules/" + m["id"].(string)
		m = scheduled(t, page.want(200, "PUT", one, `{"enabled":false}`).object(t))
		if m["enabled"] != false || m["next_run"] != nil || m["cron_expression"] != "30 9 * * 1" {
			t.Errorf("%v", m)
		}
		m = scheduled(t, page.want(200, "PUT", one, `{"enabled":true,"cron_expression":"15 6 1 * *","timezone":"Europe/Berlin"}`).object(t))
		if m["enabled"] != true || m["frequency"] != "monthly" || m["day_of_month"] != 1.0 || m["timezone"] != "Europe/Berlin" || m["next_run"] == nil {
			t.Errorf("%v", m)
		}
		if got := scheduled(t, page.want(200, "GET", one, "").object(t)); got["next_run"] != m["next_run"] {
			t.Errorf("%v", got)
		}
		for place, body := range map[string]string{
			"cron_expression": `"schedule_name":"x","cron_expression":"61 * * * *"`, "priority": `"schedule_name":"x","cron_expression":"0 9 * * *","priority":21`,
			"schedule_name": `"cron_expression":"0 9 * * *"`, "timezone": `"schedule_name":"x","cron_expression":"0 9 * * *","timezone":"Mars"`,
		} {
			e := d.want(422, "POST", "/api/v1/schedules", fmt.Sprintf(`{"workflow_id":%q,%s}`, workflow, body)).object(t)
			inner := e["error"].(map[string]any)
			if text := fmt.Sprint(inner["details"]); inner["code"] != "VALIDATION_ERROR" || !strings.Contains(text, "body."+place) {
				t.Errorf("%s: %v", place, e)
			}
		}
		d.want(422, "POST", "/api/v1/schedules", `{"schedule_name":"x","cron_expression":"0 9 * * *"}`)
		if r := page.want(200, "DELETE", one, "").object(t); r["status"] != "success" || r["message"] == "" {
			t.Errorf("%v", r)
		}
		for _, method := range []string{"GET", "DELETE"} {
			page.want(404, method, one, "")
		}
		page.want(404, "PUT", one, `{"enabled":true}`)
		for role, status := range map[fleet.Role]int{fleet.RoleViewer: 403, fleet.RoleOperator: 403, fleet.RoleDeveloper: 200} {
			who := w.keyOf(role)
			who.want(status, "POST", "/api/v1/schedules", fmt.Sprintf(`{"workflow_id":%q,"name":"by role","cron_expression":"0 9 * * *"}`, workflow))
			who.want(200, "GET", "/api/v1/schedules", "")
		}
	})

	t.Run("R43 R44 M12 M32 C13 D6 D16 run, enable, disable", func(t *testing.T) {
		s := create(`,"schedule_name":"by hand","cron_expression":"0 0 1 1 *","input":{"n":3}`)
		id := s["id"].(string)
		one := "/api/v1/schedules/" + id
		// The fleet client says octet-stream of its empty body, the dashboard JSON.
		for i, call := range []func() reply{
			func() reply { return d.want(200, "POST", one+"/run-now", "") },
			func() reply { return page.want(200, "POST", one+"/run", "") },
			func() reply { return w.keyOf(fleet.RoleOperator).want(200, "PUT", one+"/trigger", "") },
		} {
			r := call().object(t)
			has(t, r, "status", "message", "job_id")
			got := a.work() // D6: a robot gets it
			if r["status"] != "success" || got.JobID != r["job_id"] || got.Variables["n"] != 3.0 {
				t.Errorf("%v, claimed %s", r, got.Raw)
			}
			if i == 0 {
				a.complete(got.JobID)
				continue
			}
			a.fail(got.JobID, "no") // the workflow has no step that must not run twice: it runs again until its tries are used up
			_, err := w.api.CancelJob(t.Context(), fleet.ID(got.JobID), client.CancelRequest{})
			w.must(err)
		}
		m := w.fired(id, 3, 1, 0)
		if m["last_run"] == nil || m["next_run"] != s["next_run"] {
			t.Errorf("%v", m)
		}
		for _, path := range []string{"/run-now", "/run"} {
			d.want(404, "POST", "/api/v1/schedules/00000000-0000-7000-8000-000000000000"+path, "")
		}
		w.keyOf(fleet.RoleViewer).want(403, "POST", one+"/run-now", "")
		operator := w.keyOf(fleet.RoleOperator)
		if m := scheduled(t, operator.want(200, "PUT", one+"/disable", "").object(t)); m["enabled"] != false || m["next_run"] != nil {
			t.Errorf("%v", m)
		}
		if m := scheduled(t, operator.want(200, "PUT", one+"/enable", "").object(t)); m["enabled"] != true || m["next_run"] != s["next_run"] {
			t.Errorf("%v", m)
		}
		d.want(404, "PUT", "/api/v1/schedules/00000000-0000-7000-8000-000000000000/enable", "")
	})

	t.Run("D16 failures count", func(t *testing.T) {
		never := strings.Replace(idle, `"nodes"`, `"settings":{"fleet":{"retry":{"max":0}}},"nodes"`, 1)
		fails := canvas.want(200, "PUT", "/api/v1/workflows", `{"workflow_name":"Fails","workflow_json":`+never+`}`).object(t)["workflow_id"]
		s := create(fmt.Sprintf(`,"workflow_id":%q,"schedule_name":"fails","cron_expression":"0 0 1 1 *"`, fails))
		id := s["id"].(string)
		d.want(200, "POST", "/api/v1/schedules/"+id+"/run-now", "")
		got := a.work()
		a.fail(got.JobID, "no")
		w.reaches(fleet.ID(got.JobID), fleet.Failed)
		w.fired(id, 1, 0, 1)
	})

	t.Run("D15 weekdays are what is shown", func(t *testing.T) {
		now := time.Now().UTC()
		for _, c := range []struct {
			cron string
			days func(at time.Time) bool
		}{
			{"0 9 * * 1-5", func(at time.Time) bool { return at.Weekday() >= time.Monday && at.Weekday() <= time.Friday }},
			{"0 9 * * 7", func(at time.Time) bool { return at.Weekday() == time.Sunday }},
			{"0 9 * * 1#1", func(at time.Time) bool { return at.Weekday() == time.Monday && at.Day() <= 7 }},
			{"0 9 L * *", func(at time.Time) bool { return at.AddDate(0, 0, 1).Day() == 1 }},
		} {
			s := create(fmt.Sprintf(`,"schedule_name":"days","cron_expression":%q,"timezone":"UTC"`, c.cron))
			id := s["id"].(string)
			next, err := time.Parse(time.RFC3339, s["next_run"].(string))
			w.must(err)
			if !c.days(next) || next.Hour() != 9 {
				t.Errorf("%s: the next run is shown for %s", c.cron, next.Format(time.RFC1123))
			}
			// What it does on such days is seen on the last ones.
			b := canvas.want(201, "POST", "/api/v1/schedules/"+id+"/backfills", fmt.Sprintf(`{"from":%q,"until":%q,"max_parallel":50}`,
				now.AddDate(0, 0, -63).Format(time.RFC3339), now.Format(time.RFC3339))).object(t)
			at := w.firedAt(id, int(b["total"].(float64)))
			for _, day := range at {
				if !c.days(day) || day.Hour() != 9 {
					t.Errorf("%s fired on %s", c.cron, day.Format(time.RFC1123))
				}
			}
			if want := map[string]int{"0 9 * * 1-5": 44, "0 9 * * 7": 8, "0 9 * * 1#1": 1, "0 9 L * *": 1}[c.cron]; len(at) < want {
				t.Errorf("%s fired %d times in 63 days", c.cron, len(at))
			}
		}
	})

	t.Run("D16 after a restart, when it was made disabled, and once", func(t *testing.T) {
		once := func(name string, at time.Time, more string) string {
			t.Helper()
			m := create(fmt.Sprintf(`,"schedule_name":%q,"run_at":%q%s`, name, at.UTC().Format(time.RFC3339Nano), more))
			if m["frequency"] != "once" {
				t.Errorf("%v", m)
			}
			return m["id"].(string)
		}
		soon := time.Now().Add(time.Second)
		loaded := once("loaded", soon, "")
		asleep := once("asleep", time.Now().Add(5*time.Second), `,"enabled":false`)
		w.restart()
		d.want(200, "PUT", "/api/v1/schedules/"+asleep+"/enable", "")
		for _, id := range []string{loaded, asleep} {
			if m := w.fired(id, 1, 0, 0); m["next_run"] != nil { // and not once a day
				t.Errorf("%v", m)
			}
		}
	})
}

// firedAt waits until a schedule has fired so often, and returns for when.
func (w *world) firedAt(id string, n int) (at []time.Time) {
	w.Helper()
	if !w.eventually(func() bool { at = w.fires(id); return len(at) >= n }) {
		w.Errorf("%d instants of %d fired", len(at), n)
	}
	return at
}

// TestPlannedSubmissions holds the rows about submissions that are not to run now.
func TestPlannedSubmissions(t *testing.T) {
	beside(t)
	w := newWorld(t)
	a := w.registered("r1", 1)
	a.start()
	c := w.canvas()
	body := func(trigger, change string) string {
		return `{"workflow_name":"Planned","workflow_json":` + idle + `,"execution_mode":"lan","priority":3,"trigger_type":"` + trigger + `"` + change + `}`
	}

	t.Run("R24 M13 M14 D14 a scheduled submission", func(t *testing.T) {
		r := c.want(200, "POST", "/api/v1/workflows", body("scheduled", `,"schedule_cron":"0 9 * * 1-5","metadata":{"submitted_from":"canvas","canvas_file":"a.json",
			"schedule_config":{"frequency":"weekly"},"workflow_json":{"big":1},"robot_id":"r1","variables":{"n":7}}`)).object(t)
		has(t, r, "workflow_id", "message")
		legacyTime(t, r["created_at"])
		if r["job_id"] != nil || r["status"] != "success" {
			t.Errorf("%v", r)
		}
		if _, there := r["job_id"]; !there {
			t.Errorf("job_id is missing in %v", r)
		}
		id := r["schedule_id"].(string)
		s := scheduled(t, c.want(200, "GET", "/api/v1/schedules/"+id, "").object(t))
		if s["name"] != "Planned" || s["workflow_id"] != r["workflow_id"] || s["timezone"] != "UTC" || s["priority"] != 3.0 || s["target_robot_id"] != "r1" ||
			fmt.Sprint(s["input"]) != "map[n:7]" || s["execution_mode"] != "lan" {
			t.Errorf("%v", s)
		}
		notes, _ := s["metadata"].(map[string]any)
		if notes["submitted_from"] != "canvas" || notes["canvas_file"] != "a.json" || notes["schedule_config"] == nil || notes["workflow_json"] != nil {
			t.Errorf("%v", notes)
		}
		if got := a.claim(); got != nil {
			t.Errorf("it runs now: %s", got.Raw)
		}
		run := c.want(200, "POST", "/api/v1/schedules/"+id+"/run-now", "").object(t)
		if got := a.work(); got.JobID != run["job_id"] || got.Variables["n"] != 7.0 {
			t.Errorf("%s", got.Raw)
		}
		if j := w.job(fleet.ID(run["job_id"].(string))); j.Target != "r1" || j.Priority != 3 {
			t.Errorf("%+v", j.Job)
		}
		a.complete(run["job_id"].(string))
	})

	t.Run("R24 D16 once is once", func(t *testing.T) {
		r := c.want(200, "POST", "/api/v1/workflows", body("scheduled", `,"schedule_cron":"0 9 * * *","metadata":{"schedule_config":{"frequency":"once"}}`)).object(t)
		s := scheduled(t, c.want(200, "GET", "/api/v1/schedules/"+r["schedule_id"].(string), "").object(t))
		next, err := time.Parse(time.RFC3339, fmt.Sprint(s["next_run"]))
		if s["kind"] != "once" || s["frequency"] != "once" || s["time_hour"] != 9.0 || err != nil || next.Hour() != 9 || time.Until(next) > 24*time.Hour {
			t.Errorf("%v", s)
		}
	})

	t.Run("R24 what is refused leaves nothing", func(t *testing.T) {
		count := func() int {
			t.Helper()
			return len(c.want(200, "GET", "/api/v1/schedules", "").text)
		}
		before := count()
		for text, status := range map[string]int{
			body("scheduled", ``):                                                                    400,
			body("scheduled", `,"schedule_cron":null`):                                               400,
			body("scheduled", `,"schedule_cron":"every day"`):                                        400,
			body("scheduled", `,"schedule_cron":"0 0 30 2 *"`):                                       400,
			body("scheduled", `,"schedule_cron":"0 9 * * *","metadata":{"robot_id":"nobody"}`):       422,
			strings.Replace(body("scheduled", `,"schedule_cron":"0 9 * * *"`), "StartNode", "No", 1): 422,
		} {
			text = strings.Replace(text, "Planned", "Refused", 1)
			r := c.want(status, "POST", "/api/v1/workflows", text).object(t)
			if status == 400 && (!strings.Contains(fmt.Sprint(r["error"]), "INVALID_INPUT") || !strings.Contains(fmt.Sprint(r["error"]), "schedule_cron")) {
				t.Errorf("%v", r)
			}
		}
		if count() != before || strings.Contains(c.want(200, "GET", "/api/v1/workflows", "").text, "Refused") {
			t.Error("something was stored")
		}
		w.keyOf(fleet.RoleOperator).want(403, "POST", "/api/v1/workflows", body("scheduled", `,"schedule_cron":"0 9 * * *"`))
	})

	t.Run("R24 D14 a submission that waits for a web call", func(t *testing.T) {
		hook := func(secret string) string {
			return strings.Replace(body("webhook", `,"metadata":{"robot_id":"r1","variables":{"n":9},"webhook_config":{"endpoint":"/hooks/Invoices In","auth_type":"api_key","secret":"`+secret+`","methods":["POST"]}}`), "Planned", "Hooked", 1)
		}
		r := c.want(200, "POST", "/api/v1/workflows", hook("open sesame")).object(t)
		if r["job_id"] != nil || r["schedule_id"] != nil || r["trigger_id"] == nil || !strings.Contains(fmt.Sprint(r["message"]), "/webhooks/invoices-in") {
			t.Fatalf("%v", r)
		}
		call := func(secret string, status int) map[string]any {
			t.Helper()
			return w.python("X-Api-Key", secret).want(status, "POST", "/webhooks/invoices-in", `{}`).object(t)
		}
		call("wrong", 401)
		call("open sesame", 200)
		got := a.work()
		if got.Variables["n"] != 9.0 || w.job(fleet.ID(got.JobID)).Target != "r1" {
			t.Errorf("%s", got.Raw)
		}
		a.complete(got.JobID)
		// Submitted again with another secret, it is the same trigger.
		again := c.want(200, "POST", "/api/v1/workflows", hook("another")).object(t)
		if again["trigger_id"] != r["trigger_id"] {
			t.Errorf("%v, then %v", r, again)
		}
		call("open sesame", 401)
		call("another", 200)
		a.complete(a.work().JobID)
		if text := c.want(200, "GET", "/api/v1/triggers", "").text; strings.Contains(text, "another") || !strings.Contains(text, "webhook-invoices-in") {
			t.Errorf("%s", text)
		}
		// The address of one trigger is no other's, whose callers would be locked out.
		c.want(409, "POST", "/api/v1/workflows", strings.ReplaceAll(hook("third"), "Hooked", "Thief"))
		call("another", 200)
		a.complete(a.work().JobID)
		for _, config := range []string{
			``, `,"metadata":{"webhook_config":{"endpoint":"x","auth_type":"none"}}`,
			`,"metadata":{"webhook_config":{"secret":"s","methods":["GET"]}}`, `,"metadata":{"webhook_config":{"secret":"s","auth_type":"magic"}}`,
		} {
			r := c.want(422, "POST", "/api/v1/workflows", strings.Replace(body("webhook", config), "Planned", "Anybody", 1)).object(t)
			if !strings.Contains(fmt.Sprint(r["error"]), "webhook_config") {
				t.Errorf("%v", r)
			}
		}
		if strings.Contains(c.want(200, "GET", "/api/v1/workflows", "").text, "Anybody") {
			t.Error("a refused submission was stored")
		}
		// Who may keep no secret is told, and nothing is half done.
		w.keyOf(fleet.RoleDeveloper).want(http.StatusForbidden, "POST", "/api/v1/workflows", strings.ReplaceAll(hook("x"), "Hooked", "Half"))
		if strings.Contains(c.want(200, "GET", "/api/v1/workflows", "").text, "Half") {
			t.Error("a refused submission was stored")
		}
	})
}
