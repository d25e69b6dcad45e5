//go:build failpoints

package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
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
)

// backing gives the arguments of serve that name a new store of its own.
type backing struct {
	name string
	args func(t testing.TB, dir string) []string
}

// backings are the stores on which every point is reached.
func backings() []backing {
	return []backing{{"sqlite", func(_ testing.TB, dir string) []string { return []string{"--data-dir", dir} }}}
}

// pointWorld is an orchestrator and a robot that are made to die at points.
type pointWorld struct {
	*fleetUnderTest
	robot    *process // the one that is made to die
	relief   *process // takes what the other one may not have again; runs in final alone
	name     string
	accepted sync.Map
	next     int
}

func newPointWorld(t *testing.T, bin, name string, b backing) *pointWorld {
	dir, addr := t.TempDir(), freePort(t)
	keyFile := filepath.Join(dir, "admin.key")
	data := filepath.Join(dir, "data")
	f := &fleetUnderTest{t: t, dir: data, api: &api{url: "http://" + addr, client: plain()}}
	f.server = &process{
		t: t, name: "orchestrator", bin: bin, log: filepath.Join(dir, "serve.log"),
		args: append([]string{
			"serve", "--listen", addr, "--admin-key-file", keyFile, "--timing-lost", "15s", "--timing-accept", "2s",
			"--timing-stop-grace", "1s", "--limit-requests", "1000000", "--log-level", "warn",
		}, b.args(t, data)...),
	}
	f.server.start()
	t.Cleanup(f.server.kill)
	f.ready()
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	f.api.key = strings.TrimSpace(string(key))
	w := &pointWorld{fleetUnderTest: f, name: name}
	w.robot = &process{
		t: t, name: "r1", bin: bin, log: filepath.Join(dir, "r1.log"), env: []string{"FLEET_ROBOT_KEY=" + f.robotKeys(1)[0]},
		args: []string{"robot", "run", "--url", f.api.url, "--name", "r1", "--slots", "4", "--log-format", "json", "--data-dir", filepath.Join(dir, "r1")},
	}
	key2 := f.robotKeys(2)[1]
	w.relief = &process{
		t: t, name: "r2", bin: bin, log: filepath.Join(dir, "r2.log"), env: []string{"FLEET_ROBOT_KEY=" + key2},
		args: []string{"robot", "run", "--url", f.api.url, "--name", "r2", "--slots", "4", "--log-format", "json", "--data-dir", filepath.Join(dir, "r2")},
	}
	f.robots = []*process{w.robot, w.relief}
	w.robot.start()
	t.Cleanup(w.robot.kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(f.server.tail())
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

// pointWork logs a line, and waits in a step that must not run twice.
const pointWork = `{"metadata":{"name":%q},"settings":{"fleet":{"effects":{"w":true}}},"nodes":{
 "s":{"node_id":"s","node_type":"StartNode","config":{}},
 "v":{"node_id":"v","node_type":"SetVariableNode","config":{"variable_name":"x","value":"1"}},
 "l":{"node_id":"l","node_type":"LogNode","config":{"message":"here"}},
 "w":{"node_id":"w","node_type":"WaitNode","config":{"duration":%g}},
 "e":{"node_id":"e","node_type":"EndNode","config":{}}},
 "connections":[
 {"source_node":"s","source_port":"exec_out","target_node":"v","target_port":"exec_in"},
 {"source_node":"v","source_port":"exec_out","target_node":"l","target_port":"exec_in"},
 {"source_node":"l","source_port":"exec_out","target_node":"w","target_port":"exec_in"},
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
	for k, v := range more {
		body[k] = v
	}
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

// final waits until a job has ended. A robot that lost a job is not given it
// again for a while, so after a moment another one comes and takes it.
func (w *pointWorld) final(id string) {
	w.t.Helper()
	for range 40 {
		if w.over(id) {
			return
		}
		pause(w.t.Context(), 50*time.Millisecond)
	}
	w.relief.start()
	defer func() {
		if err := w.relief.stop(20 * time.Second); err != nil {
			w.t.Error(err)
		}
	}()
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

// close lets everything come to its end and asks for the law of the data.
func (w *pointWorld) close() {
	w.t.Helper()
	w.final(<-w.submit(0.1, nil)) // after all that, it works as on the first day
	w.settle(60 * time.Second)
	if err := w.server.stop(30 * time.Second); err != nil {
		w.t.Error(err)
	}
	w.verify(&w.accepted)
	w.overlaps()
}
