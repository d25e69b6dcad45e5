package robot

import (
	"context"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
)

// A frame that is too deep ends the connection, and the report in it would
// come back for ever.
func TestDeepResultTravelsBesideTheChannel(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(context.Context, runner.Job, engine.Sink, engine.Gate) (*engine.Outcome, error) {
		var deep any = 1
		for range wire.MaxDepth {
			deep = map[string]any{"a": deep}
		}
		return success(map[string]any{"deep": deep}), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	if done := of[*wire.JobComplete](f, 1, ref(1)); done.ResultRef == nil || done.Result != nil {
		t.Errorf("the result is inside the frame")
	}
}
