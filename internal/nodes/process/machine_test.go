package process_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/runner"
)

// sleeper starts a program under a name of its own.
func sleeper(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no program sleep on this machine")
	}
	data, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	return cmd
}

func TestProcesses(t *testing.T) {
	one, two := sleeper(t, "nap-of-fleet"), sleeper(t, "nap-of-fleet")
	out, err := visit(t, "ProcessListNode", cfg{"filter_name": "NAP-OF-FLEET"})
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := out["processes"].([]any)
	if out["count"] != int64(2) || len(rows) != 2 {
		t.Fatalf("outputs %v", out)
	}
	row, _ := rows[0].(cfg)
	if row["pid"] != int64(min(one.Process.Pid, two.Process.Pid)) || row["name"] != "nap-of-fleet" || row["memory_mb"] == nil || row["username"] == "" {
		t.Errorf("row %v", row)
	}
	out, err = visit(t, "ProcessListNode", cfg{"filter_name": "nap-of-fleet", "include_details": false})
	rows, _ = out["processes"].([]any)
	if row, _ = rows[0].(cfg); err != nil || len(row) != 3 {
		t.Errorf("row without details: %v, %v", row, err)
	}
	fails(t, "ProcessKillNode", cfg{"pid_or_name": "nap-of-fleet"}, "PermissionError", "does not allow", enginetest.Policy(runner.Policy{}))
	want(t, "ProcessKillNode", cfg{"pid_or_name": ""}, cfg{"killed_count": 0, "success": true})
	want(t, "ProcessKillNode", cfg{"pid_or_name": "nap-of"}, cfg{"killed_count": 0, "success": false})
	want(t, "ProcessKillNode", cfg{"pid_or_name": strconv.Itoa(one.Process.Pid)}, cfg{"killed_count": 1, "success": true})
	want(t, "ProcessKillNode", cfg{"pid_or_name": "nap-of-fleet", "force": true}, cfg{"killed_count": 1, "success": true})
	fails(t, "ProcessKillNode", cfg{"pid_or_name": strconv.Itoa(os.Getpid())}, "PermissionError", "may not be ended by a workflow")
}

func TestEnvironmentVariable(t *testing.T) {
	env := enginetest.Environ("PATH="+os.Getenv("PATH"), "REPORT_DAY=monday", "FLEET_API_KEY=secret")
	want(t, "EnvironmentVariableNode", cfg{"var_name": "REPORT_DAY"}, cfg{"result_value": "monday", "exists": true, "success": true}, env)
	want(t, "EnvironmentVariableNode", cfg{"var_name": "REPORT_DAY", "scope": "user"}, cfg{"result_value": "monday", "exists": true, "success": true}, env)
	want(t, "EnvironmentVariableNode", cfg{"var_name": "NOT_THERE"}, cfg{"result_value": "", "exists": false, "success": true}, env)
	want(t, "EnvironmentVariableNode", cfg{"var_name": "FLEET_API_KEY"}, cfg{"result_value": "", "exists": false, "success": true}, env)
	want(t, "EnvironmentVariableNode", cfg{"action": "set", "var_name": "NEW_ONE", "value": 7}, cfg{"result_value": "7", "exists": true, "success": true}, env)
	if _, leaked := os.LookupEnv("NEW_ONE"); leaked {
		t.Error("the variable reached the robot itself")
	}
	fails(t, "EnvironmentVariableNode", cfg{"action": "set", "var_name": "A", "scope": "user"}, "OSError", "The scope user exists on Windows only")
	fails(t, "EnvironmentVariableNode", cfg{"var_name": ""}, "ValueError", "var_name is required")
	fails(t, "EnvironmentVariableNode", cfg{"var_name": "A=B"}, "ValueError", "'A=B' cannot be the name of a variable")
	fails(t, "EnvironmentVariableNode", cfg{"action": "drop", "var_name": "A"}, "ValueError", "Unknown action: drop")
}

func TestSystemInfo(t *testing.T) {
	out, err := visit(t, "SystemInfoNode", cfg{})
	if err != nil {
		t.Fatal(err)
	}
	info, _ := out["info"].(cfg)
	for _, kind := range []string{"os", "cpu", "ram", "disk", "network"} {
		if info[kind] == nil {
			t.Errorf("no readings of %s in %v", kind, info)
		}
	}
	if ram, _ := out["ram_percent"].(float64); ram <= 0 || ram > 100 {
		t.Errorf("ram_percent = %v", out["ram_percent"])
	}
	if disk, _ := out["disk_percent"].(float64); disk <= 0 || disk > 100 {
		t.Errorf("disk_percent = %v", out["disk_percent"])
	}
	if name, _ := out["os_name"].(string); !strings.HasPrefix(name, "Linux") && !strings.HasPrefix(name, "Darwin") && !strings.HasPrefix(name, "Windows") {
		t.Errorf("os_name = %q", name)
	}
	out, err = visit(t, "SystemInfoNode", cfg{"info_type": "ram"})
	if info, _ = out["info"].(cfg); err != nil || len(info) != 1 || info["ram"] == nil {
		t.Errorf("ram alone: %v, %v", out, err)
	}
	fails(t, "SystemInfoNode", cfg{"info_type": "soul"}, "ValueError", "Unknown info_type: soul")
}
