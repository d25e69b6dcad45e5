package robot

import (
	"context"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/casarerpa/fleet/wire"
)

// vitals holds the newest readings of the machine.
type vitals struct {
	dir   string
	hurry chan struct{} // a heartbeat is wanted now

	mu   sync.Mutex
	last wire.Heartbeat
}

// now asks for a heartbeat without waiting for the next one due.
func (v *vitals) now() {
	select {
	case v.hurry <- struct{}{}:
	default:
	}
}

func (v *vitals) reading() wire.Heartbeat {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// sample reads the machine. What cannot be read keeps its former value.
func (v *vitals) sample(ctx context.Context, j *journal) {
	next := v.reading()
	if p, err := cpu.PercentWithContext(ctx, 0, false); err == nil && len(p) > 0 {
		next.CPUPercent = round(p[0])
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		next.MemoryPercent, next.MemoryMB = round(m.UsedPercent), round(float64(m.Used)/(1<<20))
	}
	if d, err := disk.UsageWithContext(ctx, v.dir); err == nil {
		next.DiskPercent = round(d.UsedPercent)
	}
	next.JournalFree = j.Free()
	v.mu.Lock()
	v.last = next
	v.mu.Unlock()
}

// round keeps one digit, and zero for what is no number.
func round(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return math.Round(f*10) / 10
}

// bootID tells one boot of the machine from another.
func bootID() string {
	if text, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(text))
	}
	if at, err := host.BootTime(); err == nil {
		return strconv.FormatUint(at, 10)
	}
	return "unknown"
}
