package postgres

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
)

// secret is a password that nobody may ever read.
const secret = "hunter2-and-more"

// causes is an error with all that it wraps, as a log may show it.
func causes(err error) string {
	var b strings.Builder
	var walk func(err error)
	walk = func(err error) {
		if err == nil {
			return
		}
		b.WriteString(err.Error() + "\n")
		switch e := err.(type) { //nolint:errorlint // each of the chain is looked at
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		}
	}
	walk(err)
	return b.String()
}

// refuse opens a store that must not open, and looks at what is said.
func refuse(t *testing.T, o Options, code fleet.Code, reason string, words ...string) {
	t.Helper()
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Errorf("it opened; want %s", reason)
		return
	}
	var e *fleet.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason || e.Message == "" || e.Fix == "" {
		t.Errorf("%#v: %v; want %s %s with a fix", e, err, code, reason)
	}
	all := causes(err) + log.String()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not said: %v", w, err)
		}
	}
	u, perr := url.Parse(o.URL)
	if perr == nil && u.User != nil {
		if p, ok := u.User.Password(); ok && strings.Contains(all, p) {
			t.Errorf("the password is said: %s", all)
		}
	}
	if strings.Contains(all, secret) {
		t.Errorf("the password is said: %s", all)
	}
}

// with changes an address.
func with(address string, change func(u *url.URL)) string {
	u, _ := url.Parse(address)
	change(u)
	return u.String()
}

func TestAddresses(t *testing.T) {
	db := migrated(t)
	for _, address := range []string{
		"", "mysql://u:" + secret + "@h/d", "host=h password=" + secret, "postgres://u:" + secret + "@h:port/d",
		"postgres://u:" + secret + "@h/d?sslmode=perhaps", "postgres://u:" + secret + "%zz@h/d",
		"postgres://u:" + secret + "@h/d?connect_timeout=soon",
	} {
		refuse(t, Options{URL: address}, fleet.CodeInvalid, "invalid_field")
	}
	refuse(t, Options{URL: with(db.URL, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) })},
		fleet.CodeUnavailable, "database_unreachable", "password authentication failed")
	refuse(t, Options{URL: with(db.URL, func(u *url.URL) { u.Path = "/nowhere" })},
		fleet.CodeUnavailable, "database_unreachable", `"nowhere" does not exist`)
	refuse(t, Options{URL: with(db.URL, func(u *url.URL) { u.Host = "127.0.0.1:1" })},
		fleet.CodeUnavailable, "database_unreachable", "refused")
	refuse(t, Options{URL: with(db.URL, func(u *url.URL) { u.Host = "no-such-host.invalid:5432" })},
		fleet.CodeUnavailable, "database_unreachable")
}

// TestUnsafe is a cluster that forgets what it has acknowledged.
func TestUnsafe(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := pgtest.New(t)
	db := c.Database(t)
	if _, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err != nil {
		t.Fatal(err)
	}
	for setting, value := range map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"} {
		super(t, db, "alter system set "+setting+" = "+value)
		super(t, db, "select pg_reload_conf()")
		seen(t, db, setting, value)
		refuse(t, Options{URL: db.URL}, fleet.CodeInvalid, "invalid_field", setting+"="+value, "--unsafe-store")
		s, err := Open(t.Context(), Options{URL: db.URL, Unsafe: true})
		if err != nil {
			t.Errorf("%s=%s although told that it may: %v", setting, value, err)
		} else if err := s.Close(); err != nil {
			t.Error(err)
		}
		super(t, db, "alter system reset "+setting)
		super(t, db, "select pg_reload_conf()")
		seen(t, db, setting, "on")
	}
	open(t, db.URL, Options{})
	// One login alone may be set up so.
	super(t, db, "alter role "+db.Name+"_app set synchronous_commit = off")
	refuse(t, Options{URL: db.URL}, fleet.CodeInvalid, "invalid_field", "synchronous_commit=off")
}

// seen waits until new sessions have a setting.
func seen(t *testing.T, db pgtest.DB, setting, value string) {
	t.Helper()
	await(t, setting+" is "+value, func() bool {
		pg, err := pgx.Connect(t.Context(), db.SuperURL)
		if err != nil {
			t.Fatal(err)
		}
		defer pg.Close(context.Background())
		var is string
		return pg.QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&is) == nil && is == value
	})
}

// await asks until it is so.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-limit:
			t.Fatalf("not after 30 s: %s", what)
		case <-tick.C:
		}
	}
}

// TestRoles: a login that may see everything works as the role that may not.
func TestRoles(t *testing.T) {
	db := migrated(t)
	s := open(t, db.SuperURL, Options{})
	if s.role != appRole {
		t.Errorf("a superuser works as %q", s.role)
	}
	if s := open(t, db.OwnerURL, Options{}); s.role != appRole {
		t.Errorf("the owner works as %q", s.role)
	}
}

// TestSchema: what is said of a database whose schema is not ours.
func TestSchema(t *testing.T) {
	db := pgtest.Database(t)
	refuse(t, Options{URL: db.URL}, fleet.CodeConflict, "schema_older", "fleet db migrate")
	if _, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err != nil {
		t.Fatal(err)
	}
	super(t, db, "insert into schema_migrations (number, name, sum, applied_at) values (9999, 'future', 'x', now())")
	refuse(t, Options{URL: db.URL}, fleet.CodeConflict, "schema_newer")
	refuse(t, Options{URL: db.OwnerURL, Migrate: true}, fleet.CodeConflict, "schema_newer")
	super(t, db, "delete from schema_migrations where number = 9999")
	super(t, db, "update schema_migrations set sum = 'other' where number = 1")
	refuse(t, Options{URL: db.URL}, fleet.CodeConflict, "schema_differs")
}

// TestMigrateTogether: of five that come at once to an empty database one makes
// the schema.
func TestMigrateTogether(t *testing.T) {
	db := pgtest.Database(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[int]int{}
	for range 5 {
		wg.Go(func() {
			n, err := Migrate(t.Context(), Options{URL: db.OwnerURL})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			made[n]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if made[0] != 4 || len(made) != 2 {
		t.Errorf("scripts that each applied: %v", made)
	}
	open(t, db.URL, Options{})
}

// TestMigrateFails: a script that fails leaves nothing of itself nor of those
// before it.
func TestMigrateFails(t *testing.T) {
	db := pgtest.Database(t)
	super(t, db, "create table leases (already int)") // what the second script wants to make
	if _, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err == nil || !strings.Contains(err.Error(), "leases") {
		t.Errorf("a table is in the way, and the answer is %v", err)
	}
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	var n int
	if err := pg.QueryRow(t.Context(), `select count(*) from pg_class where relnamespace = 'public'::regnamespace`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d things are left: %v", n, err)
	}
	super(t, db, "drop table leases")
	if n, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err != nil || n == 0 {
		t.Errorf("afterwards: %d %v", n, err)
	}
}

// TestMigrateIsCut: whoever migrates is ended in the middle; nothing remains,
// and the next one does it.
func TestMigrateIsCut(t *testing.T) {
	db := pgtest.Database(t)
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	blocker, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close(context.Background())
	hold, err := blocker.Begin(t.Context()) // holds it before its first script
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold.Exec(t.Context(), "select pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Migrate(t.Context(), Options{URL: db.OwnerURL})
		done <- err
	}()
	await(t, "somebody waits", func() bool {
		n := 0
		return pg.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n) == nil && n > 0
	})
	if err := <-done; !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("its session was ended: %v", err)
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err != nil || n == 0 {
		t.Errorf("afterwards: %d %v", n, err)
	}
}
