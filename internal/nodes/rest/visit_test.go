package rest_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/rest"
)

type cfg = map[string]any

func family() enginetest.Family {
	return enginetest.Family{Name: "HTTP and OAuth", Nodes: rest.Nodes()}
}

func TestEveryTypeHasABehaviour(t *testing.T) { family().Complete(t) }

func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) cfg {
	t.Helper()
	return family().Want(t, typ, c, want, opts...)
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) cfg {
	t.Helper()
	return family().Fails(t, typ, c, errType, message, opts...)
}
