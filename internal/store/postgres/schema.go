package postgres

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store/migrate"
)

//go:embed migrations
var migrations embed.FS

// appRole is the role that works on the tables. It owns none of them and may
// not log in.
const appRole = "fleet_app"

// migrateLock is held while the schema changes, so that of several members that
// start at once one does it and the others wait.
const migrateLock = 0x666c656574

// target is the database as migrate sees it, inside the transaction that holds
// the lock: all scripts that are missing take effect together.
type target struct {
	tx  pgx.Tx
	now func() time.Time
}

func (t target) Applied(ctx context.Context) ([]migrate.Record, error) {
	_, err := t.tx.Exec(ctx, `create table if not exists schema_migrations (
		number bigint primary key, name text not null, sum text not null, applied_at timestamptz not null)`)
	if err != nil {
		return nil, fault("make the schema's history", err)
	}
	return history(ctx, t.tx.Conn())
}

func history(ctx context.Context, pg *pgx.Conn) ([]migrate.Record, error) {
	rows, err := pg.Query(ctx, "select number, name, sum from schema_migrations order by number")
	if err != nil {
		return nil, fault("read the schema's history", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r migrate.Record, err error) {
		return r, row.Scan(&r.Number, &r.Name, &r.Sum)
	})
	if err != nil {
		return nil, fault("read the schema's history", err)
	}
	return out, nil
}

func (t target) Apply(ctx context.Context, m migrate.Migration) error {
	if _, err := t.tx.Conn().PgConn().Exec(ctx, m.SQL).ReadAll(); err != nil {
		return fault(m.Name, err)
	}
	_, err := t.tx.Exec(ctx, "insert into schema_migrations (number, name, sum, applied_at) values ($1, $2, $3, $4)",
		m.Number, m.Name, m.Sum, t.now())
	if err != nil {
		return fault("remember "+m.Name, err)
	}
	return nil
}

// Migrate brings the database to the schema of this program and returns how
// many scripts that took. The login must own the tables, or be able to make
// them.
func Migrate(ctx context.Context, o Options) (int, error) {
	o, err := o.fill()
	if err != nil {
		return 0, err
	}
	config, err := parse(o.URL)
	if err != nil {
		return 0, err
	}
	pg, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return 0, unreachable(err)
	}
	defer func() { _ = pg.Close(ctx) }() // everything was answered
	n, err := migrateWith(ctx, pg, o.Now)
	if err == nil {
		err = partition(ctx, pg, o.Now())
	}
	return n, err
}

// migrateWith holds the lock as long as its transaction, so that a pooler
// cannot leave it behind.
func migrateWith(ctx context.Context, pg *pgx.Conn, now func() time.Time) (int, error) {
	all, err := migrate.Load(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	n := 0
	err = pgx.BeginFunc(ctx, pg, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
			return fault("wait for other migrations", err)
		}
		if n, err = migrate.Run(ctx, target{tx, now}, all); err != nil {
			return err
		}
		if n > 0 {
			if err := grant(ctx, tx); err != nil {
				return err
			}
		}
		return fail.At(fail.MigrateBeforeCommit)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// grant gives the working role what it needs and nothing else. A login that may
// not make roles leaves that to whoever may.
func grant(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Conn().PgConn().Exec(ctx, fmt.Sprintf(`do $$ begin
		if not exists (select 1 from pg_roles where rolname = '%[1]s') then
			create role %[1]s nologin;
		end if;
	exception when insufficient_privilege or duplicate_object or unique_violation then null;
	end $$;
	do $$ begin
		if exists (select 1 from pg_roles where rolname = '%[1]s') then
			execute format('grant usage on schema %%I to %[1]s', current_schema());
			execute format('grant select, insert, update, delete on all tables in schema %%I to %[1]s', current_schema());
			execute format('grant usage on all sequences in schema %%I to %[1]s', current_schema());
			execute format('revoke insert, update, delete on schema_migrations from %[1]s');
			if not pg_has_role(current_user, '%[1]s', 'member') then
				execute format('grant %[1]s to %%I', current_user);
			end if;
		end if;
	exception when insufficient_privilege then null;
	end $$;`, appRole)).ReadAll()
	if err != nil {
		return fault("grant", err)
	}
	return nil
}

// mayMigrate says whether this login may make tables. One that only works on
// them starts on a schema that is current, and is told who brings it there.
func mayMigrate(ctx context.Context, pg *pgx.Conn) (may bool, err error) {
	if err = pg.QueryRow(ctx, "select coalesce(has_schema_privilege(current_schema(), 'create'), false)").Scan(&may); err != nil {
		return false, fault("look for the right to migrate", err)
	}
	return may, nil
}

// bring checks the schema, or brings it up to date.
func (s *Store) bring(ctx context.Context, pg *pgx.Conn) error {
	if s.options.Migrate {
		if may, err := mayMigrate(ctx, pg); err != nil {
			return err
		} else if may {
			_, err := migrateWith(ctx, pg, s.options.Now)
			return err
		}
	}
	all, err := migrate.Load(migrations, "migrations")
	if err != nil {
		return err
	}
	var there bool
	if err := pg.QueryRow(ctx, "select to_regclass('schema_migrations') is not null").Scan(&there); err != nil {
		return fault("look for the schema", err)
	}
	var done []migrate.Record
	if there {
		if done, err = history(ctx, pg); err != nil {
			return err
		}
	}
	if err := migrate.Check(done, all); err != nil {
		return err
	}
	if len(done) < len(all) {
		return fleet.Errorf(fleet.CodeConflict, "schema_older", "The database has %d of %d migrations of this program.", len(done), len(all)).
			WithFix("Run: fleet db migrate --database-url …, with the login that owns the tables.")
	}
	return nil
}
