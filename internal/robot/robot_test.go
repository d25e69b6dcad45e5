package robot

import (
	"context"
	"net/http"
	"slices"
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
	// After the ack nothing is left, also for the next session.
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
	startRobot(t, testOptions(t, f, nodes(step)))
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
	o := testOptions(t, f, nodes(make(chan struct{})))
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
	startRobot(t, testOptions(t, f, nodes(step)))
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
			startRobot(t, testOptions(t, f, nodes(make(chan struct{}))))
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
	o := testOptions(t, f, nodes(step))
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
	o := testOptions(t, f, nodes(make(chan struct{})))
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
	startRobot(t, testOptions(t, f, nodes(make(chan struct{}))))
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

func TestLargeBodiesTravelBesideTheChannel(t *testing.T) {
	f := newFake(t)
	f.docs["abc"] = []byte(`{"large":true}`)
	big := strings.Repeat("x", 2*wire.MaxInline)
	startRobot(t, testOptions(t, f, func(_ context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		return success(map[string]any{"doc": string(job.Document), "big": big}), nil
	}))
	f.connected(1)
	job := offer(ref(1))
	job.Workflow, job.WorkflowRef = nil, "abc"
	f.say(job)
	done := of[*wire.JobComplete](f, 1, ref(1))
	if done.ResultRef == nil || done.Result != nil {
		t.Fatalf("the result is inside the frame: %v", done.ResultRef)
	}
	if got := string(resultOf(t, f, done).Variables); !strings.Contains(got, `{\"large\":true}`) || !strings.Contains(got, big) {
		t.Errorf("result = %.100s…", got)
	}
	job = offer(ref(2))
	job.Workflow, job.WorkflowRef = nil, "missing"
	f.say(job)
	of[*wire.JobReject](f, 1, ref(2))
}

func TestTooLargeResultFailsWithWords(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(context.Context, runner.Job, engine.Sink, engine.Gate) (*engine.Outcome, error) {
		return success(map[string]any{"big": strings.Repeat("x", wire.MaxResult)}), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	got := of[*wire.JobFailed](f, 1, ref(1))
	if got.Error.Code != "result_too_large" || got.Error.Retryable == nil || *got.Error.Retryable {
		t.Errorf("error = %+v", got.Error)
	}
}

func TestFailureKeepsItsWords(t *testing.T) {
	f := newFake(t)
	startRobot(t, testOptions(t, f, func(_ context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		switch job.ID {
		case string(ref(1).JobID):
			return &engine.Outcome{Error: "no such file", ErrorType: "FileNotFoundError", ErrorClass: engine.ClassBusiness, FailedNode: "n", Stack: "s"}, nil
		case string(ref(2).JobID):
			return nil, errTest
		}
		panic("a bug in the runner")
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	want := fleet.JobError{Class: fleet.ClassBusiness, Type: "FileNotFoundError", Message: "no such file", Node: "n", Stack: "s"}
	if diff := cmp.Diff(want, of[*wire.JobFailed](f, 1, ref(1)).Error); diff != "" {
		t.Error(diff)
	}
	f.say(offer(ref(2)))
	if got := of[*wire.JobFailed](f, 1, ref(2)).Error; got.Class != fleet.ClassInfrastructure || got.Message != errTest.Error() {
		t.Errorf("error = %+v", got)
	}
	f.say(offer(ref(3)))
	if got := of[*wire.JobFailed](f, 1, ref(3)).Error; got.Class != fleet.ClassInfrastructure || !strings.Contains(got.Message, "a bug in the runner") {
		t.Errorf("error = %+v", got)
	}
}

func TestGoawayMovesTheRobot(t *testing.T) {
	f, other := newFake(t), newFake(t)
	o := testOptions(t, f, atOnce)
	o.URLs = []string{f.server.URL, other.server.URL}
	o.chance = func() float64 { return 0.99 } // leaves the order of the addresses as it is
	startRobot(t, o)
	f.connected(1)
	f.say(&wire.Goaway{Reason: "restart", ReconnectAfter: fleet.Duration(10 * time.Millisecond), To: other.server.URL})
	other.connected(1)
}

func TestRefusalsAboutTheRobotItself(t *testing.T) {
	r := &Robot{o: Options{chance: func() float64 { return 0.5 }}}
	slow := protocol.SlowRetry
	tests := map[string]struct {
		err  error
		want time.Duration
	}{
		"401":         {&refused{status: 401}, slow},
		"403":         {&refused{status: 403}, slow},
		"426":         {&refused{status: 426}, slow},
		"429 later":   {&refused{status: 429, after: 7 * time.Second}, 7 * time.Second},
		"503":         {&refused{status: 503}, 500 * time.Millisecond},
		"own version": {&closing{wire.CloseVersion, ""}, slow},
		"broken":      {errTest, 500 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, _ := r.pause(tt.err, &protocol.Backoff{}); got != tt.want {
				t.Errorf("pause = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDuplicateIDKeepsAsking(t *testing.T) {
	f := newFake(t)
	refusals := 0
	f.onHello = func(*wire.Hello) (*wire.Welcome, wire.CloseCode) {
		if refusals++; refusals <= 3 {
			return nil, wire.CloseSuperseded
		}
		return nil, 0
	}
	startRobot(t, testOptions(t, f, atOnce))
	of[*wire.Hello](f, 4, wire.Ref{})
	f.wait("a session", func([]wire.Frame) bool { return len(f.conns) > 0 })
}

func TestHandshakeRefusalIsWaitedOut(t *testing.T) {
	f := newFake(t)
	calls := 0
	f.handshake = func(w http.ResponseWriter, _ *http.Request) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if calls++; calls > 2 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	startRobot(t, testOptions(t, f, atOnce))
	f.connected(1)
}

func TestDrainWaitsForTheWork(t *testing.T) {
	f := newFake(t)
	step := make(chan struct{})
	a := startRobot(t, testOptions(t, f, nodes(step)))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	a.stop()
	of[*wire.RobotDrain](f, 1, wire.Ref{})
	f.say(offer(ref(2)))
	if got := of[*wire.JobReject](f, 1, ref(2)); got.Reason != fleet.RejectDraining {
		t.Errorf("rejected for %s", got.Reason)
	}
	step <- struct{}{} // still at work
	f.wait("heartbeats go on", heartbeats(f, 2))
	close(step)
	of[*wire.JobComplete](f, 1, ref(1))
	if err := a.finish(t); err != nil {
		t.Errorf("Run = %v", err)
	}
	of[*wire.Disconnect](f, 1, wire.Ref{})
}

func TestDrainEndsByStopping(t *testing.T) {
	f := newFake(t)
	o := testOptions(t, f, nodes(make(chan struct{})))
	o.DrainFor = 50 * time.Millisecond
	a := startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	a.stop()
	if got := of[*wire.JobCancelled](f, 1, ref(1)); got.By != fleet.ByShutdown {
		t.Errorf("stopped by %s", got.By)
	}
	if err := a.finish(t); err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestRemoteCommands(t *testing.T) {
	f := newFake(t)
	a := startRobot(t, testOptions(t, f, atOnce))
	f.connected(1)
	f.say(&wire.Pause{CommandID: "c-1"})
	of[*wire.CommandResult](f, 1, wire.Ref{})
	f.say(offer(ref(1)))
	of[*wire.JobReject](f, 1, ref(1))
	f.say(&wire.ResumeWork{CommandID: "c-2"})
	f.say(offer(ref(2)))
	of[*wire.JobComplete](f, 1, ref(2))
	f.say(&wire.Restart{CommandID: "c-3"})
	select {
	case <-a.done:
	case <-time.After(patience):
		t.Fatal("the robot does not restart")
	}
	if a.err != ErrRestart { //nolint:errorlint // returned as it is
		t.Errorf("Run = %v", a.err)
	}
}

func TestLogFloodIsBounded(t *testing.T) {
	f := newFake(t)
	f.holdLogs = true // the orchestrator stores nothing
	line := strings.Repeat("x", 1<<10)
	const lines = 1 << 20 // 1 GiB
	startRobot(t, testOptions(t, f, func(_ context.Context, _ runner.Job, sink engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
		for range lines {
			sink.Log(engine.Line{Level: engine.LevelInfo, Message: line})
		}
		return success(nil), nil
	}))
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobComplete](f, 1, ref(1))
	f.mu.Lock()
	sent := 0
	for _, h := range f.heard {
		if b, ok := h.Payload.(*wire.LogBatch); ok {
			sent += len(b.Lines)
		}
	}
	f.mu.Unlock()
	if sent == 0 || sent > 2*logWindow {
		t.Errorf("%d lines were sent without an answer", sent)
	}
	f.with(func() { f.holdLogs = false })
	f.cut() // the next session sends what is left, with the count of what is not
	f.wait("the mark in the log", func(heard []wire.Frame) bool {
		return slices.ContainsFunc(heard, func(h wire.Frame) bool {
			b, ok := h.Payload.(*wire.LogBatch)
			return ok && b.Dropped > 0 && strings.Contains(b.Lines[len(b.Lines)-1].Message, "left out")
		})
	})
}

func TestFullDiskRefusesJobs(t *testing.T) {
	f := newFake(t)
	o := testOptions(t, f, nodes(make(chan struct{})))
	o.limit, o.reserve = 300<<10, 200<<10
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	of[*wire.JobStarted](f, 1, ref(1))
	f.say(offer(ref(2)))
	if got := of[*wire.JobReject](f, 1, ref(2)); got.Reason != fleet.RejectNoSpace {
		t.Errorf("rejected for %s", got.Reason)
	}
	f.say(&wire.JobCancel{Ref: ref(1), Force: true})
	of[*wire.JobCancelled](f, 1, ref(1)) // there is room for what was promised
	f.say(offer(ref(3)))                 // and for the next one
	of[*wire.JobStarted](f, 1, ref(3))
}
