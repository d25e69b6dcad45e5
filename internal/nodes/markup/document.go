package markup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/beevik/etree"

	"github.com/casarerpa/fleet/internal/charset"
	"github.com/casarerpa/fleet/internal/engine"
)

// readXML reads a file and keeps its document.
func readXML(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	f, err := c.Host().Files().Open(name, engine.Read)
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return engine.Result{}, explain(err, name)
	}
	enc, err := charset.Lookup(encodingOf(data, c.Text("encoding")))
	if err != nil {
		return engine.Result{}, err
	}
	text, err := enc.Decode(data, charset.Strict)
	if err != nil {
		return engine.Result{}, err
	}
	text = charset.Universal(strings.TrimPrefix(text, "\ufeff"))
	root, err := parse(text)
	if err != nil {
		return engine.Result{}, err
	}
	keep(c).set(root)
	c.Set("root_tag", tag(root))
	c.Set("xml_string", text)
	return engine.Continue(), nil
}

// encodingOf trusts what a document says of itself, unless the node was given
// another encoding than the usual one.
func encodingOf(data []byte, given string) string {
	if given != "" && !strings.EqualFold(given, "utf-8") {
		return given
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "utf-16"
	}
	head := string(data[:min(len(data), 200)])
	head, _, _ = strings.Cut(head, "?>")
	_, said, ok := strings.Cut(head, "encoding=")
	if !strings.HasPrefix(strings.TrimPrefix(head, "\ufeff"), "<?xml") || !ok || said == "" {
		return given
	}
	name, _, closed := strings.Cut(said[1:], said[:1])
	if _, err := charset.Lookup(name); err != nil || !closed || strings.HasPrefix(strings.ToLower(name), "utf-16") {
		return given
	}
	return name
}

// writeXML writes a document. A text that is no XML is refused, so that no
// reader finds it later.
func writeXML(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	text, err := need(c, "xml_string")
	if err != nil {
		return engine.Result{}, err
	}
	encoding := c.Text("encoding")
	if encoding == "" {
		encoding = "utf-8"
	}
	enc, err := charset.Lookup(encoding)
	if err != nil {
		return engine.Result{}, err
	}
	doc, err := parseDocument(text)
	if err != nil {
		return engine.Result{}, err
	}
	on := func(name string) bool { return !c.Has(name) || c.Bool(name) }
	if text, err = render(doc, on("pretty_print"), on("xml_declaration"), encoding); err != nil {
		return engine.Result{}, err
	}
	// What the encoding lacks is written by its number, which XML reads back.
	data, err := enc.Encode(text, charset.CharRef)
	if err != nil {
		return engine.Result{}, err
	}
	path, err := store(c.Host().Files(), name, data)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("file_path", path)
	return engine.Continue(), nil
}

// render writes a document with a new declaration, or without one. An empty
// encoding is not named in it.
func render(doc *etree.Document, pretty, declare bool, encoding string) (string, error) {
	for _, t := range append([]etree.Token(nil), doc.Child...) {
		if p, ok := t.(*etree.ProcInst); ok && p.Target == "xml" {
			doc.RemoveChild(t)
		}
	}
	doc.WriteSettings.CanonicalText = true
	if pretty {
		doc.Indent(2)
	}
	body, err := doc.WriteToString()
	if err != nil {
		return "", fmt.Errorf("write XML: %w", err)
	}
	body = strings.TrimLeft(body, "\r\n\t ")
	switch {
	case !declare:
		return body, nil
	case encoding == "":
		return "<?xml version=\"1.0\" ?>\n" + body, nil
	default:
		return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"%s\"?>\n", encoding) + body, nil
	}
}

func store(files engine.Files, name string, data []byte) (string, error) {
	path, err := files.Path(name)
	if err != nil {
		return "", explain(err, name)
	}
	if dir := filepath.Dir(name); dir != "." {
		if info, err := files.Stat(dir); err != nil || !info.IsDir() {
			if err := files.Mkdir(dir, true); err != nil {
				return "", explain(err, dir)
			}
		}
	}
	f, err := files.Open(name, engine.Truncate)
	if err != nil {
		return "", explain(err, name)
	}
	_, err = f.Write(data)
	return path, explain(errors.Join(err, f.Close()), name)
}

// explain words an error of the file system for the author of the workflow.
func explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return engine.Fail("FileNotFoundError", "XML file not found: %s", name)
	case errors.Is(err, fs.ErrPermission):
		return engine.Fail("PermissionError", "Permission denied: %s", name)
	default:
		return err
	}
}
