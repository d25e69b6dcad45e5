package law

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// pkg is one package of the module with its files parsed. Files of every
// operating system and build tag are in it: a rule that holds on Linux only
// would be broken on Windows unnoticed.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string

	GoFiles, CgoFiles, IgnoredGoFiles []string
	TestGoFiles, XTestGoFiles         []string

	fset  *token.FileSet
	files []file
}

// file is one source file.
type file struct {
	name string // below the root, with slashes
	test bool
	ast  *ast.File
}

// listing asks the go command once; every test parses its answer for itself.
var listing = sync.OnceValues(func() ([]byte, error) {
	cmd := exec.Command("go", "list", "-e",
		"-json=ImportPath,Dir,Name,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	return cmd.Output()
})

// packages lists the module and parses every file.
func packages(t *testing.T) []*pkg {
	t.Helper()
	out, err := listing()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []*pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		p := &pkg{fset: token.NewFileSet()}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, list := range [][]string{p.GoFiles, p.CgoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles} {
			for _, name := range list {
				p.add(t, name)
			}
		}
		if len(p.files) > 0 {
			all = append(all, p)
		}
	}
	if len(all) < 2 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func (p *pkg) add(t *testing.T, name string) {
	t.Helper()
	full := filepath.Join(p.Dir, name)
	parsed, err := parser.ParseFile(p.fset, full, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v", full, err)
		return
	}
	rel, err := filepath.Rel(root(t), full)
	if err != nil {
		t.Fatal(err)
	}
	p.files = append(p.files, file{name: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go"), ast: parsed})
}

// imports lists the paths that a file imports.
func (f file) imports() []string {
	var out []string
	for _, spec := range f.ast.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, path)
		}
	}
	return out
}

// alias returns the name under which a file knows an import, or "".
func (f file) alias(path string) string {
	for _, spec := range f.ast.Imports {
		if spec.Path.Value != strconv.Quote(path) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		base := path[strings.LastIndexByte(path, '/')+1:]
		if base == "v2" { // math/rand/v2
			base = "rand"
		}
		return base
	}
	return ""
}

// uses reports every pkg.Name selector of an imported package in the file.
func (f file) uses(path string, visit func(name string, pos token.Pos)) {
	alias := f.alias(path)
	if alias == "" || alias == "_" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == alias {
				visit(sel.Sel.Name, sel.Pos())
			}
		}
		return true
	})
}

// generated says whether a tool wrote the file.
func (f file) generated() bool { return ast.IsGenerated(f.ast) }
