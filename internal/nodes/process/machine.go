package process

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// listProcesses gives the processes of the machine, those whose name contains
// the filter, sorted by number.
func listProcesses(ctx context.Context, c *engine.Call) (engine.Result, error) {
	all, err := c.Host().System().Processes(ctx)
	if err != nil {
		return engine.Result{}, err
	}
	slices.SortFunc(all, func(a, b engine.Process) int { return int(a.PID) - int(b.PID) })
	filter := strings.ToLower(c.Text("filter_name"))
	details := c.Flag("include_details", true)
	rows := []any{}
	for _, p := range all {
		if !strings.Contains(strings.ToLower(p.Name), filter) {
			continue
		}
		row := value.MapOf("pid", int64(p.PID), "name", p.Name, "status", p.Status)
		if details {
			row.Set("cpu_percent", p.CPUPercent)
			row.Set("memory_mb", math.Round(p.MemoryMB*100)/100)
			row.Set("username", p.Username)
			row.Set("create_time", float64(p.Created.UnixMilli())/1000)
		}
		rows = append(rows, row)
	}
	c.Set("processes", rows)
	c.Set("count", int64(len(rows)))
	return engine.Continue(), nil
}

// killProcesses ends a process by its number, or all that have exactly a name.
// It counts those that were told to end and, without force, waits for them.
func killProcesses(ctx context.Context, c *engine.Call) (engine.Result, error) {
	wanted := strings.TrimSpace(c.Text("pid_or_name"))
	c.Set("killed_count", int64(0))
	if wanted == "" {
		return engine.Continue(), nil
	}
	limit, err := c.Int("timeout", 5)
	if err != nil {
		return engine.Result{}, err
	}
	system := c.Host().System()
	all, err := system.Processes(ctx)
	if err != nil {
		return engine.Result{}, err
	}
	pid, numeric := int64(-1), false
	if n, err := strconv.ParseInt(wanted, 10, 32); err == nil {
		pid, numeric = n, true
	}
	var told []int32
	var failed error
	for _, p := range all {
		if numeric && int64(p.PID) != pid || !numeric && p.Name != wanted {
			continue
		}
		if err := system.Kill(ctx, p.PID, c.Bool("force")); err != nil {
			failed = err
			continue
		}
		told = append(told, p.PID)
	}
	if len(told) == 0 && failed != nil {
		return engine.Result{}, failed
	}
	if err := gone(ctx, system, told, time.Duration(min(max(limit, 1), 60))*time.Second); err != nil {
		return engine.Result{}, err
	}
	c.Set("killed_count", int64(len(told)))
	c.Set("success", len(told) > 0)
	return engine.Continue(), nil
}

// gone waits until the processes have ended, or until the time is over: some
// take longer to end, and that is no failure.
func gone(ctx context.Context, system engine.System, pids []int32, limit time.Duration) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(pids) > 0 {
		all, err := system.Processes(ctx)
		if err != nil {
			return err
		}
		left := slices.ContainsFunc(all, func(p engine.Process) bool {
			return slices.Contains(pids, p.PID) && !strings.HasPrefix(strings.ToLower(p.Status), "z")
		})
		if !left {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// environment reads or sets a variable of the job's own environment.
func environment(_ context.Context, c *engine.Call) (engine.Result, error) {
	name := strings.TrimSpace(c.Text("var_name"))
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "var_name is required")
	}
	if strings.ContainsAny(name, "=\x00") {
		return engine.Result{}, engine.Fail("ValueError", "%s cannot be the name of a variable", value.Repr(name))
	}
	scope, system := c.Text("scope"), c.Host().System()
	switch action := c.Text("action"); action {
	case "", "get":
		if scope == "user" || scope == "system" {
			c.Note("only Windows keeps variables by scope; the value is the one that the job sees")
		}
		v, ok := system.Lookup(name)
		c.Set("result_value", v)
		c.Set("exists", ok)
	case "set":
		if scope == "user" || scope == "system" {
			return engine.Result{}, engine.Fail("OSError", "The scope %s exists on Windows only", scope)
		}
		v := c.Text("value")
		if strings.ContainsRune(v, 0) {
			return engine.Result{}, engine.Fail("ValueError", "The value contains a NUL character")
		}
		system.Set(name, v)
		c.Set("result_value", v)
		c.Set("exists", true)
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s", action)
	}
	return engine.Continue(), nil
}

// systemInfo gives readings of the machine.
func systemInfo(ctx context.Context, c *engine.Call) (engine.Result, error) {
	kinds := []string{"os", "cpu", "ram", "disk", "network"}
	switch kind := c.Text("info_type"); {
	case kind == "" || kind == "all":
	case slices.Contains(kinds, kind):
		kinds = []string{kind}
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown info_type: %s", kind)
	}
	readings, err := c.Host().System().Info(ctx, kinds...)
	if err != nil {
		return engine.Result{}, err
	}
	info := value.NewMap()
	for _, kind := range kinds {
		if r, ok := readings[kind]; ok {
			info.Set(kind, value.FromGo(r))
		}
	}
	c.Set("info", info)
	c.Set("os_name", osName(info))
	c.Set("cpu_percent", percent(info, "cpu"))
	c.Set("ram_percent", percent(info, "ram"))
	c.Set("disk_percent", percent(info, "disk"))
	return engine.Continue(), nil
}

// osName is the system with its release, such as "Linux 6.1".
func osName(info *value.Map) string {
	v, _ := info.Get("os")
	m, ok := v.(*value.Map)
	if !ok {
		return ""
	}
	system, _ := m.Get("system")
	release, _ := m.Get("release")
	name := ""
	if s, ok := system.(string); ok && s != "" {
		name = strings.ToUpper(s[:1]) + s[1:]
	}
	if r, ok := release.(string); ok {
		name += " " + r
	}
	return strings.TrimSpace(name)
}

// percent is how full something is; of several disks the first counts.
func percent(info *value.Map, kind string) float64 {
	v, _ := info.Get(kind)
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	m, ok := v.(*value.Map)
	if !ok {
		return 0
	}
	p, _ := m.Get("percent")
	f, err := value.ToFloat(p)
	if err != nil {
		return 0
	}
	return math.Round(f*10) / 10
}
