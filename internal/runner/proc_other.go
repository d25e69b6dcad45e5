//go:build !linux

package runner

import "os/exec"

func startQuietly(cmd *exec.Cmd) error { return cmd.Start() }
