package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/courier"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/gateway"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/stream"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// doc is the smallest workflow that may run.
const doc = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is the API on a real store behind a real socket.
type world struct {
	testing.TB
	store  dbtest.Store
	core   *orchestrator.Orchestrator
	api    *API
	url    string
	keys   map[string]string // secrets by the name of who holds them
	robot  auth.Principal
	people *auth.People
	epoch  int64 // of the robot's session
	log    *bytes.Buffer
	logMu  sync.Mutex
}

// masterKey is one for secrets, the same in every test.
func masterKey(t testing.TB) seal.Keys {
	t.Helper()
	keys, err := seal.Parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// newWorld opens everything. The keys are those of admin, developer, operator,
// viewer and of the robots bot-1 and bot-2.
func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	return newWorldOn(t, dbtest.Open(t, dbtest.Options{}), change...)
}

// newWorldOn opens everything on a store of the caller's.
func newWorldOn(t testing.TB, db dbtest.Store, change ...func(*Options)) *world {
	t.Helper()
	w := &world{TB: t, keys: map[string]string{}, log: &bytes.Buffer{}, robot: auth.Robot("default", "bot-1", "default")}
	ids := fleet.NewIDs(time.Now, rand.Reader)
	logger := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cat, err := catalog.Load()
	w.must(err)
	w.store = db
	asked := Options{Limits: config.DefaultLimits()}
	for _, c := range change {
		c(&asked)
	}
	bounds := orchestrator.DefaultLimits()
	bounds.BulkJobs, bounds.Pending, bounds.Parents = asked.Limits.BulkJobs, int64(asked.Limits.Pending), asked.Limits.Parents
	bounds.BulkItems, bounds.Queues, bounds.Pattern = asked.Limits.BulkItems, asked.Limits.Queues, asked.Limits.Pattern
	bounds.ExportJobs = asked.Limits.ExportJobs
	bounds.Triggers, bounds.Webhooks = asked.Limits.Triggers, asked.Limits.Webhooks
	bounds.Schedules, bounds.Every = asked.Limits.Schedules, time.Duration(asked.Limits.ScheduleEvery)*time.Second
	bounds.Children, bounds.Segments, bounds.Result = asked.Limits.Children, asked.Limits.Segments, int(asked.Limits.Result)
	bounds.Document = workflow.Limits{
		Bytes: int(asked.Limits.Workflow), Depth: asked.Limits.JSONDepth, Nodes: asked.Limits.Nodes, Connections: asked.Limits.Connections,
	}
	w.core = orchestrator.New(orchestrator.Options{
		Store: db, IDs: ids, Now: time.Now, Chance: func() float64 { return 0 }, Catalog: cat, Logger: logger,
		Sealer: masterKey(t), Courier: courier.New(courier.Options{Now: time.Now, Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			if host == "localhost" { // so that there can be webhooks to it; nothing is sent there
				return nil, errors.New("no such host")
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}}),
		Policy: workflow.Policy{Limits: bounds.Document}, Limits: bounds, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
	})
	keys := auth.NewKeys(db, ids, rand.Reader, time.Now)
	for _, role := range []fleet.Role{fleet.RoleAdmin, fleet.RoleDeveloper, fleet.RoleOperator, fleet.RoleViewer} {
		_, secret, err := keys.NewServiceKey(t.Context(), auth.Local(), string(role), role, 0)
		w.must(err)
		w.keys[string(role)] = secret.Reveal()
	}
	for _, id := range []fleet.RobotID{"bot-1", "bot-2"} {
		_, secret, err := keys.NewRobotKey(t.Context(), auth.Local(), id, "default", 0)
		w.must(err)
		w.keys[string(id)] = secret.Reveal()
	}
	rules := auth.DefaultSignInRules()
	rules.Cost = auth.PasswordCost{KiB: 64, Passes: 1, Threads: 1}
	w.people = auth.NewPeople(db, ids, rand.Reader, time.Now, rules).With(keys)
	o := Options{Orchestrator: w.core, Keys: keys, Hooks: &auth.Hooks{Store: db}, People: w.people, Health: db.Health, Logger: logger, Limits: config.DefaultLimits(), Version: "test"}
	hub := stream.New(stream.Options{Store: db, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Now: time.Now, Logger: logger})
	t.Cleanup(hub.Close)
	o.Live = hub
	limits := gateway.DefaultLimits()
	limits.ClaimHold = 20 * time.Millisecond
	o.Polling = gateway.New(gateway.Options{
		Member: "m", Robots: w.core.Robots, Attempts: w.core.Attempts, Keys: keys, Signals: db.Signals(),
		Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Now: time.Now, Logger: logger, Limits: limits,
	})
	for _, c := range change {
		c(&o)
	}
	w.api, err = newAPI(o)
	w.must(err)
	server := httptest.NewServer(w.api)
	w.url = server.URL
	t.Cleanup(func() {
		w.api.Stop()
		server.Close()
	})
	return w
}

// Write collects the log.
func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.String()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request as somebody; headers come as name, value, name, value.
func (w *world) do(as, method, path, body string, headers ...string) answer {
	w.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, reader)
	w.must(err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key := w.keys[as]; key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	a := answer{resp.StatusCode, resp.Header, string(text)}
	w.conforms(req, a)
	return a
}

// read decodes the body of an answer.
func read[T any](w *world, a answer) (out T) {
	w.Helper()
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		w.Fatalf("%v in %s", err, a.body)
	}
	return out
}

// conforms holds an answer against the document: its status is known to the
// operation, and its body fits the schema of that status.
func (w *world) conforms(req *http.Request, a answer) {
	w.Helper()
	_, pattern := w.api.mux.Handler(req)
	o := w.api.routes[pattern]
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	switch {
	case a.status == http.StatusNoContent || media == "text/event-stream" || media == "text/plain" || media == "text/csv" || media == "application/x-ndjson":
		return
	case media == "application/problem+json" && a.status >= 400:
		w.fits("/components/schemas/Problem", a.body)
	case o == nil:
		w.Errorf("%s %s: %d %s without a row in the table of routes", req.Method, req.URL.Path, a.status, media)
	default:
		path := strings.NewReplacer("~", "~0", "/", "~1").Replace(o.path)
		w.fits("/paths/"+path+"/"+strings.ToLower(o.method)+"/responses/"+itoa(a.status)+"/content/application~1json/schema", a.body)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// fits validates a body against one schema of the document.
func (w *world) fits(pointer, body string) {
	w.Helper()
	book, err := schemas()
	w.must(err)
	schema, err := book.at(pointer)
	w.must(err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		w.Errorf("%s: %v in %s", pointer, err, body)
		return
	}
	if err := schema.Validate(value); err != nil {
		w.Errorf("%s: %v\nin %s", pointer, err, body)
	}
}

// schemas compiles schemas of the document, each once.
var schemas = sync.OnceValues(func() (*schemaBook, error) {
	text, err := Document()
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	return &schemaBook{compiler: c}, c.AddResource("https://fleet.test/openapi.json", document)
})

// schemaBook may be used by parallel tests.
type schemaBook struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler // keeps what it has compiled
}

// at is the schema at a place in the document.
func (b *schemaBook) at(pointer string) (*jsonschema.Schema, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.compiler.Compile("https://fleet.test/openapi.json#" + pointer)
}

// submit stores a job as the developer and returns its id.
func (w *world) submit(body string) fleet.ID {
	w.Helper()
	a := w.do("developer", "POST", "/api/v1/jobs", body)
	if a.status != http.StatusCreated {
		w.Fatalf("submit: %d %s", a.status, a.body)
	}
	return read[SubmittedJob](w, a).ID
}

// connect lets bot-1 sign in.
func (w *world) connect() {
	w.Helper()
	got, err := w.core.Robots.Connect(w.Context(), w.robot, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 10,
	}, "token")
	w.must(err)
	w.epoch = got.Session.Epoch
}

// start hands a job to bot-1, which begins it.
func (w *world) start(id fleet.ID) store.Ref {
	w.Helper()
	if w.epoch == 0 {
		w.connect()
	}
	won, lost, err := w.store.Assign(w.Context(), auth.Local().Scope(), []store.Assignment{{
		Tenant: "default", JobID: id, RobotID: "bot-1", SessionEpoch: w.epoch, AcceptWithin: time.Minute,
	}}, time.Now())
	w.must(err)
	if len(won) != 1 {
		w.Fatalf("not assigned: %+v", lost)
	}
	ref := store.Ref{JobID: id, Epoch: won[0].Attempt.Epoch}
	w.must(w.core.Attempts.Accept(w.Context(), w.robot, ref))
	return ref
}

// report ends an attempt.
func (w *world) report(ref store.Ref, r fleet.Report) {
	w.Helper()
	r.JobID, r.Epoch = ref.JobID, ref.Epoch
	got, err := w.core.Attempts.Report(w.Context(), w.robot, []fleet.Report{r})
	w.must(err)
	if got[0].Verdict != fleet.VerdictApplied {
		w.Fatalf("verdict %+v", got[0])
	}
}

func (w *world) complete(ref store.Ref) {
	w.Helper()
	w.report(ref, fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"sum":3}`), DurationMS: 12})
}

func (w *world) fail(ref store.Ref) {
	w.Helper()
	w.report(ref, fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: fleet.ClassBusiness, Message: "no such invoice"}})
}

// lines appends lines to an attempt's log.
func (w *world) lines(ref store.Ref, first int64, texts ...string) {
	w.Helper()
	b := fleet.LogBatch{JobID: ref.JobID, Epoch: ref.Epoch, First: first}
	for i, text := range texts {
		b.Lines = append(b.Lines, fleet.LogLine{Epoch: ref.Epoch, Line: first + int64(i), At: time.Now(), Level: "INFO", Message: text})
	}
	_, err := w.core.Attempts.AppendLogs(w.Context(), w.robot, b)
	w.must(err)
}

// events lists the kinds of all events after a number.
func (w *world) events(after int64) (kinds []fleet.EventKind, head int64) {
	w.Helper()
	list, head, err := w.core.Events.List(context.WithoutCancel(w.Context()), auth.Local(), orchestrator.EventFilter{After: after, Limit: 1000})
	w.must(err)
	for _, e := range list {
		kinds = append(kinds, e.Kind)
	}
	return kinds, head
}

// counting is a robot channel that only counts who gets through to it.
func counting(n *int) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		*n++
		rw.WriteHeader(http.StatusTeapot)
	})
}

// raw sends a request without a look at the document.
func (w *world) raw(method, path string, headers ...string) (status int) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, nil)
	w.must(err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	w.must(resp.Body.Close())
	return resp.StatusCode
}
