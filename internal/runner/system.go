package runner

import (
	"context"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	gohost "github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/casarerpa/fleet/internal/engine"
)

// system tells a job about the machine. The environment is the job's own.
type system struct {
	*environment
	dir string // disk figures are those of the job's folder
	// ending processes is doing, not data, so it follows the switch for programs
	policy *Policy
}

// cpuWindow is how long a reading of the processor takes.
const cpuWindow = 100 * time.Millisecond

// Info returns readings. A kind that this machine cannot give is left out.
func (s *system) Info(ctx context.Context, kinds ...string) (map[string]any, error) {
	want := func(kind string) bool {
		return len(kinds) == 0 || slices.Contains(kinds, kind) || slices.Contains(kinds, "all")
	}
	out := map[string]any{}
	if want("os") {
		o := map[string]any{
			"system": runtime.GOOS, "machine": runtime.GOARCH, "platform": runtime.GOOS,
		}
		if name, err := os.Hostname(); err == nil {
			o["hostname"] = name
		}
		if i, err := gohost.InfoWithContext(ctx); err == nil {
			o["platform"], o["version"], o["release"] = i.Platform, i.PlatformVersion, i.KernelVersion
		}
		out["os"] = o
	}
	if want("cpu") {
		c := map[string]any{"count": int64(runtime.NumCPU())}
		if p, err := cpu.PercentWithContext(ctx, cpuWindow, false); err == nil && len(p) > 0 {
			c["percent"] = p[0]
		}
		if n, err := cpu.CountsWithContext(ctx, false); err == nil {
			c["physical_count"] = int64(n)
		}
		out["cpu"] = c
	}
	if want("ram") {
		if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
			out["ram"] = map[string]any{
				"total": int64(m.Total), "available": int64(m.Available),
				"used": int64(m.Used), "percent": m.UsedPercent,
			}
		}
	}
	if want("disk") {
		if d, err := disk.UsageWithContext(ctx, s.dir); err == nil {
			out["disk"] = map[string]any{
				"total": int64(d.Total), "free": int64(d.Free), "used": int64(d.Used), "percent": d.UsedPercent,
			}
		}
	}
	if want("network") {
		if n, err := net.IOCountersWithContext(ctx, false); err == nil && len(n) > 0 {
			out["network"] = map[string]any{
				"bytes_sent": int64(n[0].BytesSent), "bytes_recv": int64(n[0].BytesRecv),
				"packets_sent": int64(n[0].PacketsSent), "packets_recv": int64(n[0].PacketsRecv),
			}
		}
	}
	return out, ctx.Err()
}

// Processes lists what runs on the machine. A process that ends meanwhile, or
// that this user may not look at, is listed with what is known.
func (s *system) Processes(ctx context.Context) ([]engine.Process, error) {
	all, err := process.ProcessesWithContext(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]engine.Process, 0, len(all))
	for _, p := range all {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		row := engine.Process{PID: p.Pid}
		if row.Name, err = p.NameWithContext(ctx); err != nil {
			continue
		}
		if st, err := p.StatusWithContext(ctx); err == nil && len(st) > 0 {
			row.Status = st[0]
		}
		row.CPUPercent, _ = p.CPUPercentWithContext(ctx)
		if m, err := p.MemoryInfoWithContext(ctx); err == nil && m != nil {
			row.MemoryMB = float64(m.RSS) / (1 << 20)
		}
		row.Username, _ = p.UsernameWithContext(ctx)
		if ms, err := p.CreateTimeWithContext(ctx); err == nil {
			row.Created = time.UnixMilli(ms)
		}
		list = append(list, row)
	}
	return list, nil
}

// Kill ends a process of this machine; the robot itself is never one of them.
func (s *system) Kill(ctx context.Context, pid int32, force bool) error {
	if !s.policy.AllowShell {
		return s.policy.permits("shell")
	}
	if pid <= 1 || int(pid) == os.Getpid() || int(pid) == os.Getppid() {
		return engine.Fail("PermissionError", "Process %d may not be ended by a workflow", pid)
	}
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return err
	}
	if force {
		return p.KillWithContext(ctx)
	}
	return p.TerminateWithContext(ctx)
}

var _ engine.System = (*system)(nil)
