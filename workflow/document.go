package workflow

import (
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Document is one workflow after reading: dialects are resolved, names are
// those of the catalog, links are direct.
type Document struct {
	Metadata    *value.Map // as written; Name and Version read it
	Nodes       []*Node    // in file order
	Connections []Connection
	Variables   []Variable // in file order; later sources override earlier ones
	Settings    *value.Map // as written, settings.fleet included
	Fleet       Fleet      // settings.fleet
	Interface   Interface  // of a subflow
	Extra       *value.Map // other top-level entries, kept for the editor
	Notes       []Note     // what reading had to mend
	SourceHash  string     // SHA-256 of the bytes that were read, in hex

	problems  Diagnostics // what reading could not mend; Validate reports it
	index     map[string]*Node
	startSpec *catalog.Type
}

// Node is one element of the graph.
type Node struct {
	ID       string
	Type     string     // name in the catalog, or as written if it is unknown
	Config   *value.Map // never nil; properties under their names in the catalog
	Disabled bool       // passes its inputs through instead of running
	Name     string     // title given by the author
	Position any        // for the editor

	Spec    *catalog.Type // nil if the type is unknown
	Written string        // the type as the file has it
}

// Setting returns a config value that is neither absent nor null.
func (n *Node) Setting(name string) (any, bool) {
	v, ok := n.Config.Get(name)
	return v, ok && v != nil
}

// Connection links an output to an input. Flow and data are in one list;
// Exec tells them apart.
type Connection struct {
	SourceNode string
	SourcePort string
	TargetNode string
	TargetPort string
	Exec       bool // carries the flow, not a value
}

// String writes the link as a.port -> b.port.
func (c Connection) String() string {
	return c.SourceNode + "." + c.SourcePort + " -> " + c.TargetNode + "." + c.TargetPort
}

// Variable is a declared variable with the value that a run starts with.
type Variable struct {
	Name        string
	Type        string // as written; empty for plain values
	Default     any
	HasDefault  bool // false: declared without a value, so the run starts without it
	Required    bool
	Description string
	Scope       string
}

// Interface is what a subflow takes and gives. Entries are as written: objects
// with at least a name.
type Interface struct {
	Inputs     []any
	Outputs    []any
	Parameters []any // promoted parameters: inner node and property
}

// Note is one thing that reading mended, for the author: the rule (C9, C10,
// C13, C16), the node if there is one, and what was done.
type Note struct {
	Rule   string
	NodeID string
	Text   string
}

// Node finds a node by id.
func (d *Document) Node(id string) (*Node, bool) {
	if d.index == nil {
		for _, n := range d.Nodes {
			if n.ID == id {
				return n, true
			}
		}
		return nil, false
	}
	n, ok := d.index[id]
	return n, ok
}

// Name is the workflow's name, or Untitled.
func (d *Document) Name() string {
	if name, _ := d.Metadata.Get("name"); name != nil {
		if s, ok := name.(string); ok && s != "" {
			return s
		}
	}
	return "Untitled"
}

// Description is the author's description, or empty.
func (d *Document) Description() string {
	v, _ := d.Metadata.Get("description")
	s, _ := v.(string)
	return s
}

// Defaults returns the variables with which a run of the document starts
// (rule C5), in order. The caller adds the job's own on top. The map is new.
func (d *Document) Defaults() *value.Map {
	m := value.NewMap()
	for _, v := range d.Variables {
		if v.HasDefault {
			m.Set(v.Name, value.Clone(v.Default))
		}
	}
	return m
}

// Defaults is Document.Defaults.
func Defaults(d *Document) *value.Map { return d.Defaults() }

func (d *Document) reindex() {
	d.index = make(map[string]*Node, len(d.Nodes))
	for _, n := range d.Nodes {
		if _, twice := d.index[n.ID]; !twice {
			d.index[n.ID] = n
		}
	}
}

func (d *Document) note(rule, node, text string) {
	d.Notes = append(d.Notes, Note{Rule: rule, NodeID: node, Text: text})
}
