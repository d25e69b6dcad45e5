package transfer

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// few is a source of a few rows in memory.
type few map[string][]Row

func (f few) Origin() Origin {
	return Origin{Database: "sqlite", Schema: 2, StoreID: "s", Generation: 1}
}
func (f few) Close() error { return nil }

func (f few) Rows(_ context.Context, t *Table) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range f[t.Name] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// sample has a value of each kind, and what is easily lost on the way.
func sample() few {
	return few{
		"store_meta":      {{int64(1), "s", int64(1), int64(1_772_366_400_000_001), ""}},
		"workflow_bodies": {{"h0", []byte{}}, {"h1", []byte{0, 1, 0xff}}},
		"leases":          {{"a \"quoted\" <name>\u2028\n", "", int64(math.MaxInt64), int64(math.MinInt64)}},
		"robot_samples": {
			{"r", "t", int64(0), "busy", 0.1, math.Inf(1), -math.MaxFloat64, math.SmallestNonzeroFloat64},
		},
		"members": {{"m", "", "", "", int64(0), nil}},
	}
}

func archiveOf(t testing.TB, f few) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := Backup(t.Context(), f, &out, "v1", time.Unix(1_772_366_400, 0), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readAll reads an archive as a restore does.
func readAll(archive []byte) (few, *Archive, error) {
	a, err := OpenArchive(bytes.NewReader(archive))
	if err != nil {
		return nil, nil, err
	}
	got := few{}
	_, err = a.Read(func(t *Table, rows iter.Seq2[Row, error]) error {
		for row, err := range rows {
			if err != nil {
				return err
			}
			got[t.Name] = append(got[t.Name], row)
		}
		return nil
	})
	return got, a, err
}

func TestArchiveRoundTrip(t *testing.T) {
	got, a, err := readAll(archiveOf(t, sample()))
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("%v: got\n%v\nwant\n%v", err, got, sample())
	}
	if err := a.Fits(2); err != nil || a.Manifest.Program != "v1" {
		t.Errorf("%v, %+v", err, a.Manifest)
	}
	if err := a.Fits(3); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("a newer schema takes it: %v", err)
	}
	a.Manifest.Tables[3].Columns = a.Manifest.Tables[3].Columns[1:]
	if err := a.Fits(2); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("other columns are taken: %v", err)
	}
}

// TestArchiveOfManyChunks: a table that does not fit one entry.
func TestArchiveOfManyChunks(t *testing.T) {
	f := sample()
	for i := range 5 {
		f["workflow_bodies"] = append(f["workflow_bodies"], Row{"h2" + string(rune('a'+i)), bytes.Repeat([]byte{byte(i)}, chunkBytes/2)})
	}
	if got, _, err := readAll(archiveOf(t, f)); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("%v, %d rows", err, len(got["workflow_bodies"]))
	}
}

// TestCutsAreNoticed: no beginning of an archive passes for one, nor does an
// archive with one byte changed, unless the byte means nothing.
func TestCutsAreNoticed(t *testing.T) {
	archive := archiveOf(t, sample())
	for n := 0; n < len(archive); n += 3 {
		if _, _, err := readAll(archive[:n]); !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("cut at %d of %d: %v", n, len(archive), err)
		}
	}
	for n := 0; n < len(archive); n += 3 {
		bent := slices.Clone(archive)
		bent[n] ^= 0x55
		if got, _, err := readAll(bent); err == nil && !reflect.DeepEqual(got, sample()) {
			t.Fatalf("byte %d was changed, and other rows were read", n)
		}
	}
	if _, _, err := readAll(append(slices.Clone(archive), archive...)); err == nil {
		t.Error("an archive behind an archive was taken")
	}
}

// TestRewindKnowsItsColumns: a column that comes later is copied, too.
func TestRewindKnowsItsColumns(t *testing.T) {
	sql := strings.Join(RewindSQL(), ";")
	for _, table := range Tables() {
		for _, c := range table.Columns {
			if table.Name == "attempts" && !strings.Contains(sql, c.Name) {
				t.Errorf("%s is not in %s", c.Name, sql)
			}
		}
	}
}

// FuzzArchive: no file makes the reader crash, and what it takes for whole is
// an archive again, with the same rows.
func FuzzArchive(f *testing.F) {
	archive := archiveOf(f, sample())
	f.Add(archive)
	f.Add(archive[:len(archive)/2])
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, err := readAll(data)
		if err != nil {
			if e, is := errors.AsType[*fleet.Error](err); !is || e.Fix == "" {
				t.Errorf("%v does not say what to do", err)
			}
			return
		}
		again, _, err := readAll(archiveOf(t, got))
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%v: %v became %v", err, got, again)
		}
	})
}

// FuzzRow: the row reader sees what no gzip sum protects.
func FuzzRow(f *testing.F) {
	tables := Tables()
	for name, rows := range sample() {
		for i := range tables {
			if tables[i].Name == name {
				for _, r := range rows {
					line, _ := appendRow(nil, &tables[i], r)
					f.Add(i, line)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, line []byte) {
		if i < 0 || i >= len(tables) {
			return
		}
		row, err := parseRow(&tables[i], line)
		if err != nil {
			return
		}
		text, err := appendRow(nil, &tables[i], row)
		if err != nil {
			t.Fatalf("%v was read and cannot be written: %v", row, err)
		}
		again, err := parseRow(&tables[i], text)
		if err != nil || tables[i].difference(row, again) != "" {
			t.Errorf("%v became %v: %v", row, again, err)
		}
	})
}

// other is a store of another schema; whatever else it is asked panics.
type other struct{ Sink }

func (other) Schema() (int, error) { return 3, nil }
func (other) Discard() error       { return nil }

// TestRestoreOfAnotherSchema refuses before anything is written.
func TestRestoreOfAnotherSchema(t *testing.T) {
	a, err := OpenArchive(bytes.NewReader(archiveOf(t, sample())))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Restore(t.Context(), a, other{}, nil)
	if e := fleet.AsError(err); e.Code != fleet.CodeConflict || e.Reason != "backup_schema" {
		t.Errorf("%v", err)
	}
}
