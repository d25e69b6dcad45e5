package sqlstore

import (
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Conn runs registered statements inside one transaction. Arguments are nil,
// bool, int, int64, float64, string (or a type made of it), []byte and
// time.Time; the zero time is NULL. One goroutine at a time.
type Conn interface {
	// Exec returns how many rows were changed.
	Exec(s *Stmt, args ...any) (int, error)
	// Query calls row for each row; an error of row ends the query.
	Query(s *Stmt, row func(r *Row) error, args ...any) error
	// Each runs one query for each list of arguments, in their order, and says
	// which of them a row belongs to. A database that is asked over a network
	// sends them all at once. Where the rows say by themselves whose they are, it
	// may even ask once for all: job.subject, job.for_offer, robot.for_offer,
	// refusal.active, workflow_body.get and workflow.named tell no list, and keep
	// no order.
	Each(s *Stmt, lists [][]any, row func(i int, r *Row) error) error
	// Asks runs queries of several statements, all at once where it can; of those
	// that tell no list (see Each) none may be among them twice.
	Asks(asks []Ask) error
	// Later runs a statement that returns one row, which may come as late as
	// with the end of the batch: a database that is asked over a network sends it
	// together with what is written. No such row is ErrOvertaken.
	Later(s *Stmt, row func(r *Row), args ...any) error
}

// LaterByQuery is Later for a Conn that has nothing better than now.
func LaterByQuery(c Conn, s *Stmt, row func(r *Row), args ...any) error {
	found, err := one(c, s, row, args...)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", s.Name, ErrOvertaken)
	}
	return err
}

// AsksByEach is Asks for a Conn that has nothing better than one at a time.
func AsksByEach(c Conn, asks []Ask) error {
	for i := range asks {
		if err := c.Each(asks[i].Stmt, asks[i].Lists, asks[i].Row); err != nil {
			return err
		}
	}
	return nil
}

// EachByQuery is Each for a Conn that has nothing better than one at a time.
func EachByQuery(c Conn, s *Stmt, lists [][]any, row func(i int, r *Row) error) error {
	for i, args := range lists {
		if err := c.Query(s, func(r *Row) error { return row(i, r) }, args...); err != nil {
			return err
		}
	}
	return nil
}

// Columns gives the columns of the current row; NULL is the zero value.
type Columns interface {
	Int(col int) int64
	Float(col int) float64
	Text(col int) string
	Bytes(col int) []byte // a copy
	Time(col int) time.Time
}

// Row reads the columns of a row from left to right.
type Row struct {
	c Columns
	i int
}

// NewRow starts at the first column.
func NewRow(c Columns) Row { return Row{c: c} }

// Rewind goes back to the first column.
func (r *Row) Rewind() { r.i = 0 }

func (r *Row) int64() int64    { r.i++; return r.c.Int(r.i - 1) }
func (r *Row) int() int        { return int(r.int64()) }
func (r *Row) bool() bool      { return r.int64() != 0 }
func (r *Row) float() float64  { r.i++; return r.c.Float(r.i - 1) }
func (r *Row) text() string    { r.i++; return r.c.Text(r.i - 1) }
func (r *Row) bytes() []byte   { r.i++; return r.c.Bytes(r.i - 1) }
func (r *Row) time() time.Time { r.i++; return r.c.Time(r.i - 1) }

func (r *Row) words() fleet.Capabilities { return splitWords(r.text()) }

// str reads a column into a named text type.
func str[T ~string](r *Row) T { return T(r.text()) }

func splitWords(s string) fleet.Capabilities {
	if s == "" {
		return fleet.Capabilities{}
	}
	return strings.Split(s, ",")
}

// opt is the text, or NULL for the empty one.
func opt[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// one runs a query that gives at most one row and says whether it did.
func one(c Conn, s *Stmt, scan func(r *Row), args ...any) (bool, error) {
	found := false
	err := c.Query(s, func(r *Row) error {
		if !found {
			found = true
			scan(r)
		}
		return nil
	}, args...)
	return found, err
}

// Stored is a time as the databases keep it: to the microsecond, in UTC.
func Stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}
