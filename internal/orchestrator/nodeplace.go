package orchestrator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/workflow"
)

// nodeSetting is an entry of settings.fleet.nodes.
type nodeSetting struct {
	RobotID   fleet.RobotID   `json:"robot_id"`
	Requires  []string        `json:"required_capabilities"`
	SameAs    string          `json:"same_as"`
	Placement json.RawMessage `json:"placement"`
	Reason    string          `json:"reason"`
	Active    *bool           `json:"is_active"`
}

// nodeWish is where one node is to run, and who says so.
type nodeWish struct {
	parts []fleet.PlacedAt
	same  []sameAs
}

type sameAs struct{ where, node string }

// wishes reads where the nodes of a document are to run: from its settings, and
// from what stands beside it.
func wishes(d *workflow.Document, overrides []fleet.NodeOverride) (map[string]*nodeWish, error) {
	out := map[string]*nodeWish{}
	add := func(id, where, same string, p fleet.Placement) error {
		if _, ok := d.Node(id); !ok {
			return unknownNode(where, id)
		}
		w := out[id]
		if w == nil {
			w = &nodeWish{}
			out[id] = w
		}
		p = p.Asked()
		if !p.IsZero() {
			if err := checkPlacement(where, &p); err != nil {
				return err
			}
			w.parts = append(w.parts, fleet.PlacedAt{Where: where, Placement: p})
		}
		if same != "" {
			if _, ok := d.Node(same); !ok {
				return unknownNode(where+".same_as", same)
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

func unknownNode(where, id string) error {
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
	var s nodeSetting
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
func choices(wishes map[string]*nodeWish) (choice map[string]string, places map[string]fleet.Placement, err error) {
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

// part is a segment of a document with all that a job of it needs.
type part struct {
	entry    string
	nodes    []string
	private  []string       // see workflow.Segment
	place    fleet.PlacedAt // of its nodes
	requires fleet.Capabilities
	hash     string
	body     []byte
}

// cut cuts a document where its nodes ask for it; nil if none does. With one
// part only the placement of all nodes is the news.
func (w *Workflows) cut(d *workflow.Document, overrides []fleet.NodeOverride) ([]part, error) {
	wish, err := wishes(d, overrides)
	if err != nil || len(wish) == 0 {
		return nil, err
	}
	choice, places, err := choices(wish)
	if err != nil || len(choice) == 0 {
		return nil, err
	}
	segments, err := workflow.Cut(d, choice, w.Limits.Segments)
	if cut, ok := errors.AsType[*workflow.CutError](err); ok {
		if cut.TooMany {
			return nil, fleet.Errorf(fleet.CodeInvalid, "too_many_segments", "%s", cut.Reason).WithFix("Let neighbours run in one place, or raise limit-segments.")
		}
		e := fleet.Errorf(fleet.CodeInvalid, "placement_cut_forbidden", "%s", cut.Reason)
		e.Fields = []fleet.FieldError{{Field: "settings.fleet.nodes." + cut.Node, Message: "cannot run in a place of its own"}}
		return nil, e
	}
	if err != nil {
		return nil, fleet.Internal(err)
	}
	var out []part
	for _, s := range segments {
		body, err := workflow.Canonical(s.Document)
		if err != nil {
			return nil, fleet.Internal(err)
		}
		hash, err := workflow.Hash(s.Document)
		if err != nil {
			return nil, fleet.Internal(err)
		}
		read, err := workflow.Parse(body, workflow.Options{Catalog: w.Catalog, Limits: w.Limits.Document})
		if err != nil {
			return nil, unreadable(err)
		}
		if found := workflow.Validate(read, w.Catalog, w.Policy); !found.OK() {
			return nil, invalidDocument(found.Errors())
		}
		requires, err := fleet.NewCapabilities(workflow.Require(read).Capabilities...)
		if err != nil {
			return nil, err
		}
		out = append(out, part{
			entry: s.Entry, nodes: s.Nodes, private: s.Private, requires: requires, hash: hash, body: body,
			place: fleet.PlacedAt{Where: fmt.Sprintf("the placement of node %s", asking(s, choice)), Placement: places[s.Choice]},
		})
	}
	return out, nil
}

// asking is the first node of a segment that asks for its place.
func asking(s workflow.Segment, choice map[string]string) string {
	for _, id := range s.Nodes {
		if choice[id] != "" {
			return id
		}
	}
	return s.Entry
}

// cuts remembers how documents are cut, by what they are and by what stands
// beside them: the same always gives the same.
type cuts struct {
	mu   sync.Mutex
	list map[cutKey][]part
	size int // bytes of what the parts run
}

type cutKey struct{ hash, overrides string }

// What is remembered at most; beyond it all is forgotten.
const (
	cutsMost  = 16_384
	cutsBytes = 64 << 20
)

func (c *cuts) get(k cutKey) ([]part, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.list[k]
	return p, ok
}

func (c *cuts) put(k cutKey, p []part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.list[k]; known { // the same as before
		return
	}
	size := 0
	for i := range p {
		size += len(p[i].body)
	}
	if c.list == nil || len(c.list) >= cutsMost || c.size+size > cutsBytes {
		c.list, c.size = map[cutKey][]part{}, 0
	}
	c.list[k], c.size = p, c.size+size
}

// overrideText is what of overrides decides.
func overrideText(overrides []fleet.NodeOverride) string {
	var b bytes.Buffer
	for _, o := range overrides {
		if o.Active {
			fmt.Fprintf(&b, "%q %q %s\n", o.NodeID, o.SameAs, o.Whole().Text())
		}
	}
	return b.String()
}
