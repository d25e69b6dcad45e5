//go:build unix

package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// group is a program with everything it starts.
type group struct {
	cmd *exec.Cmd
}

func newGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	g := &group{cmd: cmd}
	// The polite signal goes to the whole group; run sends the other one.
	cmd.Cancel = func() error {
		time.AfterFunc(killDelay, func() { _ = g.signal(syscall.SIGKILL) })
		return g.signal(syscall.SIGTERM)
	}
	return g
}

// run starts the program, waits for it, and then ends what it left behind.
// started is called when it is known whether the program runs.
func (g *group) run(started func()) error {
	err := startQuietly(g.cmd)
	started()
	if err != nil {
		return err
	}
	err = g.cmd.Wait()
	_ = g.signal(syscall.SIGKILL)
	return err
}

func (g *group) signal(sig syscall.Signal) error {
	if g.cmd.Process == nil || g.cmd.Process.Pid <= 1 {
		return nil
	}
	if err := syscall.Kill(-g.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func endedBy(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return int(w.Signal())
	}
	return 0
}
