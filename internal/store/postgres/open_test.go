package postgres

import (
	"context"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestMain runs the suite with fewer repetitions than on the embedded store,
// where each costs a tenth; FLEET_CHAOS_LONG=1 runs all of them.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("FLEET_CHAOS_LONG") == "" {
		if err := flag.Set("test.short", "true"); err != nil {
			panic(err)
		}
	}
	pgtest.Main(m)
}

// openWith opens an empty store as an installation does that keeps its roles
// apart: the owner makes the tables, another login works on them. Databases
// belong to the outer test and are used again when they are empty.
func openWith(outer testing.TB, o Options) storetest.Open {
	var mu sync.Mutex
	var free []pgtest.DB
	return func(t testing.TB) store.Store {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		var db pgtest.DB
		if n := len(free); n > 0 {
			db, free = free[n-1], free[:n-1]
		} else {
			db = migrated(outer)
		}
		t.Cleanup(func() { // after the store is closed
			wipe(t, db)
			mu.Lock()
			defer mu.Unlock()
			free = append(free, db)
		})
		return open(t, db.URL, o)
	}
}

// migrated is a database with our schema and nothing in it.
func migrated(t testing.TB) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t)
	if _, err := Migrate(t.Context(), Options{URL: db.OwnerURL}); err != nil {
		t.Fatal(err)
	}
	return db
}

func open(t testing.TB, url string, o Options) *Store {
	t.Helper()
	o.URL = url
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// wipe empties every table.
func wipe(t testing.TB, db pgtest.DB) {
	t.Helper()
	ctx := context.Background()
	pg, err := pgx.Connect(ctx, db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Close(ctx) }()
	rows, err := pg.Query(ctx, `select quote_ident(relname) from pg_class where relnamespace = 'public'::regnamespace
		and relkind in ('r', 'p') and not relispartition and relname <> 'schema_migrations' order by relname = 'workflows'`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var sql strings.Builder
	for _, name := range names {
		sql.WriteString("delete from " + name + ";")
	}
	if _, err := pg.PgConn().Exec(ctx, sql.String()).ReadAll(); err != nil {
		t.Fatal(err)
	}
}
