package script_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/script"
	"github.com/casarerpa/fleet/internal/runner"
)

// scripts mean the same in Python and in Starlark.
func scripts() []struct {
	name string
	cfg  cfg
	want cfg
} {
	ok := func(result any, output string) cfg {
		return cfg{"result": result, "output": output, "success": true, "error": ""}
	}
	return []struct {
		name string
		cfg  cfg
		want cfg
	}{
		{"result", cfg{"code": "result = 1 + 1"}, ok(2, "")},
		{"no result", cfg{"code": "x = 1"}, ok(nil, "")},
		{"output", cfg{"code": "print('a', 1)\nprint('grün')"}, ok(nil, "a 1\ngrün\n")},
		{"variables", cfg{"code": "result = [a + 1, b['k'], c]", "variables": cfg{"a": 1, "b": cfg{"k": []any{true, nil}}, "c": 1.5}}, ok([]any{2, []any{true, nil}, 1.5}, "")},
		{"variables as text", cfg{"code": "result = a", "variables": `{"a": "ü"}`}, ok("ü", "")},
		{"loops", cfg{"code": "result = 0\nfor i in range(4):\n    if i % 2:\n        result += i\n"}, ok(4, "")},
		{"object in order", cfg{"code": "result = {'z': (1, 2), 'a': {}}"}, ok(cfg{"z": []any{1, 2}, "a": cfg{}}, "")},
		{"functions", cfg{"code": "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\nresult = f(10)"}, ok(55, "")},
		{"Windows line ends", cfg{"code": "if True:\r\n    result = 1\r\n"}, ok(1, "")},
		{"references", cfg{"code": "result = '{{who}}'"}, ok("Ann", "")},
		{"sum", cfg{"code": "result = sum([1, 2.5])"}, ok(3.5, "")},
	}
}

func TestPythonScript(t *testing.T) {
	program(t, "python3")
	who := enginetest.Variables(cfg{"who": "Ann"})
	for _, tc := range scripts() {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunPythonScriptNode", tc.cfg, tc.want, who) })
	}
	for _, tc := range []struct {
		name string
		code string
		want cfg
	}{
		{"imports", "import json, math\nresult = json.dumps([math.floor(1.5)])", cfg{"result": "[1]", "success": true}},
		{"error", "print('before')\nx = 1\nx / 0", cfg{"output": "before\n", "success": false, "error": "ZeroDivisionError: division by zero (line 3)"}},
		{"syntax", "def", cfg{"success": false, "result": nil}},
		{"result before an error", "result = 5\nraise ValueError('bad')", cfg{"result": 5, "success": false, "error": "ValueError: bad (line 2)"}},
		{"workflow variables are not there", "result = who", cfg{"success": false, "error": "NameError: name 'who' is not defined (line 1)"}},
		{"exit", "result = 1\nexit(0)", cfg{"result": 1, "success": true, "error": ""}},
		{"exit with a code", "import sys\nsys.exit(3)", cfg{"success": false, "error": "SystemExit: 3"}},
		{"the process dies", "import os\nos._exit(7)", cfg{"success": false, "error": "The Python process ended with code 7"}},
		{"children print", "import os\nos.system('echo child')\nprint('mine')", cfg{"output": "mine\n", "success": true}},
		{"not JSON", "result = [object, {1, }, b'x', {3: 4}]", cfg{"result": []any{"<class 'object'>", []any{1}, "b'x'", cfg{"3": 4}}, "success": true}},
		{"itself inside", "result = []\nresult.append(result)", cfg{"success": true}},
		{"no input", "result = input() if False else 1\ninput()", cfg{"result": 1, "success": false, "error": "EOFError: EOF when reading a line (line 2)"}},
		{"a thread stays", "import threading, time\nthreading.Thread(target=time.sleep, args=(300,)).start()\nresult = 1", cfg{"result": 1, "success": true}},
		{"special floats", "result = [float('inf'), 1.0, 1e300]", cfg{"success": true}},
		{"one name for all", "result = __name__", cfg{"result": "__main__"}},
	} {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunPythonScriptNode", cfg{"code": tc.code}, tc.want, who) })
	}
	want(t, "RunPythonScriptNode", cfg{"code": "import helper\nresult = helper.x"}, cfg{"result": 4}, enginetest.File("helper.py", "x = 4"))
	want(t, "RunPythonScriptNode", cfg{"code": "import helper\nresult = helper.x", "isolated": true},
		cfg{"success": false, "error": "ModuleNotFoundError: No module named 'helper' (line 1)"}, enginetest.File("helper.py", "x = 4"))
	fails(t, "RunPythonScriptNode", cfg{"code": "while True: pass", "timeout": 1}, "TimeoutError", "Script timed out after 1 seconds")
	fails(t, "RunPythonScriptNode", cfg{"code": "result = 1"}, "PermissionError", "The policy of this robot does not allow Python scripts", enginetest.Policy(runner.Policy{AllowShell: true}))
	fails(t, "RunPythonScriptNode", cfg{}, "ValueError", "code is required")
	fails(t, "RunPythonScriptNode", cfg{"code": "1", "variables": "{"}, "JSONDecodeError", "variables is not valid JSON")
	fails(t, "RunPythonScriptNode", cfg{"code": "1", "variables": "[1]"}, "TypeError", "variables must be an object, not list")
}

func TestPythonOutputIsBounded(t *testing.T) {
	program(t, "python3")
	for name, code := range map[string]string{
		"print": "for i in range(100):\n    print('x' * 1000000)",
		"child": "import os\nos.system('head -c 100000000 /dev/zero')",
	} {
		var notes []string
		out, _, err := enginetest.Visit(t, script.Nodes()["RunPythonScriptNode"], "RunPythonScriptNode", nil, cfg{"code": code + "\nresult = 'end'"}, enginetest.Notes(&notes))
		if err != nil {
			t.Fatal(err)
		}
		result, _ := out.Get("result")
		output, _ := out.Get("output")
		if n := len(output.(string)); result != "end" || n > 1<<20 {
			t.Errorf("%s: result %v, %d bytes kept", name, result, n)
		}
		if told := len(notes) == 1; told != (name == "print") {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
	want(t, "RunPythonScriptNode", cfg{"code": "result = 'x' * 100000000"}, cfg{"result": nil, "success": false, "error": "ValueError: the result is too large"})
}

func TestStarlarkTakesThePlaceOfPython(t *testing.T) {
	who := enginetest.Variables(cfg{"who": "Ann"})
	for _, tc := range scripts() {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunPythonScriptNode", tc.cfg, tc.want, who, bare()) })
	}
	for _, tc := range []struct {
		name string
		code string
		want cfg
	}{
		{"json", "result = json.decode('[1]')", cfg{"result": []any{1}, "success": true}},
		{"while", "result = 0\nwhile result < 5:\n    result += 1", cfg{"result": 5, "success": true}},
		{"error", "print('before')\nx = 1 // 0", cfg{"output": "before\n", "success": false, "error": "floored division by zero (line 2)"}},
		{"no imports", "import os", cfg{"success": false}},
		{"keys and sets", "result = {1: set([2])}", cfg{"result": cfg{"1": []any{2}}, "success": true}},
		{"large", "result = 1 << 80", cfg{"result": 1208925819614629174706176.0, "success": true}},
	} {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunPythonScriptNode", cfg{"code": tc.code}, tc.want, bare()) })
	}
	var notes []string
	if _, err := visit(t, "RunPythonScriptNode", cfg{"code": "1"}, bare(), enginetest.Notes(&notes)); err != nil || len(notes) != 1 {
		t.Errorf("the author is not told: %q, %v", notes, err)
	}
	fails(t, "RunPythonScriptNode", cfg{"code": "while True: pass", "timeout": 1}, "TimeoutError", "Script timed out after 1 seconds", bare())
	fails(t, "RunPythonScriptNode", cfg{"code": "1"}, "PermissionError", "does not allow Python", bare(), enginetest.Policy(runner.Policy{}))
}

func TestPythonFile(t *testing.T) {
	program(t, "python3")
	file := enginetest.File("d/run.py", "import sys\nprint(sys.argv[1:])\nprint('oh', file=sys.stderr)\nsys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)\n")
	c := func(args any) cfg { return cfg{"file_path": "d/run.py", "args": args} }
	want(t, "RunPythonFileNode", c(nil), cfg{"stdout": "[]\n", "stderr": "oh\n", "return_code": 0, "success": true}, file)
	want(t, "RunPythonFileNode", c("0 'a b'"), cfg{"stdout": "['0', 'a b']\n", "return_code": 0, "success": true}, file)
	want(t, "RunPythonFileNode", c([]any{3, "x y"}), cfg{"stdout": "['3', 'x y']\n", "return_code": 3, "success": false}, file)
	fails(t, "RunPythonFileNode", c("'open"), "ValueError", "No closing quotation", file)
	fails(t, "RunPythonFileNode", cfg{"file_path": "none.py"}, "FileNotFoundError", "Python file not found: none.py")
	fails(t, "RunPythonFileNode", cfg{}, "ValueError", "file_path is required")
	fails(t, "RunPythonFileNode", cfg{"file_path": "a.py", "timeout": 1}, "TimeoutError", "Python file timed out after 1 seconds", enginetest.File("a.py", "while True: pass"))
	only := enginetest.Policy(runner.Policy{AllowPython: true})
	want(t, "RunPythonFileNode", c(nil), cfg{"success": true}, file, only)
	// An interpreter that is none counts as any other program.
	fails(t, "RunPythonFileNode", cfg{"file_path": "d/run.py", "python_path": "/bin/sh"}, "PermissionError", "does not allow commands", file, only)
	fails(t, "RunPythonFileNode", cfg{"file_path": "d/run.py", "python_path": "python-no"}, "PermissionError", "does not allow commands", file, only)

	dir := t.TempDir()
	counter := "import os, sys\nopen('count', 'a').write('x')\nsys.exit(0 if os.path.getsize('count') > 2 else 1)\n"
	if err := os.WriteFile(filepath.Join(dir, "count.py"), []byte(counter), 0o644); err != nil {
		t.Fatal(err)
	}
	in := enginetest.In(dir)
	again := cfg{"file_path": "count.py", "retry_count": 5, "retry_interval": 1, "retry_on_nonzero": true}
	want(t, "RunPythonFileNode", cfg{"file_path": "count.py", "retry_count": 5}, cfg{"return_code": 1, "success": false}, in)
	want(t, "RunPythonFileNode", again, cfg{"return_code": 0, "success": true}, in)
	if data, err := os.ReadFile(filepath.Join(dir, "count")); err != nil || len(data) != 3 {
		t.Errorf("%q, %v", data, err)
	}
}

func TestBatchScript(t *testing.T) {
	program(t, "bash")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	in := enginetest.In(dir)
	want(t, "RunBatchScriptNode", cfg{"script": "a=(1 2)\r\necho \"${a[1]}\"\r\necho oh >&2\r\n"}, cfg{"stdout": "2\n", "stderr": "oh\n", "return_code": 0, "success": true}, in)
	want(t, "RunBatchScriptNode", cfg{"script": "exit 4"}, cfg{"return_code": 4, "success": false}, in)
	want(t, "RunBatchScriptNode", cfg{"script": "pwd", "working_dir": "sub"}, cfg{"stdout": filepath.Join(dir, "sub") + "\n"}, in)
	want(t, "RunBatchScriptNode", cfg{"script": "# " + strings.Repeat("x", 300_000) + "\necho long"}, cfg{"stdout": "long\n"}, in)
	want(t, "RunBatchScriptNode", cfg{"script": "echo x >> n; [ $(wc -l < n) -ge 3 ]", "retry_count": 5, "retry_interval": 1, "retry_on_nonzero": true},
		cfg{"return_code": 0, "success": true}, in)
	fails(t, "RunBatchScriptNode", cfg{"script": "sleep 30", "timeout": 1}, "TimeoutError", "Script timed out after 1 seconds", in)
	fails(t, "RunBatchScriptNode", cfg{"script": " "}, "ValueError", "script is required", in)
	fails(t, "RunBatchScriptNode", cfg{"script": "echo"}, "PermissionError", "does not allow commands", in, enginetest.Policy(runner.Policy{AllowPython: true}))
	if left, _ := filepath.Glob(filepath.Join(dir, ".script*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
