package process_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/process"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/value"
)

func TestRunCommand(t *testing.T) {
	done := func(stdout, stderr string, code int) cfg {
		return cfg{"stdout": stdout, "stderr": stderr, "return_code": code, "success": code == 0}
	}
	for _, tc := range []struct {
		name string
		cfg  cfg
		want cfg
	}{
		{"words", cfg{"command": "echo Hello  World"}, done("Hello World\n", "", 0)},
		{"quotes", cfg{"command": `printf '%s|' "a b" 'c"d' e\ f "g\"h"`}, done(`a b|c"d|e f|g"h|`, "", 0)},
		{"no shell, no meaning", cfg{"command": "echo $HOME ; ls | cat"}, done("$HOME ; ls | cat\n", "", 0)},
		{"arguments as text", cfg{"command": "echo a", "args": "b 'c d'"}, done("a b c d\n", "", 0)},
		{"arguments as list", cfg{"command": "printf %s|", "args": []any{"a b", 1, true}}, done("a b|1|True|", "", 0)},
		{"shell", cfg{"command": "echo Hello from RunCommandNode", "shell": true}, done("Hello from RunCommandNode\n", "", 0)},
		{"shell with arguments", cfg{"command": "echo", "args": []any{"$HOME; it's"}, "shell": true}, done("$HOME; it's\n", "", 0)},
		{"dangerous shell", cfg{"command": "echo a; echo b >&2; exit 3", "shell": true, "allow_dangerous": true}, done("a\n", "b\n", 3)},
		{"exit code", cfg{"command": "false"}, done("", "", 1)},
		{"dangerous command", cfg{"command": "rm --version", "allow_dangerous": true, "capture_output": false}, done("", "", 0)},
		{"broken text", cfg{"command": `printf '\377'`}, done("\ufffd", "", 0)},
	} {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunCommandNode", tc.cfg, tc.want) })
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	want(t, "RunCommandNode", cfg{"command": "pwd", "working_dir": "sub"}, done(filepath.Join(dir, "sub")+"\n", "", 0), enginetest.In(dir))
}

func TestBlockedCommands(t *testing.T) {
	for _, name := range []string{
		"rm", "del", "format", "fdisk", "mkfs", "wget", "curl", "invoke-webrequest", "nc", "netcat", "ncat",
		"powershell", "pwsh", "cmd", "reg", "regedit", "net", "sc", "shutdown", "reboot", "/bin/rm", "CURL", "cmd.exe", `"rm"`,
	} {
		for _, shell := range []bool{false, true} {
			fails(t, "RunCommandNode", cfg{"command": name + " x", "shell": shell}, "PermissionError", "is blocked. Set allow_dangerous to run it")
		}
	}
	for _, char := range []string{"|", "&", ";", "$", "`", "(", ")", "{", "}", "<", ">", "\n"} {
		out := fails(t, "RunCommandNode", cfg{"command": "echo a" + char + "b", "shell": true}, "PermissionError", "which a shell would interpret")
		if out["success"] != false {
			t.Errorf("success = %v", out["success"])
		}
	}
}

func TestCommandsThatFail(t *testing.T) {
	fails(t, "RunCommandNode", cfg{"command": " "}, "ValueError", "command is required")
	fails(t, "RunCommandNode", cfg{"command": "echo 'open"}, "ValueError", "No closing quotation")
	fails(t, "RunCommandNode", cfg{"command": `echo \`}, "ValueError", "No escaped character")
	fails(t, "RunCommandNode", cfg{"command": "no-such-program-here"}, "FileNotFoundError", `Program "no-such-program-here" was not found`)
	fails(t, "RunCommandNode", cfg{"command": "echo a"}, "PermissionError", "The policy of this robot does not allow commands", enginetest.Policy(runner.Policy{}))
	fails(t, "RunCommandNode", cfg{"command": "pwd", "working_dir": "../.."}, "PermissionError", "")
	out := fails(t, "RunCommandNode", cfg{"command": "sleep 30", "timeout": 1}, "TimeoutError", "Command timed out after 1 seconds")
	if out["success"] != false {
		t.Errorf("success = %v", out["success"])
	}
}

func TestOutputIsBounded(t *testing.T) {
	var notes []string
	node := process.Nodes()["RunCommandNode"]
	out, _, err := enginetest.Visit(t, node, "RunCommandNode", nil, cfg{"command": "head -c 100000000 /dev/zero"}, enginetest.Notes(&notes))
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := out.Get("stdout")
	if n := len(stdout.(string)); n == 0 || n > 1<<20 {
		t.Errorf("kept %d bytes", n)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "longer than what is kept") {
		t.Errorf("notes %q", notes)
	}
}

// TestChildrenDieWithTheCommand starts a script that forks a child which would
// outlive it, and ends the run in the middle.
func TestChildrenDieWithTheCommand(t *testing.T) {
	dir := t.TempDir()
	script := "sh -c 'echo $$ > child; exec sleep 300' &\necho $$ > parent\nsleep 300\n"
	if err := os.WriteFile(filepath.Join(dir, "fork.sh"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	host := enginetest.Host(t, enginetest.In(dir))
	go func() {
		_, err := engine.VisitOne(ctx, engine.Single{
			Node: process.Nodes()["RunCommandNode"], Config: value.MapOf("command", "sh fork.sh"), Host: host,
		})
		ended <- err
	}()
	child, parent := pid(t, filepath.Join(dir, "child")), pid(t, filepath.Join(dir, "parent"))
	cancel()
	if err := <-ended; err == nil {
		t.Error("a run that was ended reports no error")
	}
	for _, p := range []int{child, parent} {
		until(t, func() bool { return !alive(p) })
	}
}

// pid waits until a script wrote its number.
func pid(t *testing.T, path string) (n int) {
	t.Helper()
	until(t, func() bool {
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return false
		}
		n, err = strconv.Atoi(strings.TrimSpace(string(data)))
		return err == nil
	})
	return n
}

// alive does not count a process that only waits to be reaped.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("waited for ten seconds")
		}
	}
}
