package pgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lent lends a database with a schema and nothing in it until the test is over:
// one that an earlier test of the package gave back, emptied, or a new one that
// prepare made the tables of, as their owner. All calls of a package pass the
// same prepare. The store must be closed before the test's cleanups come to the
// one of this call.
func Lent(tb testing.TB, prepare func(ctx context.Context, ownerURL string) error) DB {
	tb.Helper()
	server := Server(tb)
	db, ok := takeBack()
	if !ok {
		var drop func(context.Context) error
		db, drop = makeDatabase(tb, server)
		shared.Lock()
		shared.drops = append(shared.drops, drop)
		shared.Unlock()
		if err := prepare(tb.Context(), db.OwnerURL); err != nil {
			tb.Fatalf("prepare the database %s: %v", db.Name, err)
		}
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := Wipe(ctx, db); err != nil {
			tb.Errorf("empty the database %s: %v", db.Name, err)
			return // nobody gets it again
		}
		shared.Lock()
		defer shared.Unlock()
		shared.free = append(shared.free, db)
	})
	return db
}

func takeBack() (db DB, ok bool) {
	shared.Lock()
	defer shared.Unlock()
	n := len(shared.free)
	if n == 0 {
		return DB{}, false
	}
	db, shared.free = shared.free[n-1], shared.free[:n-1]
	return db, true
}

// Wipe empties every table but the history of migrations. Whoever still works on
// the database makes it fail.
func Wipe(ctx context.Context, db DB) (err error) {
	pg, err := pgx.Connect(ctx, db.SuperURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close(ctx)) }()
	// Workflows last: the others refer to them.
	rows, err := pg.Query(ctx, `select quote_ident(relname) from pg_class where relnamespace = 'public'::regnamespace
		and relkind in ('r', 'p') and not relispartition and relname <> 'schema_migrations' order by relname = 'workflows'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var sql strings.Builder
	sql.WriteString("set lock_timeout = '10s';")
	for _, name := range names {
		fmt.Fprintf(&sql, "delete from %s;", name)
	}
	_, err = pg.PgConn().Exec(ctx, sql.String()).ReadAll()
	return err
}
