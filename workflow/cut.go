package workflow

import (
	"fmt"
	"slices"
	"strings"
)

// cutter works on the document as it runs.
type cutter struct {
	doc    *Document
	flow   *flow
	pairs  Pairing
	start  int
	choice []string
	said   []bool // the choice is the node's own
	trunk  [][]int
	exit   []bool // the run may end behind the node although more follows elsewhere
	opener []int  // the outermost node in whose body this one lies; -1: none
	seen   []bool // the flow comes here
}

func newCutter(run *Document, choice map[string]string) *cutter {
	n := len(run.Nodes)
	c := &cutter{
		doc: run, flow: newFlow(run.Nodes, run.Connections, carriesFlow), pairs: Pairs(run),
		choice: make([]string, n), said: make([]bool, n), trunk: make([][]int, n), exit: make([]bool, n), opener: make([]int, n), seen: make([]bool, n),
	}
	first, _ := run.Start()
	c.start = c.flow.number[first.ID]
	for i, node := range run.Nodes {
		c.opener[i] = -1
		if w := choice[node.ID]; w != "" && !node.Disabled {
			c.choice[i], c.said[i] = w, true
		}
	}
	c.walk()
	return c
}

// walk follows the trunk: the way of the flow outside of all bodies. What it
// meets in bodies it marks with the node to which the outermost one belongs.
func (c *cutter) walk() {
	c.seen[c.start] = true
	for queue := []int{c.start}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		body, next, exit := c.after(at)
		c.exit[at] = exit
		c.mark(at, body, next)
		for _, to := range next {
			c.trunk[at] = append(c.trunk[at], to)
			if !c.seen[to] {
				c.seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	for at := range c.trunk { // where a body leads to as well, the trunk is over
		outside := slices.DeleteFunc(c.trunk[at], func(to int) bool { return c.opener[to] >= 0 })
		c.exit[at] = c.exit[at] || len(outside) < len(c.trunk[at])
		c.trunk[at] = outside
	}
}

// mark puts what the flow reaches from the given nodes into the body of one. It
// ends at the nodes where the trunk goes on.
func (c *cutter) mark(opener int, from, until []int) {
	var queue []int
	visit := func(n int) {
		if n == opener || slices.Contains(until, n) || c.opener[n] == opener {
			return
		}
		c.opener[n], c.seen[n] = opener, true
		queue = append(queue, n)
	}
	for _, n := range from {
		visit(n)
	}
	for ; len(queue) > 0; queue = queue[1:] {
		node := c.doc.Nodes[queue[0]]
		if c.pairs.LoopStart[node.ID] == c.doc.Nodes[opener].ID {
			continue // the end of this very loop
		}
		for _, l := range c.flow.out[queue[0]] {
			visit(l.node)
		}
		for _, p := range c.partners(node.ID) {
			visit(p)
		}
	}
}

// partners are the nodes that the flow reaches without a link.
func (c *cutter) partners(id string) (out []int) {
	for _, p := range []string{c.pairs.Tries[id].Catch, c.pairs.Tries[id].Finally, c.pairs.JoinOf[id]} {
		if n, ok := c.flow.number[p]; ok && p != "" {
			out = append(out, n)
		}
	}
	return out
}

// after says what of the nodes behind one lies in a body of its own, where the
// trunk goes on, and whether the run may also end there.
func (c *cutter) after(at int) (body, next []int, exit bool) {
	n := c.doc.Nodes[at]
	byPort := map[string][]int{}
	var all []int
	for _, l := range c.flow.out[at] {
		if !slices.Contains(byPort[l.port], l.node) {
			byPort[l.port] = append(byPort[l.port], l.node)
		}
		if !slices.Contains(all, l.node) {
			all = append(all, l.node)
		}
	}
	but := func(ports ...string) (rest []int) {
		for _, l := range c.flow.out[at] {
			if !slices.Contains(ports, l.port) {
				rest = append(rest, l.node)
			}
		}
		return rest
	}
	join, paired := c.flow.number[c.pairs.JoinOf[n.ID]]
	switch {
	case n.Disabled && len(all) != 1:
		return all, nil, true // which way it takes is the engine's affair
	case n.Disabled:
		return nil, all, false
	case isLoopStart(n.Type), n.Type == "ParallelForEachNode":
		body, next = but("completed"), byPort["completed"]
	case n.Type == "RetryNode":
		body, next = byPort["retry_body"], but("retry_body")
		return c.single(body, next, len(byPort["success"]) == 0, byPort)
	case n.Type == "ForkNode" && paired && c.pairs.JoinOf[n.ID] != "":
		return all, []int{join}, false
	case n.Type == "ForkNode", n.Type == "OnErrorNode", n.Type == "TryNode":
		return append(all, c.partners(n.ID)...), nil, true
	default:
		next = all
	}
	return c.single(body, next, len(next) == 0 || c.open(n, byPort), byPort)
}

// single makes a body of what a port leads to that has several links: all of
// them are followed, and nobody says in which order.
func (c *cutter) single(body, next []int, exit bool, byPort map[string][]int) ([]int, []int, bool) {
	for _, to := range byPort {
		if len(to) > 1 && !subset(to, body) {
			return append(body, next...), nil, true
		}
	}
	return body, next, exit
}

func subset(of, in []int) bool {
	return !slices.ContainsFunc(of, func(n int) bool { return !slices.Contains(in, n) })
}

// open says whether a node may take a way to which nothing is linked, so that
// the run ends there.
func (c *cutter) open(n *Node, byPort map[string][]int) bool {
	linked := func(port string) bool { return len(byPort[port]) > 0 }
	switch {
	case n.Type == "IfNode":
		return !linked("true") || !linked("false")
	case n.Type == "SwitchNode":
		list, plain := get(n.Config, "cases").([]any)
		for i, item := range list {
			text, isText := item.(string)
			plain = plain && isText && !strings.ContainsAny(text, "{$%")
			if !linked("case_"+text) && !linked(fmt.Sprintf("case_%d", i)) {
				return true
			}
		}
		return !plain || !linked("default")
	case isLoopStart(n.Type), n.Type == "ParallelForEachNode":
		return !linked("completed")
	case linked("exec_out"), n.Spec == nil: // other ports without a link fall back to it
		return n.Spec == nil && !linked("exec_out")
	}
	return slices.ContainsFunc(n.Spec.ExecOut, func(port string) bool { return !linked(port) })
}

// inherit gives a choice to nodes that made none: in a body that of the node
// that has it, and to those that do nothing by themselves that of their neighbours.
func (c *cutter) inherit() {
	order := c.order()
	before := make([][]int, len(c.doc.Nodes))
	for _, from := range order {
		for _, to := range c.trunk[from] {
			before[to] = append(before[to], from)
		}
	}
	meets := c.meets(order)
	for _, at := range order {
		c.join(at, before[at])
		if len(c.trunk[at]) > 1 && c.choice[at] != "" && meets[at] >= 0 {
			for _, n := range c.reach(at, meets[at]) { // what lies on its ways
				if c.choice[n] == "" {
					c.choice[n] = c.choice[at]
				}
			}
		}
	}
	for _, at := range slices.Backward(order) {
		if at == c.start || isTrigger(c.doc.Nodes[at]) || c.doc.Nodes[at].Disabled {
			c.join(at, c.trunk[at])
		}
	}
	for i, o := range c.opener {
		if o >= 0 && c.choice[i] == "" {
			c.choice[i] = c.choice[o]
		}
	}
}

// meets says for each node of the trunk where all ways behind it meet first; -1
// where one of them may end before.
func (c *cutter) meets(order []int) []int {
	meet, depth := make([]int, len(c.doc.Nodes)), make([]int, len(c.doc.Nodes))
	for i := range meet {
		meet[i] = -1
	}
	away := func(n int) int { // from the end, which is -1
		if n < 0 {
			return 0
		}
		return depth[n]
	}
	for _, at := range slices.Backward(order) {
		if len(c.trunk[at]) > 0 && !c.exit[at] {
			common := c.trunk[at][0]
			for _, to := range c.trunk[at][1:] {
				for common != to {
					a, b := away(common), away(to)
					if a >= b {
						common = meet[common]
					}
					if b >= a {
						to = meet[to]
					}
				}
			}
			meet[at] = common
		}
		depth[at] = away(meet[at]) + 1
	}
	return meet
}

// join lets a node that does nothing by itself go with its neighbours, if they agree.
func (c *cutter) join(at int, with []int) {
	n := c.doc.Nodes[at]
	if c.choice[at] != "" || len(with) == 0 || !passes(n) {
		return
	}
	for _, w := range with[1:] {
		if c.choice[w] != c.choice[with[0]] {
			return
		}
	}
	c.choice[at] = c.choice[with[0]]
}

func passes(n *Node) bool {
	return n.Disabled || isTrigger(n) || is(startType, "EndNode", "MergeNode", "RerouteNode", "CommentNode")(n.Type)
}

// order lists the nodes of the trunk, each behind those that lead to it.
func (c *cutter) order() []int {
	var out []int
	done := make([]bool, len(c.doc.Nodes))
	type step struct{ node, next int }
	for stack := []step{{c.start, 0}}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		done[top.node] = true
		if top.next < len(c.trunk[top.node]) {
			to := c.trunk[top.node][top.next]
			top.next++
			if !done[to] {
				stack = append(stack, step{to, 0})
			}
			continue
		}
		out = append(out, top.node)
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(out)
	return out
}

// entries finds the nodes before which the document is cut, in the order of the
// flow, or says which of them cannot be one.
func (c *cutter) entries(most int) ([]int, error) {
	var out []int
	before := map[int]int{}
	for from := range c.doc.Nodes {
		if !c.seen[from] {
			continue
		}
		to := c.flow.out[from]
		for _, p := range c.partners(c.doc.Nodes[from].ID) {
			to = append(slices.Clip(to), flowLink{node: p})
		}
		for _, l := range to {
			if c.choice[l.node] == c.choice[from] || slices.Contains(out, l.node) {
				continue
			}
			blame := l.node
			if !c.said[blame] && c.said[from] {
				blame = from
			}
			n, err := c.passed(l.node, blame)
			if err != nil {
				return nil, err
			}
			if len(out) >= most {
				id := c.doc.Nodes[blame].ID
				return nil, &CutError{id, fmt.Sprintf("The places of its nodes cut the workflow into more than %d segments, at node %s among others.", most+1, id), true}
			}
			out, before[l.node] = append(out, l.node), n
		}
	}
	slices.SortFunc(out, func(a, b int) int { return before[a] - before[b] })
	return out, nil
}

// passed counts the nodes before an entry, if every way leads through it.
func (c *cutter) passed(entry, blame int) (int, error) {
	fail := func(format string, args ...any) (int, error) {
		id := c.doc.Nodes[blame].ID
		return 0, &CutError{Node: id, Reason: fmt.Sprintf("Node %s cannot run in another place than its neighbours: ", id) + fmt.Sprintf(format, args...)}
	}
	if o := c.opener[entry]; o >= 0 {
		return fail("it would cut %s. Give node %s the same place, or move the node out of there.", c.inside(o), c.doc.Nodes[o].ID)
	}
	back := c.reach(c.start, entry)
	for _, n := range back {
		if c.exit[n] {
			return fail("not every way through the workflow leads to node %s; one ends at node %s or in what follows it. Join the ways before it.", c.doc.Nodes[entry].ID, c.doc.Nodes[n].ID)
		}
	}
	return len(back), nil
}

// inside says in words what lies behind a node that has a body.
func (c *cutter) inside(opener int) string {
	n := c.doc.Nodes[opener]
	switch {
	case isLoopStart(n.Type), n.Type == "ParallelForEachNode":
		return "the body of the loop " + n.ID
	case n.Type == "TryNode", n.Type == "OnErrorNode":
		return "what the try " + n.ID + " protects"
	case n.Type == "RetryNode":
		return "what " + n.ID + " repeats"
	}
	return "one of several parallel branches behind " + n.ID
}

// reach lists the nodes of the trunk that are reached from one without passing
// another.
func (c *cutter) reach(from, without int) []int {
	seen := make([]bool, len(c.doc.Nodes))
	seen[from] = true
	list := []int{from}
	for at := 0; at < len(list); at++ {
		for _, to := range c.trunk[list[at]] {
			if to != without && !seen[to] {
				seen[to] = true
				list = append(list, to)
			}
		}
	}
	return list
}

// number says in which segment each node is. Nodes that only give values are
// where the values are needed; what the flow never reaches is in the first.
func (c *cutter) number(entries []int) ([]int, error) {
	of := make([]int, len(c.doc.Nodes))
	for _, e := range entries {
		for _, n := range c.reach(e, -1) {
			of[n]++
		}
	}
	for i, o := range c.opener {
		if o >= 0 {
			of[i] = of[o]
		}
	}
	settled := slices.Clone(c.seen)
	values := newFlow(c.doc.Nodes, c.doc.Connections, carriesValue)
	var queue []int
	for i, seen := range c.seen {
		if seen {
			queue = append(queue, i)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		needs := queue[0]
		for _, l := range values.in[needs] {
			i, n := l.node, c.doc.Nodes[l.node]
			switch {
			case c.seen[i] || len(c.flow.in[i]) > 0 || len(c.flow.out[i]) > 0: // it runs by itself, or never
			case settled[i] && of[i] != of[needs]:
				return nil, &CutError{Node: n.ID, Reason: fmt.Sprintf("Node %s gives values to nodes that run in different places, among them %s. Give each place a node of its own.", n.ID, c.doc.Nodes[needs].ID)}
			case !settled[i]:
				at := c.at(entries, of[needs])
				if c.said[i] && c.choice[i] != c.choice[at] {
					return nil, &CutError{Node: n.ID, Reason: fmt.Sprintf("Node %s only gives values and runs where they are needed, with node %s. Place that one.", n.ID, c.doc.Nodes[at].ID)}
				}
				of[i], settled[i] = of[needs], true
				queue = append(queue, i)
			}
		}
	}
	return of, nil
}

// at is the first node of a segment.
func (c *cutter) at(entries []int, segment int) int {
	if segment == 0 {
		return c.start
	}
	return entries[segment-1]
}
