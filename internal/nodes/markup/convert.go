package markup

import (
	"context"
	"strings"

	"github.com/beevik/etree"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// attributesKey holds the attributes of an element in its object.
const attributesKey = "@attributes"

// xmlToJSON gives a document as one object, whose only key is the root's name.
func xmlToJSON(_ context.Context, c *engine.Call) (engine.Result, error) {
	text, err := need(c, "xml_string")
	if err != nil {
		return engine.Result{}, err
	}
	root, err := parse(text)
	if err != nil {
		return engine.Result{}, err
	}
	textKey := c.Text("text_key")
	if textKey == "" {
		textKey = "#text"
	}
	withAttributes := !c.Has("include_attributes") || c.Bool("include_attributes")
	data := value.MapOf(tag(root), toValue(root, withAttributes, textKey))
	dumped, err := value.Dumps(data, value.Options{Indent: 2})
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("json_data", data)
	c.Set("json_string", dumped)
	return engine.Continue(), nil
}

// toValue is a text for a leaf without attributes, else an object. Elements of
// one name become a list in the place of the first.
func toValue(e *etree.Element, withAttributes bool, textKey string) any {
	m := value.NewMap()
	if attrs := attributes(e); withAttributes && attrs.Len() > 0 {
		m.Set(attributesKey, attrs)
	}
	children := e.ChildElements()
	if text := strings.TrimSpace(ownText(e)); text != "" {
		if len(children) == 0 && m.Len() == 0 {
			return text
		}
		m.Set(textKey, text)
	}
	repeated := map[string]bool{}
	for _, child := range children {
		name, v := tag(child), toValue(child, withAttributes, textKey)
		old, taken := m.Get(name)
		switch {
		case repeated[name]:
			list, _ := old.([]any)
			m.Set(name, append(list, v))
		case taken:
			m.Set(name, []any{old, v})
			repeated[name] = true
		default:
			m.Set(name, v)
		}
	}
	if m.Len() == 0 {
		return ""
	}
	return m
}

// jsonToXML writes a value as a document.
func jsonToXML(_ context.Context, c *engine.Call) (engine.Result, error) {
	data := value.Plain(c.Param("json_data"))
	if data == nil {
		return engine.Result{}, engine.Fail("ValueError", "json_data is required")
	}
	if text, ok := data.(string); ok {
		parsed, err := value.Loads(text)
		if err != nil {
			return engine.Result{}, engine.Fail("JSONDecodeError", "Invalid JSON: %s", err)
		}
		data = parsed
	}
	name := c.Text("root_tag")
	if name == "" {
		name = "root"
	}
	doc := etree.NewDocument()
	root, err := newElement(&doc.Element, name)
	if err != nil {
		return engine.Result{}, err
	}
	if err := fill(root, data); err != nil {
		return engine.Result{}, err
	}
	pretty := !c.Has("pretty_print") || c.Bool("pretty_print")
	text, err := render(doc, pretty, pretty, "")
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("xml_string", strings.TrimSuffix(text, "\n"))
	return engine.Continue(), nil
}

func fill(e *etree.Element, data any) error {
	switch v := data.(type) {
	case *value.Map:
		for key, item := range v.All() {
			if err := fillKey(e, key, item); err != nil {
				return err
			}
		}
	case []any:
		return fillList(e, "item", v)
	case nil:
	default:
		e.SetText(value.Str(v))
	}
	return nil
}

func fillKey(e *etree.Element, key string, item any) error {
	switch v := item.(type) {
	case *value.Map:
		if key != attributesKey {
			break
		}
		for name, a := range v.All() {
			if !isName(name) {
				return engine.Fail("ValueError", "%s cannot be the name of an attribute", value.Repr(name))
			}
			e.CreateAttr(name, value.Str(a))
		}
		return nil
	case []any:
		return fillList(e, key, v)
	}
	if key == "#text" {
		e.SetText(value.Str(item))
		return nil
	}
	child, err := newElement(e, key)
	if err != nil {
		return err
	}
	return fill(child, item)
}

// fillList repeats one name for every item.
func fillList(e *etree.Element, name string, items []any) error {
	for _, item := range items {
		child, err := newElement(e, name)
		if err != nil {
			return err
		}
		if err := fill(child, item); err != nil {
			return err
		}
	}
	return nil
}

// newElement refuses names that would make the document unreadable.
func newElement(parent *etree.Element, name string) (*etree.Element, error) {
	if !isName(name) {
		return nil, engine.Fail("ValueError", "%s cannot be the name of an element", value.Repr(name))
	}
	return parent.CreateElement(name), nil
}

// isName follows the XML rule for names, a little more strictly for exotic
// characters.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xc0 && r != 0xd7 && r != 0xf7 && r < 0xd800
		if !letter && (i == 0 || r != '-' && r != '.' && r != ':' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && !strings.HasSuffix(s, ":")
}
