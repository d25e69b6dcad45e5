package flow_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/flow"
	"github.com/casarerpa/fleet/workflow/value"
)

type m = map[string]any

// visit is one visit of a node and what it must leave. Outputs and variables
// are compared as Python shows them, so that 1, 1.0 and True are three things.
type visit struct {
	typ     string
	in, cfg m
	vars    m
	out     string // outputs; "-" means that they do not matter
	left    string // variables afterwards; "" means that they do not matter
	next    string // exec ports named, with blanks between
	err     string
}

func run(t *testing.T, tests []visit) {
	t.Helper()
	nodes := flow.Nodes()
	for _, test := range tests {
		name := test.typ + " " + value.Repr(value.FromGo(test.cfg)) + " " + value.Repr(value.FromGo(test.in))
		t.Run(name, func(t *testing.T) {
			vars := value.NewMap()
			if test.vars != nil {
				vars = value.FromGo(test.vars).(*value.Map)
			}
			out, next, err := enginetest.Visit(t, nodes[test.typ], test.typ, test.in, test.cfg, enginetest.Vars(vars))
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != test.err {
				t.Errorf("error %q, want %q", message, test.err)
			}
			if got := out.String(); test.out != "-" && got != test.out {
				t.Errorf("outputs %s, want %s", got, test.out)
			}
			if got := vars.String(); test.left != "" && got != test.left {
				t.Errorf("variables %s, want %s", got, test.left)
			}
			if got := strings.Join(next.Next, " "); got != test.next {
				t.Errorf("goes on at %q, want %q", got, test.next)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	set := func(cfg m, vars m, out string) visit {
		cfg["variable_name"] = "v"
		return visit{typ: "SetVariableNode", cfg: cfg, vars: vars, out: "{'value': " + out + "}"}
	}
	run(t, []visit{
		{typ: "SetVariableNode", cfg: m{"variable_name": "n", "value": 0}, out: "{'value': 0}", left: "{'n': 0}"},
		{typ: "SetVariableNode", cfg: m{"value": 1}, out: "{}", err: "Variable name is required"},
		{typ: "SetVariableNode", cfg: m{"variable_name": ""}, out: "{}", err: "Variable name is required"},
		{typ: "SetVariableNode", in: m{"value": "port"}, cfg: m{"variable_name": "n", "value": "cfg"}, out: "{'value': 'port'}", left: "{'n': 'port'}"},
		{typ: "SetVariableNode", cfg: m{"variable_name": "n", "default_value": "d"}, out: "{'value': 'd'}"},
		{typ: "SetVariableNode", cfg: m{"variable_name": "n"}, out: "{'value': None}", left: "{'n': None}"},
		set(m{"value": "{{a}}"}, m{"a": []int{1}}, "[1]"),
		set(m{"value": "{{a}}"}, m{"a": "x={{b}}", "b": 2}, "'x=2'"), // the second pass
		set(m{"value": []int{1}}, nil, "[1]"),                        // text leaves types alone
		set(m{"value": "YES", "variable_type": "Boolean"}, nil, "True"),
		set(m{"value": "off", "variable_type": "Boolean"}, nil, "False"),
		set(m{"value": " 42 ", "variable_type": "Int32"}, nil, "42"),
		set(m{"value": 3.9, "variable_type": "Int32"}, nil, "3"),
		set(m{"value": "4.5", "variable_type": "Int32"}, nil, "'4.5'"), // kept
		set(m{"value": "4", "variable_type": "Float"}, nil, "4.0"),
		set(m{"value": "x", "variable_type": "Float"}, nil, "'x'"),
		set(m{"value": `{"a": 1}`, "variable_type": "Dict"}, nil, "{'a': 1}"),
		set(m{"value": `[1]`, "variable_type": "Object"}, nil, "{'value': [1]}"),
		set(m{"value": 7, "variable_type": "Object"}, nil, "{'value': 7}"),
		set(m{"value": `{bad`, "variable_type": "Object"}, nil, "'{bad'"),
		set(m{"value": `[1, "b"]`, "variable_type": "List"}, nil, "[1, 'b']"),
		set(m{"value": `a, b ,c`, "variable_type": "Array"}, nil, "['a', 'b', 'c']"),
		set(m{"value": `5`, "variable_type": "List"}, nil, "[5]"),
		set(m{"value": 5, "variable_type": "List"}, nil, "[5]"),
		set(m{"value": `[{"a": 1}]`, "variable_type": "DataTable"}, nil, "[{'a': 1}]"),
		set(m{"value": 5, "variable_type": "FilePath"}, nil, "'5'"),

		{typ: "GetVariableNode", cfg: m{"variable_name": "n"}, vars: m{"n": 3}, out: "{'value': 3}"},
		{typ: "GetVariableNode", cfg: m{"variable_name": "n", "default_value": 9}, out: "{'value': 9}"},
		{typ: "GetVariableNode", cfg: m{"variable_name": "n.x"}, vars: m{"n": m{"x": 1}}, out: "{'value': None}"},
		{typ: "GetVariableNode", out: "{}", err: "Variable name is required"},

		{typ: "IncrementVariableNode", cfg: m{"variable_name": "n"}, vars: m{"n": 3}, out: "{'value': 4.0}", left: "{'n': 4.0}"},
		{typ: "IncrementVariableNode", cfg: m{"variable_name": "n", "increment": "10"}, vars: m{"n": "2.5"}, out: "{'value': 12.5}"},
		{typ: "IncrementVariableNode", cfg: m{"variable_name": "n", "increment": -1}, out: "{'value': -1.0}"},
		{typ: "IncrementVariableNode", cfg: m{"variable_name": "n"}, vars: m{"n": "abc"}, out: "{}", left: "{'n': 'abc'}", err: "could not convert string to float: 'abc'"},
		{typ: "IncrementVariableNode", out: "{}", err: "Variable name is required"},
	})
}

func TestKeptValueIsNoted(t *testing.T) {
	var notes []string
	_, _, err := enginetest.Visit(t, flow.Nodes()["SetVariableNode"], "SetVariableNode", nil,
		m{"variable_name": "v", "value": "x", "variable_type": "Int32"}, enginetest.Notes(&notes))
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "could not be made Int32") {
		t.Errorf("error %v, notes %q", err, notes)
	}
}

func TestBranches(t *testing.T) {
	run(t, []visit{
		{typ: "IfNode", in: m{"condition": true}, out: "{}", next: "true"},
		{typ: "IfNode", in: m{"condition": 0}, cfg: m{"expression": "True"}, out: "{}", next: "false"},
		{typ: "IfNode", cfg: m{"expression": "n > 2"}, vars: m{"n": 3}, out: "{}", next: "true"},
		{typ: "IfNode", cfg: m{"expression": "{{s}} == 'ok'"}, vars: m{"s": "ok"}, out: "{}", next: "true"},
		{typ: "IfNode", cfg: m{"condition": "{{flag}}"}, vars: m{"flag": true}, out: "{}", next: "true"},
		{typ: "IfNode", cfg: m{"condition": "{{flag}}"}, vars: m{"flag": "false"}, out: "{}", next: "false"},
		{typ: "IfNode", cfg: m{"expression": "nope + 1"}, out: "{}", next: "false"},
		{typ: "IfNode", out: "{}", next: "false"},

		{typ: "SwitchNode", cfg: m{"value": "{{v}}", "cases": []string{"a", "b"}}, vars: m{"v": "b"}, out: "{}", next: "case_b"},
		{typ: "SwitchNode", in: m{"value": 1}, cfg: m{"cases": []any{0, 1}}, out: "{}", next: "case_1"},
		{typ: "SwitchNode", in: m{"value": true}, cfg: m{"cases": []any{"True"}}, out: "{}", next: "case_True"},
		{typ: "SwitchNode", in: m{"value": "z"}, cfg: m{"cases": []string{"a"}}, out: "{}", next: "default"},
		{typ: "SwitchNode", in: m{"value": "a"}, cfg: m{"cases": "[\"a\"]"}, out: "{}", next: "case_a"},
		{typ: "SwitchNode", in: m{"value": "b"}, cfg: m{"cases": "a, b"}, out: "{}", next: "case_b"},
		{typ: "SwitchNode", in: m{"value": "x"}, out: "{}", next: "default"},
		{typ: "SwitchNode", cfg: m{"expression": "n % 3", "cases": []any{0, 1, 2}}, vars: m{"n": 4}, out: "{}", next: "case_1"},
		{typ: "SwitchNode", cfg: m{"expression": "{{s}}", "cases": []any{"x"}}, vars: m{"s": "x"}, out: "{}", next: "case_x"},
		{typ: "SwitchNode", cfg: m{"expression": "n.__class__", "cases": []any{0}}, vars: m{"n": 4}, out: "{}", err: "names with two underscores are not allowed: __class__ (column 3)"},

		{typ: "CommentNode", cfg: m{"comment": "hello"}, out: "{}"},
		{typ: "MergeNode", out: "{}"},
		{typ: "RerouteNode", in: m{"in": []int{1}}, out: "{'out': [1]}"},
	})
}

func TestFaults(t *testing.T) {
	run(t, []visit{
		{typ: "ThrowErrorNode", cfg: m{"error_message": "boom {{n}}"}, vars: m{"n": 1}, out: "{}", err: "boom 1"},
		{typ: "ThrowErrorNode", out: "{}", err: "Custom error"},
		{
			typ: "ErrorRecoveryNode", cfg: m{"strategy": "retry", "max_retries": "5"}, out: "{}", next: "exec_out",
			left: "{'_error_recovery_strategy': 'retry', '_error_recovery_max_retries': 5}",
		},
		{
			typ: "ErrorRecoveryNode", cfg: m{"strategy": "weird"}, out: "{}", next: "exec_out",
			left: "{'_error_recovery_strategy': 'stop', '_error_recovery_max_retries': 3}",
		},
		{typ: "AssertNode", cfg: m{"condition": "Yes"}, out: "{'passed': True}"},
		{typ: "AssertNode", cfg: m{"condition": "on"}, out: "{'passed': False}", err: "Assertion failed: Assertion failed"},
		{typ: "AssertNode", in: m{"condition": []int{}}, cfg: m{"message": "empty"}, out: "{'passed': False}", err: "Assertion failed: empty"},
		{typ: "AssertNode", in: m{"condition": 5}, out: "{'passed': True}"},
		{typ: "AssertNode", out: "{'passed': True}"},
	})
	_, _, err := enginetest.Visit(t, flow.Nodes()["ThrowErrorNode"], "ThrowErrorNode", nil, nil)
	if got := engine.AsFailure(err).Type; got != "CustomError" {
		t.Errorf("thrown errors have type %s", got)
	}
}

func TestLog(t *testing.T) {
	vars := m{"name": "Ann", "d": m{"k": 1}, "pi": 3.14159}
	for _, test := range []struct {
		in, cfg m
		level   engine.Level
		line    string
		err     string
	}{
		{cfg: m{"message": "hi"}, level: "critical", line: "[node] hi"},
		{cfg: m{"message": "{{name}} {name}", "level": "INFO"}, level: "info", line: "[node] Ann Ann"},
		{cfg: m{"message": "{pi:.2f} {d[k]}", "include_node_id": false}, level: "critical", line: "3.14 1"},
		{cfg: m{"message": "{nobody} {name}"}, level: "critical", line: "[node] {nobody} {name}"},
		{cfg: m{"message": "{{nobody}}"}, level: "critical", line: "[node] {nobody}"},
		{cfg: m{"message": "a } b"}, level: "critical", line: "[node] a } b"},
		{cfg: m{"message": "{}"}, err: "Log error: Replacement index 0 out of range for positional args tuple"},
		{cfg: m{"message": "{0}"}, err: "Log error: Replacement index 0 out of range for positional args tuple"},
		{cfg: m{"message": "x", "level": "loud"}, level: "info", line: "[node] x"},
		{in: m{"data": m{"a": true}}, cfg: m{"message": "x"}, level: "critical", line: "[node] x | Data: {'a': True}"},
		{in: m{"message": 15.0}, level: "critical", line: "[node] 15.0"},
		{cfg: m{"message": ""}, level: "critical", line: "[node] "},
	} {
		var lines []engine.Line
		_, _, err := enginetest.Visit(t, flow.Nodes()["LogNode"], "LogNode", test.in, test.cfg,
			enginetest.Variables(vars), enginetest.Lines(&lines))
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%v: error %v, want %s", test.cfg, err, test.err)
			}
			continue
		}
		if err != nil || len(lines) != 1 || lines[0].Level != test.level || lines[0].Message != test.line {
			t.Errorf("%v: error %v, lines %+v, want %s %q", test.cfg, err, lines, test.level, test.line)
		}
	}
}

func TestLogError(t *testing.T) {
	var lines []engine.Line
	out, _, err := enginetest.Visit(t, flow.Nodes()["LogErrorNode"], "LogErrorNode",
		m{"context": m{"url": "http://x"}},
		m{"error_message": "gone", "error_type": "HttpError", "level": "warning", "include_stack_trace": "true"},
		enginetest.Lines(&lines), enginetest.Variables(m{"stack_trace": "line 1"}))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := out.Get("log_entry")
	entry := v.(*value.Map)
	if stamp, _ := entry.Get("timestamp"); len(value.Str(stamp)) < len("2006-01-02T15:04:05") {
		t.Errorf("timestamp %v", stamp)
	}
	entry.Delete("timestamp")
	want := "{'level': 'warning', 'error_type': 'HttpError', 'error_message': 'gone', 'workflow': '', 'context': {'url': 'http://x'}, 'stack_trace': 'line 1'}"
	if diff := cmp.Diff(want, entry.String()); diff != "" {
		t.Error(diff)
	}
	if len(lines) != 1 || lines[0].Level != engine.LevelWarning || lines[0].Message != `[HttpError] gone | Context: {"url": "http://x"}` {
		t.Errorf("lines %+v", lines)
	}
	// Nothing given: the words of the original.
	lines = nil
	if _, _, err = enginetest.Visit(t, flow.Nodes()["LogErrorNode"], "LogErrorNode", nil, nil, enginetest.Lines(&lines)); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || lines[0].Level != engine.LevelError || lines[0].Message != "[Error] Unknown error" {
		t.Errorf("lines %+v", lines)
	}
}

func BenchmarkSetVariable(b *testing.B) {
	node, vars := flow.Nodes()["SetVariableNode"], value.MapOf("n", int64(1))
	single := engine.Single{
		Node: node, NodeID: "set", Type: "SetVariableNode", Variables: vars,
		Config: value.MapOf("variable_name", "v", "value", "{{n}}", "variable_type", "String"),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.VisitOne(b.Context(), single); err != nil {
			b.Fatal(err)
		}
	}
}
