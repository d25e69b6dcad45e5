package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/migrate"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

// Where names a database without its user and password.
func Where(url string) string {
	config, err := parse(url)
	if err != nil {
		return "postgres://"
	}
	return fmt.Sprintf("postgres://%s:%d/%s", config.Host, config.Port, config.Database)
}

// session is one transaction that sees every tenant and lasts as long as it must.
type session struct {
	pg *pgx.Conn
	tx pgx.Tx
}

// enterAlone connects and begins.
func enterAlone(ctx context.Context, url string, options pgx.TxOptions) (_ *session, err error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	// Nothing is gained by statements that stay prepared, and a pooler may be
	// in between.
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	s := &session{}
	if s.pg, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, unreachable(err)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.tx, err = s.pg.BeginTx(ctx, options); err != nil {
		return nil, fault("begin", err)
	}
	_, err = s.pg.PgConn().Exec(ctx, `set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
		set local lock_timeout = '10s'; set local fleet.tenants = '*'`).ReadAll()
	if err != nil {
		return nil, fault("settings", err)
	}
	return s, nil
}

// close ends the transaction if it is still open. The caller may have given up.
func (s *session) close() {
	if s == nil || s.pg == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.tx != nil {
		_ = s.tx.Rollback(ctx) // nothing if it was committed
	}
	_ = s.pg.Close(ctx) // everything was answered
}

// schema reads the history and refuses one that is not ours.
func (s *session) schema(ctx context.Context) (int, error) {
	all, err := migrate.Load(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	done, err := s.history(ctx)
	if err != nil {
		return 0, err
	}
	return len(done), migrate.Current(done, all, "--database-url …, with the login that owns the tables.")
}

// history is empty where there is no schema.
func (s *session) history(ctx context.Context) ([]migrate.Record, error) {
	var there bool
	if err := s.tx.QueryRow(ctx, "select to_regclass('schema_migrations') is not null").Scan(&there); err != nil {
		return nil, fault("look for the schema", err)
	}
	if !there {
		return nil, nil
	}
	return history(ctx, s.pg)
}

// Rows streams a table in the order of its key.
func (s *session) Rows(ctx context.Context, t *transfer.Table) iter.Seq2[transfer.Row, error] {
	return func(yield func(transfer.Row, error) bool) {
		rows, err := s.tx.Query(ctx, "select "+t.Names()+" from "+t.Name+" order by "+t.Order())
		if err != nil {
			yield(nil, fault("read "+t.Name, err))
			return
		}
		defer rows.Close()
		cols := &columns{fields: rows.FieldDescriptions(), types: s.pg.TypeMap()}
		row := make(transfer.Row, len(t.Columns))
		for rows.Next() {
			cols.raw = rows.RawValues()
			for i, c := range t.Columns {
				row[i] = cols.value(i, c.Kind)
			}
			if cols.err != nil {
				yield(nil, cols.err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fault("read "+t.Name, err))
		}
	}
}

func (c *columns) value(i int, kind transfer.Kind) any {
	if c.raw[i] == nil {
		return nil
	}
	switch kind {
	case transfer.Int:
		return c.Int(i)
	case transfer.Float:
		return c.Float(i)
	case transfer.Bool:
		return c.Int(i) != 0
	case transfer.Time:
		return c.Time(i).UnixMicro()
	case transfer.Bytes:
		return c.Bytes(i)
	case transfer.Text:
	}
	return transfer.Clean(c.Text(i))
}

// source is a snapshot; orchestrators may work on the database meanwhile.
type source struct {
	*session
	origin transfer.Origin
}

// Source opens a snapshot of a database. With alone it is refused while
// orchestrators are members.
func Source(ctx context.Context, url string, alone bool) (_ transfer.Source, err error) {
	s := &source{origin: transfer.Origin{Database: "postgres"}}
	s.session, err = enterAlone(ctx, url, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.origin.Schema, err = s.schema(ctx); err != nil {
		return nil, err
	}
	if alone {
		if err := s.unused(ctx, "source", Where(url)); err != nil {
			return nil, err
		}
	}
	err = s.tx.QueryRow(ctx, "select store_id, generation from store_meta").Scan(&s.origin.StoreID, &s.origin.Generation)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fleet.Errorf(fleet.CodeNotFound, "no_store", "The database was never opened by an orchestrator, so there is nothing in it.")
	}
	if err != nil {
		return nil, fault("read the store's name", err)
	}
	var oldest *time.Time
	if err := s.tx.QueryRow(ctx, "select least((select min(created_at) from jobs), (select min(at) from events))").Scan(&oldest); err != nil {
		return nil, fault("look for the oldest row", err)
	}
	if oldest != nil {
		s.origin.Oldest = oldest.UTC()
	}
	return s, nil
}

// Origin implements transfer.Source.
func (s *source) Origin() transfer.Origin { return s.origin }

// Close ends the snapshot.
func (s *source) Close() error {
	s.close()
	return nil
}

// sink is a transaction that holds everything that is written.
type sink struct {
	*session
	where string
	now   time.Time
}

// Sink prepares an empty database whose schema is current. The login must own
// the tables: it makes partitions and sets a counter.
func Sink(ctx context.Context, url string, now time.Time) (_ transfer.Sink, err error) {
	s := &sink{where: Where(url), now: now}
	if s.session, err = enterAlone(ctx, url, pgx.TxOptions{}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := checkSettings(ctx, s.pg, false); err != nil {
		return nil, err
	}
	if _, err := s.schema(ctx); err != nil {
		return nil, err
	}
	return s, s.vacant(ctx)
}

// vacant refuses a database that is used, and keeps orchestrators from
// beginning to use it: the first that each of them writes is in these tables.
func (s *sink) vacant(ctx context.Context) error {
	var owns bool
	err := s.tx.QueryRow(ctx, `select pg_has_role(current_user, relowner, 'usage') from pg_class
		where oid = to_regclass('jobs')`).Scan(&owns)
	if err != nil {
		return fault("look for the owner", err)
	}
	if !owns {
		return fleet.Errorf(fleet.CodeForbidden, "database_role", "The database login does not own the tables of %s.", s.where).
			WithFix("Use the login that fleet db migrate was run with.")
	}
	if _, err := s.tx.Exec(ctx, "lock table store_meta, members in exclusive mode"); err != nil {
		return fault("keep orchestrators away", err)
	}
	if err := s.unused(ctx, "target", s.where); err != nil {
		return err
	}
	for _, t := range transfer.Tables() {
		if t.Name == "store_meta" || t.Name == "leases" { // what a start leaves behind
			continue
		}
		var some bool
		if err := s.tx.QueryRow(ctx, "select exists (select 1 from "+t.Name+")").Scan(&some); err != nil {
			return fault("look into "+t.Name, err)
		}
		if some {
			return transfer.NotEmpty(s.where, "rows in "+t.Name)
		}
	}
	if _, err := s.pg.PgConn().Exec(ctx, "delete from store_meta; delete from leases; delete from commits").ReadAll(); err != nil {
		return fault("make room", err)
	}
	return nil
}

// unused refuses a database that orchestrators work on.
func (s *session) unused(ctx context.Context, role, where string) error {
	var members int
	if err := s.tx.QueryRow(ctx, "select count(*) from members").Scan(&members); err != nil {
		return fault("look for members", err)
	}
	if members == 0 {
		return nil
	}
	return fleet.Errorf(fleet.CodeConflict, "store_in_use", "%d orchestrators are members of the %s %s.", members, role, where).
		WithFix("Stop them. One that was killed is forgotten when another runs for half a minute and stops.")
}

// maxPast bounds the partitions that are made for old rows; what is older lies
// in the default ones.
const maxPast = 5 * 366 * 24 * time.Hour

// Schema is the program's own: a database with another is refused.
func (s *sink) Schema() (int, error) {
	all, err := migrate.Load(migrations, "migrations")
	return len(all), err
}

// Prepare makes the partitions that the rows belong into.
func (s *sink) Prepare(ctx context.Context, oldest time.Time) error {
	if oldest.IsZero() || oldest.After(s.now) {
		oldest = s.now
	}
	if first := s.now.Add(-maxPast); oldest.Before(first) {
		oldest = first
	}
	if _, err := s.tx.Exec(ctx, "select fleet_partitions($1::timestamptz, $2::timestamptz)", oldest, s.now.Add(partitionsAhead)); err != nil {
		return fault("make partitions", err)
	}
	return nil
}

// Take writes rows as one statement. COPY is not for tables with row-level
// security.
func (s *sink) Take(ctx context.Context, t *transfer.Table, rows []transfer.Row) error {
	places := make([]string, len(t.Columns))
	args := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		places[i] = fmt.Sprintf("$%d::%s[]", i+1, typeOf(c.Kind))
		args[i] = valuesOf(rows, i, c.Kind)
	}
	sql := "insert into " + t.Name + " (" + t.Names() + ") overriding system value select * from unnest(" + strings.Join(places, ", ") + ")"
	tag, err := s.tx.Exec(ctx, sql, args...)
	if err != nil {
		return fault("write "+t.Name, err)
	}
	if n := tag.RowsAffected(); n != int64(len(rows)) {
		return fmt.Errorf("write %s: %d of %d rows were taken", t.Name, n, len(rows))
	}
	return nil
}

func typeOf(k transfer.Kind) string {
	switch k {
	case transfer.Int:
		return "bigint"
	case transfer.Float:
		return "double precision"
	case transfer.Bytes:
		return "bytea"
	case transfer.Time:
		return "timestamptz"
	case transfer.Bool:
		return "boolean"
	case transfer.Text:
	}
	return "text"
}

// valuesOf is one column of several rows as an array.
func valuesOf(rows []transfer.Row, i int, k transfer.Kind) any {
	switch k {
	case transfer.Int:
		return pointers[int64](rows, i)
	case transfer.Float:
		return pointers[float64](rows, i)
	case transfer.Bool:
		return pointers[bool](rows, i)
	case transfer.Bytes:
		out := make([][]byte, len(rows))
		for n, row := range rows {
			out[n], _ = row[i].([]byte)
		}
		return out
	case transfer.Time:
		out := make([]*time.Time, len(rows))
		for n, row := range rows {
			if micro, is := row[i].(int64); is {
				at := time.UnixMicro(micro)
				out[n] = &at
			}
		}
		return out
	case transfer.Text:
	}
	return pointers[string](rows, i)
}

func pointers[T any](rows []transfer.Row, i int) []*T {
	out := make([]*T, len(rows))
	for n, row := range rows {
		if v, is := row[i].(T); is {
			out[n] = &v
		}
	}
	return out
}

// Rewind implements transfer.Sink.
func (s *sink) Rewind(ctx context.Context, at time.Time) error {
	for _, sql := range transfer.RewindSQL() {
		var args []any
		if strings.Contains(sql, "$1") {
			args = []any{at}
		}
		if _, err := s.tx.Exec(ctx, strings.ReplaceAll(sql, "$1", "$1::timestamptz"), args...); err != nil {
			return fault("rewind", err)
		}
	}
	r := sqlstore.Restored{BackupAt: at, Now: s.now}
	if err := s.tx.QueryRow(ctx, "select store_id, generation from store_meta").Scan(&r.StoreID, &r.Generation); err != nil {
		return fault("read the store's name", err)
	}
	return sqlstore.Reanchor(&conn{ctx: ctx, pg: s.pg}, r)
}

// Commit sets the counter of the lanes behind the rows that were taken.
func (s *sink) Commit(ctx context.Context) error {
	_, err := s.tx.Exec(ctx, "select setval(pg_get_serial_sequence('lanes', 'id'), (select coalesce(max(id), 0) + 1 from lanes), false)")
	if err != nil {
		return fault("set the counter of the lanes", err)
	}
	if err := s.tx.Commit(ctx); err != nil {
		err = fault("commit", err)
		if errors.Is(err, errLost) {
			e := fleet.Errorf(fleet.CodeUnavailable, "outcome_unknown", "%w", err)
			e.Message = "The connection was lost during the commit, so everything was written or nothing."
			e.Fix = "Ask the target: fleet db status."
			return e
		}
		return err
	}
	// Plans of an empty database would be used for a full one. The fill stands
	// without it, and autovacuum does it later.
	_, _ = s.pg.Exec(ctx, "analyze")
	return nil
}

// Discard rolls back unless it was committed.
func (s *sink) Discard() error {
	s.close()
	return nil
}

var (
	_ transfer.Source = (*source)(nil)
	_ transfer.Sink   = (*sink)(nil)
)
