package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Family is a set of nodes with the name that the catalog gives it.
type Family struct {
	Name  string
	Nodes engine.Set
}

// Visit runs a node of the family and returns its outputs as Go values.
func (f Family) Visit(t testing.TB, typ string, cfg map[string]any, opts ...Option) (map[string]any, error) {
	t.Helper()
	node, ok := f.Nodes.Node(typ)
	if !ok {
		t.Fatalf("no behaviour for %s", typ)
	}
	out, _, err := Visit(t, node, typ, nil, cfg, opts...)
	got, _ := value.ToGo(out).(map[string]any)
	return got, err
}

// Want runs a node that must succeed and compares those outputs that want names.
func (f Family) Want(t testing.TB, typ string, cfg, want map[string]any, opts ...Option) map[string]any {
	t.Helper()
	got, wanted := f.succeeds(t, typ, cfg, want, opts)
	for name, v := range wanted {
		if diff := cmp.Diff(v, got[name]); diff != "" {
			t.Errorf("%s.%s of %v (-want +got):\n%s", typ, name, cfg, diff)
		}
	}
	return got
}

// Exactly is Want for all outputs.
func (f Family) Exactly(t testing.TB, typ string, cfg, want map[string]any, opts ...Option) {
	t.Helper()
	got, wanted := f.succeeds(t, typ, cfg, want, opts)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("%s %v (-want +got):\n%s", typ, cfg, diff)
	}
}

func (f Family) succeeds(t testing.TB, typ string, cfg, want map[string]any, opts []Option) (got, wanted map[string]any) {
	t.Helper()
	got, err := f.Visit(t, typ, cfg, opts...)
	if err != nil {
		t.Fatalf("%s %v: %v", typ, cfg, err)
	}
	wanted, _ = value.ToGo(value.FromGo(want)).(map[string]any)
	return got, wanted
}

// Fails runs a node that must fail with an error of this type whose message
// holds these words, and returns the outputs that it left.
func (f Family) Fails(t testing.TB, typ string, cfg map[string]any, errType, message string, opts ...Option) map[string]any {
	t.Helper()
	out, err := f.Visit(t, typ, cfg, opts...)
	if err == nil {
		t.Fatalf("%s %v: no error, outputs %v", typ, cfg, out)
	}
	if told := engine.AsFailure(err); told.Type != errType || !strings.Contains(told.Message, message) {
		t.Errorf("%s: %s: %q; want %s: %q", typ, told.Type, told.Message, errType, message)
	}
	return out
}

// Complete compares the family with the catalog: a behaviour for every type
// that runs natively, and no other.
func (f Family) Complete(t testing.TB) {
	t.Helper()
	Complete(t, f.Nodes, func(typ *catalog.Type) bool { return typ.Family == f.Name })
}

// Complete compares nodes with those native types of the catalog that belong to
// them.
func Complete(t testing.TB, nodes engine.Set, belongs func(typ *catalog.Type) bool) {
	t.Helper()
	cat := Catalog(t)
	var want, got []string
	for _, name := range cat.Names() {
		if typ, _ := cat.Type(name); typ.Support == catalog.Native && belongs(typ) {
			want = append(want, name)
		}
	}
	for name := range nodes {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-catalog +package):\n%s", diff)
	}
}
