package runnertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/value"
)

// Result is how a run ended, as far as the caller knows it: a job's answer
// tells less than the engine itself. Nil and negative mean unknown.
type Result struct {
	Success    bool
	Refused    bool // before anything ran
	Error      string
	FailedNode string
	Executed   int        // distinct nodes; -1 where the way it ran does not tell
	Path       []string   // every visit
	Variables  *value.Map // at the end
	Lines      []string   // "[LEVEL] message"
	Dir        string     // where the job worked
}

// ofTheMoment are outputs that depend on the day and the machine where the
// expectation was measured; only their shape is compared.
var ofTheMoment = []string{"system_info", "get_datetime", "datetime_diff"}

// Compare reports every difference between a result and what the index expects
// of the file.
func (f File) Compare(t testing.TB, base string, got Result) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.dir, "expected", f.Name))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("${BASE}"), []byte(base))
	raw = bytes.ReplaceAll(raw, []byte("<cwd>"), []byte(got.Dir))
	parsed, err := value.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := parsed.(*value.Map)
	if !ok {
		t.Fatalf("the expectation of %s is no object", f.Name)
	}
	if _, refused := want.Get("load_error"); refused {
		compareRefusal(t, want, got)
		return
	}
	compareEnd(t, want, got)
	if needs, _ := want.Get("needs"); needs != nil {
		compareFiles(t, want, got, true) // only completion, path and the existence of files count then
		return
	}
	compareVariables(t, want, got)
	compareLog(t, want, got)
	compareFiles(t, want, got, false)
}

func compareRefusal(t testing.TB, want *value.Map, got Result) {
	t.Helper()
	if got.Success || !got.Refused {
		t.Errorf("the file was not refused: %s", got.Error)
	}
	errors, _ := want.Get("errors")
	list, _ := errors.([]any)
	for _, e := range list {
		if !strings.Contains(got.Error, value.Str(e)) {
			t.Errorf("refused with %q, want %q", got.Error, e)
		}
	}
}

// compareEnd looks at success, the failing node, and what was executed.
func compareEnd(t testing.TB, want *value.Map, got Result) {
	t.Helper()
	get := func(key string) any { v, _ := want.Get(key); return v }
	if get("success") != got.Success || got.Refused {
		t.Errorf("success = %v (%s: %s), want %v", got.Success, got.FailedNode, got.Error, get("success"))
	}
	if failed, _ := get("failed_nodes").([]any); len(failed) > 0 {
		if first, ok := failed[0].(*value.Map); ok {
			node, _ := first.Get("node")
			message, _ := first.Get("error")
			if node != got.FailedNode || message != got.Error {
				t.Errorf("failed at %s: %s, want %v: %v", got.FailedNode, got.Error, node, message)
			}
		}
	}
	if n := get("nodes_executed"); got.Executed >= 0 && n != int64(got.Executed) {
		t.Errorf("nodes executed = %d, want %v", got.Executed, n)
	}
	path, ok := get("execution_path").([]any)
	if !ok || got.Path == nil {
		return
	}
	visits := make([]any, len(got.Path))
	for i, id := range got.Path {
		visits[i] = id
	}
	if diff := cmp.Diff(path, visits); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
}

func compareVariables(t testing.TB, want *value.Map, got Result) {
	t.Helper()
	all, _ := want.Get("variables")
	vars, ok := all.(*value.Map)
	if !ok || got.Variables == nil {
		return
	}
	for k, v := range vars.All() {
		have, found := got.Variables.Get(k)
		switch {
		case !found:
			t.Errorf("variable %s is missing, want %s", k, value.Repr(v))
		case slices.Contains(ofTheMoment, k):
			sameKeys(t, k, v, have)
		default:
			if why := differs(v, have, k); why != "" {
				t.Error(why)
			}
		}
	}
	for k, v := range got.Variables.All() {
		if !vars.Has(k) {
			t.Errorf("variable %s = %s is not expected", k, value.Repr(v))
		}
	}
}

func compareLog(t testing.TB, want *value.Map, got Result) {
	t.Helper()
	all, _ := want.Get("log_lines")
	lines, ok := all.([]any)
	if !ok || got.Lines == nil {
		return
	}
	have := make([]any, len(got.Lines))
	for i, l := range got.Lines {
		have[i] = l
	}
	if why := differs(lines, have, "log"); why != "" {
		t.Error(why)
	}
}

func compareFiles(t testing.TB, want *value.Map, got Result, loose bool) {
	t.Helper()
	all, _ := want.Get("files")
	files, ok := all.(*value.Map)
	if !ok || got.Dir == "" {
		return
	}
	for name, v := range files.All() {
		data, err := os.ReadFile(filepath.Join(got.Dir, name))
		if err != nil {
			t.Errorf("file %s: %v", name, err)
		} else if !loose && v != "<any>" && v != string(data) {
			t.Errorf("file %s = %q, want %q", name, data, v)
		}
	}
}

func sameKeys(t testing.TB, name string, want, got any) {
	t.Helper()
	w, _ := want.(*value.Map)
	g, ok := got.(*value.Map)
	if !ok {
		t.Errorf("%s = %s, want an object", name, value.Repr(got))
		return
	}
	for k, v := range w.All() {
		have, found := g.Get(k)
		if !found || v != "<any>" && value.TypeName(v) != value.TypeName(have) {
			t.Errorf("%s.%s = %s, want something like %s", name, k, value.Repr(have), value.Repr(v))
		}
	}
}

// differs compares with types kept; "<any>" fits everything. What a server
// calls itself, and how long its text is, are not the workflow's doing.
func differs(want, got any, at string) string {
	if want == "<any>" {
		return ""
	}
	switch w := want.(type) {
	case *value.Map:
		if g, ok := got.(*value.Map); ok {
			return differentObjects(w, g, at)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			if why := differs(w[i], g[i], fmt.Sprintf("%s[%d]", at, i)); why != "" {
				return why
			}
		}
		return ""
	case string:
		if g, ok := got.(string); ok && strings.Contains(w, "<any>") {
			head, tail, _ := strings.Cut(w, "<any>")
			if strings.HasPrefix(g, head) && strings.HasSuffix(g, tail[strings.LastIndex(tail, "<any>")+1:]) {
				return ""
			}
		}
	}
	if value.TypeName(want) == value.TypeName(got) && value.Equal(want, got) {
		return ""
	}
	return fmt.Sprintf("%s = %s (%s), want %s (%s)", at, value.Repr(got), value.TypeName(got), value.Repr(want), value.TypeName(want))
}

func differentObjects(want, got *value.Map, at string) string {
	headers := strings.HasSuffix(at, "response_headers")
	for k, e := range want.All() {
		if headers && (k == "Server" || k == "Content-Length") {
			continue
		}
		v, found := got.Get(k)
		if !found {
			return fmt.Sprintf("%s.%s is missing, want %s", at, k, value.Repr(e))
		}
		if why := differs(e, v, at+"."+k); why != "" {
			return why
		}
	}
	if !headers && got.Len() != want.Len() {
		return fmt.Sprintf("%s = %s, want %s", at, value.Repr(got), value.Repr(want))
	}
	return ""
}
