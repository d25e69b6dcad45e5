//go:build failpoints

package chaos

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/fail"
)

// drive brings a world to a point. The process of the point is armed by the
// drive through arm, at the moment that the point needs, and has died at the
// point when drive returns.
type drive func(w *pointWorld, s fail.Spec)

// proc is the process in which a point lies.
func (w *pointWorld) proc(s fail.Spec) *process {
	if s.Process == fail.Robot {
		return w.robot
	}
	return w.server
}

// arm starts the process of a point anew with the plan to die there.
func (w *pointWorld) arm(s fail.Spec, more string) {
	p := w.proc(s)
	p.kill()
	w.mark(p)
	again(p, string(s.Point)+"=kill"+more)
}

// revive waits for the death and starts the process again.
func (w *pointWorld) revive(s fail.Spec) {
	w.t.Helper()
	w.diesAt(w.proc(s), s.Point)
	again(w.proc(s), "")
	w.ready()
}

// run is the plain life of a job, and every sign of life on the way.
func run(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := w.submit(0.3, nil)
	w.revive(s)
	w.final(<-id)
}

// late is run for points that are passed at every start as well.
func late(w *pointWorld, s fail.Spec) {
	w.arm(s, "@8")
	id := w.submit(0.3, nil)
	w.revive(s)
	w.final(<-id)
}

// starting is a point that the process passes when it starts or connects.
func starting(w *pointWorld, s fail.Spec) {
	id := <-w.submit(0.5, nil)
	w.arm(s, "")
	w.revive(s)
	w.final(id)
}

func replayed(w *pointWorld, s fail.Spec) {
	key, body := w.submission(0.1, nil)
	first := <-w.post(key, body)
	w.arm(s, "")
	second := w.post(key, body)
	w.revive(s)
	if again := <-second; again != first {
		w.t.Errorf("%s: the key gave job %s, then %s", s.Point, first, again)
	}
	w.final(first)
}

func bulk(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	_, a := w.submission(0.1, nil)
	_, b := w.submission(0.1, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ask("/api/v1/jobs/bulk", "", map[string]any{"atomic": true, "jobs": []any{a, b}}, nil)
	}()
	w.revive(s)
	<-done
}

// cancelling stops a long job.
func cancelling(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(60, nil)
	w.state(id, fleet.Running)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ask("/api/v1/jobs/"+id+"/cancel", "", map[string]any{}, nil)
	}()
	w.revive(s)
	<-done
	w.final(id)
}

func retrying(w *pointWorld, s fail.Spec) {
	id := <-w.submit(0.1, map[string]any{"delay_seconds": 600})
	w.ask("/api/v1/jobs/"+id+"/cancel", "", map[string]any{}, nil)
	w.final(id)
	w.arm(s, "")
	w.ready()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.ask("/api/v1/jobs/"+id+"/retry", "", nil, nil)
	}()
	w.revive(s)
	<-done
}

// deciding loses a robot inside a step that must not run twice.
func deciding(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(60, map[string]any{"retry_safety": "until_effect"})
	w.state(id, fleet.Running)
	w.killRobot()
	again(w.robot, "robot.effect_go=kill")
	// The first run may not have reached the step: then the second dies in it.
	for done := false; !done; {
		select {
		case <-ended(w.robot):
			w.mark(w.robot)
			again(w.robot, "")
		default:
		}
		var job struct {
			State fleet.State `json:"status"`
		}
		_, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job)
		done = err == nil && job.State == fleet.NeedsDecision
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		w.ask("/api/v1/jobs/"+id+"/decide", "", map[string]any{"decision": "fail", "reason": "the robot died in it"}, nil)
	}()
	w.revive(s)
	<-answered
	w.killRobot()
	again(w.robot, "")
	w.final(id)
}

func rejecting(w *pointWorld, s fail.Spec) {
	w.killRobot()
	w.robot.env = w.robot.env[:1]
	if s.Process == fail.Robot {
		again(w.robot, "journal.reserve=error@1,"+string(s.Point)+"=kill")
	} else {
		w.arm(s, "")
		again(w.robot, "journal.reserve=error@1")
	}
	id := w.submit(0.1, nil)
	w.revive(s)
	w.final(<-id)
}

func due(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := w.submit(0.1, map[string]any{"delay_seconds": 1})
	w.revive(s)
	w.final(<-id)
}

func expiring(w *pointWorld, s fail.Spec) {
	w.killRobot()
	w.arm(s, "")
	id := w.submit(0.1, map[string]any{"queue_timeout_seconds": 1})
	w.revive(s)
	again(w.robot, "")
	w.final(<-id)
}

// freeze stops the robot's process, and thaw lets it go on.
func (w *pointWorld) freeze() { w.signal(syscall.SIGSTOP) }
func (w *pointWorld) thaw()   { w.signal(syscall.SIGCONT) }
func (w *pointWorld) signal(s os.Signal) {
	w.t.Helper()
	if err := w.robot.cmd.Process.Signal(s); err != nil {
		w.t.Fatal(err)
	}
}

// untaken leaves an offer without an answer.
func untaken(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	warm := <-w.submit(0.1, nil)
	w.final(warm) // the robot is connected
	w.freeze()
	id := w.submit(0.1, nil)
	w.revive(s)
	w.thaw()
	w.final(<-id)
}

// frozen runs a job on a robot that stops to move, so that time decides.
func frozen(more map[string]any, cancel bool) drive {
	return func(w *pointWorld, s fail.Spec) {
		w.arm(s, "")
		id := <-w.submit(20, more)
		w.state(id, fleet.Running)
		w.freeze()
		if cancel {
			w.ask("/api/v1/jobs/"+id+"/cancel", "", map[string]any{"grace_seconds": 1}, nil)
		}
		w.revive(s)
		w.thaw()
		w.ask("/api/v1/jobs/"+id+"/cancel", "", map[string]any{}, nil)
		w.final(id)
	}
}

// returning brings the robot back without the job that it ran.
func returning(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(2, nil)
	w.state(id, fleet.Running)
	w.killRobot()
	again(w.robot, "")
	w.revive(s)
	w.final(id)
}

// leaving ends the robot's socket.
func leaving(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(1, nil)
	w.state(id, fleet.Running)
	w.killRobot()
	again(w.robot, "")
	w.revive(s)
	w.final(id)
}

// stopping asks the process to stop while a job runs.
func stopping(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(1, nil)
	w.state(id, fleet.Running)
	if err := w.proc(s).cmd.Process.Signal(os.Interrupt); err != nil {
		w.t.Fatal(err)
	}
	w.revive(s)
	w.final(id)
}

// drives says how each point is reached; run serves where none is named.
var drives = map[fail.Point]drive{
	fail.SubmitReplayed: replayed, fail.BulkBeforeCommit: bulk, fail.BulkAfterCommit: bulk,
	fail.CancelBeforeCommit: cancelling, fail.CancelAfterCommit: cancelling, fail.CancelQueued: cancelling,
	fail.RetryBeforeCommit: retrying, fail.RetryAfterCommit: retrying,
	fail.DecideBeforeCommit: deciding, fail.DecideAfterCommit: deciding,
	fail.RejectBeforeCommit: rejecting, fail.RejectAfterCommit: rejecting, fail.RobotRejectSent: rejecting,
	fail.TimerDue: due, fail.TimerAfterCommit: due, fail.TimerExpire: expiring, fail.TimerAccept: untaken,
	fail.TimerStop: frozen(nil, true), fail.SilenceBeforeCommit: frozen(nil, false),
	fail.LoseBeforeCommit: frozen(nil, false), fail.LoseAfterCommit: frozen(nil, false),
	fail.RunLimitBefore: frozen(map[string]any{"run_timeout_seconds": 1}, false),
	fail.RunLimitAfter:  frozen(map[string]any{"run_timeout_seconds": 1}, false),
	fail.ReconcileLost:  returning, fail.SessionBeforeClose: leaving, fail.SessionAfterClose: leaving,
	fail.AdoptBeforeCommit: starting, fail.AdoptAfterCommit: starting,
	fail.DrainSent: stopping, fail.StopStep: stopping, fail.RobotDrainBegun: stopping, fail.RobotDrainIdle: stopping,
	fail.StoreBeforeCommit: late, fail.StoreAfterCommit: late,
	fail.RobotCancelReceived: cancelling, fail.JournalBeforeRename: starting, fail.JournalAfterRename: starting,
}

// migrating are the points of the first start on an empty store.
var migrating = map[fail.Point]bool{fail.MigrateBefore: true, fail.MigrateBeforeCommit: true, fail.MigrateAfter: true}

// slow points wait for silence; they have a world of their own.
var slow = map[fail.Point]bool{fail.SilenceBeforeCommit: true, fail.LoseBeforeCommit: true, fail.LoseAfterCommit: true}

// TestFailpoints kills a process at every point of the list, once each, starts
// it again and lets the job come to its end. A point that is never hit fails.
func TestFailpoints(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "fleet")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "failpoints", "-o", bin, "github.com/casarerpa/fleet/cmd/fleet")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, b := range backings() {
		t.Run(b.name, func(t *testing.T) { failAtAll(t, bin, b) })
	}
}

func failAtAll(t *testing.T, bin string, b backing) {
	var mu sync.Mutex
	hit := map[fail.Point]bool{}
	worlds := map[string][]fail.Spec{}
	var want []fail.Point
	for i, s := range fail.Points() {
		if s.Store != "" && s.Store != b.name {
			continue
		}
		want = append(want, s.Point)
		name := string(s.Process)
		switch {
		case migrating[s.Point]:
			name = "empty"
		case slow[s.Point]:
			name = "silent"
		case s.Process == fail.Orchestrator && i%2 == 1:
			name += "-odd" // two halves of about the same length
		}
		worlds[name] = append(worlds[name], s)
	}
	t.Run("worlds", func(t *testing.T) {
		for name, points := range worlds {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if name == "empty" {
					for _, s := range points {
						failAtFirstStart(t, bin, b, s)
						mu.Lock()
						hit[s.Point] = true
						mu.Unlock()
					}
					return
				}
				w := newPointWorld(t, bin, name, b)
				for _, s := range points {
					d := drives[s.Point]
					if d == nil {
						d = run
					}
					if only := os.Getenv("FLEET_FAILPOINT"); only != "" && only != string(s.Point) {
						continue
					}
					d(w, s)
					mu.Lock()
					hit[s.Point] = true
					mu.Unlock()
				}
				w.close()
			})
		}
	})
	for _, p := range want {
		if !hit[p] && os.Getenv("FLEET_FAILPOINT") == "" {
			t.Errorf("%s was never hit", p)
		}
	}
	t.Logf("%d points hit", len(hit))
}

// failAtFirstStart dies while the schema is made, and starts again on what is there.
func failAtFirstStart(t *testing.T, bin string, b backing, s fail.Spec) {
	dir, addr := t.TempDir(), freePort(t)
	f := &fleetUnderTest{t: t, api: &api{url: "http://" + addr, client: plain()}}
	f.server = &process{
		t: t, name: "orchestrator", bin: bin, log: filepath.Join(dir, "serve.log"), env: []string{"FLEET_FAIL=" + string(s.Point) + "=kill"},
		args: append([]string{"serve", "--listen", addr, "--admin-key-file", filepath.Join(dir, "key")}, b.args(t, filepath.Join(dir, "data"))...),
	}
	f.server.start()
	t.Cleanup(f.server.kill)
	w := &pointWorld{fleetUnderTest: f}
	w.diesAt(f.server, s.Point)
	again(f.server, "")
	w.ready()
}
