package nodeplace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// chain is a flow of nodes one after another, with what is said of their places.
func chain(settings string, nodes ...string) string {
	var b, links strings.Builder
	for i, id := range nodes {
		kind := "LogNode"
		if i == 0 {
			kind = "StartNode"
		} else {
			fmt.Fprintf(&links, `,{"source_node":%q,"source_port":"exec_out","target_node":%q,"target_port":"exec_in"}`, nodes[i-1], id)
		}
		fmt.Fprintf(&b, `,%q:{"node_id":%q,"node_type":%q,"config":{"message":"m"}}`, id, id, kind)
	}
	return fmt.Sprintf(`{"nodes":{%s},"connections":[%s],"settings":{"fleet":%s}}`, b.String()[1:], strings.TrimPrefix(links.String(), ","), settings)
}

// TestValidateTellsTheSegments: a valid document comes with the stretches that
// its places cut it into, and what each of them asks for.
func TestValidateTellsTheSegments(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, doc string
		most      int
		want      []string // entry: nodes (placement)
		fault     string
	}{
		{"not placed", chain(`{}`, "s", "a", "b"), 50, nil, ""},
		{
			"all in one place", chain(`{"nodes":{"a":{"robot_id":"r1"},"b":{"robot_id":"r1"}}}`, "s", "a", "b"), 50,
			[]string{`s: s a b {"target_robot_id":"r1"}`},
			"",
		},
		{
			"there and back", chain(`{"nodes":{"b":{"robot_id":"r1"},"c":{"required_capabilities":["gpu"]},"d":{"same_as":"b"}}}`, "s", "a", "b", "c", "d"), 50,
			[]string{`s: s a `, `b: b {"target_robot_id":"r1"}`, `c: c {"capabilities":["gpu"]}`, `d: d {"target_robot_id":"r1"}`},
			"",
		},
		{"switched off", chain(`{"nodes":{"b":{"robot_id":"r1","is_active":false}}}`, "s", "a", "b"), 50, nil, ""},
		{"too many", chain(`{"nodes":{"b":{"robot_id":"r1"},"c":{"robot_id":"r2"}}}`, "s", "a", "b", "c"), 2, nil, "TOO_MANY_SEGMENTS "},
		{"a ring", chain(`{"nodes":{"a":{"same_as":"b"},"b":{"same_as":"a"}}}`, "s", "a", "b"), 50, nil, "PLACEMENT_CONFLICT "},
		{"a faulty fallback", chain(`{"nodes":{"a":{"placement":{"fallback":[{"fail":true}]}}}}`, "s", "a", "b"), 50, nil, "INVALID_FIELD a"},
		{"the workflow's own", chain(`{"placement":{"fallback":[{"match":{}}]}}`, "s", "a"), 50, nil, "INVALID_FIELD "},
	} {
		doc, err := workflow.Parse([]byte(c.doc), workflow.Options{Catalog: cat})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		found, segments := nodeplace.Validate(doc, cat, workflow.Policy{}, c.most)
		fault := ""
		if errs := found.Errors(); len(errs) > 0 {
			fault = string(errs[0].Code) + " " + errs[0].NodeID
		}
		var got []string
		for _, s := range segments {
			got = append(got, fmt.Sprintf("%s: %s %s", s.Entry, strings.Join(s.Nodes, " "), s.Placement.Text()))
		}
		if fault != c.fault || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q %q, want %q %q", c.name, fault, got, c.fault, c.want)
		}
	}
}
