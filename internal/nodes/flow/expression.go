package flow

import (
	"github.com/casarerpa/fleet/internal/engine"
)

// evaluate gives the value of an expression as written in a setting.
func evaluate(c *engine.Call, expression any) (any, error) {
	return c.Resolve(expression), nil
}
