package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Origin says which store rows come from.
type Origin struct {
	Database   string    `json:"database"` // sqlite or postgres
	Schema     int       `json:"schema"`   // number of its newest migration
	StoreID    string    `json:"store_id"`
	Generation int64     `json:"generation"`
	Oldest     time.Time `json:"oldest,omitzero"` // of its jobs and events
}

// Source is one snapshot of a store.
type Source interface {
	Origin() Origin
	// Rows streams a table in the order of its key. A row is the caller's until
	// the next one. An error ends the stream.
	Rows(ctx context.Context, t *Table) iter.Seq2[Row, error]
	Close() error
}

// Sink is an empty store that is being filled. Nothing of it can be seen by
// others before Commit.
type Sink interface {
	// Schema is the number of the newest migration that the store has.
	Schema() (int, error)
	// Prepare makes room for what is that old, before the first row.
	Prepare(ctx context.Context, oldest time.Time) error
	// Take adds rows of a table. Tables come in the order of Tables.
	Take(ctx context.Context, t *Table, rows []Row) error
	// Rows reads back what was taken.
	Rows(ctx context.Context, t *Table) iter.Seq2[Row, error]
	// Rewind runs what RewindSQL says, and writes into the audit of every tenant
	// that the store went back.
	Rewind(ctx context.Context, at time.Time) error
	// Commit makes the store what was taken. If its outcome is not known, its
	// error says so.
	Commit(ctx context.Context) error
	// Discard leaves nothing behind unless Commit was called.
	Discard() error
}

// Step tells how far a transfer is.
type Step struct {
	What  string // copy, verify, back up, restore
	Table string
	Rows  int64 // of the table so far
	Done  bool  // with this table
}

// Progress is told of steps; nil is told nothing.
type Progress func(Step)

// every is how many rows pass between two steps of one table.
const every = 5000

func (p Progress) tell(what string, t *Table, rows int64, done bool) {
	if p != nil && (done || rows%every == 0) {
		p(Step{what, t.Name, rows, done})
	}
}

// The bounds of one batch.
const (
	batchRows  = 500
	batchBytes = 4 << 20
)

// Result says what was moved.
type Result struct {
	Origin Origin           `json:"origin"`
	Rows   map[string]int64 `json:"rows"`
}

// Total is the number of rows of all tables.
func (r Result) Total() (n int64) {
	for _, rows := range r.Rows {
		n += rows
	}
	return n
}

// Copy fills the sink with everything of the source, reads both again and
// compares them row by row, and commits only if they are equal.
func Copy(ctx context.Context, from Source, to Sink, p Progress) (Result, error) {
	r := Result{Origin: from.Origin(), Rows: map[string]int64{}}
	err := discardUnless(to, func() error {
		if err := to.Prepare(ctx, r.Origin.Oldest); err != nil {
			return err
		}
		tables := Tables()
		for i := range tables {
			t := &tables[i]
			n, err := fill(ctx, to, t, from.Rows(ctx, t), "copy", p)
			if err != nil {
				return err
			}
			r.Rows[t.Name] = n
		}
		if err := Compare(ctx, from, to, p); err != nil {
			return err
		}
		return to.Commit(ctx)
	})
	return r, err
}

// discardUnless takes back what do left half-done.
func discardUnless(to Sink, do func() error) error {
	err := do()
	return errors.Join(err, to.Discard())
}

// fill takes the rows of a table in batches.
func fill(ctx context.Context, to Sink, t *Table, rows iter.Seq2[Row, error], what string, p Progress) (int64, error) {
	var batch []Row
	var n int64
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := to.Take(ctx, t, batch); err != nil {
			return fmt.Errorf("write %s: %w", t.Name, err)
		}
		batch, size = batch[:0], 0
		return ctx.Err()
	}
	for row, err := range rows {
		if err != nil {
			return n, fmt.Errorf("read %s: %w", t.Name, err)
		}
		batch, size, n = append(batch, append(Row(nil), row...)), size+row.size(), n+1
		if len(batch) >= batchRows || size >= batchBytes {
			if err := flush(); err != nil {
				return n, err
			}
		}
		p.tell(what, t, n, false)
	}
	if err := flush(); err != nil {
		return n, err
	}
	p.tell(what, t, n, true)
	return n, nil
}

// Reader is what can be compared: a Source, or a Sink that was filled.
type Reader interface {
	Rows(ctx context.Context, t *Table) iter.Seq2[Row, error]
}

// maxDifferences is how many differences are named.
const maxDifferences = 10

// Compare reads two stores in the order of their keys and names the first rows
// that only one has, or that differ, with the column.
func Compare(ctx context.Context, from, to Reader, p Progress) error {
	var found []string
	tables := Tables()
	for i := range tables {
		t := &tables[i]
		if err := compareTable(ctx, t, from, to, p, func(what string) bool {
			found = append(found, what)
			return len(found) < maxDifferences
		}); err != nil {
			return err
		}
		if len(found) >= maxDifferences {
			break
		}
	}
	if len(found) == 0 {
		return nil
	}
	return differs(found)
}

func compareTable(ctx context.Context, t *Table, from, to Reader, p Progress, found func(string) bool) error {
	left, stopLeft := iter.Pull2(from.Rows(ctx, t))
	defer stopLeft()
	right, stopRight := iter.Pull2(to.Rows(ctx, t))
	defer stopRight()
	var n int64
	a, errA, moreA := left()
	b, errB, moreB := right()
	for moreA || moreB {
		if err := errors.Join(errA, errB, ctx.Err()); err != nil {
			return fmt.Errorf("compare %s: %w", t.Name, err)
		}
		order := 0
		switch {
		case !moreB:
			order = -1
		case !moreA:
			order = 1
		default:
			order = t.compare(a, b)
		}
		text := ""
		switch {
		case order < 0:
			text = fmt.Sprintf("%s (%s) is missing in the target", t.Name, t.Key(a))
		case order > 0:
			text = fmt.Sprintf("%s (%s) is in the target only", t.Name, t.Key(b))
		default:
			text = t.difference(a, b)
		}
		if text != "" && !found(text) {
			return nil
		}
		if order <= 0 {
			a, errA, moreA = left()
			n++
			p.tell("verify", t, n, false)
		}
		if order >= 0 {
			b, errB, moreB = right()
		}
	}
	p.tell("verify", t, n, true)
	return nil
}

// difference names the first column in which two rows of one key differ.
func (t *Table) difference(a, b Row) string {
	for i, c := range t.Columns {
		if !equal(a[i], b[i]) {
			return fmt.Sprintf("%s (%s): %s is %s in the source and %s in the target", t.Name, t.Key(a), c.Name, show(a[i]), show(b[i]))
		}
	}
	return ""
}

func differs(found []string) error {
	text := strings.Join(found, "; ")
	if len(found) >= maxDifferences {
		text += "; there may be more"
	}
	return fleet.Errorf(fleet.CodeInternal, "transfer_differs", "What was read back is not what was written, so nothing was kept: %s.", text).
		WithFix("The databases' own logs may say more. Please report it.")
}

// NotEmpty says that a target holds something already.
func NotEmpty(where, what string) error {
	return fleet.Errorf(fleet.CodeConflict, "target_not_empty", "The target %s is not empty: it has %s.", where, what).
		WithFix("Give a new folder, or a new database that fleet db migrate has prepared.")
}
