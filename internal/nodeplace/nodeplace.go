package nodeplace

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// Validate is [workflow.Validate] with what placement would refuse besides, and
// tells how the places cut a document with which nothing is wrong. A document
// that is not cut has no segments.
func Validate(d *workflow.Document, cat *catalog.Catalog, policy workflow.Policy, most int) (workflow.Diagnostics, []fleet.SegmentPlan) {
	found := workflow.Validate(d, cat, policy)
	if !found.OK() {
		return found, nil
	}
	if _, err := Workflow(d); err != nil {
		return append(found, Finding(d, err)), nil
	}
	segments, err := Cut(d, nil, most)
	if err != nil {
		return append(found, Finding(d, err)), nil
	}
	var out []fleet.SegmentPlan
	for _, s := range segments {
		if faults := s.faults(cat, policy); len(faults) > 0 {
			return append(found, faults...), nil
		}
		out = append(out, fleet.SegmentPlan{Entry: s.Entry, Nodes: s.Nodes, Placement: s.Place.Placement})
	}
	return found, out
}

// Finding is a placement that would be refused when the document is stored or
// run, at the node that it is about.
func Finding(d *workflow.Document, err error) workflow.Diagnostic {
	e := fleet.AsError(err)
	out := workflow.Diagnostic{Code: workflow.Code(strings.ToUpper(e.Reason)), Severity: workflow.Error, Message: e.Message, Hint: e.Fix}
	for _, f := range e.Fields {
		id, ok := strings.CutPrefix(f.Field, "settings.fleet.nodes.")
		if !ok {
			continue
		}
		for id != "" { // what follows it is a field of the entry
			if _, known := d.Node(id); known {
				out.NodeID = id
				break
			}
			id = id[:max(strings.LastIndexByte(id, '.'), 0)]
		}
	}
	return out
}

// Workflow reads settings.fleet.placement of a document. Its capabilities
// are among what the document requires.
func Workflow(d *workflow.Document) (p fleet.Placement, err error) {
	if d.Fleet.Placement == nil {
		return p, nil
	}
	const field = "settings.fleet.placement"
	text, err := json.Marshal(d.Fleet.Placement)
	if err != nil {
		return p, fleet.Internal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, fleet.Invalid(field, "%s cannot be read: %s.", field, err)
	}
	p = p.Asked()
	p.Capabilities = nil
	return p, Check(field, &p)
}

// Check checks the shape of a placement and its conditions.
func Check(field string, p *fleet.Placement) error {
	if err := p.Validate(field); err != nil {
		return err
	}
	lists := [][]fleet.Comparison{p.Facts}
	if p.Avoid != nil {
		lists = append(lists, p.Avoid.Facts)
	}
	for i := range p.Prefer {
		lists = append(lists, p.Prefer[i].Match.Facts)
	}
	for i := range p.Fallback {
		lists = append(lists, p.Fallback[i].Match.Facts)
	}
	for _, list := range lists {
		if err := placement.CheckConditions(field, list); err != nil {
			return err
		}
	}
	return nil
}
