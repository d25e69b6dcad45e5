package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// at is the options of an orchestrator at a place.
func at(p dbtest.Place) Options {
	return Options{DataDir: p.DataDir, DatabaseURL: p.DatabaseURL, Listen: "127.0.0.1:0"}
}

func start(t *testing.T, o Options) *App {
	t.Helper()
	a, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	a.Start(t.Context())
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServesAndStops(t *testing.T) {
	o := at(dbtest.NewPlace(t))
	o.MetricsListen = "127.0.0.1:0"
	a := start(t, o)
	if status, body := get(t, a.URL()+"/health/ready"); status != http.StatusOK {
		t.Errorf("ready: %d %s", status, body)
	}
	if status, _ := get(t, a.URL()+"/api/v1/jobs"); status != http.StatusUnauthorized {
		t.Errorf("jobs without a key: %d", status)
	}
	_, metrics := get(t, "http://"+a.metricsListener.Addr().String()+"/metrics")
	for _, want := range []string{`fleet_jobs{state="pending"} 0`, "fleet_robots_connected 0", "fleet_store_ready 1", "fleet_is_leader 1", "fleet_database_reachable 1", `fleet_breaker_state{system="database"} 0`, `fleet_shed_total{class="submit"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

// stuck is a store that answers no change any more once it is told so.
type stuck struct {
	store.Store
	on      atomic.Bool
	waiting chan struct{} // receives when a change waits
	release chan struct{}
}

func (s *stuck) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	if s.on.Load() {
		select {
		case s.waiting <- struct{}{}:
		default:
		}
		<-s.release
	}
	return s.Store.Update(ctx, sc, fn)
}

// A database that does not answer does not keep an orchestrator from stopping.
func TestStopsWhileTheStoreIsStuck(t *testing.T) {
	db := &stuck{Store: dbtest.Open(t, dbtest.Options{}), waiting: make(chan struct{}, 1), release: make(chan struct{})}
	a, err := New(t.Context(), Options{Store: db, Listen: "127.0.0.1:0", StopTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	a.Start(t.Context())
	db.on.Store(true)
	<-db.waiting // a loop is in it and heeds nothing
	start := time.Now()
	err = a.Stop(context.Background())
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopped after %s", took)
	}
	if err == nil || !strings.Contains(err.Error(), "stop loops") {
		t.Errorf("the error does not say what was left behind: %v", err)
	}
	close(db.release)
	a.running.Wait()
}

func TestSecondOrchestratorOnOneFolderIsRefused(t *testing.T) {
	dbtest.EmbeddedOnly(t, "several orchestrators may share a PostgreSQL; a file belongs to one")
	dir := t.TempDir()
	start(t, Options{DataDir: dir, Listen: "127.0.0.1:0"})
	_, err := New(t.Context(), Options{DataDir: dir, Listen: "127.0.0.1:0"})
	if err == nil {
		t.Fatal("two orchestrators share a database file")
	}
	t.Log(err)
}

func TestAddressInUse(t *testing.T) {
	a := start(t, at(dbtest.NewPlace(t)))
	free := at(dbtest.NewPlace(t))
	taken := free
	taken.Listen = a.Addr().String()
	_, err := New(t.Context(), taken)
	if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("got %v", err)
	}
	start(t, free) // nothing was left behind
}

func TestUnsafeTimingIsRefused(t *testing.T) {
	timing := fleet.DefaultTiming()
	timing.Lost = timing.Lease / 2
	o := at(dbtest.NewPlace(t))
	o.Timing = timing
	if _, err := New(t.Context(), o); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
