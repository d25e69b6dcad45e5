package chaos

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/load"
)

// status reads a figure of /proc/PID/status in kB.
func (p *process) status(b *testing.B, field string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("no /proc on this machine")
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb
		}
	}
	b.Fatalf("no %s in /proc/PID/status", field)
	return 0
}

// cpu is the processor time that the process has used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("no /proc on this machine")
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second
}

// BenchmarkColdStart is the time from exec to ready on an empty folder, the
// memory of an idle orchestrator and the size of the program.
func BenchmarkColdStart(b *testing.B) {
	bin := program(b)
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	var rss float64
	for b.Loop() {
		addr, dir := freePort(b), b.TempDir()
		a := &api{url: "http://" + addr, client: plain()}
		p := &process{t: b, name: "orchestrator", bin: bin, log: dir + "/log", args: []string{
			"serve", "--listen", addr, "--data-dir", dir + "/data", "--admin-key-file", dir + "/key",
		}}
		p.start()
		await(b, 20*time.Second, "the orchestrator is not ready", func() bool {
			_, err := a.call(b.Context(), "GET", "/health/ready", nil, nil, nil)
			return err == nil
		})
		rss = p.status(b, "VmRSS")
		p.kill()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(rss/1024, "MB-idle")
	b.ReportMetric(float64(info.Size())/(1<<20), "MB-binary")
}

// BenchmarkIdleRobots is what robots cost that only beat.
func BenchmarkIdleRobots(b *testing.B) {
	const robots = 1000
	f := startFleet(b, 0, 0, "--timing-lost", "90s")
	keys := f.robotKeys(robots)
	before := f.members[0].status(b, "VmRSS")
	ctx, stop := context.WithCancel(b.Context())
	var wg, ready sync.WaitGroup
	ready.Add(robots)
	for i, key := range keys {
		wg.Go(func() {
			r := &load.Robot{URL: f.api.url, Key: key, Name: fmt.Sprintf("idle-%d", i), Slots: 1}
			if err := r.Run(ctx, ready.Done); err != nil {
				b.Error(err)
			}
		})
	}
	ready.Wait()
	start := f.members[0].cpu(b)
	for b.Loop() {
		pause(b.Context(), 20*time.Second) // two beats of each robot
	}
	used := f.members[0].cpu(b) - start
	b.ReportMetric((f.members[0].status(b, "VmRSS")-before)/robots, "KB/robot")
	b.ReportMetric(used.Seconds()/b.Elapsed().Seconds()*10, "cores/10k-robots")
	stop()
	wg.Wait()
}

// BenchmarkRestart is the time from kill -9 with many pending jobs until the
// orchestrator serves and a new robot is given one of them.
func BenchmarkRestart(b *testing.B) {
	for _, pending := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			f := startFleet(b, 0, 0)
			f.fill(pending)
			key := f.robotKeys(1)[0]
			for b.Loop() {
				b.StopTimer()
				f.members[0].kill()
				b.StartTimer()
				f.members[0].start()
				f.ready()
				ctx, stop := context.WithCancel(b.Context())
				started := make(chan struct{})
				var once sync.Once
				var wg sync.WaitGroup
				wg.Go(func() {
					r := &load.Robot{URL: f.api.url, Key: key, Name: "restart", Slots: 1, Work: time.Hour, Started: func(fleet.ID) { once.Do(func() { close(started) }) }}
					if err := r.Run(ctx, nil); err != nil {
						b.Error(err)
					}
				})
				<-started
				stop()
				wg.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/restart")
		})
	}
}

// BenchmarkSubmit is the rate of single submits with and without a backlog.
func BenchmarkSubmit(b *testing.B) {
	for _, pending := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			f := startFleet(b, 0, 0)
			f.fill(pending)
			var next atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer() // neither the build nor the backlog is what is measured
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					next.Add(1)
					if _, err := f.api.call(b.Context(), "POST", "/api/v1/jobs", nil, map[string]any{"workflow_json": jsonText(nothing)}, nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(next.Load())/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkLifeCycles is how many durable life cycles a second the real
// program completes: 64 clients with one job a request, and robots with a
// thousand slots over real sockets.
func BenchmarkLifeCycles(b *testing.B) {
	for _, mode := range []struct{ name, group string }{{"commit=shared", "0"}, {"commit=each", "1"}} {
		b.Run(mode.name, func(b *testing.B) {
			f := startFleet(b, 0, 0, "--group-commit", mode.group)
			const robots = 20
			ctx, stop := context.WithCancel(b.Context())
			var wg, ready sync.WaitGroup
			ready.Add(robots)
			all := make([]*load.Robot, robots)
			for i, key := range f.robotKeys(robots) {
				r := &load.Robot{URL: f.api.url, Key: key, Name: fmt.Sprintf("busy-%d", i), Slots: 50}
				all[i] = r
				wg.Go(func() {
					if err := r.Run(ctx, ready.Done); err != nil {
						b.Error(err)
					}
				})
			}
			ready.Wait()
			var submitted atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := f.api.call(ctx, "POST", "/api/v1/jobs", nil, map[string]any{"workflow_json": jsonText(nothing)}, nil); err != nil {
						b.Error(err)
						return
					}
					submitted.Add(1)
				}
			})
			done := func() (n int64) {
				for _, r := range all {
					n += r.Done.Load()
				}
				return n
			}
			await(b, time.Minute, "jobs are still not acknowledged", func() bool { return done() >= submitted.Load() })
			b.ReportMetric(float64(submitted.Load())/b.Elapsed().Seconds(), "jobs/s")
			stop()
			wg.Wait()
		})
	}
}

// fill stores pending jobs that no robot can take yet, in bulk.
func (w *world) fill(n int) {
	w.t.Helper()
	for n > 0 {
		jobs := make([]map[string]any, min(n, 1000))
		for i := range jobs {
			jobs[i] = map[string]any{"workflow_json": jsonText(nothing)}
		}
		if _, err := w.api.call(w.t.Context(), "POST", "/api/v1/jobs/bulk", nil, map[string]any{"jobs": jobs}, nil); err != nil {
			w.t.Fatal(err)
		}
		n -= len(jobs)
	}
}
