package robot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// stepWorld is the log of one attempt with a clock of the test.
type stepWorld struct {
	*logs
	now protocol.Instant
	ref wire.Ref
}

func newStepWorld() *stepWorld {
	w := &stepWorld{ref: wire.Ref{JobID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Epoch: 1}}
	w.logs = newLogs(func() protocol.Instant { return w.now })
	w.reset(wire.Limits{}, true)
	return w
}

func (w *stepWorld) say(seq int64, status fleet.StepStatus) {
	w.step(w.ref, wire.Step{Seq: seq, Node: "n", Status: status})
}

// sent is the next batch as text: "1: 1 running, 2 completed".
func (w *stepWorld) sent(t *testing.T) string {
	t.Helper()
	b, _ := w.batch(w.ref)
	if b == nil {
		return ""
	}
	var list []string
	for _, s := range b.Steps {
		list = append(list, fmt.Sprintf("%d %s", s.Seq, s.Status))
	}
	return fmt.Sprintf("%d: %s", b.FirstStep, strings.Join(list, ", "))
}

func TestSteps(t *testing.T) {
	want := func(t *testing.T, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	t.Run("a short step costs one record", func(t *testing.T) {
		w := newStepWorld()
		w.say(1, fleet.StepRunning)
		w.say(2, fleet.StepRunning)
		w.say(1, fleet.StepCompleted)
		want(t, w.sent(t), "1: 1 completed, 2 running")
		want(t, w.sent(t), "")
		w.say(2, fleet.StepFailed)
		want(t, w.sent(t), "3: 2 failed")
		w.acknowledged(&wire.LogAck{Ref: w.ref, NextLine: 1, Window: 10, NextStep: 4})
		if n := w.waiting(w.ref); n != 0 {
			t.Errorf("%d records wait", n)
		}
	})
	t.Run("what was not acknowledged is sent again", func(t *testing.T) {
		w := newStepWorld()
		w.say(1, fleet.StepRunning)
		want(t, w.sent(t), "1: 1 running")
		w.now += protocol.Instant(logResend + time.Second)
		want(t, w.sent(t), "1: 1 running")
		w.reset(wire.Limits{}, true) // another connection
		want(t, w.sent(t), "1: 1 running")
	})
	// The answer to the first sending may come after the second was due: it must
	// not take an end along that it did not carry.
	t.Run("an end is not taken for the beginning that was sent", func(t *testing.T) {
		w := newStepWorld()
		w.say(1, fleet.StepRunning)
		want(t, w.sent(t), "1: 1 running")
		w.say(2, fleet.StepRunning)
		w.reset(wire.Limits{}, true)
		w.say(1, fleet.StepCompleted)
		w.acknowledged(&wire.LogAck{Ref: w.ref, NextLine: 1, Window: 10, NextStep: 2})
		want(t, w.sent(t), "2: 2 running, 1 completed")
	})
	t.Run("an orchestrator that knows no steps gets none", func(t *testing.T) {
		w := newStepWorld()
		w.reset(wire.Limits{}, false)
		w.say(1, fleet.StepRunning)
		want(t, w.sent(t), "")
		if n := w.waiting(w.ref); n != 0 {
			t.Errorf("%d records wait", n)
		}
	})
	t.Run("without room the records are left out", func(t *testing.T) {
		w := newStepWorld()
		for k := range int64(logBytes/128 + 10) {
			w.say(k+1, fleet.StepRunning)
		}
		if n := w.waiting(w.ref); n == 0 || n > logBytes/128 {
			t.Errorf("%d records wait", n)
		}
	})
}
