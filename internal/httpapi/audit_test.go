package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

func (w *world) audit(p auth.Principal) (rows []fleet.AuditEntry) {
	w.Helper()
	for after := int64(0); ; {
		page, err := w.core.Audits.List(w.Context(), p, orchestrator.AuditFilter{After: after, Limit: 1000})
		w.must(err)
		rows = append(rows, page...)
		if len(page) < 1000 {
			return rows
		}
		after = page[len(page)-1].Seq
	}
}

// bodies that let each operation succeed, where {} does not.
var auditBodies = map[string]string{
	"jobs.submit":          `{"workflow_json":` + doc + `}`,
	"jobs.submit_many":     `{"jobs":[{"workflow_json":` + doc + `},{"workflow_json":` + doc + `}]}`,
	"jobs.decide":          `{"do":"retry","reason":"x"}`,
	"workflows.put":        `{"workflow_json":` + doc + `}`,
	"workflows.submit":     `{"workflow_name":"x","workflow_json":` + doc + `}`,
	"workflows.upload":     "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\r\n" + doc + "\r\n--x--\r\n",
	"robots.edit":          `{"name":"newer"}`,
	"bulk.start":           `{"kind":"pause","ids":["bot-1"]}`,
	"deadletters.purge":    `{"older_than_days":1}`,
	"keys.create":          `{"kind":"service","name":"x","role":"viewer"}`,
	"keys.update":          `{"name":"new"}`,
	"robot_keys.create":    `{"robot_id":"bot-2","name":"x"}`,
	"robots.register":      `{"robot_id":"new"}`,
	"robots.update":        `{"name":"new"}`,
	"tenants.create":       `{"id":"new"}`,
	"tenants.put":          `{"name":"new"}`,
	"users.create":         `{"name":"ada","role":"viewer","password":"correct horse battery"}`,
	"users.password":       `{"password":"correct horse battery"}`,
	"secrets.put":          `{"fields":{"user":"ada","password":"canary"}}`,
	"assets.put":           `{"type":"number","value":3}`,
	"local.start":          `{"workflow_json":` + doc + `}`,
	"local.save":           `{"path":"new.json","text":"{}"}`,
	"queues.create":        `{"name":"new"}`,
	"queues.update":        `{"description":"new"}`,
	"calendars.create":     `{"name":"new"}`,
	"calendars.update":     `{"description":"new"}`,
	"triggers.update":      `{"description":"new"}`,
	"alertrules.create":    `{"name":"new","kind":"queue_sla"}`,
	"alertrules.update":    `{"description":"new"}`,
	"alertchannels.create": `{"name":"new","email":{"host":"mail.example.org","from":"a@example.org","to":["b@example.org"]}}`,
	"alertchannels.update": `{"description":"new"}`,
	"silences.create":      `{"name":"new","all":true,"until":"2027-01-01T00:00:00Z"}`,
	"silences.update":      `{"note":"new"}`,
	"schedules.update":     `{"description":"new"}`,
	"backfills.create":     `{"from":"2024-01-01T00:00:00Z","until":"2024-01-02T00:00:00Z"}`,
	"items.add_many":       `{"items":[{},{}]}`,
	"jobs.move":            `{"target_robot_id":"bot-2"}`,
	"items.update":         `{"priority":3}`,
	"items.postpone":       `{"until":"2036-01-01T00:00:00Z"}`,
	"items.comment":        `{"text":"x"}`,
	"reservations.create":  `{"name":"new","selector":{"all":true},"for":{"labels":{"a":"b"}}}`,
	"webhooks.create":      `{"name":"new","url":"https://localhost/new"}`,
	"webhooks.update":      `{"description":"new"}`,
	"webhooks.replay":      `{"from":"` + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + `"}`,
	"views.create":         `{"page":"jobs","name":"new"}`,
	"views.update":         `{"query":{"q":"new"}}`,
}

// notAudited are the operations that change nothing although they are no GET,
// those of robots, which are events, and those that cannot succeed in this world.
var notAudited = map[string]string{
	"hooks.call": "TestWebhook", "hooks.call_path": "TestWebhook", "hooks.call_owner": "TestWebhook",
	"triggers.test": "changes nothing", "triggers.create": "needs a workflow of this world; TestLimits", "triggers.enable": "it is enabled already",
	"webhooks.test": "changes nothing", "webhooks.enable": "it is enabled already; TestWebhookGivesUp in upkeep",
	"schedules.preview": "changes nothing", "schedules.create": "needs a workflow of this world; TestSchedules", "schedules.enable": "it is enabled already; TestSchedules",
	"workflows.validate": "changes nothing", "placement.preview": "changes nothing", "audit.verify": "changes nothing", "secrets.rewrap": "all are wrapped with the newest key; see the tests of orchestrator",
	"robots.heartbeat": "a sign of life", "robots.heartbeat_of": "a sign of life", "robots.status": "{} changes nothing; a mode is one of SetMode",
	"jobs.decide": "nothing is parked here; TestDecideIsAudited in orchestrator", "bulk.retry": "nothing has failed here; it starts another",
	"items.change":  "leaves a row for each item; TestManyItemsAreAuditedEach in orchestrator",
	"local.connect": "fleet canvas alone has it, and no audit",
	"items.claim":   "nothing is in the queue; TestItems", "items.complete": "held by another here; TestItems", "items.fail": "held by another here; TestItems", "items.release": "held by another here; TestItems", "items.renew": "held by another here; TestItems",
	"jobs.act_many":  "leaves a row for the operation and one for each job; TestJobBulk in orchestrator",
	"tenants.create": "stands in the new tenant's own chain, below",
	"robots.enrol":   "enrolment tokens alone may; TestEnrolment",
}

// Every operation that changes something leaves one row that names who asked,
// from where and in which request. What is refused leaves none.
func TestEveryChangeIsAudited(t *testing.T) {
	m := newMatrix(t)
	local := auth.Local()
	for _, op := range m.ops {
		if op.method == http.MethodGet || notAudited[op.id] != "" || strings.HasPrefix(op.id, "auth.") || strings.HasPrefix(op.id, "me.") || rights[op.id] == "r" { // what robots say of their jobs is events; the tests of sign-in look at its rows
			continue
		}
		c := matrixCaller{"super", "s"}
		path := m.ours.path(t, op, c)
		if op.id == "jobs.retry" {
			path = strings.Replace(op.path, "{id}", string(m.ours.failed()), 1)
		}
		before := len(m.audit(local))
		body := auditBodies[op.id]
		if body == "" {
			body = matrixBodies[op.id]
		}
		if body == "" && op.method != http.MethodDelete {
			body = "{}"
		}
		if op.id == "items.change" {
			queue := m.ours.queue()
			i, _, err := m.core.Queues.Add(t.Context(), m.ours.p, queue, orchestrator.Hold{}, fleet.ItemSpec{}, nil)
			m.must(err)
			before = len(m.audit(local))
			path, body = strings.Replace(op.path, "{id}", queue, 1), `{"ids":["`+string(i.ID)+`"],"do":"set_priority","priority":3}`
		}
		headers := []string{"X-Audit-Reason", "because of " + op.id}
		if op.id == "workflows.upload" {
			headers = append(headers, "Content-Type", "multipart/form-data; boundary=x")
		}
		a := m.do("super", op.method, path, body, headers...)
		rows := m.audit(local)[before:]
		if a.status >= 300 {
			t.Errorf("%s: %d %s", op.id, a.status, a.body)
			continue
		}
		if len(rows) != 1 {
			t.Errorf("%s left %d rows: %+v", op.id, len(rows), rows)
			continue
		}
		e := rows[0]
		if e.Actor.Name != "key super" || e.Actor.Kind != fleet.ActorKey || e.Actor.ID == "" || e.Address != "127.0.0.1" || e.Reason != "because of "+op.id ||
			e.RequestID != a.header.Get("X-Request-Id") || e.Outcome != fleet.AuditDone || !strings.Contains(e.Action, ".") || e.Object.Kind == "" {
			t.Errorf("%s: %+v", op.id, e)
		}
	}
	m.do("super", "POST", "/api/v1/tenants", auditBodies["tenants.create"])
	if rows := m.audit(local.In("new")); len(rows) != 1 || rows[0].Action != "tenant.created" || rows[0].Tenant != "new" {
		t.Errorf("a new tenant: %+v", rows)
	}
	if r, err := m.core.Audits.Verify(t.Context(), local); err != nil || r.Fault != nil || r.Rows < 30 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAuditTellsWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"r","name":"Old"}`)
	w.do("admin", "PATCH", "/api/v1/robots/r", `{"name":"New"}`)
	w.do("admin", "PATCH", "/api/v1/robots/r", `{"name":""}`) // refused
	rows := w.audit(auth.Local())
	e := rows[len(rows)-1]
	var before, after map[string]any
	if e.Action != "robot.update" || json.Unmarshal(e.Before, &before) != nil || json.Unmarshal(e.After, &after) != nil || before["name"] != "Old" || after["name"] != "New" {
		t.Errorf("%+v %s %s", e, e.Before, e.After)
	}
	scenario{name: "list", as: "admin", method: "GET", path: "/api/v1/audit?object_id=r&action=robot.update", status: 200, has: []string{`"Old"`, `"next_after":`, `"head":{"seq":`}, lacks: []string{"robot.register"}}.run(w)
	scenario{name: "limit", as: "admin", method: "GET", path: "/api/v1/audit?limit=1001", status: 422}.run(w)
	scenario{name: "time", as: "admin", method: "GET", path: "/api/v1/audit?from=yesterday", status: 422}.run(w)
	scenario{name: "verify", as: "admin", method: "POST", path: "/api/v1/audit/verify", body: `{}`, status: 200, has: []string{`"rows":`}, lacks: []string{"fault"}}.run(w)
	text := (&matrix{world: w}).ask(matrixCaller{name: "admin"}, matrixOp{method: "GET"}, "/api/v1/audit/export").body
	part := func(query string) (seqs []int64) {
		w.Helper()
		a := (&matrix{world: w}).ask(matrixCaller{name: "admin"}, matrixOp{method: "GET"}, "/api/v1/audit/export?"+query)
		if a.status != 200 {
			w.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		for line := range strings.Lines(a.body) {
			var e fleet.AuditEntry
			w.must(json.Unmarshal([]byte(line), &e))
			seqs = append(seqs, e.Seq)
		}
		return seqs
	}
	if want := (orchestrator.AuditFilter{Action: "robot.update", ObjectKind: fleet.SubjectRobot, ObjectID: "r", Outcome: fleet.AuditDone}); len(part("")) != len(rows) ||
		fmt.Sprint(part("action="+want.Action+"&object_kind=robot&object_id=r&outcome=done")) != fmt.Sprint([]int64{e.Seq}) ||
		len(part("outcome=failed")) != 0 || len(part("actor_id=nobody")) != 0 || len(part("from=2100-01-01T00:00:00Z")) != 0 ||
		len(part("to=2100-01-01T00:00:00Z&after=1")) != len(rows)-1 {
		t.Error("an export is not what its filter says")
	}
	for _, bad := range []string{"outcome=perhaps", "from=yesterday", "after=x", "after=-1"} {
		if a := w.do("admin", "GET", "/api/v1/audit/export?"+bad, ""); a.status != 422 {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	check := func(lines []string) *auditchain.Fault {
		c := auditchain.From(auditchain.Start())
		for _, line := range lines {
			var e fleet.AuditEntry
			w.must(json.Unmarshal([]byte(line), &e))
			c.Take(e)
		}
		return c.End(nil).Fault
	}
	if len(lines) != len(rows) || check(lines) != nil {
		t.Fatalf("%d lines of %d rows: %+v", len(lines), len(rows), check(lines))
	}
	if f := check(lines[1:]); f == nil || f.Kind != auditchain.Missing || f.Seq != 1 {
		t.Errorf("a line is gone: %+v", f)
	}
	forged := strings.Replace(text, `"Old"`, `"Odd"`, 1)
	if f := check(strings.Split(strings.TrimSpace(forged), "\n")); f == nil || f.Kind != auditchain.Changed {
		t.Errorf("a byte was changed: %+v", f)
	}
}

// The first refusal is told at once; those of the same kind in the same minute
// are counted.
func TestDenialsAreAudited(t *testing.T) {
	w := newWorld(t)
	id := w.submit(`{"workflow_json":` + doc + `}`)
	before := len(w.audit(auth.Local()))
	for range 5 {
		scenario{name: "denied", as: "viewer", method: "POST", path: "/api/v1/jobs/" + string(id) + "/cancel", body: "{}", status: 403}.run(w)
	}
	rows := w.audit(auth.Local())[before:]
	if len(rows) != 1 || rows[0].Outcome != fleet.AuditDenied || rows[0].Action != "jobs.cancel" || rows[0].Actor.Name != "key viewer" || !strings.Contains(string(rows[0].After), "jobs:run") {
		t.Errorf("%+v", rows)
	}
}
