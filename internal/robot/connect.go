package robot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

const (
	dialTimeout    = 15 * time.Second
	welcomeTimeout = 15 * time.Second
)

// refused is an answer to the handshake that is no connection.
type refused struct {
	status int
	after  time.Duration
	text   string
}

// Error names the status.
func (e *refused) Error() string {
	return fmt.Sprintf("the orchestrator answered %d to the handshake%s", e.status, e.text)
}

// connect keeps the robot connected until ctx ends. It never gives up. The
// addresses are tried in turn; one that asked to be left alone is passed over
// while there are others.
func (r *Robot) connect(ctx context.Context) {
	backoff := protocol.Backoff{Max: r.o.ReconnectMax}
	var first, last string
	alone := map[string]time.Time{} // until when an address is not asked
	for ctx.Err() == nil {
		tried := false
		for _, url := range r.shuffled(first, last) {
			if time.Now().Before(alone[url]) {
				continue
			}
			tried = true
			welcomed, err := r.session(ctx, url)
			if ctx.Err() != nil {
				return
			}
			if welcomed {
				backoff.Reset()
			}
			p := r.pause(err, &backoff)
			first, last, alone[url] = p.to, url, time.Now().Add(p.alone)
			r.tell(url, err, welcomed, max(p.wait, p.alone))
			if !sleep(ctx, p.wait) {
				return
			}
			if first != "" {
				break
			}
		}
		if !tried && !sleep(ctx, time.Until(earliest(r.o.URLs, alone))) {
			return
		}
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// earliest is when the first of the addresses may be asked again.
func earliest(urls []string, alone map[string]time.Time) time.Time {
	at := alone[urls[0]]
	for _, url := range urls[1:] {
		if alone[url].Before(at) {
			at = alone[url]
		}
	}
	return at
}

// shuffled is the addresses in random order: one that was asked for first, the
// one that was just left last.
func (r *Robot) shuffled(first, last string) []string {
	urls := append([]string(nil), r.o.URLs...)
	for i := len(urls) - 1; i > 0; i-- {
		k := int(r.o.chance() * float64(i+1))
		urls[i], urls[k] = urls[k], urls[i]
	}
	if i := slices.Index(urls, last); i >= 0 {
		urls = append(slices.Delete(urls, i, i+1), last)
	}
	if first != "" {
		urls = append([]string{first}, urls...)
	}
	return urls
}

// pause is what follows the end of a connection, or of an attempt.
type pause struct {
	wait  time.Duration // before the next address is asked
	alone time.Duration // before this one is asked again
	to    string        // the address to go to; empty: any
}

// pause decides how long to wait, and where to go.
func (r *Robot) pause(err error, backoff *protocol.Backoff) pause {
	r.mu.Lock()
	leave := r.leave
	r.leave = nil
	r.mu.Unlock()
	if leave != nil {
		var p pause
		if u, err := address(leave.To); leave.To != "" && err == nil && r.known(u) {
			p.to = u // only among the configured: a robot takes its key nowhere else
		}
		if p.wait = leave.After; p.wait <= 0 {
			p.wait = backoff.Next(r.o.chance())
		}
		return p
	}
	wait := backoff.Next(r.o.chance())
	if no, ok := errors.AsType[*refused](err); ok {
		switch {
		case no.status == http.StatusUnauthorized, no.status == http.StatusForbidden, no.status == http.StatusUpgradeRequired:
			return pause{wait: wait, alone: protocol.SlowRetry}
		case no.after > 0:
			return pause{wait: wait, alone: max(no.after, wait)}
		}
	}
	if code := wire.CloseCode(websocket.CloseStatus(err)); code > 0 && protocol.AboutRobot(code) {
		return pause{wait: wait, alone: protocol.SlowRetry}
	}
	var own *closing
	if errors.As(err, &own) && protocol.AboutRobot(own.code) {
		return pause{wait: wait, alone: protocol.SlowRetry}
	}
	return pause{wait: wait}
}

func (r *Robot) known(url string) bool {
	return slices.Contains(r.o.URLs, url)
}

// tell says loudly what somebody must act on, and plainly all else.
func (r *Robot) tell(url string, err error, welcomed bool, pause time.Duration) {
	var no *refused
	loud := pause >= protocol.SlowRetry
	hint := ""
	switch {
	case errors.As(err, &no) && no.status == http.StatusUnauthorized:
		hint = "the key is not valid there: give this robot a new one"
	case errors.As(err, &no) && no.status == http.StatusForbidden:
		hint = "the key is not allowed to connect as a robot"
	case websocket.CloseStatus(err) == websocket.StatusCode(wire.CloseSuperseded):
		hint, loud = "another robot with the same id is connected; each needs a key of its own", true
	}
	attrs := []any{"url", url, "error", plainly(err), "again_in", pause.Round(time.Millisecond).String()}
	if hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	switch {
	case websocket.CloseStatus(err) == websocket.StatusNormalClosure: // the answer to this robot's own goodbye
		r.log.Info("signed off", "url", url)
	case loud:
		r.log.Error("the orchestrator refuses this robot", attrs...)
	case welcomed:
		r.log.Warn("connection lost; work goes on under its lease", attrs...)
	default:
		r.log.Warn("no connection", attrs...)
	}
}

// plainly is the reason that the other side gave for closing, without the
// layers that the close came through.
func plainly(err error) string {
	if c, ok := errors.AsType[websocket.CloseError](err); ok && c.Reason != "" {
		return fmt.Sprintf("closed with %d: %s", c.Code, c.Reason)
	}
	return err.Error()
}

// session opens one connection and works with it until it ends.
func (r *Robot) session(ctx context.Context, url string) (welcomed bool, err error) {
	ws, err := r.dial(ctx, url)
	if err != nil {
		return false, err
	}
	c := newConn(ctx, r, url, ws)
	defer c.cancel(nil)
	defer c.cut()
	if err := r.welcome(c); err != nil {
		c.close(err)
		r.disconnected()
		return false, err
	}
	err = c.serve()
	r.disconnected()
	return true, err
}

func (r *Robot) disconnected() {
	r.setConn(nil)
	r.d.do(func(m *protocol.Robot, _ protocol.Instant) []protocol.Effect { return m.Disconnected() })
}

func (r *Robot) dial(ctx context.Context, url string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ws, answer, err := websocket.Dial(ctx, url+wire.Path, &websocket.DialOptions{
		HTTPClient: r.o.HTTPClient, Subprotocols: []string{wire.Subprotocol}, CompressionMode: websocket.CompressionDisabled,
		HTTPHeader: http.Header{"Authorization": {"Bearer " + r.o.Key}},
	})
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close()
	}
	if err != nil {
		if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
			return nil, &refused{status: answer.StatusCode, after: retryAfter(answer.Header), text: problem(answer)}
		}
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	if ws.Subprotocol() != wire.Subprotocol {
		_ = ws.Close(websocket.StatusCode(wire.CloseVersion), "this robot speaks "+wire.Subprotocol) // given up
		return nil, &closing{wire.CloseVersion, "the other side does not speak " + wire.Subprotocol + "; is it an orchestrator?"}
	}
	ws.SetReadLimit(wire.MaxFrame)
	return ws, nil
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// welcome says hello and waits for the answer.
func (r *Robot) welcome(c *conn) error {
	ctx, cancel := context.WithTimeoutCause(c.ctx, welcomeTimeout, &closing{wire.CloseGoingAway, "no welcome came in time"})
	defer cancel()
	var hello wire.Frame
	r.d.do(func(m *protocol.Robot, now protocol.Instant) []protocol.Effect {
		gone := m.Disconnected()
		hello = m.Hello(now)
		return gone
	})
	if err := c.put(hello, 1); err != nil {
		return err
	}
	if err := fail.At(fail.RobotHelloSent); err != nil {
		return err
	}
	for {
		f, err := c.frame(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil && websocket.CloseStatus(err) < 0 {
				return cause
			}
			return err
		}
		m, ok := f.Payload.(*wire.Welcome)
		if !ok {
			if g, ok := f.Payload.(*wire.Goaway); ok {
				r.mu.Lock()
				r.leave = &protocol.Leave{Reason: g.Reason, After: g.ReconnectAfter.Std(), To: g.To}
				r.mu.Unlock()
				return &closing{wire.CloseGoingAway, "asked to go: " + g.Reason}
			}
			continue
		}
		r.saveResume(wire.Resume{SessionID: m.SessionID, Token: m.ResumeToken})
		r.logs.reset(m.Limits, slices.Contains(m.Features, wire.FeatureSteps))
		// The place for frames stands before the machine makes the first one.
		c.session = m.SessionEpoch
		r.setConn(c)
		r.d.welcomed(f)
		if err := fail.At(fail.RobotWelcomed); err != nil {
			return err
		}
		r.vitals.now()
		r.log.Info("connected", "robot_id", m.RobotID, "environment", m.Environment, "session_epoch", m.SessionEpoch, "slots", min(r.o.Slots, max(m.GrantedMax, 1)))
		return nil
	}
}
