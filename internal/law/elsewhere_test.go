package law

import (
	"os"
	"testing"

	load "golang.org/x/tools/go/packages"
)

// TestElsewhere: every package is a program for Windows and macOS too. It checks
// types from the source, which takes a tenth of what compiling does; `make cross`
// compiles.
func TestElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("`make law` runs it whole")
	}
	for _, system := range [][2]string{{"windows", "amd64"}, {"darwin", "arm64"}} {
		list, err := load.Load(&load.Config{
			Context: t.Context(), Dir: "../..",
			Mode: load.NeedName | load.NeedFiles | load.NeedCompiledGoFiles | load.NeedImports | load.NeedDeps |
				load.NeedTypes | load.NeedTypesSizes | load.NeedSyntax,
			Env: append(os.Environ(), "GOOS="+system[0], "GOARCH="+system[1], "CGO_ENABLED=0"),
		}, "./...")
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < 50 {
			t.Fatalf("%s: only %d packages", system[0], len(list))
		}
		for _, p := range list {
			for _, e := range p.Errors {
				t.Errorf("%s: %s: %v", system[0], p.PkgPath, e)
			}
		}
	}
}
