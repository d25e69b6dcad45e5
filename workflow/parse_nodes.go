package workflow

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Longest names, in characters, as in the original.
const (
	maxIDLength   = 256
	maxTypeLength = 128
	maxPortLength = 128
)

// readNodes reads the nodes from an object by id or from a list.
func (r *reader) readNodes(body *value.Map) {
	v, ok := body.Get("nodes")
	if !ok {
		r.problem(Diagnostic{
			Code: CodeMissingKey, Field: "nodes", Message: "Missing required key: nodes",
			Hint: "a workflow has an object nodes with one entry for each node id",
		})
		return
	}
	switch nodes := v.(type) {
	case *value.Map:
		if !r.fits("nodes", nodes.Len(), r.limits.Nodes) {
			return
		}
		for id, entry := range nodes.All() {
			r.readNode(id, entry)
		}
	case []any:
		if !r.fits("nodes", len(nodes), r.limits.Nodes) {
			return
		}
		r.once("C13", "nodes were read from a list")
		for i, entry := range nodes {
			r.readNode(listID(entry, i), entry)
		}
	default:
		r.wrongType("nodes", "an object", v)
	}
}

// fits refuses before anything is built of a list that is too long.
func (r *reader) fits(what string, n, limit int) bool {
	if n <= limit {
		return true
	}
	r.problem(Diagnostic{
		Code: CodeLimit, Field: what,
		Message: fmt.Sprintf("the workflow has %d %s; at most %d are allowed", n, what, limit),
	})
	return false
}

// listID is the id of an entry of a list of nodes.
func listID(entry any, i int) string {
	if m, ok := entry.(*value.Map); ok {
		for _, key := range []string{"node_id", "id"} {
			if id := idText(get(m, key)); id != "" {
				return id
			}
		}
	}
	return strconv.Itoa(i)
}

// idText reads an id; some dialects write numbers.
func idText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// readNode reads one node. One that cannot be represented is left out and
// reported; links to it are then reported as well, which is true and harmless.
func (r *reader) readNode(id string, entry any) {
	field := "nodes/" + id
	m, ok := entry.(*value.Map)
	if !ok {
		r.wrongType(field, "an object", entry)
		return
	}
	switch {
	case id == "":
		r.problem(Diagnostic{Code: CodeMissingField, Field: "nodes", Message: "a node has an empty id"})
		return
	case utf8.RuneCountInString(id) > maxIDLength:
		r.tooLong(field, "the id of a node", maxIDLength)
		return
	}
	if r.ids[id] {
		r.problem(Diagnostic{Code: CodeDuplicateNode, NodeID: id, Field: field, Message: "Duplicate node ID: " + id})
		return
	}
	r.ids[id] = true
	n := &Node{ID: id, Position: position(m), Name: firstText(m, "name", "display_name")}
	if !r.readType(n, m, field) {
		return
	}
	if own, has := m.Get("node_id"); has && own != nil && idText(own) != id && !isReroute(n) {
		r.problem(Diagnostic{
			Code: CodeIDMismatch, NodeID: id, Field: field + "/node_id",
			Message: fmt.Sprintf("node_id %q differs from its key %q", idText(own), id),
			Hint:    "write the same id in both places",
		})
	}
	r.readConfig(n, m, field)
	r.doc.Nodes = append(r.doc.Nodes, n)
}

func (r *reader) tooLong(field, what string, limit int) {
	r.problem(Diagnostic{
		Code: CodeTooLong, Field: cut(field, 80),
		Message: fmt.Sprintf("%s is longer than %d characters", what, limit),
	})
}

// cut shortens a text for a message.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

// readType finds the node's type under any of its names.
func (r *reader) readType(n *Node, m *value.Map, field string) bool {
	var key string
	for _, k := range []string{"node_type", "type", "type_"} {
		if s, ok := get(m, k).(string); ok && s != "" {
			key, n.Written = k, s
			break
		}
	}
	if n.Written == "" {
		r.problem(Diagnostic{
			Code: CodeMissingField, NodeID: n.ID, Field: field + "/node_type",
			Message: "Node is missing required field: node_type",
			Hint:    "write the name of a node type, such as LogNode",
		})
		return false
	}
	if utf8.RuneCountInString(n.Written) > maxTypeLength {
		r.tooLong(field+"/node_type", "the type of a node", maxTypeLength)
		return false
	}
	if key != "node_type" {
		r.once("C13", "node types were read from the entry "+key)
	}
	n.Type = n.Written
	if spec, ok := r.catalog.Type(n.Written); ok {
		n.Spec = spec
		return true
	}
	if to, ok := r.catalog.Alias(n.Written); ok {
		n.Type = to
		n.Spec, _ = r.catalog.Type(to)
		rule := "C9"
		if strings.HasSuffix(n.Written, "Visual"+to) {
			rule = "C13"
		}
		r.doc.note(rule, n.ID, fmt.Sprintf("the type %s was read as %s", n.Written, to))
	}
	return true
}

func firstText(m *value.Map, keys ...string) string {
	for _, key := range keys {
		if s, ok := get(m, key).(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// position reads [x, y] and the form {x, y}; anything else is kept as it is,
// for Validate to warn about.
func position(m *value.Map) any {
	for _, key := range []string{"position", "pos"} {
		v := get(m, key)
		if v == nil {
			continue
		}
		if p, ok := v.(*value.Map); ok && p.Len() == 2 && p.Has("x") && p.Has("y") {
			return []any{get(p, "x"), get(p, "y")}
		}
		return v
	}
	return nil
}

// leftovers of the editor that mean nothing to a run.
func leftover(n *Node, key string) bool {
	switch key {
	case "_is_running", "_is_completed", "_disabled":
		return true
	case "status", "node_id":
		if n.Spec == nil {
			return true
		}
		_, property := n.Spec.Property(key)
		_, input := n.Spec.Input(key)
		return !property && !input
	}
	return false
}

// readConfig takes the first of the three names that is there, leaves out what
// the editor left behind and gives properties their right names.
func (r *reader) readConfig(n *Node, m *value.Map, field string) {
	n.Config = value.NewMap()
	for _, key := range []string{"config", "properties", "custom"} {
		v, ok := m.Get(key)
		if !ok || v == nil {
			continue
		}
		config, isMap := v.(*value.Map)
		if !isMap {
			r.problem(Diagnostic{
				Code: CodeInvalidConfig, NodeID: n.ID, Field: field + "/config",
				Message: "the config of a node must be an object, but is " + kind(v),
			})
			return
		}
		if key != "config" {
			r.once("C13", "node settings were read from the entry "+key)
		}
		if disabled, ok := config.Get("_disabled"); ok {
			n.Disabled = value.ToBool(disabled)
		}
		for name, val := range config.All() {
			if !leftover(n, name) {
				n.Config.Set(name, val)
			}
		}
		break
	}
	if at, long := longText(n.Config, r.limits.Text); long {
		r.problem(Diagnostic{
			Code: CodeInvalidConfig, NodeID: n.ID, Field: field + "/config/" + at,
			Message: fmt.Sprintf("a text in the config is longer than %d bytes", r.limits.Text),
		})
	}
	r.renameProperties(n)
}

// longText returns the first key that holds a text over the limit.
func longText(m *value.Map, limit int) (string, bool) {
	for key, v := range m.All() {
		if tooLong(v, limit) {
			return key, true
		}
	}
	return "", false
}

func tooLong(v any, limit int) bool {
	switch v := v.(type) {
	case string:
		return len(v) > limit
	case []any:
		for _, item := range v {
			if tooLong(item, limit) {
				return true
			}
		}
	case *value.Map:
		_, long := longText(v, limit)
		return long
	}
	return false
}

// renameProperties puts settings under the names of the catalog (rule C10). A
// name that the type has itself is never taken as another one's alias, and a
// setting that is there under its right name wins.
func (r *reader) renameProperties(n *Node) {
	if n.Spec == nil {
		return
	}
	for _, a := range r.catalog.PropertyAliases(n.Type) {
		v, ok := n.Config.Get(a.From)
		if !ok || v == nil {
			continue
		}
		if a.From == a.To {
			if s, isText := v.(string); isText {
				if to, found := a.Values[s]; found {
					n.Config.Set(a.From, to)
					r.doc.note("C10", n.ID, fmt.Sprintf("%s %q was read as %q", a.From, s, to))
				}
			}
			continue
		}
		if _, own := n.Spec.Property(a.From); own {
			continue
		}
		if old, has := n.Config.Get(a.To); has && old != nil && old != "" {
			continue
		}
		moved, ok := scaled(v, a)
		if !ok {
			continue
		}
		n.Config = renameKey(n.Config, a.From, a.To, moved)
		r.doc.note("C10", n.ID, fmt.Sprintf("the property %s was read as %s", a.From, a.To))
	}
}

// scaled converts between units. A value that cannot be converted before the
// run, such as a reference, stays where it is.
func scaled(v any, a catalog.PropertyAlias) (any, bool) {
	if a.Scale == 0 {
		return v, true
	}
	f, err := value.ToFloat(v)
	if err != nil {
		return nil, false
	}
	return f * a.Scale, true
}

// renameKey keeps the place of the setting, since the order of a config shows
// in the canonical form.
func renameKey(m *value.Map, from, to string, v any) *value.Map {
	out := value.NewMap()
	for key, val := range m.All() {
		switch key {
		case from:
			out.Set(to, v)
		case to: // empty, replaced by the value under its other name
		default:
			out.Set(key, val)
		}
	}
	return out
}
