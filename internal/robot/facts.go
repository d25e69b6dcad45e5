package robot

import (
	"maps"
	"runtime"

	"github.com/shirou/gopsutil/v4/mem"
)

// facts is what the robot says of its machine: os, arch, cpus and memory_mb,
// with what was given laid over it.
func facts(given map[string]any) map[string]any {
	out := map[string]any{"os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU()}
	if m, err := mem.VirtualMemory(); err == nil {
		out["memory_mb"] = m.Total >> 20
	}
	maps.Copy(out, given)
	return out
}
