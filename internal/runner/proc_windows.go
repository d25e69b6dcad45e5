package runner

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// group is a program with everything it starts. Windows has no process groups
// that die together, so the tree is ended by the system's own tool.
type group struct {
	cmd *exec.Cmd
}

func newGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
	g := &group{cmd: cmd}
	cmd.Cancel = g.kill
	return g
}

// run starts the program and waits for it. started is called when it is known
// whether the program runs.
func (g *group) run(started func()) error {
	err := g.cmd.Start()
	started()
	if err != nil {
		return err
	}
	return g.cmd.Wait()
}

func (g *group) kill() error {
	if g.cmd.Process == nil {
		return nil
	}
	tool := exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(g.cmd.Process.Pid)) //nolint:noctx // must run after the context has ended
	if err := tool.Run(); err != nil {
		return g.cmd.Process.Kill()
	}
	return nil
}

func endedBy(*os.ProcessState) int { return 0 }
