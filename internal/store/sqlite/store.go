package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/filelock"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// Options says where the store is and how it behaves. Only Dir is needed.
type Options struct {
	Dir    string // made if it is not there
	Now    func() time.Time
	IDs    *fleet.IDs
	Logger *slog.Logger

	Readers int               // connections that read; default max(4, 2 × cores)
	Queue   committer.Options // of the committer; GroupOps 1 commits each change alone

	// Unsafe allows a Synchronous below FULL and a folder on a network file
	// system. Both lose acknowledged changes when the machine stops.
	Unsafe      bool
	Synchronous string // FULL (default) or EXTRA; others only when Unsafe

	// MaxPages is the size, in pages of 4 KiB, at which the database counts as
	// full; 0 is the disk's own limit. Tests fill a disk with it.
	MaxPages int

	// Trace, if set, is told of each statement that ran and how many rows it gave,
	// from many goroutines. Tests count with it what a question costs.
	Trace func(statement string, rows int)
}

// Store is an open folder. It satisfies store.Store.
type Store struct {
	options Options
	lock    *filelock.Lock
	signals *store.Signals

	writer  *writer
	queue   *committer.Queue[change]
	readers *pool
	logs    *logs

	timerMu sync.Mutex
	timer   time.Time // the earliest timer that listeners were woken for

	closing  sync.Once
	closeErr error
}

// Open makes or opens the folder, brings its schema up to date, and starts the
// committers. It is fleet.ErrConflict if another process has it open.
func Open(ctx context.Context, o Options) (*Store, error) {
	o, err := o.fill()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	if err := refuseNetwork(o.Dir); err != nil && !o.Unsafe {
		return nil, err
	}
	lk, err := acquire(filepath.Join(o.Dir, lockName))
	if err != nil {
		return nil, err
	}
	s := &Store{options: o, lock: lk, signals: store.NewSignals()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o Options) fill() (Options, error) {
	if o.Dir == "" {
		return o, fleet.Invalid("dir", "The store needs a folder.")
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
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	switch o.Synchronous = strings.ToUpper(o.Synchronous); o.Synchronous {
	case "":
		o.Synchronous = "FULL"
	case "FULL", "EXTRA":
	case "OFF", "NORMAL":
		if !o.Unsafe {
			return o, fleet.Invalid("synchronous", "synchronous=%s loses acknowledged changes when the machine stops.", o.Synchronous).
				WithFix("Leave it at FULL, or say that the store may be unsafe.")
		}
	default:
		return o, fleet.Invalid("synchronous", "synchronous must be FULL, EXTRA, NORMAL or OFF; got %q.", o.Synchronous)
	}
	return o, nil
}

func (s *Store) open(ctx context.Context) error {
	o := s.options
	main := file{path: filepath.Join(o.Dir, mainFile), synchronous: o.Synchronous, maxPages: o.MaxPages, trace: o.Trace}
	if err := bring(ctx, main, mainScripts, o.Now); err != nil {
		return err
	}
	c, err := main.open(true)
	if err != nil {
		return err
	}
	s.writer = &writer{
		conn: c, log: o.Logger, control: controls(), committed: s.wake,
		env: sqlstore.Env{IDs: o.IDs, Now: o.Now, Lanes: sqlstore.NewLaneCache(), Known: sqlstore.NewKnown()},
	}
	s.queue = committer.New(o.Queue, s.writer.commit)
	s.readers = newPool(main, o.Readers)
	if err := s.Update(ctx, store.System("store"), func(tx store.Tx) error {
		return tx.(*sqlstore.Tx).Identify(o.IDs.New())
	}); err != nil {
		return err
	}
	s.logs, err = openLogs(ctx, s)
	return err
}

// wake raises the signals of a commit.
func (s *Store) wake(b *sqlstore.Batch) {
	topics, timer := b.Committed()
	if !timer.IsZero() && s.earlier(timer) {
		topics = append(topics, store.TopicTimers)
	}
	s.signals.Raise(topics...)
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
	return s.readers.view(ctx, func(c *conn) error { return fn(sqlstore.NewReader(c, sc)) })
}

// Update runs fn once, in a savepoint of a commit that it may share.
func (s *Store) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	return s.change(ctx, sc, 1<<10, false, func(tx *sqlstore.Tx) error { return fn(tx) })
}

// change queues one change; size is a guess of its bytes.
func (s *Store) change(ctx context.Context, sc store.Scope, size int, urgent bool, fn func(tx *sqlstore.Tx) error) error {
	if err := sc.Valid(); err != nil {
		return err
	}
	return s.queue.Do(ctx, size, urgent, change{sc, fn})
}

// Signals is the switchboard of this process.
func (s *Store) Signals() *store.Signals { return s.signals }

// Health fails when the file failed: no write will succeed until a restart.
func (s *Store) Health(ctx context.Context) error {
	if err := s.writer.failure(); err != nil {
		return unavailable(err)
	}
	return s.readers.view(ctx, func(*conn) error { return nil })
}

// Commits says how many commits were made and how many changes they carried.
func (s *Store) Commits() (commits, changes int64) { return s.queue.Stats() }

// Load is how hard the committer is pressed.
func (s *Store) Load() committer.Load { return s.queue.Load() }

// Close may be called more than once.
func (s *Store) Close() error {
	s.closing.Do(func() {
		var errs []error
		if s.logs != nil {
			errs = append(errs, s.logs.close())
		}
		if s.queue != nil {
			s.queue.Close()
		}
		if s.readers != nil {
			errs = append(errs, s.readers.close())
		}
		if s.writer != nil { // last, so that the log is folded into the file
			errs = append(errs, s.writer.conn.db.Close())
		}
		errs = append(errs, s.lock.Release())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

var _ store.Store = (*Store)(nil)
