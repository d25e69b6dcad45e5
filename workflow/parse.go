package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Limits bound a document. Zero means the default.
type Limits struct {
	Bytes       int // 10 MiB
	Depth       int // 64
	Nodes       int // 10,000
	Connections int // 50,000
	Text        int // bytes of one text in a node's config, 1 MiB
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Bytes, 10 << 20}, {&l.Depth, 64}, {&l.Nodes, 10_000}, {&l.Connections, 50_000}, {&l.Text, 1 << 20}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// Options say how to read a document.
type Options struct {
	Catalog *catalog.Catalog // nil: a fresh one is loaded, which costs some milliseconds
	Limits  Limits
}

// Parse reads a document of any dialect. It fails, with a *SyntaxError, only
// when the text is not one JSON object within the limits or repeats a key.
// Everything else that is wrong is found by Validate, so that an author sees
// all of it at once; a document that was not validated must not be run.
func Parse(data []byte, opts Options) (*Document, error) {
	limits := opts.Limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, &SyntaxError{
			Message:  fmt.Sprintf("the document has %d bytes; at most %d are allowed", len(data), limits.Bytes),
			TooLarge: true,
		}
	}
	cat := opts.Catalog
	if cat == nil {
		var err error
		if cat, err = catalog.Load(); err != nil {
			return nil, fmt.Errorf("load the node catalog: %w", err)
		}
	}
	parsed, err := value.ParseLimited(data, value.Limits{Depth: limits.Depth})
	if err != nil {
		if syntax, ok := errors.AsType[*value.SyntaxError](err); ok {
			return nil, &SyntaxError{Message: "invalid JSON: " + syntax.Message, Line: syntax.Line, Column: syntax.Column}
		}
		return nil, &SyntaxError{Message: "invalid JSON: " + err.Error()}
	}
	root, ok := parsed.(*value.Map)
	if !ok {
		return nil, &SyntaxError{Message: "a workflow is a JSON object, but this is " + kind(parsed), Line: 1, Column: 1}
	}
	sum := sha256.Sum256(data)
	r := &reader{
		doc:     &Document{SourceHash: hex.EncodeToString(sum[:]), Extra: value.NewMap()},
		catalog: cat, limits: limits,
		seen: map[string]bool{}, variables: map[string]int{}, ids: map[string]bool{},
	}
	r.doc.startSpec, _ = cat.Type(startType)
	r.read(root)
	return r.doc, nil
}

// reader turns one parsed JSON object into a document.
type reader struct {
	doc       *Document
	catalog   *catalog.Catalog
	limits    Limits
	seen      map[string]bool // dialect notes already made
	variables map[string]int  // name → place in doc.Variables
	ids       map[string]bool // of the nodes, also those that were refused
}

// read goes through the parts in the order in which they need each other:
// reroutes can only be taken out when all nodes are known, ports only be renamed
// when both ends are real nodes, loops only be closed when ports have their names.
func (r *reader) read(root *value.Map) {
	body, wrappers := r.unwrap(root)
	r.readMetadata(body, wrappers)
	r.readVariables(body, wrappers)
	r.readSettings(body, wrappers)
	r.readInterface(body, wrappers)
	r.readNodes(body)
	r.doc.reindex()
	links := r.readConnections(body)
	links = r.spliceReroutes(links)
	links = r.renamePorts(links)
	r.doc.Connections = r.closeLoops(links)
	r.readExtra(body, wrappers)
	r.doc.problems = append(r.doc.problems, r.readFleet()...)
}

// unwrap finds the object that holds the nodes. Scenarios and templates have it
// one level down.
func (r *reader) unwrap(root *value.Map) (body *value.Map, wrappers []*value.Map) {
	body = root
	for range 3 {
		if body.Has("nodes") {
			break
		}
		inner, key := innerWorkflow(body)
		if inner == nil {
			break
		}
		wrappers = append(wrappers, body)
		body = inner
		r.once("C13", "the workflow was taken from the entry "+key)
	}
	return body, wrappers
}

// innerWorkflow finds the wrapped object: of scenarios, of project templates,
// of workflow templates.
func innerWorkflow(m *value.Map) (*value.Map, string) {
	for _, key := range []string{"workflow", "base_workflow", "workflow_definition"} {
		if v, _ := m.Get(key); v != nil {
			if inner, ok := v.(*value.Map); ok {
				return inner, key
			}
		}
	}
	return nil, ""
}

// metadataKeys may stand on the top level of a document or of its wrapper.
var metadataKeys = []string{"name", "description", "version", "author", "tags", "id", "created_at"}

// readMetadata also gathers what subflows, snippets and old files keep on the
// top level. No id is made up: it would change the hash with every reading.
func (r *reader) readMetadata(body *value.Map, wrappers []*value.Map) {
	meta := value.NewMap()
	if v, ok := body.Get("metadata"); ok && v != nil {
		if m, isMap := v.(*value.Map); isMap {
			meta = m.Clone()
		} else {
			r.wrongType("metadata", "an object", v)
		}
	}
	// Nearer sources win: the document's own metadata, its top level, its wrapper.
	for _, m := range append([]*value.Map{body}, reversed(wrappers)...) {
		for _, key := range metadataKeys {
			v, ok := m.Get(key)
			if old, has := meta.Get(key); ok && v != nil && (!has || old == nil) {
				meta.Set(key, v)
			}
		}
	}
	r.doc.Metadata = meta
}

func reversed(ms []*value.Map) []*value.Map {
	out := slices.Clone(ms)
	slices.Reverse(out)
	return out
}

// readSettings takes the workflow's own settings; the defaults of a template
// fill in what they leave out.
func (r *reader) readSettings(body *value.Map, wrappers []*value.Map) {
	r.doc.Settings = value.NewMap()
	sources := []struct {
		in  *value.Map
		key string
	}{{body, "settings"}, {body, "default_settings"}}
	for _, w := range reversed(wrappers) {
		sources = append(sources, struct {
			in  *value.Map
			key string
		}{w, "settings"}, struct {
			in  *value.Map
			key string
		}{w, "default_settings"})
	}
	for _, s := range sources {
		v, ok := s.in.Get(s.key)
		if !ok || v == nil {
			continue
		}
		m, isMap := v.(*value.Map)
		if !isMap {
			r.wrongType(s.key, "an object", v)
			continue
		}
		for key, val := range m.All() {
			if !r.doc.Settings.Has(key) {
				r.doc.Settings.Set(key, val)
			}
		}
	}
}

// readInterface reads what a subflow takes and gives. In a template, parameters
// are variables instead; readVariables has taken those.
func (r *reader) readInterface(body *value.Map, wrappers []*value.Map) {
	list := func(key string) []any {
		v, _ := body.Get(key)
		items, _ := v.([]any)
		return items
	}
	r.doc.Interface = Interface{Inputs: list("inputs"), Outputs: list("outputs")}
	if len(wrappers) == 0 {
		r.doc.Interface.Parameters = list("parameters")
	}
}

// readExtra keeps what other tools wrote, so that storing a document here
// loses nothing of it.
func (r *reader) readExtra(body *value.Map, wrappers []*value.Map) {
	read := map[string]bool{
		"metadata": true, "nodes": true, "connections": true, "variables": true, "settings": true,
		"default_settings": true, "default_variables": true, "variable_values": true, "schema_version": true, "$schema_version": true,
		// Written by the original's validator to skip a second check; never to be trusted.
		"__validated__": true,
	}
	for _, key := range metadataKeys {
		read[key] = true
	}
	for key, v := range body.All() {
		if !read[key] {
			r.doc.Extra.Set(key, v)
		}
	}
	for _, w := range wrappers {
		for _, key := range []string{"execution_settings", "triggers", "credential_bindings", "default_credentials"} {
			if v, ok := w.Get(key); ok && !r.doc.Extra.Has(key) && !empty(v) {
				r.doc.Extra.Set(key, v)
			}
		}
	}
}

// empty says whether an entry would only be noise in the canonical form.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case *value.Map:
		return v.Len() == 0
	}
	return false
}

// once makes a note about the document that would otherwise repeat for every
// node or link.
func (r *reader) once(rule, text string) {
	if !r.seen[rule+text] {
		r.seen[rule+text] = true
		r.doc.note(rule, "", text)
	}
}

// problem keeps an error for Validate to report.
func (r *reader) problem(d Diagnostic) {
	d.Severity = Error
	r.doc.problems = append(r.doc.problems, d)
}

func (r *reader) wrongType(field, want string, got any) {
	r.problem(Diagnostic{
		Code: CodeInvalidType, Field: field,
		Message: fmt.Sprintf("%s must be %s, but is %s", field, want, kind(got)),
	})
}

// kind names the JSON type of v with its article.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case *value.Map:
		return "an object"
	}
	return "something else"
}
