package workflow

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/catalog"
)

// realFiles is the folder of real workflow files, or skips the test.
func realFiles(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FLEET_WORKFLOWS")
	named := dir != ""
	if !named {
		dir = filepath.Join("..", "..", "shared", "workflows")
	}
	if _, err := os.Stat(filepath.Join(dir, "INDEX.md")); err != nil {
		// They are no part of the product, so only a name that leads nowhere is a fault.
		if named {
			t.Fatalf("FLEET_WORKFLOWS is %s, and there are no real workflow files in it", dir)
		}
		t.Skip("no folder of real workflow files (set FLEET_WORKFLOWS)")
	}
	return dir
}

func testCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// indexed reads the table of the index: file → status.
func indexed(t *testing.T, dir string) (files []string, status map[string]string, wave2 string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "INDEX.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	status = map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "* Waves:") {
			wave2 = line
		}
		cells := strings.Split(line, "|")
		if len(cells) > 4 && strings.Contains(cells[1], ".json") {
			name := strings.TrimSpace(cells[1])
			files = append(files, name)
			status[name] = strings.TrimSpace(cells[2])
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return files, status, wave2
}

// Every file of the index is accepted or refused at load as the index says;
// those of a later wave are refused for their node types alone.
func TestRealFiles(t *testing.T) {
	dir := realFiles(t)
	cat := testCatalog(t)
	files, status, wave2 := indexed(t, dir)
	if len(files) < 40 {
		t.Fatalf("the index lists %d files only", len(files))
	}
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := Parse(data, Options{Catalog: cat})
			if err != nil {
				t.Fatal(err)
			}
			found := Validate(doc, cat, Policy{})
			var errs []string
			for _, d := range found.Errors() {
				if d.Code == CodeUnsupportedType && strings.Contains(wave2, name) {
					continue
				}
				errs = append(errs, d.String())
			}
			var want []string
			if status[name] == "FAIL-L" {
				want = loadErrors(t, filepath.Join(dir, "expected", name))
			}
			if diff := cmp.Diff(want, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			checkRoundTrip(t, doc, cat)
		})
	}
}

func loadErrors(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Errors []string }
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Errors) == 0 {
		t.Fatalf("%s expects no errors", path)
	}
	return e.Errors
}

// The first steps of a recorded run show where the automatic start leads.
func TestRealStarts(t *testing.T) {
	dir := realFiles(t)
	cat := testCatalog(t)
	files, _, _ := indexed(t, dir)
	checked := 0
	for _, name := range files {
		var want struct {
			Path []string `json:"execution_path"`
		}
		data, err := os.ReadFile(filepath.Join(dir, "expected", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &want); err != nil || len(want.Path) < 2 {
			continue
		}
		data, err = os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := Parse(data, Options{Catalog: cat})
		if err != nil {
			t.Fatal(err)
		}
		run := doc.WithStart()
		start, ok := run.Start()
		if !ok || start.ID != want.Path[0] {
			t.Errorf("%s: starts at %v, want %s", name, start, want.Path[0])
			continue
		}
		var next []string
		for _, c := range run.Connections {
			if c.SourceNode == start.ID && c.Exec {
				next = append(next, c.TargetNode)
			}
		}
		if n := min(len(next), len(want.Path)-1); !slices.Equal(next[:n], want.Path[1:n+1]) {
			t.Errorf("%s: start leads to %v, want %v", name, next, want.Path[1:n+1])
		}
		checked++
	}
	if checked < 30 {
		t.Errorf("only %d files have a recorded path", checked)
	}
}

// checkRoundTrip writes the canonical form and reads it again.
func checkRoundTrip(t *testing.T, doc *Document, cat *catalog.Catalog) {
	t.Helper()
	first, err := Canonical(doc)
	if err != nil {
		return // nothing to write; Validate has said why
	}
	again, err := Parse(first, Options{Catalog: cat})
	if err != nil {
		t.Fatalf("the canonical form cannot be read: %v\n%s", err, first)
	}
	second, err := Canonical(again)
	if err != nil {
		t.Fatalf("the canonical form has errors: %v\n%s", err, first)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Fatalf("the canonical form is not stable (-first +second):\n%s", diff)
	}
	a, b := doc.WithStart().Connections, again.WithStart().Connections
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatalf("links differ after the canonical form (-first +second):\n%s", diff)
	}
}
