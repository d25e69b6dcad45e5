package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/wire"
)

// What is promised of a revocation: on the orchestrator that was asked, and on
// those that share its database.
const (
	revokedHere  = 2 * time.Second
	revokedThere = 5 * time.Second
)

// TestRevoke opens a hundred sockets of robots, half of them at a second
// orchestrator where there is one, revokes every key at the first, and wants
// each socket closed in time, with the code that says why.
func TestRevoke(t *testing.T) {
	w := &world{t: t, at: dbtest.NewPlace(t), keyed: true}
	w.start("127.0.0.1:0")
	at := []*world{w}
	if w.at.DatabaseURL != "" {
		other := &world{t: t, at: dbtest.Place{DatabaseURL: w.at.DatabaseURL}, keyed: true}
		other.start("127.0.0.1:0")
		at = append(at, other)
	}
	type socket struct {
		key    fleet.ID
		within time.Duration
		closed chan error
	}
	const sockets = 100
	open := make([]socket, sockets)
	for i := range open {
		home := at[i%len(at)]
		key, secret, err := w.app.Keys().NewRobotKey(t.Context(), auth.Local(), fleet.RobotID(fmt.Sprintf("r%d", i)), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		p := home.connect(secret.Reveal(), "i")
		hear[*wire.Welcome](p)
		open[i] = socket{key.ID, revokedHere, make(chan error, 2)}
		if home != w {
			open[i].within = revokedThere
		}
		go func() {
			for {
				if _, _, err := p.ws.Read(context.WithoutCancel(t.Context())); err != nil {
					open[i].closed <- err
					return
				}
			}
		}()
	}
	for i := range open {
		s := &open[i]
		if err := w.app.Keys().Revoke(t.Context(), auth.Local(), s.key, "the robot was sold"); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(s.within, func() { s.closed <- errors.New("still open") })
	}
	inTime := 0
	for i := range open {
		err := <-open[i].closed // whichever came first
		if code := websocket.CloseStatus(err); code != websocket.StatusCode(wire.CloseRevoked) {
			t.Errorf("socket %d: %v", i, err)
			continue
		}
		inTime++
	}
	t.Logf("%d of %d sockets were closed in time, at %d orchestrators", inTime, sockets, len(at))
}
