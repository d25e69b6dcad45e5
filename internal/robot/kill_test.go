package robot

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/wire"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// TestMain lets the test binary be a robot of its own, which can be killed.
func TestMain(m *testing.M) {
	if url := os.Getenv("ROBOT_TEST_URL"); url != "" {
		os.Exit(child(url, os.Getenv("ROBOT_TEST_DIR"), os.Getenv("ROBOT_TEST_DIE")))
	}
	os.Exit(m.Run())
}

// child runs a robot that kills itself, as the machine would, right after a
// record of the named message is on the disk and before anything is sent.
func child(url, dir, die string) int {
	o := Options{
		URLs: []string{url}, Key: testKey, DataDir: dir, Name: "child", Runner: plays(leaves), reserve: 1 << 16,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), chance: func() float64 { return 0.01 },
	}
	o.onWrite = func(rec protocol.Record) {
		if m := rec.Report.Message; m != nil && string(m.Type()) == die {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // does not return
			select {}
		}
	}
	r, err := New(o)
	if err != nil {
		return 3
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if r.Run(ctx) != nil {
		return 4
	}
	return 0
}

func startChild(t *testing.T, f *fake, dir, die string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:noctx // killed by itself or by the cleanup
	cmd.Env = append(os.Environ(), "ROBOT_TEST_URL="+f.server.URL, "ROBOT_TEST_DIR="+dir, "ROBOT_TEST_DIE="+die)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may be over
		_ = cmd.Wait()         // likewise
	})
	return cmd
}

func TestResultSurvivesKill9(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	first := startChild(t, f, dir, "job_complete")
	f.connected(1)
	f.say(offer(ref(1)))
	_ = first.Wait() // dies after the record and before the frame
	if n := f.count(wire.TypeJobComplete); n != 0 {
		t.Fatalf("%d completions were sent before the death", n)
	}
	startChild(t, f, dir, "")
	done := of[*wire.JobComplete](f, 1, ref(1))
	if got := string(resultOf(t, f, done).Variables); got != `{"answer":42}` {
		t.Errorf("variables = %s", got)
	}
	hello := of[*wire.Hello](f, 2, wire.Ref{})
	if len(hello.Attempts) != 1 || hello.Attempts[0].Phase != wire.PhaseFinished {
		t.Errorf("hello = %+v", hello.Attempts)
	}
	if first := of[*wire.Hello](f, 1, wire.Ref{}); first.JournalID != hello.JournalID || first.InstanceID == hello.InstanceID {
		t.Error("a restart keeps the journal and is a new instance")
	}
}

// The end of a run is on the disk before its files travel: a robot that is killed
// while it hands them over has one end to tell when it is back, runs nothing again,
// and goes on with the files.
func TestEndSurvivesKill9WhileFilesTravel(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	var first *exec.Cmd
	ready, once := make(chan struct{}), sync.Once{}
	f.with(func() {
		f.onFile = func(w http.ResponseWriter, r *http.Request) bool {
			if r.PathValue("name") != "b.txt" {
				return false
			}
			killed := false
			once.Do(func() {
				<-ready
				_ = first.Process.Kill() // the test waits for it
				killed = true
			})
			return killed
		}
	})
	first = startChild(t, f, dir, "")
	close(ready)
	f.connected(1)
	f.say(offer(ref(1)))
	_ = first.Wait()
	if n := f.count(wire.TypeJobComplete); n != 0 {
		t.Fatalf("%d completions were sent before the files", n)
	}
	startChild(t, f, dir, "")
	hello := of[*wire.Hello](f, 2, wire.Ref{})
	if len(hello.Attempts) != 1 || hello.Attempts[0].Phase != wire.PhaseFinished {
		t.Fatalf("hello = %+v", hello.Attempts)
	}
	done := of[*wire.JobComplete](f, 1, ref(1))
	if got := resultOf(t, f, done); string(got.Variables) != `{"answer":42}` || len(got.Notes) != 0 {
		t.Errorf("%s, notes %q", got.Variables, got.Notes)
	}
	f.with(func() {
		for _, name := range []string{"a.txt", "b.txt"} {
			if got := string(f.files[string(ref(1).JobID)+" 1 "+name]); got != "of "+name {
				t.Errorf("the file %s is %q", name, got)
			}
		}
	})
	if n := f.count(wire.TypeJobStarted); n != 1 {
		t.Errorf("it was begun %d times", n)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "files")); len(left) != 0 {
		t.Errorf("left on the robot: %v %v", left, err)
	}
}

func TestKill9WhileRunningIsAdmitted(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	first := startChild(t, f, dir, "job_started")
	f.connected(1)
	f.say(offer(ref(1)))
	_ = first.Wait()
	startChild(t, f, dir, "")
	hello := of[*wire.Hello](f, 2, wire.Ref{})
	if len(hello.Attempts) != 0 {
		t.Errorf("the new process claims %+v", hello.Attempts)
	}
	of[*wire.JobStarted](f, 1, ref(1)) // it may have begun: the orchestrator must count that
	f.say(offer(ref(2)))
	of[*wire.JobComplete](f, 1, ref(2))
}

// sleeper is a workflow whose only step starts a program that starts another.
func sleeper(pidFile string) string {
	script := "sleep 300 & echo $! > " + pidFile + "; wait"
	return `{"metadata":{"name":"sleeper"},"nodes":{
		"start":{"node_id":"start","node_type":"StartNode","config":{}},
		"run":{"node_id":"run","node_type":"RunCommandNode","config":{"command":` + strconv.Quote(script) + `,"shell":true,"allow_dangerous":true,"timeout":600}},
		"end":{"node_id":"end","node_type":"EndNode","config":{}}},
		"connections":[
		{"source_node":"start","source_port":"exec_out","target_node":"run","target_port":"exec_in"},
		{"source_node":"run","source_port":"exec_out","target_node":"end","target_port":"exec_in"}],
		"variables":{},"frames":[],"settings":{}}`
}

func TestCancelKillsTheWholeProcessGroup(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	library, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runner.New(runner.Config{Catalog: cat, Library: library, Policy: runner.Policy{AllowShell: true}, WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	startRobot(t, testOptions(t, f, run.Run))
	f.connected(1)
	pidFile := filepath.Join(t.TempDir(), "pid")
	job := offer(ref(1))
	job.Workflow = []byte(sleeper(pidFile))
	f.say(job)
	pid := 0
	deadline := time.After(patience)
	for pid == 0 {
		select {
		case <-deadline:
			t.Fatal("the program does not start")
		case <-time.After(10 * time.Millisecond):
		}
		text, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	f.say(&wire.JobCancel{Ref: ref(1), Cause: fleet.StopCancel, Force: true})
	if got := of[*wire.JobCancelled](f, 1, ref(1)); got.How != fleet.StoppedForced {
		t.Errorf("stopped %s", got.How)
	}
	for alive := true; alive; {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		alive = err == nil && !strings.Contains(string(stat), ") Z ")
		select {
		case <-deadline:
			t.Fatalf("process %d outlives the job", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

var _ engine.Gate = (*gate)(nil)
