package postgres

import (
	"context"
	"errors"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// heard waits for a signal and says how long that took.
func heard(t testing.TB, ch <-chan struct{}, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	select {
	case <-ch:
		return time.Since(began)
	case <-time.After(limit):
		t.Fatalf("no signal within %s", limit)
		return 0
	}
}

func empty(ch <-chan struct{}) {
	select {
	case <-ch:
	default:
	}
}

// TestWakeUpsOfOthers: a commit of one member wakes the other at once, with the
// topics of the commit and no others.
func TestWakeUpsOfOthers(t *testing.T) {
	f, list := members(t, Options{})
	other := list[1].(*Store)
	await(t, "both listen", func() bool { return list[0].(*Store).Listening() && other.Listening() })
	ready, stop := other.Signals().Listen(store.TopicReady)
	defer stop()
	robot, stopRobot := other.Signals().Listen(store.RobotTopic("acme", "r-of-nobody"))
	defer stopRobot()
	await(t, "the first look is over", func() bool { empty(ready); empty(robot); return true })
	var slowest time.Duration
	for range 20 {
		empty(ready)
		f.Submit(f.Spec())
		slowest = max(slowest, heard(t, ready, 3*time.Second))
	}
	t.Logf("the slowest of 20 wake-ups took %s", slowest)
	select {
	case <-robot:
		t.Error("a topic was raised that nothing touched")
	default:
	}
}

// TestManyTopics: what does not fit into one notification is told as "look at
// everything".
func TestManyTopics(t *testing.T) {
	_, list := members(t, Options{})
	other := list[1].(*Store)
	await(t, "both listen", func() bool { return list[0].(*Store).Listening() && other.Listening() })
	ch, stop := other.Signals().Listen("something/else")
	defer stop()
	empty(ch)
	var topics []store.Topic
	for range 20 {
		topics = append(topics, store.RobotTopic("acme", strings.Repeat("r", 400)+string(rune('a'+len(topics)))))
	}
	list[0].(*Store).notes.tell(topics)
	heard(t, ch, 5*time.Second)
}

// TestListenerComesBack: its session is ended; whoever waits is woken to look,
// and then wake-ups arrive again.
func TestListenerComesBack(t *testing.T) {
	f, list := members(t, Options{})
	other := list[1].(*Store)
	await(t, "both listen", func() bool { return list[0].(*Store).Listening() && other.Listening() })
	ch, stop := other.Signals().Listen("nothing ever raises this")
	defer stop()
	empty(ch)
	rows, err := f.Store.(storetest.Queryer).QueryText(t.Context(), "select current_database()")
	if err != nil {
		t.Fatal(err)
	}
	super(t, pgtest.DB{SuperURL: with(pgtest.Server(t), func(u *url.URL) { u.Path = "/" + rows[0][0] })},
		`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
		and (query ilike 'listen%' or query like '%pg_notify%')`)
	heard(t, ch, 10*time.Second)
	await(t, "it listens again", other.Listening)
	ready, stopReady := other.Signals().Listen(store.TopicReady)
	defer stopReady()
	await(t, "a wake-up arrives", func() bool {
		empty(ready)
		f.Submit(f.Spec())
		select {
		case <-ready:
			return true
		case <-time.After(300 * time.Millisecond):
			return false
		}
	})
}

// TestDeafListener: the session lives and hears nothing, which only its own
// beat shows.
func TestDeafListener(t *testing.T) {
	t.Parallel() // it waits, on a database of its own
	db := migrated(t)
	s := open(t, db.URL, Options{})
	await(t, "it listens", s.Listening)
	pg, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	// Another channel is what a pooler makes of LISTEN: it was said elsewhere.
	if _, err := pg.Exec(t.Context(), "listen elsewhere"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.notes.beat(t.Context(), pg); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a beat that does not come back: %v", err)
	}
	if took := time.Since(began); took > 2*beatEvery {
		t.Errorf("that took %s", took)
	}
}

// TestNothingIsLeft: a store that is closed leaves no goroutine and no session.
func TestNothingIsLeft(t *testing.T) {
	db := migrated(t)
	pg, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	before := runtime.NumGoroutine()
	for range 3 {
		s, err := Open(t.Context(), Options{URL: db.URL})
		if err != nil {
			t.Fatal(err)
		}
		f := storetest.New(t, func(testing.TB) store.Store { return s })
		f.Submit(f.Spec())
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		if err := s.View(t.Context(), f.Scope, func(store.Reader) error { return nil }); !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("a read of a closed store: %v", err)
		}
		if _, err := s.Enqueue(t.Context(), f.Scope, []store.Submission{f.Submission(f.Spec())}); !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("a write to a closed store: %v", err)
		}
	}
	if _, err := Open(t.Context(), Options{URL: with(db.URL, func(u *url.URL) { u.Path = "/nowhere" })}); err == nil {
		t.Error("it opened")
	}
	await(t, "no session and no goroutine is left", func() bool {
		var n int
		err := pg.QueryRow(t.Context(), `select (select count(*) from pg_stat_activity where datname = current_database()
			and pid <> pg_backend_pid() and backend_type = 'client backend') + (select count(*) from commits)`).Scan(&n)
		return err == nil && n == 0 && runtime.NumGoroutine() <= before
	})
}

// TestBehindAPooler runs the main parts of the suite through PgBouncer in
// transaction mode, which gives every transaction another session.
func TestBehindAPooler(t *testing.T) {
	db := migrated(t)
	through := pgtest.Bouncer(t, db.URL)
	s := open(t, through, Options{})
	if s.notes.session {
		t.Error("the pooler was not noticed")
	}
	direct := open(t, db.URL, Options{})
	f := storetest.New(t, func(testing.TB) store.Store { return direct })
	ready, stop := s.Signals().Listen(store.TopicReady)
	defer stop()
	empty(ready)
	f.Submit(f.Spec())
	heard(t, ready, 10*time.Second)
	if s.Listening() {
		t.Error("it says that it listens")
	}
	if testing.Short() {
		t.Skip("the suite once more")
	}
	storetest.Run(t, func(t testing.TB) store.Store {
		if err := pgtest.Wipe(context.WithoutCancel(t.Context()), db); err != nil {
			t.Error(err)
		}
		return open(t, through, Options{})
	})
}
