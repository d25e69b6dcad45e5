package transfer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/internal/store/transfer"
)

func move(t *testing.T, a, b place) transfer.Result {
	t.Helper()
	from := a.source(t)
	defer func() { must(t, from.Close()) }()
	to, err := b.sink(t)
	must(t, err)
	r, err := transfer.Copy(t.Context(), from, to, nil)
	must(t, err)
	return r
}

// TestCopy moves a store with a row in each table from kind to kind, and goes
// on working where it arrived.
func TestCopy(t *testing.T) {
	first, second, third := folder(t), database(t), folder(t)
	filled(t, first)
	for _, pair := range [][2]place{{first, second}, {second, third}} {
		a, b := pair[0], pair[1]
		r := move(t, a, b)
		if r.Rows["jobs"] != 40 || r.Total() < 150 || r.Origin.Database != a.name || r.Origin.StoreID == "" {
			t.Errorf("%+v", r)
		}
		same(t, first, b)
	}
	for _, p := range []place{second, third} {
		t.Run("go on in "+p.name, func(t *testing.T) {
			f := storetest.New(t, p.open)
			f.CheckInvariants()
			spec := f.Spec()
			spec.Environment = "elsewhere" // a new lane: its number is free
			f.Submit(spec)
			f.CheckInvariants()
		})
	}
}

func backup(t *testing.T, p place) []byte {
	t.Helper()
	from := p.source(t)
	defer func() { must(t, from.Close()) }()
	var out bytes.Buffer
	_, err := transfer.Backup(t.Context(), from, &out, "v1", time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC), nil)
	must(t, err)
	return out.Bytes()
}

func restore(t *testing.T, archive []byte, p place) error {
	t.Helper()
	a, err := transfer.OpenArchive(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	to, err := p.sink(t)
	must(t, err)
	_, err = transfer.Restore(t.Context(), a, to, nil)
	return err
}

// TestRestore takes a backup of one kind into the other and back. What differs
// is what a restore changes on purpose, and nothing else.
func TestRestore(t *testing.T) {
	for first, from := range kinds {
		for second, to := range kinds {
			t.Run(first+" to "+second, func(t *testing.T) {
				a, b := from(t), to(t)
				filled(t, a)
				archive := backup(t, a)
				must(t, restore(t, archive, b))
				before, after := a.source(t), b.source(t)
				was, is := contents(t, before), contents(t, after)
				must(t, before.Close())
				must(t, after.Close())
				rewound(t, was, is)
				f := storetest.New(t, b.open)
				f.CheckInvariants()
			})
		}
	}
}

// rewound checks that a restore has changed what ADR-0015 says and no more.
func rewound(t *testing.T, was, is map[string][]transfer.Row) {
	t.Helper()
	at := map[string]map[string]int{}
	for _, table := range transfer.Tables() {
		at[table.Name] = map[string]int{}
		for i, c := range table.Columns {
			at[table.Name][c.Name] = i
		}
		switch table.Name {
		case "store_meta", "jobs", "attempts":
			continue
		case "members":
			if len(is[table.Name]) > 0 {
				t.Error("somebody is a member of a store that was just restored")
			}
			continue
		}
		if table.Name == "audit" || table.Name == "audit_heads" {
			reanchored(t, &table, was[table.Name], is[table.Name])
			continue
		}
		if len(was[table.Name]) != len(is[table.Name]) {
			t.Errorf("%s had %d rows and has %d", table.Name, len(was[table.Name]), len(is[table.Name]))
			continue
		}
		for i, row := range was[table.Name] {
			now := is[table.Name][i]
			if table.Name == "secret_uses" { // it follows its attempt
				at := at[table.Name]["epoch"]
				if now[at] != row[at].(int64)+1000 {
					t.Errorf("a secret of attempt %v is held by %v", row[at], now[at])
				}
				equalBut(t, &table, row, now, "epoch")
				continue
			}
			equalBut(t, &table, row, now)
		}
	}
	tables := map[string]transfer.Table{}
	for _, table := range transfer.Tables() {
		tables[table.Name] = table
	}
	meta, jobs, attempts := tables["store_meta"], tables["jobs"], tables["attempts"]
	generation := at["store_meta"]["generation"]
	equalBut(t, &meta, was["store_meta"][0], is["store_meta"][0], "generation")
	if was["store_meta"][0][generation] != int64(1) || is["store_meta"][0][generation] != int64(2) {
		t.Errorf("generation %v became %v", was["store_meta"][0][generation], is["store_meta"][0][generation])
	}
	epoch, skipped, state, segments := at["jobs"]["epoch"], at["jobs"]["epoch_skipped"], at["jobs"]["state"], at["jobs"]["segments"]
	lifted := map[string]int{}
	for i, job := range was["jobs"] {
		now := is["jobs"][i]
		equalBut(t, &jobs, job, now, "epoch", "epoch_skipped")
		want := [2]int64{}
		switch s := fleet.State(job[state].(string)); {
		case s.Live() && job[segments] != int64(0): // a whole has no attempt
			want = [2]int64{1000, 1000}
			lifted["whole"]++
		case s.Live():
			want = [2]int64{1000, 999}
			lifted["live"]++
		case !s.Final():
			want = [2]int64{1000, 1000}
			lifted["open"]++
		}
		got := [2]int64{now[epoch].(int64) - job[epoch].(int64), now[skipped].(int64) - job[skipped].(int64)}
		if got != want {
			t.Errorf("job %v in %v was lifted by %v, want %v", job[0], job[state], got, want)
		}
	}
	if lifted["live"] == 0 || lifted["open"] == 0 || lifted["whole"] == 0 {
		t.Errorf("nothing was lifted: %v", lifted)
	}
	if got, want := len(is["attempts"]), len(was["attempts"])+lifted["live"]; got != want {
		t.Errorf("%d attempts, want %d", got, want)
	}
	byKey := map[string]transfer.Row{}
	for _, a := range is["attempts"] {
		byKey[attempts.Key(a)] = a
	}
	for _, a := range was["attempts"] {
		now := byKey[attempts.Key(a)]
		if a[at["attempts"]["outcome"]] != nil {
			equalBut(t, &attempts, a, now)
			continue
		}
		equalBut(t, &attempts, a, now, "outcome", "ended_at", "slot_free_at", "running_at")
		if now[at["attempts"]["outcome"]] != "lost" {
			t.Errorf("attempt %s is %v", attempts.Key(a), now[at["attempts"]["outcome"]])
		}
		lift := append(transfer.Row(nil), a...)
		lift[at["attempts"]["epoch"]] = a[at["attempts"]["epoch"]].(int64) + 1000
		standIn := byKey[attempts.Key(lift)]
		if standIn == nil {
			t.Errorf("nothing stands in for attempt %s", attempts.Key(a))
			continue
		}
		equalBut(t, &attempts, lift, standIn, "running_at")
		if began := a[at["attempts"]["started_at"]] != nil; began != (standIn[at["attempts"]["running_at"]] != nil) {
			t.Errorf("attempt %s: begun %v", attempts.Key(standIn), !began)
		}
	}
}

// reanchored checks that a restore has added one row to the audit of each tenant,
// which says so.
func reanchored(t *testing.T, table *transfer.Table, was, is []transfer.Row) {
	t.Helper()
	byKey, tenants := map[string]transfer.Row{}, map[any]bool{}
	for _, row := range was {
		byKey[table.Key(row)] = row
		tenants[row[0]] = true
	}
	more := 0
	for _, row := range is {
		old := byKey[table.Key(row)]
		switch {
		case table.Name == "audit_heads":
			if row[1] != old[1].(int64)+1 {
				t.Errorf("the audit of %v ended with row %v and ends with %v", row[0], old[1], row[1])
			}
			equalBut(t, table, old, row, "seq", "hash")
		case old != nil:
			equalBut(t, table, old, row)
		case row[3] == "store.restore":
			more++
		default:
			t.Errorf("the audit has a row %v", row)
		}
	}
	if table.Name == "audit" && (more != len(tenants) || len(is) != len(was)+more) {
		t.Errorf("%d rows tell of the restore, for %d tenants", more, len(tenants))
	}
}

func equalBut(t *testing.T, table *transfer.Table, a, b transfer.Row, but ...string) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%s: %v is %v", table.Name, a, b)
		return
	}
	for i, c := range table.Columns {
		ignored := false
		for _, name := range but {
			ignored = ignored || name == c.Name
		}
		x, isBytes := a[i].([]byte)
		if y, both := b[i].([]byte); !ignored && (isBytes != both || isBytes && !bytes.Equal(x, y) || !isBytes && a[i] != b[i]) {
			t.Errorf("%s (%s): %s was %v and is %v", table.Name, table.Key(a), c.Name, a[i], b[i])
		}
	}
}

// TestRobotForgets shows what a restore means to a robot that still runs a job:
// it does not hold it any more, and its late result is evidence and no more.
func TestRobotForgets(t *testing.T) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := make(t), make(t)
			var running, waiting fleet.Job
			t.Run("before", func(t *testing.T) {
				f := storetest.New(t, a.open)
				session := f.Robot("r1", 5)
				running = f.Running(f.Spec(), "r1", session)
				waiting = f.Submit(f.Spec())
			})
			archive := backup(t, a)
			t.Run("lost time", func(t *testing.T) {
				f := storetest.New(t, a.open)
				session := f.Connect("r1").Epoch
				waiting = f.Accept(f.Assign(waiting, "r1", session))
			})
			must(t, restore(t, archive, b))
			f := storetest.New(t, b.open)
			session := f.Connect("r1").Epoch
			got, err := f.Store.Beat(t.Context(), f.Scope, []store.Beat{{
				Tenant: f.Tenant, RobotID: "r1", SessionEpoch: session, Attempts: []store.BeatAttempt{
					{JobID: running.ID, Epoch: running.Epoch}, {JobID: waiting.ID, Epoch: waiting.Epoch},
				},
			}}, f.Now)
			must(t, err)
			if len(got[0].Stale) != 2 || len(got[0].Renewed) != 0 {
				t.Errorf("%+v, want both stale", got[0])
			}
			verdicts := f.Report(f.NewReport(running, fleet.ReportComplete, 1), f.NewReport(waiting, fleet.ReportComplete, 2))
			if verdicts[0].Verdict != fleet.VerdictStale || verdicts[1].Verdict == fleet.VerdictApplied {
				t.Errorf("verdicts %+v", verdicts)
			}
			j := f.Job(waiting.ID)
			if j = f.Assign(j, "r1", session); j.Epoch != 1001 {
				t.Errorf("the next epoch is %d", j.Epoch)
			}
			f.CheckInvariants()
			must(t, f.Move(running.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: s.Job.Epoch, Reason: "not held", NeverStarted: s.Attempt.RunningAt.IsZero()}, f.Now)
			}))
			if j := f.Job(running.ID); j.State != fleet.Pending || j.LostUsed != 1 {
				t.Errorf("the lost job is %s, lost %d", j.State, j.LostUsed)
			}
			f.CheckInvariants()
		})
	}
}

// TestBackupUnderLoad takes backups while callers write, and checks that each
// restored store keeps the law.
func TestBackupUnderLoad(t *testing.T) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			a := make(t)
			f := storetest.New(t, a.open)
			session := f.Robot("r1", 1000)
			ctx, stop := context.WithCancel(t.Context())
			ended := load(ctx, f, session)
			var archives [][]byte
			for len(archives) < 3 {
				archives = append(archives, backup(t, a))
			}
			stop()
			if n := <-ended; n < 10 {
				t.Fatalf("only %d jobs ran meanwhile", n)
			}
			for _, archive := range archives {
				b := folder(t)
				must(t, restore(t, archive, b))
				storetest.New(t, b.open).CheckInvariants()
			}
		})
	}
}

// load takes jobs through their life until told to stop, and says how many.
func load(ctx context.Context, f *storetest.Fixture, session int64) <-chan int {
	ended := make(chan int, 1)
	began := make(chan struct{})
	go func() {
		n := 0
		defer func() { ended <- n }()
		for ; ctx.Err() == nil; n++ {
			j := f.Running(f.Spec(), "r1", session)
			if n%2 == 0 {
				f.Report(f.NewReport(j, fleet.ReportComplete, int64(n+1)))
			}
			if n == 20 {
				close(began)
			}
		}
	}()
	<-began
	return ended
}

// TestRefused: what must not be filled or read is left as it was.
func TestRefused(t *testing.T) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := make(t), make(t)
			filled(t, a)
			filled(t, b)
			before := backup(t, b)
			if _, err := b.sink(t); !errors.Is(err, fleet.ErrConflict) {
				t.Errorf("a target that is not empty: %v", err)
			}
			if after := backup(t, b); !bytes.Equal(before, after) {
				t.Error("the target was changed")
			}
			archive, c := backup(t, a), make(t)
			for what, bad := range map[string][]byte{
				"truncated": archive[:len(archive)-len(archive)/3], "cut at the end": archive[:len(archive)-3],
				"changed": flipped(archive), "foreign": []byte("hello"), "empty": nil,
			} {
				err := restore(t, bad, c)
				if !errors.Is(err, fleet.ErrInvalid) {
					t.Errorf("%s: %v", what, err)
				}
				untouched(t, what, c)
			}
		})
	}
}

// flipped changes a bit near the middle that changes what is packed.
func flipped(archive []byte) []byte {
	out := bytes.Clone(archive)
	for at := len(archive) / 2; bytes.Equal(unzipped(out), unzipped(archive)); at++ {
		copy(out, archive)
		out[at] ^= 0x10
	}
	return out
}

// untouched fails unless a place can still be filled and nothing lies about.
func untouched(t *testing.T, what string, p place) {
	t.Helper()
	if p.name == "sqlite" {
		left, err := os.ReadDir(filepath.Dir(p.where))
		if err != nil || len(left) > 0 {
			t.Errorf("%s left %v behind: %v", what, left, err)
		}
	}
	to, err := p.sink(t)
	must(t, err)
	for table, rows := range contents(t, to) {
		if len(rows) > 0 {
			t.Errorf("%s left %d rows in %s", what, len(rows), table)
		}
	}
	must(t, to.Discard())
}

// TestCopyNamesDifferences shows that a comparison sees one changed value, one
// missing row and one too many.
func TestCopyNamesDifferences(t *testing.T) {
	for first, from := range kinds {
		t.Run(first, func(t *testing.T) {
			a, b := from(t), folder(t)
			filled(t, a)
			source := a.source(t)
			defer func() { must(t, source.Close()) }()
			to, err := b.sink(t)
			must(t, err)
			_, err = transfer.Copy(t.Context(), source, &bent{Sink: to}, nil)
			if err == nil {
				t.Fatal("a bent copy was kept")
			}
			for _, want := range []string{"robots (", "hostname is host in the source and bent in the target", "is missing in the target"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			untouched(t, "bent", b)
		})
	}
}

// bent is a sink that keeps other rows than it was given.
type bent struct{ transfer.Sink }

func (b *bent) Take(ctx context.Context, t *transfer.Table, rows []transfer.Row) error {
	switch t.Name {
	case "robots":
		for i, c := range t.Columns {
			if c.Name == "hostname" {
				rows[0][i] = "bent"
			}
		}
	case "members", "log_lines":
		rows = rows[1:]
	}
	if len(rows) == 0 {
		return nil
	}
	return b.Sink.Take(ctx, t, rows)
}

// A bit that is flipped anywhere is the archive's fault, also where the store
// refuses the row before the sums are reached.
func TestAnyFlippedBitIsTheArchivesFault(t *testing.T) {
	a, c := folder(t), folder(t)
	filled(t, a)
	archive := backup(t, a)
	step := size(len(archive)/60, len(archive)/6)
	for at := 20; at < len(archive); at += step {
		bad := bytes.Clone(archive)
		bad[at] ^= 0x10
		if bytes.Equal(unzipped(bad), unzipped(archive)) {
			continue // deflate has several ways to say the same: a match among equal bytes
		}
		if err := restore(t, bad, c); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("byte %d of %d: %v", at, len(archive), err)
		}
	}
	untouched(t, "flipped", c)
}

// unzipped is what gzip makes of text, nil if it refuses it.
func unzipped(text []byte) []byte {
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	all, err := io.ReadAll(zip)
	if err != nil {
		return nil
	}
	return all
}

func size(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}
