package pyexpr

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/workflow/value"
)

// oracle evaluates expressions in the installed Python and tells, for each,
// its type and repr, or the class and text of its error.
const oracle = `
import json, sys, types
d = {"k": [1, {"z": 2.5}], "n": None, "b": True, "name": "Zoë"}
names = {"d": d, "n": 7, "f": 2.5, "s": "Hello, World", "l": [3, 1, 2], "t": True,
         "users": [{"name": "Ann", "age": 31}, {"name": "bob", "age": 7}], "e": "", "x": 10, "y": -3}
def plain(v):
    if isinstance(v, (list, tuple, set, range, types.GeneratorType, map, filter, zip, enumerate, reversed)) \
            or type(v).__name__ in ("dict_keys", "dict_values", "dict_items", "list_reverseiterator", "str_iterator"):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    return v
out = []
for src in json.load(sys.stdin):
    try:
        v = plain(eval(src, dict(names)))
        out.append([type(v).__name__, repr(v)])
    except Exception as e:
        text = e.args[0] if isinstance(e, KeyError) else str(e)
        out.append(["!" + type(e).__name__, repr(text) if isinstance(e, KeyError) else text])
json.dump(out, sys.stdout)
`

func testNames() map[string]any {
	d := value.MapOf("k", []any{int64(1), value.MapOf("z", 2.5)}, "n", nil, "b", true, "name", "Zoë")
	return map[string]any{
		"d": d, "n": int64(7), "f": 2.5, "s": "Hello, World",
		"l": []any{int64(3), int64(1), int64(2)}, "t": true, "e": "", "x": int64(10), "y": int64(-3),
		"users": []any{
			value.MapOf("name", "Ann", "age", int64(31)),
			value.MapOf("name", "bob", "age", int64(7)),
		},
	}
}

func testEnv() Env {
	names := testNames()
	return Env{Builtins: EvalBuiltins, Lookup: func(name string) (any, bool) {
		v, ok := names[name]
		return v, ok
	}}
}

func askPython(t *testing.T, sources []string) [][2]string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("STRICT") == "1" {
			t.Fatal("no python3 to compare with")
		}
		t.Skip("SKIPPED comparison with Python: no python3 installed")
	}
	in, err := json.Marshal(sources)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", oracle)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	var answers [][2]string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// answer is what our evaluator says, in the form of the oracle.
func answer(src string) [2]string {
	expr, err := Compile(src)
	var v any
	if err == nil {
		v, err = expr.Eval(testEnv())
	}
	if err != nil {
		e, ok := err.(*Error) //nolint:errorlint // the promise is this very type
		if !ok {
			return [2]string{"!not an Error", fmt.Sprintf("%T %v", err, err)}
		}
		return [2]string{"!" + e.Type, e.Message}
	}
	return [2]string{value.TypeName(v), value.Repr(v)}
}

func TestPythonAgrees(t *testing.T) {
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			sources = append(sources, line)
		}
	}
	sources = append(sources, generated()...)
	for i, want := range askPython(t, sources) {
		src := sources[i]
		got := answer(src)
		if want[0] == "!SyntaxError" && got[0] == "!SyntaxError" {
			continue // only the class of these is Python's
		}
		if got != want && !deviates(src) {
			t.Errorf("%s\n  got  %s %s\n  want %s %s", src, got[0], got[1], want[0], want[1])
		}
	}
	t.Logf("%d expressions compared", len(sources))
}

// deviates names what is different on purpose: whole numbers have 64 bits, sets
// keep their order, and objects that only iterate are lists.
func deviates(src string) bool {
	switch src {
	case "round(1e300)", "int(1e300)", "reversed({'a': 1})", "{1, 2} in {1, 2}":
		return true
	}
	return false
}

// generated combines every operator with operands of every type.
func generated() []string {
	operands := []string{
		"0", "1", "-7", "3", "2.5", "-0.5", "0.0", "1e300", "True", "False", "None", "'ab'", "''", "'2'",
		"[1, 2]", "[]", "(1, 'x')", "{'a': 1}", "{1, 2}",
	}
	ops := []string{"+", "-", "*", "/", "//", "%", "==", "!=", "<", ">=", "in", "and", "or", "&", "|", "^"}
	var out []string
	for _, a := range operands {
		for _, op := range ops {
			for _, b := range operands {
				out = append(out, a+" "+op+" "+b)
			}
		}
		for _, f := range []string{
			"not %s", "-(%s)", "~(%s)", "len(%s)", "str(%s)", "repr(%s)", "int(%s)", "float(%s)", "bool(%s)", "abs(%s)",
			"list(%s)", "tuple(%s)", "sorted(%s)", "sum(%s)", "max(%s)", "min(%s)", "any(%s)", "all(%s)", "round(%s)",
			"f'{%s}'", "'%%s' %% (%s,)", "type(%s) == int", "isinstance(%s, int)", "(%s)[0]", "(%s)['a']", "(%s)[1:]", "(%s).upper()",
			"chr(%s)", "ord(%s)", "hex(%s)", "range(%s)", "enumerate(%s)", "reversed(%s)", "sorted(set(%s), key=str)", "(%s) ** 2", "2 ** (%s)",
			"(%s) << 2", "(%s) >> 1", "format(%s, '>8')", "(%s)()", "(%s).foo",
		} {
			out = append(out, fmt.Sprintf(f, a))
		}
	}
	return out
}
