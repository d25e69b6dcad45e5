// Package markup holds the nodes that read, query, write and convert XML.
//
// Documents behave as in Python's ElementTree: names carry their namespace as
// {uri}name, comments do not count, and paths are its subset of XPath. The
// package must not resolve anything: a document with a DTD is refused, so no
// entity can be defined, and nothing is ever fetched.
//
// The last document that was parsed or read in a run is kept, and query nodes
// without a text of their own use it. It is never changed after it was parsed.
package markup

import (
	"context"
	"sync"

	"github.com/beevik/etree"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// Nodes returns the behaviour of every node type of the family.
func Nodes() engine.Set {
	return engine.Set{
		"ParseXMLNode":     reporting("success", parseXML),
		"ReadXMLFileNode":  reporting("success", readXML),
		"WriteXMLFileNode": reporting("success", writeXML),
		"XPathQueryNode":   reporting("success", queryXPath),
		"XMLToJsonNode":    reporting("success", xmlToJSON),
		"JsonToXMLNode":    reporting("success", jsonToXML),
		// These two report with another output: not to find is no failure.
		"GetXMLElementNode":   reporting("found", getElement),
		"GetXMLAttributeNode": reporting("found", getAttribute),
	}
}

// reporting makes the output port false when the node fails, and success true
// when it does not.
func reporting(port string, run engine.Func) engine.Func {
	return func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		result, err := run(ctx, c)
		switch {
		case err != nil:
			c.Set(port, false)
		case port == "success":
			c.Set(port, true)
		}
		return result, err
	}
}

// kept is the last document of the run; branches of it run at the same time.
type kept struct {
	mu   sync.Mutex
	root *etree.Element
}

// Live says whether there is a document.
func (k *kept) Live() bool { return k.get() != nil }

func keep(c *engine.Call) *kept {
	k, _ := c.State("markup.root", func() any { return &kept{} }).(*kept)
	return k
}

func (k *kept) set(root *etree.Element) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.root = root
}

func (k *kept) get() *etree.Element {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.root
}

// document parses the node's own text, or else gives the kept document.
func document(c *engine.Call) (*etree.Element, error) {
	if text := c.Text("xml_string"); text != "" {
		return parse(text)
	}
	if root := keep(c).get(); root != nil {
		return root, nil
	}
	return nil, engine.Fail("ValueError", "No XML available. Parse XML first or provide xml_string.")
}

// need reads a text that must not be empty.
func need(c *engine.Call, name string) (string, error) {
	if text := c.Text(name); text != "" {
		return text, nil
	}
	return "", engine.Fail("ValueError", "%s is required", name)
}

func parseXML(_ context.Context, c *engine.Call) (engine.Result, error) {
	text, err := need(c, "xml_string")
	if err != nil {
		return engine.Result{}, err
	}
	root, err := parse(text)
	if err != nil {
		return engine.Result{}, err
	}
	keep(c).set(root)
	c.Set("root_tag", tag(root))
	c.Set("root_text", ownText(root))
	c.Set("child_count", int64(len(root.ChildElements())))
	return engine.Continue(), nil
}

// queryXPath gives everything that a path finds.
func queryXPath(_ context.Context, c *engine.Call) (engine.Result, error) {
	path, err := need(c, "xpath")
	if err != nil {
		return engine.Result{}, err
	}
	root, err := document(c)
	if err != nil {
		return engine.Result{}, err
	}
	found, err := find(root, path)
	if err != nil {
		return engine.Result{}, err
	}
	results, first := []any{}, ""
	for i, e := range found {
		if i == 0 {
			first = ownText(e)
		}
		results = append(results, value.MapOf("tag", tag(e), "text", ownText(e), "attrib", attributes(e), "tail", tail(e)))
	}
	c.Set("results", results)
	c.Set("count", int64(len(results)))
	c.Set("first_text", first)
	return engine.Continue(), nil
}

// getElement gives the index-th element of a name below the root.
func getElement(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "tag_name")
	if err != nil {
		return engine.Result{}, err
	}
	index, err := c.Int("index", 0)
	if err != nil {
		return engine.Result{}, err
	}
	root, err := document(c)
	if err != nil {
		return engine.Result{}, err
	}
	all, err := find(root, ".//"+name)
	if err != nil {
		return engine.Result{}, err
	}
	if index < 0 || index >= int64(len(all)) {
		c.Set("tag", "")
		c.Set("text", "")
		c.Set("attributes", value.NewMap())
		c.Set("child_count", int64(0))
		c.Set("found", false)
		return engine.Continue(), nil
	}
	e := all[index]
	c.Set("tag", tag(e))
	c.Set("text", ownText(e))
	c.Set("attributes", attributes(e))
	c.Set("child_count", int64(len(e.ChildElements())))
	c.Set("found", true)
	return engine.Continue(), nil
}

// getAttribute gives an attribute of the first element that a path finds.
func getAttribute(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "attribute_name")
	if err != nil {
		return engine.Result{}, err
	}
	path := c.Text("xpath")
	if path == "" {
		path = "."
	}
	root, err := document(c)
	if err != nil {
		return engine.Result{}, err
	}
	all, err := find(root, path)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("value", "")
	c.Set("found", false)
	if len(all) > 0 {
		if v, ok := attribute(all[0], name); ok {
			c.Set("value", v)
			c.Set("found", true)
		}
	}
	return engine.Continue(), nil
}
