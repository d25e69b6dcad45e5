package pgtest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	pg, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Close(t.Context()) })
	return pg
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	var got string
	if err := connect(t, url).QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}

func exec1(t *testing.T, url, statement string) error {
	t.Helper()
	_, err := connect(t, url).Exec(t.Context(), statement)
	return err
}

// TestDatabase shows what the two logins of a database may and may not do.
func TestDatabase(t *testing.T) {
	a, b := Database(t), Database(t)
	if a.Name == b.Name {
		t.Fatalf("two databases have the name %s", a.Name)
	}
	for _, s := range []string{"create table t (x text)", "insert into t values ('kept')", "grant select on t to " + work} {
		if err := exec1(t, a.OwnerURL, s); err != nil {
			t.Fatalf("the owner: %s: %v", s, err)
		}
	}
	if got := ask(t, a.URL, "select x from t"); got != "kept" {
		t.Errorf("the application reads %q, want kept", got)
	}
	const denied = "42501"
	for who, attempt := range map[string][2]string{
		"the application makes a table":      {a.URL, "create table u (x text)"},
		"the application drops the table":    {a.URL, "drop table t"},
		"the application writes":             {a.URL, "insert into t values ('no')"},
		"the owner ends the server":          {a.OwnerURL, "select pg_reload_conf()"},
		"the owner of one enters the other?": {a.OwnerURL, "drop database " + b.Name},
	} {
		var refused *pgconn.PgError
		err := exec1(t, attempt[0], attempt[1])
		if !errors.As(err, &refused) || (refused.Code != denied && refused.Code != "55006") {
			t.Errorf("%s: got %v, want code %s", who, err, denied)
		}
	}
	if got := ask(t, a.SuperURL, "select current_database() || ' ' || (select rolsuper from pg_roles where rolname = current_user)::text"); got != a.Name+" true" {
		t.Errorf("the superuser's login is %s, want %s true", got, a.Name)
	}
	for setting, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"} {
		if got := ask(t, a.SuperURL, "select current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}

// TestDropped shows that the database and its logins go with the test.
func TestDropped(t *testing.T) {
	var name string
	t.Run("inner", func(t *testing.T) {
		db := Database(t)
		name = db.Name
		_ = connect(t, db.OwnerURL) // still there when the database is dropped
	})
	left := ask(t, Server(t), `select (select count(*) from pg_database where datname = '`+name+`')::text || ' ' ||
		(select count(*) from pg_roles where rolname like '`+name+`%')`)
	if left != "0 0" {
		t.Errorf("databases and roles left behind: %s, want 0 0", left)
	}
}

// TestRestart stops a cluster in both ways under an open connection.
func TestRestart(t *testing.T) {
	c := New(t)
	db := c.Database(t)
	if err := exec1(t, db.OwnerURL, "create table t (x int)"); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []Mode{Fast, Immediate} {
		open := connect(t, db.OwnerURL)
		if _, err := open.Exec(t.Context(), "insert into t values (1)"); err != nil {
			t.Fatal(err)
		}
		if err := c.Stop(mode); err != nil {
			t.Fatal(err)
		}
		if err := open.Ping(t.Context()); err == nil {
			t.Error("a connection outlived the server")
		}
		if _, err := pgx.Connect(t.Context(), db.OwnerURL); err == nil {
			t.Error("a stopped server takes connections")
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, db.OwnerURL, "select count(*)::text from t"); got != "2" {
		t.Errorf("rows after two stops: %s, want 2", got)
	}
	if !strings.Contains(c.Log(), "not properly shut down") {
		t.Errorf("the immediate stop was none; the log says:\n%s", c.Log())
	}
}

// TestBouncer shows that the pooler pools transactions: a session's setting does
// not stay with the client.
func TestBouncer(t *testing.T) {
	db := Database(t)
	through := Bouncer(t, db.OwnerURL)
	config, err := pgx.ParseConfig(through)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	var pids [2]string
	var conns [2]*pgx.Conn
	for i := range conns {
		if conns[i], err = pgx.ConnectConfig(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close(t.Context())
		if err := conns[i].QueryRow(t.Context(), "select pg_backend_pid()::text").Scan(&pids[i]); err != nil {
			t.Fatal(err)
		}
	}
	if pids[0] != pids[1] {
		t.Errorf("two idle clients have the server processes %v, want one that they share", pids)
	}
}

// held tells the test program that TestKilled starts what it is for.
const held = "PGTEST_HELD"

// TestKilled kills a test program: its PostgreSQL goes with it, and the next
// start removes the folder.
func TestKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell children of their parent's death")
	}
	if binaries() == "" {
		missing(t, "PostgreSQL 15 or later")
	}
	if os.Getenv(held) != "" { // this is the program that gets killed
		c := New(t)
		_, _ = os.Stdout.WriteString("\n" + held + " " + c.dir + " " + c.URL() + "\n")
		select {}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestKilled$")
	cmd.Env = append(os.Environ(), held+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir, url string
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 3 && f[0] == held {
			dir, url = f[1], f[2]
		}
	}
	if dir == "" {
		t.Fatalf("the test program held no cluster: %v", cmd.Wait())
	}
	sweepAged(t, dir)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the folder of a living test program was swept: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		pg, err := pgx.Connect(t.Context(), url)
		if err != nil {
			break
		}
		_ = pg.Close(t.Context())
		select {
		case <-limit:
			t.Fatal("PostgreSQL outlived the test program that started it")
		case <-tick.C:
		}
	}
	sweepAged(t, dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder of the killed test program is still there: %v", err)
	}
}

// sweepAged sweeps as if the folder were old.
func sweepAged(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	sweep()
}

// TestSweepIsCareful: a young folder without a lock may be about to get one.
func TestSweepIsCareful(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing is swept here")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	young, other := filepath.Join(dir, prefix+"young"), filepath.Join(dir, "other")
	for _, dir := range []string{young, other} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	sweepAged(t, other)
	for _, dir := range []string{young, other} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s is gone: %v", dir, err)
		}
	}
	sweepAged(t, young)
	if _, err := os.Stat(young); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", young, err)
	}
}
