package workflow

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// readConnections reads links in any of the four shapes, ports as written.
func (r *reader) readConnections(body *value.Map) []Connection {
	v, ok := body.Get("connections")
	if !ok || v == nil {
		return nil
	}
	list, isList := v.([]any)
	if !isList {
		r.wrongType("connections", "a list", v)
		return nil
	}
	if !r.fits("connections", len(list), r.limits.Connections) {
		return nil
	}
	links := make([]Connection, 0, len(list))
	for i, entry := range list {
		field := fmt.Sprintf("connections/%d", i)
		m, isMap := entry.(*value.Map)
		if !isMap {
			r.wrongType(field, "an object", entry)
			continue
		}
		if link, ok := r.readConnection(m, field); ok {
			links = append(links, link)
		}
	}
	return links
}

// readConnection tells the shapes apart by their keys. A link of a known shape
// with something missing is an error; an unknown shape is only ignored, as the
// original does.
func (r *reader) readConnection(m *value.Map, field string) (Connection, bool) {
	var c Connection
	switch {
	case hasAny(m, "source_node", "source_port", "target_node", "target_port"):
		return r.named(m, field, "source_node", "source_port", "target_node", "target_port")
	case hasAny(m, "from_node", "from_port", "to_node", "to_port"):
		r.once("C13", "connections were read from the form from_node, from_port, to_node, to_port")
		return r.named(m, field, "from_node", "from_port", "to_node", "to_port")
	case m.Has("out") && m.Has("in"):
		r.once("C13", "connections were read from the form out, in")
		var okOut, okIn bool
		c.SourceNode, c.SourcePort, okOut = pair(get(m, "out"))
		c.TargetNode, c.TargetPort, okIn = pair(get(m, "in"))
		if okOut && okIn {
			return c, r.portsFit(c, field)
		}
	case m.Has("source") && m.Has("target"):
		r.once("C13", "connections were read from the form source, target")
		var okSource, okTarget bool
		c.SourceNode, c.SourcePort, okSource = r.dotted(get(m, "source"))
		c.TargetNode, c.TargetPort, okTarget = r.dotted(get(m, "target"))
		if okSource && okTarget {
			return c, r.portsFit(c, field)
		}
	default:
		// A link that names no ports says nothing that could be followed.
		r.doc.problems = append(r.doc.problems, Diagnostic{
			Code: CodeIgnoredConnection, Severity: Warning, Field: field,
			Message: "a connection in an unknown form is ignored",
			Hint:    "write source_node, source_port, target_node and target_port",
		})
		return c, false
	}
	r.problem(Diagnostic{
		Code: CodeMissingField, Field: field, Message: "Connection does not name a node and a port at both ends",
		Hint: "write source_node, source_port, target_node and target_port",
	})
	return c, false
}

func hasAny(m *value.Map, keys ...string) bool {
	return slices.ContainsFunc(keys, m.Has)
}

// named reads a shape with four entries of its own.
func (r *reader) named(m *value.Map, field string, keys ...string) (Connection, bool) {
	var parts [4]string
	for i, key := range keys {
		parts[i] = idText(get(m, key))
		if parts[i] == "" {
			r.problem(Diagnostic{
				Code: CodeMissingField, Field: field + "/" + key,
				Message: "Connection is missing required field: " + key,
			})
			return Connection{}, false
		}
	}
	c := Connection{SourceNode: parts[0], SourcePort: parts[1], TargetNode: parts[2], TargetPort: parts[3]}
	return c, r.portsFit(c, field)
}

// portsFit bounds the names at both ends.
func (r *reader) portsFit(c Connection, field string) bool {
	for _, port := range []string{c.SourcePort, c.TargetPort} {
		if utf8.RuneCountInString(port) > maxPortLength {
			r.tooLong(field, "the name of a port", maxPortLength)
			return false
		}
	}
	for _, id := range []string{c.SourceNode, c.TargetNode} {
		if utf8.RuneCountInString(id) > maxIDLength {
			r.tooLong(field, "the id of a node", maxIDLength)
			return false
		}
	}
	return true
}

// pair reads [id, port].
func pair(v any) (id, port string, ok bool) {
	list, _ := v.([]any)
	if len(list) != 2 {
		return "", "", false
	}
	id, port = idText(list[0]), idText(list[1])
	return id, port, id != "" && port != ""
}

// dotted reads "id.port". Ids may hold dots themselves, so the longest id that
// exists wins, else the last dot separates.
func (r *reader) dotted(v any) (id, port string, ok bool) {
	s, _ := v.(string)
	last := strings.LastIndexByte(s, '.')
	for at := last; at > 0; at = strings.LastIndexByte(s[:at], '.') {
		if r.ids[s[:at]] {
			return s[:at], s[at+1:], at+1 < len(s)
		}
	}
	if last <= 0 || last+1 == len(s) {
		return "", "", false
	}
	return s[:last], s[last+1:], true
}

// renamePorts gives ports the names of the catalog and marks the links that
// carry the flow. A port that the type has under the written name keeps it.
func (r *reader) renamePorts(links []Connection) []Connection {
	for i := range links {
		c := &links[i]
		source, target := r.doc.index[c.SourceNode], r.doc.index[c.TargetNode]
		if to, ok := execOutName(c.SourcePort); ok && !hasOutput(source, c.SourcePort) {
			c.SourcePort = to
			r.once("C13", "ports were renamed to those of the catalog")
		}
		if c.TargetPort == "in" && !hasInput(target, "in") {
			c.TargetPort = "exec_in"
			r.once("C13", "ports were renamed to those of the catalog")
		}
		c.Exec = sourceIsExec(source, c.SourcePort)
		if !c.Exec && target != nil && target.Spec != nil {
			r.renameInput(c, target)
		}
	}
	return links
}

// execOutName translates the flow ports of templates.
func execOutName(port string) (string, bool) {
	switch port {
	case "out":
		return "exec_out", true
	case "loop", "loop_body":
		return "body", true
	case "loop_complete":
		return "completed", true
	}
	return "", false
}

func hasOutput(n *Node, port string) bool {
	if n == nil || n.Spec == nil {
		return false
	}
	_, ok := n.Spec.Output(port)
	return ok
}

func hasInput(n *Node, port string) bool {
	if n == nil || n.Spec == nil {
		return false
	}
	_, ok := n.Spec.Input(port)
	return ok
}

// sourceIsExec asks the catalog, and goes by the name for unknown types.
func sourceIsExec(n *Node, port string) bool {
	if n != nil && n.Spec != nil {
		return n.Spec.IsExecOut(port)
	}
	return execName(port)
}

// renameInput applies the property aliases (C10) to a link into a property
// whose name the type does not have.
func (r *reader) renameInput(c *Connection, target *Node) {
	if hasInput(target, c.TargetPort) {
		return
	}
	if _, own := target.Spec.Property(c.TargetPort); own {
		return
	}
	for _, a := range r.catalog.PropertyAliases(target.Type) {
		if a.From == c.TargetPort && a.From != a.To && a.Scale == 0 {
			r.doc.note("C10", target.ID, fmt.Sprintf("the input %s was read as %s", a.From, a.To))
			c.TargetPort = a.To
			return
		}
	}
}
