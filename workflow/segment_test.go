package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// draft writes documents as "a:LogNode b:IfNode" and "a>b a.true>b a.result=>b.value".
type draft struct {
	nodes map[string]any
	order []string
	links []any
}

func (d *draft) node(id, typ string, config map[string]any) {
	if d.nodes == nil {
		d.nodes = map[string]any{}
	}
	if config == nil {
		config = map[string]any{}
	}
	d.nodes[id], d.order = map[string]any{"node_type": typ, "config": config}, append(d.order, id)
}

func (d *draft) link(from, out, to, in string) {
	d.links = append(d.links, map[string]any{"source_node": from, "source_port": out, "target_node": to, "target_port": in})
}

func (d *draft) read(t interface{ Fatal(...any) }, options Options) *Document {
	nodes := make([]any, 0, len(d.order))
	for _, id := range d.order {
		n := d.nodes[id].(map[string]any)
		nodes = append(nodes, map[string]any{"node_id": id, "node_type": n["node_type"], "config": n["config"]})
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "w"}, "nodes": nodes, "connections": d.links})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := Parse(text, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := Validate(doc, options.Catalog, Policy{}).Err(); err != nil {
		t.Fatal(err)
	}
	return doc
}

func sketch(nodes, links string) *draft {
	d := &draft{}
	for n := range strings.FieldsSeq(nodes) {
		id, typ, _ := strings.Cut(n, ":")
		if typ == "" {
			typ = "LogNode"
		}
		d.node(id, typ, nil)
	}
	for l := range strings.FieldsSeq(links) {
		from, to, data := strings.Cut(l, "=>")
		if !data {
			from, to, _ = strings.Cut(l, ">")
		}
		source, out, named := strings.Cut(from, ".")
		if !named {
			out = "exec_out"
		}
		target, in, named := strings.Cut(to, ".")
		if !named {
			in = "exec_in"
		}
		d.link(source, out, target, in)
	}
	return d
}

func TestCut(t *testing.T) {
	options := Options{Catalog: testCatalog(t)}
	for _, c := range []struct {
		name, nodes, links, choice, want string
	}{
		{"one place", "s:StartNode a b", "s>a a>b", "", "s a b"},
		{"a node in the middle", "s:StartNode a n b", "s>a a>n n>b", "n=desk", "s a | desk: n | b"},
		{"the rest elsewhere", "s:StartNode a n b e:EndNode", "s>a a>n n>b b>e", "n=desk a=web b=web", "web: s a | desk: n | web: b e"},
		{"the first node", "s:StartNode n b", "s>n n>b", "n=desk", "desk: s n | b"},
		{"the last node, no start of its own", "n b", "n>b", "b=desk", "n | desk: b"},
		{"neighbours in one place", "s:StartNode a b c", "s>a a>b b>c", "b=desk c=desk", "s a | desk: b c"},
		{
			"behind a loop", "s:StartNode l:ForLoopStartNode x e:ForLoopEndNode n", "s>l l.body>x x>e l.completed>n", "n=desk",
			"s l x e | desk: n",
		},
		{
			"a whole loop", "s:StartNode l:ForLoopStartNode x e:ForLoopEndNode n", "s>l l.body>x x>e l.completed>n", "l=desk",
			"desk: s l x e | n",
		},
		{
			"in a loop", "s:StartNode l:ForLoopStartNode x e:ForLoopEndNode n", "s>l l.body>x x>e l.completed>n", "x=desk",
			"x: it would cut the body of the loop l",
		},
		{"branches that meet", "s:StartNode i:IfNode x y n", "s>i i.true>x i.false>y x>n y>n", "n=desk", "s i x y | desk: n"},
		{"in one of the branches", "s:StartNode i:IfNode x y n", "s>i i.true>x i.false>y x>n y>n", "x=desk", "x: not every way"},
		{"behind a branch that ends", "s:StartNode i:IfNode x n", "s>i i.true>x x>n", "n=desk", "n: not every way"},
		{"in a try", "s:StartNode t:TryNode x c:CatchNode y", "s>t t.try_body>x t>c c.catch_body>y", "x=desk", "x: it would cut what the try t protects"},
		{"parallel ends", "s:StartNode a b c", "s>a s>b b>c", "c=desk", "c: it would cut one of several parallel branches behind s"},
		{
			"a fork and its join", "s:StartNode f:ForkNode a b j:JoinNode n", "s>f f.branch_1>a f.branch_2>b a>j b>j j>n", "n=desk",
			"s f a b j | desk: n",
		},
		{"in a fork", "s:StartNode f:ForkNode a b j:JoinNode n", "s>f f.branch_1>a f.branch_2>b a>j b>j j>n", "a=desk", "a: it would cut one of several parallel branches behind f"},
		{"a value handed over", "s:StartNode v:SetVariableNode n", "s>v v>n v.value=>n.message", "n=desk", "s v | desk: n +v +v__value"},
		{"a value on demand", "s:StartNode a g:GetVariableNode n", "s>a a>n g.value=>n.message", "n=desk", "s a | desk: g n"},
		{"a value for two places", "s:StartNode a g:GetVariableNode n", "s>a a>n g.value=>n.message g.value=>a.message", "n=desk", "g: gives values to nodes that run in different places"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := sketch(c.nodes, c.links)
			for id, n := range d.nodes {
				if m := n.(map[string]any); m["node_type"] == "SetVariableNode" || m["node_type"] == "GetVariableNode" {
					m["config"] = map[string]any{"variable_name": "of_" + id}
				}
			}
			doc := d.read(t, options)
			before := canonicalText(t, doc)
			choice := map[string]string{}
			for f := range strings.FieldsSeq(c.choice) {
				id, place, _ := strings.Cut(f, "=")
				choice[id] = place
			}
			parts, err := Cut(doc, choice, 50)
			got := cutText(parts)
			if err != nil {
				var cut *CutError
				if !errors.As(err, &cut) {
					t.Fatal(err)
				}
				node, reason, _ := strings.Cut(c.want, ": ")
				if cut.Node != node || !strings.Contains(cut.Reason, reason) {
					t.Fatalf("got %s: %s\nwant %s", cut.Node, cut.Reason, c.want)
				}
				return
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, p := range parts {
				again(t, p.Document, options)
			}
			if canonicalText(t, doc) != before {
				t.Error("cutting changed the document")
			}
		})
	}
}

// cutText writes segments in one line, with what was added to fetch values.
func cutText(parts []Segment) string {
	var out []string
	for _, p := range parts {
		line := strings.Join(p.Nodes, " ")
		for _, n := range p.Document.Nodes {
			if added, ok := strings.CutPrefix(n.ID, handed); ok {
				line += " +" + added
			}
		}
		if p.Choice != "" {
			line = p.Choice + ": " + line
		}
		out = append(out, line)
	}
	return strings.Join(out, " | ")
}

// again reads a segment as a robot does.
func again(t interface {
	Fatal(...any)
	Errorf(string, ...any)
}, d *Document, options Options,
) {
	text, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := Parse(text, options)
	if err != nil {
		t.Fatal(err)
	}
	found := Validate(doc, options.Catalog, Policy{})
	if err := found.Err(); err != nil {
		t.Errorf("a robot refuses the segment: %v\n%s", err, text)
	}
	for _, f := range found {
		if f.Code == CodeUnreachable || f.Code == CodeNoEntry {
			t.Errorf("in a segment: %s\n%s", f.Sentence(), text)
		}
	}
}

// Random programs of nested blocks with random places. What is cut keeps the
// order of the flow and cuts no body; what only places blocks of the outermost
// level, behind which the flow goes on for sure, can always be cut.
func TestCutAnyProgram(t *testing.T) {
	options := Options{Catalog: testCatalog(t)}
	rapid.Check(t, func(t *rapid.T) {
		p := &program{draft: &draft{}, t: t, choice: map[string]string{}, depth: map[string]int{}}
		p.deep = rapid.Bool().Draw(t, "places inside")
		p.node("start", "StartNode", nil)
		last := p.blocks([2]string{"start", "exec_out"}, rapid.IntRange(1, 5).Draw(t, "blocks"), 0)
		p.node("end", "EndNode", nil)
		p.link(last[0], last[1], "end", "exec_in")
		doc := p.read(t, options)
		parts, err := Cut(doc, p.choice, 50)
		if err != nil {
			var cut *CutError
			if !errors.As(err, &cut) {
				t.Fatal(err)
			}
			if _, ok := doc.Node(cut.Node); !ok {
				t.Fatalf("the error names %q, which is no node", cut.Node)
			}
			if !p.deep && !p.open {
				t.Fatalf("only whole blocks are placed, and yet: %v", err)
			}
			return
		}
		of := map[string]int{}
		for i, s := range parts {
			for _, id := range s.Nodes {
				if _, twice := of[id]; twice {
					t.Fatalf("node %s is in two segments", id)
				}
				of[id] = i
				if want := p.choice[id]; want != "" && want != s.Choice {
					t.Fatalf("node %s is placed at %s and runs at %q", id, want, s.Choice)
				}
			}
			if i > 0 && p.depth[s.Entry] > 0 {
				t.Fatalf("a cut before %s, which lies in a body", s.Entry)
			}
			again(t, s.Document, options)
		}
		if len(of) != len(doc.Nodes) {
			t.Fatalf("%d of %d nodes are in a segment", len(of), len(doc.Nodes))
		}
		for _, l := range doc.Connections {
			from, to := of[l.SourceNode], of[l.TargetNode]
			if from != to && (to != from+1 || parts[to].Entry != l.TargetNode) {
				t.Fatalf("the flow goes from segment %d into %d by %s, whose entry is %s", from, to, l, parts[to].Entry)
			}
		}
	})
}

type program struct {
	*draft
	t      *rapid.T
	choice map[string]string
	depth  map[string]int
	deep   bool
	open   bool // a way may end in the middle
}

func (p *program) add(typ string, depth int) string {
	id := fmt.Sprintf("n%d", len(p.order))
	p.node(id, typ, nil)
	p.depth[id] = depth
	if depth == 0 || p.deep {
		if place := rapid.SampledFrom([]string{"", "", "desk", "web"}).Draw(p.t, "place"); place != "" {
			p.choice[id] = place
		}
	}
	return id
}

// blocks writes some blocks behind a port and returns the port behind them.
func (p *program) blocks(at [2]string, count, depth int) [2]string {
	for range count {
		at = p.block(at, depth)
	}
	return at
}

func (p *program) block(at [2]string, depth int) [2]string {
	kinds := []string{"LogNode", "LogNode", "IfNode", "half", "ForLoopStartNode", "ForkNode", "TryNode"}
	if depth > 2 {
		kinds = kinds[:1]
	}
	kind := rapid.SampledFrom(kinds).Draw(p.t, "kind")
	if depth > 0 && kind == "half" {
		kind = "IfNode"
	}
	typ := kind
	if kind == "half" {
		typ = "IfNode"
	}
	id := p.add(typ, depth)
	p.link(at[0], at[1], id, "exec_in")
	inner := func(port string) [2]string {
		return p.blocks([2]string{id, port}, rapid.IntRange(1, 2).Draw(p.t, "inner"), depth+1)
	}
	switch kind {
	case "IfNode", "ForkNode":
		ports, typ := []string{"true", "false"}, "MergeNode"
		if kind == "ForkNode" {
			ports, typ = []string{"branch_1", "branch_2"}, "JoinNode"
		}
		var ends [][2]string
		for _, port := range ports {
			ends = append(ends, inner(port))
		}
		meet := fmt.Sprintf("n%d", len(p.order))
		p.node(meet, typ, nil)
		p.depth[meet] = depth
		for _, e := range ends {
			p.link(e[0], e[1], meet, "exec_in")
		}
		return [2]string{meet, "exec_out"}
	case "half":
		p.open = true
		return inner("true")
	case "ForLoopStartNode":
		last := inner("body")
		end := fmt.Sprintf("n%d", len(p.order))
		p.node(end, "ForLoopEndNode", map[string]any{"paired_start_id": id})
		p.depth[end] = depth + 1
		p.link(last[0], last[1], end, "exec_in")
		return [2]string{id, "completed"}
	case "TryNode":
		p.open = true // what follows lies in the body
		return inner("try_body")
	}
	return [2]string{id, "exec_out"}
}

func TestCutIsTheSameEachTime(t *testing.T) {
	options := Options{Catalog: testCatalog(t)}
	doc := sketch("s:StartNode a:SetVariableNode n b", "s>a a>n n>b a.value=>n.message a.value=>b.message")
	doc.nodes["a"].(map[string]any)["config"] = map[string]any{"variable_name": "x"}
	var all []string
	for range 20 {
		parts, err := Cut(doc.read(t, options), map[string]string{"n": "desk"}, 50)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, p := range parts {
			text += canonicalText(t, p.Document)
		}
		all = append(all, text)
	}
	if slices.Sort(all); all[0] != all[len(all)-1] {
		t.Error("the same document was cut in two ways")
	}
}

// A large document in which every branch ends by itself, and one with many places.
func TestCutOfALargeDocument(t *testing.T) {
	options := Options{Catalog: testCatalog(t)}
	d := &draft{}
	d.node("s", "StartNode", nil)
	choice, last := map[string]string{}, "s"
	for i := range 3000 {
		a, b := fmt.Sprint("i", i), fmt.Sprint("x", i)
		d.node(a, "IfNode", nil)
		d.node(b, "LogNode", nil)
		port := "true"
		if i == 0 {
			port = "exec_out"
		}
		d.link(last, port, a, "exec_in")
		d.link(a, "false", b, "exec_in")
		choice[a], last = "desk", a
	}
	_, err := Cut(d.read(t, options), choice, 50)
	var cut *CutError
	if !errors.As(err, &cut) || cut.Node != "i0" && cut.Node != "x0" {
		t.Errorf("%v", err)
	}
	long, each := &draft{}, map[string]string{}
	long.node("s", "StartNode", nil)
	for i := range 60 {
		long.node(fmt.Sprint("n", i), "LogNode", nil)
		each[fmt.Sprint("n", i)] = fmt.Sprint("r", i%2)
		from := "s"
		if i > 0 {
			from = fmt.Sprint("n", i-1)
		}
		long.link(from, "exec_out", fmt.Sprint("n", i), "exec_in")
	}
	if _, err := Cut(long.read(t, options), each, 50); !errors.As(err, &cut) || !cut.TooMany {
		t.Errorf("60 segments: %v", err)
	}
	if parts, err := Cut(long.read(t, options), each, 60); err != nil || len(parts) != 60 {
		t.Errorf("60 segments where 60 may be: %d, %v", len(parts), err)
	}
}

// What begins with _ is not handed on, so nobody behind a cut may need it.
func TestCutTakesNoVariableAway(t *testing.T) {
	options := Options{Catalog: testCatalog(t)}
	for _, c := range []struct{ name, set, use, want string }{
		{"a plain name", "total", "{{total}}", ""},
		{"a private name", "_total", "pay\n{{_total}}", "n uses _total"},
		{"a name with more", "_total", "{{_total_sum}} {{x_total}}", ""},
		{"in the same place", "_total", "", ""},
		{"the engine's own", "total", "{{_job_id}}", ""},
	} {
		d := sketch("s:StartNode v:SetVariableNode n", "s>v v>n")
		d.nodes["v"].(map[string]any)["config"] = map[string]any{"variable_name": c.set}
		d.nodes["n"].(map[string]any)["config"] = map[string]any{"message": c.use}
		parts, err := Cut(d.read(t, options), map[string]string{"n": "desk"}, 50)
		var cut *CutError
		switch {
		case c.want == "" && err != nil, c.want != "" && (!errors.As(err, &cut) || cut.Node != "n" || !strings.Contains(cut.Reason, c.want)):
			t.Errorf("%s: %v", c.name, err)
		case c.name == "the engine's own" && strings.Join(parts[1].Private, " ") != "_job_id":
			t.Errorf("%s: %v", c.name, parts[1].Private)
		}
	}
	d := sketch("s:StartNode _v:SetVariableNode n", "s>_v _v>n _v.value=>n.message")
	d.nodes["_v"].(map[string]any)["config"] = map[string]any{"variable_name": "x"}
	if _, err := Cut(d.read(t, options), map[string]string{"n": "desk"}, 50); err == nil || !strings.Contains(err.Error(), "an id that does not begin with _") {
		t.Errorf("a link from a node of a private name: %v", err)
	}
}
