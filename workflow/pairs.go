package workflow

import (
	"fmt"
	"slices"
)

// Pairing says which nodes belong together: rule C6. A pair that a node's
// config names holds; the others follow from the graph.
type Pairing struct {
	LoopStart map[string]string   // loop end → loop start
	LoopEnds  map[string][]string // loop start → its ends in file order
	LoopOf    map[string]string   // break or continue → loop start
	Tries     map[string]Try      // try node → its catch and finally
	TryOf     map[string]string   // catch or finally → try node
	RetryOf   map[string]string   // retry success or fail → retry node
	JoinOf    map[string]string   // fork → join
	ForkOf    map[string]string   // join → fork
	Notes     []Note              // pairs that were inferred
	Unpaired  []string            // nodes that need a partner and have none, in file order

	complete bool
}

// Try is what belongs to a try node; empty means there is none.
type Try struct {
	Catch   string
	Finally string
}

// pairBudget bounds the search in graphs made to be slow; honest ones use a
// hundredth of it.
const pairBudget = 2_000_000

// Pairs finds the pairs of a document. The answer depends on the document
// alone. It is the same for a document and its WithStart.
func Pairs(d *Document) Pairing {
	p := &pairer{
		doc:  d,
		flow: newFlow(d.Nodes, d.Connections, carriesFlow),
		Pairing: Pairing{
			LoopStart: map[string]string{}, LoopEnds: map[string][]string{}, LoopOf: map[string]string{},
			Tries: map[string]Try{}, TryOf: map[string]string{}, RetryOf: map[string]string{},
			JoinOf: map[string]string{}, ForkOf: map[string]string{},
		},
		budget: pairBudget,
	}
	p.tries() // first: the walks out of a handler go on at its try
	p.loops()
	p.jumps()
	p.retries()
	p.forks()
	slices.SortFunc(p.Unpaired, func(a, b string) int { return p.flow.number[a] - p.flow.number[b] })
	p.complete = p.budget > 0
	return p.Pairing
}

type pairer struct {
	Pairing
	doc    *Document
	flow   *flow
	budget int
}

// named returns the partner that a node's config names, if it is of a fitting type.
func (p *pairer) named(n *Node, key string, fits func(string) bool) (string, bool) {
	v, _ := n.Setting(key)
	id, _ := v.(string)
	if id == "" {
		return "", false
	}
	partner, ok := p.doc.Node(id)
	if !ok || !fits(partner.Type) {
		return "", false
	}
	return id, true
}

// infer notes a pair that the file does not name, for the author.
func (p *pairer) infer(n *Node, partner, what string) {
	p.Notes = append(p.Notes, Note{Rule: "C6", NodeID: n.ID, Text: fmt.Sprintf("%s was taken to be %s", what, partner)})
}

func is(types ...string) func(string) bool {
	return func(t string) bool { return slices.Contains(types, t) }
}

func isLoopStart(t string) bool { return loopEndType(t) != "" }

// startTypeOf names the start that belongs to a loop end, or nothing.
func startTypeOf(end string) string {
	switch end {
	case "ForLoopEndNode":
		return "ForLoopStartNode"
	case "WhileLoopEndNode":
		return "WhileLoopStartNode"
	}
	return ""
}

// loops pairs every loop end with a start of its kind.
func (p *pairer) loops() {
	for _, n := range p.doc.Nodes {
		if want := startTypeOf(n.Type); want != "" {
			if start, ok := p.named(n, "paired_start_id", is(want)); ok {
				p.LoopStart[n.ID] = start
			}
		}
	}
	// Ends are resolved nearest first by the walk itself: it steps over inner
	// loops whose end is met on the way.
	for _, n := range p.doc.Nodes {
		want := startTypeOf(n.Type)
		if want == "" {
			continue
		}
		if _, done := p.LoopStart[n.ID]; !done {
			start, ok := p.enclosing(n, is(want), inLoopBody, is(n.Type))
			if !ok {
				p.Unpaired = append(p.Unpaired, n.ID)
				continue
			}
			p.LoopStart[n.ID] = start
			p.infer(n, start, "the start of this loop end")
		}
	}
	for _, n := range p.doc.Nodes {
		if start, ok := p.LoopStart[n.ID]; ok {
			p.LoopEnds[start] = append(p.LoopEnds[start], n.ID)
		}
	}
}

// inLoopBody says whether a link out of a loop start leads into the body: any
// but completed, since old files use other names for it.
func inLoopBody(port string) bool { return port != "completed" }

// jumps pairs break and continue with the nearest loop of either kind.
func (p *pairer) jumps() {
	for _, n := range p.doc.Nodes {
		if n.Type != "BreakNode" && n.Type != "ContinueNode" {
			continue
		}
		if start, ok := p.named(n, "paired_loop_start_id", isLoopStart); ok {
			p.LoopOf[n.ID] = start
			continue
		}
		start, ok := p.enclosing(n, isLoopStart, inLoopBody, func(t string) bool { return startTypeOf(t) != "" })
		if !ok {
			p.Unpaired = append(p.Unpaired, n.ID)
			continue
		}
		p.LoopOf[n.ID] = start
		p.infer(n, start, "the loop of this node")
	}
}

// place is one stop of the walk against the flow: a node, and how many inner
// constructs are open whose end was passed but whose start was not yet.
type place struct{ node, depth int }

// enclosing walks against the flow from a node to the nearest start of which
// the node lies inside. Leaving a start by another port than that of its body
// means that the construct was over; an end on the way opens one that the walk
// must first get out of.
func (p *pairer) enclosing(n *Node, isStart func(string) bool, inside func(port string) bool, isEnd func(string) bool) (string, bool) {
	from := p.flow.number[n.ID]
	seen := map[place]bool{{from, 0}: true}
	queue := []place{{from, 0}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range p.into(at.node) {
			if p.budget--; p.budget <= 0 {
				return "", false
			}
			next := place{l.node, at.depth}
			source := p.flow.nodes[l.node]
			switch {
			case isStart(source.Type) && inside(l.port):
				if at.depth == 0 {
					return source.ID, true
				}
				next.depth--
			case isEnd(source.Type) && l.node != from:
				next.depth++
			}
			// Depth cannot usefully exceed the number of ends there are.
			if next.depth <= 64 && !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return "", false
}

// into lists where the flow comes from. An error takes it from a try to the
// handlers, which are often drawn without a link into them.
func (p *pairer) into(n int) []flowLink {
	in := p.flow.in[n]
	if try := p.TryOf[p.flow.nodes[n].ID]; try != "" {
		in = append(slices.Clip(in), flowLink{p.flow.number[try], "try_body"})
	}
	return in
}

// tries pairs catch and finally nodes with their try. What a try names comes
// first, then what a handler names, then what the graph suggests, so that a
// guess never takes a place that somebody asked for.
func (p *pairer) tries() {
	for _, n := range p.doc.Nodes {
		if n.Type != "TryNode" {
			continue
		}
		t := p.Tries[n.ID]
		if id, ok := p.named(n, "paired_catch_id", is("CatchNode")); ok && p.TryOf[id] == "" {
			t.Catch, p.TryOf[id] = id, n.ID
		}
		if id, ok := p.named(n, "paired_finally_id", is("FinallyNode")); ok && p.TryOf[id] == "" {
			t.Finally, p.TryOf[id] = id, n.ID
		}
		p.Tries[n.ID] = t
	}
	for _, n := range p.doc.Nodes {
		if !isHandler(n.Type) || p.TryOf[n.ID] != "" {
			continue
		}
		if id, ok := p.named(n, "paired_try_id", is("TryNode")); ok && p.free(id, n) {
			p.handle(id, n)
		}
	}
	for _, n := range p.doc.Nodes {
		if !isHandler(n.Type) || p.TryOf[n.ID] != "" {
			continue
		}
		id, ok := p.freeTry(n)
		if !ok {
			p.Unpaired = append(p.Unpaired, n.ID)
			continue
		}
		p.handle(id, n)
		p.infer(n, id, "the try of this node")
	}
}

func isHandler(t string) bool { return t == "CatchNode" || t == "FinallyNode" }

// free says whether a try has no handler of n's kind yet.
func (p *pairer) free(try string, n *Node) bool {
	if n.Type == "CatchNode" {
		return p.Tries[try].Catch == ""
	}
	return p.Tries[try].Finally == ""
}

// handle records the pair.
func (p *pairer) handle(try string, n *Node) {
	t := p.Tries[try]
	if n.Type == "CatchNode" {
		t.Catch = n.ID
	} else {
		t.Finally = n.ID
	}
	p.Tries[try] = t
	p.TryOf[n.ID] = try
}

// freeTry finds the try of a handler that names none: the nearest one against
// the flow that still lacks such a handler, else, since a catch is often drawn
// without a link into it, the last one before it in the file.
func (p *pairer) freeTry(n *Node) (string, bool) {
	from := p.flow.number[n.ID]
	seen := map[int]bool{from: true}
	queue := []int{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range p.flow.in[at] {
			if p.budget--; p.budget <= 0 {
				return "", false
			}
			if seen[l.node] {
				continue
			}
			seen[l.node] = true
			source := p.flow.nodes[l.node]
			if source.Type == "TryNode" && p.free(source.ID, n) {
				return source.ID, true
			}
			// A finally behind a catch belongs to the same try.
			if try := p.TryOf[source.ID]; source.Type == "CatchNode" && try != "" && p.free(try, n) {
				return try, true
			}
			queue = append(queue, l.node)
		}
	}
	for i := from - 1; i >= 0; i-- {
		if before := p.flow.nodes[i]; before.Type == "TryNode" && p.free(before.ID, n) {
			return before.ID, true
		}
	}
	return "", false
}

// retries pairs the markers inside a retry body with their retry.
func (p *pairer) retries() {
	for _, n := range p.doc.Nodes {
		if n.Type != "RetrySuccessNode" && n.Type != "RetryFailNode" {
			continue
		}
		if id, ok := p.named(n, "paired_retry_id", is("RetryNode")); ok {
			p.RetryOf[n.ID] = id
			continue
		}
		id, ok := p.enclosing(n, is("RetryNode"), is("retry_body"), func(string) bool { return false })
		if !ok {
			p.Unpaired = append(p.Unpaired, n.ID)
			continue
		}
		p.RetryOf[n.ID] = id
		p.infer(n, id, "the retry of this node")
	}
}

// forks pairs each fork with one join and each join with one fork, named pairs
// first.
func (p *pairer) forks() {
	for _, n := range p.doc.Nodes {
		if n.Type != "ForkNode" {
			continue
		}
		if id, ok := p.named(n, "paired_join_id", is("JoinNode")); ok && p.ForkOf[id] == "" {
			p.JoinOf[n.ID], p.ForkOf[id] = id, n.ID
		}
	}
	for _, n := range p.doc.Nodes {
		if n.Type != "JoinNode" || p.ForkOf[n.ID] != "" {
			continue
		}
		if id, ok := p.named(n, "paired_fork_id", is("ForkNode")); ok && p.JoinOf[id] == "" {
			p.JoinOf[id], p.ForkOf[n.ID] = n.ID, id
		}
	}
	for _, n := range p.doc.Nodes {
		if n.Type != "ForkNode" || p.JoinOf[n.ID] != "" {
			continue
		}
		if join, ok := p.commonJoin(n); ok {
			p.JoinOf[n.ID], p.ForkOf[join] = join, n.ID
			p.infer(n, join, "the join of this fork")
		} else {
			p.Unpaired = append(p.Unpaired, n.ID)
		}
	}
}

// commonJoin finds the first join that every branch of a fork reaches, in the
// order in which the first branch meets them. Joins of other forks are passed.
func (p *pairer) commonJoin(fork *Node) (string, bool) {
	at := p.flow.number[fork.ID]
	ports := map[string]bool{}
	var reached [][]int // per branch port: joins in the order they are met
	for _, l := range p.flow.out[at] {
		if ports[l.port] {
			continue
		}
		ports[l.port] = true
		reached = append(reached, p.joinsFrom(at, l.port))
	}
	if len(reached) == 0 {
		return "", false
	}
	count := map[int]int{}
	for _, joins := range reached {
		for _, j := range joins {
			count[j]++
		}
	}
	for _, j := range reached[0] {
		if count[j] == len(reached) && p.ForkOf[p.flow.nodes[j].ID] == "" {
			return p.flow.nodes[j].ID, true
		}
	}
	return "", false
}

// joinsFrom lists the joins behind one branch, nearest first.
func (p *pairer) joinsFrom(fork int, port string) []int {
	seen := map[int]bool{fork: true}
	var queue, joins []int
	visit := func(n int) {
		if seen[n] {
			return
		}
		seen[n] = true
		queue = append(queue, n)
		if p.flow.nodes[n].Type == "JoinNode" {
			joins = append(joins, n)
		}
	}
	for _, l := range p.flow.out[fork] {
		if l.port == port {
			visit(l.node)
		}
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, l := range p.flow.out[n] {
			if p.budget--; p.budget <= 0 {
				return nil
			}
			visit(l.node)
		}
	}
	return joins
}
