package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// TestStatements prepares every statement as the role that runs it.
func TestStatements(t *testing.T) {
	s := open(t, migrated(t).URL, Options{})
	pg, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	if _, err := pg.Exec(t.Context(), "select set_config('role', $1, false)", s.role); err != nil {
		t.Fatal(err)
	}
	for _, st := range sqlstore.All() {
		if _, err := pg.Prepare(t.Context(), st.Name, st.SQL); err != nil {
			t.Errorf("%s: %v", st.Name, err)
		}
	}
	for name := range keep {
		if !slices.ContainsFunc(sqlstore.All(), func(st *sqlstore.Stmt) bool { return st.Name == name }) {
			t.Errorf("the writer keeps %s, which is no statement", name)
		}
	}
	for name := range before {
		if !slices.ContainsFunc(sqlstore.All(), func(st *sqlstore.Stmt) bool { return st.Name == name }) {
			t.Errorf("the writer locks before %s, which is no statement", name)
		}
	}
}

var (
	comment  = regexp.MustCompile(`--[^\n]*`)
	tableDef = regexp.MustCompile(`(?s)create table (\w+) \((.*?)\n\)`)
	addition = regexp.MustCompile(`alter table (\w+) add column (\w+) ([^;]*);`)
)

// schemaOf reads tables with their columns out of the migrations of a folder:
// table.column, with ? where it may be null.
func schemaOf(t *testing.T, dirs ...string) []string {
	t.Helper()
	var out []string
	add := func(table, column, def, rest string) {
		may := "?"
		if strings.Contains(def, "not null") || strings.Contains(def, "primary key") ||
			regexp.MustCompile(`primary key \([^)]*\b`+column+`\b`).MatchString(rest) {
			may = ""
		}
		out = append(out, table+"."+column+may)
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sql := comment.ReplaceAllString(string(text), "")
			for _, m := range tableDef.FindAllStringSubmatch(sql, -1) {
				for line := range strings.SplitSeq(m[2], "\n") {
					words := strings.Fields(line)
					if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && len(words) > 1 &&
						!slices.Contains([]string{"check", "primary", "unique", "constraint", "foreign"}, words[0]) {
						add(m[1], words[0], line, m[2])
					}
				}
			}
			for _, m := range addition.FindAllStringSubmatch(sql, -1) {
				add(m[1], m[2], m[3], "")
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestParity: both stores have the same tables and columns. PostgreSQL has one
// table more, commits: SQLite is told by its file what became of a commit.
func TestParity(t *testing.T) {
	ours := schemaOf(t, "migrations")
	theirs := schemaOf(t, "../sqlite/migrations", "../sqlite/migrations/logs")
	if len(ours) < 150 {
		t.Fatalf("only %d columns were found", len(ours))
	}
	for _, c := range ours {
		if !slices.Contains(theirs, c) && !strings.HasPrefix(c, "commits.") {
			t.Errorf("SQLite has no %s", c)
		}
	}
	for _, c := range theirs {
		if !slices.Contains(ours, c) {
			t.Errorf("PostgreSQL has no %s", c)
		}
	}
}

// march is the month that the filled database lies in.
var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// filling fills a database with finished jobs and a few open ones.
const filling = `
create function pg_temp.at(i int) returns timestamptz language sql as $$ select '2026-03-01 00:00:00+00'::timestamptz + i * interval '40 s' $$;
create function pg_temp.id(i int) returns text language sql as $$
  select fleet_first_id(pg_temp.at(i)) || '-7000-8000-' || lpad(to_hex(i), 12, '0') $$;
insert into jobs (id, tenant_id, seq, name, workflow_id, workflow_name, workflow_version, workflow_hash, state, waiting_on, waiting_code,
  epoch, epoch_skipped, version, robot_id, target_robot_id, priority, environment, requires, created_at, available_at, not_before, expires_at,
  assigned_at, ended_at, stop_deadline, timeout_ms, max_retries, max_lost, retry_delay_ms, retry_factor, retry_max_delay_ms, retry_jitter,
  retry_on_timeout, retry_safety, retry_of, submitted_by, lane_id)
select pg_temp.id(i), 't' || i % 5, i, 'n', 'w' || i % 40, 'w', 1, 'h', s, case when s = 'pending' then 'robot' end, '',
  case when s = 'pending' then 0 else 1 end, 0, 3, case when s <> 'pending' then 'r' || i % 50 end, '', 10, 'default', '', pg_temp.at(i), pg_temp.at(i),
  case when s = 'pending' and i % 7 = 0 then pg_temp.at(i) end, case when s = 'pending' and i % 11 = 0 then pg_temp.at(i) end,
  pg_temp.at(i), case when s in ('completed', 'failed') then pg_temp.at(i) end, case when s = 'cancelling' then pg_temp.at(i) end,
  1, 1, 1, 1, 1, 1, 1, false, 'always', case when i % 500 = 0 then pg_temp.id(1) end, 'u', case when s = 'pending' then i % 20 end
from (select i, case when i % 100 = 0 then 'pending' when i % 100 = 1 then 'running' when i % 1000 = 2 then 'cancelling'
  when i % 10 = 3 then 'failed' else 'completed' end s from generate_series(1, 40000) i) x;
insert into job_data (job_id, tenant_id, variables, duration_ms, traceparent) select id, tenant_id, '{}', 0, '' from jobs;
insert into attempts (job_id, epoch, tenant_id, robot_id, session_epoch, start_mode, offered_at, accept_by, started_at, ended_at, slot_free_at,
  renew_seq, outcome, slots_after, slots_max, token_hash)
select id, 1, tenant_id, robot_id, 1, 'two_step', created_at, created_at, case when state = 'cancelling' then null else created_at end, ended_at,
  ended_at, 1, case when ended_at is not null then 'completed' end, 1, 2, '' from jobs where epoch > 0;
insert into events (tenant_id, seq, id, at, kind, subject, subject_id, subject_seq, epoch, actor)
select tenant_id, seq * 2 + k, id || k, created_at, 'job.moved', 'job', id, k, 0, 'a' from jobs, generate_series(0, 1) k;
insert into log_heads select id, 1, tenant_id, 3, 1, 0 from jobs;
insert into log_lines select id, 1, k, tenant_id, created_at, 1, 'info', 'n', 'text' from jobs, generate_series(1, 2) k;
insert into effects select id, 'n', 'k', tenant_id, 1, case when ended_at is null then 'open' else 'done' end, null, created_at, ended_at from jobs where seq % 3 = 0;
insert into refusals select id, 'r' || seq % 50, tenant_id, now(), 'busy', 1 from jobs where seq % 20 = 0;
insert into idempotency_keys select tenant_id, 'jobs', id, 'h', id, now() from jobs;
insert into robots (tenant_id, id, name, hostname, environment, capabilities, tags, os, arch, agent_version, wished_slots, slot_limit, admin_mode,
  session_epoch, member_id) select 't' || i % 5, 'r' || i, 'n', 'h', 'default', '', '', '', '', '', 1, 0, 'active', 1, 'm' from generate_series(1, 2000) i;
insert into robot_samples select id, tenant_id, now(), '', 0, 0, 0, 0 from robots;
insert into sessions select 's' || id || k, tenant_id, id, k, 'm', 'ws2', '', '', '', '', '', now(), case when k < 5 then now() end, '' from robots, generate_series(1, 5) k;
insert into journals select id, tenant_id, 'j', 1 from robots;
insert into lanes (tenant_id, environment, requires, target_robot_id, waiting) select 't' || i % 5, 'e' || i, '', '', i % 2 from generate_series(1, 500) i;
insert into keys select 'k' || i, 't' || i % 5, 'robot', '', '', '', '', 'h' || i, '', now(), null, null from generate_series(1, 2000) i;
insert into workflows select 'w' || i, 't' || i % 5, 'n' || i, 1, 'h', now(), now(), null from generate_series(1, 2000) i;
insert into workflow_versions select id, 1, tenant_id, 'h', '', 1, now(), 'u' from workflows;
insert into workflow_bodies select 'h' || i, '{}' from generate_series(1, 2000) i;
insert into tenant_heads select 't' || i, 80002, 40000, 0, 0, 0, 0, 0, 0, 0, 0, 0 from generate_series(0, 4) i;
`

// hot are the statements whose plans are kept: those of the main road, of the
// timers and of the lists.
var hot = regexp.MustCompile(`^(job\.(get|subject|move|for_offer|ready|retry_open|lane|list.*|page.*)|attempt\.(move|beat|held|live|started)|` +
	`timer\..*|lane\.(list|count|find)|refusal\..*|idempotency\..*|head\..*|robot\.(get|list|for_offer|held)|session\..*|key\.by_hash|` +
	`event\.(tail|list.*)|log\..*|effect\..*|job_data\..*)$`)

// grows are the tables that a plan must not read as a whole.
var grows = []string{
	"jobs", "job_data", "attempts", "events", "log_lines", "log_heads", "effects", "refusals", "idempotency_keys", "sessions", "workflow_bodies",
}

// TestPlans keeps which indexes the statements read on a database with history,
// as the working role with row-level security, in the plan that holds for any
// argument. Run with FLEET_UPDATE=1 to write testdata/plans.txt anew, and read
// the difference.
func TestPlans(t *testing.T) {
	db := pgtest.Database(t)
	if _, err := Migrate(t.Context(), Options{URL: db.OwnerURL, Now: func() time.Time { return march }}); err != nil {
		t.Fatal(err)
	}
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	if _, err := pg.PgConn().Exec(t.Context(), filling+"analyze;").ReadAll(); err != nil {
		t.Fatal(err)
	}
	rows, err := pg.Query(t.Context(), `select c.relname, p.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent`)
	if err != nil {
		t.Fatal(err)
	}
	parent := map[string]string{}
	var child, of string
	if _, err := pgx.ForEachRow(rows, []any{&child, &of}, func() error { parent[child] = of; return nil }); err != nil {
		t.Fatal(err)
	}
	// The empty partitions of the months to come are read as a whole, rightly.
	rows, err = pg.Query(t.Context(), "select relname from pg_class where relispartition and relkind = 'r' and reltuples <= 0")
	if err != nil {
		t.Fatal(err)
	}
	empty, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range empty {
		parent[name] = "nothing"
	}
	if _, err := pg.PgConn().Exec(t.Context(), "set role "+appRole+"; set fleet.tenants = '*'; set plan_cache_mode = force_generic_plan").ReadAll(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, s := range sqlstore.All() {
		if s.Sole {
			continue
		}
		// Reads are planned freely, what a committer runs as it plans.
		steer := "reset enable_seqscan; reset enable_hashjoin; reset enable_mergejoin"
		if !strings.HasPrefix(s.SQL, "select") {
			steer = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off"
		}
		if _, err := pg.PgConn().Exec(t.Context(), steer).ReadAll(); err != nil {
			t.Fatal(err)
		}
		reads := plan(t, pg, s, parent)
		for _, r := range reads {
			table, all := strings.CutPrefix(r, "all of ")
			if all && slices.Contains(grows, table) {
				t.Errorf("%s reads all of %s", s.Name, table)
			}
		}
		if hot.MatchString(s.Name) {
			fmt.Fprintf(&out, "%s: %s\n", s.Name, strings.Join(reads, ", "))
		}
	}
	golden := filepath.Join("testdata", "plans.txt")
	if os.Getenv("FLEET_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		t.Errorf("the plans differ from %s; run with FLEET_UPDATE=1 and read the difference:\n%s", golden, got)
	}
}

var planLine = regexp.MustCompile(`(Seq Scan on (\w+))|(?:Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on) (\w+)`)

// plan is what a statement reads, each index and table once, partitions by the
// name of the whole.
func plan(t *testing.T, pg *pgx.Conn, s *sqlstore.Stmt, parent map[string]string) []string {
	t.Helper()
	d, err := pg.Prepare(t.Context(), s.Name, s.SQL)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	// A name of a prepared statement is quoted; arguments of any value do.
	args := make([]string, len(d.ParamOIDs))
	for i, oid := range d.ParamOIDs {
		typ, _ := pg.TypeMap().TypeForOID(oid)
		args[i] = map[string]string{
			"int8": "1", "int4": "1", "text": "'019ca7e0-0000-7000-8000-000000000001'", "bool": "false", "float8": "1",
			"timestamptz": "'2026-03-10'", "bytea": "''",
		}[typ.Name]
		if args[i] == "" {
			args[i] = "null"
		}
	}
	call := "explain (costs off) execute " + pgx.Identifier{s.Name}.Sanitize()
	if len(args) > 0 {
		call += " (" + strings.Join(args, ", ") + ")"
	}
	rows, err := pg.Query(t.Context(), call, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	whole := func(name string) string {
		for parent[name] != "" {
			name = parent[name]
		}
		return name
	}
	var out []string
	for _, m := range planLine.FindAllStringSubmatch(strings.Join(lines, "\n"), -1) {
		read := whole(m[3])
		if m[1] != "" {
			read = "all of " + whole(m[2])
		}
		if read == "all of nothing" {
			continue
		}
		if !slices.Contains(out, read) {
			out = append(out, read)
		}
	}
	slices.Sort(out)
	return out
}
