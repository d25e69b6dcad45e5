package workflow

import (
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Fleet is settings.fleet: what a document asks of this product beyond what
// the original knows. The parts that the orchestrator checks against its own
// tables are kept as written.
type Fleet struct {
	Placement   *value.Map // demands, preferences and fall-back; nil if there is none
	Nodes       *value.Map // node id → {placement, robot_id, required_capabilities, same_as, reason, is_active}
	Inputs      *value.Map // JSON Schema of the job's variables
	Outputs     *value.Map // JSON Schema of the result
	Retry       *value.Map
	Timeouts    *value.Map
	Capture     *value.Map
	Effects     map[string]bool // node id → acts on the outside world and must not run twice
	Secrets     []string        // names of the secrets that the workflow reads
	RetrySafety string          // always, until_effect, never; empty: the default
	Derive      bool            // demands follow from the node types; true unless switched off
}

func fleetKeys() []string {
	return []string{
		"placement", "nodes", "inputs", "outputs", "retry", "timeouts", "effects",
		"secrets", "capture", "retry_safety", "derive",
	}
}

func placementKeys() []string {
	return []string{
		"target_robot_id", "capabilities", "tags", "pool", "environment", "facts",
		"avoid", "prefer", "fallback", "sticky", "only_assigned",
	}
}

func nodePlacementKeys() []string {
	return []string{"placement", "robot_id", "required_capabilities", "same_as", "reason", "is_active"}
}

// readFleet fills Document.Fleet and tells what is wrong with it.
func (r *reader) readFleet() Diagnostics {
	f := &r.doc.Fleet
	f.Derive = true
	f.Effects = map[string]bool{}
	v, ok := r.doc.Settings.Get("fleet")
	if !ok || v == nil {
		return nil
	}
	s := &settingReader{doc: r.doc}
	m := s.object("settings/fleet", v)
	if m == nil {
		return s.problems
	}
	s.known("settings/fleet", m, fleetKeys())
	for key, v := range m.All() {
		field := "settings/fleet/" + key
		switch key {
		case "placement":
			f.Placement = s.object(field, v)
			s.placement(field, f.Placement)
		case "nodes":
			f.Nodes = s.object(field, v)
			s.perNode(field, f.Nodes)
		case "inputs":
			f.Inputs = s.object(field, v)
		case "outputs":
			f.Outputs = s.object(field, v)
		case "retry":
			f.Retry = s.object(field, v)
		case "timeouts":
			f.Timeouts = s.object(field, v)
		case "capture":
			f.Capture = s.object(field, v)
		case "effects":
			s.effects(field, v, f.Effects)
		case "secrets":
			f.Secrets = s.texts(field, v)
		case "retry_safety":
			f.RetrySafety = s.choice(field, v, "always", "until_effect", "never")
		case "derive":
			b, isBool := v.(bool)
			if !isBool {
				s.wrong(field, "true or false", v)
			}
			f.Derive = b || !isBool
		}
	}
	return s.problems
}

// settingReader collects what is wrong with settings.
type settingReader struct {
	doc      *Document
	problems Diagnostics
}

func (s *settingReader) add(code Code, field, message, hint string) {
	s.problems = append(s.problems, Diagnostic{
		Code: code, Severity: Error, Field: field, Message: message, Hint: hint,
	})
}

func (s *settingReader) wrong(field, want string, got any) {
	s.add(CodeInvalidSetting, field, fmt.Sprintf("%s must be %s, but is %s", field, want, kind(got)), "")
}

func (s *settingReader) object(field string, v any) *value.Map {
	m, ok := v.(*value.Map)
	if !ok {
		s.wrong(field, "an object", v)
		return nil
	}
	return m
}

// texts reads a list of names; an empty one would mean nothing.
func (s *settingReader) texts(field string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		s.wrong(field, "a list of texts", v)
		return nil
	}
	var out []string
	for i, item := range list {
		text, isText := item.(string)
		if !isText || text == "" {
			s.wrong(fmt.Sprintf("%s/%d", field, i), "a text that is not empty", item)
			continue
		}
		out = append(out, text)
	}
	return out
}

func (s *settingReader) choice(field string, v any, choices ...string) string {
	text, ok := v.(string)
	for _, c := range choices {
		if ok && text == c {
			return text
		}
	}
	hint := "allowed are " + strings.Join(choices, ", ")
	if near := catalog.Closest(text, choices); near != "" {
		hint += ", perhaps " + near
	}
	s.add(CodeInvalidSetting, field, fmt.Sprintf("%s has the unknown value %s", field, cut(value.Repr(v), 60)), hint)
	return ""
}

// known refuses keys that nothing reads, since a mistyped demand would
// otherwise be ignored in silence.
func (s *settingReader) known(field string, m *value.Map, keys []string) {
	for key := range m.All() {
		found := false
		for _, k := range keys {
			found = found || k == key
		}
		if found {
			continue
		}
		hint := ""
		if near := catalog.Closest(key, keys); near != "" {
			hint = "the nearest known key is " + near
		}
		s.add(CodeUnknownSetting, field+"/"+key, fmt.Sprintf("unknown key %q in %s", cut(key, 60), field), hint)
	}
}

// placement checks the names of the demands; whether any robot can meet them is
// for the orchestrator to say.
func (s *settingReader) placement(field string, m *value.Map) {
	if m == nil {
		return
	}
	s.known(field, m, placementKeys())
	for _, key := range []string{"capabilities", "tags"} {
		if v, ok := m.Get(key); ok {
			s.texts(field+"/"+key, v)
		}
	}
}

// perNode checks the choices for single nodes.
func (s *settingReader) perNode(field string, m *value.Map) {
	for id, v := range m.All() {
		at := field + "/" + id
		s.nodeExists(at, id)
		entry := s.object(at, v)
		if entry == nil {
			continue
		}
		s.known(at, entry, nodePlacementKeys())
		if p, ok := entry.Get("placement"); ok {
			if placement := s.object(at+"/placement", p); placement != nil {
				s.known(at+"/placement", placement, append(placementKeys(), "same_as"))
			}
		}
	}
}

// effects reads which nodes must not run twice. An object with details says
// yes as well as true does.
func (s *settingReader) effects(field string, v any, into map[string]bool) {
	m := s.object(field, v)
	for id, entry := range m.All() {
		s.nodeExists(field+"/"+id, id)
		switch e := entry.(type) {
		case bool:
			into[id] = e
		case *value.Map:
			into[id] = true
		default:
			s.wrong(field+"/"+id, "true, false or an object", entry)
		}
	}
}

func (s *settingReader) nodeExists(field, id string) {
	if _, ok := s.doc.Node(id); !ok {
		s.add(CodeUnknownNode, field, fmt.Sprintf("%s names the node %q, which the workflow does not have", field, cut(id, 60)), "")
	}
}
