package engine

import "slices"

// follow puts what comes after a node into the queue: the links of the ports
// that the node named, else every link that leaves by an exec port. A named
// port without links falls back to exec_out (rule C2).
func (b *branch) follow(v *visiting, where flow) {
	if where.res.End {
		return
	}
	f := where.frame
	if f == nil {
		f = v.frame
	}
	if len(where.res.Next) == 0 {
		for i := range v.n.flow {
			if out := &v.n.flow[i]; out.exec && !v.n.before(i) {
				b.enqueue(v, out.to, f)
			}
		}
		return
	}
	var seen []int
	for _, port := range where.res.Next {
		found := false
		for i := range v.n.flow {
			out := &v.n.flow[i]
			if out.port != port {
				continue
			}
			found = true
			if !slices.Contains(seen, out.to) {
				seen = append(seen, out.to)
				b.enqueue(v, out.to, f)
			}
		}
		if found || v.n.strict || port == "exec_out" {
			continue
		}
		for i := range v.n.flow {
			if out := &v.n.flow[i]; out.port == "exec_out" && !slices.Contains(seen, out.to) {
				seen = append(seen, out.to)
				b.enqueue(v, out.to, f)
			}
		}
	}
}

// before says whether an earlier exec link leads to the same node.
func (n *pnode) before(i int) bool {
	for j := range i {
		if n.flow[j].exec && n.flow[j].to == n.flow[i].to {
			return true
		}
	}
	return false
}

// enqueue adds a node behind v. A link back into the start of a loop that is
// running is the loop's end (rule C16).
func (b *branch) enqueue(v *visiting, to int, f *frame) {
	if b.prog.nodes[to].loopStart() && b.loops[to] != nil {
		if g := f.enclosing(frameLoop, to); g != nil {
			if f.endsWith(g) {
				g.reached = to
				return
			}
			b.leave(g, f, false)
			b.jumpBack(g)
			return
		}
	}
	b.add(to, f)
}

func (n *pnode) loopStart() bool {
	return n.typ == "ForLoopStartNode" || n.typ == "WhileLoopStartNode"
}
