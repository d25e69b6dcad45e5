package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// secondWave are the files that need node families which this version does not
// run yet.
var secondWave = []string{
	"node_tests/batch_3_1_browser_core.json", "node_tests/batch_7_3_ftp.json", "stress_test_v1/task_5.json",
	"project_templates/web_scraping.json", "ai_templates/file_download.json", "ai_templates/form_filling.json",
	"ai_templates/web_scraping.json", "docs_examples/core-concepts-workflows.json", "canvas_saves/basicWeb.json",
}

// ofTheMoment are outputs that depend on the day and the machine where the
// expectation was measured; only their shape is compared.
var ofTheMoment = []string{"system_info", "get_datetime", "datetime_diff"}

func sameKeys(t *testing.T, name string, want, got any) {
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

// workflows finds the folder of real files, or skips.
func workflows(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FLEET_WORKFLOWS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "workflows")
	}
	if _, err := os.Stat(filepath.Join(dir, "INDEX.md")); err != nil {
		t.Skipf("no real workflow files: set FLEET_WORKFLOWS to their folder (looked in %s)", dir)
	}
	return dir
}

func TestIndex(t *testing.T) {
	dir := workflows(t)
	index, err := os.ReadFile(filepath.Join(dir, "INDEX.md"))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(routes(dir))
	defer srv.Close()
	r := newRunner(t)
	ran := 0
	for line := range strings.SplitSeq(string(index), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasSuffix(strings.TrimSpace(cells[1]), ".json") {
			continue
		}
		name := strings.TrimSpace(cells[1])
		t.Run(name, func(t *testing.T) {
			if slices.Contains(secondWave, name) {
				t.Skipf("second wave: needs %s", strings.TrimSpace(cells[4]))
			}
			compareFile(t, r, dir, name, srv.URL)
		})
		ran++
	}
	if ran < 40 {
		t.Errorf("the index lists %d files only", ran)
	}
}

func newRunner(t testing.TB) *runner.Runner {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{
		Catalog: cat, Library: lib, WorkDir: t.TempDir(),
		Policy: runner.Policy{AllowShell: true, AllowPython: true, AllowNode: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// collector keeps what a run tells.
type collector struct {
	lines    []string
	levels   []engine.Level
	steps    []engine.Step
	progress []engine.Progress
}

func (c *collector) Log(l engine.Line) {
	c.lines = append(c.lines, l.Message)
	c.levels = append(c.levels, l.Level)
}
func (c *collector) Step(s engine.Step)         { c.steps = append(c.steps, s) }
func (c *collector) Progress(p engine.Progress) { c.progress = append(c.progress, p) }

func compareFile(t *testing.T, r *runner.Runner, dir, name, base string) {
	doc, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	job := runner.Job{ID: "index", Dir: t.TempDir(), Variables: value.NewMap()}
	prepare(t, dir, name, base, &doc, &job)
	job.Document = doc
	var heard collector
	out, err := r.Run(t.Context(), job, &heard, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "expected", name))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte("${BASE}"), []byte(base))
	raw = bytes.ReplaceAll(raw, []byte("<cwd>"), []byte(job.Dir))
	parsed, err := value.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := parsed.(*value.Map)
	if _, refused := want.Get("load_error"); refused {
		list, _ := want.Get("errors")
		for _, e := range list.([]any) {
			if out.Success || !strings.Contains(out.Error, e.(string)) || out.ErrorClass != engine.ClassInvalid {
				t.Errorf("refused with %q (class %s), want %q", out.Error, out.ErrorClass, e)
			}
		}
		return
	}
	compareOutcome(t, want, out, &heard, job.Dir, base)
}

// prepare applies the inputs of a file: job variables, fixtures, addresses.
func prepare(t *testing.T, dir, name, base string, doc *[]byte, job *runner.Job) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "inputs", name))
	if err != nil {
		return
	}
	raw = bytes.ReplaceAll(raw, []byte("${BASE}"), []byte(base))
	var in struct {
		Variables map[string]any    `json:"variables"`
		URLMap    map[string]string `json:"url_map"`
		Fixtures  []string          `json:"fixtures"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	for k, v := range in.Variables {
		job.Variables.Set(k, value.FromGo(v))
	}
	for from, to := range in.URLMap {
		*doc = bytes.ReplaceAll(*doc, []byte(from), []byte(to))
	}
	for _, f := range in.Fixtures {
		data, err := os.ReadFile(filepath.Join(dir, "fixtures", f))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(job.Dir, f)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compareOutcome(t *testing.T, want *value.Map, out *engine.Outcome, heard *collector, dir, base string) {
	t.Helper()
	get := func(key string) any { v, _ := want.Get(key); return v }
	if get("success") != out.Success {
		t.Errorf("success = %v (%s: %s), want %v", out.Success, out.FailedNode, out.Error, get("success"))
	}
	if failed, _ := get("failed_nodes").([]any); len(failed) > 0 {
		first := failed[0].(*value.Map)
		node, _ := first.Get("node")
		message, _ := first.Get("error")
		if node != out.FailedNode || message != out.Error {
			t.Errorf("failed at %s: %s, want %v: %v", out.FailedNode, out.Error, node, message)
		}
	}
	if n := get("nodes_executed"); n != int64(out.Executed) {
		t.Errorf("nodes executed = %d, want %v", out.Executed, n)
	}
	if path, ok := get("execution_path").([]any); ok {
		got := make([]any, len(out.Path))
		for i, id := range out.Path {
			got[i] = id
		}
		if diff := cmp.Diff(path, got); diff != "" {
			t.Errorf("path (-want +got):\n%s", diff)
		}
	}
	loose := get("needs") != nil // only completion, path and the existence of files count then
	if vars, ok := get("variables").(*value.Map); ok && !loose {
		for k, v := range vars.All() {
			got, found := out.Variables.Get(k)
			if !found {
				t.Errorf("variable %s is missing, want %s", k, value.Repr(v))
				continue
			}
			if slices.Contains(ofTheMoment, k) {
				sameKeys(t, k, v, got)
			} else if why := differs(v, got, k); why != "" {
				t.Error(why)
			}
		}
		for k, v := range out.Variables.All() {
			if !vars.Has(k) {
				t.Errorf("variable %s = %s is not expected", k, value.Repr(v))
			}
		}
	}
	if lines, ok := get("log_lines").([]any); ok && !loose {
		got := make([]any, 0, len(heard.lines))
		for i, l := range heard.lines {
			got = append(got, "["+strings.ToUpper(string(heard.levels[i]))+"] "+l)
		}
		if why := differs(lines, got, "log"); why != "" {
			t.Error(why)
		}
	}
	if files, ok := get("files").(*value.Map); ok {
		for name, v := range files.All() {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Errorf("file %s: %v", name, err)
			} else if !loose && v != "<any>" && v != string(data) {
				t.Errorf("file %s = %q, want %q", name, data, v)
			}
		}
	}
	_ = base
}

// differs compares with types kept; "<any>" fits everything. What a server
// calls itself, and how long its text is, are not the workflow's doing.
func differs(want, got any, at string) string {
	if want == "<any>" {
		return ""
	}
	switch w := want.(type) {
	case *value.Map:
		g, ok := got.(*value.Map)
		if !ok {
			break
		}
		for k, e := range w.All() {
			if strings.HasSuffix(at, "response_headers") && (k == "Server" || k == "Content-Length") {
				continue
			}
			v, found := g.Get(k)
			if !found {
				return fmt.Sprintf("%s.%s is missing, want %s", at, k, value.Repr(e))
			}
			if why := differs(e, v, at+"."+k); why != "" {
				return why
			}
		}
		if !strings.HasSuffix(at, "response_headers") && g.Len() != w.Len() {
			return fmt.Sprintf("%s = %s, want %s", at, value.Repr(got), value.Repr(want))
		}
		return ""
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

// routes is the local server of the index.
func routes(dir string) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v *value.Map) {
		text, err := value.Dumps(v, value.Options{Indent: -1})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
	self := func(r *http.Request) string { return "http://" + r.Host + r.URL.Path }
	mux.HandleFunc("GET /v1/data", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, value.MapOf("items", []any{value.MapOf("id", int64(1)), value.MapOf("id", int64(2))}, "total", int64(2)))
	})
	mux.HandleFunc("GET /httpbin/get", func(w http.ResponseWriter, r *http.Request) {
		answer(w, value.MapOf("args", value.NewMap(), "url", self(r)))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		parsed, err := value.Parse(body)
		if err != nil {
			parsed = nil
		}
		answer(w, value.MapOf("data", string(body), "json", parsed, "url", self(r)))
	})
	mux.HandleFunc("GET /file.bin", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	mux.Handle("GET /www/", http.FileServer(http.Dir(filepath.Join(dir, "fixtures"))))
	return mux
}
