package workflow

import (
	"slices"

	"github.com/casarerpa/fleet/workflow/catalog"
)

// Requirements is what a robot must offer to run a document.
type Requirements struct {
	Capabilities []string            // sorted; derived and demanded ones together
	Derived      map[string][]string // capability → nodes that need it, in file order
	Demanded     []string            // named in settings.fleet.placement.capabilities
	Foreign      []string            // ids of nodes that only an executor could run
}

// Require finds the requirements of a document. Demands that follow from the
// node types are left out when settings.fleet.derive is false; disabled nodes
// demand nothing.
func Require(d *Document) Requirements {
	req := Requirements{Derived: map[string][]string{}}
	for _, n := range d.Nodes {
		if n.Disabled {
			continue
		}
		if n.Spec == nil || n.Spec.Support != catalog.Native {
			req.Foreign = append(req.Foreign, n.ID)
		}
		if n.Spec != nil && n.Spec.Capability != "" && d.Fleet.Derive {
			req.Derived[n.Spec.Capability] = append(req.Derived[n.Spec.Capability], n.ID)
		}
	}
	if d.Fleet.Placement != nil {
		list, _ := get(d.Fleet.Placement, "capabilities").([]any)
		for _, item := range list {
			if s, ok := item.(string); ok && s != "" {
				req.Demanded = append(req.Demanded, s)
			}
		}
	}
	req.Capabilities = append(req.Capabilities, req.Demanded...)
	for c := range req.Derived {
		req.Capabilities = append(req.Capabilities, c)
	}
	slices.Sort(req.Capabilities)
	req.Capabilities = slices.Compact(req.Capabilities)
	return req
}
