package nodeplace

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/workflow"
)

// setting is an entry of settings.fleet.nodes.
type setting struct {
	RobotID   fleet.RobotID   `json:"robot_id"`
	Requires  []string        `json:"required_capabilities"`
	SameAs    string          `json:"same_as"`
	Placement json.RawMessage `json:"placement"`
	Reason    string          `json:"reason"`
	Active    *bool           `json:"is_active"`
}

// wish is where one node is to run, and who says so.
type wish struct {
	parts []fleet.PlacedAt
	same  []sameAs
}

type sameAs struct{ where, node string }

// wishes reads where the nodes of a document are to run: from its settings, and
// from what stands beside it.
func wishes(d *workflow.Document, overrides []fleet.NodeOverride) (map[string]*wish, error) {
	out := map[string]*wish{}
	add := func(id, where, same string, p fleet.Placement) error {
		if _, ok := d.Node(id); !ok {
			return UnknownNode(where, id)
		}
		w := out[id]
		if w == nil {
			w = &wish{}
			out[id] = w
		}
		p = p.Asked()
		if !p.IsZero() {
			if err := Check(where, &p); err != nil {
				return err
			}
			w.parts = append(w.parts, fleet.PlacedAt{Where: where, Placement: p})
		}
		if same != "" {
			if _, ok := d.Node(same); !ok {
				return UnknownNode(where+".same_as", same)
			}
			w.same = append(w.same, sameAs{where, same})
		}
		return nil
	}
	for id, v := range d.Fleet.Nodes.All() {
		where := "settings.fleet.nodes." + id
		p, same, active, err := readNode(where, v)
		if err != nil {
			return nil, err
		}
		if active {
			if err := add(id, where, same, p); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range overrides {
		if !o.Active {
			continue
		}
		if err := add(o.NodeID, "the override of node "+o.NodeID, o.SameAs, o.Whole()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// UnknownNode refuses a node that a workflow does not have.
func UnknownNode(where, id string) error {
	e := fleet.Errorf(fleet.CodeInvalid, "unknown_node", "%s names the node %.80q, which the workflow does not have.", where, id)
	e.Fields = []fleet.FieldError{{Field: where, Message: "is no node of the workflow"}}
	return e
}

// readNode reads one entry of settings.fleet.nodes.
func readNode(where string, v any) (p fleet.Placement, same string, active bool, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return p, "", false, fleet.Internal(err)
	}
	strict := func(text []byte, into any) error {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			return fleet.Invalid(where, "%s cannot be read: %s.", where, err)
		}
		return nil
	}
	var s setting
	if err := strict(text, &s); err != nil {
		return p, "", false, err
	}
	inner := struct {
		fleet.Placement
		SameAs string `json:"same_as"`
	}{}
	if len(s.Placement) > 0 {
		if err := strict(s.Placement, &inner); err != nil {
			return p, "", false, err
		}
	}
	if s.SameAs != "" && inner.SameAs != "" && s.SameAs != inner.SameAs {
		return p, "", false, sameConflict(where, s.SameAs, where+".placement", inner.SameAs)
	}
	words, err := fleet.NewCapabilities(s.Requires...)
	if err != nil {
		return p, "", false, err
	}
	p, err = fleet.MergePlacements(
		fleet.PlacedAt{Where: where, Placement: fleet.Placement{Target: s.RobotID, Capabilities: words}},
		fleet.PlacedAt{Where: where + ".placement", Placement: inner.Placement},
	)
	if s.SameAs == "" {
		s.SameAs = inner.SameAs
	}
	return p, s.SameAs, s.Active == nil || *s.Active, err
}

func sameConflict(where, node, other, otherNode string) error {
	return fleet.Errorf(fleet.CodeInvalid, "placement_conflict", "same_as is %.80q in %s and %.80q in %s.", node, where, otherNode, other).
		WithFix("Leave it out in one of the two places.")
}

// choices joins what is said of each node. Nodes with one placement have one word.
func choices(wishes map[string]*wish) (choice map[string]string, places map[string]fleet.Placement, err error) {
	choice, places = map[string]string{}, map[string]fleet.Placement{}
	done := map[string]fleet.Placement{}
	var of func(id string, path []string) (fleet.Placement, error)
	of = func(id string, path []string) (p fleet.Placement, err error) {
		w := wishes[id]
		if w == nil {
			return p, nil
		}
		if p, ok := done[id]; ok {
			return p, nil
		}
		if slices.Contains(path, id) {
			return p, fleet.Errorf(fleet.CodeInvalid, "placement_conflict", "Node %s is to run where it runs itself: same_as leads in a ring.", id).WithFix("Name a robot or a demand for one of the nodes.")
		}
		parts := w.parts
		for i, s := range w.same {
			if s.node != w.same[0].node {
				return p, sameConflict(w.same[0].where, w.same[0].node, s.where, s.node)
			}
			if i > 0 {
				continue
			}
			other, err := of(s.node, append(path, id))
			if err != nil {
				return p, err
			}
			parts = append([]fleet.PlacedAt{{Where: "node " + s.node, Placement: other}}, parts...)
		}
		if p, err = fleet.MergePlacements(parts...); err == nil {
			done[id] = p
		}
		return p, err
	}
	for _, id := range slices.Sorted(maps.Keys(wishes)) { // the first fault is always the same
		p, err := of(id, nil)
		if err != nil {
			return nil, nil, err
		}
		if text := p.Text(); text != "" {
			choice[id], places[text] = text, p
		}
	}
	return choice, places, nil
}
