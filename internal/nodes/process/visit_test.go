package process_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/process"
)

type cfg = map[string]any

func family() enginetest.Family {
	return enginetest.Family{Name: "System (portable part)", Nodes: process.Nodes()}
}

func TestEveryTypeHasABehaviour(t *testing.T) { family().Complete(t) }

func visit(t *testing.T, typ string, c cfg, opts ...enginetest.Option) (cfg, error) {
	t.Helper()
	return family().Visit(t, typ, c, opts...)
}

func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) {
	t.Helper()
	family().Exactly(t, typ, c, want, opts...)
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) cfg {
	t.Helper()
	return family().Fails(t, typ, c, errType, message, opts...)
}
