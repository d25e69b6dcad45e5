package robot

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/host"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// Robot is the agent. Make it with New, then call Run once.
type Robot struct {
	o   Options
	log *slog.Logger
	ids *fleet.IDs

	d        *driver
	journal  *journal
	files    filebox
	logs     *logs
	vitals   *vitals
	uploads  sync.WaitGroup // documents too
	attempts sync.WaitGroup

	mu     sync.Mutex
	conn   *conn
	leave  *protocol.Leave
	failed error
	again  bool // an operator asked for a restart
	atOnce bool // an operator does not want the work to be waited for

	down   chan struct{} // closed when an operator asked the process to end
	downly sync.Once
	abort  context.CancelCauseFunc // ends everything at once
	base   context.Context         // of runs and transfers; ended by abort
}

// New checks the options and makes a robot. It touches nothing yet.
func New(o Options) (*Robot, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	r := &Robot{
		o: o, log: o.Logger, ids: fleet.NewIDs(time.Now, rand.Reader), down: make(chan struct{}),
		files: newFilebox(o.DataDir), vitals: &vitals{dir: o.DataDir, hurry: make(chan struct{}, 1)},
	}
	return r, nil
}

// Run works until ctx ends and the work under way has ended or been stopped.
// It returns nil after a drain, [ErrRestart] if an operator asked for one, and
// an error if the robot cannot be trusted to go on: its journal is damaged,
// locked, or cannot be written.
func (r *Robot) Run(ctx context.Context) error {
	base, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	r.base, r.abort = base, abort
	if err := r.open(); err != nil {
		return err
	}
	r.log.Info("robot starts", "name", r.o.Name, "slots", r.o.Slots, "capabilities", []string(r.o.Capabilities), "urls", r.o.URLs)

	var loops sync.WaitGroup
	live, end := context.WithCancel(base) // of the loops; ended last
	defer end()
	for _, loop := range []func(context.Context){r.execute, r.connect, r.beat, r.tick, r.pulse, r.sample, r.watch} {
		loops.Go(func() { loop(live) })
	}
	select {
	case <-ctx.Done():
	case <-r.down:
	case <-base.Done():
	}
	r.drain(base)
	end()
	loops.Wait()
	abort(nil)
	r.attempts.Wait()
	r.uploads.Wait()
	err := r.journal.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failed != nil:
		return r.failed
	case err != nil:
		return err
	case r.again:
		return ErrRestart
	}
	r.log.Info("robot stopped")
	return nil
}

// open reads the journal and makes the machine.
func (r *Robot) open() error {
	hostID, err := host.HostID()
	if err != nil {
		hostID = "" // then copies of a disk cannot be told apart
	}
	j, from, err := openJournal(r.o.DataDir, hostID, r.o.limit, func() string { return string(r.ids.New()) })
	if err != nil {
		return err
	}
	if j.copied {
		r.log.Warn("this folder was copied from another machine; its journal gets a new identity")
	}
	if n := len(from.Reports) + len(from.Ends); n > 0 {
		r.log.Info("reports of the last run wait to be delivered", "reports", n)
	}
	if err := r.files.sweep(from.Ends); err != nil {
		r.log.Warn("files that earlier jobs left were not removed", "error", err)
	}
	name, err := os.Hostname()
	if err != nil {
		name = ""
	}
	r.journal = j
	m := protocol.New(protocol.Config{
		Instance: string(r.ids.New()), Slots: r.o.Slots,
		Hello: wire.Hello{
			BootID: bootID(), JournalID: j.id, AgentVersion: r.o.Version, OS: runtime.GOOS, Arch: runtime.GOARCH, Hostname: name,
			Name: r.o.Name, Capabilities: r.o.Capabilities, Tags: r.o.Tags, Pool: r.o.Pool, Facts: facts(r.o.Facts),
			Features: []string{wire.FeatureEffects, wire.FeatureResultRef, wire.FeatureWorkflowRef, wire.FeatureLogs, wire.FeatureCommands, wire.FeatureSteps, wire.FeatureCheckpoint, wire.FeatureSelfTest},
		},
	}, from)
	if !j.copied {
		m.SetResume(r.loadResume())
	}
	r.d = newDriver(m, r.o.clock)
	r.logs = newLogs(r.o.clock)
	return nil
}

// The bounds of the end of a process.
const (
	killWait    = 15 * time.Second // for runs that were told to stop
	deliverWait = 10 * time.Second // for the last reports to be acknowledged
)

// drain takes no more offers and waits: for the work under way, then for its
// reports. What takes longer than it may is stopped and reported as stopped.
func (r *Robot) drain(ctx context.Context) {
	r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect { return m.Drain("the robot is stopping") })
	r.broke(fail.At(fail.RobotDrainBegun))
	r.mu.Lock()
	wait, atOnce := r.o.DrainFor, r.atOnce
	r.mu.Unlock()
	if atOnce {
		wait = 0
	}
	if n := ask(r.d, (*protocol.Robot).Taken); n > 0 {
		r.log.Info("draining: no new work; waiting for what is under way", "attempts", n, "at_most", wait)
	}
	idle := func(m *protocol.Robot) bool { return m.Taken() == 0 && m.Running() == 0 }
	if !r.until(ctx, wait, idle) && ctx.Err() == nil {
		r.log.Warn("stopping what is still under way")
		r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Shutdown(atOnce, now) })
		r.until(ctx, killWait, idle)
	}
	r.broke(fail.At(fail.RobotDrainIdle))
	if ask(r.d, func(m *protocol.Robot) bool { return m.Welcomed() != nil }) {
		r.until(ctx, deliverWait, (*protocol.Robot).Idle)
	}
	if n := ask(r.d, (*protocol.Robot).Undelivered); n > 0 {
		r.log.Warn("reports stay in the journal until the robot runs again", "reports", n)
	}
	if c := r.current(); c != nil {
		for _, e := range ask(r.d, func(m *protocol.Robot) []protocol.Effect { return m.Goodbye("the robot is stopping") }) {
			if s, ok := e.(protocol.Send); ok {
				c.send(s.Frame)
			}
		}
	}
	r.until(ctx, 200*time.Millisecond, func(*protocol.Robot) bool { return r.said() })
}

// until waits for a condition, at most for a time.
func (r *Robot) until(ctx context.Context, atMost time.Duration, holds func(*protocol.Robot) bool) bool {
	deadline := time.NewTimer(atMost)
	defer deadline.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if ask(r.d, holds) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C:
			return false
		case <-look.C:
		}
	}
}

// fatal ends everything: the robot cannot keep its word any more.
func (r *Robot) fatal(err error) {
	r.mu.Lock()
	if r.failed == nil {
		r.failed = err
	}
	r.mu.Unlock()
	r.log.Error("the robot stops: it cannot write its journal", "error", err)
	r.abort(err)
}

// quit is an operator's wish that the process ends.
func (r *Robot) quit(q protocol.Quit) {
	r.mu.Lock()
	r.again = q.Restart
	r.atOnce = !q.Graceful
	r.mu.Unlock()
	r.downly.Do(func() { close(r.down) })
}

// tick looks at the clock twice a second.
func (r *Robot) tick(ctx context.Context) {
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Tick(now) })
		}
	}
}

// beat sends heartbeats, whatever else the robot does.
func (r *Robot) beat(ctx context.Context) {
	for {
		pause := r.d.interval(r.o.chance())
		due := r.o.clock() + pause
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-r.vitals.hurry: // a new session: show what is held
			t.Stop()
			due = r.o.clock()
		}
		c := r.current()
		if c == nil {
			continue
		}
		reading := r.vitals.reading()
		reading.Lag = fleet.Duration(max(r.o.clock()-due, 0))
		if f, ok := r.d.beat(reading); ok {
			c.beat(f)
		}
	}
}

// sample reads the machine, away from the heartbeat, since a reading may hang.
func (r *Robot) sample(ctx context.Context) {
	t := time.NewTicker(5 * time.Second)
	defer t.Stop()
	for {
		r.vitals.sample(ctx, r.journal)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (r *Robot) current() *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn
}

// said tells whether all that was queued for the socket has left.
func (r *Robot) said() bool {
	c := r.current()
	return c == nil || c.empty()
}

func (r *Robot) setConn(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conn = c
}

// sessionFile keeps the resume token over a restart of the process.
func (r *Robot) sessionFile() string { return filepath.Join(r.o.DataDir, "session.json") }

var errEnded = errors.New("the robot is stopping")
