package chaos

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

var (
	cycles  = flag.Int("cycles", envInt("FLEET_CHAOS_CYCLES", 100), "how often the orchestrator on SQLite is killed, and how often a robot is")
	seconds = flag.Int("seconds", envInt("FLEET_CHAOS_SECONDS", 20), "how long the members on PostgreSQL are hurt")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the faults and their moments") //nolint:gosec // any number will do
)

// world is some orchestrators on one database, some robots that know them all,
// and what is needed to hurt them: all of them are processes.
type world struct {
	t       testing.TB
	dir     string
	db      database
	members []*process
	direct  []*api   // the members, as clients reach them
	ways    []*proxy // the members, as robots reach them
	robots  []*process
	api     *api // the first member

	robotsKilled bool // or restarted, so that they may have lost what they held
}

// The silence after which members take an attempt away, and the time after which
// a robot without answer stops itself: 5/6 of a lease of 2/3 of it.
const (
	lost   = 15 * time.Second
	fenced = lost * 2 / 3 * 5 / 6
)

// size is how large a world is.
type size struct{ members, robots, slots int }

// startFleet starts one orchestrator on SQLite, and robots.
func startFleet(t testing.TB, robots, slots int, flags ...string) *world {
	t.Helper()
	dir := t.TempDir()
	return startWorld(t, dir, &embedded{filepath.Join(dir, "member1")}, size{1, robots, slots}, flags...)
}

// startCluster starts members on one PostgreSQL, and robots.
func startCluster(t testing.TB, s size, flags ...string) (*world, *server) {
	t.Helper()
	db := newServer(t, s.members, *seed)
	return startWorld(t, t.TempDir(), db, s, flags...), db
}

func startWorld(t testing.TB, dir string, db database, s size, flags ...string) *world {
	t.Helper()
	w := &world{t: t, dir: dir, db: db}
	bin, keyFile := program(t), filepath.Join(dir, "admin.key")
	t.Cleanup(func() {
		for _, p := range w.all() {
			p.kill()
		}
		if t.Failed() {
			w.tell()
		}
	})
	for i := range s.members {
		name, addr := fmt.Sprintf("member%d", i+1), freePort(t)
		m := &process{t: t, name: name, bin: bin, log: filepath.Join(dir, name+".log"), keep: true, args: append([]string{
			"serve", "--listen", addr, "--data-dir", filepath.Join(dir, name), "--timing-lost", lost.String(), "--timing-stop-grace", "5s",
			"--limit-requests", "100000000", "--limit-robot-requests", "100000000", "--limit-submits", "100000000", "--limit-pending", "10000000", "--limit-handshakes", "10000", "--log-level", "warn",
		}, db.flags(i)...)}
		m.args = append(m.args, flags...)
		if i == 0 {
			m.args = append(m.args, "--admin-key-file", keyFile)
		}
		m.start()
		w.members = append(w.members, m)
		w.direct = append(w.direct, &api{url: "http://" + addr, client: plain()})
		w.ways = append(w.ways, newProxy(t, addr, *seed+100+uint64(i))) //nolint:gosec // small
		if i == 0 {
			w.api = w.direct[0] // it makes the schema and the admin key
			w.await(w.api)
			key, err := os.ReadFile(keyFile)
			if err != nil {
				t.Fatal(err)
			}
			w.api.key = strings.TrimSpace(string(key))
		}
		w.direct[i].key = w.api.key
	}
	w.ready()
	var urls []string
	for _, way := range w.ways {
		urls = append(urls, "http://"+way.addr())
	}
	for i, key := range w.robotKeys(s.robots) {
		name := fmt.Sprintf("r%d", i+1)
		r := &process{
			t: t, name: name, bin: bin, log: filepath.Join(dir, name+".log"), env: []string{"FLEET_ROBOT_KEY=" + key}, keep: true,
			args: []string{
				"robot", "run", "--url", strings.Join(urls, ","), "--name", name, "--slots", strconv.Itoa(s.slots),
				"--data-dir", filepath.Join(dir, name), "--root", w.truthDir(), "--reconnect-max", "2s", "--log-format", "json",
			},
		}
		r.start()
		w.robots = append(w.robots, r)
	}
	return w
}

func (w *world) all() []*process { return append(append([]*process{}, w.robots...), w.members...) }

// tell shows what the processes said, for a test that failed.
func (w *world) tell() {
	for _, m := range w.members {
		w.t.Log(m.tail())
	}
	for _, r := range w.robots[:min(3, len(w.robots))] {
		w.t.Log(r.tail())
	}
	if s, ok := w.db.(*server); ok {
		w.t.Log(s.cluster.Log())
	}
}

// robotKeys makes the keys of n robots.
func (w *world) robotKeys(n int) []string {
	w.t.Helper()
	keys := make([]string, n)
	for i := range keys {
		var made struct {
			Secret string `json:"secret"`
		}
		if _, err := w.api.call(w.t.Context(), "POST", "/api/v1/keys", nil, map[string]any{"kind": "robot", "robot_id": fmt.Sprintf("r%d", i+1)}, &made); err != nil {
			w.t.Fatal(err)
		}
		if made.Secret == "" {
			w.t.Fatal("the key of a robot was not shown")
		}
		keys[i] = made.Secret
	}
	return keys
}

// ready waits until every member serves.
func (w *world) ready() {
	w.t.Helper()
	for _, a := range w.direct {
		w.await(a)
	}
}

func (w *world) await(a *api) {
	w.t.Helper()
	await(w.t, time.Minute, a.url+" is not ready", func() bool {
		_, err := a.call(w.t.Context(), "GET", "/health/ready", nil, nil, nil)
		return err == nil
	})
}

// settle waits until no job is under way.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	start := time.Now()
	var list struct {
		Jobs []struct {
			ID    string `json:"job_id"`
			State string `json:"status"`
		} `json:"jobs"`
	}
	await(w.t, limit, "jobs are still not final", func() bool {
		_, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs?status=pending&status=assigned&status=running&status=cancelling&limit=1", nil, nil, &list)
		return err == nil && len(list.Jobs) == 0
	})
	w.t.Logf("settled in %s", time.Since(start).Round(time.Millisecond))
}

// starts counts the attempts of a job that a robot took. An offer that a member
// stored and died with is none, as the job is offered anew: for one death there is
// one of them at most, and nothing else may have become of it.
func (w *world) starts(job string) (n int) {
	w.t.Helper()
	var list struct {
		Attempts []fleet.Attempt `json:"attempts"`
	}
	if _, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs/"+job+"/attempts", nil, nil, &list); err != nil {
		w.t.Fatal(err)
	}
	for _, a := range list.Attempts {
		switch {
		case !a.StartedAt.IsZero():
			n++
		case a.Outcome != fleet.OutcomeNotTaken:
			w.t.Errorf("attempt %d of %s was never taken, and is %q", a.Epoch, job, a.Outcome)
		}
	}
	if unheard := len(list.Attempts) - n; unheard > 1 {
		w.t.Errorf("%d offers of %s were not taken", unheard, job)
	}
	return n
}

// halt stops all programs politely: robots first, so that nothing is on its way.
func (w *world) halt() {
	w.t.Helper()
	for _, p := range w.all() {
		if err := p.stop(30 * time.Second); err != nil {
			w.t.Error(err)
		}
		if p.ends > 0 {
			w.t.Logf("%s ended by itself %d times", p.name, p.ends)
		}
	}
	w.t.Logf("members said %v", complaints(w.members))
	w.t.Logf("robots said %v", complaints(w.robots))
}

// complaints counts what programs warned of and failed with, by message. A line
// that is no record is what a program says when it ends with an error.
func complaints(list []*process) map[string]int {
	out := map[string]int{}
	for _, p := range list {
		text, err := os.ReadFile(p.log)
		if err != nil {
			continue // it never started
		}
		for line := range strings.Lines(string(text)) {
			var said struct{ Level, Msg string }
			switch err := json.Unmarshal([]byte(line), &said); {
			case err != nil:
				out[strings.TrimSpace(line[:min(len(line), 160)])]++
			case said.Level == "WARN", said.Level == "ERROR":
				out[said.Level+" "+said.Msg]++
			}
		}
	}
	return out
}

// chance is a source that the seed and a name decide.
func chance(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(*seed, stream)) //nolint:gosec // the seed is printed, the moments are meant to be repeatable
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
