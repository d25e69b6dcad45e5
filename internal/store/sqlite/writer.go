package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// change is what one caller wants to do.
type change struct {
	scope store.Scope
	fn    func(tx *sqlstore.Tx) error
}

// writer owns the connection that writes one file. Only the committer's
// goroutine calls commit.
type writer struct {
	conn *conn
	env  sqlstore.Env
	log  *slog.Logger
	// committed is called after each commit, before the callers are answered.
	committed func(b *sqlstore.Batch)
	broken    atomic.Pointer[error] // set once, when the file failed
	control   [5]*sqlstore.Stmt
}

// The statements of transactions are prepared like all others but are no
// business of the registry: they have numbers beyond it.
const (
	begin = iota
	savepoint
	release
	back
	commit
)

func controls() [5]*sqlstore.Stmt {
	n := len(sqlstore.All())
	var out [5]*sqlstore.Stmt
	for i, sql := range []string{"begin immediate", "savepoint caller", "release caller", "rollback to caller", "commit"} {
		out[i] = &sqlstore.Stmt{Name: sql, SQL: sql, N: n + i}
	}
	return out
}

func (w *writer) do(which int) error {
	_, err := w.conn.Exec(w.control[which])
	return err
}

// failure is the error that made the file unusable, or nil.
func (w *writer) failure() error {
	if p := w.broken.Load(); p != nil {
		return *p
	}
	return nil
}

// commit runs one group in one transaction.
func (w *writer) commit(group []*committer.Op[change]) []error {
	answers := make([]error, len(group))
	if err := w.failure(); err != nil {
		for i := range answers {
			answers[i] = unavailable(err)
		}
		return answers
	}
	ok := make([]bool, len(group))
	err := w.transact(group, answers, ok)
	if err == nil {
		return answers
	}
	if !w.conn.db.AutocommitEnabled() {
		if rerr := w.conn.exec("rollback"); rerr != nil {
			err = fmt.Errorf("%w, then rollback: %w: %w", err, errFatal, rerr)
		}
	}
	if errors.Is(err, errFatal) {
		w.broken.CompareAndSwap(nil, &err)
		w.log.Error("the store failed and refuses writes; restart the process", "error", err)
	} else {
		w.log.Warn("commit failed, nothing was written", "changes", len(group), "error", err)
	}
	if !errors.Is(err, fleet.ErrExhausted) {
		err = unavailable(err)
	}
	for i := range answers {
		if ok[i] { // it had succeeded, and went down with the others
			answers[i] = err
		}
	}
	return answers
}

// errAgain asks for the group to be run once more, with savepoints.
var errAgain = errors.New("a caller failed after it had written")

// transact returns an error if the transaction as a whole failed. The error of
// one caller is that caller's answer and nobody else's.
//
// A savepoint makes SQLite copy every page before it is changed, once for each
// caller. Hardly any caller fails after it has written (guards come first), so
// the group is run without, and run again with savepoints if one does.
func (w *writer) transact(group []*committer.Op[change], answers []error, ok []bool) error {
	for i, op := range group {
		ok[i] = op.Begin()
	}
	mine := slices.Clone(ok)
	err := w.attempt(group, answers, ok, false)
	if !errors.Is(err, errAgain) {
		return err
	}
	if err := w.conn.exec("rollback"); err != nil {
		return fmt.Errorf("%w: %w", errFatal, err)
	}
	copy(ok, mine)
	clear(answers)
	return w.attempt(group, answers, ok, true)
}

func (w *writer) attempt(group []*committer.Op[change], answers []error, ok []bool, savepoints bool) error {
	if err := w.do(begin); err != nil {
		return err
	}
	batch := sqlstore.NewBatch(w.conn, w.env)
	some := false
	for i, op := range group {
		if !ok[i] { // its caller gave up
			continue
		}
		if savepoints {
			if err := w.do(savepoint); err != nil {
				return err
			}
		}
		wrote := w.conn.wrote
		err := w.call(batch, op.Work)
		switch {
		case err == nil:
			some = true
		case errors.Is(err, errFatal), w.conn.db.AutocommitEnabled():
			return err // SQLite has given the whole transaction up
		case savepoints:
			answers[i], ok[i] = err, false
			if err := w.do(back); err != nil {
				return err
			}
		case w.conn.wrote != wrote:
			return errAgain
		default:
			answers[i], ok[i] = err, false
		}
		if savepoints {
			if err := w.do(release); err != nil {
				return err
			}
		}
	}
	if !some {
		return w.conn.exec("rollback")
	}
	if err := batch.Finish(); err != nil {
		return err
	}
	if err := fail.At(fail.StoreBeforeCommit); err != nil {
		return err
	}
	if err := w.do(commit); err != nil {
		return err
	}
	if err := fail.At(fail.StoreAfterCommit); err != nil {
		return err
	}
	w.committed(batch)
	return nil
}

// call runs one caller's part. A caller that panics fails alone.
func (w *writer) call(batch *sqlstore.Batch, c change) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.log.Error("a change panicked", "panic", r, "stack", string(debug.Stack()))
			err = fleet.Internal(fmt.Errorf("panic in a change: %v", r))
		}
	}()
	tx := batch.Begin(c.scope)
	if err := c.fn(tx); err != nil {
		return err
	}
	return tx.Close()
}
