//go:build unix

package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/runner"
)

// Cancelling kills the whole process group, children that hide included.
func TestCancelKillsTheGroup(t *testing.T) {
	r, _ := setup(t, nil)
	dir := t.TempDir()
	doc := chain(t, node("run", "RunCommandNode", "shell", true, "allow_dangerous", true,
		"command", "trap '' TERM; (trap '' TERM; sleep 300 & echo $! > child; wait) & wait", "timeout", int64(600)))
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("somebody asked")
	go func() {
		for ctx.Err() == nil {
			if data, err := os.ReadFile(filepath.Join(dir, "child")); err == nil && len(data) > 0 {
				cancel(why)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	out, err := r.Run(ctx, runner.Job{ID: "c", Document: doc, Dir: dir}, nil, nil)
	if !errors.Is(err, why) || out.Success {
		t.Errorf("out = %+v, err = %v", out, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}
}

// gone waits a moment for the system to clear a killed process away.
func gone(pid int) bool {
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return true
		}
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return true
		}
		<-time.After(20 * time.Millisecond)
	}
	return false
}
