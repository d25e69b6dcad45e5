package nodes_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// What the catalog says this version runs, the library has, and nothing else.
func TestStandardMatchesTheCatalog(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range cat.Names() {
		spec, _ := cat.Type(name)
		_, has := lib.Node(name)
		switch {
		case spec.Support == catalog.Native && !has:
			t.Errorf("%s (%s) is native in the catalog, but nothing runs it", name, spec.Family)
		case spec.Support == catalog.Unsupported && has:
			t.Errorf("%s (%s) has a behaviour, but the catalog refuses it: %s", name, spec.Family, spec.Reason)
		}
	}
	for name := range lib.(engine.Set) {
		if _, ok := cat.Type(name); !ok {
			t.Errorf("%s has a behaviour, but the catalog does not know it", name)
		}
	}
}
