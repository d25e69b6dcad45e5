package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/store"
)

// never lies before everything: nothing is older.
var never = time.Unix(0, 0)

// DropPartitions drops what lies wholly before the times of a retention, and
// the names of committers that have not committed for a day. It gives up when a
// table is in use for long; it is tried again later.
func (s *Store) DropPartitions(ctx context.Context, r store.Retention) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, viewWithin)
	defer cancel()
	pg, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = pg.Close(context.WithoutCancel(ctx)) }() // everything was answered
	at := func(t time.Time) time.Time {
		if t.IsZero() {
			return never
		}
		return t
	}
	err = pgx.BeginFunc(ctx, pg, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('lock_timeout', $1, true)", partitionsLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "select fleet_expire($1, $2, $3)", at(r.Jobs), at(r.Events), at(r.Logs)).Scan(&n); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "delete from commits where at < $1", s.options.Now().Add(-24*time.Hour))
		return err
	})
	if err != nil {
		return 0, fault("drop partitions", err)
	}
	return n, nil
}
