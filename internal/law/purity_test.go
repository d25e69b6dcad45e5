package law

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// readings are the functions of package time that look at a clock or wait for one.
var readings = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTicker", "NewTimer"}

// seeded are the types of math/rand: naming them draws nothing.
var seeded = []string{"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}

// TestPurity checks the words clock, chance and goroutine of the last column.
func TestPurity(t *testing.T) {
	l := readLaw(t)
	pure := 0
	for _, p := range packages(t) {
		r, ok := l.find(room(p.ImportPath))
		if !ok {
			continue // TestImports says so
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, msg := range impurities(p.fset, f, r.not) {
				t.Error(msg)
			}
		}
		if slices.Contains(r.not, "clock") {
			pure++
		}
	}
	if pure == 0 {
		t.Error("no room is bound to be pure: the table has lost its words")
	}
}

func impurities(fset *token.FileSet, f file, not []string) []string {
	var out []string
	report := func(pos token.Pos, what string) {
		out = append(out, fmt.Sprintf("%s:%d: a pure room must not %s", f.name, fset.Position(pos).Line, what))
	}
	if slices.Contains(not, "clock") {
		f.uses("time", func(name string, pos token.Pos) {
			if slices.Contains(readings, name) {
				report(pos, "use time."+name+"; take now as an argument")
			}
		})
	}
	if slices.Contains(not, "chance") {
		for _, path := range []string{"math/rand", "math/rand/v2"} {
			f.uses(path, func(name string, pos token.Pos) {
				// Types and constructors of seeded sources are welcome, the global source is not.
				if !strings.HasPrefix(name, "New") && !slices.Contains(seeded, name) {
					report(pos, "draw from the global source "+path+"."+name)
				}
			})
		}
		f.uses("crypto/rand", func(name string, pos token.Pos) { report(pos, "draw from crypto/rand."+name) })
	}
	for _, symbol := range not {
		pkg, name, ok := strings.Cut(symbol, ".")
		if !ok {
			continue
		}
		f.uses(module+"/internal/"+pkg, func(used string, pos token.Pos) {
			if used == name {
				out = append(out, fmt.Sprintf("%s:%d: the room must not name %s", f.name, fset.Position(pos).Line, symbol))
			}
		})
	}
	if slices.Contains(not, "goroutine") {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				report(g.Pos(), "start a goroutine")
			}
			return true
		})
	}
	return out
}

// TestPurityCatches shows that each word can say no.
func TestPurityCatches(t *testing.T) {
	const src = `package p
import ("time"; "math/rand/v2"; secret "crypto/rand"; "github.com/casarerpa/fleet/internal/store")
func f(now time.Time, r *rand.Rand) {
	_ = time.Now()
	_ = now.Add(time.Second)
	_ = r.IntN(3)
	_ = rand.IntN(3)
	_ = rand.New(rand.NewPCG(1, 2))
	_ = secret.Reader
	var _ store.Ref
	var _ store.Store
	go f(now, r)
}`
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := impurities(fset, file{name: "p.go", ast: parsed}, []string{"clock", "chance", "goroutine", "store.Store"})
	if len(got) != 5 {
		t.Errorf("want 5 findings, got %d:\n%s", len(got), strings.Join(got, "\n"))
	}
}

// TestScopeMakers lists who may make a scope: store.System acts without
// anybody having asked, store.Tenant for whoever the credential names.
func TestScopeMakers(t *testing.T) {
	l := readLaw(t)
	for _, p := range packages(t) {
		if slices.Contains(l.system, room(p.ImportPath)) {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			f.uses(module+"/internal/store", func(name string, pos token.Pos) {
				if name == "System" || name == "Tenant" {
					t.Errorf("%s:%d: %s may not call store.%s; take the scope of the caller's principal",
						f.name, p.fset.Position(pos).Line, room(p.ImportPath), name)
				}
			})
		}
	}
}
