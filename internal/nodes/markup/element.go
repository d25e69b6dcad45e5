package markup

import (
	"strings"

	"github.com/beevik/etree"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

const (
	maxText  = 16 << 20 // of a document; its tree takes several times as much
	maxDepth = 512
)

// parse reads a document and returns its root.
func parse(text string) (*etree.Element, error) {
	doc, err := parseDocument(text)
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// parseDocument is strict: one root, nothing but white space beside it, no DTD.
func parseDocument(text string) (*etree.Document, error) {
	if len(text) > maxText {
		return nil, engine.Fail("ValueError", "The XML text has %d bytes, more than the %d allowed", len(text), maxText)
	}
	doc := etree.NewDocument()
	doc.ReadSettings.ValidateInput = true
	doc.ReadSettings.MaxDepth = maxDepth
	// An encoding in the declaration was true of the file; this is text already.
	if err := doc.ReadFromString(strings.TrimPrefix(text, "\ufeff")); err != nil {
		return nil, engine.Fail("ParseError", "XML parse error: %s", err)
	}
	if directive(&doc.Element) {
		return nil, engine.Fail("DTDForbidden", "XML parse error: a document type definition is not allowed")
	}
	roots := 0
	for _, t := range doc.Child {
		switch t := t.(type) {
		case *etree.Element:
			roots++
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return nil, engine.Fail("ParseError", "XML parse error: text outside of the root element")
			}
		}
	}
	switch roots {
	case 0:
		return nil, engine.Fail("ParseError", "XML parse error: no element found")
	case 1:
		return doc, nil
	default:
		return nil, engine.Fail("ParseError", "XML parse error: junk after document element")
	}
}

// directive looks for <!DOCTYPE and its like anywhere in the tree.
func directive(e *etree.Element) bool {
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.Directive:
			return true
		case *etree.Element:
			if directive(t) {
				return true
			}
		}
	}
	return false
}

// tag is the name with its namespace: {uri}name.
func tag(e *etree.Element) string {
	if uri := e.NamespaceURI(); uri != "" {
		return "{" + uri + "}" + e.Tag
	}
	return e.FullTag()
}

// ownText is the text before the first child; comments do not end it.
func ownText(e *etree.Element) string {
	var b strings.Builder
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.CharData:
			b.WriteString(t.Data)
		case *etree.Element:
			return b.String()
		}
	}
	return b.String()
}

// tail is the text behind an element, up to the next one.
func tail(e *etree.Element) string {
	parent := e.Parent()
	if parent == nil || parent.Parent() == nil && parent.Tag == "" {
		return ""
	}
	var b strings.Builder
	for _, t := range parent.Child[e.Index()+1:] {
		switch t := t.(type) {
		case *etree.CharData:
			b.WriteString(t.Data)
		case *etree.Element:
			return b.String()
		}
	}
	return b.String()
}

// allText is every text inside an element, in order.
func allText(e *etree.Element) string {
	var b strings.Builder
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.CharData:
			b.WriteString(t.Data)
		case *etree.Element:
			b.WriteString(allText(t))
		}
	}
	return b.String()
}

// attributes gives all attributes but the namespace declarations.
func attributes(e *etree.Element) *value.Map {
	m := value.NewMap()
	for i := range e.Attr {
		if a := &e.Attr[i]; a.Space != "xmlns" && (a.Space != "" || a.Key != "xmlns") {
			m.Set(attributeName(a), a.Value)
		}
	}
	return m
}

func attributeName(a *etree.Attr) string {
	if a.Space == "" {
		return a.Key
	}
	if uri := a.NamespaceURI(); uri != "" {
		return "{" + uri + "}" + a.Key
	}
	return a.FullKey()
}

// attribute finds an attribute by {uri}name, or by the prefix of the document.
func attribute(e *etree.Element, name string) (string, bool) {
	for i := range e.Attr {
		if a := &e.Attr[i]; attributeName(a) == name || a.FullKey() == name {
			return a.Value, true
		}
	}
	return "", false
}
