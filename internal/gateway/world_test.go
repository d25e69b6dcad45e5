package gateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/dispatch"
	"github.com/casarerpa/fleet/internal/gateway"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/internal/upkeep"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/catalog"
)

const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is an orchestrator without its HTTP API: a real store, the loops, and
// the gateway behind a real listener.
type world struct {
	testing.TB
	store   dbtest.Store
	keys    *auth.Keys
	core    *orchestrator.Orchestrator
	gateway *gateway.Gateway
	server  *httptest.Server
	timing  fleet.Timing
	limits  gateway.Limits
	now     func() time.Time // of the gateway
	admin   auth.Principal
	listen  func(*httptest.Server)
	wrap    func(store.Store) store.Store // of the use cases
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	w := &world{TB: t, timing: fleet.DefaultTiming(), limits: gateway.DefaultLimits(), admin: auth.Local(), listen: func(*httptest.Server) {}, now: time.Now}
	w.wrap = func(s store.Store) store.Store { return s }
	for _, c := range change {
		c(w)
	}
	log := slog.New(slog.DiscardHandler)
	ids := fleet.NewIDs(time.Now, rand.Reader)
	db := dbtest.Open(t, dbtest.Options{Now: time.Now, IDs: ids, Logger: log})
	cat, err := catalog.Load()
	w.must(err)
	timing := func(string) fleet.Timing { return w.timing }
	w.store, w.keys = db, auth.NewKeys(db, ids, rand.Reader, time.Now)
	w.core = orchestrator.New(orchestrator.Options{
		Store: w.wrap(db), IDs: ids, Now: time.Now, Chance: func() float64 { return 0 }, Catalog: cat, Timing: timing,
		Limits: orchestrator.DefaultLimits(), Logger: log,
	})
	w.gateway = gateway.New(gateway.Options{
		Secrets: w.core.Secrets,
		Member:  ids.New(), Version: "test", Robots: w.core.Robots, Attempts: w.core.Attempts, Keys: w.keys,
		Signals: db.Signals(), Timing: timing, Now: w.now, Logger: log, Limits: w.limits,
	})
	loop := dispatch.New(dispatch.Options{
		Store: db, Presence: presence{w.gateway}, Sender: w.gateway, Timing: timing, Now: time.Now, Logger: log,
	})
	timers := &upkeep.Timers{Store: db, Attempts: w.core.Attempts, Now: time.Now, Logger: log}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, run := range []func(context.Context){loop.Run, timers.Run, w.gateway.Run} {
		running.Go(func() { run(ctx) })
	}
	w.server = httptest.NewUnstartedServer(w.gateway)
	w.listen(w.server)
	w.server.Start()
	t.Cleanup(func() {
		ending, done := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer done()
		w.gateway.Drain(ending, "the test is over")
		w.server.Close()
		stop()
		running.Wait()
		if err := storetest.Invariants(ending, db); err != nil {
			t.Error(err)
		}
	})
	return w
}

type presence struct{ g *gateway.Gateway }

func (p presence) Present() []dispatch.Present {
	var out []dispatch.Present
	for _, r := range p.g.Present() {
		out = append(out, dispatch.Present(r))
	}
	return out
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) submit(change ...func(*orchestrator.SubmitRequest)) fleet.Job {
	w.Helper()
	r := orchestrator.SubmitRequest{Document: []byte(document)}
	for _, c := range change {
		c(&r)
	}
	out, err := w.core.Jobs.Submit(w.Context(), w.admin, r)
	w.must(err)
	return out.Job
}

func (w *world) job(id fleet.ID) orchestrator.JobView {
	w.Helper()
	v, err := w.core.Jobs.Get(context.WithoutCancel(w.Context()), w.admin, id)
	w.must(err)
	return v
}

// reaches waits until a job is in a state.
func (w *world) reaches(id fleet.ID, want fleet.State) fleet.Job {
	w.Helper()
	var got fleet.Job
	w.eventually("job reaches "+string(want), func() bool {
		got = w.job(id).Job
		return got.State == want
	})
	return got
}

// eventually asks until the answer is yes.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			w.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func (w *world) key(robot fleet.RobotID) string {
	w.Helper()
	_, secret, err := w.keys.NewRobotKey(w.Context(), w.admin, robot, "", 0)
	w.must(err)
	return secret.Reveal()
}

// robot is a robot of the test: it speaks the channel's own bytes.
type robot struct {
	w        *world
	id       fleet.RobotID
	key      string
	instance string
	journal  string
	reports  int64 // newest entry of its journal
	acked    int64
	slots    int
	features []string // beside those of all

	ws      *websocket.Conn
	welcome *wire.Welcome
	seq     int64

	mu     sync.Mutex
	inbox  []wire.Frame
	news   chan struct{}
	ended  chan struct{}
	ending error
}

func (w *world) robot(id fleet.RobotID) *robot {
	w.Helper()
	return &robot{w: w, id: id, key: w.key(id), instance: "i-" + rand.Text(), journal: "j-" + rand.Text(), slots: 1}
}

// connected is a robot that has said hello and was welcomed.
func (w *world) connected(id fleet.RobotID) *robot {
	w.Helper()
	r := w.robot(id)
	r.connect()
	return r
}

// dial opens the socket; the answer says what the handshake was answered with.
func (r *robot) dial(header http.Header, protocols ...string) (*http.Response, error) {
	r.w.Helper()
	ctx, done := context.WithTimeout(context.WithoutCancel(r.w.Context()), patience)
	defer done()
	ws, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.w.server.URL, "http")+wire.Path, &websocket.DialOptions{
		HTTPHeader: header, Subprotocols: protocols, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return resp, err
	}
	ws.SetReadLimit(wire.MaxFrame)
	r.ws, r.seq, r.inbox, r.ending = ws, 0, nil, nil
	r.news, r.ended = make(chan struct{}, 1), make(chan struct{})
	return resp, nil
}

func (r *robot) open() {
	r.w.Helper()
	_, err := r.dial(http.Header{"Authorization": {"Bearer " + r.key}}, wire.Subprotocol) //nolint:bodyclose // the WebSocket library closes it
	r.w.must(err)
	go r.read(r.ws, r.news, r.ended)
	ws := r.ws
	r.w.Cleanup(func() { _ = ws.CloseNow() })
}

func (r *robot) read(ws *websocket.Conn, news, ended chan struct{}) {
	defer close(ended)
	for {
		_, data, err := ws.Read(context.Background())
		r.mu.Lock()
		if err != nil {
			if r.ws == ws {
				r.ending = err
			}
			r.mu.Unlock()
			return
		}
		f, err := wire.Decode(data, wire.FromOrchestrator)
		if err != nil {
			r.w.Errorf("the orchestrator sent %.200q: %v", data, err)
		}
		if r.ws == ws {
			r.inbox = append(r.inbox, f)
		}
		r.mu.Unlock()
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

func (r *robot) hello(attempts ...wire.HeldAttempt) *wire.Hello {
	return &wire.Hello{
		Features:   append([]string{wire.FeatureCommands}, r.features...),
		InstanceID: r.instance, BootID: "b", JournalID: r.journal, AgentVersion: "1", OS: "linux", Arch: "amd64", Hostname: "host-" + string(r.id),
		Protocols: []int{2}, MaxJobs: r.slots, LastReportID: r.reports, AckedReportID: r.acked, Attempts: attempts,
	}
}

func (r *robot) connect(attempts ...wire.HeldAttempt) *wire.Welcome {
	r.w.Helper()
	r.open()
	r.send(r.hello(attempts...))
	r.welcome = expect[*wire.Welcome](r)
	return r.welcome
}

// send writes a message and returns its id.
func (r *robot) send(m wire.Message) string { return r.write(m, 0) }

// report writes the next entry of the robot's journal.
func (r *robot) report(m wire.Message) int64 {
	r.reports++
	r.write(m, r.reports)
	return r.reports
}

func (r *robot) write(m wire.Message, report int64) string {
	r.seq++
	f := wire.Frame{ID: "f-" + rand.Text(), Seq: r.seq, ReportID: report, Payload: m}
	data, err := wire.Encode(f)
	if err != nil {
		r.w.Fatal(err)
	}
	r.raw(string(data))
	return f.ID
}

// raw writes any text; a socket that is gone is the reader's news.
func (r *robot) raw(text string) {
	ctx, done := context.WithTimeout(context.WithoutCancel(r.w.Context()), patience)
	defer done()
	_ = r.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// expect waits for a message of a type and takes it out of the inbox.
func expect[M wire.Message](r *robot) M {
	r.w.Helper()
	m, _ := expectFrame[M](r)
	return m
}

func expectFrame[M wire.Message](r *robot) (M, wire.Frame) {
	r.w.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		if m, f, ok := take[M](r); ok {
			return m, f
		}
		select {
		case <-r.news:
		case <-r.ended:
			if m, f, ok := take[M](r); ok {
				return m, f
			}
			r.w.Fatalf("robot %s: the connection ended (%v) before %T came", r.id, r.ending, *new(M))
		case <-deadline.C:
			r.w.Fatalf("robot %s: no %T came; inbox %v", r.id, *new(M), r.types())
		}
	}
}

func take[M wire.Message](r *robot) (m M, f wire.Frame, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, f := range r.inbox {
		if m, ok = f.Payload.(M); ok {
			r.inbox = append(r.inbox[:i:i], r.inbox[i+1:]...)
			return m, f, true
		}
	}
	return m, f, false
}

func (r *robot) types() (out []wire.Type) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.inbox {
		out = append(out, f.Type)
	}
	return out
}

// answered makes sure that all that was sent before has been handled, by a
// question whose answer comes after them.
func (r *robot) answered() {
	r.w.Helper()
	id := r.send(&wire.SecretGet{Ref: wire.Ref{JobID: "01939c3e-7b1a-7c3d-8e4f-0123456789ab", Epoch: 1}, Name: "x"})
	for {
		if e := expect[*wire.Error](r); e.InReplyTo == id {
			return
		}
	}
}

// none fails if a message of the type is there after all else was handled.
func none[M wire.Message](r *robot) {
	r.w.Helper()
	r.answered()
	if m, _, ok := take[M](r); ok {
		r.w.Errorf("robot %s got %+v", r.id, m)
	}
}

// offered waits for an offer of the job.
func (r *robot) offered(job fleet.ID) wire.Ref {
	r.w.Helper()
	for {
		if m := expect[*wire.JobAssign](r); m.JobID == job {
			return m.Ref
		}
	}
}

// start takes the offer of a job and waits until it may begin.
func (r *robot) start(job fleet.ID) wire.Ref {
	r.w.Helper()
	ref := r.offered(job)
	r.send(&wire.JobAccept{Ref: ref})
	if m := expect[*wire.JobStart](r); m.Ref != ref {
		r.w.Fatalf("started %v, want %v", m.Ref, ref)
	}
	return ref
}

// verdict waits for the answer to a report.
func (r *robot) verdict(report int64) fleet.Verdict {
	r.w.Helper()
	for {
		ack := expect[*wire.ReportAck](r)
		r.acked = max(r.acked, ack.Upto)
		for _, v := range ack.Verdicts {
			if v.ReportID == report {
				return v
			}
		}
	}
}

func (r *robot) says(m wire.Message, want fleet.VerdictKind) {
	r.w.Helper()
	if v := r.verdict(r.report(m)); v.Verdict != want {
		r.w.Errorf("%s got the verdict %s (%s), want %s", m.Type(), v.Verdict, v.Reason, want)
	}
}

func (r *robot) beat(refs ...wire.Ref) *wire.HeartbeatAck {
	r.w.Helper()
	m := &wire.Heartbeat{Status: fleet.ReportedReady}
	for _, ref := range refs {
		m.Attempts = append(m.Attempts, wire.BeatAttempt{Ref: ref, Progress: 50})
	}
	id := r.send(m)
	for {
		if ack := expect[*wire.HeartbeatAck](r); ack.Echo == id {
			return ack
		}
	}
}

// closedWith waits for the end of the connection and checks its code.
func (r *robot) closedWith(want wire.CloseCode) {
	r.w.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.w.Fatalf("robot %s: the connection is still open after %s", r.id, patience)
	}
	var got websocket.CloseError
	if !errors.As(r.ending, &got) || wire.CloseCode(got.Code) != want {
		r.w.Errorf("robot %s: the connection ended with %v, want code %d", r.id, r.ending, want)
	}
}

// vanish breaks the socket without a word.
func (r *robot) vanish() { _ = r.ws.CloseNow() }

func complete(ref wire.Ref) *wire.JobComplete {
	return &wire.JobComplete{Ref: ref, Result: []byte(`{"ok":true}`)}
}

// anyJob selects every job.
var anyJob store.JobFilter

// deaf is a robot that was welcomed and from then on writes only.
func (r *robot) deaf() {
	r.w.Helper()
	_, err := r.dial(http.Header{"Authorization": {"Bearer " + r.key}}, wire.Subprotocol) //nolint:bodyclose // the WebSocket library closes it
	r.w.must(err)
	ws := r.ws
	r.w.Cleanup(func() { _ = ws.CloseNow() })
	r.send(r.hello())
	hear[*wire.Welcome](r)
}

// hear reads a deaf robot's socket until a message of a type has come.
func hear[M wire.Message](r *robot) M {
	r.w.Helper()
	ctx, done := context.WithTimeout(context.WithoutCancel(r.w.Context()), patience)
	defer done()
	for {
		_, data, err := r.ws.Read(ctx)
		r.w.must(err)
		f, err := wire.Decode(data, wire.FromOrchestrator)
		r.w.must(err)
		if m, ok := f.Payload.(M); ok {
			return m
		}
	}
}
