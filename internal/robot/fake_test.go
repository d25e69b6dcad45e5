package robot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/value"
)

const (
	testKey  = "crpa_test"
	patience = 20 * time.Second // of a test, for what takes milliseconds
)

// fake is an orchestrator that speaks the real protocol over real sockets and
// remembers what it heard. Its answers can be held back or changed.
type fake struct {
	t      testing.TB
	server *httptest.Server

	mu        sync.Mutex
	heard     []wire.Frame
	changed   chan struct{} // closed and replaced at each frame
	conns     []*fakeConn
	sessions  int64
	opened    int64            // sessions whose welcome is out
	committed map[string]int64 // by journal
	results   map[string][]byte
	files     map[string][]byte // by job, epoch and name
	docs      map[string][]byte
	live      map[wire.Ref]bool
	logNext   map[wire.Ref]int64

	// Knobs, set under mu.
	handshake func(w http.ResponseWriter, r *http.Request) bool // true: answered
	onHello   func(*wire.Hello) (*wire.Welcome, wire.CloseCode)
	holdAcks  bool // of reports
	holdStart bool
	holdBeats bool
	holdLogs  bool
	verdict   func(wire.Frame) fleet.Verdict
	onFile    func(w http.ResponseWriter, r *http.Request) bool // true: answered
	timing    fleet.Timing
}

type fakeConn struct {
	f       *fake
	ws      *websocket.Conn
	session int64
	journal string
	mu      sync.Mutex
	seq     int64
}

func newFake(t testing.TB) *fake {
	f := &fake{
		t: t, changed: make(chan struct{}), committed: map[string]int64{}, results: map[string][]byte{}, files: map[string][]byte{}, docs: map[string][]byte{},
		live: map[wire.Ref]bool{}, logNext: map[wire.Ref]int64{}, timing: fleet.DefaultTiming(),
	}
	f.timing.Heartbeat = 50 * time.Millisecond
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.Path, f.serve)
	mux.HandleFunc("GET "+wire.WorkflowPath+"{hash}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		doc := f.docs[r.PathValue("hash")]
		f.mu.Unlock()
		if doc == nil || r.Header.Get("Authorization") != "Bearer "+testKey {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		_, _ = w.Write(doc)
	})
	mux.HandleFunc("PUT "+wire.ResultPath+"{sum}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer "+testKey {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		f.mu.Lock()
		f.results[r.PathValue("sum")] = body
		f.mu.Unlock()
	})
	mux.HandleFunc("PUT /api/v1/jobs/{id}/artifacts/{name}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer "+testKey {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		f.mu.Lock()
		onFile := f.onFile
		f.mu.Unlock()
		if onFile != nil && onFile(w, r) {
			return
		}
		f.mu.Lock()
		f.files[r.PathValue("id")+" "+r.FormValue("epoch")+" "+r.PathValue("name")] = body
		f.mu.Unlock()
	})
	f.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		f.cut()
		f.server.Close()
	})
	return f
}

// with changes a knob.
func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	handshake := f.handshake
	f.mu.Unlock()
	if handshake != nil && handshake(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+testKey {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck // a test
	ws.SetReadLimit(wire.MaxFrame)
	c := &fakeConn{f: f, ws: ws}
	for {
		_, data, err := ws.Read(context.Background())
		if err != nil {
			return
		}
		frame, err := wire.Decode(data, wire.FromRobot)
		if err != nil {
			f.t.Errorf("the robot sent what cannot be read: %v\n%s", err, data)
			return
		}
		f.hear(frame)
		c.answer(frame)
	}
}

func (f *fake) hear(frame wire.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = append(f.heard, frame)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (c *fakeConn) send(answers string, m wire.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	data, err := wire.Encode(wire.Frame{ID: "s", CorrelationID: answers, Seq: c.seq, Session: c.session, Payload: m})
	if err != nil {
		c.f.t.Errorf("encode: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.ws.Write(ctx, websocket.MessageText, data) // the robot may have gone on purpose
}

// answer plays the orchestrator as the knobs say.
func (c *fakeConn) answer(frame wire.Frame) {
	f := c.f
	switch m := frame.Payload.(type) {
	case *wire.Hello:
		c.hello(frame, m)
	case *wire.Heartbeat:
		f.mu.Lock()
		hold := f.holdBeats
		ack := &wire.HeartbeatAck{Echo: frame.ID, Heartbeat: fleet.Duration(f.timing.Heartbeat)}
		for _, a := range m.Attempts {
			if f.live[a.Ref] {
				ack.Renewed = append(ack.Renewed, a.Ref)
			}
		}
		f.mu.Unlock()
		if !hold {
			c.send(frame.ID, ack)
		}
	case *wire.JobAccept:
		f.mu.Lock()
		hold := f.holdStart
		f.live[m.Ref] = true
		f.mu.Unlock()
		if !hold {
			c.send(frame.ID, &wire.JobStart{Ref: m.Ref, Echo: frame.ID})
		}
	case *wire.LogBatch:
		f.mu.Lock()
		f.logNext[m.Ref] = m.FirstLine + int64(len(m.Lines))
		hold := f.holdLogs
		f.mu.Unlock()
		if !hold {
			c.send(frame.ID, &wire.LogAck{Ref: m.Ref, NextLine: m.FirstLine + int64(len(m.Lines)), Window: 1000})
		}
	default:
		if !wire.IsReport(frame.Type) {
			return
		}
		c.report(frame)
	}
}

func (c *fakeConn) report(frame wire.Frame) {
	f := c.f
	f.mu.Lock()
	v := fleet.Verdict{ReportID: frame.ReportID, Verdict: fleet.VerdictApplied}
	if f.verdict != nil {
		v = f.verdict(frame)
		v.ReportID = frame.ReportID
	}
	hold := f.holdAcks
	if !hold {
		f.committed[c.journal] = max(f.committed[c.journal], frame.ReportID)
		if wire.IsEnd(frame.Type) {
			ref, _ := wire.AttemptOf(frame.Payload)
			delete(f.live, ref)
		}
	}
	f.mu.Unlock()
	if !hold {
		c.send(frame.ID, &wire.ReportAck{Upto: frame.ReportID, Verdicts: []fleet.Verdict{v}})
	}
}

func (c *fakeConn) hello(frame wire.Frame, m *wire.Hello) {
	f := c.f
	f.mu.Lock()
	f.sessions++
	c.session, c.journal = f.sessions, m.JournalID
	w := &wire.Welcome{
		SessionID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", SessionEpoch: f.sessions, ResumeToken: "t", RobotID: "bot", GrantedMax: 100,
		CommittedReportID: f.committed[m.JournalID], Heartbeat: fleet.Duration(f.timing.Heartbeat), Lease: fleet.Duration(f.timing.Lease),
		Fence: fleet.Duration(f.timing.Fence), AcceptWithin: fleet.Duration(f.timing.Accept), StopGrace: fleet.Duration(f.timing.StopGrace),
		Features: []string{wire.FeatureCheckpoint},
	}
	for _, a := range m.Attempts {
		want := wire.WantForget
		switch {
		case a.Phase == wire.PhaseFinished:
			want = wire.WantReport
		case f.live[a.Ref]:
			want = wire.WantContinue
		}
		w.Desired = append(w.Desired, wire.Desired{Ref: a.Ref, Want: want})
	}
	var code wire.CloseCode
	if f.onHello != nil {
		var own *wire.Welcome
		if own, code = f.onHello(m); own != nil {
			w = own
		}
	}
	f.mu.Unlock()
	if code != 0 {
		_ = c.ws.Close(websocket.StatusCode(code), "refused by the test")
		return
	}
	c.send(frame.ID, w)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, c)
	f.opened++
	close(f.changed)
	f.changed = make(chan struct{})
}

// newest is the newest connection.
func (f *fake) newest() *fakeConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.conns) == 0 {
		return nil
	}
	return f.conns[len(f.conns)-1]
}

// say sends a message on the newest connection.
func (f *fake) say(m wire.Message) {
	f.t.Helper()
	c := f.newest()
	if c == nil {
		f.t.Fatal("no robot is connected")
	}
	c.send("", m)
}

// cut breaks every connection without a word.
func (f *fake) cut() {
	f.mu.Lock()
	conns := f.conns
	f.conns = nil
	f.mu.Unlock()
	for _, c := range conns {
		_ = c.ws.CloseNow() // that is the point
	}
}

// wait waits until what was heard satisfies a condition.
func (f *fake) wait(what string, holds func(heard []wire.Frame) bool) {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		f.mu.Lock()
		ok, changed := holds(f.heard), f.changed
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			f.mu.Lock()
			defer f.mu.Unlock()
			var types []string
			for _, h := range f.heard {
				if h.Type != wire.TypeHeartbeat {
					types = append(types, string(h.Type))
				}
			}
			f.t.Fatalf("waited in vain for %s; heard %s", what, strings.Join(types, " "))
		}
	}
}

// of waits for the n-th message of a type about an attempt (or about none).
func of[M wire.Message](f *fake, n int, ref wire.Ref) M {
	f.t.Helper()
	var found M
	f.wait("message "+string(found.Type())+" of "+ref.String(), func(heard []wire.Frame) bool {
		seen := 0
		for _, h := range heard {
			m, ok := h.Payload.(M)
			if !ok {
				continue
			}
			if r, about := wire.AttemptOf(m); about && r != ref {
				continue
			}
			if seen++; seen == n {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// heardLast is the newest frame of a type that was heard.
func (f *fake) heardLast(t wire.Type) (frame wire.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.heard {
		if h.Type == t {
			frame = h
		}
	}
	return frame
}

// count counts messages of a type.
func (f *fake) count(t wire.Type) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, h := range f.heard {
		if h.Type == t {
			n++
		}
	}
	return n
}

func (f *fake) connected(n int64) {
	f.t.Helper()
	f.wait("a connection", func([]wire.Frame) bool { return f.opened >= n })
}

func ref(n int) wire.Ref {
	digits := "0000000000000000" + string(rune('0'+n%10))
	return wire.Ref{JobID: fleet.ID("01939c3e-7b1a-7c3d-8e4f-" + digits[len(digits)-12:]), Epoch: 1}
}

func offer(r wire.Ref) *wire.JobAssign {
	return &wire.JobAssign{
		Ref: r, Number: int(r.Epoch), WorkflowName: "w", Workflow: json.RawMessage(`{"nodes":{}}`), Timeout: fleet.Duration(time.Hour),
		AcceptWithin: fleet.Duration(10 * time.Second),
	}
}

// plays is a runner made of a function.
type plays func(ctx context.Context, job runner.Job, sink engine.Sink, gate engine.Gate) (*engine.Outcome, error)

// Run calls it.
func (p plays) Run(ctx context.Context, job runner.Job, sink engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
	return p(ctx, job, sink, gate)
}

func success(vars map[string]any) *engine.Outcome {
	m, _ := value.FromGo(vars).(*value.Map)
	return &engine.Outcome{Success: true, Executed: 3, Path: []string{"a", "b"}, Variables: m}
}

// atOnce succeeds without delay.
func atOnce(_ context.Context, _ runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
	return success(map[string]any{"answer": int64(42)}), nil
}

// leaves succeeds with two files.
func leaves(ctx context.Context, job runner.Job, _ engine.Sink, _ engine.Gate) (*engine.Outcome, error) {
	out := success(map[string]any{"answer": int64(42)})
	for _, name := range []string{"a.txt", "b.txt"} {
		if err := job.Keep(ctx, name, []byte("of "+name)); err != nil {
			out.Notes = append(out.Notes, err.Error())
		}
	}
	return out, nil
}

// nodeByNode is a runner that enters nodes until it is stopped, one at a time, as
// fast as step lets it.
func nodeByNode(step <-chan struct{}) plays {
	return func(ctx context.Context, _ runner.Job, _ engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
		for {
			if err := gate.Enter(ctx, "n"); err != nil {
				return nil, err
			}
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case _, more := <-step:
				if !more {
					return success(nil), nil
				}
			}
		}
	}
}

// agent is a robot under test.
type agent struct {
	*Robot
	stop context.CancelFunc
	done chan struct{}
	err  error
}

func testOptions(t testing.TB, f *fake, run plays) Options {
	return Options{
		URLs: []string{f.server.URL}, Key: testKey, DataDir: t.TempDir(), Name: "bot", Slots: 2, Runner: run,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
		chance: func() float64 { return 0.01 }, reserve: 1 << 16, DrainFor: 2 * time.Second,
	}
}

func startRobot(t testing.TB, o Options) *agent {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &agent{Robot: r, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.err = r.Run(ctx)
	}()
	t.Cleanup(func() {
		a.quit(protocol.Quit{})
		_ = a.finish(t)
	})
	return a
}

// finish stops the robot and waits for its end.
func (a *agent) finish(t testing.TB) error {
	t.Helper()
	a.stop()
	select {
	case <-a.done:
	case <-time.After(patience + 30*time.Second):
		t.Error("the robot does not stop")
	}
	return a.err
}

var errTest = errors.New("a test failed it")

// resultOf reads the variables of a completion.
func resultOf(t testing.TB, f *fake, m *wire.JobComplete) wire.Result {
	t.Helper()
	text := []byte(m.Result)
	if m.ResultRef != nil {
		f.mu.Lock()
		text = maps.Clone(f.results)[m.ResultRef.SHA256]
		f.mu.Unlock()
	}
	var res wire.Result
	if err := json.Unmarshal(text, &res); err != nil {
		t.Fatalf("the result cannot be read: %v\n%.200s", err, text)
	}
	return res
}
