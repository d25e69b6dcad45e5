package gateway_test

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

func (w *world) command(id fleet.RobotID, kind fleet.CommandKind) fleet.Command {
	w.Helper()
	c, _, err := w.core.Robots.Command(w.Context(), w.admin, id, kind, "")
	w.must(err)
	return c
}

// status reads how far a command is.
func (w *world) status(c fleet.Command) fleet.CommandState {
	w.Helper()
	list, _, err := w.core.Robots.Commands(w.Context(), w.admin, c.RobotID, fleet.Page{})
	w.must(err)
	for _, x := range list {
		if x.ID == c.ID {
			return x.State
		}
	}
	return ""
}

func TestRestartIsDoneWhenTheNextProcessSaysHello(t *testing.T) {
	w := newWorld(t)
	r := w.connected("r1")
	c := w.command("r1", fleet.CommandRestart)
	if again := w.command("r1", fleet.CommandRestart); again.ID != c.ID {
		t.Errorf("a repeated restart is another command")
	}
	told := expect[*wire.Restart](r)
	if told.CommandID != string(c.ID) || w.status(c) != fleet.CommandDelivered {
		t.Errorf("told %s, status %s", told.CommandID, w.status(c))
	}
	r.vanish() // a broken socket is no restart
	<-r.ended
	r.connect()
	if again := expect[*wire.Restart](r); again.CommandID != string(c.ID) || w.status(c) != fleet.CommandDelivered {
		t.Errorf("on a new connection it is told %s, status %s", again.CommandID, w.status(c))
	}
	r.vanish()
	<-r.ended
	w.eventually("the session is over", func() bool { return w.gateway.Connected() == 0 })
	r.instance = "i-second"
	r.connect()
	if got := w.status(c); got != fleet.CommandDone {
		t.Errorf("after the next hello it is %s", got)
	}
}

func TestShutdownIsDoneWithTheGoodbye(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.connect()
	r.vanish()
	<-r.ended
	w.eventually("the session is over", func() bool { return w.gateway.Connected() == 0 })
	c := w.command("r1", fleet.CommandShutdown) // it waits for the robot
	if got := w.status(c); got != fleet.CommandRequested {
		t.Errorf("status %s", got)
	}
	r.connect()
	expect[*wire.Shutdown](r)
	r.send(&wire.Disconnect{Reason: "bye", Final: true})
	w.eventually("it is done", func() bool { return w.status(c) == fleet.CommandDone })
}

func TestRobotMayRefuseACommand(t *testing.T) {
	w := newWorld(t)
	r, other := w.connected("r1"), w.connected("r2")
	c := w.command("r1", fleet.CommandRestart)
	expect[*wire.Restart](r)
	other.send(&wire.CommandResult{CommandID: string(c.ID), Message: "not mine"})
	other.answered()
	r.send(&wire.CommandResult{CommandID: string(c.ID), OK: true, Message: "restarting"})
	r.send(&wire.CommandResult{CommandID: "no such", Message: "?"})
	r.send(&wire.CommandResult{CommandID: string(c.ID), Message: "no hands"})
	w.eventually("it has failed", func() bool { return w.status(c) == fleet.CommandFailed })
	list, _, err := w.core.Robots.Commands(t.Context(), w.admin, "r1", fleet.Page{})
	w.must(err)
	if len(list) != 1 || list[0].Message != "no hands" {
		t.Errorf("%+v", list)
	}
}

func TestARobotThatTakesNoCommandsIsNotAsked(t *testing.T) {
	w := newWorld(t)
	r := w.robot("r1")
	r.open()
	hello := r.hello()
	hello.Features = nil
	r.send(hello)
	expect[*wire.Welcome](r)
	c := w.command("r1", fleet.CommandRestart)
	w.eventually("it has failed", func() bool { return w.status(c) == fleet.CommandFailed })
	r.answered()
	none[*wire.Restart](r)
}

func TestSelfTestEndsWithWhatTheRobotFound(t *testing.T) {
	w := newWorld(t)
	old := w.connected("old") // it cannot be asked
	refused := w.command("old", fleet.CommandSelfTest)
	w.eventually("it has failed", func() bool { return w.status(refused) == fleet.CommandFailed })
	old.vanish()

	r := w.robot("r1")
	r.features = []string{wire.FeatureSelfTest}
	r.connect()
	state := func() (s fleet.HealthState) {
		h, err := w.core.Robots.Health(t.Context(), w.admin, "r1")
		w.must(err)
		for _, c := range h.Checks {
			if c.Name == "self_test" {
				s = c.State
			}
		}
		return s
	}
	if got := state(); got != fleet.HealthUnknown {
		t.Errorf("before it is %s", got)
	}
	for _, ok := range []bool{true, false} {
		c := w.command("r1", fleet.CommandSelfTest)
		told := expect[*wire.SelfTest](r)
		if told.CommandID != string(c.ID) {
			t.Fatalf("told of %s, want %s", told.CommandID, c.ID)
		}
		r.send(&wire.CommandResult{CommandID: told.CommandID, OK: ok, Message: "what it found"})
		want, health := fleet.CommandDone, fleet.HealthHealthy
		if !ok {
			want, health = fleet.CommandFailed, fleet.HealthFailing
		}
		w.eventually("it has ended", func() bool { return w.status(c) == want })
		if got := state(); got != health {
			t.Errorf("after %v it is %s", ok, got)
		}
	}
	// A process that is gone has not been tested.
	c := w.command("r1", fleet.CommandSelfTest)
	expect[*wire.SelfTest](r)
	r.vanish()
	<-r.ended
	w.eventually("the sessions are over", func() bool { return w.gateway.Connected() == 0 })
	r.instance = "i-second"
	r.connect()
	if got := w.status(c); got != fleet.CommandFailed {
		t.Errorf("after the next hello it is %s", got)
	}
}
