package workflow

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/workflow/catalog"
)

func parseText(t testing.TB, cat *catalog.Catalog, text string, limits Limits) *Document {
	t.Helper()
	doc, err := Parse([]byte(text), Options{Catalog: cat, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSyntax(t *testing.T) {
	cat := testCatalog(t)
	for _, tc := range []struct {
		name, text, message string
		line, column        int
		large               bool
	}{
		{"truncated", "{\n \"nodes\": {", "invalid JSON", 2, 0, false},
		{"no JSON", "hello", "invalid JSON", 1, 1, false},
		{"nothing", "", "invalid JSON", 1, 1, false},
		{"two values", "{} {}", "invalid JSON", 1, 4, false},
		{"not UTF-8", "{\"a\": \"\xff\"}", "invalid JSON", 1, 0, false},
		{"repeated key", "{\"a\": 1,\n\"a\": 2}", `The key "a" appears twice`, 2, 1, false},
		{"deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "Nested deeper than 64", 1, 65, false},
		{"long", "{\"a\": \"" + strings.Repeat("x", 100) + "\"}", "at most 50", 0, 0, true},
		{"text", `"nodes"`, "is a text", 1, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := Limits{}
			if tc.large {
				limits.Bytes = 50
			}
			_, err := Parse([]byte(tc.text), Options{Catalog: cat, Limits: limits})
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(syntax.Error(), tc.message) || syntax.TooLarge != tc.large {
				t.Errorf("got %q, too large %v", syntax, syntax.TooLarge)
			}
			if syntax.Line != tc.line || tc.column != 0 && syntax.Column != tc.column {
				t.Errorf("place %d:%d, want %d:%d", syntax.Line, syntax.Column, tc.line, tc.column)
			}
		})
	}
}

// Each limit holds at its value and is broken one beyond.
func TestLimits(t *testing.T) {
	cat := testCatalog(t)
	nodes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"n%d":{"node_type":"EndNode"}`, i)
		}
		return `{"nodes":{"s":{"node_type":"StartNode"}` + b.String() + `}}`
	}
	links := func(n int) string {
		one := `{"source_node":"s","source_port":"exec_out","target_node":"e","target_port":"exec_in"}`
		return `{"nodes":{"s":{"node_type":"StartNode"},"e":{"node_type":"EndNode"}},"connections":[` +
			strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	id := func(n int) string {
		return `{"nodes":{"` + strings.Repeat("ä", n) + `":{"node_type":"StartNode"}}}`
	}
	text := func(n int) string {
		return `{"nodes":{"s":{"node_type":"LogNode","config":{"a":[{"b":"` + strings.Repeat("x", n) + `"}]}}}}`
	}
	name := func(n int) string {
		return `{"metadata":{"name":"` + strings.Repeat("ä", n) + `"},"nodes":{"s":{"node_type":"StartNode"}}}`
	}
	for _, tc := range []struct {
		name  string
		make  func(int) string
		limit int
		code  Code
	}{
		{"nodes", func(n int) string { return nodes(n - 1) }, 20, CodeLimit},
		{"connections", links, 30, CodeLimit},
		{"id", id, 256, CodeTooLong},
		{"text", text, 1000, CodeInvalidConfig},
		{"name", name, 255, CodeInvalidName},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := Limits{Nodes: 20, Connections: 30, Text: 1000}
			at := Validate(parseText(t, cat, tc.make(tc.limit), limits), cat, Policy{})
			if errs := at.Errors(); len(errs) > 0 {
				t.Errorf("at the limit: %v", errs)
			}
			beyond := Validate(parseText(t, cat, tc.make(tc.limit+1), limits), cat, Policy{}).Errors()
			if len(beyond) != 1 || beyond[0].Code != tc.code {
				t.Errorf("one beyond: %v, want %s", beyond, tc.code)
			}
		})
	}
}

// Graphs that are made to be slow are read or refused in a moment.
func TestHostileGraphs(t *testing.T) {
	cat := testCatalog(t)
	const size = 3000
	build := func(node func(i int) string, link func(i int) []string) string {
		var nodes, links []string
		for i := range size {
			nodes = append(nodes, fmt.Sprintf(`"n%d":%s`, i, node(i)))
			links = append(links, link(i)...)
		}
		return `{"metadata":{"name":"x"},"nodes":{` + strings.Join(nodes, ",") + `},"connections":[` + strings.Join(links, ",") + `]}`
	}
	link := func(from int, out string, to int, in string) string {
		return fmt.Sprintf(`{"source_node":"n%d","source_port":%q,"target_node":"n%d","target_port":%q}`, from, out, to, in)
	}
	for name, text := range map[string]string{
		"reroutes": build(
			func(i int) string {
				if i < size/2 {
					return `{"node_type":"LogNode"}`
				}
				return `{"node_type":"RerouteNode"}`
			},
			func(i int) []string {
				other := (i*7 + 1) % size
				return []string{link(i, "out", size-1-i%(size/2), "in"), link(i, "out", other, "in"), link(i, "exec_out", other, "exec_in")}
			}),
		"loop starts in a ring": build(
			func(int) string { return `{"node_type":"ForLoopStartNode"}` },
			func(i int) []string {
				return []string{
					link(i, "body", (i+1)%size, "exec_in"), link(i, "body", (i+17)%size, "exec_in"),
					link(i, "body", (i+size-3)%size, "exec_in"),
				}
			}),
		"loop ends in a chain": build(
			func(int) string { return `{"node_type":"ForLoopEndNode"}` },
			func(i int) []string { return []string{link(i, "exec_out", (i+1)%size, "exec_in")} }),
		"forks": build(
			func(int) string { return `{"node_type":"ForkNode"}` },
			func(i int) []string {
				return []string{link(i, "branch_1", min(i+1, size-1), "exec_in"), link(i, "branch_2", min(i+2, size-1), "exec_in")}
			}),
		"one long chain": build(
			func(int) string { return `{"node_type":"LogNode"}` },
			func(i int) []string { return []string{link(i, "exec_out", min(i+1, size-1), "exec_in")} }),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			Validate(parseText(t, cat, text, Limits{}), cat, Policy{})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestConfigIsNeverNil(t *testing.T) {
	cat := testCatalog(t)
	doc := parseText(t, cat, `{"nodes":{"s":{"node_type":"StartNode"},"l":{"node_type":"LogNode","config":null}}}`, Limits{})
	for _, n := range doc.WithStart().Nodes {
		if n.Config == nil || n.Spec == nil {
			t.Errorf("node %s: config %v, spec %v", n.ID, n.Config, n.Spec)
		}
	}
}

func TestWithStartLeavesTheDocumentAlone(t *testing.T) {
	cat := testCatalog(t)
	doc := parseText(t, cat, `{"nodes":{"l":{"node_type":"LogNode"}}}`, Limits{})
	before, err := Hash(doc)
	if err != nil {
		t.Fatal(err)
	}
	run := doc.WithStart()
	if _, ok := doc.Node(AutoStart); ok || len(doc.Nodes) != 1 || len(run.Nodes) != 2 {
		t.Errorf("the document has %d nodes, its run %d", len(doc.Nodes), len(run.Nodes))
	}
	after, err := Hash(doc)
	if err != nil || before != after {
		t.Errorf("hash changed: %v", err)
	}
}

func TestEffect(t *testing.T) {
	cat := testCatalog(t)
	doc := parseText(t, cat, `{"nodes":{
		"get":{"node_type":"HttpRequestNode"}, "post":{"node_type":"HttpRequestNode","config":{"method":"post"}},
		"later":{"node_type":"HttpRequestNode","config":{"method":"{{m}}"}}, "super":{"node_type":"HTTPSuperNode","config":{"action":"GET"}},
		"put":{"node_type":"HttpSuperNode","config":{"action":"PUT Request"}}, "hook":{"node_type":"WebhookNotifyNode"},
		"log":{"node_type":"LogNode"}, "said":{"node_type":"LogNode"}, "safe":{"node_type":"WebhookNotifyNode"}, "odd":{"node_type":"Nobody"}},
		"settings":{"fleet":{"effects":{"said":{"key":"x"},"safe":false}}}}`, Limits{})
	want := map[string]bool{"post": true, "later": true, "put": true, "hook": true, "said": true}
	for _, n := range doc.Nodes {
		if got := doc.Effect(n); got != want[n.ID] {
			t.Errorf("%s: effect %v, want %v", n.ID, got, want[n.ID])
		}
	}
}

// What tells one document from another changes its hash; how it was written
// down does not.
func TestHash(t *testing.T) {
	cat := testCatalog(t)
	hash := func(text string) string {
		h, err := Hash(parseText(t, cat, text, Limits{}))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := hash(`{"nodes":{"s":{"node_type":"StartNode"},"l":{"node_type":"LogNode","config":{"a":1}}},"connections":[]}`)
	same := []string{
		`{ "connections": [],  "nodes": [{"id":"s","type":"StartNode"},{"id":"l","type":"VisualLogNode","properties":{"a":1,"_is_running":true}}]}`,
		`{"base_workflow":{"nodes":{"s":{"node_type":"StartNode","category":"x"},"l":{"node_type":"LogNode","config":{"a":1}}}}}`,
	}
	for _, text := range same {
		if hash(text) != base {
			t.Errorf("another hash for %s", text)
		}
	}
	other := []string{
		`{"nodes":{"s":{"node_type":"StartNode"},"l":{"node_type":"LogNode","config":{"a":1.0}}}}`,
		`{"nodes":{"l":{"node_type":"LogNode","config":{"a":1}},"s":{"node_type":"StartNode"}}}`,
		`{"nodes":{"s":{"node_type":"StartNode"},"l":{"node_type":"LogNode","config":{"a":1}}},"variables":{"x":1}}`,
	}
	for _, text := range other {
		if hash(text) == base {
			t.Errorf("the same hash for %s", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	cat := testCatalog(f)
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(data, Options{Catalog: cat, Limits: Limits{Nodes: 200, Connections: 400, Depth: 30}})
		if err != nil {
			return
		}
		Validate(doc, cat, Policy{})
		Require(doc)
		first, err := Canonical(doc)
		if err != nil {
			return
		}
		again, err := Parse(first, Options{Catalog: cat})
		if err != nil {
			t.Fatalf("the canonical form cannot be read: %v\n%s", err, first)
		}
		a, _ := Hash(doc)
		b, err := Hash(again)
		if err != nil || a != b {
			second, _ := Canonical(again)
			t.Fatalf("the hash changed (%v)\n%s\n%s", err, first, second)
		}
	})
}

// BenchmarkParse reads and checks a document of 200 nodes in a chain.
func BenchmarkParse(b *testing.B) {
	cat := testCatalog(b)
	var nodes, links strings.Builder
	nodes.WriteString(`"n0":{"node_id":"n0","node_type":"StartNode","config":{},"position":[0,0]}`)
	for i := 1; i < 200; i++ {
		config := fmt.Sprintf(`"variable_name":"v%d","value":"{{v%d}} and more","default_value":""`, i, i-1)
		fmt.Fprintf(&nodes, `,"n%d":{"node_id":"n%d","node_type":"SetVariableNode","config":{%s},"position":[%d,100]}`, i, i, config, i*200)
		fmt.Fprintf(&links, `,{"source_node":"n%d","source_port":"exec_out","target_node":"n%d","target_port":"exec_in"}`, i-1, i)
	}
	data := []byte(`{"metadata":{"name":"chain"},"nodes":{` + nodes.String() + `},"connections":[` + links.String()[1:] + `]}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := Parse(data, Options{Catalog: cat})
		if err != nil {
			b.Fatal(err)
		}
		if found := Validate(doc, cat, Policy{}); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
