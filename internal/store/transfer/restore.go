package transfer

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/casarerpa/fleet/fleet"
)

// The bounds of what an archive may make us hold in memory.
const (
	maxDocument = 1 << 20
	maxLine     = 256 << 20
)

// Archive is an archive that is being read, from its beginning to its end.
type Archive struct {
	Manifest Manifest
	zip      *gzip.Reader
	tar      *tar.Reader
	next     *tar.Header   // read, and not yet used
	lines    *bufio.Reader // of the entry that is being read
}

// OpenArchive reads what stands before the rows. It refuses what is no archive
// of ours, or one that this program cannot read.
func OpenArchive(from io.Reader) (*Archive, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(from, 1<<16))
	if err != nil {
		return nil, foreign(err)
	}
	a := &Archive{zip: zip, tar: tar.NewReader(zip), lines: bufio.NewReaderSize(nil, 1<<16)}
	head, err := a.tar.Next()
	if err != nil || head.Name != manifestName {
		return nil, foreign(err)
	}
	if err := a.document(&a.Manifest); err != nil {
		return nil, foreign(err)
	}
	if m := &a.Manifest; m.Format != formatName {
		return nil, foreign(nil)
	} else if m.Number > formatNumber {
		return nil, fleet.Errorf(fleet.CodeConflict, "backup_newer",
			"The backup has format %d, this program reads %d: a newer version (%s) made it.", m.Number, formatNumber, m.Program).
			WithFix("Restore it with that version.")
	}
	return a, a.advance()
}

// Fits refuses an archive of another schema than the target's.
func (a *Archive) Fits(schema int) error {
	m := &a.Manifest
	same := slices.EqualFunc(m.Tables, describe(), func(x, y manifestTable) bool {
		return x.Name == y.Name && slices.Equal(x.Columns, y.Columns)
	})
	if m.Schema == schema && same {
		return nil
	}
	return a.blame(fleet.Errorf(fleet.CodeConflict, "backup_schema",
		"The backup is of schema %d and was made by version %s; this program has schema %d.", m.Schema, m.Program, schema).
		WithFix("Restore it with that version, then run fleet db migrate with this one."))
}

func (a *Archive) document(v any) error {
	text, err := io.ReadAll(io.LimitReader(a.tar, maxDocument+1))
	if err != nil {
		return err
	}
	if len(text) > maxDocument {
		return errors.New("it is too long")
	}
	return json.Unmarshal(text, v)
}

// advance goes to the next entry. Each has to be there: the last is the sums.
func (a *Archive) advance() error {
	head, err := a.tar.Next()
	if err != nil {
		return damaged(err)
	}
	if head.Typeflag != tar.TypeReg {
		return damaged(fmt.Errorf("%q is no file", head.Name))
	}
	a.next = head
	return nil
}

// rows streams the next table. It has to be asked for in the order of Tables.
func (a *Archive) rows(t *Table, s *summer) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for chunk := 1; a.next.Name == chunkName(t.Name, chunk); chunk++ {
			a.lines.Reset(a.tar)
			for {
				line, err := readLine(a.lines)
				if errors.Is(err, io.EOF) {
					break
				}
				var row Row
				if err == nil {
					row, err = parseRow(t, line)
				}
				if err == nil {
					_, err = s.add(t, row)
				}
				if err != nil {
					yield(nil, damaged(err))
					return
				}
				if !yield(row, nil) {
					return
				}
			}
			if err := a.advance(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// readLine reads one line with its end. A last line without one is no line.
func readLine(from *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := from.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return part, nil
		case err == nil:
			return append(long, part...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxLine {
				return nil, errors.New("a row is too long")
			}
		case errors.Is(err, io.EOF) && len(part)+len(long) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// end reads the sums and what follows them, which is nothing.
func (a *Archive) end() (sums, error) {
	var all sums
	if a.next.Name != sumsName {
		return all, damaged(fmt.Errorf("%q has no place here", a.next.Name))
	}
	if err := a.document(&all); err != nil {
		return all, damaged(err)
	}
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) {
		return all, damaged(errors.Join(errors.New("something follows its last entry"), err))
	}
	more, err := io.Copy(io.Discard, a.zip) // to the check sum of gzip
	if err == nil && more > 0 {
		err = errors.New("something follows its end")
	}
	if err != nil {
		return all, damaged(err)
	}
	return all, nil
}

// Read goes through the whole archive and gives each table's rows to take. It
// returns what the archive says of itself once that has proved to be true.
func (a *Archive) Read(take func(t *Table, rows iter.Seq2[Row, error]) error) (map[string]Sum, error) {
	got := map[string]Sum{}
	tables := Tables()
	for i := range tables {
		t, s := &tables[i], newSummer()
		if err := take(t, a.rows(t, s)); err != nil {
			return nil, a.blame(err)
		}
		got[t.Name] = s.sum()
	}
	said, err := a.end()
	if err != nil {
		return nil, err
	}
	if !maps.Equal(said.Tables, got) {
		for _, t := range tables {
			if said.Tables[t.Name] != got[t.Name] {
				return nil, damaged(fmt.Errorf("%s has %d rows of sum %.12s, and should have %d of sum %.12s", t.Name,
					got[t.Name].Rows, got[t.Name].Hash, said.Tables[t.Name].Rows, said.Tables[t.Name].Hash))
			}
		}
		return nil, damaged(errors.New("its sums name other tables"))
	}
	return got, nil
}

// Restore fills the sink from an archive, reads it back and compares each
// table's number of rows and sum with the archive's, tells the store that it
// went back in time, and commits.
func Restore(ctx context.Context, a *Archive, to Sink, p Progress) (Result, error) {
	r := Result{Origin: a.Manifest.Origin, Rows: map[string]int64{}}
	err := discardUnless(to, func() error {
		schema, err := to.Schema()
		if err != nil {
			return err
		}
		if err := a.Fits(schema); err != nil {
			return err
		}
		if err := to.Prepare(ctx, r.Origin.Oldest); err != nil {
			return err
		}
		want, err := a.Read(func(t *Table, rows iter.Seq2[Row, error]) (err error) {
			r.Rows[t.Name], err = fill(ctx, to, t, rows, "restore", p)
			return err
		})
		if err != nil {
			return err
		}
		if err := verify(ctx, to, want, p); err != nil {
			return err
		}
		if want["store_meta"].Rows != 1 {
			return damaged(errors.New("it does not say which store it is of"))
		}
		if err := to.Rewind(ctx, a.Manifest.MadeAt); err != nil {
			return fmt.Errorf("lift the epochs: %w", err)
		}
		return to.Commit(ctx)
	})
	return r, err
}

// verify reads back what was restored.
func verify(ctx context.Context, to Reader, want map[string]Sum, p Progress) error {
	tables := Tables()
	for i := range tables {
		t, s := &tables[i], newSummer()
		for row, err := range to.Rows(ctx, t) {
			if err == nil {
				_, err = s.add(t, row)
			}
			if err != nil {
				return fmt.Errorf("read back %s: %w", t.Name, err)
			}
			p.tell("verify", t, s.rows, false)
		}
		p.tell("verify", t, s.rows, true)
		if got := s.sum(); got != want[t.Name] {
			return differs([]string{fmt.Sprintf("%s has %d rows of sum %.12s, and the archive has %d of sum %.12s",
				t.Name, got.Rows, got.Hash, want[t.Name].Rows, want[t.Name].Hash)})
		}
	}
	return nil
}

// blame says whose fault it is that an archive was not taken: what a changed one
// holds may break the rules of the store before its sums are reached.
func (a *Archive) blame(err error) error {
	if errors.Is(err, fleet.ErrInvalid) || errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	if _, bad := io.Copy(io.Discard, a.zip); bad != nil { // the check sum of gzip is of all of it
		return damaged(errors.Join(bad, err))
	}
	return err
}

func foreign(err error) error {
	e := fleet.Errorf(fleet.CodeInvalid, "backup_foreign", "not a backup: %w", errors.Join(errors.New("it does not begin as one"), err))
	e.Message = "The file is not a backup of Fleet."
	e.Fix = "Give a file that fleet db backup has written."
	return e
}

func damaged(err error) error {
	e := fleet.Errorf(fleet.CodeInvalid, "backup_damaged", "damaged backup: %w", err)
	e.Message = "The backup is truncated or was changed: " + err.Error() + "."
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Message = "The backup is truncated: it ends before its last entry."
	}
	e.Fix = "Nothing was restored. Use another copy of the file, or an older backup."
	return e
}
