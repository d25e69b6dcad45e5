package runner

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/workflow/value"
)

// secretGate keeps secrets out of what is recorded of a node that must not run
// twice. A record with a hole in it would make a later attempt go on with wrong
// values, so an outcome that holds a secret is not recorded at all: the later
// attempt still skips the node, and its step says that the outputs are missing.
type secretGate struct {
	engine.Gate
	hide *redact.Redactor
}

// End tells the next gate, without the outcome if that holds a secret.
func (g *secretGate) End(ctx context.Context, nodeID, key string, ok bool, outcome map[string]any) error {
	if text, err := value.Marshal(value.FromGo(outcome)); err != nil || g.hide.Contains(string(text)) {
		outcome = nil
	}
	return g.Gate.End(ctx, nodeID, key, ok, outcome)
}

var _ engine.Gate = (*secretGate)(nil)
