package e2e

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/robot"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is an orchestrator and a client of it.
type world struct {
	t     *testing.T
	at    dbtest.Place
	app   *app.App
	api   *client.Client
	keyed bool     // nobody gets in without a key, so that others may share its database
	via   []string // addresses for robots; none: the orchestrator's own
}

// urls are the addresses that robots are given.
func (w *world) urls() []string {
	if len(w.via) > 0 {
		return w.via
	}
	return []string{w.app.URL()}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: dbtest.NewPlace(t)}
	w.start("127.0.0.1:0")
	return w
}

// start opens the orchestrator at its place, again after a stop.
func (w *world) start(listen string) {
	w.t.Helper()
	a, err := app.New(w.t.Context(), app.Options{
		DataDir: w.at.DataDir, DatabaseURL: w.at.DatabaseURL, Listen: listen, Local: !w.keyed,
		SecretKeys: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
	a.Start(w.t.Context())
	w.t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	if w.api, err = client.New(client.Options{URLs: []string{a.URL()}}); err != nil {
		w.t.Fatal(err)
	}
}

// room is a runner whose jobs all work in the folder that the test names.
type room struct {
	*runner.Runner
	mu  sync.Mutex
	dir string
}

func (r *room) set(dir string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dir = dir
}

// Run runs a job in the named folder.
func (r *room) Run(ctx context.Context, job runner.Job, sink engine.Sink, gate engine.Gate) (*engine.Outcome, error) {
	r.mu.Lock()
	job.Dir = r.dir
	r.mu.Unlock()
	return r.Runner.Run(ctx, job, sink, gate)
}

// key makes the key of a robot.
func (w *world) key(id fleet.RobotID) string {
	w.t.Helper()
	_, secret, err := w.app.Keys().NewRobotKey(w.t.Context(), auth.Local(), id, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret.Reveal()
}

// robot starts a real robot that may run programs, and stops it with the test.
func (w *world) robot(id fleet.RobotID) *room {
	w.t.Helper()
	r, stop := w.launch(id, w.key(id), w.t.TempDir(), 1)
	w.t.Cleanup(stop)
	return r
}

// launch starts a real robot that may run programs. stop drains it and waits
// for its end; it may be called twice.
func (w *world) launch(id fleet.RobotID, key, dir string, slots int, can ...string) (r *room, stop func()) {
	w.t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		w.t.Fatal(err)
	}
	policy := runner.Policy{AllowShell: true, AllowPython: true, AllowNode: true}
	run, err := runner.New(runner.Config{Catalog: cat, Library: lib, WorkDir: w.t.TempDir(), Policy: policy})
	if err != nil {
		w.t.Fatal(err)
	}
	r = &room{Runner: run}
	agent, err := robot.New(robot.Options{
		URLs: w.urls(), Key: key, DataDir: dir, Name: string(id), Runner: r, Slots: slots,
		Capabilities: robot.Offered(policy).Union(fleet.Capabilities(can)), Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil)), DrainFor: time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := agent.Run(ctx); err != nil && ctx.Err() == nil {
			w.t.Error(err)
		}
	})
	return r, func() { cancel(); wg.Wait() }
}
