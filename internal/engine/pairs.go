package engine

import (
	"strings"

	"github.com/casarerpa/fleet/workflow"
)

// findRegions works out what a further pass of a loop or a retry must clear:
// everything that the flow reaches from the body up to the loop's end, and the
// nodes that only feed those.
func (p *program) findRegions() {
	for i := range p.nodes {
		switch p.nodes[i].typ {
		case "ForLoopStartNode", "WhileLoopStartNode":
			p.nodes[i].region = p.reach(i, "body")
		case "ParallelForEachNode":
			p.nodes[i].region = p.reach(i, "body")
		case "RetryNode":
			p.nodes[i].region = p.reach(i, "retry_body")
		}
	}
}

func (p *program) reach(from int, port string) []int {
	seen := make([]bool, len(p.nodes))
	var list []int
	visit := func(n int) {
		if n != none && n != from && !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	for _, out := range p.nodes[from].flow {
		if out.port == port {
			visit(out.to)
		}
	}
	for at := 0; at < len(list); at++ {
		n := &p.nodes[list[at]]
		if n.pair.start == from && strings.HasSuffix(n.typ, "EndNode") {
			continue
		}
		for _, out := range n.flow {
			visit(out.to)
		}
		visit(n.pair.catch)
		visit(n.pair.finally)
		visit(n.pair.join)
	}
	if p.nodes[from].typ == "WhileLoopStartNode" {
		list = append(list, from)
	}
	for at := 0; at < len(list); at++ {
		for _, d := range p.nodes[list[at]].data {
			if p.nodes[d.from].pulled {
				visit(d.from)
			}
		}
	}
	return list
}

// findPairs says who belongs to whom, by settings or by the shape of the graph
// (rule C6).
func (p *program) findPairs() {
	pairs := workflow.Pairs(p.doc)
	for _, n := range pairs.Notes {
		p.notes = append(p.notes, n.Rule+" "+n.NodeID+": "+n.Text)
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		switch n.typ {
		case "ForLoopEndNode", "WhileLoopEndNode":
			n.pair.start = p.number(pairs.LoopStart[n.id])
		case "ForLoopStartNode", "WhileLoopStartNode":
			if ends := pairs.LoopEnds[n.id]; len(ends) > 0 {
				n.pair.end = p.number(ends[0])
			}
		case "BreakNode", "ContinueNode":
			n.pair.start = p.number(pairs.LoopOf[n.id])
		case "CatchNode", "FinallyNode":
			n.pair.try = p.number(pairs.TryOf[n.id])
		case "TryNode":
			n.pair.catch = p.number(pairs.Tries[n.id].Catch)
			n.pair.finally = p.number(pairs.Tries[n.id].Finally)
		case "ForkNode":
			n.pair.join = p.number(pairs.JoinOf[n.id])
		}
	}
}

func (p *program) number(id string) int {
	if n, ok := p.byID[id]; ok && id != "" {
		return n
	}
	return none
}
