package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/casarerpa/fleet/workflow/value"
)

// Canonical writes the document in the one form that is written here: compact
// JSON with metadata, nodes, connections, variables and settings in this order,
// everything inside in file order. It fails when reading found something that
// cannot be represented, such as a node without a type.
func Canonical(d *Document) ([]byte, error) {
	if err := d.problems.Err(); err != nil {
		return nil, fmt.Errorf("write the canonical form: %w", err)
	}
	out, err := value.Marshal(d.Map())
	if err != nil {
		return nil, fmt.Errorf("write the canonical form: %w", err)
	}
	return out, nil
}

// Hash is the SHA-256 of the canonical form, in hex: the identity of a
// workflow version.
func Hash(d *Document) (string, error) {
	data, err := Canonical(d)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Map returns the canonical form as a value, for callers that go on working
// with it. It shares configs and settings with the document.
func (d *Document) Map() *value.Map {
	m := value.NewMap()
	m.Set("metadata", orEmpty(d.Metadata))
	nodes := value.NewMap()
	for _, n := range d.Nodes {
		nodes.Set(n.ID, n.canonical())
	}
	m.Set("nodes", nodes)
	links := make([]any, 0, len(d.Connections))
	for _, c := range d.Connections {
		links = append(links, value.MapOf(
			"source_node", c.SourceNode, "source_port", c.SourcePort,
			"target_node", c.TargetNode, "target_port", c.TargetPort,
		))
	}
	m.Set("connections", links)
	variables := value.NewMap()
	for _, v := range d.Variables {
		variables.Set(v.Name, v.canonical())
	}
	m.Set("variables", variables)
	m.Set("settings", orEmpty(d.Settings))
	for key, v := range d.Extra.All() {
		if !m.Has(key) {
			m.Set(key, v)
		}
	}
	return m
}

func orEmpty(m *value.Map) *value.Map {
	if m == nil {
		return value.NewMap()
	}
	return m
}

// canonical writes a node without what the editor leaves behind in it.
func (n *Node) canonical() *value.Map {
	config := n.Config
	if n.Disabled {
		config = config.Clone()
		config.Set("_disabled", true)
	}
	m := value.MapOf("node_id", n.ID, "node_type", n.Type)
	if n.Name != "" {
		m.Set("name", n.Name)
	}
	m.Set("config", orEmpty(config))
	if n.Position != nil {
		m.Set("position", n.Position)
	}
	return m
}

// canonical writes the plain value where that says everything.
func (v Variable) canonical() any {
	m, isMap := v.Default.(*value.Map)
	plain := v.HasDefault && v.Type == "" && !v.Required && v.Description == "" && v.Scope == ""
	if plain && (!isMap || !isDeclaration(m)) {
		return v.Default
	}
	out := value.MapOf("type", v.Type)
	if v.HasDefault {
		out.Set("default_value", v.Default)
	}
	if v.Required {
		out.Set("required", true)
	}
	if v.Description != "" {
		out.Set("description", v.Description)
	}
	if v.Scope != "" {
		out.Set("scope", v.Scope)
	}
	return out
}
