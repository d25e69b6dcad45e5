package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/wire"
)

// Options are what the gateway stands on.
type Options struct {
	Member   fleet.ID // this orchestrator
	Version  string   // of the program
	Robots   *orchestrator.Robots
	Attempts *orchestrator.Attempts
	Secrets  *orchestrator.Secrets
	Keys     *auth.Keys
	Auth     *auth.Resolver // nil: keys alone count
	Signals  *store.Signals
	Timing   func(environment string) fleet.Timing
	Now      func() time.Time
	Logger   *slog.Logger
	Limits   Limits
}

// Limits bound what one robot may cost.
type Limits struct {
	Sockets    int     // open at once
	Frames     float64 // a second, per robot, sustained
	Burst      int
	Outbox     int   // frames that may wait to be written
	LogBytes   int64 // kept of an attempt's log; told to the robot
	LogWindow  int64 // lines on their way without an answer
	Handshakes int   // under way at once from one address
	All        int   // handshakes under way at once
	// ClaimHold is how long the claim of a polling robot waits for a job.
	ClaimHold time.Duration
}

// DefaultLimits are the documented ones.
func DefaultLimits() Limits {
	return Limits{Sockets: 50_000, Frames: 2000, Burst: 4000, Outbox: 512, LogBytes: fleet.MaxLogBytes, LogWindow: 2000, Handshakes: 200, All: 1000, ClaimHold: 20 * time.Second}
}

// Gateway is all robot sockets of one orchestrator.
type Gateway struct {
	o          Options
	handshakes handshakes

	mu       sync.RWMutex
	conns    map[robotKey]*conn
	polls    map[robotKey]*poll // its locks are taken under mu
	open     int
	draining bool
	away     bool // cut off from the store
	wg       sync.WaitGroup
	unclosed []ended
}

// ended is a session whose end the store did not take.
type ended struct {
	principal auth.Principal
	session   fleet.Session
	reason    string
}

type robotKey struct {
	tenant fleet.TenantID
	id     fleet.RobotID
}

// New returns a gateway without connections.
func New(o Options) *Gateway {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Auth == nil {
		o.Auth = auth.NewResolver(o.Keys)
	}
	return &Gateway{
		o: o, handshakes: handshakes{from: map[netip.Addr]int{}},
		conns: map[robotKey]*conn{}, polls: map[robotKey]*poll{},
	}
}

// Run closes connections whose key was revoked or has expired, and sessions
// whose end could not be stored, until ctx ends.
func (g *Gateway) Run(ctx context.Context) {
	wake, stop := g.o.Signals.Listen(store.TopicKeys)
	defer stop()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		woken := false
		select {
		case <-ctx.Done():
			return
		case <-wake:
			woken = true
		case <-ticker.C:
			g.closeSessions(ctx)
			g.keepPolls(ctx)
		}
		g.closeRevoked(ctx, woken)
	}
}

// closeRevoked closes the connections whose key has ended. Its end by itself is
// in memory. The store is asked if something was revoked since one of them was
// last held against it; until it answers, that is so at the next time too.
func (g *Gateway) closeRevoked(ctx context.Context, woken bool) {
	conns, generation, now := g.snapshot(), g.o.Keys.Generation(), g.o.Now()
	asked := woken && len(conns) > 0 || slices.ContainsFunc(conns, func(c *conn) bool { return c.generation.Load() != generation })
	var live map[fleet.ID]time.Time
	if asked {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		var err error
		if live, err = g.o.Keys.Live(ctx); err != nil {
			g.o.Logger.Debug("keys of connected robots not looked at", "error", err) // the database says so elsewhere
		}
	}
	for _, c := range conns {
		if c.principal.KeyID == "" {
			c.generation.Store(generation) // of this process: it has no key
			continue
		}
		if live != nil {
			c.generation.Store(generation)
			until, counts := live[c.principal.KeyID]
			if !counts {
				c.stop(wire.CloseRevoked, revoked)
				continue
			}
			c.until.Store(&until)
		}
		if until := c.until.Load(); until != nil && !until.IsZero() && !now.Before(*until) {
			c.stop(wire.CloseRevoked, revoked)
		}
	}
}

const revoked = "the key was revoked or has expired"

// Drain refuses new robots, then tells the connected ones to come back after
// a moment of their own, and waits until their sockets are closed or ctx ends.
func (g *Gateway) Drain(ctx context.Context, reason string) {
	g.mu.Lock()
	g.draining = true
	g.mu.Unlock()
	g.endClaims()
	g.Shed(reason)
	if fail.At(fail.DrainSent) != nil {
		return
	}
	done := make(chan struct{})
	go func() { g.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Shed tells all robots to connect anew, after a moment of their own: here, at
// another orchestrator, or wherever they are let in. Their leases run on.
func (g *Gateway) Shed(reason string) {
	for _, c := range g.snapshot() {
		after := time.Duration(mrand.Int64N(int64(2 * time.Second))) //nolint:gosec // spreads reconnects, guards nothing
		c.send("", &wire.Goaway{Reason: reason, ReconnectAfter: fleet.Duration(after)})
		c.stop(wire.CloseRestart, reason)
	}
}

// CutOff is called when the store cannot be reached from here: no robot is let
// in or offered work, and those that are here are sent to other orchestrators.
func (g *Gateway) CutOff() {
	g.mu.Lock()
	g.away = true
	g.mu.Unlock()
	g.Shed(cutOff)
}

// Back is called when the store can be reached again.
func (g *Gateway) Back() {
	g.mu.Lock()
	g.away = false
	g.mu.Unlock()
}

const cutOff = "this orchestrator cannot reach its database"

// disconnect ends a session in the store, later if it cannot be done now. A
// robot that has connected anew has ended it already.
func (g *Gateway) disconnect(ctx context.Context, e ended) {
	ctx, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	err := g.o.Robots.Disconnect(ctx, e.principal, e.session, e.reason)
	if err == nil {
		return
	}
	g.o.Logger.Warn("session not closed in the store yet", "robot_id", e.session.RobotID, "error", err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unclosed = append(g.unclosed, e)
}

// closeSessions tries again, until one fails.
func (g *Gateway) closeSessions(ctx context.Context) {
	g.mu.Lock()
	todo, away := g.unclosed, g.away
	if !away {
		g.unclosed = nil
	}
	g.mu.Unlock()
	if away {
		return
	}
	for i, e := range todo {
		if err := g.o.Robots.Disconnect(ctx, e.principal, e.session, e.reason); err != nil && !errors.Is(err, fleet.ErrNotFound) {
			g.mu.Lock()
			g.unclosed = append(g.unclosed, todo[i:]...)
			g.mu.Unlock()
			return
		}
	}
}

func (g *Gateway) snapshot() []*conn {
	g.mu.RLock()
	defer g.mu.RUnlock()
	out := make([]*conn, 0, len(g.conns))
	for _, c := range g.conns {
		out = append(out, c)
	}
	return out
}

// add makes a connection the robot's present one and ends the one before. Of
// two that came at once the one with the higher session is the present one,
// whichever arrives here first. While draining, or cut off from the store, no
// connection stays.
func (g *Gateway) add(c *conn) {
	g.mu.Lock()
	before, draining, away := g.conns[c.key()], g.draining, g.away
	overtaken := before != nil && before.session.Epoch > c.session.Epoch
	if !overtaken {
		g.conns[c.key()] = c
	}
	g.mu.Unlock()
	switch {
	case overtaken:
		c.stop(wire.CloseSuperseded, superseded)
	case before != nil:
		before.stop(wire.CloseSuperseded, superseded)
	}
	switch {
	case draining:
		c.stop(wire.CloseRestart, "the orchestrator stops")
	case away:
		c.stop(wire.CloseRestart, cutOff)
	}
}

const superseded = "a newer connection of this robot took over"

// remove forgets a connection, unless a newer one has taken its place.
func (g *Gateway) remove(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns[c.key()] == c {
		delete(g.conns, c.key())
	}
}

func newToken() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

func newLimiter(l Limits) *rate.Limiter { return rate.NewLimiter(rate.Limit(l.Frames), l.Burst) }
