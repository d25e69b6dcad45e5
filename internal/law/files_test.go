package law

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is the number of lines beyond which a file has more than one subject.
const maxLines = 600

// longer are the files that may exceed the cap, each with its reason.
var longer = map[string]string{}

// banned are package names that say nothing of what is inside.
var banned = []string{"util", "utils", "common", "helper", "helpers", "manager", "base", "types", "models", "impl", "shared", "misc"}

// TestFileSize keeps a file to one subject.
func TestFileSize(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			lines := p.fset.Position(f.ast.FileEnd).Line
			if _, named := longer[f.name]; lines > maxLines && !named && !f.generated() {
				t.Errorf("%s has %d lines, the cap is %d: split it by subject", f.name, lines, maxLines)
			}
		}
	}
	for name, reason := range longer {
		if _, err := os.Stat(filepath.Join(root(t), name)); err != nil || reason == "" {
			t.Errorf("exception %s: no such file, or no reason", name)
		}
	}
}

// TestPackages checks names and package comments. The comment must begin as
// godoc wants it and say more than the name.
func TestPackages(t *testing.T) {
	for _, p := range packages(t) {
		base := p.ImportPath[strings.LastIndexByte(p.ImportPath, '/')+1:]
		if slices.Contains(banned, base) || slices.Contains(banned, p.Name) {
			t.Errorf("%s: the name says nothing of what is inside", p.ImportPath)
		}
		if p.Name != strings.ToLower(p.Name) || strings.Contains(p.Name, "_") {
			t.Errorf("%s: package names are one lower-case word", p.ImportPath)
		}
		docs := 0
		for _, f := range p.files {
			// A package of tests alone keeps its comment in a test file.
			if f.ast.Doc == nil || (f.test && len(p.GoFiles) > 0) {
				continue
			}
			text := f.ast.Doc.Text()
			docs++
			wanted := "Package " + p.Name + " "
			if p.Name == "main" {
				wanted = "Command "
			}
			if !strings.HasPrefix(text, wanted) {
				t.Errorf("%s: the package comment must begin with %q", f.name, wanted)
			}
			if len(strings.Fields(text)) < 10 {
				t.Errorf("%s: the package comment must say what the package does and what it must not do", f.name)
			}
		}
		if docs != 1 {
			t.Errorf("%s: %d package comments, want exactly one", p.ImportPath, docs)
		}
	}
}

// leftover finds work that somebody meant to come back to.
var leftover = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// TestNothingLeftBehind looks at comments only: a word inside a string is data.
func TestNothingLeftBehind(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			if strings.HasPrefix(f.name, "internal/law/") {
				continue // names the words
			}
			for _, group := range f.ast.Comments {
				if word := leftover.FindString(group.Text()); word != "" {
					t.Errorf("%s:%d: %s left behind; do it or file an issue", f.name, p.fset.Position(group.Pos()).Line, word)
				}
			}
		}
	}
}

// TestNoInit keeps programs values: nothing happens because a package was imported.
func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s:%d: no init(); build it where it is used", f.name, p.fset.Position(fn.Pos()).Line)
				}
			}
		}
	}
}

// sleepers are test files that may wait on the real clock, each with its reason.
var sleepers = map[string]string{}

// TestNoSleepInTests: a test that sleeps is slow or flaky, mostly both. Inside
// a synctest bubble sleeping costs nothing.
func TestNoSleepInTests(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			if _, named := sleepers[f.name]; !f.test || named || f.alias("testing/synctest") != "" {
				continue
			}
			f.uses("time", func(name string, pos token.Pos) {
				if name == "Sleep" {
					t.Errorf("%s:%d: no time.Sleep outside a synctest bubble; wait for the fact itself", f.name, p.fset.Position(pos).Line)
				}
			})
		}
	}
}

// TestMigrationPairs compares the folders of the two databases. While there is
// only one, it checks that the numbers are dense.
func TestMigrationPairs(t *testing.T) {
	dir := func(db string) []string {
		found, err := filepath.Glob(filepath.Join(root(t), "internal", "store", db, "migrations", "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			found[i] = filepath.Base(found[i])
		}
		return found
	}
	lite, pg := dir("sqlite"), dir("postgres")
	if len(lite) == 0 {
		t.Skip("no migrations yet")
	}
	if len(pg) > 0 && !slices.Equal(lite, pg) {
		t.Errorf("migrations differ:\nsqlite   %v\npostgres %v", lite, pg)
	}
}
