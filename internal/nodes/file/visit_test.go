package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/file"
	"github.com/casarerpa/fleet/workflow/value"
)

// job is one folder in which several nodes are visited.
type job struct {
	t     *testing.T
	dir   string
	notes []string
}

func newJob(t *testing.T, files map[string]string) *job {
	t.Helper()
	j := &job{t: t, dir: t.TempDir()}
	for name, content := range files {
		path := filepath.Join(j.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// visit runs a node of the family and returns its outputs as Go values.
func (j *job) visit(typ string, cfg map[string]any) (map[string]any, error) {
	j.t.Helper()
	return family().Visit(j.t, typ, cfg, enginetest.In(j.dir), enginetest.Notes(&j.notes))
}

// want runs a node and compares its outputs; <dir> stands for the job's folder.
func (j *job) want(typ string, cfg, want map[string]any) {
	j.t.Helper()
	got, err := j.visit(typ, cfg)
	if err != nil {
		j.t.Fatalf("%s: %v", typ, err)
	}
	if diff := cmp.Diff(value.ToGo(value.FromGo(want)), j.relative(got)); diff != "" {
		j.t.Errorf("%s (-want +got):\n%s", typ, diff)
	}
}

func (j *job) relative(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, j.dir, "<dir>")
	case []any:
		for i := range v {
			v[i] = j.relative(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = j.relative(v[k])
		}
		return v
	default:
		return v
	}
}

// fails runs a node that must fail with these words and this type.
func (j *job) fails(typ string, cfg map[string]any, errType, message string) {
	j.t.Helper()
	out, err := j.visit(typ, cfg)
	if err == nil {
		j.t.Fatalf("%s: no error, outputs %v", typ, out)
	}
	f := engine.AsFailure(err)
	if got := strings.ReplaceAll(f.Message, j.dir, "<dir>"); f.Type != errType || !strings.Contains(got, message) {
		j.t.Errorf("%s: %s: %q; want %s: %q", typ, f.Type, got, errType, message)
	}
	if typ != "FileExistsNode" && out["success"] != false {
		j.t.Errorf("%s: success = %v after a failure", typ, out["success"])
	}
}

func (j *job) read(name string) string {
	j.t.Helper()
	data, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(data)
}

func (j *job) exists(name string) bool {
	_, err := os.Stat(filepath.Join(j.dir, name))
	return err == nil
}

func family() enginetest.Family {
	return enginetest.Family{Name: "Files and structured data", Nodes: file.Nodes()}
}

func TestEveryTypeHasABehaviour(t *testing.T) { family().Complete(t) }
