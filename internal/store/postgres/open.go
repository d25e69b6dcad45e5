package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casarerpa/fleet/fleet"
)

// minVersion is the oldest PostgreSQL that has all we use (15).
const minVersion = 150000

// parse reads the address and fills in what we need of every connection.
func parse(address string) (*pgx.ConnConfig, error) {
	if u, err := url.Parse(address); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fleet.Invalid("database_url", "A database address begins with postgres://.").
			WithFix("Write postgres://USER:PASSWORD@HOST:5432/DATABASE.")
	}
	config, err := pgx.ParseConfig(address)
	if err != nil { // the driver's text may hold the password
		return nil, fleet.Invalid("database_url", "The address of the database cannot be read.").
			WithFix("Write postgres://USER:PASSWORD@HOST:5432/DATABASE.")
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectWithin {
		config.ConnectTimeout = connectWithin
	}
	if len(config.Fallbacks) > 0 && config.ValidateConnect == nil { // of several hosts, the one that writes
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	return config, nil
}

// unreachable says in words that the database is not there.
func unreachable(err error) error {
	e := fleet.Errorf(fleet.CodeUnavailable, "database_unreachable", "%w", fmt.Errorf("%w: %w", errLost, err))
	e.Message = "The database cannot be reached: " + reason(err) + "."
	e.Fix = "Check that PostgreSQL runs and that its address, user and password are right."
	e.RetryAfter = 2 * time.Second
	return e
}

// reason is the driver's error without what it says about the address, which
// may hold a password.
func reason(err error) string {
	if pg, is := errors.AsType[*pgconn.PgError](err); is {
		return pg.Message
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return strings.TrimSuffix(text, ".")
}

// prepare looks at the database once: does a connection keep its session, may
// the database be trusted, is the schema ours, which role works.
func (s *Store) prepare(ctx context.Context) (session bool, err error) {
	if session, err = s.ownSession(ctx); err != nil {
		return false, err
	}
	if !session {
		// A pooler gives every transaction another session, so statements that
		// one has prepared may not be there in the next.
		s.config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		s.options.Logger.Info("the database is behind a pooler: changes of other members are seen by looking once a second")
	}
	pg, err := s.connect(ctx)
	if err != nil {
		return session, err
	}
	defer func() { _ = pg.Close(ctx) }() // everything was read
	if err := checkSettings(ctx, pg, s.options.Unsafe); err != nil {
		return session, err
	}
	if err := s.bring(ctx, pg); err != nil {
		return session, err
	}
	if err := partition(ctx, pg, s.options.Now()); err != nil { // rows have their place without
		s.options.Logger.Warn("partitions were not made; it is tried again later", "error", err)
	}
	owns := false
	s.role, owns, err = workingRole(ctx, pg)
	if err == nil && owns {
		s.options.Logger.Warn("the database has no role of ours, so the tables' owner does the work; row-level security is in force all the same")
	}
	return session, err
}

// ownSession finds out whether this connection keeps one session. A pooler
// cannot tell the process of a session that it has not chosen yet, so it makes
// a number up, and that is not the one of the session that answers. One that
// keeps sessions is taken for one that does not, which costs wake-ups only.
func (s *Store) ownSession(ctx context.Context) (bool, error) {
	config := s.config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	pg, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, unreachable(err)
	}
	defer func() { _ = pg.Close(ctx) }() // everything was read
	var pid uint32
	if err := pg.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return false, fault("look for a pooler", err)
	}
	return pid == pg.PgConn().PID(), nil
}

// checkSettings refuses a database that is too old or forgets what it has
// acknowledged.
func checkSettings(ctx context.Context, pg *pgx.Conn, unsafe bool) error {
	var version int
	var fsync, commit, pages string
	err := pg.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('full_page_writes')`).Scan(&version, &fsync, &commit, &pages)
	if err != nil {
		return fault("read the settings", err)
	}
	if version < minVersion {
		return fleet.Invalid("database_url", "PostgreSQL %d is too old; the store needs version 15 or later.", version/10000).
			WithFix("Upgrade the database.")
	}
	var bad []string
	if fsync != "on" {
		bad = append(bad, "fsync="+fsync)
	}
	if commit == "off" {
		bad = append(bad, "synchronous_commit=off")
	}
	if pages != "on" {
		bad = append(bad, "full_page_writes="+pages)
	}
	if len(bad) > 0 && !unsafe {
		return fleet.Invalid("database_url", "The database may lose acknowledged changes: %s.", strings.Join(bad, ", ")).
			WithFix("Set them to on, or say that the store may be unsafe (--unsafe-store).")
	}
	return nil
}

// workingRole is the role that transactions take on: not the owner of the
// tables, so that row-level security holds for it. None if the login is such a
// role already, or if there is no other.
func workingRole(ctx context.Context, pg *pgx.Conn) (role string, owns bool, err error) {
	var owner, free bool // of row-level security
	err = pg.QueryRow(ctx, `select (select tableowner from pg_tables where schemaname = current_schema() and tablename = 'jobs') = current_user,
		(select rolsuper or rolbypassrls from pg_roles where rolname = current_user),
		case when exists (select 1 from pg_roles where rolname = $1) and pg_has_role(current_user, $1, 'member') then $1 else 'none' end`,
		appRole).Scan(&owner, &free, &role)
	switch {
	case err != nil:
		return "", false, fault("look for the role", err)
	case !owner && !free:
		return "none", false, nil
	case role == "none" && free:
		return "", false, fleet.Errorf(fleet.CodeInvalid, "database_role",
			"The database login may see the rows of every tenant (superuser or bypassrls), and there is no role %s to work as.", appRole).
			WithFix("Run fleet db migrate with a login that may make roles, or use a login without these rights.")
	}
	return role, role == "none", nil
}
