package sqlite

import (
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// errFatal marks an error after which the file is not to be trusted.
var errFatal = errors.New("the database file failed")

// fault turns an error of SQLite into one of the house. Where it was is for
// logs; people are told what it means for them.
func fault(where string, err error) error {
	code := sqlite.ErrCode(err)
	switch code.ToPrimary() { //nolint:exhaustive // the rest are faults of ours
	case sqlite.ResultFull:
		return noSpace(where, err)
	case sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultCantOpen, sqlite.ResultReadOnly,
		sqlite.ResultNoMem:
		return fmt.Errorf("%s: %w: %w", where, errFatal, err)
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return unavailable(fmt.Errorf("%s: %w", where, err))
	case sqlite.ResultConstraint:
		if code == sqlite.ResultConstraintUnique || code == sqlite.ResultConstraintPrimaryKey {
			e := fleet.Errorf(fleet.CodeConflict, "already_exists", "%s: %w", where, err)
			e.Message = "There is already something of that name."
			return e
		}
		return fmt.Errorf("%s: %w: %w", where, sqlstore.ErrConstraint, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

func noSpace(where string, err error) error {
	e := fleet.Errorf(fleet.CodeExhausted, "no_space", "%s: %w", where, err)
	e.Message = "The disk of the store is full; nothing was changed."
	e.Fix = "Free some space on the server. Reading goes on meanwhile."
	e.Status, e.RetryAfter = http507, 10*time.Second
	return e
}

// http507 is 507 Insufficient Storage; net/http is not for this room.
const http507 = 507

func unavailable(cause error) error {
	e := fleet.Errorf(fleet.CodeUnavailable, "store_unavailable", "%w", cause)
	e.Message = "The store cannot write now; the change was not confirmed."
	e.RetryAfter = 2 * time.Second
	return e
}
