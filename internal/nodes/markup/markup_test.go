package markup_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes/markup"
	"github.com/casarerpa/fleet/workflow/value"
)

type cfg = map[string]any

const shelf = `<?xml version="1.0"?>
<shelf owner="Ann">top<!-- note -->text
  <book id="1" lang="de"><title>Eins</title><price>10</price></book>tail
  <book id="2"><title>Two <b>bold</b></title></book>
  <box><book id="3"><title>Drei</title></book></box>
  <empty/>
</shelf>`

func visit(t *testing.T, typ string, c cfg, opts ...enginetest.Option) (cfg, error) {
	t.Helper()
	node, ok := markup.Nodes().Node(typ)
	if !ok {
		t.Fatalf("no behaviour for %s", typ)
	}
	out, _, err := enginetest.Visit(t, node, typ, nil, c, opts...)
	got, _ := value.ToGo(out).(cfg)
	return got, err
}

func want(t *testing.T, typ string, c, want cfg, opts ...enginetest.Option) {
	t.Helper()
	got, err := visit(t, typ, c, opts...)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	if diff := cmp.Diff(value.ToGo(value.FromGo(want)), any(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", typ, diff)
	}
}

func fails(t *testing.T, typ string, c cfg, errType, message string, opts ...enginetest.Option) {
	t.Helper()
	out, err := visit(t, typ, c, opts...)
	if err == nil {
		t.Fatalf("%s %v: no error, outputs %v", typ, c, out)
	}
	f := engine.AsFailure(err)
	if f.Type != errType || !strings.Contains(f.Message, message) {
		t.Errorf("%s: %s: %q; want %s: %q", typ, f.Type, f.Message, errType, message)
	}
	if out["success"] != false && out["found"] != false {
		t.Errorf("%s: outputs after a failure: %v", typ, out)
	}
}

func TestEveryTypeHasABehaviour(t *testing.T) {
	enginetest.Family{Name: "XML", Nodes: markup.Nodes()}.Complete(t)
}

func TestParse(t *testing.T) {
	want(t, "ParseXMLNode", cfg{"xml_string": shelf}, cfg{"root_tag": "shelf", "root_text": "toptext\n  ", "child_count": 4, "success": true})
	want(t, "ParseXMLNode", cfg{"xml_string": `<a:r xmlns:a="urn:x"/>`}, cfg{"root_tag": "{urn:x}r", "root_text": "", "child_count": 0, "success": true})
	want(t, "ParseXMLNode", cfg{"xml_string": `<?xml version="1.0" encoding="latin-1"?><r>grün</r>`},
		cfg{"root_tag": "r", "root_text": "grün", "child_count": 0, "success": true})
	want(t, "ParseXMLNode", cfg{"xml_string": "<r><![CDATA[<&>]]></r>"}, cfg{"root_tag": "r", "root_text": "<&>", "child_count": 0, "success": true})
	for _, bad := range []string{"<a>", "<a></b>", "text", "<a/><b/>", "<a/>text", "<a b=c/>", "<a>&nope;</a>", strings.Repeat("<a>", 600) + strings.Repeat("</a>", 600)} {
		fails(t, "ParseXMLNode", cfg{"xml_string": bad}, "ParseError", "XML parse error: ")
	}
	fails(t, "ParseXMLNode", cfg{"xml_string": `<!DOCTYPE r [<!ENTITY a "b">]><r/>`}, "DTDForbidden", "a document type definition is not allowed")
	fails(t, "ParseXMLNode", cfg{"xml_string": `<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>`}, "DTDForbidden", "not allowed")
	fails(t, "ParseXMLNode", cfg{"xml_string": ""}, "ValueError", "xml_string is required")
	fails(t, "ParseXMLNode", cfg{"xml_string": strings.Repeat(" ", 17<<20)}, "ValueError", "more than the 16777216 allowed")
}

func TestXPath(t *testing.T) {
	for _, tc := range []struct {
		path  string
		first string
		ids   []string // the ids of the books that were found, or the tags of others
	}{
		{"book", "", []string{"1", "2"}},
		{".//book", "", []string{"1", "2", "3"}},
		{"//book", "", []string{"1", "2", "3"}},
		{"//shelf", "toptext\n  ", []string{"shelf"}},
		{"/shelf/book", "", []string{"1", "2"}},
		{"/other/book", "", nil},
		{"./book/title", "Eins", []string{"title", "title"}},
		{".", "toptext\n  ", []string{"shelf"}},
		{"box//title", "Drei", []string{"title"}},
		{"*", "", []string{"1", "2", "box", "empty"}},
		{".//title/..", "", []string{"1", "2", "3"}},
		{"book[1]", "", []string{"1"}},
		{"book[2]", "", []string{"2"}},
		{"book[9]", "", nil},
		{"book[last()]", "", []string{"2"}},
		{"book[last()-1]", "", []string{"1"}},
		{".//book[1]", "", []string{"1", "3"}},
		{".//book[@lang]", "", []string{"1"}},
		{".//book[@id='3']", "", []string{"3"}},
		{`.//book[@id="3"]`, "", []string{"3"}},
		{".//book[@id!='3']", "", []string{"1", "2"}},
		{"book[price]", "", []string{"1"}},
		{"book[price='10']", "", []string{"1"}},
		{"book[title='Two bold']", "", []string{"2"}},
		{".//b[.='bold']", "bold", []string{"b"}},
		{"book[@lang='de'][price='10']/title", "Eins", []string{"title"}},
		{"nothing", "", nil},
	} {
		t.Run(tc.path, func(t *testing.T) {
			out, err := visit(t, "XPathQueryNode", cfg{"xml_string": shelf, "xpath": tc.path})
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			results, _ := out["results"].([]any)
			for _, r := range results {
				e, _ := r.(cfg)
				attrib, _ := e["attrib"].(cfg)
				if id, ok := attrib["id"].(string); ok {
					ids = append(ids, id)
					continue
				}
				ids = append(ids, e["tag"].(string))
			}
			if diff := cmp.Diff(tc.ids, ids); diff != "" {
				t.Error(diff)
			}
			if out["count"] != int64(len(tc.ids)) || out["first_text"] != tc.first || out["success"] != true {
				t.Errorf("count %v, first %q, success %v", out["count"], out["first_text"], out["success"])
			}
		})
	}
	want(t, "XPathQueryNode", cfg{"xml_string": "<r><a k='v'>x</a>y</r>", "xpath": "a"}, cfg{
		"results": []any{cfg{"tag": "a", "text": "x", "attrib": cfg{"k": "v"}, "tail": "y"}}, "count": 1, "first_text": "x", "success": true,
	})
	for _, bad := range []string{"a[", "a[]", "a[0]", "a[foo()]", "a[@]", "a[b=c]", "count(a)", "a[@b='c", "/", "a//"} {
		fails(t, "XPathQueryNode", cfg{"xml_string": "<r/>", "xpath": bad}, "SyntaxError", "invalid")
	}
	fails(t, "XPathQueryNode", cfg{"xml_string": "<r/>"}, "ValueError", "xpath is required")
	fails(t, "XPathQueryNode", cfg{"xpath": "a"}, "ValueError", "No XML available")
}

func TestNamespaces(t *testing.T) {
	const doc = `<r xmlns="urn:d" xmlns:p="urn:p"><a>1</a><p:a p:k="v">2</p:a></r>`
	for path, first := range map[string]string{
		"{urn:d}a": "1", "{urn:p}a": "2", "p:a": "2", "{*}a": "1", "{urn:p}*": "2", "a": "", ".//{urn:p}a[@{urn:p}k='v']": "2",
	} {
		out, err := visit(t, "XPathQueryNode", cfg{"xml_string": doc, "xpath": path})
		if err != nil || out["first_text"] != first {
			t.Errorf("%s: %v, %v", path, out["first_text"], err)
		}
	}
	want(t, "GetXMLElementNode", cfg{"xml_string": doc, "tag_name": "p:a"}, cfg{
		"tag": "{urn:p}a", "text": "2", "attributes": cfg{"{urn:p}k": "v"}, "child_count": 0, "found": true,
	})
}

func TestGetElementAndAttribute(t *testing.T) {
	want(t, "GetXMLElementNode", cfg{"xml_string": shelf, "tag_name": "book", "index": 2}, cfg{
		"tag": "book", "text": "", "attributes": cfg{"id": "3"}, "child_count": 1, "found": true,
	})
	none := cfg{"tag": "", "text": "", "attributes": cfg{}, "child_count": 0, "found": false}
	want(t, "GetXMLElementNode", cfg{"xml_string": shelf, "tag_name": "book", "index": 3}, none)
	want(t, "GetXMLElementNode", cfg{"xml_string": shelf, "tag_name": "book", "index": -1}, none)
	want(t, "GetXMLElementNode", cfg{"xml_string": shelf, "tag_name": "shelf"}, none)
	fails(t, "GetXMLElementNode", cfg{"xml_string": "<r", "tag_name": "a"}, "ParseError", "XML parse error")
	fails(t, "GetXMLElementNode", cfg{"xml_string": "<r/>"}, "ValueError", "tag_name is required")
	want(t, "GetXMLAttributeNode", cfg{"xml_string": shelf, "attribute_name": "owner"}, cfg{"value": "Ann", "found": true})
	want(t, "GetXMLAttributeNode", cfg{"xml_string": shelf, "xpath": ".//book[3]", "attribute_name": "id"}, cfg{"value": "", "found": false})
	want(t, "GetXMLAttributeNode", cfg{"xml_string": shelf, "xpath": "box/book", "attribute_name": "id"}, cfg{"value": "3", "found": true})
	want(t, "GetXMLAttributeNode", cfg{"xml_string": shelf, "attribute_name": "nope"}, cfg{"value": "", "found": false})
	fails(t, "GetXMLAttributeNode", cfg{"xml_string": shelf}, "ValueError", "attribute_name is required")
}

// TestTheLastDocumentIsKept runs two nodes in one visit, which share the state
// that a run keeps.
func TestTheLastDocumentIsKept(t *testing.T) {
	set := markup.Nodes()
	both := engine.Func(func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		if res, err := set["ReadXMLFileNode"].Run(ctx, c); err != nil {
			return res, err
		}
		return set["XPathQueryNode"].Run(ctx, c)
	})
	out, _, err := enginetest.Visit(t, both, "XPathQueryNode", nil, cfg{"file_path": "a.xml", "xpath": "book/title"}, enginetest.File("a.xml", shelf))
	if err != nil {
		t.Fatal(err)
	}
	if first, _ := out.Get("first_text"); first != "Eins" {
		t.Errorf("first_text = %v", first)
	}
}

func TestReadFile(t *testing.T) {
	want(t, "ReadXMLFileNode", cfg{"file_path": "a.xml"}, cfg{"root_tag": "r", "xml_string": "<r>\nü</r>", "success": true},
		enginetest.File("a.xml", "\ufeff<r>\r\nü</r>"))
	want(t, "ReadXMLFileNode", cfg{"file_path": "a.xml"},
		cfg{"root_tag": "r", "xml_string": `<?xml version="1.0" encoding="ISO-8859-1"?><r>ü</r>`, "success": true},
		enginetest.File("a.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r>\xfc</r>"))
	want(t, "ReadXMLFileNode", cfg{"file_path": "a.xml", "encoding": "latin-1"}, cfg{"root_tag": "r", "xml_string": "<r>ü</r>", "success": true},
		enginetest.File("a.xml", "<r>\xfc</r>"))
	fails(t, "ReadXMLFileNode", cfg{"file_path": "a.xml"}, "UnicodeDecodeError", "'utf-8' codec", enginetest.File("a.xml", "<r>\xfc</r>"))
	fails(t, "ReadXMLFileNode", cfg{"file_path": "no.xml"}, "FileNotFoundError", "XML file not found: no.xml")
	fails(t, "ReadXMLFileNode", cfg{"file_path": "../no.xml"}, "PermissionError", "")
	fails(t, "ReadXMLFileNode", cfg{"file_path": "a.xml"}, "ParseError", "XML parse error", enginetest.File("a.xml", "<r>"))
}

func TestWriteFile(t *testing.T) {
	const text = `<?xml version="1.0"?><r a="1"><b>x &amp; "y"</b><c/><d> </d>ü€</r>`
	for _, tc := range []struct {
		name string
		cfg  cfg
		want string
	}{
		{"pretty", cfg{"xml_string": "<r><b>1</b><c><d/></c></r>"}, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<r>\n  <b>1</b>\n  <c>\n    <d/>\n  </c>\n</r>\n"},
		{"plain", cfg{"xml_string": text, "pretty_print": false}, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<r a=\"1\"><b>x &amp; \"y\"</b><c/><d> </d>ü€</r>"},
		{"bare", cfg{"xml_string": text, "pretty_print": false, "xml_declaration": false}, "<r a=\"1\"><b>x &amp; \"y\"</b><c/><d> </d>ü€</r>"},
		{"latin", cfg{"xml_string": "<r>ü€</r>", "pretty_print": false, "encoding": "latin-1"}, "<?xml version=\"1.0\" encoding=\"latin-1\"?>\n<r>\xfc&#8364;</r>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			tc.cfg["file_path"] = "o/a.xml"
			want(t, "WriteXMLFileNode", tc.cfg, cfg{"file_path": filepath.Join(dir, "o/a.xml"), "success": true}, enginetest.In(dir))
			got, err := os.ReadFile(filepath.Join(dir, "o/a.xml"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	fails(t, "WriteXMLFileNode", cfg{"file_path": "a.xml", "xml_string": "no xml"}, "ParseError", "XML parse error")
	fails(t, "WriteXMLFileNode", cfg{"file_path": "a.xml"}, "ValueError", "xml_string is required")
	fails(t, "WriteXMLFileNode", cfg{"file_path": "a.xml", "xml_string": "<r/>", "encoding": "klingon"}, "LookupError", "unknown encoding")
}

func TestXMLToJSON(t *testing.T) {
	const text = `<r v="1"><i>a</i><i> b </i><j k="x">t</j><e/><l><m>1</m></l></r>`
	data := cfg{"r": cfg{"@attributes": cfg{"v": "1"}, "i": []any{"a", "b"}, "j": cfg{"@attributes": cfg{"k": "x"}, "#text": "t"}, "e": "", "l": cfg{"m": "1"}}}
	out, err := visit(t, "XMLToJsonNode", cfg{"xml_string": text})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(data), out["json_data"]); diff != "" {
		t.Error(diff)
	}
	if s, _ := out["json_string"].(string); !strings.HasPrefix(s, "{\n  \"r\": {\n    \"@attributes\": {\n      \"v\": \"1\"\n    },\n    \"i\": [") {
		t.Error(s)
	}
	want(t, "XMLToJsonNode", cfg{"xml_string": `<r v="1">x<i/></r>`, "include_attributes": false, "text_key": "_"},
		cfg{"json_data": cfg{"r": cfg{"_": "x", "i": ""}}, "json_string": "{\n  \"r\": {\n    \"_\": \"x\",\n    \"i\": \"\"\n  }\n}", "success": true})
	fails(t, "XMLToJsonNode", cfg{"xml_string": "<r"}, "ParseError", "XML parse error")
}

func TestJSONToXML(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  cfg
		want string
	}{
		{
			"object",
			cfg{"json_data": `{"b": 1, "a": [true, null], "c": {"@attributes": {"k": "<&\""}, "#text": "t"}}`, "pretty_print": false},
			`<root><b>1</b><a>True</a><a/><c k="&lt;&amp;&quot;">t</c></root>`,
		},
		{"pretty", cfg{"json_data": cfg{"a": cfg{"b": 1.5}}, "root_tag": "r"}, "<?xml version=\"1.0\" ?>\n<r>\n  <a>\n    <b>1.5</b>\n  </a>\n</r>"},
		{"list", cfg{"json_data": []any{1, []any{2}}, "pretty_print": false}, "<root><item>1</item><item><item>2</item></item></root>"},
		{"scalar", cfg{"json_data": 7, "pretty_print": false}, "<root>7</root>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := visit(t, "JsonToXMLNode", tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := out["xml_string"].(string)
			if strings.Contains(tc.want, "&lt;&amp;") {
				got = strings.ReplaceAll(got, "&gt;", ">")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	fails(t, "JsonToXMLNode", cfg{"json_data": cfg{"a b": 1}}, "ValueError", "'a b' cannot be the name of an element")
	fails(t, "JsonToXMLNode", cfg{"json_data": "{"}, "JSONDecodeError", "Invalid JSON: ")
	fails(t, "JsonToXMLNode", cfg{}, "ValueError", "json_data is required")
}

// FuzzFind holds that no path and no document crash the search.
func FuzzFind(f *testing.F) {
	f.Add(shelf, ".//book[@id='3']/title[last()-1]")
	f.Add("<a/>", "{u}b[c='d']")
	node := markup.Nodes()["XPathQueryNode"]
	f.Fuzz(func(t *testing.T, text, path string) {
		single := engine.Single{Node: node, Inputs: map[string]any{"xml_string": text, "xpath": path}, Config: value.NewMap()}
		if _, err := engine.VisitOne(t.Context(), single); err != nil && engine.AsFailure(err).Stack != "" {
			t.Fatalf("panic: %v", err)
		}
	})
}
