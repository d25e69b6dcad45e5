package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
)

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
		want time.Duration // before the same address is asked again
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
			got := r.pause(tt.err, &protocol.Backoff{})
			if max(got.wait, got.alone) != tt.want || got.wait != 500*time.Millisecond {
				t.Errorf("pause = %+v, want %s", got, tt.want)
			}
		})
	}
}

// An address that refuses the robot does not keep it from the others, however
// long it asks to be left alone.
func TestRefusingAddressIsPassedOver(t *testing.T) {
	for name, refuse := range map[string]func(http.ResponseWriter){
		"cut off": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"knows no such key": func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) },
	} {
		t.Run(name, func(t *testing.T) {
			bad, good := newFake(t), newFake(t)
			var asked atomic.Int32
			bad.handshake = func(w http.ResponseWriter, _ *http.Request) bool {
				asked.Add(1)
				refuse(w)
				return true
			}
			o := testOptions(t, bad, atOnce)
			o.URLs = []string{bad.server.URL, good.server.URL}
			o.chance = func() float64 { return 0.99 } // leaves the order of the addresses as it is
			startRobot(t, o)
			good.connected(1)
			good.say(&wire.Goaway{Reason: "restart", ReconnectAfter: fleet.Duration(time.Millisecond)})
			good.connected(2)
			if n := asked.Load(); n != 1 {
				t.Errorf("it asked %d times where it should leave alone", n)
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

// The log says who closed and why, in the other side's words and not in those
// of the channel.
func TestRefusalIsToldInPlainWords(t *testing.T) {
	f := newFake(t)
	refused := false
	f.onHello = func(*wire.Hello) (*wire.Welcome, wire.CloseCode) {
		if refused {
			return nil, 0
		}
		refused = true
		return nil, wire.CloseSuperseded
	}
	var log logged
	o := testOptions(t, f, atOnce)
	o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	r := startRobot(t, o)
	f.connected(1)
	if err := r.finish(t); err != nil {
		t.Fatal(err)
	}
	line := log.line(t, "the orchestrator refuses this robot")
	if line["level"] != "ERROR" || line["url"] != f.server.URL || line["hint"] != "another robot with the same id is connected; each needs a key of its own" {
		t.Errorf("the line is %v", line)
	}
	if want := fmt.Sprintf("closed with %d: refused by the test", wire.CloseSuperseded); line["error"] != want {
		t.Errorf("error is %q, want %q", line["error"], want)
	}
	if d, err := time.ParseDuration(fmt.Sprint(line["again_in"])); err != nil || d <= 0 {
		t.Errorf("again_in is %v", line["again_in"])
	}
}

// logged keeps the lines of a robot's log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// line is the first line with this message.
func (l *logged) line(t testing.TB, msg string) map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.Lines(l.text.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if line["msg"] == msg {
			return line
		}
	}
	t.Fatalf("no line says %q:\n%s", msg, l.text.String())
	return nil
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
	a := startRobot(t, testOptions(t, f, nodeByNode(step)))
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
	o := testOptions(t, f, nodeByNode(make(chan struct{})))
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
	f.say(&wire.SelfTest{CommandID: "c-4"})
	if told := of[*wire.CommandResult](f, 2, wire.Ref{}); !told.OK || !strings.Contains(told.Message, "can be written") {
		t.Errorf("its self-test: %+v", told)
	}
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
	o := testOptions(t, f, nodeByNode(make(chan struct{})))
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

// A file that the orchestrator refuses is a note of the result. A robot without a
// connection hands its files over when it has one again. Nobody waits for those of a
// job that is cancelled meanwhile.
func TestFilesAreHandedOver(t *testing.T) {
	f := newFake(t)
	f.with(func() {
		f.onFile = func(w http.ResponseWriter, r *http.Request) bool {
			if r.PathValue("name") == "b.txt" {
				http.Error(w, "no", http.StatusRequestEntityTooLarge)
			}
			return r.PathValue("name") == "b.txt"
		}
	})
	cut := make(chan struct{})
	first := true
	o := testOptions(t, f, func(ctx context.Context, job runner.Job, s engine.Sink, g engine.Gate) (*engine.Outcome, error) {
		if !first {
			<-cut
		}
		first = false
		return leaves(ctx, job, s, g)
	})
	o.Slots = 1
	startRobot(t, o)
	f.connected(1)
	f.say(offer(ref(1)))
	done := of[*wire.JobComplete](f, 1, ref(1))
	if got := resultOf(t, f, done); len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "the artifact b.txt was left out: the orchestrator answered 413") {
		t.Errorf("notes %q", got.Notes)
	}
	// The second run ends while there is no connection.
	f.with(func() {
		f.onFile = nil
		f.handshake = func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "away", http.StatusBadGateway)
			return true
		}
	})
	f.say(offer(ref(2)))
	of[*wire.JobStarted](f, 1, ref(2))
	f.cut()
	close(cut)
	f.with(func() { f.handshake = nil })
	of[*wire.JobComplete](f, 1, ref(2))
	f.with(func() {
		for _, key := range []string{string(ref(1).JobID) + " 1 a.txt", string(ref(2).JobID) + " 1 a.txt", string(ref(2).JobID) + " 1 b.txt"} {
			if f.files[key] == nil {
				t.Errorf("%s was not handed over", key)
			}
		}
	})
	// Of one that is cancelled nobody waits for the files.
	held, release := make(chan struct{}), make(chan struct{})
	f.with(func() {
		f.onFile = func(http.ResponseWriter, *http.Request) bool { close(held); <-release; return true }
	})
	t.Cleanup(func() { close(release) })
	f.say(offer(ref(3)))
	<-held
	if n := f.count(wire.TypeJobComplete); n != 2 {
		t.Errorf("%d completions before the files", n)
	}
	f.say(&wire.JobCancel{Ref: ref(3), Cause: fleet.StopCancel})
	of[*wire.JobComplete](f, 1, ref(3))
}
