package flow

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/template"
)

// evaluate gives the value of an expression as a setting holds it, with its
// references still in it, so that each keeps its type.
func evaluate(ctx context.Context, c *engine.Call, expression any) (any, error) {
	text, ok := expression.(string)
	if !ok {
		return expression, nil
	}
	host := c.Host()
	return template.Evaluate(text, template.Lookup{
		Variable: c.Var,
		Secret: func(id string) (string, bool) {
			secret, err := host.Secret(ctx, id)
			return secret, err == nil
		},
		Now:  host.Now(),
		Rand: host.Rand(),
	})
}
