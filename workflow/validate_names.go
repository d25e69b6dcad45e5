package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/workflow/catalog"
)

// What follows are slips of the pen that no rule forbids: the original ignores
// them in silence, and the author wonders why nothing happens.

// flowPorts warns about links that take the flow out of a node by a port that
// the node never leaves by.
func (v *validator) flowPorts(c Connection, source *Node, field string) {
	// Any port with exec in its name is followed (workflow.md, the next nodes).
	if !namedPorts(source) || source.Spec.HasExecOut(c.SourcePort) || strings.Contains(c.SourcePort, "exec") {
		return
	}
	v.add(Diagnostic{
		Code: CodeUnknownPort, Connection: &c, NodeID: source.ID, Field: field + "/source_port",
		Message: fmt.Sprintf("%s never leaves by %s", source.Type, cut(c.SourcePort, 60)),
		Hint:    flowHint(source, c.SourcePort),
	})
}

// intoFlow warns about a link into the flow of its target from a port that
// carries none, and tells whether it has said so: to call both ports unknown
// would be true and of no help.
func (v *validator) intoFlow(c Connection, source, target *Node, field string) bool {
	if c.TargetPort != "exec_in" || target.Spec == nil || !target.Spec.ExecIn || !namedPorts(source) {
		return false
	}
	v.add(Diagnostic{
		Code: CodeUnknownPort, Connection: &c, NodeID: source.ID, Field: field + "/source_port",
		Message: fmt.Sprintf("%s has no flow output %s, so nothing leads to %s", source.Type, cut(c.SourcePort, 60), target.ID),
		Hint:    flowHint(source, c.SourcePort),
	})
	return true
}

func flowHint(source *Node, port string) string {
	names := source.Spec.ExecOut
	if len(names) == 0 {
		return "it has no flow outputs"
	}
	hint := "the flow outputs are " + strings.Join(names, ", ")
	if near := catalog.Closest(port, names); near != "" {
		hint += "; perhaps " + near + " was meant"
	}
	return hint
}

// namedPorts says whether the catalog knows all flow outputs of a node.
func namedPorts(n *Node) bool { return n.Spec != nil && !n.Spec.Abridged && !n.Spec.Added }

// properties warns about settings that the type does not have but whose names
// are almost those of one that is not set. Others are left alone: saved files
// are full of settings of the editor.
func (v *validator) properties(n *Node, field string) {
	if n.Spec == nil || n.Spec.Abridged {
		return
	}
	var unset []string
	for _, p := range n.Spec.Properties {
		if val, ok := n.Setting(p.Name); !ok || val == "" {
			unset = append(unset, p.Name)
		}
	}
	for _, p := range n.Spec.In { // an input may be set too (rule C4)
		if _, ok := n.Setting(p.Name); !ok && !slices.Contains(unset, p.Name) {
			unset = append(unset, p.Name)
		}
	}
	for key := range n.Config.All() {
		if strings.HasPrefix(key, "_") || v.hasSetting(n, key) {
			continue
		}
		if near := catalog.Closest(key, unset); near != "" {
			v.add(Diagnostic{
				Code: CodeUnknownProperty, NodeID: n.ID, Field: field + "/config/" + key,
				Message: fmt.Sprintf("%s does not read %s", n.Type, cut(key, 60)), Hint: "perhaps " + near + " was meant",
			})
		}
	}
}

// hasSetting says whether anything reads a setting: the type, a rule of
// compatibility, or a port of that name (rule C4).
func (v *validator) hasSetting(n *Node, key string) bool {
	if _, own := n.Spec.Property(key); own || hasInput(n, key) {
		return true
	}
	if slices.ContainsFunc(v.catalog.PropertyAliases(n.Type), func(a catalog.PropertyAlias) bool { return a.From == key }) {
		return true
	}
	switch key {
	case "name", "label", "status", "node_id", "condition", "items": // editors, and what the engine reads besides
		return true
	}
	return strings.HasPrefix(key, "paired_")
}

// overwritten warns about nodes whose outputs take the place of a variable that
// the document declares: both are variables of one name.
func (v *validator) overwritten() {
	for _, variable := range v.doc.Variables {
		n, ok := v.doc.Node(variable.Name)
		if !ok || n.Spec == nil || len(n.Spec.Out) == 0 || n.Disabled {
			continue
		}
		v.add(Diagnostic{
			Code: CodeNameClash, NodeID: n.ID, Field: "nodes/" + n.ID,
			Message: fmt.Sprintf("the outputs of the node %s replace the variable %s", cut(n.ID, 60), cut(n.ID, 60)),
			Hint:    "give one of them another name",
		})
	}
}
