package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// BenchmarkLifeCycle puts group commit beside one transaction per change, in
// the same run: their ratio is the claim, not either figure.
func BenchmarkLifeCycle(b *testing.B) {
	b.Run("group", func(b *testing.B) { storetest.BenchLifeCycle(b, openWith(Options{}), 64) })
	b.Run("single", func(b *testing.B) {
		storetest.BenchLifeCycle(b, openWith(Options{Queue: committer.Options{GroupOps: 1}}), 64)
	})
}

// BenchmarkQueue takes and adds items of a queue of a million.
func BenchmarkQueue(b *testing.B) {
	var db pgtest.DB
	storetest.BenchQueue(b, func(t testing.TB) store.Store {
		db = migrated(t)
		return open(t, db.URL, Options{})
	}, storetest.Filler{
		Hex: "lpad(to_hex(n), 12, '0')", Bytes: `convert_to('{"a":1}', 'UTF8')`, When: "now()",
		Series: func(n int) string { return fmt.Sprintf("generate_series(1, %d) n", n) },
		Exec: func(b testing.TB, _ store.Store, sql string) {
			b.Helper()
			c, err := pgx.Connect(b.Context(), db.SuperURL)
			if err == nil {
				_, err = c.Exec(b.Context(), sql)
				err = errors.Join(err, c.Close(b.Context()))
			}
			if err != nil {
				b.Fatal(err)
			}
		},
	})
}
