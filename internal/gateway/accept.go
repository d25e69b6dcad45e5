package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// ServeHTTP lets a robot in. Whatever is wrong with its credential or its
// request is said in the handshake, before the upgrade.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, original := oldRobotOf(r.URL.Path)
	if original && !offers(r.Header, wire.Subprotocol) {
		g.serveOld(w, r, id)
		return
	}
	g.mu.RLock()
	away := g.away
	g.mu.RUnlock()
	if away { // the key cannot be looked up either
		refuse(w, busy("This orchestrator cannot reach its database now."))
		return
	}
	// The limiter stands before the look-up of the key: a storm of reconnects
	// must not become a storm on the store. A place is given back once the robot
	// was welcomed; how many stay connected is another limit.
	welcomed, err := g.handshakes.begin(caller.Of(r).Address, g.o.Limits)
	if err != nil {
		refuse(w, err)
		return
	}
	defer welcomed()
	p, err := g.authenticate(r)
	if err == nil {
		err = otherRobot(p, id)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	if !offers(r.Header, wire.Subprotocol) {
		e := fleet.Errorf(fleet.CodeInvalid, "unsupported_protocol", "This channel speaks %s; the request does not offer it.", wire.Subprotocol)
		e.Status = http.StatusUpgradeRequired
		refuse(w, e.WithFix("Send 'Sec-WebSocket-Protocol: "+wire.Subprotocol+"'."))
		return
	}
	g.mu.Lock()
	full, draining := g.open >= g.o.Limits.Sockets, g.draining
	if !full && !draining {
		g.open++
		g.wg.Add(1)
	}
	g.mu.Unlock()
	if full || draining {
		refuse(w, busy("This orchestrator takes no robots now."))
		return
	}
	defer func() {
		g.mu.Lock()
		g.open--
		g.mu.Unlock()
		g.wg.Done()
	}()
	g.serve(w, r, p, welcomed)
}

// handshakes counts those that are under way. A robot that was welcomed is not
// among them, so robots behind one address do not stand in each other's way once
// they are known.
type handshakes struct {
	mu   sync.Mutex
	all  int
	from map[netip.Addr]int
}

// begin takes a place, which done gives back; done may be called twice.
func (h *handshakes) begin(from netip.Addr, l Limits) (done func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.all >= l.All:
		return nil, busy("Too many robots are connecting at once.")
	case h.from[from] >= l.Handshakes:
		e := fleet.Errorf(fleet.CodeExhausted, "too_many_handshakes", "Too many robots are connecting from this address at once.")
		e.RetryAfter = 2 * time.Second
		return nil, e
	}
	h.all++
	h.from[from]++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all--
		if h.from[from]--; h.from[from] == 0 {
			delete(h.from, from)
		}
	}), nil
}

// offers says whether a handshake names a subprotocol, word for word.
func offers(h http.Header, protocol string) bool {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for word := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(word) == protocol {
				return true
			}
		}
	}
	return false
}

func (g *Gateway) authenticate(r *http.Request) (auth.Principal, error) {
	p, err := g.o.Auth.Resolve(r.Context(), caller.Of(r))
	if err != nil {
		return p, err
	}
	return p, p.Require(fleet.RobotsConnect)
}

func busy(text string) *fleet.Error {
	e := fleet.Errorf(fleet.CodeUnavailable, "busy", "%s", text)
	e.RetryAfter = 2 * time.Second
	return e
}

// refuse answers a handshake with a problem.
func refuse(w http.ResponseWriter, err error) {
	e := fleet.AsError(err)
	info := e.Code.Info()
	status := info.HTTP
	if e.Status != 0 {
		status = e.Status
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter.Seconds()+0.999)))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client is gone if this fails
		"title": info.Title, "status": status, "detail": e.Error(), "code": e.Code,
	})
}

// serve upgrades, reads hello, and runs the connection to its end.
// welcomed is called once the handshake has cost all that it costs.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, p auth.Principal, welcomed func()) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{wire.Subprotocol}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		g.o.Logger.Debug("upgrade failed", "robot_id", p.RobotID, "error", err)
		return
	}
	defer ws.CloseNow() //nolint:errcheck // already closed in every ordinary end
	ws.SetReadLimit(wire.MaxFrame)
	timing := g.o.Timing(p.Environment)
	log := g.o.Logger.With("robot_id", p.RobotID, "tenant", p.Tenant)

	// The request's context ends with the handler; the connection has its own.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	hello, frame, err := readHello(ctx, ws, timing)
	if err != nil {
		closeWith(ws, err)
		return
	}
	token := newToken()
	said := helloOf(hello, g.o.Member)
	said.Clock = frame.Timestamp.Time
	welcome, err := g.o.Robots.Connect(ctx, p, said, token)
	if err != nil {
		log.Info("robot refused", "error", err)
		closeWith(ws, err)
		return
	}
	c := newConn(g, ws, p, welcome, hello, log, cancel)
	c.clock.noted(g.o.Now(), frame.Timestamp.Time)
	g.attend(ctx, c, frame.ID, c.welcome(welcome, token), welcomed)
}

// attend welcomes a robot and runs its connection to its end.
func (g *Gateway) attend(ctx context.Context, c *conn, answers string, welcome *wire.Welcome, welcomed func()) {
	c.send(answers, welcome) // before anybody else can write to it
	g.add(c)
	welcomed()
	c.log.Info("robot connected", "session_epoch", c.session.Epoch, "transport", c.session.Transport)
	reason := c.run(ctx)
	g.remove(c)
	for sent := false; !sent; { // what was on its way to it
		select {
		case won := <-c.offers:
			g.notTold(c.principal, won)
		default:
			sent = true
		}
	}
	g.disconnect(context.WithoutCancel(ctx), ended{c.principal, c.session, reason})
	c.log.Info("robot disconnected", "session_epoch", c.session.Epoch, "reason", reason)
}

// closing is an error that names its close code.
type closing struct {
	code   wire.CloseCode
	reason string
}

func (c *closing) Error() string { return c.reason }

func readHello(ctx context.Context, ws *websocket.Conn, t fleet.Timing) (*wire.Hello, wire.Frame, error) {
	type first struct {
		kind websocket.MessageType
		data []byte
		err  error
	}
	// A read that is given up breaks the socket, and the robot would not learn
	// why. So the time is kept here; the read ends with the socket.
	got := make(chan first, 1)
	go func() {
		kind, data, err := ws.Read(ctx)
		got <- first{kind, data, err}
	}()
	timer := time.NewTimer(t.FirstFrame)
	defer timer.Stop()
	var kind websocket.MessageType
	var data []byte
	select {
	case <-timer.C:
		return nil, wire.Frame{}, &closing{wire.CloseNoHello, "no hello came in time"}
	case f := <-got:
		if f.err != nil {
			return nil, wire.Frame{}, &closing{wire.CloseNoHello, "no hello came"}
		}
		kind, data = f.kind, f.data
	}
	if kind != websocket.MessageText {
		return nil, wire.Frame{}, &closing{wire.CloseBadMessage, "frames are text"}
	}
	f, err := wire.Decode(data, wire.FromRobot)
	if err != nil {
		return nil, f, err
	}
	hello, ok := f.Payload.(*wire.Hello)
	if !ok {
		return nil, f, &closing{wire.CloseNoHello, "the first frame must be hello"}
	}
	return hello, f, nil
}

// closeWith ends a socket with the code that fits an error.
func closeWith(ws *websocket.Conn, err error) {
	code, reason := wire.CloseInternal, "internal error"
	switch e := err.(type) { //nolint:errorlint // the three are made here and never wrapped
	case *closing:
		code, reason = e.code, e.reason
	case *wire.Fault:
		code, reason = e.Close, e.Message
		if code == 0 {
			code = wire.CloseBadMessage
		}
	case *fleet.Error:
		reason = e.Message
		if n := e.Code.Info().WebSocket; n != 0 {
			code = wire.CloseCode(n)
		}
	}
	_ = ws.Close(websocket.StatusCode(code), cut(reason, 120)) // the peer may be gone already
}

// cut keeps a close reason inside the 123 bytes that a close frame has.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for len(s) > 0 && s[len(s)-1]&0xc0 == 0x80 {
		s = s[:len(s)-1]
	}
	return s[:max(len(s)-1, 0)]
}

func helloOf(h *wire.Hello, member fleet.ID) orchestrator.Hello {
	out := orchestrator.Hello{
		Member: member, Transport: "ws2", InstanceID: h.InstanceID, BootID: h.BootID, JournalID: h.JournalID,
		Name: h.Name, Hostname: h.Hostname, OS: h.OS, Arch: h.Arch, Version: h.AgentVersion, Features: h.Features,
		Capabilities: h.Capabilities, Tags: h.Tags, Pool: h.Pool, Facts: fleet.Facts{}, Slots: h.MaxJobs, LastReport: h.LastReportID, Acked: h.AckedReportID,
	}
	if h.Resume != nil {
		out.ResumeToken = h.Resume.Token
	}
	for name, value := range h.Facts {
		out.Facts[name] = fleet.Fact{Value: value}
	}
	for _, a := range h.Attempts {
		out.Attempts = append(out.Attempts, orchestrator.HeldAttempt{
			Ref: store.Ref(a.Ref), Phase: orchestrator.Phase(a.Phase), Node: a.Node,
		})
	}
	return out
}
