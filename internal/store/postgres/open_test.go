package postgres

import (
	"context"
	"flag"
	"os"
	"testing"

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
// apart: the owner makes the tables, another login works on them.
func openWith(o Options) storetest.Open {
	return func(t testing.TB) store.Store {
		t.Helper()
		return open(t, pgtest.Lent(t, makeTables).URL, o)
	}
}

func makeTables(ctx context.Context, ownerURL string) error {
	_, err := Migrate(ctx, Options{URL: ownerURL})
	return err
}

// migrated is a database with our schema and nothing in it.
func migrated(t testing.TB) pgtest.DB {
	t.Helper()
	db := pgtest.Database(t)
	if err := makeTables(t.Context(), db.OwnerURL); err != nil {
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
