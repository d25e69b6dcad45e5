package transfer_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/postgres"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// place is where a store lies: a folder or a database.
type place struct {
	name   string
	where  string // folder, or the owner's URL
	login  string // of the orchestrators
	source func(t testing.TB) transfer.Source
	sink   func(t testing.TB) (transfer.Sink, error)
	open   storetest.Open
}

// kinds makes an empty place of each kind.
var kinds = map[string]func(t testing.TB) place{"sqlite": folder, "postgres": database}

func folder(t testing.TB) place {
	dir := filepath.Join(t.TempDir(), "store")
	return place{
		name: "sqlite", where: dir,
		source: func(t testing.TB) transfer.Source {
			t.Helper()
			s, err := sqlite.Source(t.Context(), dir, false)
			must(t, err)
			return s
		},
		sink: func(t testing.TB) (transfer.Sink, error) { return sqlite.Sink(t.Context(), dir, time.Now) },
		open: func(t testing.TB) store.Store {
			t.Helper()
			s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			return s
		},
	}
}

// march is when the fixtures live, so that few partitions have to be made.
func march() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

func database(t testing.TB) place {
	t.Helper()
	db := pgtest.Database(t)
	_, err := postgres.Migrate(t.Context(), postgres.Options{URL: db.OwnerURL, Now: march})
	must(t, err)
	return place{
		name: "postgres", where: db.OwnerURL, login: db.URL,
		source: func(t testing.TB) transfer.Source {
			t.Helper()
			s, err := postgres.Source(t.Context(), db.OwnerURL, false)
			must(t, err)
			return s
		},
		sink: func(t testing.TB) (transfer.Sink, error) { return postgres.Sink(t.Context(), db.OwnerURL, march()) },
		open: func(t testing.TB) store.Store {
			t.Helper()
			s, err := postgres.Open(t.Context(), postgres.Options{URL: db.URL})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			return s
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filled is a place with a row in each table, of two tenants, and closed.
func filled(t *testing.T, p place) {
	t.Helper()
	t.Run("fill "+p.name, func(t *testing.T) {
		f := storetest.New(t, p.open)
		f.Everything()
		f.Other("globex").Everything()
		f.CheckInvariants()
	})
	s := p.source(t)
	defer func() { must(t, s.Close()) }()
	for table, rows := range contents(t, s) {
		if len(rows) == 0 {
			t.Fatalf("%s is empty, so nothing is proved about it", table)
		}
	}
}

// contents reads everything.
func contents(t *testing.T, s transfer.Reader) map[string][]transfer.Row {
	t.Helper()
	out := map[string][]transfer.Row{}
	for _, table := range transfer.Tables() {
		out[table.Name] = nil
		for row, err := range s.Rows(context.WithoutCancel(t.Context()), &table) {
			must(t, err)
			out[table.Name] = append(out[table.Name], append(transfer.Row(nil), row...))
		}
	}
	return out
}

// same compares two places.
func same(t *testing.T, a, b place) {
	t.Helper()
	from, to := a.source(t), b.source(t)
	defer func() { must(t, from.Close()); must(t, to.Close()) }()
	must(t, transfer.Compare(t.Context(), from, to, nil))
}
