package original

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/app"
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
insert into workflows (workflow_name, workflow_json) values
	('Invoices', '{"metadata":{"name":"Invoices"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}'),
	('Broken', '{"nodes":{"s":{"node_id":"s","node_type":"NoSuchNode"}},"connections":[]}');
insert into job_queue (workflow_name, status) values ('Invoices', 'pending'), ('Invoices', 'completed'), ('Invoices', 'completed');`

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
		for _, kind := range []string{"robot", "key", "workflow"} {
			got += fmt.Sprintf("%s %d %d %d; ", kind, r.Count(kind, "taken"), r.Count(kind, "there"), r.Count(kind, "left"))
		}
		if got != want {
			t.Errorf("%s, want %s: %+v", got, want, r.Things)
		}
	}
	const first = "robot 3 0 1; key 2 0 4; workflow 1 0 1; "
	dry, err := ours.ImportCasareRPA(t.Context(), old, tokens, false)
	must(t, err)
	count(dry, first)
	if dry.Count("jobs", "left") != 2 || dry.Count("table", "left") != 1 || dry.Applied {
		t.Errorf("%+v", dry)
	}
	done, err := ours.ImportCasareRPA(t.Context(), old, tokens, true)
	must(t, err)
	again, err := ours.ImportCasareRPA(t.Context(), old, tokens, true)
	must(t, err)
	count(again, "robot 0 3 1; key 0 2 4; workflow 0 1 1; ")
	if done.Count("robot", "taken") != 3 || done.Count("key", "taken") != 2 || done.Count("workflow", "taken") != 1 {
		t.Errorf("%+v", done)
	}

	a, err := app.New(t.Context(), app.Options{DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0", Linger: -1})
	must(t, err)
	a.Start(t.Context())
	defer func() { must(t, a.Stop(context.Background())) }()
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
	if _, err := ours.ImportCasareRPA(t.Context(), old, "nonsense", false); err == nil {
		t.Error("tokens that are none were taken")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
