package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	cycles = flag.Int("cycles", envInt("FLEET_CHAOS_CYCLES", 100), "how often the orchestrator is killed, and how often a robot is")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments at which processes are killed")
)

// work is a job that takes a moment, so that kills find it in every phase.
const work = `{"metadata":{"name":"chaos"},"nodes":{
 "s":{"node_id":"s","node_type":"StartNode","config":{}},
 "v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"x","value":"{{n}}"}},
 "w":{"node_id":"w","node_type":"WaitNode","config":{"duration":%g}},
 "e":{"node_id":"e","node_type":"EndNode","config":{}}},
 "connections":[
 {"source_node":"s","source_port":"exec_out","target_node":"v","target_port":"exec_in"},
 {"source_node":"v","source_port":"exec_out","target_node":"w","target_port":"exec_in"},
 {"source_node":"w","source_port":"exec_out","target_node":"e","target_port":"exec_in"}]}`

// fleetUnderTest is one orchestrator on SQLite and some robots, as processes.
type fleetUnderTest struct {
	t      testing.TB
	dir    string
	server *process
	robots []*process
	api    *api
}

func startFleet(t testing.TB, robots, slots int, flags ...string) *fleetUnderTest {
	bin, dir, addr := build(t), t.TempDir(), freePort(t)
	keyFile := filepath.Join(dir, "admin.key")
	f := &fleetUnderTest{t: t, dir: filepath.Join(dir, "data"), api: &api{url: "http://" + addr, client: plain()}}
	f.server = &process{
		t: t, name: "orchestrator", bin: bin, log: filepath.Join(dir, "serve.log"),
		args: append([]string{
			"serve", "--listen", addr, "--data-dir", f.dir, "--admin-key-file", keyFile, "--timing-lost", "15s",
			"--limit-requests", "100000000", "--limit-submits", "100000000", "--limit-pending", "10000000", "--limit-handshakes", "10000", "--log-level", "warn",
		}, flags...),
	}
	f.server.start()
	t.Cleanup(f.server.kill)
	f.ready()
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	f.api.key = strings.TrimSpace(string(key))
	for i, key := range f.robotKeys(robots) {
		name := fmt.Sprintf("r%d", i+1)
		r := &process{
			t: t, name: name, bin: bin, log: filepath.Join(dir, name+".log"), env: []string{"FLEET_ROBOT_KEY=" + key},
			args: []string{"robot", "run", "--url", f.api.url, "--name", name, "--slots", strconv.Itoa(slots), "--data-dir", filepath.Join(dir, name)},
		}
		r.start()
		t.Cleanup(r.kill)
		f.robots = append(f.robots, r)
	}
	return f
}

// robotKeys makes the keys of n robots.
func (f *fleetUnderTest) robotKeys(n int) []string {
	f.t.Helper()
	keys := make([]string, n)
	for i := range keys {
		var made struct {
			Secret string `json:"secret"`
		}
		if _, err := f.api.call(f.t.Context(), "POST", "/api/v1/keys", nil, map[string]any{"kind": "robot", "robot_id": fmt.Sprintf("r%d", i+1)}, &made); err != nil {
			f.t.Fatal(err)
		}
		if made.Secret == "" {
			f.t.Fatal("the key of a robot was not shown")
		}
		keys[i] = made.Secret
	}
	return keys
}

func (f *fleetUnderTest) ready() {
	f.t.Helper()
	await(f.t, 20*time.Second, "the orchestrator is not ready", func() bool {
		_, err := f.api.call(f.t.Context(), "GET", "/health/ready", nil, nil, nil)
		return err == nil
	})
}

// TestKill kills the orchestrator and the robots at random moments while
// clients submit. Every accepted job must end, once.
func TestKill(t *testing.T) {
	n := *cycles
	if testing.Short() {
		n = min(n, 5)
	}
	t.Logf("seed %d, %d kills of each", *seed, n)
	f := startFleet(t, 3, 4)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(f.server.tail())
			for _, r := range f.robots {
				t.Log(r.tail())
			}
		}
	})
	submitting, stop := context.WithCancel(t.Context())
	defer stop()
	var accepted sync.Map // job id → idempotency key
	var count atomic.Int64
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(*seed, uint64(c))) //nolint:gosec // the seed is printed, the moments are meant to be repeatable
			for i := 0; submitting.Err() == nil; i++ {
				f.submit(submitting, fmt.Sprintf("k-%d-%d", c, i), rng.Float64()*0.2, &accepted, &count)
				pause(submitting, time.Duration(rng.IntN(60))*time.Millisecond)
			}
		})
	}
	var killers sync.WaitGroup
	killers.Go(func() {
		rng := rand.New(rand.NewPCG(*seed, 100)) //nolint:gosec // as above
		for range n {
			pause(t.Context(), time.Duration(100+rng.IntN(800))*time.Millisecond)
			f.server.kill()
			f.server.start()
		}
	})
	killers.Go(func() {
		rng := rand.New(rand.NewPCG(*seed, 200)) //nolint:gosec // as above
		for range n {
			pause(t.Context(), time.Duration(100+rng.IntN(800))*time.Millisecond)
			r := f.robots[rng.IntN(len(f.robots))]
			r.kill()
			r.start()
		}
	})
	killers.Wait()
	stop()
	clients.Wait()
	f.ready()
	t.Logf("%d jobs accepted", count.Load())
	if count.Load() == 0 {
		t.Fatal("no job was accepted: nothing was tested")
	}
	f.settle(90 * time.Second)
	if err := f.server.stop(30 * time.Second); err != nil {
		t.Error(err)
	}
	f.verify(&accepted)
}

// submit asks for a job until it is accepted: the outcome of a request whose
// answer was lost is unknown, and the key makes asking again safe.
func (f *fleetUnderTest) submit(ctx context.Context, key string, wait float64, accepted *sync.Map, count *atomic.Int64) {
	body := map[string]any{"workflow_json": jsonText(fmt.Sprintf(work, wait)), "variables": map[string]any{"n": key}}
	for ctx.Err() == nil {
		var job struct {
			ID string `json:"job_id"`
		}
		status, err := f.api.call(ctx, "POST", "/api/v1/jobs", map[string]string{"Idempotency-Key": key}, body, &job)
		if err == nil {
			if other, seen := accepted.LoadOrStore(job.ID, key); seen && other != key {
				f.t.Errorf("job %s was given to the keys %v and %s", job.ID, other, key)
			}
			count.Add(1)
			return
		}
		if status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusConflict {
			f.t.Errorf("submit refused: %v", err)
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// settle waits until no job is under way.
func (f *fleetUnderTest) settle(limit time.Duration) {
	f.t.Helper()
	await(f.t, limit, "jobs are still not final", func() bool {
		var list struct {
			Jobs []struct{} `json:"jobs"`
		}
		_, err := f.api.call(f.t.Context(), "GET", "/api/v1/jobs?status=pending&status=assigned&status=running&status=cancelling&limit=1", nil, nil, &list)
		return err == nil && len(list.Jobs) == 0
	})
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func envInt(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}
