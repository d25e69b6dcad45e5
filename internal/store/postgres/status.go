package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/migrate"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

// countBelow is the size of a table up to which its rows are counted; beyond,
// the database's own statistics answer.
const countBelow = 32 << 20

// Status looks at a database; orchestrators may work on it.
func Status(ctx context.Context, url string) (transfer.Status, error) {
	s := transfer.Status{Database: "postgres", Where: Where(url), Tables: []transfer.TableStatus{}, Members: []fleet.Member{}}
	all, err := migrate.Load(migrations, "migrations")
	if err != nil {
		return s, err
	}
	s.Program = len(all)
	at, err := enterAlone(ctx, url, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return s, err
	}
	defer at.close()
	if err := at.tx.QueryRow(ctx, "select pg_database_size(current_database())").Scan(&s.Bytes); err != nil {
		return s, fault("ask for the size", err)
	}
	done, err := at.history(ctx)
	if err != nil || len(done) == 0 {
		return s, err
	}
	s.Schema = len(done)
	rows, err := at.tx.Query(ctx, "select store_id, generation from store_meta")
	if err != nil {
		return s, fault("read the store's name", err)
	}
	if _, err = pgx.ForEachRow(rows, []any{&s.StoreID, &s.Generation}, func() error { return nil }); err != nil {
		return s, fault("read the store's name", err)
	}
	rows, err = at.tx.Query(ctx, "select id, version, address, started_at from members order by id")
	if err != nil {
		return s, fault("read the members", err)
	}
	var m struct {
		id, version, address string
		started              time.Time
	}
	if _, err = pgx.ForEachRow(rows, []any{&m.id, &m.version, &m.address, &m.started}, func() error {
		s.Members = append(s.Members, fleet.Member{ID: fleet.ID(m.id), Version: m.version, Address: m.address, StartedAt: m.started.UTC()})
		return nil
	}); err != nil {
		return s, fault("read the members", err)
	}
	for _, t := range transfer.Tables() {
		if err := at.count(ctx, &s, t.Name); err != nil {
			return s, err
		}
	}
	return s, nil
}

// count adds a table if there is one of that name.
func (s *session) count(ctx context.Context, to *transfer.Status, table string) error {
	var there bool
	var size, rows int64
	err := s.tx.QueryRow(ctx, `select to_regclass($1::text) is not null, coalesce(sum(pg_relation_size(relid)), 0)::bigint,
		coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
		from pg_partition_tree(to_regclass($1::text)) p join pg_class c on c.oid = p.relid where p.isleaf`, table).Scan(&there, &size, &rows)
	if err != nil {
		return fault("look at "+table, err)
	}
	if !there {
		return nil
	}
	out := transfer.TableStatus{Name: table, Rows: rows, Estimate: size > countBelow}
	if !out.Estimate {
		if err := s.tx.QueryRow(ctx, "select count(*) from "+table).Scan(&out.Rows); err != nil {
			return fault("count "+table, err)
		}
	}
	to.Tables = append(to.Tables, out)
	return nil
}
