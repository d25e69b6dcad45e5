package nodeplace

import (
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// Segment is a stretch of a document that runs in one place, and which place.
type Segment struct {
	workflow.Segment
	Place fleet.PlacedAt // that its nodes ask for
}

// Cut cuts a document where its nodes ask for it, into most segments at most; nil
// if none does.
// With one segment only the placement of all nodes is the news.
func Cut(d *workflow.Document, overrides []fleet.NodeOverride, most int) ([]Segment, error) {
	wish, err := wishes(d, overrides)
	if err != nil || len(wish) == 0 {
		return nil, err
	}
	choice, places, err := choices(wish)
	if err != nil || len(choice) == 0 {
		return nil, err
	}
	segments, err := workflow.Cut(d, choice, most)
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
	out := make([]Segment, len(segments))
	for i, s := range segments {
		out[i] = Segment{s, fleet.PlacedAt{Where: fmt.Sprintf("the placement of node %s", asking(s, choice)), Placement: places[s.Choice]}}
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

// faults are what is wrong with the document of a segment that was not wrong
// with the whole.
func (s *Segment) faults(cat *catalog.Catalog, policy workflow.Policy) workflow.Diagnostics {
	body, err := workflow.Canonical(s.Document)
	if err != nil {
		return workflow.Diagnostics{Finding(s.Document, fleet.Internal(err))}
	}
	read, err := workflow.Parse(body, workflow.Options{Catalog: cat, Limits: policy.Limits})
	if err != nil {
		return workflow.Diagnostics{Finding(s.Document, err)}
	}
	return workflow.Validate(read, cat, policy).Errors()
}
