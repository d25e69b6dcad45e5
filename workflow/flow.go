package workflow

// flow is the graph of flow links with nodes as small numbers, built once and
// walked many times.
type flow struct {
	nodes  []*Node
	number map[string]int
	out    [][]flowLink // in file order
	in     [][]flowLink
}

// flowLink leads to (or, in flow.in, comes from) another node.
type flowLink struct {
	node int
	port string // of the source, at both ends
}

// newFlow keeps the links that pass the filter and whose both ends exist.
func newFlow(nodes []*Node, links []Connection, keep func(Connection) bool) *flow {
	f := &flow{
		nodes: nodes, number: make(map[string]int, len(nodes)),
		out: make([][]flowLink, len(nodes)), in: make([][]flowLink, len(nodes)),
	}
	for i, n := range nodes {
		f.number[n.ID] = i
	}
	for _, c := range links {
		from, okFrom := f.number[c.SourceNode]
		to, okTo := f.number[c.TargetNode]
		if okFrom && okTo && keep(c) {
			f.out[from] = append(f.out[from], flowLink{to, c.SourcePort})
			f.in[to] = append(f.in[to], flowLink{from, c.SourcePort})
		}
	}
	return f
}

func carriesFlow(c Connection) bool  { return c.Exec }
func carriesValue(c Connection) bool { return !c.Exec }

// body marks the nodes that the flow reaches from a start, leaving it by any
// port but those excluded, without passing the start again. It spends one unit
// of the budget for each link, and some for the marks, and gives up, with nil,
// when none is left.
func (f *flow) body(start int, budget *int, enter func(port string) bool) []bool {
	if *budget -= len(f.nodes) / 4; *budget <= 0 {
		return nil
	}
	seen := make([]bool, len(f.nodes))
	queue := []int{}
	visit := func(to int) {
		if to != start && !seen[to] {
			seen[to] = true
			queue = append(queue, to)
		}
	}
	for _, l := range f.out[start] {
		if enter(l.port) {
			visit(l.node)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range f.out[at] {
			if *budget--; *budget <= 0 {
				return nil
			}
			visit(l.node)
		}
	}
	return seen
}

// components gives every node the number of its strongly connected component
// and returns the components of more than one node, each in file order.
// (Tarjan's algorithm with its own stack, since documents may be deep.)
func (f *flow) components() (of []int, cycles [][]int) {
	n := len(f.nodes)
	of = make([]int, n)
	order, low := make([]int, n), make([]int, n)
	onStack := make([]bool, n)
	var stack []int
	counter, component := 0, 0
	type frame struct{ node, next int }
	for root := range n {
		if order[root] != 0 {
			continue
		}
		frames := []frame{{root, 0}}
		for len(frames) > 0 {
			top := &frames[len(frames)-1]
			v := top.node
			if top.next == 0 {
				counter++
				order[v], low[v] = counter, counter
				stack = append(stack, v)
				onStack[v] = true
			}
			if top.next < len(f.out[v]) {
				w := f.out[v][top.next].node
				top.next++
				switch {
				case order[w] == 0:
					frames = append(frames, frame{w, 0})
				case onStack[w]:
					low[v] = min(low[v], order[w])
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				parent := frames[len(frames)-1].node
				low[parent] = min(low[parent], low[v])
			}
			if low[v] != order[v] {
				continue
			}
			component++
			var members []int
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				onStack[w] = false
				of[w] = component
				members = append(members, w)
				if w == v {
					break
				}
			}
			if len(members) > 1 {
				cycles = append(cycles, members)
			}
		}
	}
	return of, cycles
}
