// Package dbtest gives a test the store that it works on: the embedded one in a
// folder of the test, or, with FLEET_TEST_STORE=postgres, one on a PostgreSQL as
// an installation has it that keeps its roles apart: the owner made the tables
// and another login works on them. `make test` runs the packages that use it
// both ways, so that no test is written for one database alone.
//
// A test package hands its TestMain over to it:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
// Every test starts with an empty store. Databases of PostgreSQL are emptied and
// lent again within a package, since making one takes longer than most tests.
//
// It is for tests: no program imports it, and it decides nothing by the database
// but how to open it. A test about a property that one database alone has says
// so with EmbeddedOnly. Its functions may be called from parallel tests; the
// goroutines are those of the stores, which end with the test.
package dbtest

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/postgres"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// Variable names the environment variable that chooses the database.
const Variable = "FLEET_TEST_STORE"

// Main runs the tests of a package and stops the PostgreSQL that they used.
func Main(m *testing.M) { pgtest.Main(m) }

// Store is a store into which a test may look.
type Store interface {
	store.Store
	storetest.Queryer
}

// Options are what a test may want to control of its store.
type Options struct {
	Now    func() time.Time
	IDs    *fleet.IDs
	Logger *slog.Logger
	// Trace counts what a question costs, on the embedded store alone.
	Trace func(statement string, rows int)
}

// Open opens an empty store and closes it when the test is over.
func Open(tb testing.TB, o Options) Store {
	tb.Helper()
	p := NewPlace(tb)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var s Store
	var err error
	if p.DatabaseURL != "" {
		s, err = postgres.Open(tb.Context(), postgres.Options{URL: p.DatabaseURL, Now: o.Now, IDs: o.IDs, Logger: o.Logger})
	} else {
		s, err = sqlite.Open(tb.Context(), sqlite.Options{Dir: p.DataDir, Now: o.Now, IDs: o.IDs, Logger: o.Logger, Trace: o.Trace})
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close the store: %v", err)
		}
	})
	return s
}

// Members opens two stores on one PostgreSQL, as two orchestrators have it.
func Members(tb testing.TB, o Options) (out [2]Store) {
	tb.Helper()
	p := NewPostgres(tb)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for i := range out {
		s, err := postgres.Open(tb.Context(), postgres.Options{URL: p.DatabaseURL, Now: o.Now, IDs: o.IDs, Logger: o.Logger})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := s.Close(); err != nil {
				tb.Errorf("close the store: %v", err)
			}
		})
		out[i] = s
	}
	return out
}

// Place is where an orchestrator keeps its data. It outlives a restart and is
// empty when the test begins.
type Place struct {
	DataDir     string
	DatabaseURL string // of a migrated PostgreSQL; empty: the embedded store in DataDir
}

// NewPlace makes a place for one test.
func NewPlace(tb testing.TB) Place {
	tb.Helper()
	p := Place{DataDir: tb.TempDir()}
	if OnPostgres(tb) {
		p.DatabaseURL = pgtest.Lent(tb, migrate).URL
	}
	return p
}

// NewPostgres is a place on PostgreSQL whatever was chosen, for tests about
// several orchestrators.
func NewPostgres(tb testing.TB) Place {
	tb.Helper()
	return Place{DataDir: tb.TempDir(), DatabaseURL: pgtest.Lent(tb, migrate).URL}
}

// OnPostgres says whether tests run on PostgreSQL.
func OnPostgres(tb testing.TB) bool {
	tb.Helper()
	switch name := os.Getenv(Variable); name {
	case "", "sqlite":
		return false
	case "postgres":
		return true
	default:
		tb.Fatalf("%s is %q; it may be sqlite or postgres", Variable, name)
		return false
	}
}

// EmbeddedOnly skips a test on PostgreSQL. why says which property of the
// embedded store it is about.
func EmbeddedOnly(tb testing.TB, why string) {
	tb.Helper()
	if OnPostgres(tb) {
		tb.Skipf("for the embedded store alone: %s", why)
	}
}

func migrate(ctx context.Context, ownerURL string) error {
	_, err := postgres.Migrate(ctx, postgres.Options{URL: ownerURL})
	return err
}
