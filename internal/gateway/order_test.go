package gateway

import (
	"context"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Of two connections of one robot whose sign-ins were committed in one order
// and arrive here in the other, the later session is the present one.
func TestLaterSessionStaysPresent(t *testing.T) {
	g := New(Options{})
	session := func(epoch int64) *conn {
		c := &conn{g: g, principal: auth.Robot("default", "r1", "default"), session: fleet.Session{Epoch: epoch}}
		c.stopOnce.Do(func() {}) // there is no socket to close; who was told is read from reason
		c.cancel = context.CancelFunc(func() {})
		return c
	}
	young, old := session(2), session(1)
	g.add(young)
	g.add(old)
	if got := g.conns[young.key()]; got != young {
		t.Errorf("session %d is present, want 2", got.session.Epoch)
	}
	g.remove(old)
	if g.Connected() != 1 {
		t.Error("the end of the old session removed the new one")
	}
}
