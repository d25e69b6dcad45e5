package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// maxHeld bounds the bytes of one robot that wait to be committed or stored.
const maxHeld = 8 << 20

// inbound is a frame on its way to whoever handles it.
type inbound struct {
	wire.Frame
	n     int64       // counts what came through this connection
	size  int64       // what it holds of the bound
	fault *wire.Fault // a report that cannot be read
}

// conn is one robot's socket. Its context lives as long as the socket; it is
// kept in the struct because stop ends the connection from outside.
type conn struct {
	clock     clock
	g         *Gateway
	ws        *websocket.Conn
	principal auth.Principal
	session   fleet.Session
	timing    fleet.Timing
	log       *slog.Logger
	limiter   *rate.Limiter
	old       *dialect // of a robot of the original; nil: it speaks ours
	cancel    context.CancelFunc

	caughtUp   atomic.Bool               // the journal entries that were there at hello are in
	closing    atomic.Bool               // the robot drains, or the connection is being ended
	stopped    atomic.Bool               // what still comes in is not heard
	until      atomic.Pointer[time.Time] // when the key ends; the zero time is never
	generation atomic.Int64              // of the credentials when the key was last held against the store
	lastReport int64                     // journal entries that were there at hello

	out    chan []byte     // bounded; full: disconnect
	unsent atomic.Int64    // frames that are queued or being written
	offers chan *store.Won // bounded; full: the offer lapses
	work   chan inbound    // bounded, in bytes too; full: the reader waits
	beats  chan inbound    // newest only
	logs   chan inbound    // bounded, in bytes too; full: dropped, the robot sends again
	held   *semaphore.Weighted

	sending sync.Mutex // frames are numbered in the order in which they leave
	seq     int64

	mu       sync.Mutex
	live     map[wire.Ref]bool // offered or running through this session; true: stop sent
	forced   map[wire.Ref]bool // stop sent with force
	missed   map[store.Ref]bool
	spoken   map[wire.Ref]int64 // the frame that took an attempt; 0: the hello named it
	mode     fleet.AdminMode
	stopOnce sync.Once
	closed   chan struct{} // the close frame is on its way, or never will be
	code     wire.CloseCode
	reason   string
}

func newConn(g *Gateway, ws *websocket.Conn, p auth.Principal, w orchestrator.Welcome, h *wire.Hello, log *slog.Logger, cancel context.CancelFunc) *conn {
	c := &conn{
		g: g, ws: ws, principal: p, session: w.Session, timing: w.Timing, log: log, cancel: cancel,
		limiter: newLimiter(g.o.Limits), lastReport: h.LastReportID,
		out: make(chan []byte, g.o.Limits.Outbox), offers: make(chan *store.Won, 2*fleet.MaxSlots),
		work: make(chan inbound, 64), beats: make(chan inbound, 1), logs: make(chan inbound, 16),
		held:   semaphore.NewWeighted(maxHeld),
		closed: make(chan struct{}),
		live:   map[wire.Ref]bool{}, forced: map[wire.Ref]bool{}, missed: map[store.Ref]bool{}, spoken: map[wire.Ref]int64{}, mode: w.Robot.Mode,
	}
	c.until.Store(&p.Until)
	c.generation.Store(p.Generation)
	c.caughtUp.Store(h.LastReportID <= w.Committed)
	for _, d := range w.Desired {
		if d.Want == orchestrator.WantContinue || d.Want == orchestrator.WantCancel {
			c.live[wire.Ref(d.Ref)], c.spoken[wire.Ref(d.Ref)] = d.Want == orchestrator.WantCancel, 0
		}
	}
	return c
}

// ready says whether the robot may be offered work.
func (c *conn) ready() bool { return c.caughtUp.Load() && !c.closing.Load() }

func (c *conn) key() robotKey { return robotKey{c.principal.Tenant, c.principal.RobotID} }

// welcome is the answer to hello.
func (c *conn) welcome(w orchestrator.Welcome, token string) *wire.Welcome {
	m := &wire.Welcome{
		SessionID: w.Session.ID, SessionEpoch: w.Session.Epoch, ResumeToken: token, RobotID: c.principal.RobotID,
		Tenant: c.principal.Tenant, Environment: w.Robot.Environment, StoreGeneration: 1, CommittedReportID: w.Committed,
		Heartbeat: fleet.Duration(w.Timing.Heartbeat), Lease: fleet.Duration(w.Timing.Lease), Fence: fleet.Duration(w.Timing.Fence),
		AcceptWithin: fleet.Duration(w.Timing.Accept), StopGrace: fleet.Duration(w.Timing.StopGrace),
		Limits:     wire.Limits{LogWindow: c.g.o.Limits.LogWindow, LogBytes: c.g.o.Limits.LogBytes},
		GrantedMax: w.Robot.Max(), Mode: w.Robot.Mode, ServerVersion: c.g.o.Version, ServerTime: wire.At(c.g.o.Now()),
		Features: []string{wire.FeatureEffects, wire.FeatureResultRef, wire.FeatureWorkflowRef, wire.FeatureLogs, wire.FeatureCommands, wire.FeatureSteps, wire.FeatureCheckpoint, wire.FeatureSelfTest},
		Desired:  make([]wire.Desired, 0, len(w.Desired)),
	}
	for _, d := range w.Desired {
		m.Desired = append(m.Desired, wire.Desired{
			Ref: wire.Ref(d.Ref), Want: wire.Want(d.Want), Cause: d.Stop.Reason, Grace: fleet.Duration(d.Stop.Grace), Force: d.Stop.Force,
		})
	}
	return m
}

// run works until the socket ends and returns why it did.
func (c *conn) run(ctx context.Context) string {
	defer c.cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, loop := range []func(context.Context){c.writer, c.worker, c.beater, c.logger, c.offerer, c.watcher, c.pinger} {
		group.Go(func() error { loop(ctx); return nil })
	}
	c.g.o.Signals.Raise(store.TopicReady) // a robot with room has come
	err := c.reader(ctx)
	var peer websocket.CloseError
	switch {
	case errors.As(err, &peer):
		c.stop(wire.CloseDone, "closed by the robot with code "+strconv.Itoa(int(peer.Code)))
	case err != nil:
		c.stop(wire.CloseGoingAway, "connection lost")
	default:
		c.stop(wire.CloseDone, "done")
	}
	<-c.closed
	c.cancel()
	_ = group.Wait() // the loops return nothing
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// stop ends the connection once, with a code that the robot is told. It does
// not wait for the end. From here on nothing that the robot says is heard: what
// is a report comes again, in the session after this one.
func (c *conn) stop(code wire.CloseCode, reason string) {
	c.stopOnce.Do(func() {
		c.closing.Store(true)
		c.stopped.Store(true)
		c.mu.Lock()
		c.code, c.reason = code, reason
		c.mu.Unlock()
		go func() { // Close waits for the peer's answer, at most five seconds
			c.flush()
			_ = c.ws.Close(websocket.StatusCode(code), cut(reason, 120))
			close(c.closed)
			c.cancel()
		}()
	})
}

// flush gives the writer a moment to send what was queued before a close.
func (c *conn) flush() {
	deadline := time.NewTimer(500 * time.Millisecond) // a robot that does not read gets no more
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.unsent.Load() > 0 {
		select {
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}

// send queues a message. A robot that does not read what it is sent is
// disconnected: it resumes and is told again.
func (c *conn) send(answers string, m wire.Message) {
	if c.old != nil {
		for _, data := range c.old.encode(wire.Frame{CorrelationID: answers, Payload: m}, c.g.o.Now()) {
			c.put(data)
		}
		return
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	data, err := wire.Encode(wire.Frame{
		ID: string(c.session.ID[:8]) + "-" + strconv.FormatInt(c.seq+1, 10), CorrelationID: answers,
		Seq: c.seq + 1, Session: c.session.Epoch, Timestamp: wire.At(c.g.o.Now()), Payload: m,
	})
	if err != nil {
		c.log.Error("frame not encoded", "type", m.Type(), "error", err)
		return
	}
	c.seq++
	c.put(data)
}

// put queues what is to be written.
func (c *conn) put(data []byte) {
	c.unsent.Add(1)
	select {
	case c.out <- data:
	default:
		c.stop(wire.CloseTooMany, "the robot does not read what it is sent")
	}
}

func (c *conn) writer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case data := <-c.out:
			wctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			err := c.ws.Write(wctx, websocket.MessageText, data)
			cancel()
			c.unsent.Add(-1)
			if err != nil {
				c.stop(wire.CloseGoingAway, "connection lost")
				return
			}
		}
	}
}

// pinger finds half-open connections: a peer that does not answer within the
// read deadline is gone.
func (c *conn) pinger(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		pctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		err := c.ws.Ping(pctx)
		cancel()
		if err != nil && ctx.Err() == nil {
			c.stop(wire.CloseGoingAway, "no answer to ping")
			return
		}
		if err == nil {
			c.pulse(ctx)
		}
	}
}

// reader sorts what comes in to those who handle it.
func (c *conn) reader(ctx context.Context) error {
	for n := int64(1); ; n++ {
		kind, data, err := c.ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.limiter.Wait(ctx); err != nil {
			return err
		}
		if kind != websocket.MessageText {
			c.stop(wire.CloseBadMessage, "frames are text")
			return nil
		}
		if c.stopped.Load() {
			continue // until the close is answered
		}
		if c.old != nil {
			c.hearOld(ctx, data, n)
			continue
		}
		f, err := wire.Decode(data, wire.FromRobot)
		if err != nil {
			if !c.faulty(ctx, f, n, err) {
				return nil
			}
			continue
		}
		if m, ok := f.Payload.(*wire.JobAccept); ok {
			c.speaks(m.Ref, n)
		}
		c.route(ctx, inbound{Frame: f, n: n, size: int64(len(data))})
	}
}

// faulty answers a frame that cannot be used; false ends the connection.
func (c *conn) faulty(ctx context.Context, f wire.Frame, n int64, err error) bool {
	var fault *wire.Fault
	if !errors.As(err, &fault) {
		fault = &wire.Fault{Code: wire.BadMessage, Message: "unreadable frame", Close: wire.CloseBadMessage}
	}
	if fault.Close != 0 {
		c.stop(fault.Close, fault.Message)
		return false
	}
	c.send(f.ID, &wire.Error{Code: fault.Code, Message: fault.Message, InReplyTo: f.ID})
	if wire.IsReport(f.Type) && f.ReportID > 0 {
		// A report that can never be read must not come back for ever. It waits
		// its turn: its answer speaks for every report before it.
		c.log.Error("unreadable report dropped", "type", f.Type, "report_id", f.ReportID, "error", fault.Message)
		c.route(ctx, inbound{Frame: f, n: n, fault: fault})
	}
	return true
}

func (c *conn) route(ctx context.Context, f inbound) {
	switch f.Type {
	case wire.TypeHeartbeat:
		select {
		case <-c.beats: // an unanswered older one is of no more use
		default:
		}
		select {
		case c.beats <- f:
		default:
		}
	case wire.TypeLogBatch:
		if !c.held.TryAcquire(f.size) {
			return
		}
		select {
		case c.logs <- f:
		default: // the answer to the next batch names the line to go on from
			c.held.Release(f.size)
		}
	default:
		if c.held.Acquire(ctx, f.size) != nil {
			return
		}
		select {
		case c.work <- f:
		case <-ctx.Done():
		}
	}
}

// track notes an attempt that this session was offered.
func (c *conn) track(ref wire.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.live[ref]; !ok {
		c.live[ref] = false
	}
}

// speaks notes the frame in which the robot took an attempt: what it sent
// before cannot know of it.
func (c *conn) speaks(ref wire.Ref, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.spoken[ref]; !ok {
		c.spoken[ref] = n
	}
}

// leftOut says whether a frame that does not name an attempt says that the
// robot does not hold it. One that was sent before the robot took it says
// nothing, however late it is heard.
func (c *conn) leftOut(ref wire.Ref, n int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.spoken[ref]
	return ok && at < n
}

func (c *conn) forget(ref wire.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.old != nil {
		c.old.over(ref)
	}
	delete(c.spoken, ref)
	delete(c.live, ref)
	delete(c.forced, ref)
}

// result gives the object of a completed job, inline or uploaded before.
func (c *conn) result(m *wire.JobComplete) (json.RawMessage, error) {
	if m.ResultRef == nil {
		return m.Result, nil
	}
	body, ok := c.g.o.Attempts.TakeResult(c.principal, m.ResultRef.SHA256)
	if !ok {
		return nil, fleet.Errorf(fleet.CodeNotFound, "result_missing", "The result %s was not uploaded.", m.ResultRef.SHA256)
	}
	return body, nil
}
