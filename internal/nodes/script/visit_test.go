package script_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/script"
)

type cfg = map[string]any

func family() enginetest.Family {
	return enginetest.Family{Name: "Scripts", Nodes: script.Nodes()}
}

func TestEveryTypeHasABehaviour(t *testing.T) { family().Complete(t) }

func visit(t *testing.T, typ string, c cfg, opts ...enginetest.Option) (cfg, error) {
	t.Helper()
	return family().Visit(t, typ, c, opts...)
}

func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) {
	t.Helper()
	family().Want(t, typ, c, want, opts...)
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) {
	t.Helper()
	if out := family().Fails(t, typ, c, errType, message, opts...); out["success"] != false {
		t.Errorf("success = %v", out["success"])
	}
}

// TestMain puts the interpreter itself before what stands for it on the PATH: a
// version manager's shell script takes five times as long as Python to start.
func TestMain(m *testing.M) {
	out, err := exec.Command("python3", "-c", "import os, sys; print(os.path.dirname(sys.executable))").Output() //nolint:noctx // there is no test yet
	if dir := strings.TrimSpace(string(out)); err == nil && dir != "" {
		if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// program skips the test by name where the machine lacks a program.
func program(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s: no program %s on this machine", t.Name(), name)
	}
}

// bare is a machine without any program.
func bare() enginetest.Option { return enginetest.Environ("PATH=/nowhere") }

func TestEvaluate(t *testing.T) {
	for _, tc := range []struct {
		expression any
		result     any
		typ        string
	}{
		{"1 + 2 * 3", 7, "int"},
		{"7 / 2", 3.5, "float"},
		{"'a' * 3", "aaa", "str"},
		{"sorted([3, 1, 2], reverse=True)", []any{3, 2, 1}, "list"},
		{"(1, 'x')", []any{1, "x"}, "tuple"},
		{"{'k': sum(range(4))}", cfg{"k": 6}, "dict"},
		{"x + variables['x']", 10, "int"},
		{"None", nil, "NoneType"},
		{"{{n}} > 5", true, "bool"},
		{"{{n}}", 7, "int"},
		{5, 5, "int"},
	} {
		want(t, "EvalExpressionNode", cfg{"expression": tc.expression, "variables": cfg{"x": 5}},
			cfg{"result": tc.result, "type": tc.typ, "success": true, "error": ""}, enginetest.Variables(cfg{"n": 7}))
	}
	fails(t, "EvalExpressionNode", cfg{"expression": "1 / 0"}, "ZeroDivisionError", "division by zero")
	fails(t, "EvalExpressionNode", cfg{"expression": "n + 1"}, "NameError", "name 'n' is not defined", enginetest.Variables(cfg{"n": 7}))
	fails(t, "EvalExpressionNode", cfg{"expression": "1 +"}, "SyntaxError", "")
	fails(t, "EvalExpressionNode", cfg{"expression": " "}, "ValueError", "expression is required")
}
