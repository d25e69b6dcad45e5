package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// rights says a second time, by hand, who may call each operation: n without a
// credential, e with an enrolment token, r a robot's key for its own robot, then
// the roles viewer, operator, developer, admin and super admin by their first
// letters, and p a person who signed in, who has the rights of a viewer besides. What
// stands here is compared with what the server does, so a right that changes
// has to be changed twice.
var rights = map[string]string{
	"health.get": "nervodasx", "health.alias": "nervodasx", "health.live": "nervodasx", "health.ready": "nervodasx", "document.get": "nervodas", "me.get": "ervodas",

	"jobs.list": "vodas", "jobs.histogram": "vodas", "jobs.export": "vodas", "jobs.get": "vodas", "jobs.attempts": "vodas", "jobs.explain": "vodas", "jobs.graph": "vodas", "jobs.log": "vodas", "jobs.log_search": "vodas", "jobs.steps": "vodas", "jobs.timeline": "vodas", "jobs.artifacts": "vodas", "jobs.artifact": "vodas", "robot.artifact": "r",
	"jobs.act_many": "odas", "jobs.submit": "odas", "jobs.submit_many": "odas", "jobs.cancel": "odas", "jobs.retry": "odas", "jobs.priority": "odas", "jobs.move": "odas", "jobs.decide": "oas",
	"deadletters.list": "vodas", "deadletters.get": "vodas", "deadletters.stats": "vodas", "deadletters.retry": "odas", "deadletters.groups": "vodas", "deadletters.retry_group": "odas",
	"deadletters.delete": "as", "deadletters.purge": "as", "placement.preview": "odas", "events.list": "vodas", "fleet.snapshot": "vodas", "stream.open": "vodas",
	"attention.list": "vodas", "activity.list": "vodas", "activity.alias": "vodas", "views.live_jobs": "vodas", "views.robot_status": "vodas", "views.queue_metrics": "vodas", "views.admin": "as",
	"views.logs": "vodas", "views.robot_logs": "vodas", "views.jobs": "vodas", "views.robots": "vodas", "views.queue_depth": "vodas", "views.metrics": "vodas",

	"robots.list": "vodas", "robots.get": "vodas", "robots.commands": "vodas", "robots.assignments": "vodas", "robots.register": "ras", "robots.delete": "as",
	"robots.row": "rvodas", "robots.rows": "vodas", "robots.status": "ras", "robots.heartbeat": "ras", "robots.heartbeat_of": "ras", "robots.logs": "vodas", "robots.metrics": "vodas",
	"robot.claim": "r", "robot.complete": "r", "robot.fail": "r", "robot.release": "r", "robot.extend": "r", "robot.progress": "r",
	"robots.update": "as",
	"robots.drain":  "oas", "robots.maintenance": "oas", "robots.pause": "oas", "robots.restart": "oas", "robots.self_test": "oas", "robots.resume": "oas",
	"robots.shutdown": "oas", "robots.start": "oas", "robots.stop": "oas",
	"bulk.list": "vodas", "bulk.get": "vodas", "bulk.start": "oas", "bulk.cancel": "odas", "bulk.retry": "odas",
	"environments.list": "vodas", "environments.get": "vodas", "environments.put": "as",
	"reservations.list": "vodas", "reservations.get": "vodas", "reservations.create": "as", "reservations.update": "as", "reservations.delete": "as",
	"robot.result": "r", "robot.workflow": "r", "robot.watches": "r", "robot.watched": "r",

	"workflows.list": "vodas", "workflows.get": "vodas", "workflows.versions": "vodas", "workflows.version": "vodas", "workflows.validate": "vodas",
	"workflows.submit": "odas", "workflows.upload": "das", "workflows.delete": "das", "robots.edit": "as",
	"workflows.put": "das", "assignments.list": "vodas", "assignments.put": "das", "assignments.delete": "das",
	"node_overrides.list": "vodas", "node_overrides.get": "vodas", "node_overrides.put": "das", "node_overrides.delete": "das",

	"auth.login": "nervodas", "auth.session": "nervodas", "auth.refresh": "nervodas", "auth.setup": "nervodas", "auth.me": "ervodas",
	"auth.oidc_start": "nervodas", "auth.oidc_callback": "nervodas",
	"auth.logout": "p", "auth.ticket": "p", "me.password": "p", "me.sessions": "p", "me.end_session": "p",
	"users.list": "as", "users.get": "as", "users.create": "as", "users.update": "as", "users.password": "as", "users.delete": "as",

	"keys.list": "as", "keys.create": "as", "keys.revoke": "as", "keys.get": "as", "keys.update": "as", "keys.rotate": "as",
	"robot_keys.list": "as", "robot_keys.create": "as", "robot_keys.revoke": "as", "robot_keys.delete": "as", "robot_keys.rotate": "as",
	"enrolments.list": "as", "enrolments.create": "as", "enrolments.revoke": "as", "robots.enrol": "e", "members.list": "as", "settings.list": "as",
	"audit.list": "as", "audit.export": "as", "audit.verify": "as",
	"secrets.list": "as", "secrets.get": "as", "secrets.put": "as", "secrets.delete": "as", "secrets.rewrap": "as",
	"assets.list": "vodas", "assets.get": "vodas", "assets.put": "as", "assets.delete": "as",
	"meta.get": "nervodasx", "node_types.list": "vodas",
	"local.runs": "vodas", "local.run": "vodas", "local.log": "vodas", "local.start": "odas", "local.cancel": "odas",
	"local.files": "vodas", "local.open": "vodas", "local.save": "das", "local.connect": "das",
	"numbers.fleet": "vodas", "numbers.analytics": "vodas", "numbers.overview": "vodas", "numbers.series": "vodas", "numbers.workflows": "vodas", "numbers.robots": "vodas",
	"numbers.environments": "vodas", "numbers.triggers": "vodas", "numbers.waits": "vodas", "numbers.failures": "vodas", "numbers.heat": "vodas",
	"jobs.rows": "vodas", "jobs.row": "vodas", "mining.workflows": "vodas", "mining.bottlenecks": "vodas", "mining.execution": "vodas", "mining.timeline": "vodas", "robots.health": "vodas", "robots.fleet_state": "vodas", "robots.fleet_health": "vodas", "robots.sum": "vodas", "numbers.snapshot": "vodas", "numbers.prometheus": "vodas",
	"hooks.call": "nervodasx", "hooks.call_path": "nervodasx", "hooks.call_owner": "nervodasx", // the call proves itself; here it is nobody's
	"triggers.list": "vodas", "triggers.get": "vodas", "triggers.fires": "vodas", "triggers.test": "odas", "triggers.create": "das", "triggers.update": "das",
	"triggers.delete": "das", "triggers.enable": "odas", "triggers.disable": "odas",
	"views.list": "vodas", "views.create": "vodas", "views.update": "vodas", "views.delete": "vodas",
	"search.get":    "vodas",
	"webhooks.list": "as", "webhooks.get": "as", "webhooks.create": "as", "webhooks.update": "as", "webhooks.delete": "as", "webhooks.enable": "as",
	"webhooks.disable": "as", "webhooks.rotate": "as", "webhooks.test": "as", "webhooks.replay": "as", "webhooks.deliveries": "as", "webhooks.delivery": "as",
	"schedules.list": "vodas", "schedules.get": "vodas", "schedules.upcoming": "vodas", "schedules.agenda": "vodas", "schedules.preview": "vodas", "schedules.fires": "vodas",
	"schedules.create": "das", "schedules.update": "das", "schedules.delete": "das", "schedules.run": "odas", "schedules.run_as": "odas",
	"schedules.trigger": "odas", "schedules.enable": "odas", "schedules.disable": "odas", "backfills.list": "vodas", "backfills.create": "odas", "backfills.cancel": "odas",
	"calendars.list": "vodas", "calendars.get": "vodas", "calendars.create": "das", "calendars.update": "das", "calendars.delete": "das",
	"queues.list": "vodas", "queues.get": "vodas", "queues.stats": "vodas", "queues.depth": "vodas", "queues.figures": "vodas", "queues.create": "das", "queues.update": "das", "queues.delete": "das",
	"queues.pause": "odas", "queues.resume": "odas",
	"items.list": "vodas", "items.get": "vodas", "items.chain": "vodas", "items.export": "vodas", "items.add": "rodas", "items.add_many": "odas",
	"items.update": "odas", "items.delete": "odas", "items.retry": "odas", "items.change": "odas", "items.review": "odas", "items.comment": "odas",
	"items.claim": "rodas", "items.complete": "rodas", "items.fail": "rodas", "items.postpone": "rodas", "items.release": "rodas", "items.renew": "rodas",
	"alertrules.list": "vodas", "alertrules.get": "vodas", "alertrules.create": "as", "alertrules.update": "as", "alertrules.delete": "as",
	"alertchannels.list": "vodas", "alertchannels.get": "vodas", "alertchannels.create": "as", "alertchannels.update": "as", "alertchannels.delete": "as",
	"alertchannels.test": "as", "alertchannels.rotate": "as",
	"silences.list": "vodas", "silences.create": "odas", "silences.update": "odas", "silences.delete": "odas",
	"incidents.list": "vodas", "incidents.get": "vodas", "incidents.acknowledge": "odas", "incidents.resolve": "odas",
	"tenants.list": "as", "tenants.get": "as", "tenants.create": "s", "tenants.put": "s",
}

// matrixCaller is one column: a credential and the letter of its rights; none
// for one that does not count.
type matrixCaller struct{ name, letter string }

func (c matrixCaller) may(op matrixOp) bool {
	return c.letter != "" && strings.ContainsAny(rights[op.id], map[string]string{"p": "pv"}[c.letter]+c.letter)
}

func matrixCallers() []matrixCaller {
	return []matrixCaller{
		{"nobody", "n"},
		{"wrong", ""},
		{"expired", ""},
		{"revoked", ""},
		{"enrolment", "e"}, // a token for machines
		{"bot-1", "r"},
		{"bot-2", "r"},
		{"viewer", "v"},
		{"operator", "o"},
		{"developer", "d"},
		{"admin", "a"},
		{"super", "s"},
		{"person", "p"},
	}
}

// matrix is the world of the test: two tenants with the same things.
type matrix struct {
	*world
	ops   []matrixOp
	made  int
	ours  *estate
	their *estate
}

type matrixOp struct{ id, method, path string }

// estate is what one tenant has; things are made as they are needed, since many
// an operation uses its thing up.
type estate struct {
	m      *matrix
	p      auth.Principal
	robot  auth.Principal
	epoch  int64
	marks  []string // names and ids that no stranger may read
	hash   string   // of a document whose attempt the robot holds
	hashed fleet.ID
	person string
}

func newMatrix(t *testing.T) *matrix {
	return newMatrixOn(t, dbtest.Open(t, dbtest.Options{}))
}

func newMatrixOn(t *testing.T, db dbtest.Store) *matrix {
	m := &matrix{world: newWorldOn(t, db, func(o *Options) {
		o.Limits.Requests, o.Limits.Submits, o.Limits.RobotFrames, o.Limits.SignIns, o.Limits.Addresses, o.Limits.Enrolments = 1e9, 1e9, 1e9, 1e9, 1e9, 1e9
		o.Limits.RobotRequests = 1e9
		o.Issuer = nowhereIssuer{}
		o.Here = newHere(t)
	})}
	m.super()
	_, err := m.core.Tenants.Create(t.Context(), auth.Local(), fleet.NewTenant("globex"))
	m.must(err)
	m.ours, m.their = m.estate("default"), m.estate("globex")
	_, token, err := m.api.enrolments.Create(t.Context(), auth.Local(), fleet.Enrolment{UsesMax: 100}, 0)
	m.must(err)
	m.keys["enrolment"] = token.Reveal()
	_, err = m.core.Robots.Register(t.Context(), auth.Local(), fleet.Robot{ID: "bot-2"})
	m.must(err)
	m.keys["wrong"] = strings.Repeat("x", 5) + m.keys["admin"][5:]
	_, short, err := m.api.o.Keys.NewServiceKey(t.Context(), auth.Local(), "expired", fleet.RoleAdmin, time.Millisecond)
	m.must(err)
	m.keys["expired"] = short.Reveal()
	key, gone, err := m.api.o.Keys.NewServiceKey(t.Context(), auth.Local(), "revoked", fleet.RoleAdmin, 0)
	m.must(err)
	m.must(m.api.o.Keys.Revoke(t.Context(), auth.Local(), key.ID, ""))
	m.keys["revoked"] = gone.Reveal()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	m.must(json.Unmarshal(documentText(m), &doc))
	for path, methods := range doc.Paths {
		for method, op := range methods {
			m.ops = append(m.ops, matrixOp{op.OperationID, strings.ToUpper(method), path})
		}
	}
	slices.SortFunc(m.ops, func(a, b matrixOp) int { return strings.Compare(a.id, b.id) })
	return m
}

// TestInventory: what is served, what is documented and whose rights are known
// are the same operations.
func TestInventory(t *testing.T) {
	m := newMatrix(t)
	served := slices.Sorted(maps.Keys(m.api.routes))
	var documented []string
	for _, op := range m.ops {
		documented = append(documented, op.method+" "+op.path)
		if rights[op.id] == "" {
			t.Errorf("%s: the rights say nothing of it", op.id)
		}
	}
	slices.Sort(documented)
	if !slices.Equal(served, documented) {
		t.Errorf("served %d:\n%s\ndocumented %d:\n%s", len(served), strings.Join(served, "\n"), len(documented), strings.Join(documented, "\n"))
	}
	for id := range rights {
		if !slices.ContainsFunc(m.ops, func(op matrixOp) bool { return op.id == id }) {
			t.Errorf("%s has rights and is not there", id)
		}
	}
}

// TestMatrix asks every operation as everybody, of an own thing, of another
// tenant's, and of one that does not exist. No cell is open: an operation
// without rights or without a thing to name fails.
func TestMatrix(t *testing.T) {
	m := newMatrix(t)
	cells := 0
	for _, op := range m.ops {
		for _, c := range matrixCallers() {
			cells += m.cell(t, op, c)
		}
	}
	t.Logf("%d operations, %d cells", len(m.ops), cells)
}

// cell asks one operation as one caller, and says how many answers it judged.
func (m *matrix) cell(t *testing.T, op matrixOp, c matrixCaller) (judged int) {
	may := c.may(op)
	named := strings.Contains(op.path, "{")
	own, absent, nowhere := m.ask(c, op, m.ours.path(t, op, c)), answer{}, ""
	if named {
		nowhere = m.nowhere(t, op)
		absent = m.ask(c, op, nowhere)
	}
	want := func(what string, a answer, ok func(int) bool, expect string) {
		t.Helper()
		if judged++; !ok(a.status) {
			t.Errorf("%s as %s, %s: got %d, want %s: %s", op.id, c.name, what, a.status, expect, a.body)
		}
	}
	is := func(status int) func(int) bool { return func(got int) bool { return got == status } }
	served := func(s int) bool { return s != 401 && s != 403 && s != 404 && s < 500 }
	switch {
	case strings.HasPrefix(op.id, "hooks."): // who calls proves it by the secret of a trigger, and these name none; TestWebhook
		want("of nobody", own, is(404), "404")
		want("absent", absent, is(404), "404")
		return judged
	case c.letter == "" && strings.Contains(rights[op.id], "x"): // a credential that does not count is none
		want("own", own, served, "an answer")
	case c.letter == "" || c.letter == "n" && !may:
		want("own", own, is(401), "401")
		if named {
			want("absent", absent, is(401), "401")
		}
	case !may:
		want("own", own, is(403), "403")
		if named {
			want("absent", absent, is(403), "403")
		}
	case (op.id == "robot.workflow" || op.id == "robot.watched") && c.name == "bot-2": // another robot holds the attempt, or looks
		want("of another robot", own, is(404), "404")
	default:
		want("own", own, served, "an answer")
	}
	m.silent(t, op, c, own, "")
	if !named || c.letter == "" || c.letter == "n" || !m.theirs(op) {
		return judged
	}
	elsewhere := m.their.path(t, op, c)
	foreign := m.ask(c, op, elsewhere)
	across := c.across(op)
	switch {
	case !may:
		want("foreign", foreign, is(403), "403")
	case c.letter == "r" && strings.HasPrefix(op.id, "robots."): // not found would tell it that it was deleted
		want("absent", absent, is(403), "403")
		want("foreign", foreign, is(403), "403")
	case across:
		want("foreign, across tenants", foreign, served, "an answer")
	default:
		want("absent", absent, is(404), "404")
		want("foreign", foreign, is(404), "404")
		if a, b := m.bare(op, foreign, elsewhere), m.bare(op, absent, nowhere); a != b {
			t.Errorf("%s as %s: a foreign thing is told from none:\n%s\n%s", op.id, c.name, a, b)
		}
		m.silent(t, op, c, foreign, elsewhere)
	}
	return judged
}

// across says whether a caller works across tenants with an operation.
func (c matrixCaller) across(op matrixOp) bool {
	return c.letter == "s" && (strings.HasPrefix(op.id, "jobs.") && op.id != "jobs.row" || strings.HasPrefix(op.id, "tenants.") || strings.HasPrefix(op.id, "users."))
}

// theirs says whether an operation names things that belong to somebody. The
// name of an environment belongs to nobody, a put of a name that is not there makes it, and a sum is its body's.
func (m *matrix) theirs(op matrixOp) bool {
	switch op.id {
	case "secrets.put", "assets.put", "robot.result":
		return false
	}
	return !strings.HasPrefix(op.id, "environments.") && !strings.HasPrefix(op.id, "auth.")
}

// matrixBodies are what must be right before the thing is looked for.
var matrixBodies = map[string]string{
	"jobs.priority":       `{"priority":3}`,
	"jobs.move":           `{"target_robot_id":"any"}`,
	"local.connect":       `{"url":"http://localhost:1"}`,
	"robots.enrol":        `{"robot_id":"enrolled"}`,
	"robot.watched":       `{"path":"/in/a.pdf","size":1,"modified_at":"2026-01-01T00:00:00Z"}`,
	"robots.status":       `{"status":"idle"}`,
	"items.add_many":      `{"items":[{}]}`,
	"webhooks.replay":     `{"from":"` + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + `"}`,
	"backfills.create":    `{"from":"2024-01-01T00:00:00Z","until":"2024-01-02T00:00:00Z"}`,
	"items.comment":       `{"text":"x"}`,
	"items.change":        `{"ids":["01900000-0000-7000-8000-00000000dead"],"do":"retry"}`,
	"items.postpone":      `{"until":"2036-01-01T00:00:00Z"}`,
	"node_overrides.put":  `{"robot_id":"bot-1"}`,
	"reservations.update": `{"name":"kept","selector":{"all":true},"for":{"labels":{"a":"b"}}}`,
}

// ask sends a request with the least body that can be judged.
func (m *matrix) ask(c matrixCaller, op matrixOp, path string) answer {
	m.Helper()
	var body io.Reader
	if op.method != http.MethodGet && op.method != http.MethodDelete {
		body = strings.NewReader(cmp.Or(matrixBodies[op.id], "{}"))
	}
	req, err := http.NewRequestWithContext(m.Context(), op.method, m.url+path, body)
	m.must(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		switch op.id {
		case "workflows.upload":
			req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		case "robot.artifact":
			req.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	if c.name == "person" { // anew, since some operations end the sign-in
		m.keys["person"] = m.ours.signIn(fleet.SignInToken).Access.Reveal()
	}
	if key := m.keys[c.name]; key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	m.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	m.must(err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// silent fails when an answer holds anything of the other tenant's.
func (m *matrix) silent(t *testing.T, op matrixOp, c matrixCaller, a answer, path string) {
	t.Helper()
	if c.letter == "s" {
		return
	}
	for _, mark := range m.their.marks {
		if strings.Contains(a.body, mark) && !strings.Contains(path, mark) {
			t.Errorf("%s as %s shows %q of another tenant: %s", op.id, c.name, mark, a.body)
		}
	}
}

// bare is an error without what differs from request to request: the names that
// were asked for, and the request's id.
func (m *matrix) bare(op matrixOp, a answer, path string) string {
	var p map[string]any
	if json.Unmarshal([]byte(a.body), &p) != nil {
		return a.body
	}
	delete(p, "request_id")
	delete(p, "meta") // the same id, and the time
	text, err := json.Marshal(p)
	m.must(err)
	out := string(text)
	names := strings.Split(path, "/")
	for i, part := range strings.Split(op.path, "/") {
		if strings.Contains(part, "{") {
			out = strings.ReplaceAll(out, " "+names[i]+".", " NAME.")
		}
	}
	return out
}

const (
	nowhereID   = "01939c3e-7b1a-7c3d-8e4f-0123456789ab"
	nowhereName = "nowhere"
)

// nowhere is a path of things that do not exist.
func (m *matrix) nowhere(t *testing.T, op matrixOp) string {
	robot := nowhereName
	if op.id == "jobs.row" { // the figures of a job, beside those of robots
		robot = nowhereID
	}
	return fill(t, op, func(string) map[string]string {
		return map[string]string{
			"trigger": nowhereID, "owner": nowhereName, "path": nowhereName, "id": nowhereID, "robot": robot, "workflow": nowhereName, "tenant": nowhereName, "n": "1", "node_id": nowhereName, "robot_id": nowhereName,
			"name": nowhereName, "provider": nowhereName, "fingerprint": nowhereName, "backfill": nowhereID, "delivery": nowhereID, "hash": strings.Repeat("0", 64), "sha256": strings.Repeat("0", 64),
		}
	})
}

// fill puts names into a path. What {id} is depends on what it is an id of.
func fill(t *testing.T, op matrixOp, names func(noun string) map[string]string) string {
	t.Helper()
	noun, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(op.path, Base), "/"), "/")
	if !strings.Contains(op.path, "{") {
		return op.path
	}
	n := names(noun)
	switch noun {
	case "robots", "metrics":
		n["id"] = n["robot"]
	case "tenants":
		n["id"] = n["tenant"]
	}
	path := op.path
	for param, value := range n {
		path = strings.ReplaceAll(path, "{"+param+"}", value)
	}
	if strings.Contains(path, "{") {
		t.Fatalf("%s: the test has nothing to put into %s", op.id, path)
	}
	return path
}

func (m *matrix) estate(tenant fleet.TenantID) *estate {
	e := &estate{m: m, p: auth.Local().In(tenant), robot: auth.Robot(tenant, "bot-1", "default")}
	e.hashed = e.running()
	job, err := m.core.Jobs.Get(m.Context(), e.p, e.hashed)
	m.must(err)
	e.hash = job.Job.Workflow.Hash
	return e
}

// path makes what an operation needs and names it.
func (e *estate) path(t *testing.T, op matrixOp, c matrixCaller) string {
	return fill(t, op, func(noun string) map[string]string {
		names := map[string]string{
			"name": "lab", "provider": "sso", "fingerprint": nowhereName, "hash": e.hash, "sha256": strings.Repeat("a", 64), "tenant": string(e.p.Tenant), "n": "1", "node_id": "s",
			"trigger": "01900000-0000-7000-8000-00000000dead", "owner": string(e.p.Tenant), "path": "nothing",
		}
		if !c.may(op) {
			names["id"], names["robot"], names["robot_id"], names["workflow"], names["backfill"] = nowhereID, nowhereName, nowhereName, nowhereName, nowhereID
			names["delivery"] = nowhereID // nobody gets that far
			return names
		}
		switch noun {
		case "jobs":
			names["id"] = string(e.submit())
			if strings.HasSuffix(op.path, "/{name}") {
				names["id"] = string(e.artifact("lab"))
			}
		case "dlq":
			id := e.failed()
			names["id"] = string(id)
			if op.id == "deadletters.retry_group" {
				v, err := e.m.core.Jobs.Get(e.m.Context(), e.p, id)
				e.m.must(err)
				names["fingerprint"] = v.Alike
			}
		case "analytics":
			names["workflow"] = e.counted()
		case "robots", "metrics":
			if op.id == "jobs.row" {
				names["robot"] = string(e.submit())
				break
			}
			names["robot"] = string(e.newRobot())
			if c.letter == "r" && e == e.m.ours {
				names["robot"] = c.name
			}
		case "keys":
			key, _, err := e.m.api.o.Keys.NewServiceKey(t.Context(), e.p, e.name("key"), fleet.RoleViewer, 0)
			e.m.must(err)
			names["id"] = e.mark(string(key.ID))
		case "robot-api-keys":
			key, _, err := e.m.api.o.Keys.NewRobotKey(t.Context(), e.p, fleet.RobotID(e.name("bot")), "", 0)
			e.m.must(err)
			names["id"] = e.mark(string(key.ID))
		case "enrolments":
			token, _, err := e.m.api.enrolments.Create(t.Context(), e.p, fleet.Enrolment{NamePattern: e.name("pattern")}, 0)
			e.m.must(err)
			names["id"] = e.mark(string(token.ID))
		case "workflows":
			names["id"], names["robot_id"] = e.workflow(t, op)
		case "secrets":
			names["name"] = e.secret()
		case "assets":
			names["name"] = e.asset()
		case "queues":
			names["id"] = e.queue()
		case "triggers":
			names["id"] = e.trigger(orchestrator.TriggerChange{Event: &fleet.EventRule{Types: []fleet.EventKind{fleet.EventRobotConnected}}})
		case "views":
			names["id"] = e.view(t, c)
		case "webhooks-out":
			names["id"], names["delivery"] = e.webhook()
		case "robot":
			if op.id == "robot.watched" {
				names["id"] = e.trigger(orchestrator.TriggerChange{File: &fleet.FileRule{RobotID: e.robot.RobotID, Path: "/in/*.pdf"}})
			}
		case "schedules":
			names["id"] = e.schedule()
			if op.id == "backfills.cancel" {
				names["backfill"] = e.backfill(names["id"])
			}
		case "calendars":
			names["id"] = e.calendar()
		case "alert-rules":
			names["id"] = e.alertRule()
		case "alert-channels":
			names["id"] = e.channel()
		case "silences":
			names["id"] = e.silence()
		case "incidents":
			names["id"] = e.incident()
		case "queue-items":
			names["id"] = e.item(op.id)
		case "reservations":
			names["id"] = e.reservation()
		case "users":
			u, err := e.m.people.Create(t.Context(), e.p, fleet.User{Name: e.name("user"), Role: fleet.RoleViewer}, auth.NewSecret(matrixPassword))
			e.m.must(err)
			names["id"] = e.mark(string(u.ID))
		case "me":
			names["id"] = e.mark(string(e.signIn(fleet.SignInBrowser).SignIn.ID))
		case "bulk-operations":
			names["id"] = e.bulk()
			if c.letter == "d" { // who may run jobs and not operate robots
				names["id"] = e.jobBulk()
			}
		case "local":
			names["id"] = e.localRun()
		case "ws":
			names["robot_id"] = string(e.newRobot())
		}
		return names
	})
}

// mark remembers a name that no stranger may read.
func (e *estate) mark(name string) string {
	e.marks = append(e.marks, name)
	return name
}

// name makes a new name that tells whose it is.
func (e *estate) name(noun string) string {
	e.m.made++
	return e.mark(fmt.Sprintf("%s-%s-%d", e.p.Tenant, noun, e.m.made))
}
