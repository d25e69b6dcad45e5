package chaos

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// database is what the members of a world share, as far as the world must know
// it: how to name it to a member, and how to look at it afterwards.
type database interface {
	// flags are those of fleet serve, for the member with this number.
	flags(member int) []string
	// open lets the checker read; the members have been stopped.
	open(t testing.TB) (storetest.Queryer, func())
	// text and micros are SQL for a column of bytes as text and of a time as
	// microseconds.
	text(column string) string
	micros(column string) string
}

// embedded is SQLite in the member's own folder.
type embedded struct{ dir string }

func (d *embedded) flags(int) []string          { return nil }
func (d *embedded) text(column string) string   { return "cast(" + column + " as text)" }
func (d *embedded) micros(column string) string { return column }
func (d *embedded) open(t testing.TB) (storetest.Queryer, func()) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: d.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return db, func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// server is a PostgreSQL of the test's own, which each member reaches through a
// proxy of its own.
type server struct {
	cluster *pgtest.Cluster
	db      pgtest.DB
	ways    []*proxy
}

func newServer(t testing.TB, members int, seed uint64) *server {
	t.Helper()
	s := &server{cluster: pgtest.New(t)}
	s.db = s.cluster.Database(t)
	u, err := url.Parse(s.db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		s.ways = append(s.ways, newProxy(t, u.Host, seed+uint64(i))) //nolint:gosec // small
	}
	return s
}

func (s *server) flags(member int) []string {
	u, _ := url.Parse(s.db.OwnerURL) // newServer has parsed it
	u.Host = s.ways[member].addr()
	return []string{"--database-url", u.String()}
}

func (s *server) text(column string) string { return "convert_from(" + column + ", 'UTF8')" }
func (s *server) micros(column string) string {
	return "(extract(epoch from " + column + ") * 1000000)::bigint"
}

func (s *server) open(t testing.TB) (storetest.Queryer, func()) {
	t.Helper()
	// The superuser sees every tenant's rows.
	pg, err := pgx.Connect(t.Context(), s.db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{pg}, func() {
		if err := pg.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// terminate ends every connection of the members inside the server.
func (s *server) terminate(ctx context.Context) error {
	pg, err := pgx.Connect(ctx, s.db.SuperURL)
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close(ctx) }() // it did what it was for
	_, err = pg.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
	return err
}

// lock keeps everybody away from the table of jobs for a while. It may fail: the
// database may be down at that moment.
func (s *server) lock(ctx context.Context, span time.Duration) {
	pg, err := pgx.Connect(ctx, s.db.SuperURL)
	if err != nil {
		return
	}
	defer func() { _ = pg.Close(context.WithoutCancel(ctx)) }()
	tx, err := pg.Begin(ctx)
	if err != nil {
		return
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "set local lock_timeout = '1s'"); err != nil {
		return
	}
	if _, err := tx.Exec(ctx, "lock table jobs in access exclusive mode"); err == nil {
		pause(ctx, span)
	}
}

// reader asks PostgreSQL in the simple protocol, whose answers are texts.
type reader struct{ pg *pgx.Conn }

func (r *reader) QueryText(ctx context.Context, sql string) ([][]string, error) {
	rows, err := r.pg.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		row := make([]string, len(rows.RawValues()))
		for i, b := range rows.RawValues() {
			row[i] = string(b)
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
