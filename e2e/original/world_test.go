package original

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/dbtest"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	idle = `{"metadata":{"name":"idle"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`
	// writes has a step that must not run twice.
	writes = `{"metadata":{"name":"writes"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}},
		"w":{"node_id":"w","node_type":"LogNode","config":{"message":"pay"}}},
		"connections":[{"source_node":"s","source_port":"exec_out","target_node":"w","target_port":"exec_in"}],
		"settings":{"fleet":{"effects":{"w":true}}}}`
)

// beside lets a test run beside others, as it mostly waits. On PostgreSQL each of
// them would need a database of its own, which costs more than the waiting.
func beside(t *testing.T) {
	t.Helper()
	if !dbtest.OnPostgres(t) {
		t.Parallel()
	}
}

// world is an orchestrator and a client of ours, which reads what became of jobs.
type world struct {
	testing.TB
	at    dbtest.Place
	app   *app.App
	api   *client.Client
	admin string
	url   string // stays the same through restarts
	hold  int    // seconds for which a claim waits

	timing fleet.Timing
	linger time.Duration // of a stop; negative: not at all

	queryTokens bool // keys in addresses count
	log         *tape
}

// tape keeps what an orchestrator logs.
type tape struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tape) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// said is all that was logged so far.
func (w *world) said() string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.text.String()
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	w := &world{TB: t, at: dbtest.NewPlace(t), hold: 1, linger: -1, log: &tape{}}
	for _, c := range change {
		c(w)
	}
	w.start("127.0.0.1:0")
	_, secret, err := w.app.Keys().NewServiceKey(t.Context(), auth.Local(), "admin", fleet.RoleAdmin, 0)
	w.must(err)
	w.admin = secret.Reveal()
	w.dial()
	return w
}

func (w *world) start(listen string) {
	w.Helper()
	limits := config.DefaultLimits()
	limits.ClaimHold, limits.RobotRequests = w.hold, 1000 // a test does in a second what a robot does in minutes
	a, err := app.New(w.Context(), app.Options{
		DataDir: w.at.DataDir, DatabaseURL: w.at.DatabaseURL, Listen: listen, Limits: limits, Linger: w.linger, Timing: w.timing,
		Logger: slog.New(slog.NewTextHandler(io.MultiWriter(w.Output(), w.log), nil)), QueryTokens: w.queryTokens, SecretKeys: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	})
	w.must(err)
	w.app, w.url = a, cmp.Or(w.url, a.URL())
	a.Start(w.Context())
	w.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			w.Error(err)
		}
	})
}

func (w *world) dial() {
	w.Helper()
	var err error
	w.api, err = client.New(client.Options{URLs: []string{w.app.URL()}, Key: w.admin})
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) submit(change ...func(*client.SubmitRequest)) fleet.ID {
	w.Helper()
	r := client.SubmitRequest{Workflow: json.RawMessage(idle)}
	for _, c := range change {
		c(&r)
	}
	job, err := w.api.SubmitJob(w.Context(), r)
	w.must(err)
	return job.ID
}

func (w *world) state(id fleet.ID) fleet.State {
	w.Helper()
	job, err := w.api.GetJob(w.Context(), id)
	w.must(err)
	return job.State
}

// reaches waits until a job is in a state.
func (w *world) reaches(id fleet.ID, want fleet.State) {
	w.Helper()
	var got fleet.State
	if !w.eventually(func() bool { got = w.state(id); return got == want }) {
		w.Errorf("job is %s, want %s", got, want)
	}
}

func (w *world) eventually(ok func() bool) bool {
	w.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

// key makes the key of a robot.
func (w *world) key(id string) string {
	w.Helper()
	_, secret, err := w.app.Keys().NewRobotKey(w.Context(), auth.Local(), fleet.RobotID(id), "", 0)
	w.must(err)
	return secret.Reveal()
}

// reply is what a program of the original got.
type reply struct {
	status int
	header http.Header
	text   string
	close  bool
}

func (r reply) object(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(r.text), &m); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.text, err)
	}
	return m
}

// caller is the HTTP layer of a program of the original.
type caller struct {
	t      testing.TB
	url    string
	header http.Header
	http   *http.Client
	json   bool   // says that every call carries JSON, also one without a body
	form   string // the type of the bodies, if they are no JSON
}

// python is a caller with the headers that every Python program sends.
func (w *world) python(headers ...string) *caller {
	c := &caller{t: w, url: w.url, header: http.Header{
		"User-Agent": {"CasareRPA/1.0"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate"},
	}, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{IdleConnTimeout: 15 * time.Second, MaxConnsPerHost: 10}}}
	for i := 0; i+1 < len(headers); i += 2 {
		c.header.Set(headers[i], headers[i+1])
	}
	w.Cleanup(c.http.CloseIdleConnections)
	return c
}

// call sends a request as the original does: a POST without a body says that its
// nothing is application/octet-stream.
func (c *caller) call(method, path, body string) reply {
	c.t.Helper()
	r, err := c.try(context.Background(), method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *caller) try(ctx context.Context, method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return reply{}, err
	}
	req.Header = c.header.Clone()
	switch {
	case c.form != "":
		req.Header.Set("Content-Type", c.form)
	case body != "" || c.json:
		req.Header.Set("Content-Type", "application/json")
	case method != http.MethodGet:
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	from := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" { // they ask for it
		if from, err = gzip.NewReader(from); err != nil {
			return reply{}, err
		}
	}
	text, err := io.ReadAll(from)
	return reply{resp.StatusCode, resp.Header, strings.TrimSpace(string(text)), resp.Close}, err
}

// want calls and checks the status.
func (c *caller) want(status int, method, path, body string) reply {
	c.t.Helper()
	r := c.call(method, path, body)
	if r.status != status {
		c.t.Errorf("%s %s: %d, want %d: %s", method, path, r.status, status, r.text)
	}
	return r
}
