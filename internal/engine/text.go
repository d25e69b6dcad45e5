package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// secretsIn adds the ids of the secrets that the texts of a value refer to.
func secretsIn(found []string, v any) []string {
	switch v := v.(type) {
	case string:
		for _, id := range template.Secrets(v) {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	case []any:
		for _, e := range v {
			found = secretsIn(found, e)
		}
	case *value.Map:
		for _, e := range v.All() {
			found = secretsIn(found, e)
		}
	}
	return found
}

// haveSecrets fails a step whose secrets cannot be had now: it would go on with
// the reference in place of the password.
func haveSecrets(ctx context.Context, n *pnode, host Host) error {
	if n.disabled || host == nil {
		return nil
	}
	for _, id := range n.secrets {
		_, err := host.Secret(ctx, id)
		if _, none := errors.AsType[NoSecret](err); err != nil && !none {
			return fmt.Errorf("secret %s: %w", id, err)
		}
	}
	return nil
}
