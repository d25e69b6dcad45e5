package postgres

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// fate is what becomes of a COMMIT on its way.
type fate int32

const (
	passes    fate = iota
	unheard        // it arrives and the answer is swallowed, then the line is cut
	undone         // the line is cut before it arrives
	late           // the line to us is cut at once; it arrives a moment later
	swallowed      // it never arrives, and the database does not learn that we are gone
)

// wire stands between the store and PostgreSQL and decides about the next
// COMMIT.
type wire struct {
	testing.TB
	listener net.Listener
	to       string
	next     atomic.Int32 // fate
	met      atomic.Int32 // how many COMMITs it decided about
	running  sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

// newWire returns it with the address of the database through it.
func newWire(t testing.TB, database string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{TB: t, listener: l, to: u.Host}
	u.Host = l.Addr().String()
	w.running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", w.to) //nolint:noctx // ends with the test
			if err != nil {
				_ = in.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, in, out)
			w.mu.Unlock()
			mute := &atomic.Bool{}
			w.running.Go(func() { w.up(in, out, mute) })
			w.running.Go(func() { w.down(in, out, mute) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.mu.Lock()
		for _, c := range w.open {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.running.Wait()
	})
	return w, u.String()
}

// up carries what the store says. A COMMIT is short and comes in a packet of
// its own, as the store waits for all before it.
func (w *wire) up(in, out net.Conn, mute *atomic.Bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := in.Read(b)
		if err != nil {
			_ = out.Close()
			return
		}
		what := passes
		if n < 200 && isCommit(b[:n]) {
			what = fate(w.next.Swap(int32(passes)))
			if what != passes {
				w.met.Add(1)
			}
		}
		switch what {
		case passes:
		case unheard:
			mute.Store(true)
		case undone:
			_, _ = in.Close(), out.Close()
			return
		case late:
			mute.Store(true)
			_ = in.Close()
			<-time.After(300 * time.Millisecond) // the delay of the network
		case swallowed:
			_ = in.Close() // and out stays open until the test ends
			return
		}
		if _, err := out.Write(b[:n]); err != nil {
			_ = in.Close()
			return
		}
	}
}

// down carries what the database says.
func (w *wire) down(in, out net.Conn, mute *atomic.Bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := out.Read(b)
		if err != nil {
			_ = in.Close()
			return
		}
		if mute.Load() { // the answer to the COMMIT is here: it was done
			_, _ = in.Close(), out.Close()
			return
		}
		if _, err := in.Write(b[:n]); err != nil {
			_ = out.Close()
			return
		}
	}
}

// isCommit finds the text, or the executed statement whose name the driver made
// from it: both hold nothing else.
func isCommit(b []byte) bool {
	return bytes.Contains(b, []byte("commit\x00")) && !bytes.Contains(b, []byte("select"))
}

// TestAnswerOfACommitIsLost loses it in every way, also for the first commit of
// a committer, of which the database has no row yet. Whatever is answered holds:
// a job that was confirmed is there once, and one that was refused is not.
func TestAnswerOfACommitIsLost(t *testing.T) {
	for name, what := range map[string]fate{"after": unheard, "before": undone, "late": late} {
		t.Run(name, func(t *testing.T) {
			db := migrated(t)
			w, through := newWire(t, db.URL)
			f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
			for first := range 3 {
				s := open(t, through, Options{})
				if err := s.forgetRow(t); err != nil {
					t.Fatal(err)
				}
				for range first { // so many commits came before
					f.Store = s
					f.Submit(f.Spec())
				}
				w.next.Store(int32(what))
				met := w.met.Load()
				sub := f.Submission(f.Spec())
				out, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
				if err != nil || out[0].Err != nil {
					t.Errorf("after %d commits: %v %+v", first, err, out)
				}
				if w.met.Load() != met+1 {
					t.Fatalf("after %d commits: no COMMIT was met", first)
				}
				counted(t, f, "select count(*) from jobs where id = '"+string(sub.Job.ID)+"'", 1)
				counted(t, f, "select count(*) from events where subject_id = '"+string(sub.Job.ID)+"'", 1)
			}
			f.CheckInvariants()
		})
	}
}

// TestCommitThatNobodyEnds: the COMMIT is on its way for ever and the old
// session holds its locks. The caller is told that nobody can say, not that it
// failed, and nothing is done twice.
func TestCommitThatNobodyEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time limits of the database")
	}
	db := migrated(t)
	w, through := newWire(t, db.URL)
	f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
	s := open(t, through, Options{})
	w.next.Store(int32(swallowed))
	sub := f.Submission(f.Spec())
	_, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
	if e := fleet.AsError(err); e.Code != fleet.CodeUnavailable || e.Reason != "commit_unknown" {
		t.Fatalf("%s %s: %v", e.Code, e.Reason, err)
	}
	// The old session is ended by its own limit; then all goes on.
	deadline := time.Now().Add(time.Minute)
	for {
		out, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())})
		if err == nil && out[0].Err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	counted(t, f, "select count(*) from jobs where id = '"+string(sub.Job.ID)+"'", 0)
	f.CheckInvariants()
}

// forgetRow takes the committer's row away, as if it had never committed.
func (s *Store) forgetRow(t testing.TB) error {
	t.Helper()
	pg, err := pgx.Connect(t.Context(), s.options.URL)
	if err != nil {
		return err
	}
	_, err = pg.Exec(t.Context(), "delete from commits where committer = $1", s.writer.name)
	return errors.Join(err, pg.Close(t.Context()))
}

// TestWritersAreEnded ends the sessions that write, twenty times a second,
// while many callers write, and compares what they were told with what is there.
func TestWritersAreEnded(t *testing.T) {
	t.Parallel() // it waits, on a database of its own
	db := migrated(t)
	f := storetest.New(t, func(testing.TB) store.Store { return open(t, db.URL, Options{}) })
	victim := open(t, db.URL, Options{Queue: committer.Options{GroupOps: 50}})
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	var ended atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		pg, err := pgx.Connect(t.Context(), db.SuperURL)
		if err != nil {
			t.Error(err)
			return
		}
		defer pg.Close(context.Background())
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			tag, err := pg.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid() and query !~* '^listen|pg_notify'`)
			if err != nil {
				t.Error(err)
				return
			}
			ended.Add(tag.RowsAffected())
		}
	})
	var mu sync.Mutex
	told := map[fleet.ID]error{}
	confirmed := 0
	for range 24 {
		wg.Go(func() {
			for ctx.Err() == nil {
				sub := f.Submission(f.Spec())
				out, err := victim.Enqueue(t.Context(), f.Scope, []store.Submission{sub})
				if err == nil {
					err = out[0].Err
				}
				if err != nil && !errors.Is(err, fleet.ErrUnavailable) {
					t.Errorf("job %s: %v", sub.Job.ID, err)
				}
				mu.Lock()
				told[sub.Job.ID] = err
				if err == nil {
					confirmed++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	rows, err := f.Store.(storetest.Queryer).QueryText(t.Context(), "select id from jobs")
	if err != nil {
		t.Fatal(err)
	}
	there := map[fleet.ID]bool{}
	for _, r := range rows {
		there[fleet.ID(r[0])] = true
	}
	for id, err := range told {
		unknown := fleet.AsError(err).Reason == "commit_unknown"
		if !unknown && there[id] != (err == nil) {
			t.Errorf("job %s is there: %v, its caller was told: %v", id, there[id], err)
		}
	}
	if ended.Load() < 20 || confirmed < 20 {
		t.Errorf("%d sessions were ended, %d jobs confirmed: too few to show anything", ended.Load(), confirmed)
	}
	t.Logf("%d sessions ended, %d of %d jobs confirmed", ended.Load(), confirmed, len(told))
	f.CheckInvariants()
}

// TestReadsAfterARestart: connections that broke in the pool cost no reader.
func TestReadsAfterARestart(t *testing.T) {
	db := migrated(t)
	s := open(t, db.URL, Options{})
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	read := func() error {
		return s.View(t.Context(), store.Tenant("acme"), func(r store.Reader) error {
			_, err := r.Head()
			return err
		})
	}
	var wg sync.WaitGroup
	ready := make(chan struct{})
	for range s.options.Readers { // all of the pool
		wg.Go(func() {
			_ = s.View(t.Context(), store.Tenant("acme"), func(store.Reader) error { <-ready; return nil })
		})
	}
	await(t, "the whole pool reads", func() bool { return s.pool.Stat().AcquiredConns() == int32(s.options.Readers) }) //nolint:gosec // a small number
	close(ready)
	wg.Wait()
	// At once: connections that rest for a second are looked at before use.
	for left := 1; left > 0; {
		err := pg.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&left)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := read(); err != nil {
		t.Errorf("the first read after all sessions were ended: %v", err)
	}
}
