package law

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestImports compares the table of ARCHITECTURE.md with what the code imports.
func TestImports(t *testing.T) {
	l := readLaw(t)
	all := packages(t)
	for _, p := range all {
		if _, ok := l.find(room(p.ImportPath)); !ok {
			t.Errorf("package %s has no row in the table of ARCHITECTURE.md", room(p.ImportPath))
			continue
		}
		for _, f := range p.files {
			for _, path := range f.imports() {
				if msg := l.judge(room(p.ImportPath), path, f.test); msg != "" {
					t.Errorf("%s: %s", f.name, msg)
				}
			}
		}
	}
	for _, r := range l.rows {
		if !slices.ContainsFunc(all, func(p *pkg) bool { return matches(r.room, room(p.ImportPath)) }) {
			t.Errorf("ARCHITECTURE.md has a row for %s, but there is no such package", r.room)
		}
	}
}

// judge says what is wrong with one import, or "".
func (l *law) judge(from, path string, test bool) string {
	r, ok := l.find(from)
	if !ok {
		return fmt.Sprintf("package %s has no row in the table of ARCHITECTURE.md", from)
	}
	if path == module || strings.HasPrefix(path, module+"/") {
		return l.judgeRoom(r, from, room(path), test)
	}
	if lib, ok := l.library(path); ok {
		switch {
		case test && lib.testOnly, slices.Contains(r.may, lib.short):
			return ""
		case lib.testOnly:
			return fmt.Sprintf("%s is for test files (library %s)", path, lib.short)
		case test:
			return "" // a test may speak to its room in the room's neighbours' words
		}
		return fmt.Sprintf("room %s may not import library %s (%s)", from, lib.short, path)
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return fmt.Sprintf("%s is in no row of the table of libraries", path)
	}
	if !test && slices.Contains(r.not, path) {
		return fmt.Sprintf("room %s must not import %s", from, path)
	}
	return ""
}

func (l *law) judgeRoom(r row, from, to string, test bool) string {
	switch {
	case to == from:
		return "" // an external test of the same package
	case strings.HasPrefix(to, "e2e") && !strings.HasPrefix(from, "e2e"):
		return fmt.Sprintf("%s is for end-to-end tests only", to)
	case test:
		return ""
	case slices.ContainsFunc(r.may, func(p string) bool { return matches(p, to) }):
		return ""
	}
	return fmt.Sprintf("room %s may not import %s; its row in ARCHITECTURE.md allows %s",
		from, to, strings.Join(r.may, ", "))
}

const sample = `
<!-- law:imports -->
| Room | May import | Must not |
|---|---|---|
| ` + "`fleet`" + ` | – | ` + "`net/http`" + ` |
| ` + "`store`, `store/migrate`" + ` | ` + "`fleet`" + ` | |
| ` + "`nodes/*`" + ` | ` + "`engine`, `store/*`, `yaml`" + ` | ` + "`clock`" + ` |
<!-- law:end -->
<!-- law:libraries -->
| Short | Module | For |
|---|---|---|
| ` + "`yaml` | `go.yaml.in/yaml/v3`" + ` | files |
| ` + "`go-cmp` | `github.com/google/go-cmp`" + ` | tests |
<!-- law:end -->
<!-- law:system -->
` + "`dispatch`" + `
<!-- law:end -->`

// TestJudge shows that the law can say no.
func TestJudge(t *testing.T) {
	l, err := parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, path string
		test       bool
		want       string
	}{
		{"fleet", "time", false, ""},
		{"fleet", "net/http", false, "must not import"},
		{"fleet", "net/http", true, ""},
		{"fleet", module + "/internal/store", false, "may not import store"},
		{"store/migrate", module + "/fleet", false, ""},
		{"store/other", module + "/fleet", false, "no row"},
		{"nodes/data", module + "/internal/store/sqlite", false, ""},
		{"nodes/data", module + "/internal/store", false, "may not import store"},
		{"nodes/data", "go.yaml.in/yaml/v3", false, ""},
		{"store", "go.yaml.in/yaml/v3", false, "may not import library yaml"},
		{"store", "github.com/google/go-cmp/cmp", true, ""},
		{"store", "github.com/google/go-cmp/cmp", false, "for test files"},
		{"store", "github.com/unknown/thing", true, "in no row"},
		{"store", module + "/e2e/chaos", true, "end-to-end"},
	} {
		got := l.judge(c.from, c.path, c.test)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %s (test %v): got %q, want %q", c.from, c.path, c.test, got, c.want)
		}
	}
	for _, broken := range []string{"", strings.ReplaceAll(sample, "law:end", "law:fin"), strings.ReplaceAll(sample, "| – |", "|")} {
		if _, err := parse(broken); err == nil {
			t.Errorf("a broken document was accepted: %.60q", broken)
		}
	}
}
