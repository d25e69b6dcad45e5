package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// conn runs registered statements inside a transaction that has begun. It
// satisfies sqlstore.Conn; one goroutine at a time.
type conn struct {
	ctx context.Context //nolint:containedctx // lives as long as one transaction
	pg  *pgx.Conn
}

// Exec runs a statement and returns how many rows it changed.
func (c *conn) Exec(s *sqlstore.Stmt, args ...any) (int, error) {
	s.MarkUsed()
	tag, err := c.pg.Exec(c.ctx, s.SQL, arguments(args)...)
	if err != nil {
		return 0, fault(s.Name, err)
	}
	return int(tag.RowsAffected()), nil
}

// Query runs a statement and hands over its rows.
func (c *conn) Query(s *sqlstore.Stmt, row func(*sqlstore.Row) error, args ...any) error {
	s.MarkUsed()
	rows, err := c.pg.Query(c.ctx, s.SQL, arguments(args)...)
	if err != nil {
		return fault(s.Name, err)
	}
	return scan(s.Name, rows, row)
}

// Each sends all queries at once and reads their answers.
func (c *conn) Each(s *sqlstore.Stmt, lists [][]any, row func(int, *sqlstore.Row) error) error {
	return c.pipe([]sqlstore.Ask{{Stmt: s, Lists: lists, Row: row}})
}

// Asks sends all queries at once and reads their answers.
func (c *conn) Asks(asks []sqlstore.Ask) error { return c.pipe(asks) }

// pipe sends queries of several statements in one trip. What comes first may
// be plain text with arguments: locks that must be held before the rest reads.
func (c *conn) pipe(asks []sqlstore.Ask, first ...command) error {
	var b pgx.Batch
	for _, f := range first {
		b.Queue(f.sql, f.args...)
	}
	for i := range asks {
		a := &asks[i]
		a.Stmt.MarkUsed()
		if many, ok := anyOf[a.Stmt.Name]; ok && len(a.Lists) > 1 {
			b.Queue(many.sql, many.arrays(a.Lists)...)
			continue
		}
		for _, list := range a.Lists {
			b.Queue(a.Stmt.SQL, arguments(list)...)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	res := c.pg.SendBatch(c.ctx, &b)
	err := c.answers(res, asks, first)
	if cerr := res.Close(); err == nil && cerr != nil {
		err = fault("close a batch", cerr)
	}
	return err
}

func (c *conn) answers(res pgx.BatchResults, asks []sqlstore.Ask, first []command) error {
	for _, f := range first {
		if _, err := res.Exec(); err != nil {
			return fault(f.name, err)
		}
	}
	for i := range asks {
		a := &asks[i]
		n := len(a.Lists)
		if _, ok := anyOf[a.Stmt.Name]; ok && n > 1 {
			n = 1
		}
		for k := range n {
			rows, err := res.Query()
			if err != nil {
				return fault(a.Stmt.Name, err)
			}
			if err := scan(a.Stmt.Name, rows, func(r *sqlstore.Row) error { return a.Row(k, r) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// command is a statement that is not of the registry.
type command struct {
	name string
	sql  string
	args []any
}

// anyOf holds the statements that can be asked for many rows at once: the rows
// say whose they are, so nobody needs to know which list they belong to.
var anyOf = manyForms(map[string]set{
	"job.subject":       {one: "j.id = $1", sql: "j.id = any ($1::text[])", args: 1},
	"job.for_offer":     {one: "j.id = $1", sql: "j.id = any ($1::text[])", args: 1},
	"workflow_body.get": {one: "hash = $1", sql: "hash = any ($1::text[])", args: 1},
	"workflow.named":    {one: "name = $1", sql: "name = any ($1::text[])", args: 1},
	"refusal.active":    {one: "job_id = $1", sql: "job_id = any ($1::text[])", args: 1},
	"robot.for_offer":   {one: "r.id = $1 and r.tenant_id = $2", sql: "(r.tenant_id, r.id) in (select * from unnest($2::text[], $1::text[]))", args: 2},
})

// set is a statement for many rows.
type set struct {
	one  string // the condition that names one row
	sql  string // that which names many; in anyOf the whole statement
	args int    // how many of the first arguments are texts that become arrays
}

func manyForms(sets map[string]set) map[string]set {
	for _, s := range sqlstore.All() {
		if f, ok := sets[s.Name]; ok {
			f.sql = strings.Replace(s.SQL, f.one, f.sql, 1)
			sets[s.Name] = f
		}
	}
	return sets
}

// arrays turns lists that differ in their first arguments into one.
func (f *set) arrays(lists [][]any) []any {
	out := make([]any, 0, len(lists[0]))
	for n := range f.args {
		texts := make([]string, len(lists))
		for i, list := range lists {
			texts[i] = argument(list[n]).(string)
		}
		out = append(out, texts)
	}
	return append(out, arguments(lists[0][f.args:])...)
}

// scan hands over rows and closes them.
func scan(name string, rows pgx.Rows, row func(*sqlstore.Row) error) error {
	defer rows.Close()
	cols := &columns{fields: rows.FieldDescriptions(), types: rows.Conn().TypeMap()}
	for rows.Next() {
		cols.raw = rows.RawValues()
		r := sqlstore.NewRow(cols)
		if err := row(&r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fault(name, err)
	}
	return cols.err
}

// arguments puts values into the forms that the driver knows.
func arguments(args []any) []any {
	out := make([]any, len(args))
	for i, v := range args {
		out[i] = argument(v)
	}
	return out
}

func argument(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v
	case string:
		return clean(v)
	case int:
		return int64(v)
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v
	case []byte:
		if v == nil {
			return nil
		}
		return v
	case fleet.ID:
		return string(v)
	}
	if text := reflect.ValueOf(v); text.Kind() == reflect.String {
		return clean(text.String())
	}
	return v // the driver says what is wrong with it
}

// clean keeps what PostgreSQL can keep: its texts hold no zero byte and nothing
// that is not UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// columns reads the current row. The types that the schema uses are read from
// their binary form by hand; anything else the driver reads.
type columns struct {
	fields []pgconn.FieldDescription
	raw    [][]byte
	types  *pgtype.Map
	err    error
}

func (c *columns) Int(i int) int64 {
	b := c.raw[i]
	if b == nil {
		return 0
	}
	f := &c.fields[i]
	if f.Format == pgx.BinaryFormatCode {
		switch f.DataTypeOID {
		case pgtype.BoolOID:
			return int64(b[0])
		case pgtype.Int8OID:
			return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // the sign is in the bits
		case pgtype.Int4OID:
			return int64(int32(binary.BigEndian.Uint32(b))) //nolint:gosec // the sign is in the bits
		}
	}
	if f.DataTypeOID == pgtype.BoolOID {
		if string(b) == "t" {
			return 1
		}
		return 0
	}
	var n int64
	c.other(i, &n)
	return n
}

func (c *columns) Float(i int) float64 {
	b := c.raw[i]
	if b == nil {
		return 0
	}
	if f := &c.fields[i]; f.Format == pgx.BinaryFormatCode && f.DataTypeOID == pgtype.Float8OID {
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	var n float64
	c.other(i, &n)
	return n
}

func (c *columns) Text(i int) string { return string(c.raw[i]) }

func (c *columns) Bytes(i int) []byte {
	b := c.raw[i]
	if b == nil {
		return nil
	}
	if c.fields[i].Format == pgx.BinaryFormatCode {
		return append(make([]byte, 0, len(b)), b...)
	}
	var out []byte
	c.other(i, &out)
	return out
}

// sinceUnix is how far PostgreSQL's first moment, 2000-01-01, lies behind ours.
const sinceUnix = 946684800 * 1_000_000

func (c *columns) Time(i int) time.Time {
	b := c.raw[i]
	if b == nil {
		return time.Time{}
	}
	if f := &c.fields[i]; f.Format == pgx.BinaryFormatCode && f.DataTypeOID == pgtype.TimestamptzOID {
		return time.UnixMicro(int64(binary.BigEndian.Uint64(b)) + sinceUnix).UTC() //nolint:gosec // the sign is in the bits
	}
	var t time.Time
	c.other(i, &t)
	return t.UTC()
}

// other leaves a value to the driver.
func (c *columns) other(i int, to any) {
	f := &c.fields[i]
	if err := c.types.Scan(f.DataTypeOID, f.Format, c.raw[i], to); err != nil && c.err == nil {
		c.err = fmt.Errorf("column %s: %w", f.Name, err)
	}
}

// Later is now.
func (c *conn) Later(s *sqlstore.Stmt, row func(*sqlstore.Row), args ...any) error {
	return sqlstore.LaterByQuery(c, s, row, args...)
}

var _ sqlstore.Conn = (*conn)(nil)
