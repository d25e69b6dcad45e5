package robot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

const (
	outbox       = 4096 // frames that wait for the socket; full: disconnect
	writeTimeout = 10 * time.Second
	pingEvery    = 10 * time.Second
	pongWithin   = 15 * time.Second
)

// conn is one connection. Its context is kept in the struct because others end
// the connection through it.
type conn struct {
	r      *Robot
	url    string
	ws     *websocket.Conn
	ctx    context.Context // ends when the connection shall end, with the reason
	cancel context.CancelCauseFunc
	io     context.Context // of reads and writes: the library breaks a connection whose context ends
	cut    context.CancelFunc

	session int64           // epoch; set before anybody else knows the connection
	out     chan wire.Frame // work; bounded
	beats   chan wire.Frame // the newest heartbeat; before all else

	mu      sync.Mutex
	pending int // frames that were queued and have not left
}

func newConn(ctx context.Context, r *Robot, url string, ws *websocket.Conn) *conn {
	c := &conn{r: r, url: url, ws: ws, out: make(chan wire.Frame, outbox), beats: make(chan wire.Frame, 1)}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.io, c.cut = context.WithCancel(context.WithoutCancel(ctx))
	return c
}

// send queues a frame. A socket that does not take what it is given is given
// up: the next one resumes.
func (c *conn) send(f wire.Frame) {
	c.count(1)
	select {
	case c.out <- f:
	default:
		c.count(-1)
		c.end(wire.CloseLater, "the socket takes too little")
	}
}

// beat queues a heartbeat in the place of one that has not left yet.
func (c *conn) beat(f wire.Frame) {
	select {
	case <-c.beats:
	default:
	}
	select {
	case c.beats <- f:
	default: // another took the place just now; it is as new
	}
}

func (c *conn) count(n int) {
	c.mu.Lock()
	c.pending += n
	c.mu.Unlock()
}

func (c *conn) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending == 0
}

// closing is the wish to end a connection with a code.
type closing struct {
	code   wire.CloseCode
	reason string
}

// Error says why.
func (c *closing) Error() string { return c.reason }

// end asks for the end of the connection; it does not wait.
func (c *conn) end(code wire.CloseCode, reason string) { c.cancel(&closing{code, reason}) }

// serve works until the connection ends and returns why it did.
func (c *conn) serve() error {
	var loops sync.WaitGroup
	loops.Go(func() { c.cancel(c.read()) })
	loops.Go(c.write)
	loops.Go(c.ping)
	<-c.ctx.Done()
	cause := context.Cause(c.ctx)
	c.close(cause)
	loops.Wait()
	return cause
}

// close ends the socket: politely if it was this side's wish.
func (c *conn) close(cause error) {
	var own *closing
	switch {
	case errors.As(cause, &own):
		_ = c.ws.Close(websocket.StatusCode(own.code), wire.Cut(own.reason, 120)) // the peer may be gone
	case errors.Is(cause, context.Canceled):
		_ = c.ws.Close(websocket.StatusNormalClosure, "the robot is stopping") // likewise
	default:
		_ = c.ws.CloseNow() // it is broken already
	}
	c.cut()
}

var errNoAnswer = errors.New("the orchestrator does not answer")

// read takes frames until there are no more.
func (c *conn) read() error {
	for {
		f, err := c.frame(c.io)
		if err != nil {
			return err
		}
		if f.Payload == nil {
			continue // answered already
		}
		c.r.received(f)
	}
}

// frame reads one frame. One with a fault that leaves the connection standing
// is answered here and comes back without a payload.
func (c *conn) frame(ctx context.Context) (wire.Frame, error) {
	kind, data, err := c.ws.Read(ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	if kind != websocket.MessageText {
		return wire.Frame{}, &closing{wire.CloseBadMessage, "frames are text"}
	}
	f, err := wire.Decode(data, wire.FromOrchestrator)
	if fault, ok := errors.AsType[*wire.Fault](err); ok {
		c.r.log.Warn("a frame cannot be used", "type", f.Type, "code", fault.Code, "reason", fault.Message)
		if fault.Close != 0 {
			return f, &closing{fault.Close, fault.Message}
		}
		f.Payload = nil
		c.send(wire.Frame{
			ID: f.ID + "-fault", CorrelationID: f.ID, Payload: &wire.Error{Code: fault.Code, Message: fault.Message, InReplyTo: f.ID},
		})
		return f, nil
	}
	return f, err
}

// write sends what is queued, heartbeats first.
func (c *conn) write() {
	seq := int64(1) // hello was the first
	for {
		var f wire.Frame
		counted := false
		select {
		case f = <-c.beats:
		default:
			select {
			case <-c.ctx.Done():
				return
			case f = <-c.beats:
			case f = <-c.out:
				counted = true
			}
		}
		seq++
		err := c.put(f, seq)
		if err == nil {
			err = afterSend(f)
		}
		if counted {
			c.count(-1)
		}
		if err != nil {
			c.cancel(err)
			return
		}
	}
}

// put writes one frame.
func (c *conn) put(f wire.Frame, seq int64) error {
	f.Seq, f.Timestamp = seq, wire.At(time.Now())
	data, err := wire.Encode(f)
	if err != nil {
		// Every message is bounded by those who make it; one that is not must
		// not be repeated for ever without a word.
		c.r.log.Error("a frame cannot be sent", "type", f.Payload.Type(), "error", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(c.io, writeTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, data)
}

// ping finds a connection that is only half open.
func (c *conn) ping() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(c.io, pongWithin)
		err := c.ws.Ping(ctx)
		cancel()
		if err != nil {
			c.cancel(errNoAnswer)
			return
		}
	}
}

// received gives a frame to whom it is for.
func (r *Robot) received(f wire.Frame) {
	r.broke(afterRead(f))
	switch m := f.Payload.(type) {
	case *wire.LogAck:
		r.logs.acknowledged(m)
	case *wire.Secret:
		r.d.secretCame(f.CorrelationID, secretAnswer{value: m.Value})
	case *wire.JobAssign, *wire.JobStart, *wire.JobCancel, *wire.JobForget:
		ref, _ := wire.AttemptOf(f.Payload)
		r.log.Debug("heard", "type", f.Type, "job_id", ref.JobID, "epoch", ref.Epoch)
		r.handle(f)
	case *wire.Error:
		r.log.Warn("the orchestrator reports an error", "code", m.Code, "message", m.Message, "in_reply_to", m.InReplyTo)
		r.d.secretCame(m.InReplyTo, secretAnswer{err: errors.New(m.Message)})
		r.handle(f)
	default:
		r.handle(f)
	}
}

func (r *Robot) handle(f wire.Frame) {
	r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect { return m.Handle(f, now) })
}
