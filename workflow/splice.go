package workflow

import (
	"fmt"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

const rerouteType = "RerouteNode"

// isReroute is about the node that only bends a line in the editor.
func isReroute(n *Node) bool { return n != nil && n.Type == rerouteType }

func execName(port string) bool { return catalog.IsExecName(port) }

// spliceReroutes takes out the nodes that only bend a line and joins the links
// on both sides, along chains too. A link that carries the flow is joined only
// to links that go on into a flow input, and a value only to a data input.
func (r *reader) spliceReroutes(links []Connection) []Connection {
	outgoing := map[string][]Connection{}
	found := false
	for _, n := range r.doc.Nodes {
		if isReroute(n) {
			outgoing[n.ID], found = nil, true
		}
	}
	if !found {
		return links
	}
	for _, c := range links {
		if _, ok := outgoing[c.SourceNode]; ok {
			outgoing[c.SourceNode] = append(outgoing[c.SourceNode], c)
		}
	}
	s := &splicer{reader: r, outgoing: outgoing, budget: 40 * r.limits.Connections}
	for _, c := range links {
		if _, from := outgoing[c.SourceNode]; from {
			continue
		}
		if _, into := outgoing[c.TargetNode]; !into {
			s.joined = append(s.joined, c)
			continue
		}
		s.follow(c)
	}
	kept := r.doc.Nodes[:0]
	for _, n := range r.doc.Nodes {
		if isReroute(n) {
			r.doc.note("C13", n.ID, "the reroute was taken out and its links were joined")
			continue
		}
		kept = append(kept, n)
	}
	r.doc.Nodes = kept
	r.doc.reindex()
	if s.budget <= 0 || len(s.joined) > r.limits.Connections {
		r.problem(Diagnostic{
			Code: CodeLimit, Field: "connections",
			Message: fmt.Sprintf("the reroutes join to more than %d connections", r.limits.Connections),
		})
		return nil
	}
	return s.joined
}

// splicer follows links through reroutes. Its budget bounds the work for
// graphs that are made to explode.
type splicer struct {
	*reader
	outgoing map[string][]Connection
	joined   []Connection
	budget   int
}

// follow adds a link to every real node that the reroutes behind first lead to.
func (s *splicer) follow(first Connection) {
	source := s.doc.index[first.SourceNode]
	written := first.SourcePort
	if to, ok := execOutName(written); ok && !hasOutput(source, written) {
		written = to
	}
	exec := sourceIsExec(source, written)
	visited := map[string]bool{first.TargetNode: true}
	queue := []string{first.TargetNode}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, c := range s.outgoing[id] {
			if s.budget--; s.budget <= 0 {
				return
			}
			if _, through := s.outgoing[c.TargetNode]; through {
				if !visited[c.TargetNode] {
					visited[c.TargetNode] = true
					queue = append(queue, c.TargetNode)
				}
				continue
			}
			target := s.doc.index[c.TargetNode]
			// A source that does not exist is reported later, with all its links.
			if source == nil || exec == targetIsExec(target, c.TargetPort) {
				s.joined = append(s.joined, Connection{
					SourceNode: first.SourceNode, SourcePort: first.SourcePort,
					TargetNode: c.TargetNode, TargetPort: c.TargetPort,
				})
			}
		}
	}
}

// targetIsExec tells a flow input from a data input.
func targetIsExec(n *Node, port string) bool {
	if hasInput(n, port) {
		return false
	}
	switch port {
	case "exec_in", "in", "loop_next", "loop_continue":
		return true
	}
	return execName(port)
}

// closeLoops turns links that lead back into a loop start into loop ends (rule
// C16): the original draws no cycle, it has a node that names its start.
func (r *reader) closeLoops(links []Connection) []Connection {
	starts := map[string]string{} // loop start → type of its end
	for _, n := range r.doc.Nodes {
		if end := loopEndType(n.Type); end != "" {
			starts[n.ID] = end
		}
	}
	if len(starts) == 0 {
		return links
	}
	graph := newFlow(r.doc.Nodes, links, carriesFlow)
	component, _ := graph.components()
	inside := map[int][]bool{} // loop start → nodes of its body
	budget := 100 * r.limits.Connections
	back := func(c Connection) bool {
		if _, loop := starts[c.TargetNode]; !loop {
			return false
		}
		if c.TargetPort == "loop_next" || c.TargetPort == "loop_continue" || c.SourcePort == "loop_next" || c.SourcePort == "loop_continue" {
			return true
		}
		if !c.Exec || c.SourceNode == c.TargetNode {
			return false
		}
		source, known := graph.number[c.SourceNode]
		start := graph.number[c.TargetNode]
		if !known || component[source] != component[start] {
			return false // leads into the loop, not back
		}
		body, done := inside[start]
		if !done {
			body = graph.body(start, &budget, func(port string) bool { return port != "completed" })
			inside[start] = body
		}
		return body != nil && body[source]
	}
	kept := make([]Connection, 0, len(links))
	ends := map[string]string{} // loop start → id of the end made for it
	for _, c := range links {
		if !back(c) {
			kept = append(kept, c)
			continue
		}
		start := c.TargetNode
		r.doc.note("C16", start, fmt.Sprintf("the link back from %s was read as the end of this loop", c.SourceNode))
		if source := r.doc.index[c.SourceNode]; source != nil && source.Type == starts[start] {
			if paired, ok := source.Setting("paired_start_id"); !ok || paired == "" || paired == start {
				source.Config.Set("paired_start_id", start)
				continue
			}
		}
		if ends[start] == "" {
			ends[start] = r.addLoopEnd(start, starts[start])
		}
		if !c.Exec || c.SourcePort == "loop_next" || c.SourcePort == "loop_continue" {
			c.SourcePort = "exec_out"
		}
		c.TargetNode, c.TargetPort, c.Exec = ends[start], "exec_in", true
		kept = append(kept, c)
	}
	if budget <= 0 {
		r.problem(Diagnostic{
			Code: CodeLimit, Field: "connections",
			Message: "the loops of this workflow are too entangled to tell where they end",
		})
	}
	return kept
}

// loopEndType names the end that belongs to a loop start, or nothing.
func loopEndType(start string) string {
	switch start {
	case "ForLoopStartNode":
		return "ForLoopEndNode"
	case "WhileLoopStartNode":
		return "WhileLoopEndNode"
	}
	return ""
}

// addLoopEnd makes the end node that the drawing left out, named after its
// start so that the canonical form is the same each time.
func (r *reader) addLoopEnd(start, endType string) string {
	id := start + "_end"
	for r.ids[id] {
		id += "_"
	}
	r.ids[id] = true
	spec, _ := r.catalog.Type(endType)
	n := &Node{
		ID: id, Type: endType, Written: endType, Spec: spec,
		Config: value.MapOf("paired_start_id", start),
	}
	r.doc.Nodes = append(r.doc.Nodes, n)
	r.doc.index[id] = n
	return id
}
