// Package runnertest walks a folder of real workflow files and compares what a
// run of each gave with what the folder's index expects. It serves the runner's
// own tests and those that send the same files through a whole fleet.
//
// It holds no expectation of its own: those are files beside the workflows. It
// must not run anything; the caller does, and hands in the Result.
package runnertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/workflow/value"
)

// secondWave are the files that need node families which this version does not
// run yet.
var secondWave = []string{
	"node_tests/batch_3_1_browser_core.json", "node_tests/batch_7_3_ftp.json", "stress_test_v1/task_5.json",
	"project_templates/web_scraping.json", "ai_templates/file_download.json", "ai_templates/form_filling.json",
	"ai_templates/web_scraping.json", "docs_examples/core-concepts-workflows.json", "canvas_saves/basicWeb.json",
}

// Folder finds the real files: FLEET_WORKFLOWS, else a folder beside the
// repository. A test without them is skipped by name. root leads from the
// test's folder to that of the repository.
func Folder(t testing.TB, root string) string {
	t.Helper()
	dir := os.Getenv("FLEET_WORKFLOWS")
	if dir == "" {
		dir = filepath.Join(root, "..", "shared", "workflows")
	}
	if _, err := os.Stat(filepath.Join(dir, "INDEX.md")); err != nil {
		t.Skipf("no real workflow files: set FLEET_WORKFLOWS to their folder (looked in %s)", dir)
	}
	return dir
}

// File is one workflow of the index.
type File struct {
	Name string // below the folder
	Skip string // why this version does not run it; empty: it does

	dir string
}

// Files lists the index in its order.
func Files(t testing.TB, dir string) []File {
	t.Helper()
	index, err := os.ReadFile(filepath.Join(dir, "INDEX.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for line := range strings.SplitSeq(string(index), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasSuffix(strings.TrimSpace(cells[1]), ".json") {
			continue
		}
		f := File{Name: strings.TrimSpace(cells[1]), dir: dir}
		if slices.Contains(secondWave, f.Name) {
			f.Skip = "second wave: needs " + strings.TrimSpace(cells[4])
		}
		files = append(files, f)
	}
	if len(files) < 40 {
		t.Fatalf("the index lists %d files only", len(files))
	}
	return files
}

// Load reads the workflow and the variables that a job needs, and puts the
// fixtures into the folder that the job will work in. base is the address of
// the local server.
func (f File) Load(t testing.TB, base, workDir string) (doc []byte, vars *value.Map) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(f.dir, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	vars = value.NewMap()
	raw, err := os.ReadFile(filepath.Join(f.dir, "inputs", f.Name))
	if err != nil {
		return doc, vars
	}
	raw = bytes.ReplaceAll(raw, []byte("${BASE}"), []byte(base))
	var in struct {
		Variables *value.Map        `json:"variables"`
		URLMap    map[string]string `json:"url_map"`
		Fixtures  []string          `json:"fixtures"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	if in.Variables != nil {
		vars = in.Variables
	}
	for _, from := range longestFirst(in.URLMap) {
		doc = bytes.ReplaceAll(doc, []byte(from), []byte(in.URLMap[from]))
	}
	for _, name := range in.Fixtures {
		data, err := os.ReadFile(filepath.Join(f.dir, "fixtures", name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(workDir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return doc, vars
}

// longestFirst keeps an address from being replaced inside a longer one.
func longestFirst(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return keys
}
