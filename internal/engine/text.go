package engine

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine/template"
	"github.com/casarerpa/fleet/workflow/value"
)

// lookup is what references in texts reach: the variables, the clock of the
// host, and secrets by their id.
func lookup(ctx context.Context, vars *value.Map, host Host) template.Lookup {
	look := template.Lookup{Variable: vars.Get}
	if host == nil {
		return look
	}
	look.Secret = func(id string) (string, bool) {
		s, err := host.Secret(ctx, id)
		return s, err == nil
	}
	return look
}

// resolveIn replaces references. What comes back belongs to the caller: lists
// and objects of the settings are never handed out themselves.
func resolveIn(v any, look template.Lookup) any {
	out := template.Resolve(v, look)
	switch v.(type) {
	case []any, *value.Map:
		return value.Clone(out)
	}
	return out
}
