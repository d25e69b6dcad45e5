package sqlite

import (
	"context"
	"embed"
	"time"

	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store/migrate"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

//go:embed migrations
var migrations embed.FS

// target is a file as migrate sees it.
type target struct {
	conn *conn
	now  func() time.Time
}

// The history of the schema is not in the registry: its table is made before
// the schema is.
var (
	historyList = &sqlstore.Stmt{Name: "schema.list", SQL: "select number, name, sum from schema_migrations order by number"}
	historyPut  = &sqlstore.Stmt{Name: "schema.put", N: 1, SQL: "insert into schema_migrations (number, name, sum, applied_at) values ($1, $2, $3, $4)"}
)

func (t target) Applied(context.Context) ([]migrate.Record, error) {
	err := t.conn.exec(`create table if not exists schema_migrations (
		number integer primary key, name text not null, sum text not null, applied_at integer not null) strict`)
	if err != nil {
		return nil, err
	}
	var out []migrate.Record
	err = t.conn.run(historyList, nil, func(p *prepared) error {
		out = append(out, migrate.Record{Number: int(p.cols.Int(0)), Name: p.cols.Text(1), Sum: p.cols.Text(2)})
		return nil
	})
	return out, err
}

func (t target) Apply(_ context.Context, m migrate.Migration) (err error) {
	if err := t.conn.exec("begin immediate"); err != nil {
		return err
	}
	defer func() {
		if err != nil && !t.conn.db.AutocommitEnabled() {
			_ = t.conn.exec("rollback") // the first error tells more
		}
	}()
	if err := t.conn.exec(m.SQL); err != nil {
		return err
	}
	if _, err := t.conn.Exec(historyPut, m.Number, m.Name, m.Sum, t.now()); err != nil {
		return err
	}
	if err := fail.At(fail.MigrateBeforeCommit); err != nil {
		return err
	}
	return t.conn.exec("commit")
}

// bring opens the file for writing and migrates it, with a connection of its
// own that is closed again.
func bring(ctx context.Context, f file, dir string, now func() time.Time) (err error) {
	all, err := migrate.Load(migrations, dir)
	if err != nil {
		return err
	}
	c, err := f.open(true)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := c.db.Close(); err == nil {
			err = cerr
		}
	}()
	_, err = migrate.Run(ctx, target{c, now}, all)
	return err
}

var _ migrate.Target = target{}
