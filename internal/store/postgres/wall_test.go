package postgres

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// The tenant in a statement: asked for by an argument, or compared with the row
// that is to be written.
var (
	byArgument = regexp.MustCompile(`(\b[a-z_]+\.)?tenant_id = (\$\d+)`)
	byRow      = regexp.MustCompile(`(\b[a-z_]+\.)?tenant_id = (excluded\.tenant_id|v\.c\d+)`)
)

func withoutTenant(sql string) string {
	return byRow.ReplaceAllString(byArgument.ReplaceAllString(sql, "$2::text is not null"), "true")
}

// blind leaves the tenant out of every statement of the store until the test
// ends, so that nothing but row-level security stands between tenants. A chore
// for all tenants then sees all rows where it asked for those of one: the wall
// is not between a chore and a tenant.
func blind(t testing.TB) {
	t.Helper()
	changed := 0
	for _, s := range sqlstore.All() {
		old := s.SQL
		t.Cleanup(func() { s.SQL = old })
		if s.SQL = withoutTenant(old); s.SQL != old {
			changed++
		}
	}
	if changed < 40 {
		t.Fatalf("the tenant was found in %d statements only", changed)
	}
	oldForms, oldMany := maps.Clone(forms), maps.Clone(anyOf)
	t.Cleanup(func() { forms, anyOf = oldForms, oldMany })
	for name, f := range forms {
		f.sql = withoutTenant(f.sql)
		forms[name] = f
	}
	for name, many := range anyOf {
		many.sql = withoutTenant(many.sql)
		anyOf[name] = many
	}
}

// foreign tries everything that the contract offers on what another tenant
// has, and returns what was seen or changed.
func foreign(t testing.TB, s store.Store, sc store.Scope, f *storetest.Fixture, j fleet.Job, session fleet.Session) (seen []string) {
	t.Helper()
	note := func(what string, is bool) {
		if is {
			seen = append(seen, what)
		}
	}
	err := s.View(t.Context(), sc, func(r store.Reader) error {
		_, err := r.Job(j.ID)
		note("job", err == nil)
		_, err = r.JobData(j.ID)
		note("data", err == nil)
		_, err = r.Subject(j.ID)
		note("subject", err == nil)
		attempts, _ := r.Attempts(j.ID)
		note("attempts", len(attempts) > 0)
		held, _ := r.HeldBy(j.RobotID)
		note("held", len(held) > 0)
		_, err = r.Robot(j.RobotID)
		note("robot", err == nil)
		robots, _ := r.Robots(store.RobotFilter{}, fleet.Page{})
		note("robots", len(robots.Robots) > 0 || robots.Total > 0)
		jobs, _ := r.Jobs(store.JobFilter{}, fleet.Page{})
		note("jobs", len(jobs.Jobs) > 0)
		_, err = r.Session(session.ID)
		note("session", err == nil)
		_, err = r.OpenSession(j.RobotID)
		note("open session", err == nil)
		journal, _ := r.Journal(j.RobotID, "j")
		note("journal", journal.Committed > 0)
		flows, _, _ := r.Workflows(fleet.Page{})
		note("workflows", len(flows) > 0)
		_, err = r.Workflow("w-1")
		note("workflow", err == nil)
		_, err = r.WorkflowVersion("w-1", 1)
		note("version", err == nil)
		events, _ := r.Events(store.EventFilter{Limit: 10})
		note("events", len(events) > 0)
		keys, _ := r.Keys()
		note("keys", len(keys) > 0)
		_, err = r.KeyByHash("hash-of-acme")
		note("key by hash", err == nil)
		_, err = r.Effect(j.ID, "n1", "k1")
		note("effect", err == nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := s.ReadLogs(t.Context(), sc, j.ID, store.LogQuery{})
	note("logs", len(lines) > 0)
	_ = s.Update(t.Context(), sc, func(tx store.Tx) error {
		_, err := tx.CloseSession(session.ID, "stolen", "", f.Now)
		note("close session", err == nil)
		return err
	})
	_ = s.Update(t.Context(), sc, func(tx store.Tx) error {
		err := tx.DeleteRobot(j.RobotID, f.Now)
		note("delete robot", err == nil)
		return err
	})
	_ = s.Update(t.Context(), sc, func(tx store.Tx) error {
		err := tx.RevokeKey("key-of-acme", f.Now)
		note("revoke key", err == nil)
		return err
	})
	_ = s.Update(t.Context(), sc, func(tx store.Tx) error {
		ok, err := tx.Renew(store.Ref{JobID: j.ID, Epoch: j.Epoch}, j.RobotID)
		note("renew", ok)
		return err
	})
	err = storetest.Move(t.Context(), s, sc, j.ID, func(x fleet.Subject) (*fleet.Move, error) {
		return x.Cancel(fleet.CancelRequest{By: "thief", Grace: time.Minute}, f.Now)
	})
	note("cancel", err == nil)
	return seen
}

// filled gives the fixture's tenant one of everything.
func filled(t testing.TB, f *storetest.Fixture) (fleet.Job, fleet.Session) {
	t.Helper()
	f.Robot("r1", 9)
	session := f.Connect("r1")
	f.Submit(f.Spec())
	j := f.Running(f.Spec(), "r1", session.Epoch)
	f.Report(f.NewReport(j, fleet.ReportEffectBegin, 1))
	if _, err := f.Store.AppendLogs(t.Context(), f.Scope, []fleet.LogBatch{{
		JobID: j.ID, Tenant: f.Tenant, RobotID: "r1", Epoch: j.Epoch, First: 1,
		Lines: []fleet.LogLine{{Epoch: j.Epoch, Line: 1, At: f.Now, Level: "info", Message: "secret-of-acme"}},
	}}); err != nil {
		t.Fatal(err)
	}
	f.Update(func(tx store.Tx) error {
		return errors.Join(
			tx.PutWorkflow(fleet.Workflow{ID: "w-1", Tenant: f.Tenant, Name: "invoices", Newest: 1, CreatedAt: f.Now}),
			tx.AddWorkflowVersion(fleet.WorkflowVersion{WorkflowID: "w-1", Version: 1, Hash: "x", CreatedAt: f.Now, CreatedBy: "u"}),
			tx.PutKey(fleet.Key{ID: "key-of-acme", Tenant: f.Tenant, Hash: "hash-of-acme", CreatedAt: f.Now}),
			tx.PutJournal(fleet.Journal{Tenant: f.Tenant, RobotID: "r1", ID: "j", Committed: 5}))
	})
	return f.Job(j.ID), session
}

// TestWall is the matrix without a predicate: with the wall another tenant sees
// nothing, and the same statements without the wall show that the test bites.
func TestWall(t *testing.T) {
	db := migrated(t)
	f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
	j, session := filled(t, f)
	before := dump(t, db)
	blind(t)
	walled := open(t, db.URL, Options{})
	for _, tenant := range []fleet.TenantID{"globex", "acm", "acme2", "*x", ""} {
		if tenant == "" {
			continue
		}
		if seen := foreign(t, walled, store.Tenant(tenant), f, j, session); len(seen) > 0 {
			t.Errorf("behind the wall %q sees or changes: %s", tenant, strings.Join(seen, ", "))
		}
	}
	if after := dump(t, db); after != before {
		t.Errorf("another tenant changed something:\n%s\nwas\n%s", after, before)
	}
	// The same without the wall.
	super(t, db, "alter role "+db.Name+"_app bypassrls")
	bare, err := Open(t.Context(), Options{URL: db.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	bare.role = "none"
	for _, w := range bare.writers {
		w.role = "none"
	}
	seen := foreign(t, bare, store.Tenant("globex"), f, j, session)
	if len(seen) < 15 {
		t.Errorf("without the wall only %s is seen; the test would not notice a hole", strings.Join(seen, ", "))
	}
}

// dump is all rows of tenant acme as text.
func dump(t testing.TB, db pgtest.DB) string {
	t.Helper()
	ctx := context.Background()
	pg, err := pgx.Connect(ctx, db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(ctx)
	var out strings.Builder
	for _, table := range tenantTables {
		var rows string
		err := pg.QueryRow(ctx, "select coalesce(string_agg(x::text, E'\\n' order by x::text), '') from "+table+" x where tenant_id = 'acme'").Scan(&rows)
		if err != nil {
			t.Fatal(err)
		}
		if rows == "" && table != "idempotency_keys" && table != "refusals" {
			t.Errorf("%s has no row of acme, so it is not tested", table)
		}
		out.WriteString(table + "\n" + rows + "\n")
	}
	return out.String()
}

var tenantTables = []string{
	"attempts", "effects", "events", "idempotency_keys", "job_data", "jobs", "journals", "keys", "lanes", "log_heads", "log_lines",
	"refusals", "robot_samples", "robots", "sessions", "tenant_heads", "workflow_versions", "workflows",
}

func super(t testing.TB, db pgtest.DB, sql string) {
	t.Helper()
	ctx := context.Background()
	pg, err := pgx.Connect(ctx, db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(ctx)
	if _, err := pg.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// TestRolesOfTheDatabase goes around the program, as the login and the role that it works as.
func TestRolesOfTheDatabase(t *testing.T) {
	db := migrated(t)
	f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
	filled(t, f)
	pg, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	count := func(from string) (n int) {
		t.Helper()
		if err := pg.QueryRow(t.Context(), "select count(*) from "+from).Scan(&n); err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		return n
	}
	refused := func(sql string, states ...string) {
		t.Helper()
		tag, err := pg.Exec(t.Context(), sql)
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || !strings.Contains(strings.Join(states, " "), pe.Code) {
			t.Errorf("%s: %v %v, want %v", sql, tag, err, states)
		}
	}
	const denied = "42501"
	for _, role := range []string{"none", appRole} {
		if _, err := pg.Exec(t.Context(), "select set_config('role', $1, false)", role); err != nil {
			t.Fatal(err)
		}
		for _, tenants := range []string{"", "globex", "acm", "%"} {
			if _, err := pg.Exec(t.Context(), "select set_config('fleet.tenants', $1, false)", tenants); err != nil {
				t.Fatal(err)
			}
			for _, table := range tenantTables {
				if n := count(table); n != 0 {
					t.Errorf("%d rows of %s are seen as %s for %q", n, table, role, tenants)
				}
				tag, err := pg.Exec(t.Context(), "delete from "+table)
				if err != nil || tag.RowsAffected() != 0 {
					t.Errorf("delete from %s: %v %v", table, tag, err)
				}
			}
			refused(`insert into journals (robot_id, tenant_id, journal_id, committed_report_id) values ('r', 'acme', 'x', 1)`, denied)
			refused(`insert into events (tenant_id, seq, id, at, kind, subject, subject_id, subject_seq, epoch, actor)
				values ('acme', 99, 'x', now(), 'k', 's', 'x', 1, 0, 'a')`, denied)
		}
		// No hole in a partition: no rights on it, or no row seen.
		rows, err := pg.Query(t.Context(), `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind = 'r'`)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(parts) < 15 {
			t.Fatalf("%d partitions: %v", len(parts), err)
		}
		for _, part := range parts {
			var n int
			err := pg.QueryRow(t.Context(), "select count(*) from "+part).Scan(&n)
			if pe := new(pgconn.PgError); err != nil && (!errors.As(err, &pe) || pe.Code != denied) || n > 0 {
				t.Errorf("%s itself shows %d rows as %s: %v", part, n, role, err)
			}
		}
		for _, sql := range []string{
			"alter table jobs disable row level security", "alter table jobs no force row level security", "drop policy tenants on jobs",
			"drop table jobs", "truncate jobs", "create table public.mine (x int)", "alter table jobs add column x int",
			"update schema_migrations set name = 'x'", "create policy open on jobs using (true)",
		} {
			refused(sql, denied)
		}
	}
}
