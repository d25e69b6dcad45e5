package workflow

import (
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// Guard says what to do with texts that look like Python reaching for the
// machine. The original refuses them wherever they stand, also in harmless
// places such as "window.open("; here nothing evaluates them, so it is a
// matter of taste.
type Guard int

// The policies of the text guard.
const (
	GuardWarn Guard = iota // tell the author
	GuardOff
	GuardRefuse
)

type textGuard struct {
	policy Guard
	words  []string
}

func newTextGuard(policy Guard) textGuard {
	return textGuard{policy: policy, words: []string{
		"__import__", "eval(", "exec(", "compile(", "os.system", "subprocess.", "open(",
		"pickle.", "marshal.", "__builtins__", "__globals__",
	}}
}

// check reports the first suspicious text in a node's config.
func (g textGuard) check(n *Node, field string) (Diagnostic, bool) {
	if g.policy == GuardOff {
		return Diagnostic{}, false
	}
	for key, v := range n.Config.All() {
		word := g.find(v)
		if word == "" {
			continue
		}
		d := Diagnostic{
			Code: CodeUnsafeText, Severity: Warning, NodeID: n.ID, Field: field + "/config/" + key,
			Message: fmt.Sprintf("the property %s contains %q, which the original refuses", cut(key, 60), word),
		}
		if g.policy == GuardRefuse {
			d.Severity = Error
			d.Hint = "this document comes from outside, where such texts are not accepted"
		}
		return d, true
	}
	return Diagnostic{}, false
}

func (g textGuard) find(v any) string {
	switch v := v.(type) {
	case string:
		lower := strings.ToLower(v)
		for _, word := range g.words {
			if strings.Contains(lower, word) {
				return word
			}
		}
	case []any:
		for _, item := range v {
			if word := g.find(item); word != "" {
				return word
			}
		}
	case *value.Map:
		for _, item := range v.All() {
			if word := g.find(item); word != "" {
				return word
			}
		}
	}
	return ""
}
