package bench

import (
	"os/exec"
	"syscall"
)

// dieWithUs ends a child when this program is killed.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
