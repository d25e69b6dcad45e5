package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// Options says where the database is and how the store behaves. Only URL is
// needed.
type Options struct {
	URL    string // postgres://user:password@host[,host2]/database?…
	Now    func() time.Time
	IDs    *fleet.IDs
	Logger *slog.Logger

	Readers int               // connections that answer reads; default 8
	Queue   committer.Options // of the committer; GroupOps 1 commits each change alone

	// Migrate brings the schema up to date. Without it a store whose schema is
	// not current is refused.
	Migrate bool
	// Unsafe allows a database that may lose acknowledged changes: fsync or
	// synchronous_commit off.
	Unsafe bool
}

// Store is an open database. It satisfies store.Store.
type Store struct {
	options Options
	config  *pgx.ConnConfig
	role    string // that transactions work as
	signals *store.Signals

	writer *writer
	queue  *committer.Queue[change]
	beats  *committer.Queue[change]
	logs   *committer.Queue[change]
	pool   *pgxpool.Pool
	notes  *notifier

	writers []*writer
	timerMu sync.Mutex
	timer   time.Time // the earliest timer that listeners were woken for

	closing  sync.Once
	closeErr error
}

// Open connects, checks that the database keeps what it acknowledges, and
// starts the committers.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o, err = o.fill()
	if err != nil {
		return nil, err
	}
	config, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{options: o, config: config, signals: store.NewSignals()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	session, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.openPool(ctx); err != nil {
		return nil, err
	}
	lanes := sqlstore.NewLaneCache()
	s.notes = newNotifier(s, session)
	s.writer, s.queue = s.committer("control", lanes, s.wake)
	_, s.beats = s.committer("beats", lanes, func(*sqlstore.Batch) {})
	_, s.logs = s.committer("logs", lanes, func(*sqlstore.Batch) {})
	s.notes.start()
	return s, s.Update(ctx, store.System("store"), func(tx store.Tx) error {
		return tx.(*sqlstore.Tx).Identify(o.IDs.New())
	})
}

func (o Options) fill() (Options, error) {
	if o.URL == "" {
		return o, fleet.Invalid("database_url", "The store needs the address of a database.").
			WithFix("Write postgres://USER:PASSWORD@HOST:5432/DATABASE.")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.IDs == nil {
		o.IDs = fleet.NewIDs(o.Now, rand.Reader)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	return o, nil
}

// committer makes a writer with a connection of its own and its queue.
func (s *Store) committer(name string, lanes *sqlstore.LaneCache, committed func(*sqlstore.Batch)) (*writer, *committer.Queue[change]) {
	w := &writer{
		name: string(s.options.IDs.New()) + "/" + name, connect: s.connect, role: s.role,
		log:       s.options.Logger.With("committer", name),
		env:       sqlstore.Env{IDs: s.options.IDs, Now: s.options.Now, Lanes: lanes, Recent: sqlstore.NewRecent()},
		committed: committed,
	}
	s.writers = append(s.writers, w)
	return w, committer.New(s.options.Queue, w.commit)
}

// connect opens one connection outside the pool.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	pg, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return nil, unreachable(err)
	}
	return pg, nil
}

func (s *Store) openPool(ctx context.Context) error {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return fmt.Errorf("make the pool: %w", err)
	}
	config.ConnConfig = s.config.Copy()
	config.MaxConns = int32(s.options.Readers) //nolint:gosec // a small number
	config.MaxConnIdleTime = 5 * time.Minute
	config.PingTimeout = pingWithin
	s.pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("make the pool: %w", err)
	}
	return nil
}

// wake raises the signals of a commit, here and on the other members.
func (s *Store) wake(b *sqlstore.Batch) {
	topics, timer := b.Committed()
	if !timer.IsZero() && s.earlier(timer) {
		topics = append(topics, store.TopicTimers)
	}
	s.signals.Raise(topics...)
	s.notes.tell(topics)
}

// earlier says whether whoever waits for timers must look again. Timers later
// than one they were woken for are found when that one is due.
func (s *Store) earlier(at time.Time) bool {
	s.timerMu.Lock()
	defer s.timerMu.Unlock()
	if s.timer.IsZero() || at.Before(s.timer) || !s.options.Now().Before(s.timer) {
		s.timer = at
		return true
	}
	return false
}

// View reads one snapshot.
func (s *Store) View(ctx context.Context, sc store.Scope, fn func(r store.Reader) error) error {
	if err := sc.Valid(); err != nil {
		return err
	}
	return s.view(ctx, sc, func(c *conn) error { return fn(sqlstore.NewReader(c, sc)) })
}

func (s *Store) view(caller context.Context, sc store.Scope, fn func(c *conn) error) (err error) {
	ctx, cancel := context.WithTimeout(caller, viewWithin)
	defer cancel()
	defer func() {
		if err != nil && ctx.Err() != nil && caller.Err() == nil {
			err = unavailable(fmt.Errorf("no answer within %s: %w", viewWithin, err))
		}
	}()
	pg, c, err := s.snapshot(ctx, sc)
	if err != nil {
		return err
	}
	defer pg.Release()
	err = fn(c)
	if c.pg.IsClosed() {
		return err
	}
	// The caller may have given up; the connection must still be left clean.
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if _, rerr := c.pg.Exec(end, "rollback"); rerr != nil {
		_ = c.pg.Close(end) // the pool throws it away
	}
	return err
}

// snapshot begins a transaction that reads. Connections that broke while they
// were in the pool are thrown away, each once: after a restart of the database
// all of them may be. One that does not even answer to "begin" casts doubt on
// the others, which then go together.
func (s *Store) snapshot(ctx context.Context, sc store.Scope) (*pgxpool.Conn, *conn, error) {
	for n := 0; ; n++ {
		pg, err := s.acquire(ctx)
		if err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, nil, ctx.Err()
			}
			return nil, nil, unavailable(unreachable(err))
		}
		begin, done := context.WithTimeout(ctx, beginWithin)
		c := &conn{ctx: begin, pg: pg.Conn()}
		err = c.pipe(nil, command{"begin", "begin isolation level repeatable read read only", nil},
			enter(s.role, reach([]change{{scope: sc}}), restOfReader))
		c.ctx = ctx
		silent := begin.Err() != nil
		done()
		if err == nil {
			return pg, c, nil
		}
		if silent {
			s.pool.Reset()
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_ = c.pg.Close(end) // whatever state it is in
		cancel()
		pg.Release()
		if ctx.Err() != nil || !errors.Is(err, errLost) || n >= s.options.Readers {
			return nil, nil, err
		}
	}
}

// acquire takes a connection out of the pool. When none can be had although
// some are not in use, those do not answer: they go, and new ones are made.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	for {
		within, done := context.WithTimeout(ctx, beginWithin)
		pg, err := s.pool.Acquire(within)
		silent := within.Err() != nil && ctx.Err() == nil
		done()
		if err == nil || !silent {
			return pg, err
		}
		if stat := s.pool.Stat(); stat.AcquiredConns() < stat.MaxConns() {
			s.pool.Reset()
		}
	}
}

// Update runs fn in a transaction that it may share with others of this
// process; it runs again if it lost a race against another one.
func (s *Store) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	if err := sc.Valid(); err != nil {
		return err
	}
	return s.queue.Do(ctx, 1<<10, false, change{sc, classUpdate, sqlstore.Need{}, func(tx *sqlstore.Tx) error { return fn(tx) }})
}

// Signals is the switchboard of this process; what other members raise arrives
// here too.
func (s *Store) Signals() *store.Signals { return s.signals }

// Health fails when the database cannot be asked or is one that does not write.
func (s *Store) Health(ctx context.Context) error {
	err := s.view(ctx, store.System("health"), func(c *conn) error {
		var no string
		if err := c.pg.QueryRow(ctx, "select current_setting('transaction_read_only') || pg_is_in_recovery()::text").Scan(&no); err != nil {
			return fault("health", err)
		}
		if no != "onfalse" { // the transaction is read only by itself
			return unavailable(errors.New("the database is a standby"))
		}
		return nil
	})
	if err == nil || errors.Is(err, fleet.ErrUnavailable) {
		return err
	}
	return unavailable(err)
}

// Commits says how many commits were made and how many changes they carried.
func (s *Store) Commits() (commits, changes int64) { return s.queue.Stats() }

// Load is how hard the committer is pressed.
func (s *Store) Load() committer.Load { return s.queue.Load() }

// Close may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() {
		for _, q := range []*committer.Queue[change]{s.logs, s.beats, s.queue} {
			if q != nil {
				q.Close()
			}
		}
		if s.notes != nil {
			s.notes.stop()
		}
		for _, w := range s.writers {
			w.forget()
			w.drop()
		}
		if s.pool != nil {
			s.pool.Close()
		}
	})
	return s.closeErr
}

var _ store.Store = (*Store)(nil)
