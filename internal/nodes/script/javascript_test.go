package script_test

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/script"
	"github.com/casarerpa/fleet/internal/runner"
)

// javaScripts mean the same to Node.js and to the built-in engine.
func javaScripts() []struct {
	name string
	cfg  cfg
	want cfg
} {
	ok := func(result string) cfg { return cfg{"result": result, "success": true, "error": ""} }
	return []struct {
		name string
		cfg  cfg
		want cfg
	}{
		{"print", cfg{"code": "console.log('  a', 1);\nconsole.log('grün')\n"}, ok("a 1\ngrün")},
		{"input", cfg{"code": "console.log(inputData.a.map(x => x * 2).join())", "input_data": cfg{"a": []any{1, 2}}}, ok("2,4")},
		{"no input", cfg{"code": "console.log(inputData === null)"}, ok("true")},
		{"text as input", cfg{"code": "console.log(inputData.length)", "input_data": "a\u2028b\"'`"}, ok("6")},
		{"stdout", cfg{"code": "process.stdout.write('a'); process.stdout.write('b')"}, ok("ab")},
		{"errors are not output", cfg{"code": "console.error('oh'); console.log('x')"}, ok("x")},
		{"objects", cfg{"code": "const {a, ...rest} = inputData; console.log(JSON.stringify(rest))", "input_data": cfg{"a": 1, "b": 1.5}}, ok(`{"b":1.5}`)},
	}
}

func TestJavaScript(t *testing.T) {
	program(t, "node")
	for _, tc := range javaScripts() {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunJavaScriptNode", tc.cfg, tc.want) })
	}
	want(t, "RunJavaScriptNode", cfg{"code": "console.log(require('path').join('a', 'b'))"}, cfg{"result": "a/b", "success": true})
	want(t, "RunJavaScriptNode", cfg{"code": "console.log('before'); process.exit(3)"}, cfg{"result": "before", "success": false, "error": "The script ended with code 3"})
	out, err := visit(t, "RunJavaScriptNode", cfg{"code": "throw new Error('bad')"})
	if text, _ := out["error"].(string); err != nil || out["success"] != false || !strings.Contains(text, "Error: bad") {
		t.Errorf("%v, %v", out, err)
	}
	fails(t, "RunJavaScriptNode", cfg{"code": "for (;;) {}", "timeout": 1}, "TimeoutError", "Script timed out after 1 seconds")
	fails(t, "RunJavaScriptNode", cfg{"code": "1"}, "PermissionError", "does not allow Node.js scripts", enginetest.Policy(runner.Policy{AllowShell: true}))
	fails(t, "RunJavaScriptNode", cfg{"code": "1", "node_path": "/bin/sh"}, "PermissionError", "does not allow commands", enginetest.Policy(runner.Policy{AllowNode: true}))
	fails(t, "RunJavaScriptNode", cfg{}, "ValueError", "code is required")
}

func TestTheBuiltInEngineTakesThePlaceOfNode(t *testing.T) {
	for _, tc := range javaScripts() {
		t.Run(tc.name, func(t *testing.T) { want(t, "RunJavaScriptNode", tc.cfg, tc.want, bare()) })
	}
	for code, message := range map[string]string{
		"console.log('a'); throw new TypeError('bad')": "TypeError: bad",
		"syntax error here":                            "SyntaxError",
		"require('fs')":                                "ReferenceError: require is not defined",
		"(function f() { f() })()":                     "",
	} {
		out, err := visit(t, "RunJavaScriptNode", cfg{"code": code}, bare())
		if text, _ := out["error"].(string); err != nil || out["success"] != false || !strings.Contains(text, message) {
			t.Errorf("%s: %v, %v", code, out, err)
		}
	}
	var notes []string
	out, _, err := enginetest.Visit(t, script.Nodes()["RunJavaScriptNode"], "RunJavaScriptNode", nil,
		cfg{"code": "for (let i = 0; i < 100; i++) console.log('x'.repeat(1000000))"}, bare(), enginetest.Notes(&notes))
	if err != nil {
		t.Fatal(err)
	}
	if result, _ := out.Get("result"); len(result.(string)) > 1<<20 || len(notes) != 2 {
		t.Errorf("%d bytes kept, notes %q", len(result.(string)), notes)
	}
	fails(t, "RunJavaScriptNode", cfg{"code": "for (;;) {}", "timeout": 1}, "TimeoutError", "Script timed out after 1 seconds", bare())
}
