package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/wire"
)

// The defects of the original, each as a test that reads as its story. Those
// that need a moved clock (B5, the limits of B6) stand in internal/upkeep.

const idle = `{"metadata":{"name":"idle"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// puppet is a robot that does what the test says, on the real wire.
type puppet struct {
	t      *testing.T
	ws     *websocket.Conn
	seq    int64
	report int64
}

// connect says hello as one start of a robot's program.
func (w *world) connect(key, instance string, held ...wire.HeldAttempt) *puppet {
	w.t.Helper()
	ws, _, err := websocket.Dial(w.t.Context(), "ws"+w.app.URL()[len("http"):]+wire.Path, &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}, Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	p := &puppet{t: w.t, ws: ws}
	p.send(&wire.Hello{InstanceID: instance, BootID: "b", JournalID: "j-" + instance, Hostname: "h", Name: "somebody else", Protocols: []int{2}, MaxJobs: 5, Attempts: held})
	return p
}

func (p *puppet) send(m wire.Message) {
	p.t.Helper()
	p.seq++
	f := wire.Frame{ID: strconv.FormatInt(p.seq, 10), Seq: p.seq, Payload: m}
	if wire.IsReport(m.Type()) {
		p.report++
		f.ReportID = p.report
	}
	data, err := wire.Encode(f)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.ws.Write(p.t.Context(), websocket.MessageText, data); err != nil {
		p.t.Fatal(err)
	}
}

// hear reads until a message of the wanted type comes.
func hear[M wire.Message](p *puppet) M {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, data, err := p.ws.Read(ctx)
		if err != nil {
			p.t.Fatalf("waiting for %T: %v", *new(M), err)
		}
		f, err := wire.Decode(data, wire.FromOrchestrator)
		if err != nil {
			p.t.Fatal(err)
		}
		if m, ok := f.Payload.(M); ok {
			return m
		}
	}
}

// take accepts the next offer and begins it.
func (p *puppet) take() wire.Ref {
	p.t.Helper()
	ref := hear[*wire.JobAssign](p).Ref
	p.send(&wire.JobAccept{Ref: ref})
	hear[*wire.JobStart](p)
	return ref
}

func (p *puppet) complete(ref wire.Ref) fleet.VerdictKind {
	p.t.Helper()
	p.send(&wire.JobComplete{Ref: ref, Result: []byte(`{"success":true}`)})
	return hear[*wire.ReportAck](p).Verdicts[0].Verdict
}

func (w *world) job() fleet.ID {
	w.t.Helper()
	job, err := w.api.SubmitJob(w.t.Context(), client.SubmitRequest{Workflow: []byte(idle)})
	if err != nil {
		w.t.Fatal(err)
	}
	return job.ID
}

func (w *world) state(id fleet.ID, want fleet.State) {
	w.t.Helper()
	job, err := w.api.GetJob(w.t.Context(), id)
	if err != nil || job.State != want {
		w.t.Fatalf("job is %s, want %s (%v)", job.State, want, err)
	}
}

// B1: the end of an old socket tore down the newer connection.
func TestOriginal_B1(t *testing.T) {
	w := newWorld(t)
	key := w.key("r1")
	old := w.connect(key, "i")
	hear[*wire.Welcome](old)
	id := w.job()
	ref := old.take()
	young := w.connect(key, "i", wire.HeldAttempt{Ref: ref, Phase: wire.PhaseRunning})
	if m := hear[*wire.Welcome](young); len(m.Desired) != 1 || m.Desired[0].Want != wire.WantContinue {
		t.Fatalf("the newer session is told %+v", m.Desired)
	}
	_ = old.ws.CloseNow()
	young.send(&wire.Heartbeat{Attempts: []wire.BeatAttempt{{Ref: ref}}})
	if m := hear[*wire.HeartbeatAck](young); len(m.Renewed) != 1 {
		t.Errorf("the heartbeat is answered with %+v", m)
	}
	if r, err := w.api.GetRobot(t.Context(), "r1"); err != nil || !r.Connected {
		t.Errorf("the robot is not connected any more: %+v, %v", r, err)
	}
	if v := young.complete(ref); v != fleet.VerdictApplied {
		t.Errorf("the completion is %s", v)
	}
	w.state(id, fleet.Completed)
}

// B2: a late reject reopened a finished job.
func TestOriginal_B2(t *testing.T) {
	w := newWorld(t)
	p := w.connect(w.key("r1"), "i")
	id := w.job()
	ref := p.take()
	p.complete(ref)
	p.send(&wire.JobReject{Ref: ref, Reason: fleet.RejectAtCapacity})
	p.send(&wire.Heartbeat{})
	hear[*wire.HeartbeatAck](p)
	p.send(&wire.JobStarted{Ref: ref}) // answered after the reject was handled
	hear[*wire.ReportAck](p)
	w.state(id, fleet.Completed)
}

// B3: any robot could complete any job.
func TestOriginal_B3(t *testing.T) {
	w := newWorld(t)
	owner := w.connect(w.key("r1"), "i1")
	id := w.job()
	ref := owner.take()
	thief := w.connect(w.key("r2"), "i2")
	if v := thief.complete(ref); v != fleet.VerdictInvalid {
		t.Errorf("the completion of another robot is %s", v)
	}
	w.state(id, fleet.Running)
	if v := owner.complete(ref); v != fleet.VerdictApplied {
		t.Errorf("the owner's completion is %s", v)
	}
}

// B4: a robot could register under another robot's name and tenant.
func TestOriginal_B4(t *testing.T) {
	w := newWorld(t)
	p := w.connect(w.key("r1"), "i") // says that it is somebody else
	if m := hear[*wire.Welcome](p); m.RobotID != "r1" || m.Tenant != fleet.DefaultTenant {
		t.Errorf("the robot is %s of %s; its key says r1", m.RobotID, m.Tenant)
	}
	if _, err := w.api.GetRobot(t.Context(), "somebody"); err == nil {
		t.Error("another robot was made")
	}
}

// B6: a job that found no robot when it was submitted was never looked at again.
func TestOriginal_B6(t *testing.T) {
	w := newWorld(t)
	id := w.job()
	w.state(id, fleet.Pending)
	p := w.connect(w.key("r1"), "i")
	ref := hear[*wire.JobAssign](p).Ref
	p.send(&wire.JobReject{Ref: ref, Reason: fleet.RejectAtCapacity})
	// Another robot comes, and gets what the first one refused.
	q := w.connect(w.key("r2"), "i2")
	if again := q.take(); again.JobID != id || again.Epoch != 2 {
		t.Errorf("offered %+v", again)
	}
}

// B7: results were not acknowledged, and jobs lived in memory.
func TestOriginal_B7(t *testing.T) {
	w := newWorld(t)
	w.robot("r1").set(t.TempDir())
	waits := `{"metadata":{"name":"waits"},"nodes":{"w":{"node_id":"w","node_type":"WaitNode","config":{"duration":0.5}}},"connections":[]}`
	job, err := w.api.SubmitJob(t.Context(), client.SubmitRequest{Workflow: []byte(waits)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.api.WaitJob(t.Context(), w.job(), nil); err != nil { // the robot has one slot: the first has ended too
		t.Fatal(err)
	}
	job2, err := w.api.SubmitJob(t.Context(), client.SubmitRequest{Workflow: []byte(waits)})
	if err != nil {
		t.Fatal(err)
	}
	listen := w.app.Addr().String()
	if err := w.app.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.start(listen)
	for _, id := range []fleet.ID{job.ID, job2.ID} {
		end, err := w.api.WaitJob(t.Context(), id, nil)
		if err != nil || end.State != fleet.Completed {
			t.Errorf("job is %s (%v)", end.State, err)
		}
	}
}

// B9: one event was published twice.
func TestOriginal_B9(t *testing.T) {
	w := newWorld(t)
	p := w.connect(w.key("r1"), "i")
	id := w.job()
	p.complete(p.take())
	page, err := w.api.ListEvents(t.Context(), 0, 0, 0, client.EventFilter{Subject: fleet.SubjectJob, SubjectID: string(id)})
	if err != nil {
		t.Fatal(err)
	}
	want := []fleet.EventKind{fleet.EventJobSubmitted, fleet.EventJobAssigned, fleet.EventJobStarted, fleet.EventJobCompleted}
	if len(page.Events) != len(want) {
		t.Fatalf("%d events, want %d: %+v", len(page.Events), len(want), page.Events)
	}
	for i, e := range page.Events {
		if e.Kind != want[i] || e.SubjectSeq != int64(i+1) {
			t.Errorf("event %d is %s with number %d, want %s", i, e.Kind, e.SubjectSeq, want[i])
		}
	}
}

// B8: keys travelled in query strings, and so into every log on their way.
func TestOriginal_B8(t *testing.T) {
	var lines safeBuffer
	at := dbtest.NewPlace(t)
	a, err := app.New(t.Context(), app.Options{
		DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0",
		Logger: slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start(t.Context())
	_, robotKey, err := a.Keys().NewRobotKey(t.Context(), auth.Local(), "r1", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, adminKey, err := a.Keys().NewServiceKey(t.Context(), auth.Local(), "admin", fleet.RoleAdmin, 0)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string, header http.Header) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	upgrade := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {wire.Subprotocol},
	}
	for _, name := range []string{"api_key", "token", "access_token", "key", "X-Api-Key", "Authorization"} {
		if got := ask("/api/v1/jobs?"+name+"="+adminKey.Reveal(), http.Header{}); got != http.StatusUnauthorized {
			t.Errorf("a key as %s in a request's query is answered with %d", name, got)
		}
		if got := ask(wire.Path+"?"+name+"="+robotKey.Reveal(), upgrade); got != http.StatusUnauthorized {
			t.Errorf("a key as %s in a handshake's query is answered with %d", name, got)
		}
	}
	if got := ask("/api/v1/jobs", http.Header{"Authorization": {"Bearer " + adminKey.Reveal()}}); got != http.StatusOK {
		t.Errorf("the same key in its header is answered with %d", got)
	}
	if err := a.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	text := lines.String()
	if text == "" {
		t.Fatal("nothing was logged, so nothing is shown")
	}
	for _, secret := range []string{robotKey.Reveal(), adminKey.Reveal()} {
		if strings.Contains(text, secret) || strings.Contains(text, secret[5:25]) {
			t.Errorf("a key is in the log:\n%s", text)
		}
	}
}

// safeBuffer takes lines from many goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
