package sqlstore

import (
	"errors"
	"sync/atomic"
)

// ErrConstraint is wrapped by a Conn's error when a row breaks a check of the
// schema. The statement changed nothing, and the transaction goes on.
var ErrConstraint = errors.New("the row breaks a rule of the schema")

// ErrOvertaken says that another process changed what this transaction had
// decided by: it must be rolled back and run again.
var ErrOvertaken = errors.New("another process was faster")

// Stmt is one statement of the registry. Nobody runs SQL that is not one.
type Stmt struct {
	Name string // noun.verb
	SQL  string
	N    int // position in the registry, for caches of prepared statements
	// Shared statements run only where several processes write to one database.
	Shared bool
	// Sole statements run only where one process writes alone.
	Sole bool

	used atomic.Bool
}

// Used says whether any connection of this process ever prepared it.
func (s *Stmt) Used() bool { return s.used.Load() }

// MarkUsed is called by a connection that prepares the statement.
func (s *Stmt) MarkUsed() { s.used.Store(true) }

// registry is filled while the package's variables are set and never changes
// afterwards.
var registry []*Stmt

func stmt(name, sql string) *Stmt {
	s := &Stmt{Name: name, SQL: sql, N: len(registry)}
	registry = append(registry, s)
	return s
}

func sharedStmt(name, sql string) *Stmt {
	s := stmt(name, sql)
	s.Shared = true
	return s
}

func soleStmt(name, sql string) *Stmt {
	s := stmt(name, sql)
	s.Sole = true
	return s
}

// All returns every statement, for tests and for databases that prepare ahead.
func All() []*Stmt { return append([]*Stmt(nil), registry...) }
