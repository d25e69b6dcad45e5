package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// graph looks at the document as a whole: cycles, the way in, what the flow
// never reaches, and nodes without their partner.
func (v *validator) graph() {
	run := v.doc.WithStart()
	v.cycles(run)
	pairs := Pairs(run)
	if !pairs.complete {
		v.fail(Diagnostic{
			Code: CodeLimit, Field: "connections",
			Message: "the graph is too entangled to tell which nodes belong together",
		})
		return
	}
	for _, id := range pairs.Unpaired {
		n, _ := run.Node(id)
		v.add(Diagnostic{
			Code: CodeUnpaired, NodeID: id, Field: "nodes/" + id,
			Message: fmt.Sprintf("%s has no partner", n.Type), Hint: unpairedHint(n.Type),
		})
	}
	v.reach(run, pairs)
}

// unpairedHint says where such a node belongs. It is a warning only: without
// a partner the engine takes the node for a plain step.
func unpairedHint(nodeType string) string {
	switch nodeType {
	case "CatchNode", "FinallyNode":
		return "it belongs behind a TryNode, which it can name in paired_try_id"
	case "ForkNode":
		return "its branches meet in no JoinNode; it can name one in paired_join_id"
	case "RetrySuccessNode", "RetryFailNode":
		return "it belongs inside the body of a RetryNode"
	}
	return "it belongs inside the body of a loop"
}

// cycles refuses links that lead the flow in a circle, since a node runs once
// unless a loop clears it, and values that depend on themselves among nodes
// that run only when a value of theirs is needed.
func (v *validator) cycles(run *Document) {
	flowGraph := newFlow(run.Nodes, run.Connections, carriesFlow)
	_, circles := flowGraph.components()
	v.report(flowGraph, circles, "Circular dependency in the flow: ",
		"the flow cannot return to a node; use a loop start and a loop end")
	onDemand := func(id string) bool {
		i, ok := flowGraph.number[id]
		return ok && len(flowGraph.in[i]) == 0 && flowGraph.nodes[i].Type != startType
	}
	values := newFlow(run.Nodes, run.Connections, func(c Connection) bool {
		return carriesValue(c) && onDemand(c.SourceNode) && onDemand(c.TargetNode)
	})
	_, circles = values.components()
	v.report(values, circles, "Circular dependency of values: ",
		"none of these nodes can ever get its inputs")
}

// report names the members of each circle in file order.
func (v *validator) report(f *flow, circles [][]int, text, hint string) {
	for _, members := range circles {
		slices.Sort(members)
		ids := make([]string, 0, len(members))
		for _, m := range members {
			ids = append(ids, f.nodes[m].ID)
		}
		v.fail(Diagnostic{
			Code: CodeCycle, NodeID: ids[0], Field: "connections",
			Message: text + listed(ids), Hint: hint,
		})
	}
}

// listed joins ids for a message, at most ten.
func listed(ids []string) string {
	if len(ids) <= 10 {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:10], ", "), len(ids)-10)
}

// reach walks the flow from the start and tells what it never comes to.
// Partners of reached nodes count as reached, since the engine jumps to them,
// and so does what only gives values to a reached node.
func (v *validator) reach(run *Document, pairs Pairing) {
	start, ok := run.Start()
	f := newFlow(run.Nodes, run.Connections, carriesFlow)
	if !ok || len(f.out[f.number[start.ID]]) == 0 && len(v.doc.Nodes) != len(run.Nodes) {
		v.add(Diagnostic{
			Code: CodeNoEntry, Field: "nodes", Message: "Workflow has no entry point",
			Hint: "add a StartNode, or a node that nothing leads to",
		})
		return
	}
	feeds := map[int][]int{} // consumer → nodes that give it values
	for _, c := range run.Connections {
		if carriesValue(c) {
			to, okTo := f.number[c.TargetNode]
			from, okFrom := f.number[c.SourceNode]
			if okTo && okFrom {
				feeds[to] = append(feeds[to], from)
			}
		}
	}
	seen := make([]bool, len(run.Nodes))
	var queue []int
	visit := func(n int) {
		if !seen[n] {
			seen[n] = true
			queue = append(queue, n)
		}
	}
	visit(f.number[start.ID])
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range f.out[at] {
			visit(l.node)
		}
		for _, from := range feeds[at] {
			if len(f.in[from]) == 0 {
				visit(from) // runs on demand (rule C7)
			}
		}
		id := f.nodes[at].ID
		for _, partner := range []string{pairs.Tries[id].Catch, pairs.Tries[id].Finally, pairs.JoinOf[id]} {
			if n, ok := f.number[partner]; ok && partner != "" {
				visit(n)
			}
		}
	}
	var lost []string
	for i, n := range run.Nodes {
		if !seen[i] && !isTrigger(n) {
			lost = append(lost, n.ID)
		}
	}
	if len(lost) > 0 {
		v.add(Diagnostic{
			Code: CodeUnreachable, NodeID: lost[0], Field: "nodes",
			Message: "Nodes that the flow never reaches: " + listed(lost),
			Hint:    "they will not run; connect them or remove them",
		})
	}
}
