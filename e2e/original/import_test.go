package original

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/pgtest"
)

// The tables of CasareRPA as its programs read and write them, with the columns
// that both of its ways of keeping keys have, and texts where others have JSON.
const casareSchema = `
create table robots (robot_id text primary key, name text, hostname text, status text, environment text, max_concurrent_jobs int,
	capabilities jsonb, tags text[], current_job_ids jsonb, last_seen timestamptz, created_at timestamp);
create table robot_api_keys (id uuid primary key default gen_random_uuid(), robot_id text, name text, description text, api_key_hash text,
	is_revoked boolean default false, revoked_at timestamptz, expires_at timestamptz, last_used_at timestamptz, last_used_ip text, created_at timestamptz default now());
create table workflows (workflow_id uuid primary key default gen_random_uuid(), workflow_name text, workflow_json jsonb, version int, description text, created_at timestamptz, updated_at timestamptz);
create table job_queue (id uuid primary key default gen_random_uuid(), workflow_id text, workflow_name text, workflow_json text, priority int, status text, robot_id text,
	environment text, visible_after timestamptz, created_at timestamptz, started_at timestamptz, completed_at timestamptz, error_message text, result jsonb,
	retry_count int, max_retries int, variables jsonb, metadata jsonb);
create table schedules (schedule_id uuid primary key default gen_random_uuid(), workflow_id text, workflow_name text, schedule_name text, cron_expression text,
	enabled boolean, priority int, execution_mode text, timezone text, metadata jsonb, run_count int, next_run timestamp, created_at timestamp);
insert into robots values
	('robot-desk-0a1b2c3d', 'Desk', 'desk', 'offline', 'production', 2, '["browser","desktop"]', array['front'], '[]', now(), now()),
	('robot-other-00000001', 'Other', 'other', 'idle', 'not a name!', 0, '"text"', null, '[]', null, null),
	('no good id', 'Bad', 'bad', 'idle', 'default', 1, '[]', null, '[]', null, null);
insert into robot_api_keys (robot_id, name, api_key_hash, is_revoked, expires_at) values
	('robot-desk-0a1b2c3d', 'desk key', '%s', false, null),
	('robot-desk-0a1b2c3d', 'revoked', repeat('a', 64), true, null),
	('robot-desk-0a1b2c3d', 'expired', repeat('b', 64), false, now() - interval '1 day'),
	('nobody', 'of nobody', repeat('c', 64), false, null),
	('robot-desk-0a1b2c3d', 'broken', 'no hash', false, null);
insert into workflows (workflow_id, workflow_name, workflow_json) values
	('11111111-1111-4111-8111-111111111111', 'Invoices', '{"metadata":{"name":"Invoices"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}'),
	('22222222-2222-4222-8222-222222222222', 'Broken', '{"nodes":{"s":{"node_id":"s","node_type":"NoSuchNode"}},"connections":[]}');
insert into job_queue (id, workflow_id, workflow_name, workflow_json, priority, status, robot_id, environment, created_at, started_at, completed_at, error_message, result, retry_count, max_retries, variables) values
	('33333333-3333-4333-8333-000000000001', '11111111-1111-4111-8111-111111111111', 'Invoices', '{"nodes":{}}', 3, 'completed', 'robot-desk-0a1b2c3d', 'production',
		now() - interval '3 hours', now() - interval '2 hours', now() - interval '2 hours' + interval '90 seconds', null, '{"total": 42}', 1, 3, '{"n": 7}'),
	('33333333-3333-4333-8333-000000000002', '11111111-1111-4111-8111-111111111111', 'Invoices', '{"nodes":{}}', 30, 'failed', 'robot-desk-0a1b2c3d', 'not a name!',
		now() - interval '2 days', now() - interval '2 days', now() - interval '2 days' - interval '1 second', 'ValueError: no such invoice', null, 3, 3, '"text"'),
	('33333333-3333-4333-8333-000000000003', null, 'Gone', null, null, 'cancelled', null, null, now() - interval '1 day', null, null, null, '[1]', null, null, null),
	('33333333-3333-4333-8333-000000000004', null, 'Gone', null, 10, 'completed', null, null, now() - interval '200 days', now() - interval '200 days', now() - interval '200 days', null, '{}', 0, 3, '{}'),
	('33333333-3333-4333-8333-000000000005', null, 'Invoices', null, 10, 'pending', null, null, now(), null, null, null, null, 0, 3, '{}'),
	('33333333-3333-4333-8333-000000000006', null, 'Invoices', null, 10, 'running', 'robot-desk-0a1b2c3d', null, now(), now(), null, null, null, 0, 3, '{}');
insert into schedules (schedule_id, workflow_id, workflow_name, schedule_name, cron_expression, enabled, priority, execution_mode, timezone, metadata, run_count, next_run) values
	('44444444-4444-4444-8444-000000000001', '11111111-1111-4111-8111-111111111111', 'Invoices', 'daily', '0 9 * * 1-5', true, 15, 'lan', null, '{"robot_id": "robot-desk-0a1b2c3d", "canvas_file": "a.json"}', 7, now()),
	('44444444-4444-4444-8444-000000000002', '11111111-1111-4111-8111-111111111111', 'Invoices', 'asleep', '0 9 * * *', false, 5, 'internet', 'Europe/Berlin', null, 0, null),
	('44444444-4444-4444-8444-000000000003', '11111111-1111-4111-8111-111111111111', 'Invoices', 'was once', '0 9 * * *', true, 5, 'lan', 'UTC', '{"schedule_config": {"frequency": "once"}}', 1, null),
	('44444444-4444-4444-8444-000000000004', '11111111-1111-4111-8111-111111111111', 'Invoices', 'is once', '0 9 * * *', true, 5, 'lan', 'UTC', '{"schedule_config": {"frequency": "once"}}', 0, now() + interval '3 days'),
	('44444444-4444-4444-8444-000000000005', '22222222-2222-4222-8222-222222222222', 'Broken', 'of a broken one', '0 9 * * *', true, 5, 'lan', 'UTC', null, 0, null),
	('44444444-4444-4444-8444-000000000006', '11111111-1111-4111-8111-111111111111', 'Invoices', 'no expression', 'every day', true, 5, 'lan', 'UTC', null, 0, null);`

// TestImportCasareRPA: a robot of the original goes on with the key that it has.
func TestImportCasareRPA(t *testing.T) {
	if !dbtest.OnPostgres(t) {
		t.Skip("the run on PostgreSQL does it for both stores: the source is a PostgreSQL")
	}
	t.Run("into PostgreSQL", func(t *testing.T) { importInto(t, dbtest.NewPlace(t)) })
	t.Run("into a folder", func(t *testing.T) { importInto(t, dbtest.Place{DataDir: t.TempDir()}) })
}

func importInto(t *testing.T, at dbtest.Place) {
	raw := "crpa_0123456789abcdef0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	sum := sha256.Sum256([]byte(raw))
	hash := hex.EncodeToString(sum[:])
	old := pgtest.Database(t).OwnerURL
	conn, err := pgx.Connect(t.Context(), old)
	must(t, err)
	_, err = conn.Exec(t.Context(), fmt.Sprintf(casareSchema, hash), pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	must(t, conn.Close(t.Context()))
	ours := app.Database{Dir: at.DataDir, URL: at.DatabaseURL}
	other := sha256.Sum256([]byte("crpa_" + strings.Repeat("z", 43)))
	tokens := "robot-token-1:" + hex.EncodeToString(other[:])

	count := func(r app.ImportReport, want string) {
		t.Helper()
		got := ""
		for _, kind := range []string{"robot", "key", "workflow", "schedule", "jobs"} {
			got += fmt.Sprintf("%s %d %d %d; ", kind, r.Count(kind, "taken"), r.Count(kind, "there"), r.Count(kind, "left"))
		}
		if got != want {
			t.Errorf("%s, want %s: %+v", got, want, r.Things)
		}
	}
	const first = "robot 3 0 1; key 2 0 4; workflow 1 0 1; schedule 3 0 3; jobs 3 0 3; "
	run := func(change func(o *app.ImportOptions)) app.ImportReport {
		t.Helper()
		o := app.ImportOptions{From: old, Tokens: tokens, HistoryDays: 90}
		change(&o)
		r, err := ours.ImportCasareRPA(t.Context(), o)
		must(t, err)
		return r
	}
	apply := func(o *app.ImportOptions) { o.Apply = true }
	dry := run(func(*app.ImportOptions) {})
	count(dry, first)
	if dry.Applied || dry.Count("table", "left") != 0 {
		t.Errorf("%+v", dry)
	}
	count(run(func(*app.ImportOptions) {}), first) // a dry run leaves nothing
	count(run(apply), first)
	count(run(apply), "robot 0 3 1; key 0 2 4; workflow 0 1 1; schedule 0 3 3; jobs 0 3 3; ")
	count(run(func(o *app.ImportOptions) { o.Apply, o.HistoryDays = true, 0 }), "robot 0 3 1; key 0 2 4; workflow 0 1 1; schedule 0 3 3; jobs 1 3 2; ")

	a, err := app.New(t.Context(), app.Options{DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0", Linger: -1})
	must(t, err)
	a.Start(t.Context())
	t.Cleanup(func() { must(t, a.Stop(context.Background())) })
	for key, path := range map[string]string{raw: "robot-desk-0a1b2c3d", "crpa_" + strings.Repeat("z", 43): "robot-token-1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/api/v1/metrics/robots/"+path, nil)
		must(t, err)
		req.Header.Set("X-Api-Key", key)
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s with its own key: %d", path, resp.StatusCode)
		}
	}
	imported(t, a, "schedules wait")
	must(t, a.Stop(context.Background()))

	for range 2 { // when the old one has stopped
		run(func(o *app.ImportOptions) { o.Apply, o.EnableSchedules, o.HistoryDays = true, true, 0 })
	}
	b, err := app.New(t.Context(), app.Options{DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0", Linger: -1})
	must(t, err)
	b.Start(t.Context())
	imported(t, b, "")
	must(t, b.Stop(context.Background()))
	if _, err := ours.ImportCasareRPA(t.Context(), app.ImportOptions{From: old, Tokens: "nonsense"}); err == nil {
		t.Error("tokens that are none were taken")
	}
}

// TestImportOddSources: some migrations of CasareRPA fail, so that tables and
// columns are missing or go by other names; what is there is read.
func TestImportOddSources(t *testing.T) {
	if !dbtest.OnPostgres(t) {
		t.Skip("the source is a PostgreSQL")
	}
	source := func(sql string) string {
		t.Helper()
		old := pgtest.Database(t).OwnerURL
		conn, err := pgx.Connect(t.Context(), old)
		must(t, err)
		_, err = conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		must(t, err)
		must(t, conn.Close(t.Context()))
		return old
	}
	run := func(old string) app.ImportReport {
		t.Helper()
		r, err := app.Database{Dir: t.TempDir()}.ImportCasareRPA(t.Context(), app.ImportOptions{From: old, Apply: true})
		must(t, err)
		return r
	}
	if r := run(source("")); r.Count("table", "left") != 5 || len(r.Things) != 5 {
		t.Errorf("of nothing: %+v", r.Things)
	}
	r := run(source(`
		create table workflows (id int, name text, definition text);
		insert into workflows values (7, 'Old', '{"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}');
		create table schedules (id int, name text, cron_expression text, workflow_id int);
		insert into schedules values (1, 'odd', '@daily', 7), (2, null, null, 7), (3, 'lost', '@daily', 8);
		create table job_queue (id int, workflow_id int, status text, created_at timestamp, result text);
		insert into job_queue values (1, 7, 'COMPLETED', now(), 'plain text'), (2, 7, 'completed', null, null), (3, null, 'failed', now(), '{}'), (4, 7, null, now(), null);`))
	got := ""
	for _, kind := range []string{"workflow", "schedule", "jobs", "table"} {
		got += fmt.Sprintf("%s %d %d; ", kind, r.Count(kind, "taken"), r.Count(kind, "left"))
	}
	if got != "workflow 1 0; schedule 1 2; jobs 2 2; table 0 2; " {
		t.Errorf("%s: %+v", got, r.Things)
	}
	if _, err := (app.Database{Dir: t.TempDir()}).ImportCasareRPA(t.Context(), app.ImportOptions{From: "postgres://nobody:secret@127.0.0.1:1/x"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// imported looks at the history and the schedules that came over; waits says that
// schedules do not run yet.
func imported(t *testing.T, a *app.App, waits string) {
	t.Helper()
	_, secret, err := a.Keys().NewServiceKey(t.Context(), auth.Local(), "admin "+waits, fleet.RoleAdmin, 0)
	must(t, err)
	c := &caller{t: t, url: a.URL(), http: http.DefaultClient, header: http.Header{"Authorization": {"Bearer " + secret.Reveal()}}}
	var rows []map[string]any
	must(t, json.Unmarshal([]byte(c.want(200, "GET", "/api/v1/metrics/jobs?limit=50", "").text), &rows))
	got := ""
	for _, r := range rows { // the newest first, by when they were submitted there
		legacyTime(t, r["created_at"])
		legacyTime(t, r["completed_at"])
		got += fmt.Sprint(r["workflow_name"], " ", r["status"], " ", r["robot_id"], " ", r["duration_ms"], " ", r["error_message"], "; ")
	}
	if want := "Invoices completed robot-desk-0a1b2c3d 90000 ; Gone cancelled <nil> 0 ; Invoices failed robot-desk-0a1b2c3d 0 ValueError: no such invoice; Gone completed <nil> 0 ; "; got != want {
		t.Errorf("history is %s\nwant %s", got, want)
	}
	id := rows[0]["job_id"].(string)
	job := c.want(200, "GET", "/api/v1/jobs/"+id, "").object(t)
	if fmt.Sprintf("%v %v %v %v %v %v %v", job["variables"], job["result"], job["priority"], job["retries_used"], job["environment"], job["submitted_by"], job["labels"]) !=
		"map[n:7] map[total:42] 3 1 production CasareRPA map[casarerpa-job:33333333-3333-4333-8333-000000000001]" {
		t.Errorf("%v", job)
	}
	failed := c.want(200, "GET", "/api/v1/jobs/"+rows[2]["job_id"].(string), "").object(t)
	if fmt.Sprintf("%v %v %v", failed["priority"], failed["environment"], failed["variables"]) != "20 not a name! map[value:text]" {
		t.Errorf("%v", failed)
	}
	c.want(409, "POST", "/api/v1/jobs/"+rows[2]["job_id"].(string)+"/retry", "") // nobody knows what it ran
	for _, path := range []string{"/attempts", "/log", "/steps", "/timeline", "/explain", "/graph"} {
		if r := c.call("GET", "/api/v1/jobs/"+id+path, ""); r.status >= 500 {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	if m := c.want(200, "GET", "/api/v1/metrics/fleet?time_range=30d", "").object(t); m["total_jobs"] != 0.0 || m["queue_depth"] != 0.0 || m["dlq_count"] != 0.0 {
		t.Errorf("the numbers count what others did: %v", m)
	}
	must(t, json.Unmarshal([]byte(c.want(200, "GET", "/api/v1/schedules", "").text), &rows))
	schedules := map[string]string{}
	for _, s := range rows {
		scheduled(t, s)
		schedules[s["name"].(string)] = fmt.Sprint(s["enabled"], s["priority"], s["timezone"], s["target_robot_id"], s["kind"], s["cron_expression"], s["execution_mode"])
	}
	want := map[string]string{
		"daily": "true 15 UTC robot-desk-0a1b2c3d cron 0 9 * * 1-5 lan", "asleep": "false 5 Europe/Berlin <nil> cron 0 9 * * * internet", "is once": "true 5 UTC <nil> once  lan",
	}
	for name, is := range want {
		if waits != "" {
			is = strings.Replace(is, "true", "false", 1)
		}
		if squeeze(schedules[name]) != squeeze(is) {
			t.Errorf("%s is %s, want %s", name, schedules[name], is)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d schedules: %v", len(rows), schedules)
	}
}

func squeeze(s string) string { return strings.ReplaceAll(s, " ", "") }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
