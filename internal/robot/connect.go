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

// connect keeps the robot connected until ctx ends. It never gives up.
func (r *Robot) connect(ctx context.Context) {
	var backoff protocol.Backoff
	var next string
	for ctx.Err() == nil {
		for _, url := range r.shuffled(next) {
			welcomed, err := r.session(ctx, url)
			if ctx.Err() != nil {
				return
			}
			if welcomed {
				backoff.Reset()
			}
			pause, to := r.pause(err, &backoff)
			next = to
			r.tell(url, err, welcomed, pause)
			t := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
			if to != "" {
				break
			}
		}
	}
}

// shuffled is the addresses in random order, one that was asked for first.
func (r *Robot) shuffled(first string) []string {
	urls := append([]string(nil), r.o.URLs...)
	for i := len(urls) - 1; i > 0; i-- {
		k := int(r.o.chance() * float64(i+1))
		urls[i], urls[k] = urls[k], urls[i]
	}
	if first != "" {
		urls = append([]string{first}, urls...)
	}
	return urls
}

// pause decides how long to wait before the next attempt, and where to go.
func (r *Robot) pause(err error, backoff *protocol.Backoff) (time.Duration, string) {
	r.mu.Lock()
	leave := r.leave
	r.leave = nil
	r.mu.Unlock()
	if leave != nil {
		to := ""
		if u, err := address(leave.To); leave.To != "" && err == nil && r.known(u) {
			to = u // only among the configured: a robot takes its key nowhere else
		}
		if leave.After > 0 {
			return leave.After, to
		}
		return backoff.Next(r.o.chance()), to
	}
	if no, ok := errors.AsType[*refused](err); ok {
		switch {
		case no.status == http.StatusUnauthorized, no.status == http.StatusForbidden, no.status == http.StatusUpgradeRequired:
			return protocol.SlowRetry, ""
		case no.after > 0:
			return max(no.after, backoff.Next(r.o.chance())), ""
		}
	}
	if code := wire.CloseCode(websocket.CloseStatus(err)); code > 0 && protocol.AboutRobot(code) {
		return protocol.SlowRetry, ""
	}
	var own *closing
	if errors.As(err, &own) && protocol.AboutRobot(own.code) {
		return protocol.SlowRetry, ""
	}
	return backoff.Next(r.o.chance()), ""
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
		r.logs.reset(m.Limits)
		// The place for frames stands before the machine makes the first one.
		c.session = m.SessionEpoch
		r.setConn(c)
		r.handle(f)
		r.vitals.now()
		r.log.Info("connected", "robot_id", m.RobotID, "environment", m.Environment, "session_epoch", m.SessionEpoch, "slots", min(r.o.Slots, max(m.GrantedMax, 1)))
		return nil
	}
}
