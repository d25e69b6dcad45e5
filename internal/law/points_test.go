package law

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/fail"
)

// TestPoints compares the list of failpoints with the calls: each line of the
// list is one call, in the function that it names, and nothing but a point of
// the list is called. Stores may have the same point, each on a line of its own.
func TestPoints(t *testing.T) {
	all := packages(t)
	names := pointNames(all)
	calls := map[fail.Point][]string{}
	for _, p := range all {
		place := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module+"/"), "internal/")
		for _, f := range p.files {
			if f.test || place == "fail" {
				continue
			}
			for _, decl := range f.ast.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				ast.Inspect(fn, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok || !selects(call.Fun, "fail", "At") {
						return true
					}
					point, ok := fail.Point(""), false
					if arg, is := call.Args[0].(*ast.SelectorExpr); is {
						point, ok = names[arg.Sel.Name]
					}
					if !ok {
						t.Errorf("%s:%d: fail.At takes a constant of internal/fail/points.go", f.name, p.fset.Position(call.Pos()).Line)
						return true
					}
					calls[point] = append(calls[point], place+" "+fn.Name.Name)
					return true
				})
			}
		}
	}
	listed, stores := map[fail.Point][]string{}, map[fail.Point][]string{}
	for _, s := range fail.Points() {
		if had := stores[s.Point]; slices.Contains(had, s.Store) || len(had) > 0 && (s.Store == "" || had[0] == "") {
			t.Errorf("%s is listed twice for a store", s.Point)
		}
		stores[s.Point] = append(stores[s.Point], s.Store)
		listed[s.Point] = append(listed[s.Point], s.In)
		if s.After == "" || s.Before == "" || s.Proves == "" || s.Process == "" {
			t.Errorf("%s does not say what it stands between, or what it proves", s.Point)
		}
	}
	for name, point := range names {
		want, got := listed[point], calls[point]
		slices.Sort(want)
		slices.Sort(got)
		if len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("fail.%s is listed in %q, and called in %q", name, want, got)
		}
	}
}

// pointNames reads the constants of type Point.
func pointNames(all []*pkg) map[string]fail.Point {
	names := map[string]fail.Point{}
	for _, p := range all {
		if p.ImportPath != module+"/internal/fail" {
			continue
		}
		for _, f := range p.files {
			for _, decl := range f.ast.Decls {
				d, ok := decl.(*ast.GenDecl)
				if !ok || d.Tok != token.CONST {
					continue
				}
				for _, spec := range d.Specs {
					v := spec.(*ast.ValueSpec)
					if kind, ok := v.Type.(*ast.Ident); !ok || kind.Name != "Point" {
						continue
					}
					text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
					if err == nil {
						names[v.Names[0].Name] = fail.Point(text)
					}
				}
			}
		}
	}
	return names
}

func selects(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == pkg
}
