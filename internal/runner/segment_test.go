package runner_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// Random programs end with the same variables whether one run takes them to the
// end or each segment is a run of its own that is handed what the one before
// left, as JSON.
func TestSegmentsEndAsTheWholeDoes(t *testing.T) {
	r, cfg := setup(t, nil)
	cut := 0
	rapid.Check(t, func(rt *rapid.T) {
		all := value.MapOf("s", node("s", "StartNode"))
		var links []any
		link := func(from, out, to, in string) {
			links = append(links, value.MapOf("source_node", from, "source_port", out, "target_node", to, "target_port", in))
		}
		choice := map[string]string{}
		count := 0
		var makers []string // nodes of the outermost level that have a value
		add := func(typ string, config ...any) string {
			count++
			id := fmt.Sprint("n", count)
			all.Set(id, node(id, typ, config...))
			return id
		}
		place := func(ids ...string) {
			where := rapid.SampledFrom([]string{"", "desk", "web"}).Draw(rt, "place")
			for _, id := range ids {
				if where != "" {
					choice[id] = where
				}
			}
		}
		name := func() string { return fmt.Sprint("v", rapid.IntRange(0, 3).Draw(rt, "variable")) }
		at, out := "s", "exec_out"
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"set", "set", "copy", "count", "if", "loop"}).Draw(rt, "kind") {
			case "set":
				id := add("SetVariableNode", "variable_name", name(), "default_value", fmt.Sprintf("%d and {{%s}}", count, name()))
				link(at, out, id, "exec_in")
				if len(makers) > 0 && rapid.Bool().Draw(rt, "linked") { // perhaps from another segment
					link(rapid.SampledFrom(makers).Draw(rt, "from"), "value", id, "value")
				}
				makers = append(makers, id)
				place(id)
				at, out = id, "exec_out"
			case "copy":
				get := add("GetVariableNode", "variable_name", name()) // runs when its value is needed
				id := add("SetVariableNode", "variable_name", name())
				link(at, out, id, "exec_in")
				link(get, "value", id, "value")
				makers = append(makers, id)
				place(id)
				at, out = id, "exec_out"
			case "count":
				id := add("IncrementVariableNode", "variable_name", "n")
				link(at, out, id, "exec_in")
				makers = append(makers, id)
				place(id)
				at, out = id, "exec_out"
			case "if":
				id := add("IfNode", "expression", fmt.Sprintf("len(str({{n}})) %% 2 == %d", count%2))
				yes := add("SetVariableNode", "variable_name", name(), "default_value", "yes")
				no := add("SetVariableNode", "variable_name", name(), "default_value", "no {{n}}")
				meet := add("MergeNode")
				link(at, out, id, "exec_in")
				link(id, "true", yes, "exec_in")
				link(id, "false", no, "exec_in")
				link(yes, "exec_out", meet, "exec_in")
				link(no, "exec_out", meet, "exec_in")
				place(id)
				at, out = meet, "exec_out"
			case "loop":
				id := add("ForLoopStartNode", "mode", "range", "end", 3)
				body := add("IncrementVariableNode", "variable_name", "n")
				end := add("ForLoopEndNode", "paired_start_id", id)
				link(at, out, id, "exec_in")
				link(id, "body", body, "exec_in")
				link(body, "exec_out", end, "exec_in")
				place(id)
				at, out = id, "completed"
			}
		}
		last := add("LogNode", "message", "{{v0}}")
		link(at, out, last, "exec_in")
		text, err := value.Marshal(value.MapOf("nodes", all, "connections", links, "variables", value.MapOf("n", 0, "v0", value.MapOf("deep", []any{1, 2.5, nil, "ä"}))))
		if err != nil {
			rt.Fatal(err)
		}
		doc, err := workflow.Parse(text, workflow.Options{Catalog: cfg.Catalog})
		if err != nil {
			rt.Fatal(err)
		}
		parts, err := workflow.Cut(doc, choice, 50)
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		cut += len(parts) - 1
		given, err := value.Parse([]byte(`{"v1":[true,{"x":1}]}`))
		if err != nil {
			rt.Fatal(err)
		}
		run := func(document []byte, variables *value.Map) json.RawMessage {
			out, err := r.Run(t.Context(), runner.Job{ID: "j", Document: document, Variables: variables}, nil, nil)
			if err != nil || !out.Success {
				rt.Fatalf("%v %+v\n%s", err, out, document)
			}
			left, err := out.Variables.MarshalJSON()
			if err != nil {
				rt.Fatal(err)
			}
			return left
		}
		want := run(text, given.(*value.Map))
		variables := given.(*value.Map)
		var got json.RawMessage
		for _, p := range parts {
			body, err := workflow.Canonical(p.Document)
			if err != nil {
				rt.Fatal(err)
			}
			got = run(body, variables)
			next, problem := fleet.HandOver([]byte(`{"variables":` + string(got) + `}`))
			if problem != "" {
				rt.Fatal(problem)
			}
			v, err := value.Parse(next)
			if err != nil {
				rt.Fatal(err)
			}
			variables = v.(*value.Map)
		}
		var a, b any
		if json.Unmarshal(want, &a) != nil || json.Unmarshal(got, &b) != nil {
			rt.Fatal("no JSON")
		}
		if diff := cmp.Diff(a, b); diff != "" {
			rt.Fatalf("in %d segments it ends otherwise (-whole +segments):\n%s\n%s\n%v", len(parts), diff, text, choice)
		}
	})
	if cut == 0 {
		t.Error("nothing was ever cut")
	}
}
