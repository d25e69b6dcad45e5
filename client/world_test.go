package client_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/httpapi"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// document is the smallest workflow that may run.
const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is an orchestrator that can be stopped and started again at the same
// address, on a store that stays.
type world struct {
	testing.TB
	store dbtest.Store
	core  *orchestrator.Orchestrator
	keys  *auth.Keys
	addr  string
	robot auth.Principal
	epoch int64
	// through, when set, stands before the API.
	through func(next http.Handler) http.Handler

	server *http.Server
	done   chan error
	beside sync.WaitGroup
}

// aside runs fn beside the test, which ends only after it. The test must not
// stop or start the server meanwhile.
func (w *world) aside(fn func()) { w.beside.Go(fn) }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, addr: "127.0.0.1:0", robot: auth.Robot("default", "bot-1", "default")}
	ids := fleet.NewIDs(time.Now, rand.Reader)
	db := dbtest.Open(t, dbtest.Options{IDs: ids})
	cat, err := catalog.Load()
	w.must(err)
	w.store, w.keys = db, auth.NewKeys(db, ids, rand.Reader, time.Now)
	w.core = orchestrator.New(orchestrator.Options{
		Store: db, IDs: ids, Now: time.Now, Chance: func() float64 { return 0 }, Catalog: cat, Logger: slog.New(slog.DiscardHandler),
		Limits: orchestrator.DefaultLimits(), Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
	})
	w.start()
	t.Cleanup(func() {
		w.beside.Wait()
		w.stop()
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// start serves, at the address of before.
func (w *world) start() {
	w.Helper()
	api, err := httpapi.New(httpapi.Options{Orchestrator: w.core, Keys: w.keys, Local: true, Health: w.store.Health, Version: "test"})
	w.must(err)
	if w.through != nil {
		api = w.through(api)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(w.Context()), "tcp", w.addr)
	w.must(err)
	w.addr = listener.Addr().String()
	w.server, w.done = &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}, make(chan error, 1)
	go func() { w.done <- w.server.Serve(listener) }()
}

// stop cuts every connection, as a process that dies does.
func (w *world) stop() {
	w.Helper()
	if err := w.server.Close(); err != nil {
		w.Error(err)
	}
	if err := <-w.done; !errors.Is(err, http.ErrServerClosed) {
		w.Error(err)
	}
}

func (w *world) restart() {
	w.Helper()
	w.stop()
	w.start()
}

// client is a client with short pauses.
func (w *world) client(change ...func(o *client.Options)) *client.Client {
	w.Helper()
	o := client.Options{URLs: []string{"http://" + w.addr}, Pause: 20 * time.Millisecond}
	for _, c := range change {
		c(&o)
	}
	c, err := client.New(o)
	w.must(err)
	return c
}

// begin hands a new job to bot-1, which starts it.
func (w *world) begin(id fleet.ID) store.Ref { return w.begin2(id, 0) }

// begin2 is begin for a job that has had attempts before. A robot that gave a
// job back is left out for a while, so each attempt has its own.
func (w *world) begin2(id fleet.ID, epoch int64) store.Ref {
	w.Helper()
	if epoch > 0 {
		w.robot, w.epoch = auth.Robot("default", fleet.RobotID(fmt.Sprintf("bot-%d", epoch+1)), "default"), 0
	}
	ctx := context.WithoutCancel(w.Context())
	if w.epoch == 0 {
		got, err := w.core.Robots.Connect(ctx, w.robot, orchestrator.Hello{
			Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 10,
		}, "token")
		w.must(err)
		w.epoch = got.Session.Epoch
	}
	won, lost, err := w.store.Assign(ctx, auth.Local().Scope(), []store.Assignment{{
		Tenant: "default", JobID: id, Epoch: epoch, RobotID: w.robot.RobotID, SessionEpoch: w.epoch, AcceptWithin: time.Minute,
	}}, time.Now())
	w.must(err)
	if len(won) != 1 {
		w.Fatalf("not assigned: %+v", lost)
	}
	ref := store.Ref{JobID: id, Epoch: won[0].Attempt.Epoch}
	w.must(w.core.Attempts.Accept(ctx, w.robot, ref))
	return ref
}

func (w *world) report(ref store.Ref, r fleet.Report) {
	r.JobID, r.Epoch = ref.JobID, ref.Epoch
	got, err := w.core.Attempts.Report(context.WithoutCancel(w.Context()), w.robot, []fleet.Report{r})
	if err != nil || got[0].Verdict != fleet.VerdictApplied {
		w.Errorf("report: %v %v", got, err)
	}
}

// line appends one line to an attempt's log.
func (w *world) line(ref store.Ref, n int64, text string) {
	_, err := w.core.Attempts.AppendLogs(context.WithoutCancel(w.Context()), w.robot, fleet.LogBatch{
		JobID: ref.JobID, Epoch: ref.Epoch, First: n,
		Lines: []fleet.LogLine{{Epoch: ref.Epoch, Line: n, At: time.Now(), Level: "INFO", Message: text}},
	})
	if err != nil {
		w.Error(err)
	}
}

// pause waits between two steps of a writer that runs beside the test.
func (w *world) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	<-t.C
}
