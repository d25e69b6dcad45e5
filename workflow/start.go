package workflow

import (
	"slices"
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// AutoStart is the id of the start node that a document without one is given.
const AutoStart = "__auto_start__"

const startType = "StartNode"

// Start returns the node where a run begins: the first StartNode in file
// order. A document without one has none; see WithStart.
func (d *Document) Start() (*Node, bool) {
	for _, n := range d.Nodes {
		if n.Type == startType {
			return n, true
		}
	}
	return nil, false
}

// WithStart returns the document as it runs. One that has a StartNode is
// returned as it is. Else the result is a copy with the node __auto_start__ at
// its end, linked in file order to every node that waits for the flow but has
// no link into exec_in, triggers excepted, and then to whatever the flow of a
// trigger leads to. Nodes and configs are shared with d.
func (d *Document) WithStart() *Document {
	if _, ok := d.Start(); ok {
		return d
	}
	id := AutoStart
	for _, taken := d.Node(id); taken; _, taken = d.Node(id) {
		id += "_"
	}
	linked := map[string]bool{}
	for _, c := range d.Connections {
		if c.TargetPort == "exec_in" {
			linked[c.TargetNode] = true
		}
	}
	var targets []string
	done := map[string]bool{}
	for _, n := range d.Nodes {
		if waitsForFlow(n) && !linked[n.ID] && !isTrigger(n) {
			done[n.ID] = true
			targets = append(targets, n.ID)
		}
	}
	for _, c := range d.Connections {
		source, ok := d.Node(c.SourceNode)
		if !ok || !isTrigger(source) || c.SourcePort != "exec_out" || done[c.TargetNode] {
			continue
		}
		if _, ok := d.Node(c.TargetNode); ok {
			done[c.TargetNode] = true
			targets = append(targets, c.TargetNode)
		}
	}
	out := *d
	start := &Node{ID: id, Type: startType, Written: startType, Config: value.NewMap(), Spec: d.startSpec}
	out.Nodes = append(slices.Clip(d.Nodes), start)
	out.Connections = slices.Clip(d.Connections)
	for _, target := range targets {
		out.Connections = append(out.Connections, Connection{
			SourceNode: id, SourcePort: "exec_out", TargetNode: target, TargetPort: "exec_in", Exec: true,
		})
	}
	out.reindex()
	return &out
}

// waitsForFlow takes unknown types for ordinary nodes.
func waitsForFlow(n *Node) bool { return n.Spec == nil || n.Spec.ExecIn }

// isTrigger follows the original, which looks for the word in the type.
func isTrigger(n *Node) bool { return strings.Contains(n.Type, "Trigger") }
