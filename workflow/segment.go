package workflow

import (
	"fmt"

	"github.com/casarerpa/fleet/workflow/value"
)

// Segment is a stretch of the flow that runs in one place. It is a document of
// its own: it has a start, its nodes as they are, and what hands over to it the
// values that links take from nodes of segments before.
type Segment struct {
	Choice   string    // what Cut was told of its nodes; empty: nothing
	Entry    string    // the first node of the document that runs in it
	Nodes    []string  // of the document, in file order
	Private  []string  // names that no segment hands on and that its nodes mention; see Private
	Document *Document // what a robot runs
}

// CutError says that a document cannot be cut where its nodes ask for it.
type CutError struct {
	Node    string
	Reason  string // a sentence
	TooMany bool   // it could be cut, but into more segments than are allowed
}

func (e *CutError) Error() string { return e.Reason }

// SegmentStart is the id of the start node of a segment behind the first.
const SegmentStart = "__segment_start__"

// handed begins the ids of nodes that fetch a value handed over. Variables of
// nodes whose ids begin with an underscore are not handed on.
const handed = "__handed__"

// Cut cuts a document into segments along its flow: between two nodes that are
// to run in different places. choice says where by node id; nodes with the same
// word belong together, those without one make segments of their own. A node in
// the body of a loop, a try, a retry or a branch that says nothing goes where the
// node goes that the body belongs to; a start, an end, a merge or a reroute, and a disabled
// node go with their neighbours.
//
// The segments come in the order in which they run, and each node of the document
// is in exactly one. A cut is possible only where the whole flow passes: each
// way through the document goes through the entry of each segment, once. All
// else is a [CutError], and so are more segments than most. The document must
// have been validated.
func Cut(d *Document, choice map[string]string, most int) ([]Segment, error) {
	c := newCutter(d.WithStart(), choice)
	c.inherit()
	entries, err := c.entries(most - 1)
	if err != nil {
		return nil, err
	}
	of, err := c.number(entries)
	if err != nil {
		return nil, err
	}
	private, err := c.private(of, len(entries)+1)
	if err != nil {
		return nil, err
	}
	out := make([]Segment, len(entries)+1)
	for i := range out {
		out[i].Private = private[i]
		out[i].Entry = c.doc.Nodes[c.start].ID
		if i > 0 {
			out[i].Entry = c.doc.Nodes[entries[i-1]].ID
		}
		out[i].Choice = c.choice[c.flow.number[out[i].Entry]]
	}
	for i, n := range c.doc.Nodes {
		if i < len(d.Nodes) { // the automatic start is none of them
			out[of[i]].Nodes = append(out[of[i]].Nodes, n.ID)
		}
	}
	for i := range out {
		if out[i].Document, err = c.slice(of, i, out[i].Entry, len(out)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// slice makes the document of one segment.
func (c *cutter) slice(of []int, segment int, entry string, count int) (*Document, error) {
	d := &Document{
		Metadata: c.doc.Metadata, Variables: c.doc.Variables, Extra: c.doc.Extra, startSpec: c.doc.startSpec,
		Settings: c.settings(of, segment, count),
	}
	inside := func(id string) bool { n, ok := c.flow.number[id]; return ok && of[n] == segment }
	for i, n := range c.doc.Nodes {
		if of[i] == segment {
			d.Nodes = append(d.Nodes, n)
		}
	}
	if segment > 0 {
		d.Nodes = append(d.Nodes, &Node{ID: SegmentStart, Type: startType, Written: startType, Config: value.NewMap(), Spec: c.doc.startSpec})
		d.Connections = append(d.Connections, Connection{SourceNode: SegmentStart, SourcePort: "exec_out", TargetNode: entry, TargetPort: "exec_in", Exec: true})
	}
	fetched := map[string]bool{}
	for _, link := range c.doc.Connections {
		from, to := inside(link.SourceNode), inside(link.TargetNode)
		source, known := c.flow.number[link.SourceNode]
		switch {
		case from && to:
			d.Connections = append(d.Connections, link)
		case link.Exec || !to || !known || of[source] > segment: // a value that comes later never comes
		default:
			if err := c.fetch(d, link, fetched); err != nil {
				return nil, err
			}
		}
	}
	d.reindex()
	return d, nil
}

// fetch takes a value of an earlier segment out of the variable that has the
// outputs of its node.
func (c *cutter) fetch(d *Document, link Connection, done map[string]bool) error {
	source, _ := c.doc.Node(link.SourceNode)
	if Private(link.SourceNode) {
		return &CutError{Node: link.TargetNode, Reason: fmt.Sprintf("Node %s takes %s from node %s, which runs in another place, and outputs of a node of such a name are not handed on. Give it an id that does not begin with _.", link.TargetNode, link.SourcePort, link.SourceNode)}
	}
	if source.Spec != nil {
		port, ok := source.Spec.Output(link.SourcePort)
		switch {
		case !ok && !source.Spec.Abridged:
			return &CutError{Node: link.TargetNode, Reason: fmt.Sprintf("Node %s takes %s from node %s, which runs in another place and has no such output. Link it to an output that it has.", link.TargetNode, link.SourcePort, link.SourceNode)}
		case ok && is("page", "browser", "obj")(port.Type):
			return &CutError{Node: link.TargetNode, Reason: fmt.Sprintf("Node %s takes a %s from node %s, and such a thing cannot be handed to another robot. Place both together.", link.TargetNode, port.Type, link.SourceNode)}
		}
	}
	variable, member := handed+link.SourceNode, handed+link.SourceNode+"__"+link.SourcePort
	if !done[variable] {
		done[variable] = true
		d.Nodes = append(d.Nodes, &Node{ID: variable, Type: "GetVariableNode", Config: value.MapOf("variable_name", link.SourceNode)})
	}
	if !done[member] {
		done[member] = true
		d.Nodes = append(d.Nodes, &Node{ID: member, Type: "DictGetNode", Config: value.MapOf("key", link.SourcePort)})
		d.Connections = append(d.Connections, Connection{SourceNode: variable, SourcePort: "value", TargetNode: member, TargetPort: "dict"})
	}
	d.Connections = append(d.Connections, Connection{SourceNode: member, SourcePort: "value", TargetNode: link.TargetNode, TargetPort: link.TargetPort})
	return nil
}

// settings are those of the document without what other segments need.
func (c *cutter) settings(of []int, segment, count int) *value.Map {
	settings, _ := value.Clone(orEmpty(c.doc.Settings)).(*value.Map)
	m, ok := get(settings, "fleet").(*value.Map)
	if !ok {
		return settings
	}
	m.Delete("nodes")
	if segment > 0 {
		m.Delete("inputs")
	}
	if segment < count-1 {
		m.Delete("outputs")
	}
	if effects, ok := get(m, "effects").(*value.Map); ok {
		for _, id := range effects.Keys() {
			if n, ok := c.flow.number[id]; !ok || of[n] != segment {
				effects.Delete(id)
			}
		}
	}
	return settings
}
