package workflow

import (
	"slices"
	"strings"

	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Requirements is what a robot must offer to run a document.
type Requirements struct {
	Capabilities []string            // sorted; derived and demanded ones together
	Derived      map[string][]string // capability → nodes that need it, in file order
	Demanded     []string            // named in settings.fleet.placement.capabilities
	Foreign      []string            // ids of nodes that only an executor could run
}

// Effect says whether a node acts on the outside world and must therefore not
// run twice: the document decides if settings.fleet.effects names the node, else
// its type does. A method that is only known when the node runs counts as one
// that writes.
func (d *Document) Effect(n *Node) bool {
	if effect, said := d.Fleet.Effects[n.ID]; said {
		return effect
	}
	if n.Spec == nil {
		return false
	}
	switch n.Spec.Effect {
	case catalog.AlwaysEffect:
		return true
	case catalog.MethodEffect:
		return !reads(n)
	case catalog.NoEffect:
	}
	return false
}

// reads tells whether the HTTP method of a node leaves things as they are.
func reads(n *Node) bool {
	for _, name := range []string{"action", "method"} {
		p, ok := n.Spec.Property(name)
		if !ok {
			continue
		}
		v, set := n.Setting(name)
		if !set || v == "" {
			v = p.Default
		}
		switch strings.ToUpper(value.Str(v)) {
		case "GET", "HEAD", "OPTIONS", "GET REQUEST", "DOWNLOAD FILE", "CONFIGURE AUTH":
			return true
		}
		return false
	}
	return false
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
