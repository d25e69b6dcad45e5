package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Dir: dir})
	if !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second open: %v, want a conflict that names process %d", err, os.Getpid())
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	err = s.Update(t.Context(), store.Tenant("a"), func(store.Tx) error { return nil })
	if !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a write after Close: %v", err)
	}
	if s, err = Open(t.Context(), Options{Dir: dir}); err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	for _, o := range []Options{{}, {Dir: t.TempDir(), Synchronous: "NORMAL"}, {Dir: t.TempDir(), Synchronous: "off"}, {Dir: t.TempDir(), Synchronous: "x"}} {
		if _, err := Open(t.Context(), o); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	s := openWith(Options{Synchronous: "normal", Unsafe: true})(t).(*Store)
	for pragma, want := range map[string]string{"synchronous": "1", "journal_mode": "wal", "foreign_keys": "1", "query_only": "1"} {
		rows, err := s.QueryText(t.Context(), "pragma "+pragma)
		if err != nil || rows[0][0] != want {
			t.Errorf("%s is %v (%v), want %s", pragma, rows, err, want)
		}
	}
	if err := s.readers.view(t.Context(), func(c *conn) error { return c.exec("delete from jobs") }); err == nil {
		t.Error("a reader could write")
	}
}

// TestHistoryOfTheSchema refuses a store whose scripts are not ours.
func TestHistoryOfTheSchema(t *testing.T) {
	for what, sql := range map[string]string{
		"a script was changed": "update schema_migrations set sum = 'x'",
		"a newer program":      "insert into schema_migrations values (99, 'later', 'x', 0)",
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c, err := file{path: filepath.Join(dir, "fleet.db"), synchronous: "FULL"}.open(true)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.exec(sql), c.db.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, fleet.ErrConflict) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

// TestDiskFull fills the file to its limit: writes say 507, reads go on, and
// writes go on when there is room again.
func TestDiskFull(t *testing.T) {
	f := storetest.New(t, openWith(Options{MaxPages: 400}))
	s := f.Store.(*Store)
	var err error
	var kept []fleet.ID
	for len(kept) < 10_000 {
		sub := f.Submission(f.Spec())
		var got []store.Submitted
		if got, err = s.Enqueue(t.Context(), f.Scope, []store.Submission{sub}); err != nil {
			break
		}
		kept = append(kept, got[0].Job.ID)
	}
	var e *fleet.Error
	if !errors.As(err, &e) || e.Code != fleet.CodeExhausted || e.Status != http507 || e.RetryAfter == 0 {
		t.Fatalf("after %d jobs: %v", len(kept), err)
	}
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("a full disk is no broken store: %v", err)
	}
	for _, id := range kept {
		f.Job(id)
	}
	f.CheckInvariants()
	if err := s.queue.Do(t.Context(), 1, true, change{f.Scope, roomier(s)}); err != nil {
		t.Fatal(err)
	}
	f.Submit(f.Spec())
	f.CheckInvariants()
}

// TestFailedFile shows what a page or a flush that fails leads to: nobody is
// told yes, and nothing is written any more.
func TestFailedFile(t *testing.T) {
	f := storetest.New(t, openWith(Options{}))
	s := f.Store.(*Store)
	f.Submit(f.Spec())
	if err := s.queue.Do(t.Context(), 1, true, change{f.Scope, readOnly(s)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())})
		if !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("a write: %v", err)
		}
	}
	if err := s.Health(t.Context()); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("health: %v", err)
	}
	if n := len(f.Events(0)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestCommitFails takes the commit away: the callers of the group are told so,
// and none of their changes is there.
func TestCommitFails(t *testing.T) {
	f := storetest.New(t, openWith(Options{}))
	s := f.Store.(*Store)
	f.Submit(f.Spec())
	good := s.writer.control[commit]
	s.writer.control[commit] = &sqlstore.Stmt{Name: "commit", SQL: "select * from nowhere", N: good.N + 10}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())})
			if !errors.Is(err, fleet.ErrUnavailable) {
				t.Errorf("a change of a failed commit: %v", err)
			}
		})
	}
	wg.Wait()
	s.writer.control[commit] = good
	if j := f.Submit(f.Spec()); j.Seq != 2 {
		t.Errorf("number %d: the failed commit left a hole", j.Seq)
	}
	f.CheckInvariants()
}

// TestSharedCommit holds the committer up, lets others queue, and counts.
func TestSharedCommit(t *testing.T) {
	f := storetest.New(t, openWith(Options{}))
	s := f.Store.(*Store)
	before, _ := s.Commits()
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Update(t.Context(), f.Scope, func(store.Tx) error {
			close(inside)
			<-leave
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-inside
	no := errors.New("no")
	for i := range 10 {
		wg.Go(func() {
			err := s.Update(t.Context(), f.Scope, func(tx store.Tx) error {
				_, err := tx.Insert(fleet.NewJob(f.Spec(), f.Now), fleet.JobData{}, "u")
				if i == 5 {
					return no
				}
				return err
			})
			if i == 5 && !errors.Is(err, no) || i != 5 && err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	late, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := s.Update(late, f.Scope, func(store.Tx) error {
			t.Error("a cancelled caller ran")
			return nil
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	for s.queue.Waiting() < 11 {
		runtime.Gosched()
	}
	cancel()
	close(leave)
	wg.Wait()
	if after, _ := s.Commits(); after-before > 3 {
		t.Errorf("%d commits for 11 changes", after-before)
	}
	if n := len(f.Events(0)); n != 9 {
		t.Errorf("%d events, want 9: one of ten failed", n)
	}
	f.CheckInvariants()
}

const crashEnv = "FLEET_TEST_CRASH_DIR"

// TestCrash kills a process that writes, and opens what it left: everything
// that it acknowledged must be there, whole.
func TestCrash(t *testing.T) {
	if dir := os.Getenv(crashEnv); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	cycles := 8
	if testing.Short() {
		cycles = 2
	}
	dir := t.TempDir()
	acked := map[string]string{}
	for range cycles {
		runUntilAcks(t, dir, acked, 150)
		s, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		err = s.View(t.Context(), store.Tenant("acme"), func(r store.Reader) error {
			for id, state := range acked {
				j, err := r.Job(fleet.ID(id))
				if err != nil || string(j.State) != state && state != "pending" {
					return fmt.Errorf("job %s was acknowledged as %s: %s, %w", id, state, j.State, err)
				}
			}
			return nil
		})
		if err := errors.Join(err, storetest.Invariants(t.Context(), s), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// runUntilAcks starts the writer and kills it after some acknowledgements.
func runUntilAcks(t *testing.T, dir string, acked map[string]string, n int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), crashEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for got := 0; lines.Scan(); {
		id, state, ok := strings.Cut(lines.Text(), " ")
		if !ok || !fleet.ID(id).Valid() {
			t.Fatalf("the writer says %q", lines.Text())
		}
		acked[id] = state
		if got++; got == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
}

// writeUntilKilled is the child: lives of jobs, one line for each answer.
func writeUntilKilled(t *testing.T, dir string) {
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	f := storetest.New(t, func(testing.TB) store.Store { return s })
	var mu sync.Mutex
	say := func(id fleet.ID, state fleet.State) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := fmt.Fprintln(os.Stdout, id, state); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			robot := fleet.RobotID(fmt.Sprintf("r-%d-%d", os.Getpid(), c))
			session := f.Robot(robot, 5)
			for i := int64(1); ; i++ {
				j := f.Submit(f.Spec())
				say(j.ID, j.State)
				j = f.Accept(f.Assign(j, robot, session))
				f.Report(f.NewReport(j, fleet.ReportComplete, i))
				say(j.ID, fleet.Completed)
			}
		})
	}
	wg.Wait()
}
