//go:build !linux

package bench

import "os/exec"

func dieWithUs(*exec.Cmd) {}
