package postgres

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// channel is where members wake each other.
const channel = "fleet"

// Figures of wake-ups between members.
const (
	tellAtMost  = 10 * time.Millisecond // one notification per member and this long
	tellWithin  = 2 * time.Second
	beatEvery   = 5 * time.Second // the listener's own beat
	lookEvery   = time.Second     // without a listener
	maxTold     = 7000            // bytes of a notification; PostgreSQL takes 8000
	everything  = "*"
	beatMessage = "beat"
)

// notifier carries signals between members. What it carries are hints: topics,
// which may get lost. It owns the store's three goroutines besides the
// committers, from start until stop: one tells, one listens, and one makes
// partitions now and then.
//
// The listener sends itself a beat on its own session. If that does not come
// back the session is deaf, whatever it says of itself: it is replaced, and
// everybody here looks once, as something may have been missed.
type notifier struct {
	store   *Store
	self    string
	session bool // a connection keeps its session, so LISTEN works

	mu     sync.Mutex
	topics map[store.Topic]bool
	kick   chan struct{}

	listening atomic.Bool
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

func newNotifier(s *Store, session bool) *notifier {
	return &notifier{
		store: s, self: string(s.options.IDs.New()), session: session,
		topics: map[store.Topic]bool{}, kick: make(chan struct{}, 1), cancel: func() {},
	}
}

func (n *notifier) start() {
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	n.running.Go(func() { n.teller(ctx) })
	n.running.Go(func() { n.listener(ctx) })
	n.running.Go(func() { n.store.partitioner(ctx) })
}

func (n *notifier) stop() {
	n.cancel()
	n.running.Wait()
}

// tell notes topics for the other members. It never blocks.
func (n *notifier) tell(topics []store.Topic) {
	if len(topics) == 0 {
		return
	}
	n.mu.Lock()
	for _, t := range topics {
		n.topics[t] = true
	}
	n.mu.Unlock()
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

func (n *notifier) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b strings.Builder
	b.WriteString(n.self)
	all := n.topics[everything]
	for t := range n.topics {
		b.WriteByte('\n')
		b.WriteString(string(t))
	}
	clear(n.topics)
	if all || b.Len() > maxTold {
		return n.self + "\n" + everything
	}
	return b.String()
}

// teller sends what was noted, at most once in a while.
func (n *notifier) teller(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.kick:
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if fail.At(fail.NotifyBefore) != nil {
			continue // this hint is lost, as any may be
		}
		within, cancel := context.WithTimeout(ctx, tellWithin)
		_, err := n.store.pool.Exec(within, "select pg_notify($1, $2)", channel, n.take())
		cancel()
		if err == nil {
			pause.Reset(tellAtMost)
			continue
		}
		if ctx.Err() == nil {
			n.store.options.Logger.Debug("other members were not woken; they are told later to look at everything", "error", err)
			n.tell([]store.Topic{everything})
		}
		pause.Reset(lookEvery)
	}
}

// listener hears other members, or looks for everybody once a second while it
// cannot.
func (n *notifier) listener(ctx context.Context) {
	for ctx.Err() == nil {
		if n.session {
			err := n.listen(ctx)
			n.listening.Store(false)
			if ctx.Err() != nil {
				return
			}
			n.store.options.Logger.Warn("wake-ups of other members are not heard; looking once a second", "error", err)
		}
		n.store.signals.RaiseAll()
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// listen hears until the session fails or goes deaf.
func (n *notifier) listen(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, connectWithin)
	pg, err := n.store.connect(within)
	cancel()
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = pg.Close(end) // nothing is lost with it
	}()
	if _, err := pg.Exec(ctx, "listen "+channel); err != nil {
		return fault("listen", err)
	}
	n.listening.Store(true)
	n.store.signals.RaiseAll() // what was said before is not repeated
	for {
		if err := n.beat(ctx, pg); err != nil {
			return err
		}
	}
}

// beat sends the listener's beat and hears until it comes back and the time is
// over; a beat that does not come back is an error.
func (n *notifier) beat(ctx context.Context, pg *pgx.Conn) error {
	within, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	if _, err := pg.Exec(within, "select pg_notify($1, $2)", channel, n.self+"\n"+beatMessage); err != nil {
		return fault("beat", err)
	}
	heard := false
	for {
		note, err := pg.WaitForNotification(within)
		switch {
		case err == nil:
			if n.hear(note.Payload) {
				heard = true
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case within.Err() != nil && heard && !pg.IsClosed():
			return nil
		default:
			return fault("wait for wake-ups", err)
		}
	}
}

// hear raises what another member told; it says whether it was our own beat.
func (n *notifier) hear(payload string) bool {
	from, rest, _ := strings.Cut(payload, "\n")
	if from == n.self {
		return rest == beatMessage
	}
	if rest == everything {
		n.store.signals.RaiseAll()
		return false
	}
	for topic := range strings.SplitSeq(rest, "\n") {
		if topic != beatMessage {
			n.store.signals.Raise(store.Topic(topic))
		}
	}
	return false
}

// Listening says whether wake-ups of other members arrive at once.
func (s *Store) Listening() bool { return s.notes.listening.Load() }
