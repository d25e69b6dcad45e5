//go:build failpoints

package chaos

import (
	"fmt"
	"os"
	"os/exec"
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

// chain reaches points that the plain life of jobs passes, one after the other.
// The start that follows a death is armed for the next, so that each point costs
// one start; what the jobs of a point still have to do goes on under the next.
func (w *pointWorld) chain(points []fail.Spec, hit func(fail.Point)) {
	if len(points) == 0 {
		return
	}
	w.arm(points[0], counted[points[0].Point])
	for i, s := range points {
		w.owe(w.submit(0.3, nil))
		w.diesAt(w.proc(s), s.Point)
		hit(s.Point)
		plan := ""
		if i+1 < len(points) {
			next := points[i+1].Point
			plan = string(next) + "=kill" + counted[next]
		}
		again(w.proc(s), plan)
	}
	w.ready()
}

// counted are points that are passed at every start as well: a later hit counts.
var counted = map[fail.Point]string{
	fail.StoreBeforeCommit: "@8", fail.StoreAfterCommit: "@8", fail.StoreLocked: "@8", fail.StoreCommitSent: "@8", fail.NotifyBefore: "@3",
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

// bulk sends jobs that are stored together; such a request knows no key.
func bulk(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	_, a := w.submission(0.1, nil)
	_, b := w.submission(0.1, nil)
	done := make(chan struct{})
	var answer bulkAnswer
	go func() {
		defer close(done)
		w.ask("/api/v1/jobs/bulk", "", map[string]any{"atomic": true, "jobs": []any{a, b}}, &answer)
	}()
	w.revive(s)
	<-done
	if len(answer.Jobs) != 2 {
		w.t.Errorf("%s: a bulk of two jobs was answered with %v", s.Point, answer)
	}
	for _, j := range answer.Jobs {
		w.accepted.Store(j.ID, "")
		w.final(j.ID)
	}
}

// plainBulk sends jobs under one key, which covers each of them.
func plainBulk(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	_, a := w.submission(0.1, nil)
	key, b := w.submission(0.1, nil)
	send := func(answer *bulkAnswer) {
		w.ask("/api/v1/jobs/bulk", key, map[string]any{"jobs": []any{a, b}}, answer)
	}
	var first, second bulkAnswer
	done := make(chan struct{})
	go func() { defer close(done); send(&first) }()
	w.revive(s)
	<-done
	send(&second)
	for i, j := range first.Jobs {
		if j.ID == "" || len(second.Jobs) != 2 || second.Jobs[i].ID != j.ID {
			w.t.Errorf("%s: the key gave %v, then %v", s.Point, first, second)
			return
		}
		w.accepted.Store(j.ID, fmt.Sprintf("%s/%d", key, i))
		w.final(j.ID)
	}
}

// storing stores a workflow without a job. However often it is asked for, the
// same content is one version.
func storing(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	name := w.name + "-stored-" + string(s.Point)
	var stored struct {
		Version int `json:"version"`
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		body := map[string]any{"workflow_name": name, "workflow_json": jsonText(fmt.Sprintf(pointWork, name, 0.1))}
		for w.t.Context().Err() == nil {
			if _, err := w.api.call(w.t.Context(), "PUT", "/api/v1/workflows", nil, body, &stored); err == nil {
				return
			}
			pause(w.t.Context(), 50*time.Millisecond)
		}
	}()
	w.revive(s)
	<-done
	if stored.Version != 1 {
		w.t.Errorf("%s: the workflow has version %d", s.Point, stored.Version)
	}
}

type bulkAnswer struct {
	Jobs []struct {
		ID string `json:"job_id"`
	} `json:"jobs"`
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
	w.ends(id)
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

// deciding loses a robot inside a step that must not run twice. Before the robot
// is killed the job is in that step: one that is lost outside goes back to wait,
// and this robot may not have it again for a minute.
func deciding(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	id := <-w.submit(60, map[string]any{"retry_safety": "until_effect"})
	await(w.t, 40*time.Second, "the job does not reach its step", func() bool {
		var job struct {
			Node string `json:"current_node"`
		}
		_, err := w.api.call(w.t.Context(), "GET", "/api/v1/jobs/"+id, nil, nil, &job)
		return err == nil && job.Node == "w"
	})
	w.killRobot()
	again(w.robot, "")
	w.state(id, fleet.NeedsDecision)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		w.ask("/api/v1/jobs/"+id+"/decide", "", map[string]any{"decision": "fail", "reason": "the robot died in it"}, nil)
	}()
	w.revive(s)
	<-answered
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

// untaken leaves an offer without an answer. One that was on its way when the
// orchestrator was stopped may be it: then the point is hit before the robot is
// back.
func untaken(w *pointWorld, s fail.Spec) {
	w.arm(s, "")
	if w.comesBack() {
		w.freeze()
		w.owe(w.submit(0.1, nil))
		w.revive(s)
		w.thaw()
		return
	}
	w.revive(s)
}

// comesBack waits until the robot that is made to die has run a job: then it is
// connected. It gives up when the orchestrator dies before that.
func (w *pointWorld) comesBack() (yes bool) {
	id, warm := "", w.submit(0.1, nil)
	await(w.t, 60*time.Second, "the robot does not come back", func() bool {
		if id == "" {
			select {
			case id = <-warm:
			default:
			}
		}
		yes = id != "" && w.over(id)
		return yes || isGone(w.server)
	})
	if id == "" {
		w.owe(warm)
	} else {
		w.final(id)
	}
	return yes
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

// returning ends the robot's socket and brings the robot back without the job of
// so many seconds that it ran.
func returning(seconds float64) drive {
	return func(w *pointWorld, s fail.Spec) {
		w.arm(s, "")
		id := <-w.submit(seconds, nil)
		w.state(id, fleet.Running)
		w.killRobot()
		again(w.robot, "")
		w.revive(s)
		w.final(id)
	}
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

// drives says how each point is reached; the plain life of a job serves where none is named.
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
	fail.ReconcileLost:  returning(2), fail.SessionBeforeClose: returning(1), fail.SessionAfterClose: returning(1),
	fail.JoinBeforeCommit: starting, fail.JoinAfterCommit: starting,
	fail.DrainSent: stopping, fail.StopStep: stopping, fail.RobotDrainBegun: stopping, fail.RobotDrainIdle: stopping,
	fail.BulkStored: plainBulk, fail.WorkflowBeforeCommit: storing, fail.WorkflowAfterCommit: storing,
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
	run := &runs{bin: bin, hit: map[string]bool{}, long: os.Getenv("FLEET_CHAOS_LONG") != "", only: os.Getenv("FLEET_FAILPOINT")}
	all := backings(t)
	t.Run("worlds", func(t *testing.T) {
		for _, b := range all {
			for name, points := range run.worlds(b) {
				t.Run(b.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					run.world(t, name, b, points)
				})
			}
		}
	})
	for _, b := range all {
		for _, points := range run.worlds(b) {
			for _, s := range points {
				if !run.hit[b.name+"/"+string(s.Point)] {
					t.Errorf("%s was never hit on %s", s.Point, b.name)
				}
			}
		}
	}
	t.Logf("%d points hit", len(run.hit))
}

// brief says which points that every store has are reached on PostgreSQL in the
// short form: those around commits of a job's way and around sign-in.
func brief(p fail.Point) bool {
	return slices.ContainsFunc([]string{"submit.", "bulk.", "offer.", "accept.", "started.", "result.", "hello.", "join.", "lease.", "migrate."},
		func(prefix string) bool { return strings.HasPrefix(string(p), prefix) })
}

// runs are the worlds of one test.
type runs struct {
	bin, only string
	long      bool
	mu        sync.Mutex
	hit       map[string]bool
}

// worlds deals the points of a store out, to worlds of about the same length.
func (r *runs) worlds(b backing) map[string][]fail.Spec {
	out := map[string][]fail.Spec{}
	for i, s := range fail.Points() {
		if s.Store != "" && s.Store != b.name || r.only != "" && r.only != string(s.Point) {
			continue
		}
		if b.name == "postgres" && s.Store == "" && !r.long && !brief(s.Point) {
			continue
		}
		name := string(s.Process)
		switch {
		case migrating[s.Point]:
			name = "empty"
		case slow[s.Point]:
			name = "silent"
		case s.Process == fail.Orchestrator && i%2 == 1:
			name += "-odd"
		}
		out[name] = append(out[name], s)
	}
	return out
}

func (r *runs) world(t *testing.T, name string, b backing, points []fail.Spec) {
	start := time.Now()
	hit := func(p fail.Point) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.hit[b.name+"/"+string(p)] = true
	}
	if name == "empty" {
		for _, s := range points {
			failAtFirstStart(t, r.bin, b, s)
			hit(s.Point)
		}
		return
	}
	w := newPointWorld(t, r.bin, b.name+"-"+name, b)
	var plain []fail.Spec
	for _, s := range points {
		if drives[s.Point] == nil {
			plain = append(plain, s)
		}
	}
	w.chain(plain, hit)
	t.Logf("%d plain points after %s", len(plain), time.Since(start).Round(time.Second))
	for _, s := range points {
		if d := drives[s.Point]; d != nil {
			began := time.Now()
			d(w, s)
			hit(s.Point)
			if took := time.Since(began); took > 5*time.Second {
				t.Logf("%s took %s", s.Point, took.Round(time.Second))
			}
		}
	}
	t.Logf("all %d points after %s", len(points), time.Since(start).Round(time.Second))
	w.close()
}

// failAtFirstStart dies while the schema is made, and starts again on what is there.
func failAtFirstStart(t *testing.T, bin string, b backing, s fail.Spec) {
	w := newServing(t, bin, "empty", b)
	t.Cleanup(w.server.kill)
	again(w.server, string(s.Point)+"=kill")
	w.diesAt(w.server, s.Point)
	again(w.server, "")
	w.ready()
}
