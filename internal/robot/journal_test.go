package robot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

func testIDs() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("journal-%d", n) }
}

func report(id int64, body string) protocol.Record {
	m := &wire.JobComplete{Ref: ref(int(id % 10)), Result: []byte(`{"n":1}`)}
	rep := protocol.Report{ID: id, Message: m}
	if body != "" {
		rep.Body = []byte(body)
	}
	return protocol.Record{Kind: protocol.RecordReport, Report: rep}
}

func mustOpen(t testing.TB, dir, host string) (*journal, protocol.Restored) {
	t.Helper()
	j, from, err := openJournal(dir, host, 0, testIDs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // closed twice in some tests
	return j, from
}

func mustAppend(t testing.TB, j *journal, lazy bool, recs ...protocol.Record) {
	t.Helper()
	if err := j.Append(recs, lazy); err != nil {
		t.Fatal(err)
	}
}

func numbers(reports []protocol.Report) []int64 {
	out := []int64{}
	for _, r := range reports {
		out = append(out, r.ID)
	}
	return out
}

// written makes a folder with a journal of three frames and returns where each
// frame ends.
func written(t testing.TB) (dir string, ends []int64) {
	t.Helper()
	dir = t.TempDir()
	j, _ := mustOpen(t, dir, "host")
	for id := int64(1); id <= 3; id++ {
		mustAppend(t, j, false, report(id, strings.Repeat("b", 100)))
		ends = append(ends, j.size)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, ends
}

func TestJournalRemembers(t *testing.T) {
	dir := t.TempDir()
	j, from := mustOpen(t, dir, "host")
	if from.Next != 1 || from.Acked != 0 || len(from.Reports) != 0 {
		t.Fatalf("a new journal holds %+v", from)
	}
	id := j.id
	mustAppend(t, j, false, protocol.Record{Kind: protocol.RecordAccept, Ref: ref(1)})
	mustAppend(t, j, false, report(1, ""), report(2, "a large body\nwith lines"))
	mustAppend(t, j, false, report(3, ""))
	mustAppend(t, j, true, protocol.Record{Kind: protocol.RecordAck, Upto: 1})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, from = mustOpen(t, dir, "host")
	if j.id != id {
		t.Errorf("identity %s became %s", id, j.id)
	}
	want := protocol.Restored{Next: 4, Acked: 1, Kept: []int64{1}, Reports: []protocol.Report{report(2, "a large body\nwith lines").Report, report(3, "").Report}}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Error(diff)
	}
}

func TestJournalCutsATornEnd(t *testing.T) {
	dir, ends := written(t)
	whole, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for size := ends[1]; size < ends[2]; size++ { // every way to lose a part of the last frame
		if err := os.WriteFile(filepath.Join(dir, "journal"), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		j, from, err := openJournal(dir, "host", 0, testIDs())
		if err != nil {
			t.Fatalf("cut to %d of %d bytes: %v", size, len(whole), err)
		}
		if diff := cmp.Diff([]int64{1, 2}, numbers(from.Reports)); diff != "" {
			t.Fatalf("cut to %d bytes: %s", size, diff)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestJournalDamage(t *testing.T) {
	tests := map[string]struct {
		change func(b []byte, ends []int64) []byte
		want   []int64 // nil: broken
	}{
		"nothing":                  {func(b []byte, _ []int64) []byte { return b }, []int64{1, 2, 3}},
		"empty file":               {func([]byte, []int64) []byte { return nil }, []int64{}},
		"zeros behind":             {func(b []byte, _ []int64) []byte { return append(b, make([]byte, 5000)...) }, []int64{1, 2, 3}},
		"zeros instead of the end": {func(b []byte, e []int64) []byte { clear(b[e[1]+20:]); return b }, []int64{1, 2}},
		"a bit in the last frame":  {func(b []byte, e []int64) []byte { b[e[2]-5] ^= 1; return b }, []int64{1, 2}},
		"a bit in the middle":      {func(b []byte, e []int64) []byte { b[e[1]-5] ^= 1; return b }, nil},
		"a checksum in the middle": {func(b []byte, e []int64) []byte { b[e[0]+5] ^= 1; return b }, nil},
		"a huge length in the middle": {func(b []byte, e []int64) []byte {
			binary.LittleEndian.PutUint32(b[e[0]:], 1<<31)
			return b
		}, nil},
		"a length that reaches past the end": {func(b []byte, e []int64) []byte {
			binary.LittleEndian.PutUint32(b[e[0]:], uint32(int64(len(b))-e[0]))
			return b
		}, nil},
		"zeros in the middle": {func(b []byte, e []int64) []byte { clear(b[e[0]:e[1]]); return b }, nil},
		"another file":        {func([]byte, []int64) []byte { return []byte("#!/bin/sh\necho not a journal at all\n") }, nil},
		"text behind":         {func(b []byte, _ []int64) []byte { return append(b, "garbage"...) }, []int64{1, 2, 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir, ends := written(t)
			path := filepath.Join(dir, "journal")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = tt.change(b, ends)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			j, from, err := openJournal(dir, "host", 0, testIDs())
			if tt.want == nil {
				if err == nil {
					t.Fatalf("a damaged journal was taken, with reports %v", numbers(from.Reports))
				}
				if e := fleet.AsError(err); e.Reason != "journal_broken" || e.Fix == "" || !strings.Contains(e.Message, path) {
					t.Errorf("the message does not help: %v", err)
				}
				after, err := os.ReadFile(path)
				if err != nil || !bytes.Equal(after, b) {
					t.Error("the damaged file was changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if diff := cmp.Diff(tt.want, numbers(from.Reports)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJournalIsOneProcess(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, "host")
	_, _, err := openJournal(dir, "host", 0, testIDs())
	if !errors.Is(err, &fleet.Error{Code: fleet.CodeConflict, Reason: "journal_locked"}) {
		t.Fatalf("err = %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, "host")
}

func TestCopiedJournalGetsAnIdentityOfItsOwn(t *testing.T) {
	dir, _ := written(t)
	j, from, err := openJournal(dir, "another host", 0, func() string { return "new" })
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if j.id != "new" || !j.copied || from.Acked != 0 || len(from.Reports) != 3 {
		t.Errorf("identity %s, copied %v, %+v", j.id, j.copied, from)
	}
}

func TestJournalReservesSpace(t *testing.T) {
	j, _, err := openJournal(t.TempDir(), "host", 1<<20, testIDs())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Reserve(600 << 10); err != nil {
		t.Fatal(err)
	}
	if err := j.Reserve(600 << 10); !errors.Is(err, errNoSpace) {
		t.Fatalf("err = %v, want no space", err)
	}
	mustAppend(t, j, false, report(1, strings.Repeat("x", 500<<10)))
	j.Release(600 << 10)
	if err := j.Reserve(400 << 10); err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskIsMetByMakingRoom(t *testing.T) {
	j, _, err := openJournal(t.TempDir(), "host", 1<<20, testIDs())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for id := int64(1); id <= 20; id++ {
		mustAppend(t, j, false, report(id, strings.Repeat("x", 200<<10)))
		mustAppend(t, j, true, protocol.Record{Kind: protocol.RecordAck, Upto: id})
		if err := j.Prune(id); err != nil {
			t.Fatal(err)
		}
	}
	// What nobody has acknowledged is never thrown away for room.
	var full error
	id := int64(21)
	for ; full == nil && id < 60; id++ {
		full = j.Append([]protocol.Record{report(id, strings.Repeat("x", 200<<10))}, false)
	}
	if full == nil {
		t.Fatal("the disk never got full")
	}
	got, err := j.From(21)
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{}
	for n := int64(21); n < id-1; n++ {
		want = append(want, n)
	}
	if diff := cmp.Diff(want, numbers(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCompactionKeepsWhatIsNeeded(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, "host")
	j.full = 0 // compact at every prune
	for id := int64(1); id <= 9; id++ {
		mustAppend(t, j, false, report(id, "old"))
	}
	mustAppend(t, j, false, report(9, "new")) // replaced
	mustAppend(t, j, false, protocol.Record{Kind: protocol.RecordAck, Upto: 6})
	if err := j.Prune(4); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, false, report(10, ""))
	got, err := j.From(1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{5, 6, 7, 8, 9, 10}, numbers(got)); diff != "" {
		t.Error(diff)
	}
	if i := slices.IndexFunc(got, func(r protocol.Report) bool { return r.ID == 9 }); string(got[i].Body) != "new" {
		t.Errorf("report 9 has the body %q", got[i].Body)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, from := mustOpen(t, dir, "host")
	if from.Next != 11 || from.Acked != 6 {
		t.Errorf("after compaction: next %d, acked %d", from.Next, from.Acked)
	}
}

// An end whose files are not handed over yet outlives a compaction and a start, until
// there is a report of it.
func TestEndWaitsForItsFiles(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, "host")
	j.full = 0
	end := func(n int) protocol.Record {
		return protocol.Record{Kind: protocol.RecordEnd, Ref: ref(n), Report: protocol.Report{Message: &wire.JobComplete{Ref: ref(n)}, Body: []byte("result")}}
	}
	mustAppend(t, j, false, end(1), end(2))
	waits := func(from protocol.Restored, want ...int) {
		t.Helper()
		var got, refs []wire.Ref
		for _, e := range from.Ends {
			at, _ := wire.AttemptOf(e.Message)
			if got = append(got, at); string(e.Body) != "result" {
				t.Errorf("the body of %s is %q", at, e.Body)
			}
		}
		for _, n := range want {
			refs = append(refs, ref(n))
		}
		if diff := cmp.Diff(refs, got); diff != "" {
			t.Error(diff)
		}
	}
	again := func() protocol.Restored {
		t.Helper()
		if err := j.Prune(0); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var from protocol.Restored
		j, from = mustOpen(t, dir, "host")
		j.full = 0
		return from
	}
	waits(again(), 1, 2)
	waits(again(), 1, 2) // the start itself writes the file anew
	mustAppend(t, j, false, protocol.Record{Kind: protocol.RecordReport, Report: protocol.Report{ID: 1, Message: &wire.JobComplete{Ref: ref(1)}}})
	from := again()
	waits(from, 2)
	if len(from.Reports) != 1 || from.Reports[0].ID != 1 {
		t.Errorf("reports %+v", from.Reports)
	}
}

func TestNumbersAreNeverUsedTwice(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, "host")
	mustAppend(t, j, false, report(7, ""), protocol.Record{Kind: protocol.RecordAck, Upto: 7})
	j.full = 0
	if err := j.Prune(7); err != nil {
		t.Fatal(err)
	}
	for range 3 { // also when nothing is left that has a number
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var from protocol.Restored
		if j, from = mustOpen(t, dir, "host"); from.Next != 8 {
			t.Fatalf("the next number is %d, want 8", from.Next)
		}
	}
}

func FuzzJournal(f *testing.F) {
	dir, _ := written(f)
	seed, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-3])
	f.Add([]byte(magic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		good, err := readFrames(bytes.NewReader(data), int64(len(data)), func(frame []byte) error {
			return records(frame, func(l line, raw []byte) error {
				if l.Kind != protocol.RecordReport {
					return nil
				}
				rep, err := l.report(raw)
				if err == nil && (rep.ID < 1 || rep.Message == nil) {
					t.Fatalf("a report without number or message: %+v", rep)
				}
				return err
			})
		})
		if good < 0 || good > int64(len(data)) {
			t.Fatalf("the good part ends at %d of %d bytes", good, len(data))
		}
		if err == nil && good != int64(len(data)) && len(data) > 0 {
			t.Fatalf("%d bytes behind the good part were passed over in silence", int64(len(data))-good)
		}
		if err != nil && !errors.Is(err, errTorn) && !errors.Is(err, errBroken) {
			t.Fatalf("err = %v", err)
		}
	})
}
