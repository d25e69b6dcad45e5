package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// program is a document made ready to run: names are numbers, settings have
// their defaults, and what can be known before the run is known. It does not
// change while it runs, so all branches share it.
type program struct {
	doc   *workflow.Document
	nodes []pnode
	byID  map[string]int
	start int
	notes []string
}

// none stands for "no node".
const none = -1

// pnode is one node of a program.
type pnode struct {
	id, typ string
	spec    *Spec
	impl    Node
	special special // set for the nodes that the interpreter runs itself
	config  *value.Map

	data     []dataIn
	flow     []flowOut
	secrets  []string // that its settings refer to, each once
	required []string

	disabled bool
	loopable bool // may run again without being cleared
	strict   bool // rule C2 does not apply
	once     bool // must not run twice
	pulled   bool // evaluated when a consumer needs it (rule C7)
	timeout  time.Duration

	pair   pairing
	region []int // what a further pass clears

	running, completed string // progress messages, made once
}

// pairing holds the partners of a structural node, or none.
type pairing struct {
	start, try, catch, finally, join int
	end                              int // of a loop start: its first end node
}

// dataIn is a data link as its target sees it.
type dataIn struct {
	from     int
	output   string
	input    string
	synonyms []string // what to read when there is no such output (rule C11)
	known    bool     // the target has such an input
}

// flowOut is a flow link as its source sees it.
type flowOut struct {
	port string
	to   int
	exec bool // followed when a node names no port
}

// compile makes a program. It fails for what only a broken or unchecked
// document can hold, in the words of validation.
func compile(doc *workflow.Document, o *Options) (*program, error) {
	doc = doc.WithStart()
	p := &program{doc: doc, byID: make(map[string]int, len(doc.Nodes)), start: none}
	for _, n := range doc.Notes {
		p.notes = append(p.notes, strings.TrimSpace(n.Rule+" "+n.NodeID+": "+n.Text))
	}
	p.nodes = make([]pnode, len(doc.Nodes))
	for i, n := range doc.Nodes {
		if _, twice := p.byID[n.ID]; twice {
			return nil, invalid("DUPLICATE_NODE_ID: Duplicate node ID: %s", n.ID)
		}
		p.byID[n.ID] = i
		if err := p.nodes[i].fill(n, o, doc); err != nil {
			return nil, err
		}
	}
	first, ok := doc.Start()
	if !ok {
		return nil, invalid("NO_ENTRY_POINT: the workflow has no start")
	}
	p.start = p.byID[first.ID]
	for _, c := range doc.Connections {
		if err := p.link(c, o); err != nil {
			return nil, err
		}
	}
	p.findPulled()
	p.findPairs()
	p.findRegions()
	return p, nil
}

func invalid(format string, args ...any) error {
	return &Failure{Type: "WorkflowValidationError", Class: ClassInvalid, Message: fmt.Sprintf(format, args...)}
}

func (n *pnode) fill(src *workflow.Node, o *Options, doc *workflow.Document) error {
	n.id, n.typ, n.spec, n.disabled = src.ID, src.Type, src.Spec, src.Disabled
	n.running, n.completed = "Executing: "+n.id, "Completed: "+n.id
	n.pair = pairing{start: none, try: none, catch: none, finally: none, join: none, end: none}
	n.timeout = o.NodeTimeout
	if n.spec == nil {
		if s, ok := o.Catalog.Type(n.typ); ok {
			n.spec = s
		}
	}
	n.once = doc.Effect(src)
	n.config = src.Config.Clone()
	if n.spec != nil {
		Prepare(o.Catalog, n.spec, n.config)
		n.loopable = n.spec.Loopable
	}
	n.secrets = secretsIn(nil, n.config)
	n.special = specialOf(n.typ)
	if n.special == nil && o.Library != nil {
		n.impl, _ = o.Library.Node(n.typ)
	}
	if n.special == nil && n.impl == nil && !n.disabled {
		return unknownType(src, o)
	}
	switch n.typ {
	case "IfNode", "SwitchNode", "ForLoopStartNode", "WhileLoopStartNode":
		n.strict = true
		n.loopable = true
	case "RetryNode", "TryNode", "CatchNode":
		n.loopable = true
	}
	return nil
}

// link files one connection under its target or its source.
func (p *program) link(c workflow.Connection, o *Options) error {
	from, okFrom := p.byID[c.SourceNode]
	to, okTo := p.byID[c.TargetNode]
	switch {
	case !okFrom:
		return invalid("ORPHANED_CONNECTION: Connection references non-existent source node: %s", c.SourceNode)
	case !okTo:
		return invalid("ORPHANED_CONNECTION: Connection references non-existent target node: %s", c.TargetNode)
	}
	if c.Exec {
		p.nodes[from].flow = append(p.nodes[from].flow, flowOut{
			port: c.SourcePort, to: to, exec: strings.Contains(c.SourcePort, "exec"),
		})
		return nil
	}
	d := dataIn{from: from, output: c.SourcePort, input: c.TargetPort}
	target := &p.nodes[to]
	d.known = hasInput(target, c.TargetPort)
	d.synonyms = synonyms(o.Catalog, p.nodes[from].spec, c.SourcePort)
	target.data = append(target.data, d)
	return nil
}

// synonyms lists what to read instead of an output that a type does not have
// (rule C11); nothing when it has it.
func synonyms(cat *catalog.Catalog, spec *Spec, port string) []string {
	if spec == nil {
		return nil
	}
	if _, ok := spec.Output(port); ok {
		return nil
	}
	list := append(slices.Clone(cat.OutputSynonyms(port)), "result")
	if len(spec.Out) == 1 {
		list = append(list, spec.Out[0].Name)
	}
	return list
}

// hasInput says whether a value may arrive at this port: an input, a property
// (rule C4), or anything at all on types that make ports as they go.
func hasInput(n *pnode, port string) bool {
	if n.spec == nil || n.spec.Abridged || len(n.spec.In) == 0 && len(n.spec.Actions) == 0 && len(n.spec.Properties) == 0 {
		return true
	}
	switch n.typ {
	case "SubflowNode", "CallSubworkflowNode", "ExecuteWorkflowNode", "MergeNode", "JoinNode", "RerouteNode":
		return true
	}
	if _, ok := n.spec.Input(port); ok {
		return true
	}
	if _, ok := n.spec.Property(port); ok {
		return true
	}
	return n.config.Has(port)
}

// findPulled marks the nodes that no flow runs through. A link from the
// automatic start alone does not count, since the original draws it to
// everything that nobody else reaches.
func (p *program) findPulled() {
	reached := make([]bool, len(p.nodes))
	for i := range p.nodes {
		for _, f := range p.nodes[i].flow {
			if p.nodes[i].id != workflow.AutoStart {
				reached[f.to] = true
			}
		}
	}
	feeds := make([]bool, len(p.nodes))
	for i := range p.nodes {
		for _, d := range p.nodes[i].data {
			feeds[d.from] = true
		}
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		n.pulled = i != p.start && !reached[i] && len(n.flow) == 0 && feeds[i] &&
			!strings.Contains(n.typ, "Trigger") && n.typ != "StartNode"
		if n.spec == nil {
			continue
		}
		action, _ := n.config.Get("action")
		for _, in := range n.spec.Ports(value.Str(action)).In {
			if in.Required && !softened(n, in.Name) {
				n.required = append(n.required, in.Name)
			}
		}
	}
}

// softened is rule C3: a required port is no demand when the node has an
// optional property of that name.
func softened(n *pnode, port string) bool {
	p, ok := n.spec.Property(port)
	return ok && !p.Required
}

// unknownType refuses a node in the words of validation.
func unknownType(n *workflow.Node, o *Options) error {
	d := workflow.Diagnostic{Code: workflow.CodeUnknownType, Message: "Unknown node type: " + n.Written}
	spec, known := o.Catalog.Type(n.Type)
	switch {
	case known && spec.Support == catalog.Unsupported:
		d.Code = workflow.CodeUnsupportedType
		d.Message = fmt.Sprintf("Unsupported node type %s: %s", n.Written, spec.Reason)
	case known:
		d.Code = workflow.CodeUnsupportedType
		d.Message = fmt.Sprintf("Unsupported node type %s: this robot does not have it", n.Written)
	}
	return &Failure{Type: "WorkflowValidationError", Class: ClassInvalid, Message: d.String()}
}
