//go:build !linux

package chaos

import (
	"os"
	"os/exec"
)

func dieWithUs(*exec.Cmd) {}

// Nothing is frozen here, and nobody is asked.
var freeze, thaw, dump os.Signal
