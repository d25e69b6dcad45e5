package robot

import (
	"context"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
)

// The checkpoint of a run that failed is reported before its end, and the one
// of an offer goes to the runner.
func TestCheckpointComesBeforeTheEnd(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(_ context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		out := &engine.Outcome{Error: "no", FailedNode: "n"}
		if !job.Checkpoint || string(job.Resume) != `{"format":1}` {
			out.NoCheckpoint = "the job was given wrongly"
			return out, nil
		}
		out.Checkpoint, out.CheckpointNode = []byte(`{"format":1,"node":"n"}`), "n"
		return out, nil
	}))
	f.connected(1)
	m := offer(ref(1))
	m.Checkpoint = []byte(`{"format":1}`)
	f.say(m)
	got := of[*wire.Checkpoint](f, 1, ref(1))
	if got.Node != "n" || got.Reason != "" || string(got.Data) != `{"format":1,"node":"n"}` {
		t.Errorf("the checkpoint is %+v", got)
	}
	of[*wire.JobFailed](f, 1, ref(1))
	f.wait("the checkpoint before the end", func(heard []wire.Frame) bool {
		var checkpoint, failed int64
		for _, h := range heard {
			switch h.Type { //nolint:exhaustive // of two
			case wire.TypeCheckpoint:
				checkpoint = h.ReportID
			case wire.TypeJobFailed:
				failed = h.ReportID
			}
		}
		return checkpoint > 0 && failed == checkpoint+1
	})
	f.say(offer(ref(2)))
	if got := of[*wire.Checkpoint](f, 1, ref(2)); got.Reason != "the job was given wrongly" || string(got.Data) != "{}" {
		t.Errorf("without one: %+v", got)
	}
}
