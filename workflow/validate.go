package workflow

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Policy is what the caller of Validate decides. The zero value refuses types
// that this version cannot run and warns about suspicious text.
type Policy struct {
	TextGuard Guard
	// Foreign says that robots with executors may run types that this program
	// does not: such types are then a warning.
	Foreign bool
	Limits  Limits
}

// Validate finds everything that is wrong with a document. The order of the
// answer is that of the document: reading, metadata, nodes, connections, the
// graph as a whole, settings.
func Validate(d *Document, cat *catalog.Catalog, policy Policy) Diagnostics {
	v := &validator{doc: d, catalog: cat, policy: policy}
	v.found = append(v.found, d.problems...)
	v.metadata()
	if v.size() {
		v.nodes()
		v.connections()
		v.overwritten()
		v.graph()
	}
	return v.found
}

type validator struct {
	doc     *Document
	catalog *catalog.Catalog
	policy  Policy
	found   Diagnostics
}

func (v *validator) add(d Diagnostic) { v.found = append(v.found, d) }

func (v *validator) fail(d Diagnostic) {
	d.Severity = Error
	v.add(d)
}

// metadata keeps to the original's limits, since its editor refuses what is
// beyond them.
func (v *validator) metadata() {
	m := v.doc.Metadata
	switch name := get(m, "name").(type) {
	case nil:
		v.add(Diagnostic{Code: CodeMissingName, Field: "metadata/name", Message: "the workflow has no name", Hint: "it is called Untitled"})
	case string:
		length := utf8.RuneCountInString(name)
		switch {
		case strings.TrimSpace(name) == "":
			if m.Has("name") {
				v.fail(Diagnostic{Code: CodeInvalidName, Field: "metadata/name", Message: "the name of the workflow is blank"})
			}
		case length > 255:
			v.fail(Diagnostic{Code: CodeInvalidName, Field: "metadata/name", Message: "the name of the workflow is longer than 255 characters"})
		case length > 100:
			v.add(Diagnostic{Code: CodeNameTooLong, Field: "metadata/name", Message: "the name of the workflow is longer than 100 characters"})
		}
	default:
		v.fail(Diagnostic{Code: CodeInvalidName, Field: "metadata/name", Message: "the name of the workflow must be a text, but is " + kind(name)})
	}
	for _, f := range []struct {
		key   string
		limit int
	}{{"description", 10_000}, {"version", 50}} {
		if s, ok := get(m, f.key).(string); ok && utf8.RuneCountInString(s) > f.limit {
			v.fail(Diagnostic{
				Code: CodeTooLong, Field: "metadata/" + f.key,
				Message: fmt.Sprintf("the %s of the workflow is longer than %d characters", f.key, f.limit),
			})
		}
	}
	if s := get(m, "schema_version"); s != nil && s != "1.0.0" {
		v.add(Diagnostic{
			Code: CodeSchemaVersion, Field: "metadata/schema_version",
			Message: fmt.Sprintf("the schema version is %s; this program knows 1.0.0", cut(value.Str(s), 40)),
		})
	}
}

// size tells whether there is a graph to look at.
func (v *validator) size() bool {
	if len(v.doc.Nodes) > 0 {
		return true
	}
	for _, d := range v.doc.problems {
		if strings.HasPrefix(d.Field, "nodes") || d.Code == CodeMissingKey {
			return false // said already
		}
	}
	v.fail(Diagnostic{Code: CodeEmptyWorkflow, Field: "nodes", Message: "Workflow has no nodes", Hint: "add at least one node"})
	return false
}

// nodes checks each node on its own.
func (v *validator) nodes() {
	guard := newTextGuard(v.policy.TextGuard)
	for _, n := range v.doc.Nodes {
		field := "nodes/" + n.ID
		v.nodeType(n, field)
		if n.Position != nil && !isPosition(n.Position) {
			v.add(Diagnostic{
				Code: CodeInvalidPosition, NodeID: n.ID, Field: field + "/position",
				Message: "the position of a node must be a list of two numbers",
			})
		}
		v.settings(n, field)
		v.properties(n, field)
		if d, hit := guard.check(n, field); hit {
			v.add(d)
		}
	}
}

// nodeType refuses what cannot run here, naming the node, the type and why.
func (v *validator) nodeType(n *Node, field string) {
	field += "/node_type"
	severity := Error
	if v.policy.Foreign || n.Disabled {
		severity = Warning // another program may run it, or nothing has to
	}
	if n.Spec == nil {
		hint := "there is no node type with a similar name"
		if near := v.catalog.Nearest(n.Type); near != "" {
			hint = "the nearest known type is " + near
		}
		if v.catalog.Abstract(n.Type) {
			hint = "this is a base class of the original, which no workflow can use"
		}
		v.add(Diagnostic{
			Code: CodeUnknownType, Severity: severity, NodeID: n.ID, Field: field,
			Message: "Unknown node type: " + n.Written, Hint: hint,
		})
		return
	}
	if n.Spec.Support == catalog.Unsupported {
		v.add(Diagnostic{
			Code: CodeUnsupportedType, Severity: severity, NodeID: n.ID, Field: field,
			Message: fmt.Sprintf("Unsupported node type %s: %s", n.Written, n.Spec.Reason),
		})
	}
}

func isPosition(p any) bool {
	list, ok := p.([]any)
	if !ok || len(list) != 2 {
		return false
	}
	for _, x := range list {
		switch x.(type) {
		case int64, float64:
		default:
			return false
		}
	}
	return true
}

// settings warns about values that no choice or range allows. The run goes on
// with them, as in the original.
func (v *validator) settings(n *Node, field string) {
	if n.Spec == nil {
		return
	}
	for _, p := range n.Spec.Properties {
		val, ok := n.Setting(p.Name)
		if !ok || val == "" || hasReference(val) {
			continue
		}
		message := ""
		if len(p.Choices) > 0 && p.Type != "multi" && !isChoice(p.Choices, val) {
			message = fmt.Sprintf("%s is %s, which is none of: %s", p.Name, cut(value.Repr(val), 60), strings.Join(p.Choices, ", "))
		}
		if p.Min != nil || p.Max != nil {
			f, err := value.ToFloat(val)
			switch {
			case err != nil:
				message = fmt.Sprintf("%s is %s, which is not a number", p.Name, cut(value.Repr(val), 60))
			case p.Min != nil && f < *p.Min:
				message = fmt.Sprintf("%s is %s, less than %g", p.Name, cut(value.Str(val), 60), *p.Min)
			case p.Max != nil && f > *p.Max:
				message = fmt.Sprintf("%s is %s, more than %g", p.Name, cut(value.Str(val), 60), *p.Max)
			}
		}
		if message != "" {
			v.add(Diagnostic{Code: CodeInvalidConfig, NodeID: n.ID, Field: field + "/config/" + p.Name, Message: message})
		}
	}
}

// hasReference tells whether a value is only known when the node runs.
func hasReference(v any) bool {
	s, ok := v.(string)
	return ok && (strings.Contains(s, "{{") || strings.Contains(s, "${") || strings.Contains(s, "%"))
}

// isChoice compares without regard to case, since most nodes do.
func isChoice(choices []string, v any) bool {
	s := value.Str(v)
	for _, c := range choices {
		if strings.EqualFold(c, s) {
			return true
		}
	}
	return false
}

// connections checks each link on its own.
func (v *validator) connections() {
	seen := map[Connection]bool{}
	for i, c := range v.doc.Connections {
		field := fmt.Sprintf("connections/%d", i)
		source, okSource := v.doc.Node(c.SourceNode)
		target, okTarget := v.doc.Node(c.TargetNode)
		if !okSource {
			v.fail(Diagnostic{
				Code: CodeOrphaned, Connection: &c, Field: field + "/source_node",
				Message: "Connection references non-existent source node: " + c.SourceNode,
				Hint:    "remove the connection or add the node",
			})
		}
		if !okTarget {
			v.fail(Diagnostic{
				Code: CodeOrphaned, Connection: &c, Field: field + "/target_node",
				Message: "Connection references non-existent target node: " + c.TargetNode,
				Hint:    "remove the connection or add the node",
			})
		}
		if c.SourceNode == c.TargetNode {
			v.fail(Diagnostic{
				Code: CodeSelfConnection, Connection: &c, Field: field,
				Message: "Node is connected to itself: " + c.SourceNode,
			})
		}
		if seen[c] {
			v.add(Diagnostic{
				Code: CodeDuplicateLink, Connection: &c, Field: field,
				Message: "Duplicate connection: " + c.String(),
			})
		}
		seen[c] = true
		if okSource && okTarget {
			v.ports(c, source, target, field)
		}
	}
}

// ports warns about links to ports that do not exist. Types whose ports depend
// on their settings, and those known in outline only, are left alone.
func (v *validator) ports(c Connection, source, target *Node, field string) {
	if c.Exec {
		if target.Spec != nil && !target.Spec.ExecIn && !isTrigger(target) {
			v.add(Diagnostic{
				Code: CodeUnknownPort, Connection: &c, NodeID: target.ID, Field: field + "/target_port",
				Message: fmt.Sprintf("%s does not take part in the flow", target.Type),
			})
		}
		v.flowPorts(c, source, field)
		return
	}
	if v.intoFlow(c, source, target, field) {
		return
	}
	if fixedPorts(source) && !hasOutput(source, c.SourcePort) {
		hint := "the outputs are " + portNames(source.Spec.Out)
		for _, other := range v.catalog.OutputSynonyms(c.SourcePort) {
			if hasOutput(source, other) {
				hint = other + " is read instead (rule C11)"
				break
			}
		}
		v.add(Diagnostic{
			Code: CodeUnknownPort, Connection: &c, NodeID: source.ID, Field: field + "/source_port",
			Message: fmt.Sprintf("%s has no output %s", source.Type, cut(c.SourcePort, 60)), Hint: hint,
		})
	}
	if !fixedPorts(target) || hasInput(target, c.TargetPort) {
		return
	}
	if _, property := target.Spec.Property(c.TargetPort); property {
		return
	}
	v.add(Diagnostic{
		Code: CodeUnknownPort, Connection: &c, NodeID: target.ID, Field: field + "/target_port",
		Message: fmt.Sprintf("%s has no input %s", target.Type, cut(c.TargetPort, 60)),
		Hint:    "the inputs are " + portNames(target.Spec.In),
	})
}

// fixedPorts says whether the catalog knows all ports of a node.
func fixedPorts(n *Node) bool {
	if n.Spec == nil || n.Spec.Abridged || n.Spec.Actions != nil || n.Spec.Added {
		return false
	}
	switch n.Type {
	case "SubflowNode", "CallSubworkflowNode", "ExecuteWorkflowNode", "CreateListNode", "CreateDictNode", rerouteType:
		return false
	}
	return true
}

func portNames(ports []catalog.Port) string {
	names := make([]string, 0, len(ports))
	for _, p := range ports {
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
