package workflow

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Random documents of mixed dialects: reading, checking and pairing end, and
// the canonical form says the same as the document it was made of.
func TestCanonicalSaysTheSame(t *testing.T) {
	cat := testCatalog(t)
	types := []string{
		"StartNode", "LogNode", "IfNode", "ForLoopStartNode", "ForLoopEndNode", "WhileLoopNode", "ForEachNode",
		"WhileLoopEndNode", "BreakNode", "TryNode", "CatchNode", "FinallyNode", "ForkNode", "JoinNode", "RetryNode",
		"RetrySuccessNode", "RerouteNode", "a.VisualRerouteNode", "VisualWaitNode", "ListFilterNode", "HTTPSuperNode",
		"WebhookTriggerNode", "NoSuchNode", "GoToURLNode", "ConcatenateNode", "CreateListNode",
	}
	ports := []string{
		"exec_out", "exec_in", "out", "in", "body", "loop", "loop_body", "loop_next", "loop_continue", "loop_complete",
		"completed", "true", "result", "value", "items", "list", "try_body", "branch_1", "branch_2", "string_1",
	}
	keys := []string{
		"message", "items", "seconds", "duration", "duration_ms", "timeout", "status", "node_id", "_disabled", "action",
		"paired_start_id", "paired_try_id", "value", "default_value", "type",
	}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, from []string) string { return rapid.SampledFrom(from).Draw(t, label) }
		count := rapid.IntRange(1, 9).Draw(t, "nodes")
		id := func(label string) string {
			return fmt.Sprintf("n%d", rapid.IntRange(0, count).Draw(t, label)) // one beyond: orphans
		}
		scalar := func() any {
			return rapid.SampledFrom([]any{
				nil, "", "GET", "n1", "{{x}}", 1, 2.5, true, "500",
				[]any{1.0, "a"},
				map[string]any{"value": 1},
				map[string]any{"type": "x", "default_value": map[string]any{"value": 2}},
			}).Draw(t, "value")
		}
		typeKey := pick("type key", []string{"node_type", "type", "type_"})
		configKey := pick("config key", []string{"config", "properties", "custom"})
		node := func(i int, withID bool) map[string]any {
			config := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "settings") {
				config[pick("key", keys)] = scalar()
			}
			n := map[string]any{typeKey: pick("type", types), configKey: config}
			if withID {
				n["id"] = fmt.Sprintf("n%d", i)
			}
			if rapid.Bool().Draw(t, "placed") {
				n["position"] = rapid.SampledFrom([]any{[]any{1, 2.5}, map[string]any{"x": 1, "y": 2}, "here"}).Draw(t, "position")
			}
			return n
		}
		body := map[string]any{}
		if rapid.Bool().Draw(t, "list") {
			var list []any
			for i := range count {
				list = append(list, node(i, true))
			}
			body["nodes"] = list
		} else {
			m := map[string]any{}
			for i := range count {
				m[fmt.Sprintf("n%d", i)] = node(i, false)
			}
			body["nodes"] = m
		}
		links := []any{}
		for range rapid.IntRange(0, 14).Draw(t, "links") {
			from, out, to, in := id("from"), pick("out", ports), id("to"), pick("in", ports)
			links = append(links, rapid.SampledFrom([]any{
				map[string]any{"source_node": from, "source_port": out, "target_node": to, "target_port": in},
				map[string]any{"from_node": from, "from_port": out, "to_node": to, "to_port": in},
				map[string]any{"out": []any{from, out}, "in": []any{to, in}},
				map[string]any{"source": from + "." + out, "target": to + "." + in},
			}).Draw(t, "shape"))
		}
		body["connections"] = links
		variables := map[string]any{}
		for i := range rapid.IntRange(0, 4).Draw(t, "variables") {
			variables[fmt.Sprintf("v%d", i)] = scalar()
		}
		body["variables"] = variables
		var whole any = body
		if rapid.Bool().Draw(t, "wrapped") {
			whole = map[string]any{"name": "outer", "workflow": body, "variable_values": map[string]any{"v1": scalar()}}
		}
		data, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}

		doc, err := Parse(data, Options{Catalog: cat})
		if err != nil {
			t.Fatal(err)
		}
		found := Validate(doc, cat, Policy{})
		first, err := Canonical(doc)
		if err != nil {
			return
		}
		again, err := Parse(first, Options{Catalog: cat})
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		second, err := Canonical(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("not stable (%v)\n%s\n%s\n%s", err, data, first, second)
		}
		if a, b := diagnosticText(found.Errors()), diagnosticText(Validate(again, cat, Policy{}).Errors()); a != b {
			t.Fatalf("other errors\n%s\n%s\n%s", first, a, b)
		}
		if a, b := pairText(Pairs(doc)), pairText(Pairs(again)); a != b {
			t.Fatalf("other pairs\n%s\n%s\n%s", first, a, b)
		}
		if a, b := fmt.Sprint(doc.WithStart().Connections), fmt.Sprint(again.WithStart().Connections); a != b {
			t.Fatalf("other links\n%s\n%s\n%s", first, a, b)
		}
	})
}
