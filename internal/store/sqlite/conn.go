package sqlite

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// conn is one connection with the statements prepared on it. It satisfies
// sqlstore.Conn; one goroutine at a time.
type conn struct {
	db    *sqlite.Conn
	stmts []*prepared // by sqlstore.Stmt.N
	// wrote counts the statements that changed rows, so that the writer knows
	// whether a caller that failed has left anything to take back.
	wrote int
	trace func(statement string, rows int) // nil: nobody asks
}

// ownText is a statement as this database has it: here texts are compared by
// their bytes, and PostgreSQL has to be told so.
func ownText(s *sqlstore.Stmt) string { return strings.ReplaceAll(s.SQL, ` collate "C"`, "") }

// prepared knows which argument each parameter of SQLite takes: $2 may stand
// before $1, and SQLite numbers named parameters as they come.
type prepared struct {
	st   *sqlite.Stmt
	args []int
	cols columns
	dml  bool
}

func (c *conn) prepare(s *sqlstore.Stmt) (*prepared, error) {
	if s.N < len(c.stmts) && c.stmts[s.N] != nil {
		return c.stmts[s.N], nil
	}
	st, err := c.db.Prepare(ownText(s))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", s.Name, err)
	}
	p := &prepared{st: st, args: make([]int, st.BindParamCount()), cols: columns{st}}
	p.dml = !strings.HasPrefix(s.SQL, "select")
	for i := range p.args {
		name := st.BindParamName(i + 1)
		if len(name) < 2 || name[0] != '$' {
			return nil, fmt.Errorf("prepare %s: parameter %d is not of the form $n", s.Name, i+1)
		}
		if p.args[i], err = strconv.Atoi(name[1:]); err != nil {
			return nil, fmt.Errorf("prepare %s: parameter %q is not of the form $n", s.Name, name)
		}
	}
	for len(c.stmts) <= s.N {
		c.stmts = append(c.stmts, nil)
	}
	c.stmts[s.N] = p
	s.MarkUsed()
	return p, nil
}

// run binds and steps. Whatever happens, the statement is ready for the next use.
func (c *conn) run(s *sqlstore.Stmt, args []any, row func(p *prepared) error) error {
	p, err := c.prepare(s)
	if err != nil {
		return err
	}
	for i, n := range p.args {
		if n < 1 || n > len(args) {
			return fmt.Errorf("%s: argument $%d is missing", s.Name, n)
		}
		if err := bind(p.st, i+1, args[n-1]); err != nil {
			return fmt.Errorf("%s: argument $%d: %w", s.Name, n, err)
		}
	}
	rows, reset := 0, false
	defer func() { // also when row panics
		if !reset {
			_ = p.st.Reset() // repeats the error of the step
		}
	}()
	for {
		more, err := p.st.Step()
		if err != nil {
			return fault(s.Name, err)
		}
		if !more {
			break
		}
		rows++
		if row == nil {
			continue
		}
		if err := row(p); err != nil {
			return err
		}
	}
	reset = true
	if err := p.st.Reset(); err != nil {
		return fault(s.Name, err)
	}
	if p.dml && c.db.Changes() > 0 {
		c.wrote++
	}
	if c.trace != nil {
		c.trace(s.Name, rows)
	}
	return nil
}

// Exec runs a statement and returns how many rows it changed.
func (c *conn) Exec(s *sqlstore.Stmt, args ...any) (int, error) {
	if err := c.run(s, args, nil); err != nil {
		return 0, err
	}
	return c.db.Changes(), nil
}

// Query runs a statement and hands over its rows.
func (c *conn) Query(s *sqlstore.Stmt, row func(*sqlstore.Row) error, args ...any) error {
	var r sqlstore.Row
	return c.run(s, args, func(p *prepared) error {
		r = sqlstore.NewRow(&p.cols)
		return row(&r)
	})
}

// Each is one query after the other: nothing lies between this and the file.
func (c *conn) Each(s *sqlstore.Stmt, lists [][]any, row func(int, *sqlstore.Row) error) error {
	return sqlstore.EachByQuery(c, s, lists, row)
}

// Asks runs the queries one after the other.
func (c *conn) Asks(asks []sqlstore.Ask) error { return sqlstore.AsksByEach(c, asks) }

func bind(st *sqlite.Stmt, i int, v any) error {
	switch v := v.(type) {
	case nil:
		st.BindNull(i)
	case string:
		st.BindText(i, v)
	case fleet.ID:
		st.BindText(i, string(v))
	case fleet.TenantID:
		st.BindText(i, string(v))
	case fleet.RobotID:
		st.BindText(i, string(v))
	case fleet.State:
		st.BindText(i, string(v))
	case int:
		st.BindInt64(i, int64(v))
	case int64:
		st.BindInt64(i, v)
	case bool:
		st.BindBool(i, v)
	case float64:
		st.BindFloat(i, v)
	case time.Time:
		if v.IsZero() {
			st.BindNull(i)
		} else {
			st.BindInt64(i, v.UnixMicro())
		}
	case []byte:
		if v == nil {
			st.BindNull(i)
		} else {
			st.BindBytes(i, v)
		}
	default:
		text := reflect.ValueOf(v)
		if text.Kind() != reflect.String {
			return fmt.Errorf("cannot store a %T", v)
		}
		st.BindText(i, text.String())
	}
	return nil
}

// columns reads the current row of a statement.
type columns struct{ st *sqlite.Stmt }

func (c *columns) Int(i int) int64     { return c.st.ColumnInt64(i) }
func (c *columns) Float(i int) float64 { return c.st.ColumnFloat(i) }
func (c *columns) Text(i int) string   { return c.st.ColumnText(i) }

func (c *columns) Bytes(i int) []byte {
	if c.st.ColumnIsNull(i) {
		return nil
	}
	b := make([]byte, c.st.ColumnLen(i))
	c.st.ColumnBytes(i, b)
	return b
}

func (c *columns) Time(i int) time.Time {
	if c.st.ColumnIsNull(i) {
		return time.Time{}
	}
	return time.UnixMicro(c.st.ColumnInt64(i)).UTC()
}

// exec runs text that is not of the registry: pragmas, transactions, scripts.
// A script ends with a statement, not with a comment.
func (c *conn) exec(sql string) error {
	for strings.TrimSpace(sql) != "" {
		st, rest, err := c.db.PrepareTransient(sql)
		if err != nil {
			return fault("script", err)
		}
		sql = sql[len(sql)-rest:]
		for more := true; more; {
			if more, err = st.Step(); err != nil {
				_ = st.Finalize()
				return fault("script", err)
			}
		}
		if err := st.Finalize(); err != nil {
			return fault("script", err)
		}
	}
	return nil
}

// Later is now.
func (c *conn) Later(s *sqlstore.Stmt, row func(*sqlstore.Row), args ...any) error {
	return sqlstore.LaterByQuery(c, s, row, args...)
}

var _ sqlstore.Conn = (*conn)(nil)
