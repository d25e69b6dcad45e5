package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// openWith opens an empty store in the test's own folder.
func openWith(o Options) storetest.Open {
	return func(t testing.TB) store.Store {
		o := o
		o.Dir = t.TempDir()
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
}

// backlog is how much lies in the store beside which a figure is taken;
// FLEET_BENCH_BACKLOG=1000000 gives the figure of the performance page.
func backlog(b *testing.B) int {
	if text := os.Getenv("FLEET_BENCH_BACKLOG"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 100_000
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, openWith(Options{}), backlog(b)) }

// BenchmarkLifeCycle puts group commit beside one transaction per change, in
// the same run: their ratio is the claim, not either figure.
func BenchmarkLifeCycle(b *testing.B) {
	b.Run("group", func(b *testing.B) { storetest.BenchLifeCycle(b, openWith(Options{}), 64) })
	b.Run("single", func(b *testing.B) {
		storetest.BenchLifeCycle(b, openWith(Options{Queue: committer.Options{GroupOps: 1}}), 64)
	})
	b.Run("unsafe", func(b *testing.B) {
		storetest.BenchLifeCycle(b, openWith(Options{Synchronous: "OFF", Unsafe: true}), 64)
	})
}

// BenchmarkQueue takes and adds items of a queue of a million.
func BenchmarkQueue(b *testing.B) {
	storetest.BenchQueue(b, openWith(Options{}), storetest.Filler{
		Hex: "printf('%012x', n)", Bytes: `cast('{"a":1}' as blob)`, When: "1",
		Series: func(n int) string {
			return fmt.Sprintf("(with recursive s(n) as (select 1 union all select n + 1 from s where n < %d) select n from s)", n)
		},
		Exec: func(b testing.TB, s store.Store, sql string) {
			b.Helper()
			c, err := sqlite.OpenConn(filepath.Join(s.(*Store).options.Dir, "fleet.db"), sqlite.OpenReadWrite) //nolint:forcetypeassert // ours
			if err == nil {
				err = errors.Join(sqlitex.ExecuteTransient(c, sql, nil), c.Close())
			}
			if err != nil {
				b.Fatal(err)
			}
		},
	})
}

// BenchmarkReopen opens a store whose process was killed with a backlog and an
// unfolded log, up to the first read that dispatch makes.
func BenchmarkReopen(b *testing.B) {
	n := backlog(b)
	dir := b.TempDir()
	s, err := Open(b.Context(), Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	storetest.New(b, func(testing.TB) store.Store { return s }).Fill(n)
	for b.Loop() {
		b.StopTimer()
		copied := b.TempDir() // what a kill leaves: the files as they are
		for _, name := range []string{"fleet.db", "fleet.db-wal", "logs.db"} {
			data, err := os.ReadFile(dir + "/" + name)
			if err == nil {
				err = os.WriteFile(copied+"/"+name, data, 0o600)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		again, err := Open(b.Context(), Options{Dir: copied})
		if err != nil {
			b.Fatal(err)
		}
		if err := firstLook(b.Context(), again, n); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func firstLook(ctx context.Context, s *Store, n int) error {
	return s.View(ctx, store.Tenant("acme"), func(r store.Reader) error {
		lanes, err := r.Lanes()
		if err != nil || len(lanes) != 1 || lanes[0].Waiting != int64(n) {
			return fmt.Errorf("lanes %v of %d jobs: %w", lanes, n, err)
		}
		ready, err := r.Ready(lanes[0], fleet.PageMax)
		if err == nil && len(ready) == 0 {
			err = fmt.Errorf("nothing is ready")
		}
		return err
	})
}
