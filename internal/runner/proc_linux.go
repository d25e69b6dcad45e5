package runner

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startQuietly starts the program from a thread that has given up gaining
// privileges, which the program inherits: set-user-id files do nothing for it.
// The thread ends with its goroutine, so no other work runs on it.
func startQuietly(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is thrown away
		_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		done <- cmd.Start()
	}()
	return <-done
}
