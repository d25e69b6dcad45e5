package robot

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
)

func TestJobFromOfferToAck(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(ctx context.Context, job runner.Job, sink engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
		if err := gate.Enter(ctx, "a"); err != nil {
			return nil, err
		}
		sink.Progress(engine.Progress{Percent: 50, NodeID: "a", Message: "half"})
		sink.Log(engine.Line{At: time.Now(), Level: engine.LevelInfo, NodeID: "a", Message: "hello"})
		return success(map[string]any{"in": job.ID}), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	done := of[*wire.JobComplete](f, 1, ref(1))
	want := wire.Result{Success: true, NodesExecuted: 3, Variables: []byte(`{"in":"` + string(ref(1).JobID) + `"}`), ExecutionPath: []string{"a", "b"}}
	got := resultOf(t, f, done)
	got.DurationMS = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := of[*wire.JobProgress](f, 1, ref(1)); p.Progress != 50 || p.CurrentNode != "a" {
		t.Errorf("progress = %+v", p)
	}
	if b := of[*wire.LogBatch](f, 1, ref(1)); b.FirstLine != 1 || b.Lines[0].Message != "hello" {
		t.Errorf("log = %+v", b)
	}
	f.wait("the order accept, started, complete", func(heard []wire.Frame) bool {
		var order []wire.Type
		var last int64
		for _, h := range heard {
			switch h.Type { //nolint:exhaustive // the others come when they like
			case wire.TypeJobAccept, wire.TypeJobStarted, wire.TypeJobComplete:
				order = append(order, h.Type)
			}
			if h.ReportID > 0 && h.ReportID != last+1 {
				t.Errorf("report %d follows %d", h.ReportID, last)
			}
			last = max(last, h.ReportID)
		}
		return cmp.Equal(order, []wire.Type{wire.TypeJobAccept, wire.TypeJobStarted, wire.TypeJobComplete})
	})
}

func TestNothingRunsBeforeStart(t *testing.T) {
	f := newFake(t)
	f.holdStart, f.holdBeats = true, true
	began := make(chan struct{})
	startRobot(t, testOptions(t, f, func(context.Context, runner.Job, engine.Sink, engine.Gate) (*engine.Outcome, error) {
		close(began)
		return success(nil), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobAccept](f, 1, ref(1))
	f.wait("some heartbeats", heartbeats(f, 3))
	select {
	case <-began:
		t.Fatal("the job began before it was told to")
	default:
	}
	f.say(&wire.JobForget{Ref: ref(1), Reason: wire.ForgetFenced})
	f.say(&wire.JobStart{Ref: ref(1)})
	f.say(offer(ref(2))) // proves that what was said before has been heard
	of[*wire.JobAccept](f, 1, ref(2))
	select {
	case <-began:
		t.Fatal("a forgotten offer began")
	default:
	}
}

func TestLostStartIsHealedByTheHeartbeat(t *testing.T) {
	f := newFake(t)
	f.holdStart = true
	startRobot(t, testOptions(t, f, atOnce))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobComplete](f, 1, ref(1))
}

func TestLostAckMakesTheReportComeAgain(t *testing.T) {
	f := newFake(t)
	f.holdAcks = true
	startRobot(t, testOptions(t, f, atOnce))
	f.connected(1)
	f.say(offer(ref(1)))
	first := of[*wire.JobComplete](f, 1, ref(1))
	f.with(func() { f.holdAcks = false })
	f.cut()
	second := of[*wire.JobComplete](f, 2, ref(1))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the repeated report differs: %s", diff)
	}
	of[*wire.JobStarted](f, 2, ref(1))
	hello := of[*wire.Hello](f, 2, wire.Ref{})
	if len(hello.Attempts) != 1 || hello.Attempts[0].Phase != wire.PhaseFinished {
		t.Errorf("hello = %+v", hello.Attempts)
	}
	if hello.Resume == nil || hello.Resume.Token != "t" {
		t.Errorf("resume = %+v", hello.Resume)
	}
	// After the ack nothing is left, also for the next session. The robot has heard
	// it once a heartbeat that follows the report no longer names the attempt.
	f.wait("a heartbeat after the ack", func(heard []wire.Frame) bool {
		reported := 0
		for _, h := range heard {
			switch m := h.Payload.(type) {
			case *wire.JobComplete:
				reported++
			case *wire.Heartbeat:
				if reported == 2 && len(m.Attempts) == 0 {
					return true
				}
			}
		}
		return false
	})
	f.cut()
	third := of[*wire.Hello](f, 3, wire.Ref{})
	if len(third.Attempts) != 0 || third.AckedReportID != third.LastReportID {
		t.Errorf("after the ack: %+v", third)
	}
}

func TestStoreThatWentBackGetsReportsAgain(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, atOnce))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobComplete](f, 1, ref(1))
	f.wait("the ack to be used", func(heard []wire.Frame) bool { return f.committed[firstJournal(heard)] == 2 })
	f.cut()
	f.connected(2)
	f.with(func() { clear(f.committed) })
	f.cut()
	of[*wire.JobComplete](f, 2, ref(1))
}

func firstJournal(heard []wire.Frame) string {
	for _, h := range heard {
		if m, ok := h.Payload.(*wire.Hello); ok {
			return m.JournalID
		}
	}
	return ""
}

func TestWorkGoesOnWhileTheConnectionIsAway(t *testing.T) {
	f := newFake(t)
	step := make(chan struct{})
	startRobot(t, testOptions(t, f, nodeByNode(step)))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	step <- struct{}{}
	f.cut()
	hello := of[*wire.Hello](f, 2, wire.Ref{})
	if diff := cmp.Diff([]wire.HeldAttempt{{Ref: ref(1), Phase: wire.PhaseRunning, Node: "n"}}, hello.Attempts); diff != "" {
		t.Error(diff)
	}
	step <- struct{}{}
	close(step)
	of[*wire.JobComplete](f, 1, ref(1))
}

// handClock is a boot clock that a test moves.
type handClock struct {
	mu sync.Mutex
	at protocol.Instant
}

func (c *handClock) now() protocol.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d
}

func TestRobotFencesItself(t *testing.T) {
	f := newFake(t)
	clock := &handClock{}
	o := testOptions(t, f, nodeByNode(make(chan struct{})))
	o.clock = clock.now
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	f.with(func() { f.holdBeats = true }) // the orchestrator cannot commit: no renewals
	clock.move(49 * time.Second)
	f.wait("a heartbeat", func(heard []wire.Frame) bool { return heard[len(heard)-1].Type == wire.TypeHeartbeat })
	if n := f.count(wire.TypeJobCancelled); n != 0 {
		t.Fatal("stopped before the fence")
	}
	clock.move(2 * time.Second)
	got := of[*wire.JobCancelled](f, 1, ref(1))
	if got.By != fleet.BySelfFence || got.How != fleet.StoppedForced {
		t.Errorf("stopped %s, %s", got.By, got.How)
	}
}

func TestFenceHoldsBetweenTwoTicks(t *testing.T) {
	f := newFake(t)
	clock := &handClock{}
	step := make(chan struct{})
	entered := make(chan error, 1)
	o := testOptions(t, f, func(ctx context.Context, _ runner.Job, _ engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
		<-step
		err := gate.Enter(ctx, "b")
		entered <- err
		return nil, err
	})
	o.clock = clock.now
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	f.with(func() { f.holdBeats = true })
	clock.move(time.Minute)
	close(step)
	if err := <-entered; err == nil {
		t.Fatal("a node began past the fence")
	}
	if got := of[*wire.JobCancelled](f, 1, ref(1)); got.Epoch != 1 {
		t.Errorf("%+v", got)
	}
}

func TestCancelBetweenNodes(t *testing.T) {
	f := newFake(t)
	step := make(chan struct{})
	startRobot(t, testOptions(t, f, nodeByNode(step)))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	f.say(&wire.JobCancel{Ref: ref(1), Cause: fleet.StopCancel, Grace: fleet.Duration(time.Hour)})
	f.say(offer(ref(2))) // heard after the cancel
	of[*wire.JobAccept](f, 1, ref(2))
	step <- struct{}{} // the node ends by itself, and the next one is not entered
	got := of[*wire.JobCancelled](f, 1, ref(1))
	if got.By != fleet.ByRequest || got.How != fleet.StoppedClean {
		t.Errorf("stopped %s, %s", got.By, got.How)
	}
	close(step)
}

func TestCancelInsideANode(t *testing.T) {
	for name, m := range map[string]*wire.JobCancel{
		"force":    {Ref: ref(1), Cause: fleet.StopCancel, Grace: fleet.Duration(time.Hour), Force: true},
		"no grace": {Ref: ref(1), Cause: fleet.StopCancel},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			startRobot(t, testOptions(t, f, nodeByNode(make(chan struct{}))))
			f.connected(1)
			f.say(offer(ref(1)))
			of[*wire.JobStarted](f, 1, ref(1))
			f.say(m)
			got := of[*wire.JobCancelled](f, 1, ref(1))
			if got.By != fleet.ByRequest || got.How != fleet.StoppedForced {
				t.Errorf("stopped %s, %s", got.By, got.How)
			}
		})
	}
}

func TestRunTimeoutIsTheRobotsOwn(t *testing.T) {
	f := newFake(t)
	clock := &handClock{}
	step := make(chan struct{})
	o := testOptions(t, f, nodeByNode(step))
	o.clock = clock.now
	startRobot(t, o)
	f.connected(1)
	job := offer(ref(1))
	job.Timeout = fleet.Duration(20 * time.Second)
	f.say(job)
	of[*wire.JobStarted](f, 1, ref(1))
	clock.move(21 * time.Second)
	for stopped := false; !stopped; { // nodes go by until the robot looks at its clock
		select {
		case step <- struct{}{}:
		case <-time.After(time.Millisecond):
			stopped = f.count(wire.TypeJobCancelled) > 0
		}
	}
	if got := of[*wire.JobCancelled](f, 1, ref(1)); got.By != fleet.ByTimeout || got.How != fleet.StoppedClean {
		t.Errorf("stopped by %s, %s", got.By, got.How)
	}
}

// heartbeats waits for n more of them.
func heartbeats(f *fake, n int) func([]wire.Frame) bool {
	want := f.count(wire.TypeHeartbeat) + n
	return func(heard []wire.Frame) bool {
		got := 0
		for _, h := range heard {
			if h.Type == wire.TypeHeartbeat {
				got++
			}
		}
		return got >= want
	}
}

func TestForgetFreesTheSlotAndReportsNothing(t *testing.T) {
	f := newFake(t)
	o := testOptions(t, f, nodeByNode(make(chan struct{})))
	o.Slots = 1
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	f.say(&wire.JobForget{Ref: ref(1), Reason: wire.ForgetFenced})
	// The slot is free once the run has ended; until then the robot says so.
	f.wait("the slot", func(heard []wire.Frame) bool {
		last := heard[len(heard)-1]
		m, ok := last.Payload.(*wire.Heartbeat)
		return ok && len(m.Attempts) == 0 && m.Status == fleet.ReportedReady
	})
	f.say(offer(ref(2)))
	of[*wire.JobStarted](f, 1, ref(2))
	if n := f.count(wire.TypeJobCancelled) + f.count(wire.TypeJobFailed); n != 0 {
		t.Errorf("%d reports about a forgotten attempt", n)
	}
}

func TestHigherEpochStopsTheOldOneFirst(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	running, most := 0, 0
	o := testOptions(t, f, func(ctx context.Context, _ runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		<-ctx.Done()
		mu.Lock()
		running--
		mu.Unlock()
		return nil, context.Cause(ctx)
	})
	o.Slots = 1
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	second := ref(1)
	second.Epoch = 2
	f.say(offer(second))
	of[*wire.JobStarted](f, 1, second)
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("%d epochs of one job ran at once", most)
	}
}

func TestSlotsAreNotExceeded(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, nodeByNode(make(chan struct{}))))
	f.connected(1)
	for i := 1; i <= 3; i++ {
		f.say(offer(ref(i)))
	}
	if got := of[*wire.JobReject](f, 1, ref(3)); got.Reason != fleet.RejectAtCapacity {
		t.Errorf("rejected for %s", got.Reason)
	}
}

func TestEffectWaitsForItsVerdict(t *testing.T) {
	outcomes := map[fleet.VerdictKind]string{
		fleet.VerdictGo: "did it", fleet.VerdictSkip: "used 7", fleet.VerdictStop: "", fleet.VerdictStale: "",
	}
	for verdict, want := range outcomes {
		t.Run(string(verdict), func(t *testing.T) {
			f := newFake(t)
			f.verdict = func(frame wire.Frame) fleet.Verdict {
				if frame.Type == wire.TypeEffectBegin {
					return fleet.Verdict{Verdict: verdict, Outcome: []byte(`{"n":7}`)}
				}
				return fleet.Verdict{Verdict: fleet.VerdictApplied}
			}
			startRobot(t, testOptions(t, f, func(ctx context.Context, _ runner.Job, _ engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
				outcome, skip, err := gate.Begin(ctx, "n", "k")
				if err != nil {
					return nil, err
				}
				if skip {
					return success(map[string]any{"how": "used " + strings.TrimSpace(string(rune('0'+outcome["n"].(int64))))}), nil
				}
				return success(map[string]any{"how": "did it"}), gate.End(ctx, "n", "k", true, map[string]any{"n": int64(7)})
			}))
			f.connected(1)
			f.say(offer(ref(1)))
			if want == "" {
				of[*wire.JobCancelled](f, 1, ref(1))
				return
			}
			if got := string(resultOf(t, f, of[*wire.JobComplete](f, 1, ref(1))).Variables); got != `{"how":"`+want+`"}` {
				t.Errorf("variables = %s", got)
			}
		})
	}
}

func TestEffectIsAskedAgainAfterAReconnect(t *testing.T) {
	f := newFake(t)
	f.holdAcks = true
	startRobot(t, testOptions(t, f, func(ctx context.Context, _ runner.Job, _ engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
		if _, _, err := gate.Begin(ctx, "n", "k"); err != nil {
			return nil, err
		}
		return success(nil), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.EffectBegin](f, 1, ref(1))
	f.with(func() {
		f.holdAcks = false
		f.verdict = func(wire.Frame) fleet.Verdict { return fleet.Verdict{Verdict: fleet.VerdictGo} }
		for j := range f.committed { // committed, but the answer never came
			f.committed[j] = 2
		}
	})
	f.cut()
	of[*wire.EffectBegin](f, 2, ref(1))
	of[*wire.JobComplete](f, 1, ref(1))
}

func TestSecretIsAskedForAgainAfterAReconnect(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(ctx context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		v, err := job.Secret(ctx, "erp.password")
		if err != nil {
			return nil, err
		}
		return success(map[string]any{"letters": int64(len(v))}), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.SecretGet](f, 1, ref(1)) // and the answer never comes
	f.cut()
	of[*wire.SecretGet](f, 2, ref(1))
	asked := f.heardLast(wire.TypeSecretGet)
	f.newest().send(asked.ID, &wire.Secret{Ref: ref(1), Name: "erp.password", Value: "12345"})
	if got := string(resultOf(t, f, of[*wire.JobComplete](f, 1, ref(1))).Variables); got != `{"letters":5}` {
		t.Errorf("variables = %s", got)
	}
}

func TestSecretIsAskedForOnceTheOrchestratorIsBack(t *testing.T) {
	f := newFake(t)
	ask := make(chan struct{})
	startRobot(t, testOptions(t, f, func(ctx context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		<-ask
		v, err := job.Secret(ctx, "erp.password")
		if err != nil {
			return nil, err
		}
		return success(map[string]any{"letters": int64(len(v))}), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	away := make(chan struct{}, 100)
	f.with(func() {
		f.handshake = func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "away", http.StatusServiceUnavailable)
			away <- struct{}{}
			return true
		}
	})
	f.cut()
	<-away
	close(ask)
	<-away // the run had the time of a reconnect to give up
	f.with(func() { f.handshake = nil })
	of[*wire.SecretGet](f, 1, ref(1))
	asked := f.heardLast(wire.TypeSecretGet)
	f.newest().send(asked.ID, &wire.Secret{Ref: ref(1), Name: "erp.password", Value: "12345"})
	of[*wire.JobComplete](f, 1, ref(1))
}

func TestCancelEndsTheWaitForASecret(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(ctx context.Context, job runner.Job, _ engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
		// A step asks for its secrets first, and then the gate.
		if _, err := job.Secret(ctx, "erp.password"); err == nil {
			t.Error("a secret came from nowhere")
		}
		return nil, gate.Enter(ctx, "next")
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.SecretGet](f, 1, ref(1))
	f.say(&wire.JobCancel{Ref: ref(1)})
	of[*wire.JobCancelled](f, 1, ref(1))
}
