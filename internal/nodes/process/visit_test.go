package process_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/process"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

type cfg = map[string]any

func visit(t *testing.T, typ string, c cfg, opts ...enginetest.Option) (cfg, error) {
	t.Helper()
	node, ok := process.Nodes().Node(typ)
	if !ok {
		t.Fatalf("no behaviour for %s", typ)
	}
	out, _, err := enginetest.Visit(t, node, typ, nil, c, opts...)
	got, _ := value.ToGo(out).(cfg)
	return got, err
}

func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) {
	t.Helper()
	got, err := visit(t, typ, c, opts...)
	if err != nil {
		t.Fatalf("%s %v: %v", typ, c, err)
	}
	if diff := cmp.Diff(value.ToGo(value.FromGo(want)), any(got)); diff != "" {
		t.Errorf("%s %v (-want +got):\n%s", typ, c, diff)
	}
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) cfg {
	t.Helper()
	out, err := visit(t, typ, c, opts...)
	if err == nil {
		t.Fatalf("%s %v: no error, outputs %v", typ, c, out)
	}
	f := engine.AsFailure(err)
	if f.Type != errType || !strings.Contains(f.Message, message) {
		t.Errorf("%s: %s: %q; want %s: %q", typ, f.Type, f.Message, errType, message)
	}
	return out
}

func TestEveryTypeHasABehaviour(t *testing.T) {
	cat := enginetest.Catalog(t)
	var want, got []string
	for _, name := range cat.Names() {
		typ, _ := cat.Type(name)
		if typ.Family == "System (portable part)" && typ.Support == catalog.Native {
			want = append(want, name)
		}
		if _, ok := process.Nodes().Node(name); ok {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != len(process.Nodes()) {
		t.Errorf("types (-catalog +package):\n%s", diff)
	}
}
