package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Figures of partitions.
const (
	partitionsAhead = 45 * 24 * time.Hour // how far they are made beforehand
	partitionsEvery = 6 * time.Hour
	partitionsLock  = "3s" // everybody waits behind us while we wait for a table
)

// partition makes the partitions of the next weeks. The tables that grow are
// locked for that, so one that is in use for long is left for the next time.
// Members do it one after the other, so that whoever starts has them.
func partition(ctx context.Context, pg *pgx.Conn, now time.Time) error {
	err := pgx.BeginFunc(ctx, pg, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('lock_timeout', $1, true)", partitionsLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "select fleet_partitions($1, $2)", now, now.Add(partitionsAhead))
		return err
	})
	if err != nil {
		return fault("make partitions", err)
	}
	return nil
}

// partitioner makes partitions from time to time until ctx ends. Without them
// rows go to the default partitions, where they are found but not dropped.
func (s *Store) partitioner(ctx context.Context) {
	for {
		wait := time.NewTimer(partitionsEvery)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		if err := s.partitionNow(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Warn("partitions were not made; it is tried again later", "error", err)
		}
	}
}

func (s *Store) partitionNow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin+10*time.Second)
	defer cancel()
	pg, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close(context.WithoutCancel(ctx)) }() // everything was answered
	return partition(ctx, pg, s.options.Now())
}
