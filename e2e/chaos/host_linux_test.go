package chaos

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithUs ends a program when the test program is killed.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// The signals that freeze a program, let it go on, and make it tell its stacks.
var freeze, thaw, dump os.Signal = syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGQUIT
