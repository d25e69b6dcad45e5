package workflow

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/casarerpa/fleet/workflow/value"
)

// Private says of the name of a variable that it is the engine's own. Such
// variables are no part of what a run ends with, so no segment hands them on.
func Private(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_loop_state") ||
		strings.HasSuffix(name, "_try_state") || strings.HasSuffix(name, "_retry_state")
}

// writes are the settings of nodes that name a variable which the node sets.
var writes = []string{"variable_name", "output_variable", "output_var", "store_variable", "item_var"}

// private finds the private names that the settings of each segment have as
// words. It refuses a cut between a node that sets such a variable and one that
// needs it.
func (c *cutter) private(of []int, segments int) ([][]string, error) {
	by := map[string]int{} // the first node that sets it
	for i, n := range c.doc.Nodes {
		names := []string{n.ID} // a node's outputs are a variable of its name
		for _, key := range writes {
			if name, ok := get(n.Config, key).(string); ok && n.Type != "GetVariableNode" {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if first, there := by[name]; Private(name) && (!there || of[i] < of[first]) {
				by[name] = i
			}
		}
	}
	out := make([][]string, segments)
	for i, n := range c.doc.Nodes {
		for _, name := range privateWords(n.Config, nil) {
			if first, set := by[name]; set && of[first] < of[i] {
				return nil, &CutError{Node: n.ID, Reason: fmt.Sprintf("Node %s uses %s, which node %s sets in another place, and a variable of such a name is not handed on. Give it a name that does not begin with _.", n.ID, name, c.doc.Nodes[first].ID)}
			}
			out[of[i]] = append(out[of[i]], name)
		}
	}
	for i := range out {
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out, nil
}

// privateWords appends the words of a value and of all in it that are private names.
func privateWords(v any, list []string) []string {
	switch t := v.(type) {
	case string:
		for w := range strings.FieldsFuncSeq(t, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if Private(w) {
				list = append(list, w)
			}
		}
	case []any:
		for _, e := range t {
			list = privateWords(e, list)
		}
	case *value.Map:
		if t == nil {
			return list
		}
		for k, e := range t.All() {
			list = privateWords(e, privateWords(k, list))
		}
	}
	return list
}
