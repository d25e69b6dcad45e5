//go:build failpoints

package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/pgtest"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// backing is a kind of store on which points are reached.
type backing struct {
	name string
	make func(t testing.TB, dir string) database // a new store of its own
}

// backings are the stores on which points are reached. The PostgreSQL server is
// one for all worlds; each has a database of its own.
func backings(t *testing.T) []backing {
	cluster := pgtest.New(t)
	return []backing{
		{"sqlite", func(_ testing.TB, dir string) database { return &embedded{dir} }},
		{"postgres", func(t testing.TB, _ string) database {
			return &straight{&server{cluster: cluster, db: cluster.Database(t)}}
		}},
	}
}

// straight is a PostgreSQL without anything between it and the member.
type straight struct{ *server }

func (s *straight) flags(int) []string { return []string{"--database-url", s.server.db.OwnerURL} }

// pointWorld is an orchestrator and a robot that are made to die at points.
type pointWorld struct {
	*world
	server   *process
	robot    *process // the one that is made to die
	relief   *process // takes what the other one may not have again; runs at the end alone
	name     string
	accepted sync.Map // keys by job id; empty: asked for without one
	owed     []<-chan string
	next     int
}

// newServing starts nothing: it names an orchestrator on a store of its own.
func newServing(t *testing.T, bin, name string, b backing) *pointWorld {
	dir, addr := t.TempDir(), freePort(t)
	data := filepath.Join(dir, "data")
	a := &api{url: "http://" + addr, client: plain()}
	f := &world{t: t, dir: dir, db: b.make(t, data), api: a, direct: []*api{a}, robotsKilled: true}
	w := &pointWorld{world: f, name: name}
	w.server = &process{
		t: t, name: "orchestrator", bin: bin, log: filepath.Join(dir, "serve.log"),
		args: append([]string{
			"serve", "--listen", addr, "--data-dir", data, "--admin-key-file", filepath.Join(dir, "admin.key"), "--timing-lost", "15s",
			"--timing-accept", "2s", "--timing-stop-grace", "1s", "--limit-requests", "1000000", "--limit-handshakes", "10000", "--log-level", "warn",
		}, f.db.flags(0)...),
	}
	f.members = []*process{w.server}
	return w
}

func newPointWorld(t *testing.T, bin, name string, b backing) *pointWorld {
	w := newServing(t, bin, name, b)
	w.server.start()
	t.Cleanup(w.server.kill)
	w.ready()
	key, err := os.ReadFile(filepath.Join(w.dir, "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	w.api.key = strings.TrimSpace(string(key))
	for i, key := range w.robotKeys(2) {
		name := fmt.Sprintf("r%d", i+1)
		w.robots = append(w.robots, &process{
			t: t, name: name, bin: bin, log: filepath.Join(w.dir, name+".log"), env: []string{"FLEET_ROBOT_KEY=" + key},
			args: []string{"robot", "run", "--url", w.api.url, "--name", name, "--slots", "8", "--reconnect-max", "1s", "--log-format", "json", "--data-dir", filepath.Join(w.dir, name)},
		})
	}
	w.robot, w.relief = w.robots[0], w.robots[1]
	w.robot.start()
	t.Cleanup(w.robot.kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.server.tail())
			t.Log(w.robot.tail())
		}
	})
	return w
}

// again starts a process with a plan; an empty one lets it live.
func again(p *process, plan string) {
	p.env = slices.DeleteFunc(p.env, func(e string) bool { return strings.HasPrefix(e, "FLEET_FAIL=") })
	p.env = append(p.env, "FLEET_FAIL="+plan)
	p.start()
}

// ended is closed when the process that runs now is gone.
func ended(p *process) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// isGone says whether the process has ended.
func isGone(p *process) bool {
	select {
	case <-ended(p):
		return true
	default:
		return false
	}
}

// diesAt waits until the process has died at a point, by its own hand.
func (w *pointWorld) diesAt(p *process, point fail.Point) {
	w.t.Helper()
	select {
	case <-ended(p):
	case <-time.After(40 * time.Second):
		w.t.Fatalf("%s: the point was never hit", point)
	}
	w.mark(p)
	text, err := os.ReadFile(p.log)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(text), fmt.Sprintf("failpoint %s: the process dies here", point)) {
		w.t.Fatalf("%s: the process ended, but not there", point)
	}
	if how := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !how.Signaled() {
		w.t.Fatalf("%s: the process ended with %v instead of being killed", point, how.ExitStatus())
	}
}

// mark notes in a robot's log that all its runs have ended with it.
func (w *pointWorld) mark(p *process) {
	if p != w.robot {
		return
	}
	f, err := os.OpenFile(p.log, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	fmt.Fprintf(f, "\n{\"time\":%q,\"msg\":\"gone\"}\n", time.Now().Format(time.RFC3339Nano))
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// killRobot kills the robot without warning.
func (w *pointWorld) killRobot() {
	w.robot.kill()
	w.mark(w.robot)
}

// pointWork logs a line, leaves a file, and waits in a step that must not run twice.
const pointWork = `{"metadata":{"name":%q},"settings":{"fleet":{"effects":{"w":true,"f":false}}},"nodes":{
 "s":{"node_id":"s","node_type":"StartNode","config":{}},
 "v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"x","value":"1"}},
 "l":{"node_id":"l","node_type":"LogNode","config":{"message":"here"}},
 "f":{"node_id":"f","node_type":"WriteFileNode","config":{"file_path":"artifacts/left.txt","content":"left"}},
 "w":{"node_id":"w","node_type":"WaitNode","config":{"duration":%g}},
 "e":{"node_id":"e","node_type":"EndNode","config":{}}},
 "connections":[
 {"source_node":"s","source_port":"exec_out","target_node":"v","target_port":"exec_in"},
 {"source_node":"v","source_port":"exec_out","target_node":"l","target_port":"exec_in"},
 {"source_node":"l","source_port":"exec_out","target_node":"f","target_port":"exec_in"},
 {"source_node":"f","source_port":"exec_out","target_node":"w","target_port":"exec_in"},
 {"source_node":"w","source_port":"exec_out","target_node":"e","target_port":"exec_in"}]}`

// ask repeats a request until it is answered with success; the outcome of one
// without an answer is unknown. A conflict ends it too: it was done before.
func (w *pointWorld) ask(path, key string, body, out any) {
	for w.t.Context().Err() == nil {
		status, err := w.api.call(w.t.Context(), "POST", path, map[string]string{"Idempotency-Key": key}, body, out)
		if err == nil || status == http.StatusConflict && key == "" {
			return
		}
		if status >= 400 && status < 500 && status != http.StatusConflict && status != http.StatusTooManyRequests {
			w.t.Errorf("refused: %v", err)
			return
		}
		pause(w.t.Context(), 50*time.Millisecond)
	}
}

// submission is a request for a job that takes some seconds.
func (w *pointWorld) submission(seconds float64, more map[string]any) (string, map[string]any) {
	w.next++
	key := fmt.Sprintf("%s-%d", w.name, w.next)
	body := map[string]any{
		"workflow_json": jsonText(fmt.Sprintf(pointWork, key, seconds)), "retry_safety": "always",
		"retry": map[string]any{"delay_ms": 100, "max_lost": 10},
	}
	maps.Copy(body, more)
	return key, body
}

// submit asks for a job in the background and gives its id once accepted.
func (w *pointWorld) submit(seconds float64, more map[string]any) <-chan string {
	key, body := w.submission(seconds, more)
	return w.post(key, body)
}

func (w *pointWorld) post(key string, body map[string]any) <-chan string {
	id := make(chan string, 1)
	go func() {
		var job struct {
			ID string `json:"job_id"`
		}
		w.ask("/api/v1/jobs", key, body, &job)
		if other, seen := w.accepted.LoadOrStore(job.ID, key); seen && other != key {
			w.t.Errorf("job %s was given to the keys %v and %s", job.ID, other, key)
		}
		id <- job.ID
	}()
	return id
}

// state waits until a job is in one of some states.
func (w *pointWorld) state(id string, want ...fleet.State) {
	w.t.Helper()
	await(w.t, 40*time.Second, fmt.Sprintf("job %s is not %v", id, want), func() bool {
		var job struct {
			State fleet.State `json:"status"`
		}
		_, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job)
		return err == nil && slices.Contains(want, job.State)
	})
}

// over says whether a job has ended.
func (w *pointWorld) over(id string) bool {
	var job struct {
		State fleet.State `json:"status"`
	}
	_, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job)
	return err == nil && job.State.Final()
}

// owe notes a job that must have ended when the world does.
func (w *pointWorld) owe(id <-chan string) { w.owed = append(w.owed, id) }

// final notes a job that is known; nothing waits for it now.
func (w *pointWorld) final(id string) {
	c := make(chan string, 1)
	c <- id
	w.owe(c)
}

// ends waits until a job has ended.
func (w *pointWorld) ends(id string) {
	w.t.Helper()
	await(w.t, 40*time.Second, fmt.Sprintf("job %s has not ended", id), func() bool { return w.over(id) })
}

// entry is a line of a robot's own record.
type entry struct {
	Time  time.Time `json:"time"`
	Msg   string    `json:"msg"`
	JobID string    `json:"job_id"`
	Epoch int       `json:"epoch"`
	robot string
}

// record reads what a robot wrote about its runs.
func (w *pointWorld) record(p *process) []entry {
	w.t.Helper()
	f, err := os.Open(p.log)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	var out []entry
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		e := entry{robot: p.name}
		if json.Unmarshal(in.Bytes(), &e) == nil {
			out = append(out, e)
		}
	}
	if err := in.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// overlaps reads the robots' own records: no job may run twice at a time.
func (w *pointWorld) overlaps() {
	w.t.Helper()
	all := append(w.record(w.robot), w.record(w.relief)...)
	slices.SortStableFunc(all, func(a, b entry) int { return a.Time.Compare(b.Time) })
	running, starts := map[string]entry{}, 0
	for _, e := range all {
		switch e.Msg {
		case "job started":
			starts++
			if with, is := running[e.JobID]; is {
				w.t.Errorf("job %s runs on %s as epoch %d and on %s as epoch %d at once", e.JobID, with.robot, with.Epoch, e.robot, e.Epoch)
			}
			running[e.JobID] = e
		case "job completed", "job failed", "job stopped":
			delete(running, e.JobID)
		case "gone":
			for id, with := range running {
				if with.robot == e.robot {
					delete(running, id)
				}
			}
		}
	}
	if starts == 0 {
		w.t.Error("the robots' records are empty: nothing was checked")
	}
}

// close lets everything come to its end and asks for the law of the data. A
// robot that lost a job is not given it again for a while, so another one comes.
func (w *pointWorld) close() {
	w.t.Helper()
	w.relief.start()
	w.t.Cleanup(w.relief.kill)
	w.owe(w.submit(0.1, nil)) // after all that, it works as on the first day
	for _, id := range w.owed {
		w.ends(<-id)
	}
	w.settle(60 * time.Second)
	for _, p := range []*process{w.relief, w.server} {
		if err := p.stop(30 * time.Second); err != nil {
			w.t.Error(err)
		}
	}
	w.verify()
	w.overlaps()
}

// verify asks whether the store keeps the data's law and agrees with what the
// client wrote down: what was accepted is there, and a key has one job.
func (w *pointWorld) verify() {
	w.t.Helper()
	q, done := w.db.open(w.t)
	defer done()
	if err := storetest.Invariants(w.t.Context(), q); err != nil {
		w.t.Error(err)
	}
	for _, row := range w.query(q, `select job_id, epoch from attempts where slot_free_at is null`) {
		w.t.Errorf("a slot leaked: %v", row)
	}
	jobs, byKey, completed := w.jobs(q), map[string]string{}, 0
	for id, j := range jobs {
		if j.state == fleet.Completed {
			completed++
		}
		if other, twice := byKey[j.key]; twice && j.key != "" {
			w.t.Errorf("the key %s has the jobs %s and %s", j.key, other, id)
		}
		byKey[j.key] = id
	}
	n := 0
	w.accepted.Range(func(id, key any) bool {
		n++
		switch j := jobs[id.(string)]; {
		case j == nil:
			w.t.Errorf("job %v was accepted for the key %q and is not there", id, key)
		case j.key != key:
			w.t.Errorf("job %v was accepted for the key %q and has %q", id, key, j.key)
		}
		return true
	})
	if n == 0 || completed == 0 {
		w.t.Errorf("%d jobs were accepted and %d completed: nothing was checked", n, completed)
	}
}
