package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// Errors of PostgreSQL that mean something to us, by SQLSTATE.
const (
	stateUnique        = "23505"
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateLockTimeout   = "55P03"
	stateCancelled     = "57014" // statement_timeout among others
	stateReadOnly      = "25006" // a standby after a fail-over
)

// errLost says that the connection is gone; nothing is known of what it did
// last.
var errLost = errors.New("the connection to the database is lost")

// fault turns an error of the database into one of the house. Where it was is
// for logs; people are told what it means for them.
func fault(where string, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return unavailable(fmt.Errorf("%s: %w: %w", where, errLost, err))
	}
	wrapped := fmt.Errorf("%s: %w", where, err)
	switch {
	case pg.Code == stateSerialization, pg.Code == stateDeadlock, pg.Code == stateLockTimeout:
		return fmt.Errorf("%w: %w", sqlstore.ErrOvertaken, wrapped)
	case pg.Code == stateUnique:
		e := fleet.Errorf(fleet.CodeConflict, "already_exists", "%w", wrapped)
		e.Message = "There is already something of that name."
		return e
	case strings.HasPrefix(pg.Code, "23"):
		return fmt.Errorf("%w: %w", sqlstore.ErrConstraint, wrapped)
	case strings.HasPrefix(pg.Code, "53"): // disk full, out of memory, too many connections
		return exhausted(wrapped, pg.Code)
	case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"): // shut down, starting up, connection broken
		return unavailable(fmt.Errorf("%w: %w", errLost, wrapped))
	case pg.Code == stateCancelled, pg.Code == stateReadOnly, pg.Code == "25P03": // idle in transaction too long
		return unavailable(wrapped)
	}
	return wrapped
}

func exhausted(err error, state string) error {
	if state != "53100" {
		return unavailable(err)
	}
	e := fleet.Errorf(fleet.CodeExhausted, "no_space", "%w", err)
	e.Message = "The disk of the database is full; nothing was changed."
	e.Fix = "Free some space on the database's machine. Reading goes on meanwhile."
	e.Status, e.RetryAfter = http507, 10*time.Second
	return e
}

// http507 is 507 Insufficient Storage; net/http is not for this room.
const http507 = 507

func unavailable(cause error) error {
	var e *fleet.Error
	if errors.As(cause, &e) && e.Code == fleet.CodeUnavailable {
		return cause
	}
	e = fleet.Errorf(fleet.CodeUnavailable, "store_unavailable", "%w", cause)
	e.Message = "The database cannot be reached or cannot write now; the change was not confirmed."
	e.RetryAfter = 2 * time.Second
	return e
}

// again says whether a transaction that failed may be run once more with hope:
// it lost a race, and nothing of it remains.
func again(err error) bool { return errors.Is(err, sqlstore.ErrOvertaken) }
