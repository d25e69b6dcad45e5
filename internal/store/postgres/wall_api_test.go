package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/gateway"
	"github.com/casarerpa/fleet/internal/httpapi"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// tenantsAPI is the API on a store, with an admin's key of each of two tenants.
type tenantsAPI struct {
	url  string
	keys map[fleet.TenantID]string
}

func newTenantsAPI(t *testing.T, s store.Store) *tenantsAPI {
	t.Helper()
	ids := fleet.NewIDs(time.Now, rand.Reader)
	log := slog.New(slog.DiscardHandler)
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Parse(strings.Repeat("07", 32))
	if err != nil {
		t.Fatal(err)
	}
	core := orchestrator.New(orchestrator.Options{
		Sealer: sealer, Store: s, IDs: ids, Now: time.Now, Chance: func() float64 { return 0 }, Catalog: cat, Logger: log,
		Limits: orchestrator.DefaultLimits(), Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
	})
	keys := auth.NewKeys(s, ids, rand.Reader, time.Now)
	a := &tenantsAPI{keys: map[fleet.TenantID]string{}}
	for _, tenant := range []fleet.TenantID{"acme", "globex"} {
		p := auth.Local()
		p.Tenant = tenant
		_, secret, err := keys.NewServiceKey(t.Context(), p, "admin-of-"+string(tenant), fleet.RoleAdmin, 0)
		if err != nil {
			t.Fatal(err)
		}
		a.keys[tenant] = secret.Reveal()
	}
	api, err := httpapi.New(httpapi.Options{
		Polling: gateway.New(gateway.Options{
			Member: ids.New(), Version: "test", Robots: core.Robots, Attempts: core.Attempts, Secrets: core.Secrets, Keys: keys, Signals: s.Signals(),
			Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Now: time.Now, Logger: log, Limits: gateway.DefaultLimits(),
		}),
		Orchestrator: core, Keys: keys, People: auth.NewPeople(s, ids, rand.Reader, time.Now, auth.DefaultSignInRules()).With(keys), Health: s.Health, Logger: log, Limits: config.DefaultLimits(), Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(func() {
		if stop, ok := api.(interface{ Stop() }); ok {
			stop.Stop()
		}
		server.Close()
	})
	a.url = server.URL
	return a
}

func (a *tenantsAPI) do(t *testing.T, as fleet.TenantID, method, path, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.keys[as])
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(text)
}

// apiRoutes are all routes of the API as its document lists them.
func apiRoutes(t *testing.T) [][2]string {
	t.Helper()
	text, err := os.ReadFile("../../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var out [][2]string
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "parameters" {
				out = append(out, [2]string{strings.ToUpper(method), path})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[1]+a[0], b[1]+b[0]) })
	return out
}

// TestAPIBehindTheWall goes through every route of the API as one tenant, with
// the ids of another one's things, while no statement asks for the tenant.
func TestAPIBehindTheWall(t *testing.T) {
	db := migrated(t)
	f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
	f.Now = time.Now()
	running, session := filled(t, f)
	waiting := f.Submit(f.Spec())
	ended := f.Running(f.Spec(), "r1", session.Epoch)
	f.Report(f.NewReport(ended, fleet.ReportFailed, 2))
	kept := fleet.Reservation{ID: f.IDs.New(), Tenant: f.Tenant, Name: "slots of acme", Enabled: true, Selector: fleet.Selector{All: true}}
	f.Update(func(tx store.Tx) error { return tx.PutReservation(kept) })
	many := fleet.Bulk{ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.CommandPause, State: fleet.BulkRunning, Wave: 1, Waves: 1, Total: 1, By: "by-acme"}
	f.Update(func(tx store.Tx) error {
		return tx.AddBulk(many, []fleet.BulkTarget{{Bulk: many.ID, RobotID: "r1", Wave: 1, State: fleet.TargetPending, Reason: "why-of-acme"}})
	})
	own := fleet.NewTenant(f.Tenant)
	own.Name = "name-of-acme"
	f.Update(func(tx store.Tx) error { return tx.AddTenant(own) })
	token := fleet.Enrolment{
		ID: f.IDs.New(), Tenant: f.Tenant, NamePattern: "pattern-of-acme", Hash: "token-of-acme", UsesMax: 1, CreatedAt: f.Now, ExpiresAt: f.Now.Add(time.Hour),
	}
	f.Update(func(tx store.Tx) error { return tx.PutEnrolment(token) })
	person := fleet.User{ID: f.IDs.New(), Tenant: f.Tenant, Name: "person-of-acme", Role: fleet.RoleAdmin, Password: "hash-of-acme", CreatedAt: f.Now, UpdatedAt: f.Now}
	signIn := fleet.SignIn{ID: f.IDs.New(), Tenant: f.Tenant, User: person.ID, Kind: fleet.SignInToken, CreatedAt: f.Now, SeenAt: f.Now, EndsAt: f.Now.Add(time.Hour)}
	f.Update(func(tx store.Tx) error { return errors.Join(tx.AddUser(person), tx.AddSignIn(signIn)) })
	f.Update(func(tx store.Tx) error { // so that there are numbers to hide
		rows := fleet.Rollup{}
		rows.Ended(&fleet.JobFacts{Job: fleet.Job{
			ID: ended.ID, Tenant: f.Tenant, Workflow: fleet.JobWorkflow{ID: "w-1", Name: "invoices"}, State: fleet.Failed, RobotID: "r1", CreatedAt: f.Now, StartedAt: f.Now, EndedAt: f.Now,
		}})
		_, err := tx.AddRollups(store.RollupHead{Tenant: f.Tenant}, 1, f.Now, rows)
		return err
	})
	queue := f.Queue(func(q *fleet.Queue) { q.Name = "queue-of-acme" })
	item := f.Add(&queue, fleet.ItemSpec{Reference: "reference-of-acme"})
	timed := f.Schedule(func(s *fleet.Schedule) { s.Name = "schedule-of-acme" })
	told := f.Trigger(func(g *fleet.Trigger) { g.Name = "trigger-of-acme" })
	seen := f.Trigger(func(g *fleet.Trigger) {
		g.Name, g.Kind, g.File = "watched-of-acme", fleet.TriggerFile, &fleet.FileRule{RobotID: "r1", Path: "/in-of-acme/*"}
	})
	sent := f.Webhook(func(w *fleet.Webhook) { w.Name = "webhook-of-acme" })
	looked := f.KeepView("", "view-of-acme")
	days := fleet.WorkCalendar{ID: f.IDs.New(), Tenant: f.Tenant, Name: "calendar-of-acme", Timezone: "Europe/Paris", CreatedAt: f.Now, UpdatedAt: f.Now}
	f.Update(func(tx store.Tx) error { return tx.PutWorkCalendar(days) })
	rule := fleet.AlertRule{ID: f.IDs.New(), Tenant: f.Tenant, Name: "rule-of-acme", Kind: fleet.AlertQueueSLA, Enabled: true}
	rule.Normal()
	way := fleet.AlertChannel{ID: f.IDs.New(), Tenant: f.Tenant, Name: "channel-of-acme", Kind: fleet.ChannelWebhook, Webhook: &fleet.WebhookWay{URL: "https://acme.example"}}
	quiet := fleet.Silence{ID: f.IDs.New(), Tenant: f.Tenant, Name: "silence-of-acme", From: f.Now, Until: f.Now.Add(time.Hour)}
	f.Update(func(tx store.Tx) error {
		return errors.Join(tx.PutAlertRule(rule), tx.PutAlertChannel(way), tx.PutSilence(quiet))
	})
	incident := f.Incident("cause-of-acme", func(i *fleet.Incident) { i.Title = "title-of-acme" })
	notice := f.Notice(incident, way.ID, fleet.NoticeOpened)
	api := newTenantsAPI(t, open(t, db.URL, Options{}))
	blind(t)
	before := dump(t, db)

	// What belongs to acme and may stand in no answer to globex.
	secrets := []string{
		string(running.ID), string(waiting.ID), string(ended.ID), "Robot r1", "invoices", "key-of-acme", "hash-of-acme", "secret-of-acme", "admin-of-acme", `"acme"`, string(kept.ID), kept.Name,
		string(many.ID), many.By, person.Name, string(person.ID), "why-of-acme", own.Name, string(token.ID), token.NamePattern,
		string(queue.ID), queue.Name, string(item), "reference-of-acme",
		string(rule.ID), rule.Name, string(way.ID), way.Name, string(quiet.ID), quiet.Name, string(incident.ID), incident.Cause, incident.Title, string(notice.ID),
		string(timed.ID), timed.Name, string(told.ID), told.Name, string(sent.ID), sent.Name, string(looked.ID), looked.Name, string(seen.ID), seen.Name, seen.File.Path, string(days.ID), days.Name,
	}
	ids := map[string][]string{
		"/api/v1/jobs/": {string(running.ID), string(waiting.ID), string(ended.ID)}, "/api/v1/keys/": {"key-of-acme"}, "/api/v1/robot-api-keys/": {"key-of-acme"},
		"/api/v1/robots/": {"r1"}, "/api/v1/metrics/robots/": {"r1"}, "/api/v1/metrics/robot/": {"r1"}, "/api/v1/metrics/jobs/": {string(running.ID), string(ended.ID)}, "/api/v1/local/runs/": {string(running.ID)}, "/api/v1/workflows/": {"w-1"}, "/api/v1/reservations/": {string(kept.ID)}, "/api/v1/dlq/": {string(ended.ID)},
		"/api/v1/bulk-operations/": {string(many.ID)}, "/api/v1/users/": {string(person.ID)}, "/api/v1/me/sessions/": {string(signIn.ID)}, "/api/v1/tenants/": {string(f.Tenant)},
		"/api/v1/enrolments/": {string(token.ID)}, "/api/v1/queues/": {string(queue.ID), queue.Name}, "/api/v1/queue-items/": {string(item)},
		"/api/v1/alert-rules/": {string(rule.ID), rule.Name}, "/api/v1/alert-channels/": {string(way.ID), way.Name}, "/api/v1/silences/": {string(quiet.ID), quiet.Name},
		"/api/v1/incidents/": {string(incident.ID)},
		"/api/v1/schedules/": {string(timed.ID)}, "/api/v1/views/": {string(looked.ID)}, "/api/v1/webhooks-out/": {string(sent.ID), sent.Name}, "/api/v1/triggers/": {string(told.ID), string(seen.ID)}, "/api/v1/robot/watches/": {string(seen.ID)}, "/api/v1/calendars/": {string(days.ID)},
	}
	asked, saw := 0, 0
	for _, r := range apiRoutes(t) {
		method, path := r[0], r[1]
		if strings.HasPrefix(path, "/api/v1/local/") || path == "/api/v1/stream" || path == "/api/v1/fleet/snapshot" { // of a whole program
			continue // of the machine that serves the page; nothing of it is in a database
		}
		var list []string
		if strings.Contains(path, "{id}") {
			for prefix, some := range ids {
				if strings.HasPrefix(path, prefix) {
					for _, id := range some {
						list = append(list, strings.NewReplacer("{id}", id, "{n}", "1", "{backfill}", string(days.ID), "{robot_id}", "r1", "{node_id}", "n1").Replace(path))
					}
				}
			}
			if len(list) == 0 {
				t.Errorf("%s: the test knows no id for it", path)
			}
		} else {
			list = []string{strings.NewReplacer("{workflow}", "w-1", "{hash}", "x", "{sha256}", strings.Repeat("a", 64)).Replace(path)}
		}
		for _, at := range list {
			body := ""
			if method == "POST" || method == "PUT" || method == "PATCH" {
				body = "{}"
			}
			status, text := api.do(t, "globex", method, at, body)
			asked++
			if status >= 500 && !strings.Contains(text, "no_streams") { // this API is served without them
				t.Errorf("%s %s as globex: %d %s", method, at, status, text)
			}
			if status < 300 && strings.Contains(path, "{id}") {
				t.Errorf("%s %s as globex: %d %s", method, at, status, text)
			}
			for _, s := range secrets {
				if status < 300 && strings.Contains(text, s) {
					t.Errorf("%s %s as globex shows %s: %s", method, at, s, text)
				}
			}
			if method == "GET" { // its owner sees it, so there was something to hide
				if status, text := api.do(t, "acme", method, at, ""); status < 300 &&
					slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) }) {
					saw++
				}
			}
		}
	}
	if asked < 30 || saw < 12 {
		t.Errorf("%d requests, of which the owner sees something in %d: too few to show anything", asked, saw)
	}
	if after := dump(t, db); after != before {
		t.Errorf("globex changed something of acme:\n%s\nwas\n%s", after, before)
	}
	f.CheckInvariants()
}
