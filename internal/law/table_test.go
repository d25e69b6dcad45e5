package law

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/casarerpa/fleet"

// row is one line of the table of imports.
type row struct {
	room string   // as written: a path below the module or below internal, or a prefix ending in /*
	may  []string // rooms (patterns) and short names of libraries
	not  []string // standard packages, and the words clock, chance, goroutine
}

// library is one line of the table of libraries.
type library struct {
	short    string
	module   string
	testOnly bool
}

// law is what ARCHITECTURE.md says.
type law struct {
	rows      []row
	libraries []library
	system    []string // rooms that may make a scope for the system itself
}

var quoted = regexp.MustCompile("`([^`]+)`")

// parse reads the three marked parts of the document.
func parse(doc string) (*law, error) {
	l := &law{}
	lines, err := section(doc, "imports")
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			return nil, fmt.Errorf("imports: %d cells instead of 3 in %q", len(cells), line)
		}
		for _, room := range names(cells[0]) {
			l.rows = append(l.rows, row{room: room, may: names(cells[1]), not: names(cells[2])})
		}
	}
	if lines, err = section(doc, "libraries"); err != nil {
		return nil, err
	}
	for _, line := range lines {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || len(names(cells[0])) != 1 || len(names(cells[1])) != 1 {
			return nil, fmt.Errorf("libraries: want one short name, one module and a purpose in %q", line)
		}
		l.libraries = append(l.libraries, library{
			short: names(cells[0])[0], module: names(cells[1])[0],
			testOnly: strings.HasPrefix(strings.TrimSpace(cells[2]), "tests"),
		})
	}
	if lines, err = section(doc, "system"); err != nil {
		return nil, err
	}
	l.system = names(strings.Join(lines, " "))
	if len(l.rows) == 0 || len(l.libraries) == 0 || len(l.system) == 0 {
		return nil, fmt.Errorf("a marked part of the document is empty")
	}
	return l, nil
}

// section returns the body lines between the markers of one part, without the
// head of a table.
func section(doc, name string) ([]string, error) {
	_, rest, ok := strings.Cut(doc, "<!-- law:"+name+" -->")
	if !ok {
		return nil, fmt.Errorf("no marker law:%s", name)
	}
	body, _, ok := strings.Cut(rest, "<!-- law:end -->")
	if !ok {
		return nil, fmt.Errorf("law:%s has no end marker", name)
	}
	var out []string
	head := true
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case head && strings.HasPrefix(line, "|"):
			head = !strings.HasPrefix(line, "|---") // everything up to the ruler is the head
		default:
			out = append(out, line)
		}
	}
	return out, nil
}

func names(cell string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// room strips module and internal from an import path: the name used in the table.
func room(importPath string) string {
	p := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	return strings.TrimPrefix(p, "internal/")
}

// matches says whether a pattern of the table covers a room. "any" covers all.
func matches(pattern, room string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(room, prefix+"/")
	}
	return pattern == room || pattern == "any"
}

// find returns the row of a room; an exact row wins over a pattern.
func (l *law) find(room string) (row, bool) {
	i := slices.IndexFunc(l.rows, func(r row) bool { return r.room == room })
	if i < 0 {
		i = slices.IndexFunc(l.rows, func(r row) bool { return matches(r.room, room) })
	}
	if i < 0 {
		return row{}, false
	}
	return l.rows[i], true
}

// find the library that a path belongs to; the longest module wins.
func (l *law) library(importPath string) (library, bool) {
	best := library{}
	for _, lib := range l.libraries {
		if (importPath == lib.module || strings.HasPrefix(importPath, lib.module+"/")) && len(lib.module) > len(best.module) {
			best = lib
		}
	}
	return best, best.module != ""
}

func readLaw(t *testing.T) *law {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := parse(string(text))
	if err != nil {
		t.Fatalf("ARCHITECTURE.md: %v", err)
	}
	return l
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
