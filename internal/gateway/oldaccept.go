package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/wire"
)

// How robots of the original come in. One of its programs gives up for good when
// a handshake is answered with anything but 101, so only a credential that is
// wrong is refused there; whatever else is in the way ends the socket after its
// first frame, and the program comes back.

// oldPath is where the original's robots connect, with or without their id.
const oldPath = "/ws/robot"

const (
	oldFirst = 64 << 10 // bytes of the first frame before the robot is known
	oldFrame = 8 << 20  // bytes of a frame: results come inside

	closeOldCredential wire.CloseCode = 4001
	closeOldRobot      wire.CloseCode = 4003
)

// oldRobotOf is the robot that a path of the original names; empty: it leaves
// that to the key. ok is false for other paths.
func oldRobotOf(path string) (id fleet.RobotID, ok bool) {
	rest, ok := strings.CutPrefix(path, oldPath)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return fleet.RobotID(strings.Trim(rest, "/")), true
}

// otherRobot refuses the key of another robot.
func otherRobot(p auth.Principal, id fleet.RobotID) error {
	if id == "" {
		return nil
	}
	return p.Itself(id)
}

// serveOld lets a robot of the original in.
func (g *Gateway) serveOld(w http.ResponseWriter, r *http.Request, id fleet.RobotID) {
	in := caller.Of(r)
	welcomed, err := g.handshakes.begin(in.Address, g.o.Limits)
	if err != nil {
		refuse(w, err)
		return
	}
	defer welcomed()
	g.mu.Lock()
	drop := g.away || g.draining || g.open >= g.o.Limits.Sockets
	if !drop {
		g.open++
		g.wg.Add(1)
	}
	g.mu.Unlock()
	if !drop {
		defer func() {
			g.mu.Lock()
			g.open--
			g.mu.Unlock()
			g.wg.Done()
		}()
	}
	var p auth.Principal
	if in.Any() && !drop {
		if p, err = g.authenticate(r); err == nil {
			err = otherRobot(p, id)
		}
		switch e := fleet.AsError(err); {
		case err == nil:
		case e.Code == fleet.CodeUnauthenticated || e.Code == fleet.CodeForbidden:
			refuse(w, err)
			return
		default:
			drop = true // a fault that may pass
		}
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		g.o.Logger.Debug("upgrade failed", "error", err)
		return
	}
	defer ws.CloseNow() //nolint:errcheck // already closed in every ordinary end
	ws.SetReadLimit(oldFirst)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	first, err := g.oldFirst(ctx, ws)
	if drop || err != nil {
		return // it comes back
	}
	if p, err = g.oldRegister(ctx, p, id, first, in); err != nil {
		g.refuseOld(ctx, ws, first, err)
		return
	}
	ws.SetReadLimit(oldFrame)
	log := g.o.Logger.With("robot_id", p.RobotID, "tenant", p.Tenant)
	d, hello := newDialect(p.RobotID, first)
	token := newToken()
	welcome, err := g.o.Robots.Connect(ctx, p, oldHello(hello, d, g.o.Member), token)
	if err != nil {
		log.Info("robot refused", "error", err)
		return
	}
	c := newConn(g, ws, p, welcome, hello, log, cancel)
	c.old = d
	g.attend(ctx, c, first.id, c.welcome(welcome, token), welcomed)
}

// oldFirst reads the first frame. Nothing else is read before the robot is known.
func (g *Gateway) oldFirst(ctx context.Context, ws *websocket.Conn) (*oldMessage, error) {
	ctx, done := context.WithTimeout(ctx, g.o.Timing(fleet.DefaultEnvironment).FirstFrame)
	defer done()
	_, data, err := ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	return readOld(data), nil
}

// oldRegister finds out who registers. The credential of the handshake counts
// before the one in the frame.
func (g *Gateway) oldRegister(ctx context.Context, p auth.Principal, id fleet.RobotID, first *oldMessage, in auth.Presented) (auth.Principal, error) {
	if first == nil || first.kind != "register" {
		return p, auth.Unauthenticated()
	}
	if p.RobotID == "" {
		var err error
		p, err = g.o.Auth.Resolve(ctx, auth.Presented{Bearer: first.text("auth_token"), Address: in.Address})
		if err == nil {
			err = p.Require(fleet.RobotsConnect)
		}
		if err == nil {
			err = otherRobot(p, id)
		}
		if err != nil {
			return p, err
		}
	}
	return p, otherRobot(p, fleet.RobotID(first.text("robot_id")))
}

// refuseOld says no in the words of the original.
func (g *Gateway) refuseOld(ctx context.Context, ws *websocket.Conn, first *oldMessage, err error) {
	code, answers := closeOldCredential, ""
	if fleet.AsError(err).Code == fleet.CodeForbidden {
		code = closeOldRobot
	}
	if first != nil {
		answers = first.id
	}
	no := encodeOld("register_ack", answers, g.o.Now(), map[string]any{"success": false, "message": err.Error()})
	ctx, done := context.WithTimeout(ctx, 5*time.Second)
	defer done()
	_ = ws.Write(ctx, websocket.MessageText, no) // the peer may be gone already
	_ = ws.Close(websocket.StatusCode(code), cut(err.Error(), 120))
}

// oldHello is what a registration says, for the use case.
func oldHello(h *wire.Hello, d *dialect, member fleet.ID) orchestrator.Hello {
	out := helloOf(h, member)
	out.Old, out.Transport = true, fleet.TransportEnvelope
	if d.flat {
		out.Transport = fleet.TransportFlat
	}
	return out
}
