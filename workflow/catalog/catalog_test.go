package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T) *Catalog {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The original's registry has 468 names; 13 of them are base classes. A type
// that it does not have is marked as added, and those are not counted.
func TestCounts(t *testing.T) {
	c := load(t)
	registry := 0
	for _, name := range c.Names() {
		typ, _ := c.Type(name)
		if !typ.Added {
			registry++
		}
	}
	if registry != 455 || len(c.abstract) != 13 {
		t.Errorf("registry %d, abstract %d; want 455, 13", registry, len(c.abstract))
	}
	for name := range c.abstract {
		if _, ok := c.Type(name); ok {
			t.Errorf("abstract name %s is a type", name)
		}
	}
}

func TestSpotChecks(t *testing.T) {
	c := load(t)
	one, fifty := 1.0, 50.0
	want := []Type{
		{
			Name: "IfNode", Family: "Control flow", In: []Port{{Name: "condition", Type: "any"}}, ExecIn: true,
			ExecOut:    []string{"true", "false"},
			Properties: []Property{{Name: "expression", Type: "str", Default: ""}},
			Wave:       1, Loopable: true,
		},
		{
			Name: "ParallelForEachNode", Family: "Parallel", In: []Port{{Name: "items", Type: "list", Required: true}}, ExecIn: true,
			Out:     []Port{{Name: "current_item", Type: "any"}, {Name: "current_index", Type: "int"}, {Name: "results", Type: "list"}},
			ExecOut: []string{"body", "completed"}, Wave: 1,
			Properties: []Property{
				{Name: "items", Type: "list", Required: true},
				{Name: "batch_size", Type: "int", Default: int64(5), Min: &one, Max: &fifty},
				{Name: "fail_fast", Type: "bool", Default: false},
				{Name: "timeout_per_item", Type: "int", Default: int64(60), Min: &one},
			},
		},
		{
			Name: "SubflowInputNode", Family: "Subflows and workflow calls",
			Out: []Port{{Name: "value", Type: "any"}}, ExecOut: []string{}, Wave: 1,
			Properties: []Property{{Name: "port_name", Type: "str", Default: "input"}},
		},
		{
			Name: "RunPythonScriptNode", Family: "Scripts", ExecIn: true, ExecOut: []string{"exec_out"}, Wave: 1, Capability: "python",
			In:  []Port{{Name: "code", Type: "str", Required: true}, {Name: "variables", Type: "dict", Required: true}},
			Out: []Port{{Name: "result", Type: "any"}, {Name: "output", Type: "str"}, {Name: "success", Type: "bool"}, {Name: "error", Type: "str"}},
			Properties: []Property{
				{Name: "code", Type: "code", Required: true},
				{Name: "variables", Type: "json"},
				{Name: "timeout", Type: "int", Default: int64(60), Min: &one},
				{Name: "isolated", Type: "bool", Default: false},
			},
		},
		{
			Name: "GmailGetLabelsNode", Family: "Gmail", ExecIn: true, ExecOut: []string{"exec_out"}, Wave: 2,
			Out:     []Port{{Name: "labels", Type: "any"}, {Name: "count", Type: "any"}, {Name: "success", Type: "any"}, {Name: "error", Type: "any"}},
			Support: Unsupported, Reason: "calls an outside service, Gmail (not in this version)",
		},
	}
	for _, w := range want {
		got, ok := c.Type(w.Name)
		if !ok {
			t.Errorf("%s is missing", w.Name)
			continue
		}
		if diff := cmp.Diff(w, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.Name, diff)
		}
	}
}

// Numbers keep the kind they are written in, since workflows can see it.
func TestDefaultsKeepTheirKind(t *testing.T) {
	c := load(t)
	for _, tc := range []struct {
		typ, prop string
		want      any
	}{
		{"RetryNode", "initial_delay", 1.0},
		{"RetryNode", "max_attempts", int64(3)},
		{"ReadCSVNode", "quotechar", `"`},
		{"ReadPDFTextNode", "page_separator", "\n\n"},
		{"WebhookTriggerNode", "response_body", `{"status": "received"}`},
		{"BrowserWaitNode", "duration", 1.0},
		{"GoToURLNode", "screenshot_on_fail", false},
		{"HttpRequestNode", "url", nil},
		{"SwitchNode", "cases", []any{}},
	} {
		typ, _ := c.Type(tc.typ)
		p, ok := typ.Property(tc.prop)
		if !ok {
			t.Errorf("%s.%s is missing", tc.typ, tc.prop)
			continue
		}
		if diff := cmp.Diff(tc.want, p.Default); diff != "" {
			t.Errorf("%s.%s (-want +got):\n%s", tc.typ, tc.prop, diff)
		}
	}
}

func TestEveryTypeIsWhole(t *testing.T) {
	c := load(t)
	kinds := set([]string{
		"str", "text", "int", "num", "bool", "any", "json", "list", "dict", "path", "dir", "glob",
		"sel", "code", "choice", "multi", "page", "browser", "obj",
	})
	for _, name := range c.Names() {
		typ, _ := c.Type(name)
		if typ.Wave != 1 && typ.Wave != 2 {
			t.Errorf("%s: wave %d", name, typ.Wave)
		}
		if (typ.Support == Native) != (typ.Wave == 1) {
			t.Errorf("%s: wave %d but %s", name, typ.Wave, typ.Support)
		}
		ports := append(append([]Port(nil), typ.In...), typ.Out...)
		for _, a := range typ.Actions {
			ports = append(append(ports, a.In...), a.Out...)
		}
		for _, p := range ports {
			if p.Name == "" || !kinds[p.Type] {
				t.Errorf("%s: port %+v", name, p)
			}
		}
		seen := map[string]bool{}
		for _, p := range typ.Properties {
			if p.Name == "" || !kinds[p.Type] || seen[p.Name] {
				t.Errorf("%s: property %+v", name, p)
			}
			seen[p.Name] = true
			if p.Type == "choice" && p.Default != nil && !contains(p.Choices, p.Default) {
				t.Errorf("%s.%s: default %v is no choice", name, p.Name, p.Default)
			}
		}
		if action, ok := typ.Property("action"); ok && typ.Actions != nil {
			for _, choice := range action.Choices {
				if _, ok := typ.Actions[choice]; !ok {
					t.Errorf("%s: no ports for action %q", name, choice)
				}
			}
		}
	}
}

func contains(choices []string, v any) bool {
	for _, c := range choices {
		if c == v {
			return true
		}
	}
	return false
}

func TestAliases(t *testing.T) {
	c := load(t)
	for name, want := range map[string]string{
		"VisualLogNode": "LogNode", "nodes.basic.VisualStartNode": "StartNode", "HTTPSuperNode": "HttpSuperNode",
		"VisualBranchNode": "IfNode", "LogNode": "", "DatabaseQueryNode": "", "NonExistentNode": "", "": "",
	} {
		got, ok := c.Alias(name)
		if got != want || ok != (want != "") {
			t.Errorf("Alias(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
	for from, to := range c.alias {
		if _, ok := c.Type(to); !ok {
			t.Errorf("alias %s leads to %s, which is not a type", from, to)
		}
		if _, ok := c.Type(from); ok {
			t.Errorf("alias %s is a type itself", from)
		}
	}
	for name := range c.refused {
		if _, ok := c.Resolve(name); ok {
			t.Errorf("refused name %s resolves", name)
		}
	}
	for typ, aliases := range c.props {
		known, ok := c.Type(typ)
		if !ok {
			t.Errorf("property aliases of unknown type %s", typ)
			continue
		}
		for _, a := range aliases {
			_, isProperty := known.Property(a.To)
			_, isInput := known.Input(a.To)
			if !isProperty && !isInput && !known.Abridged && known.Wave == 1 {
				t.Errorf("%s: alias %s leads to %s, which it does not have", typ, a.From, a.To)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	c := load(t)
	for name, want := range map[string]string{
		"lognode": "LogNode", "SetVarableNode": "SetVariableNode", "ForLoopStrtNode": "ForLoopStartNode",
		"ReadCvsNode": "ReadCSVNode", "Frobnicate": "", "": "", "LogNod": "LogNode", "Log": "LogNode", "Zz": "",
		"NonExistentNode": "", "AcmeNode": "",
	} {
		if got := c.Nearest(name); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestExecPorts(t *testing.T) {
	c := load(t)
	for _, tc := range []struct {
		typ, port string
		want      bool
	}{
		{"EmailTriggerNode", "body", false},
		{"ForLoopStartNode", "body", true},
		{"SwitchNode", "case_0", true},
		{"ForkNode", "branch_7", true},
		{"TryNode", "try_body", true},
		{"LogNode", "exec_out", true},
		{"HttpSuperNode", "response_body", false},
	} {
		typ, _ := c.Type(tc.typ)
		if got := typ.IsExecOut(tc.port); got != tc.want {
			t.Errorf("%s.%s: exec %v, want %v", tc.typ, tc.port, got, tc.want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
