package script_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/script"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

type cfg = map[string]any

func visit(t *testing.T, typ string, c cfg, opts ...enginetest.Option) (cfg, error) {
	t.Helper()
	node, ok := script.Nodes().Node(typ)
	if !ok {
		t.Fatalf("no behaviour for %s", typ)
	}
	out, _, err := enginetest.Visit(t, node, typ, nil, c, opts...)
	got, _ := value.ToGo(out).(cfg)
	return got, err
}

// want runs a node and compares those outputs that it names.
func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) {
	t.Helper()
	got, err := visit(t, typ, c, opts...)
	if err != nil {
		t.Fatalf("%s %v: %v", typ, c, err)
	}
	wanted, _ := value.ToGo(value.FromGo(want)).(cfg)
	for name, v := range wanted {
		if diff := cmp.Diff(v, got[name]); diff != "" {
			t.Errorf("%s.%s of %v (-want +got):\n%s", typ, name, c, diff)
		}
	}
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) {
	t.Helper()
	out, err := visit(t, typ, c, opts...)
	if err == nil {
		t.Fatalf("%s %v: no error, outputs %v", typ, c, out)
	}
	f := engine.AsFailure(err)
	if f.Type != errType || !strings.Contains(f.Message, message) {
		t.Errorf("%s: %s: %q; want %s: %q", typ, f.Type, f.Message, errType, message)
	}
	if out["success"] != false {
		t.Errorf("success = %v", out["success"])
	}
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

func TestEveryTypeHasABehaviour(t *testing.T) {
	cat := enginetest.Catalog(t)
	var want, got []string
	for _, name := range cat.Names() {
		typ, _ := cat.Type(name)
		if typ.Family == "Scripts" && typ.Support == catalog.Native {
			want = append(want, name)
		}
		if _, ok := script.Nodes().Node(name); ok {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != len(script.Nodes()) {
		t.Errorf("types (-catalog +package):\n%s", diff)
	}
}

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
