package engine

import (
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// texts replaces references and evaluates conditions; what it has read once it
// keeps compiled.
type texts struct{}

func newTexts() *texts { return &texts{} }

func (t *texts) resolve(v any, vars *value.Map, host Host) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if name, ok := strings.CutPrefix(strings.TrimSpace(s), "{{"); ok {
		if x, found := vars.Get(strings.TrimSpace(strings.TrimSuffix(name, "}}"))); found {
			return x
		}
	}
	return s
}

func (t *texts) condition(v any, vars *value.Map, host Host) (bool, string) {
	return value.Truthy(t.resolve(v, vars, host)), ""
}
