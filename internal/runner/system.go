package runner

import (
	"context"
	"math"
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

// Info returns readings under the names that workflows know. A reading that
// this machine cannot give is left out.
func (s *system) Info(ctx context.Context, kinds ...string) (map[string]any, error) {
	out := map[string]any{}
	for _, kind := range []struct {
		name string
		read func(context.Context) any
	}{{"os", osInfo}, {"cpu", cpuInfo}, {"ram", ramInfo}, {"disk", s.diskInfo}, {"network", networkInfo}} {
		if len(kinds) > 0 && !slices.Contains(kinds, kind.name) && !slices.Contains(kinds, "all") {
			continue
		}
		if v := kind.read(ctx); v != nil {
			out[kind.name] = v
		}
	}
	return out, ctx.Err()
}

func osInfo(ctx context.Context) any {
	name := map[string]string{"linux": "Linux", "windows": "Windows", "darwin": "Darwin"}[runtime.GOOS]
	if name == "" {
		name = runtime.GOOS
	}
	o := map[string]any{"system": name, "machine": runtime.GOARCH, "processor": ""}
	if host, err := os.Hostname(); err == nil {
		o["hostname"] = host
	}
	if i, err := gohost.InfoWithContext(ctx); err == nil {
		o["release"], o["version"], o["machine"] = i.KernelVersion, i.PlatformVersion, i.KernelArch
		o["platform"] = i.Platform
	}
	return o
}

func cpuInfo(ctx context.Context) any {
	c := map[string]any{"cores_logical": int64(runtime.NumCPU())}
	if p, err := cpu.PercentWithContext(ctx, cpuWindow, false); err == nil && len(p) > 0 {
		c["percent"] = tenth(p[0])
	}
	if n, err := cpu.CountsWithContext(ctx, false); err == nil {
		c["cores_physical"] = int64(n)
	}
	if i, err := cpu.InfoWithContext(ctx); err == nil && len(i) > 0 {
		c["frequency_mhz"] = i[0].Mhz
	}
	return c
}

func ramInfo(ctx context.Context) any {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil
	}
	return map[string]any{
		"total_gb": gigabytes(m.Total), "available_gb": gigabytes(m.Available),
		"used_gb": gigabytes(m.Used), "percent": tenth(m.UsedPercent),
	}
}

// diskInfo lists the disks; the one with the job's folder is first.
func (s *system) diskInfo(ctx context.Context) any {
	list := []any{}
	add := func(device, mount, kind, path string) {
		if d, err := disk.UsageWithContext(ctx, path); err == nil && d.Total > 0 {
			list = append(list, map[string]any{
				"device": device, "mountpoint": mount, "fstype": kind, "total_gb": gigabytes(d.Total),
				"used_gb": gigabytes(d.Used), "free_gb": gigabytes(d.Free), "percent": tenth(d.UsedPercent),
			})
		}
	}
	all, err := disk.PartitionsWithContext(ctx, false)
	if err != nil || len(all) == 0 {
		add("", "", "", s.dir)
		return list
	}
	slices.SortStableFunc(all, func(a, b disk.PartitionStat) int {
		return s.depth(b.Mountpoint) - s.depth(a.Mountpoint)
	})
	for _, p := range all {
		add(p.Device, p.Mountpoint, p.Fstype, p.Mountpoint)
	}
	return list
}

// depth says how well a mount point fits the job's folder.
func (s *system) depth(mount string) int {
	if _, ok := within(mount, s.dir); ok {
		return len(mount)
	}
	return -1
}

func networkInfo(ctx context.Context) any {
	n := map[string]any{}
	if io, err := net.IOCountersWithContext(ctx, false); err == nil && len(io) > 0 {
		n["bytes_sent"], n["bytes_recv"] = int64(io[0].BytesSent), int64(io[0].BytesRecv)
	}
	interfaces := []any{}
	if all, err := net.InterfacesWithContext(ctx); err == nil {
		for _, i := range all {
			addresses := []any{}
			for _, a := range i.Addrs {
				addresses = append(addresses, a.Addr)
			}
			interfaces = append(interfaces, map[string]any{"name": i.Name, "addresses": addresses})
		}
	}
	n["interfaces"] = interfaces
	return n
}

func gigabytes(n uint64) float64 { return math.Round(float64(n)/(1<<30)*100) / 100 }

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

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
