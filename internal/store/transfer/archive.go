package transfer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// The names of an archive.
const (
	manifestName = "manifest.json"
	sumsName     = "sums.json"
	formatName   = "casare-fleet-backup"
	formatNumber = 1
)

// chunkBytes is how much of a table is put into one entry of the archive: the
// length of an entry must be known before it begins.
const chunkBytes = 4 << 20

// Manifest is the first entry of an archive.
type Manifest struct {
	Format  string    `json:"format"`
	Number  int       `json:"format_number"`
	Program string    `json:"program"` // version that made it
	MadeAt  time.Time `json:"made_at"`
	Origin
	Tables []manifestTable `json:"tables"`
}

type manifestTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// sums is the last entry.
type sums struct {
	Tables map[string]Sum `json:"tables"`
}

// Sum is what a table holds.
type Sum struct {
	Rows int64  `json:"rows"`
	Hash string `json:"sha256"` // of its JSON lines
}

// summer adds up the rows of a table.
type summer struct {
	rows int64
	hash hash.Hash
	line []byte
}

func newSummer() *summer { return &summer{hash: sha256.New()} }

// add returns the row's line, which is valid until the next.
func (s *summer) add(t *Table, r Row) ([]byte, error) {
	var err error
	if s.line, err = appendRow(s.line[:0], t, r); err != nil {
		return nil, err
	}
	s.rows++
	_, _ = s.hash.Write(s.line) // never fails
	return s.line, nil
}

func (s *summer) sum() Sum { return Sum{s.rows, hex.EncodeToString(s.hash.Sum(nil))} }

func describe() []manifestTable {
	var out []manifestTable
	for _, t := range Tables() {
		m := manifestTable{Name: t.Name}
		for _, c := range t.Columns {
			m.Columns = append(m.Columns, c.Name)
		}
		out = append(out, m)
	}
	return out
}

// Backup writes an archive of the source. What it wrote before an error is no
// archive.
func Backup(ctx context.Context, from Source, to io.Writer, program string, now time.Time, p Progress) (Result, error) {
	r := Result{Origin: from.Origin(), Rows: map[string]int64{}}
	zip, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return r, fmt.Errorf("compress: %w", err)
	}
	w := &writer{tar: tar.NewWriter(zip), at: now}
	head := Manifest{
		Format: formatName, Number: formatNumber, Program: program, MadeAt: now.UTC(), Origin: r.Origin, Tables: describe(),
	}
	if err := w.document(manifestName, head); err != nil {
		return r, err
	}
	all := sums{map[string]Sum{}}
	tables := Tables()
	for i := range tables {
		t := &tables[i]
		sum, err := w.table(ctx, t, from.Rows(ctx, t), p)
		if err != nil {
			return r, err
		}
		all.Tables[t.Name], r.Rows[t.Name] = sum, sum.Rows
	}
	if err := w.document(sumsName, all); err != nil {
		return r, err
	}
	if err := w.tar.Close(); err != nil {
		return r, fmt.Errorf("end the archive: %w", err)
	}
	if err := zip.Close(); err != nil {
		return r, fmt.Errorf("end the archive: %w", err)
	}
	return r, nil
}

type writer struct {
	tar *tar.Writer
	at  time.Time
}

func (w *writer) document(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return w.entry(name, append(text, '\n'))
}

func (w *writer) entry(name string, text []byte) error {
	head := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), ModTime: w.at, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(head); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := w.tar.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func chunkName(table string, n int) string { return fmt.Sprintf("tables/%s/%06d.jsonl", table, n) }

func (w *writer) table(ctx context.Context, t *Table, rows func(func(Row, error) bool), p Progress) (Sum, error) {
	s := newSummer()
	var chunk bytes.Buffer
	chunks := 0
	flush := func() error {
		if chunk.Len() == 0 {
			return nil
		}
		chunks++
		err := w.entry(chunkName(t.Name, chunks), chunk.Bytes())
		chunk.Reset()
		return err
	}
	for row, err := range rows {
		if err != nil {
			return Sum{}, fmt.Errorf("read %s: %w", t.Name, err)
		}
		line, err := s.add(t, row)
		if err != nil {
			return Sum{}, err
		}
		chunk.Write(line)
		if chunk.Len() >= chunkBytes {
			if err := flush(); err != nil {
				return Sum{}, err
			}
			if err := ctx.Err(); err != nil {
				return Sum{}, err
			}
		}
		p.tell("back up", t, s.rows, false)
	}
	p.tell("back up", t, s.rows, true)
	return s.sum(), flush()
}
